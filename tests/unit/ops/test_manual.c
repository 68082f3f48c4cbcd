/* man/picketd.8 names every metric that is exposed, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "sample.h"

#define PAGE "man/picketd.8"

/* The page between ".Sh METRICS" and the next section. */
static struct str metrics_section(struct buf *page)
{
	struct err err;
	struct str s;

	buf_init(page, 0);
	if (file_read(PAGE, 1 << 20, page, &err) != E_OK)
		fail_msg("%s (run from the top of the source tree)", err.text);
	s = str_from(buf_view(page), str_find(buf_view(page), STR(".Sh METRICS\n")));
	assert_true(s.n > 0);
	return str_first(s, str_find(s, STR("\n.Sh ")));
}

static bool has_line(struct str text, struct str want)
{
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		if (str_eq(line, want))
			return true;
	}
	return false;
}

static void every_metric_is_in_the_manual_and_the_other_way_round(void **state)
{
	struct sample s;
	struct buf page, out = BUF_INIT, want = BUF_INIT;
	struct str section = metrics_section(&page), rest, line;

	(void)state;
	sample_init(&s);
	metrics_write(&s.view, &out);
	rest = buf_view(&out);
	while (str_cut(&rest, '\n', &line)) {
		struct str name = str_from(line, 7);

		if (!str_starts(line, STR("# TYPE ")))
			continue;
		name = str_first(name, str_find_char(name, ' '));
		buf_clear(&want);
		buf_printf(&want, ".It Li %.*s", STR_ARG(name));
		if (!has_line(section, buf_view(&want)))
			fail_msg("the manual lacks: %.*s", STR_ARG(name));
	}
	while (str_cut(&section, '\n', &line)) {
		if (!str_starts(line, STR(".It Li ")))
			continue;
		buf_clear(&want);
		buf_printf(&want, "\n# TYPE %.*s ", STR_ARG(str_from(line, 7)));
		if (str_find(buf_view(&out), buf_view(&want)) == out.n)
			fail_msg("there is no such metric: %.*s", STR_ARG(line));
	}
	buf_fini(&want);
	buf_fini(&out);
	buf_fini(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_metric_is_in_the_manual_and_the_other_way_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
