/* Expressions: refused with a sentence, or run within bounds; matches lie in the
 * text, follow each other, and do not cut characters.
 *
 * Input: the expression, a line feed, the text.
 */
#include <stdlib.h>

#include "scrub/pattern.h"

#define must(cond) ((cond) ? (void)0 : abort())

static bool is_start(struct str s, size_t at)
{
	return at == s.n || ((unsigned char)s.p[at] & 0xc0) != 0x80;
}

static void run(const struct pattern *p, struct str text, bool bytes)
{
	struct matcher *m;
	struct match_iter it;
	enum match_end end;
	size_t at = 0;
	size_t count = 0;

	must(matcher_new(&m, 5000) == E_OK);
	match_begin(&it, m, p, text, bytes);
	while ((end = match_next(&it)) == MATCH_FOUND) {
		must(it.of[0].from >= at && it.of[0].from <= it.of[0].to && it.of[0].to <= text.n);
		for (uint32_t g = 0; g < it.groups; g++)
			if (it.of[g].taken)
				must(it.of[g].from <= it.of[g].to && it.of[g].to <= text.n &&
					(bytes || (is_start(text, it.of[g].from) &&
							  is_start(text, it.of[g].to))));
		at = it.of[0].to;
		must(++count <= text.n + 1);
	}
	must(end == MATCH_NONE || matcher_limit_hits(m) > 0);
	matcher_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make((const char *)data, size);
	size_t line = str_find_char(in, '\n');
	struct str text = line < in.n ? str_from(in, line + 1) : STR("");
	struct err err = {0};
	struct pattern *p;

	if (size > 4096)
		return 0;
	if (pattern_new(&p, str_first(in, line),
		    data != NULL && (size & 1) != 0 ? PATTERN_CASELESS : 0, &err) != E_OK) {
		must(err.text[0] != '\0');
		return 0;
	}
	run(p, text, true);
	if (str_is_utf8(text))
		run(p, text, false);
	pattern_free(p);
	return 0;
}
