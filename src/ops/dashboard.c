/* GET /: the dashboard.
 *
 * The page is written as dashboard.html next to this file, so that it can be
 * edited and looked at as what it is; the assembler puts its bytes into the
 * program. It is self-contained: no script, style, font or image from
 * elsewhere, and the only request it makes is for "status" beside it.
 */
#include "ops/view.h"

/* A blob, not a C string: ISO C allows string literals of 4095 bytes only. */
__asm__(".pushsection .rodata\n"
	".globl picket_dashboard_html\n"
	".hidden picket_dashboard_html\n"
	"picket_dashboard_html:\n"
	".incbin \"src/ops/dashboard.html\"\n"
	".globl picket_dashboard_html_end\n"
	".hidden picket_dashboard_html_end\n"
	"picket_dashboard_html_end:\n"
	".byte 0\n"
	".popsection\n");

extern const char picket_dashboard_html[] __attribute__((visibility("hidden")));
extern const char picket_dashboard_html_end[] __attribute__((visibility("hidden")));

void dashboard_write(struct buf *out)
{
	buf_add(out, picket_dashboard_html,
		(size_t)((uintptr_t)picket_dashboard_html_end - (uintptr_t)picket_dashboard_html));
}
