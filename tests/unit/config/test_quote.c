#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/quote.h"

static void quoted(struct str text, const char *want)
{
	char out[QUOTE_BYTES];

	assert_string_equal(quote(out, text), want);
}

static void control_characters_are_spelled(void **state)
{
	(void)state;
	quoted(STR(""), "\"\"");
	quoted(STR("a\n\t\033\x7f\0b"), "\"a\\n\\t\\x1b\\x7f\\x00b\"");
	quoted(STR("\xc3\xa4\xe2\x82\xac"), "\"\xc3\xa4\xe2\x82\xac\"");
}

static void long_text_is_cut_between_characters(void **state)
{
	char text[244];
	char out[QUOTE_BYTES];

	(void)state;
	/* skip shifts the place of the cut within a character. */
	for (size_t skip = 0; skip < 4; skip++) {
		size_t n;

		memset(text, 'x', skip);
		for (size_t i = skip; i + 4 <= sizeof text; i += 4)
			memcpy(text + i, "\xf0\x9f\x92\xa9", 4);
		(void)quote(out, str_make(text, skip + 4 * 60));
		n = strlen(out);
		assert_true(n < QUOTE_BYTES);
		assert_string_equal(out + n - 4, "...\"");
		assert_true(str_is_utf8(str_make(out, n)));
	}
	/* A character that is cut off at the end of the text. */
	quoted(STR("\xf0\x9f"), "\"\xf0\x9f\"");
}

static void masked(const char *url, bool all, const char *want)
{
	struct buf out = BUF_INIT;

	mask_url(&out, str_of(url), all);
	buf_char(&out, '\0');
	assert_true(buf_ok(&out));
	assert_string_equal(out.p, want);
	buf_fini(&out);
}

static void only_host_and_path_of_a_url_are_shown(void **state)
{
	(void)state;
	masked("https://key@host/42", true, "https://****@host/42");
	masked("https://key:pass@host:1/a/42", true, "https://****@host:1/a/42");
	masked("https://a@b@host/x@y", true, "https://****@host/x@y");
	masked("https://host/42", true, "https://host/42");
	masked("secret", true, "****");
	masked("", true, "");
	masked("plain", false, "plain");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_spelled),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(only_host_and_path_of_a_url_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
