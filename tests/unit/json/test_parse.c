/* What is JSON and what is not. Covers P-118: none of the texts that strict
 * parsers refuse may cost an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "doc_util.h"

struct verdict {
	struct str text;
	bool ok;
};

/* clang-format off */
#define YES(lit) {LIT(lit), true}
#define NO(lit)  {LIT(lit), false}
/* clang-format on */

static const struct verdict verdicts[] = {
	YES("{}"),
	YES("[]"),
	YES(" \t\r\n{ } \n"),
	YES("[ ]"),
	YES("null"),
	YES("true"),
	YES("false"),
	YES("0"),
	YES("-0"),
	YES("10"),
	YES("-1.5e+10"),
	YES("1E5"),
	YES("1e-5"),
	YES("0.0"),
	YES("0e0"),
	YES("\"\""),
	YES("[1,2,3]"),
	YES("[[],[[]],{}]"),
	YES("{\"a\":1,\"a\":2}"),
	YES("{\"\":\"\"}"),
	YES("{ \"a\" : [ 1 , 2 ] , \"b\" : null }"),
	YES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\""),
	YES("\"\\uD83D\\uDE00\""),
	/* what strict parsers refuse (P-118) */
	YES("\"\\ud800\""),
	YES("\"\\udc00\\ud800\""),
	YES("\"\\ud800\\u0041\""),
	YES("18446744073709551616"),
	YES("-99999999999999999999999999999"),
	YES("1e400"),
	YES("1e99999999999999999999"),
	YES("\"\\u0000\""),
	YES("{\"a\\u0000b\":1}"),
	YES("\"a\0b\""),
	YES("\"a\nb\tc\x7f\""),
	YES("\"\xff\xfe\""),
	YES("\"\xc3\""),
	YES("{\"\xed\xa0\x80\":\"\xc0\x80\"}"),
	YES("{\"a\nb\":1}"),
	/* what RFC 8259 refuses */
	NO(""),
	NO(" "),
	NO("{"),
	NO("["),
	NO("}"),
	NO("]"),
	NO("{]"),
	NO("[}"),
	NO("[1}"),
	NO("{\"a\":1]"),
	NO("[1,]"),
	NO("[,1]"),
	NO("[1,,2]"),
	NO("[1 2]"),
	NO("{,}"),
	NO("{\"a\":1,}"),
	NO("{\"a\"}"),
	NO("{\"a\":}"),
	NO("{\"a\" 1}"),
	NO("{a:1}"),
	NO("{1:1}"),
	NO("{'a':1}"),
	NO("['a']"),
	NO("{\"a\":1 \"b\":2}"),
	NO("{\"a\"::1}"),
	NO("{\"a\":1,,}"),
	NO("NaN"),
	NO("Infinity"),
	NO("-Infinity"),
	NO("nul"),
	NO("nulL"),
	NO("truE"),
	NO("tru"),
	NO("True"),
	NO("fals"),
	NO("falsy"),
	NO("truee"),
	NO("01"),
	NO("-01"),
	NO("00"),
	NO("+1"),
	NO("-"),
	NO("--1"),
	NO(".5"),
	NO("1."),
	NO("1.e5"),
	NO("1e"),
	NO("1e+"),
	NO("1e5.5"),
	NO("0x10"),
	NO("1a"),
	NO("1 1"),
	NO("\""),
	NO("\"a"),
	NO("\"\\\""),
	NO("\"\\"),
	NO("\"\\x41\""),
	NO("\"\\u12\""),
	NO("\"\\u12G4\""),
	NO("\"\\u123"),
	NO("\"\\U0041\""),
	NO("\"\\a\""),
	NO("\"\\'\""),
	NO("{} {}"),
	NO("{}x"),
	NO("[]]"),
	NO("1,"),
	NO("\"a\" \"b\""),
	NO("/* */1"),
	NO("1//"),
	NO("\xef\xbb\xbf{}"),
	NO("\x0b{}"),
	NO("\xa0{}"),
	NO("[\0]"),
	NO("{}\0"),
	NO("\0"),
	NO("[1\f]"),
	NO("[\"a\",\n\"b]"),
	NO("{\"a\":{\"b\":[1,2}}"),
};

static int parse_copy(struct str text, char **kept, struct arena *a, struct json_doc **d)
{
	/* A copy of exactly that size: a byte read past the end is caught. */
	*kept = malloc(text.n + (text.n == 0));
	assert_non_null(*kept);
	memcpy(*kept, text.p, text.n);
	return json_parse(d, a, str_make(*kept, text.n), NULL, NULL);
}

static void writes_back(struct json_doc *d, struct str want)
{
	struct buf b = BUF_INIT;

	json_write(d, json_root(d), &b);
	assert_true(buf_ok(&b));
	assert_true(str_eq(buf_view(&b), want));
	buf_fini(&b);
}

static void verdicts_are_those_of_the_grammar(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct json_doc *d = NULL;
		char *kept;
		int rc = parse_copy(verdicts[i].text, &kept, a, &d);

		if (rc != (verdicts[i].ok ? E_OK : E_SYNTAX))
			fail_msg("verdict %d on: %.*s", rc, STR_ARG(verdicts[i].text));
		if (rc == E_OK)
			writes_back(d, str_trim(str_make(kept, verdicts[i].text.n)));
		free(kept);
		arena_free(a);
	}
}

/* Every text cut short is refused, and nothing past the cut is read. */
static void a_cut_text_is_refused_at_every_length(void **state)
{
	static const struct str text =
		LIT("{\"key\\u0041\":[1.5e10,true,false,null,\"\\ud83d\\ude00 a "
		    "longer piece of text\",{\"a\":{}}]}");
	size_t n;

	(void)state;
	for (n = 0; n < text.n; n++) {
		struct arena *a = arena_new(0, 0);
		struct json_doc *d = NULL;
		char *kept;

		assert_int_equal(parse_copy(str_first(text, n), &kept, a, &d), E_SYNTAX);
		free(kept);
		arena_free(a);
	}
}

static void the_error_names_the_byte(void **state)
{
	struct arena *a = arena_new(0, 0);
	struct json_doc *d = NULL;
	struct err err;

	(void)state;
	assert_int_equal(json_parse(&d, a, STR("{\"a\":[1,2,x]}"), NULL, &err), E_SYNTAX);
	assert_string_equal(err.text, "not JSON at byte 10: a value was expected");
	assert_int_equal(json_parse(&d, a, STR("{} {}"), NULL, &err), E_SYNTAX);
	assert_non_null(strstr(err.text, "byte 3"));
	assert_int_equal(json_parse(&d, a, STR("[\"ab\\x\"]"), NULL, &err), E_SYNTAX);
	assert_non_null(strstr(err.text, "byte 4"));
	assert_int_equal(json_parse(&d, a, STR("{\n\n \"a\": ]"), NULL, &err), E_SYNTAX);
	assert_non_null(strstr(err.text, "byte 9 (line 3, column 7)"));
	arena_free(a);
}

/* protocol.md 6.2, steps 2 and 3 */
static void the_first_value_tells_how_long_it_is(void **state)
{
	static const struct {
		struct str text;
		size_t used;
		const char *raw;
	} cases[] = {
		{LIT("{\"a\":1}\n{\"b\":2}"), 7, "{\"a\":1}"},
		{LIT(" \n {} garbage"), 5, "{}"},
		{LIT("12 34"), 2, "12"},
		{LIT("12,"), 2, "12"},
		{LIT("\"a\"\"b\""), 3, "\"a\""},
		{LIT("[]"), 2, "[]"},
		{LIT("null\0\xff"), 4, "null"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct json_doc *d = NULL;
		size_t used = 0;

		assert_int_equal(json_parse_first(&d, a, cases[i].text, NULL, &used, NULL), E_OK);
		assert_int_equal(used, cases[i].used);
		assert_true(str_eq(json_raw(d, json_root(d)), str_of(cases[i].raw)));
		writes_back(d, str_of(cases[i].raw));
		arena_free(a);
	}
}

static void a_broken_first_value_is_refused(void **state)
{
	static const char *const texts[] = {"", "\n", "x", "{\"a\":1", "01", "-x", "1.x", "{]}"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct json_doc *d = NULL;
		size_t used = 99;

		assert_int_equal(
			json_parse_first(&d, a, str_of(texts[i]), NULL, &used, NULL), E_SYNTAX);
		assert_int_equal(used, 99);
		arena_free(a);
	}
}

/* The corpus of texts seen from SDKs, or close to them (P-118). */
static void what_jansson_refuses_is_kept_byte_for_byte(void **state)
{
	static const char *const names[] = {"lone_surrogate_high", "lone_surrogate_low",
		"surrogates_swapped", "integer_2_64", "integer_40_digits", "exponent_400",
		"exponent_huge", "nul_in_string", "nul_in_key", "invalid_utf8", "overlong_utf8",
		"utf8_surrogate", "control_characters", "truncated_utf8_in_key"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		char path[128], bytes[4096];
		struct arena *a = arena_new(0, 0);
		struct json_doc *d = NULL;
		json_t *strict;
		FILE *f;
		size_t n;

		(void)snprintf(path, sizeof path, "tests/data/json-lenient/%s.json", names[i]);
		f = fopen(path, "rb");
		if (f == NULL)
			fail_msg("%s is missing", path);
		n = fread(bytes, 1, sizeof bytes, f);
		assert_int_equal(fclose(f), 0);
		strict = json_loadb(bytes, n, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
		if (strict != NULL)
			fail_msg("jansson takes %s now; it shows nothing any more", path);
		if (json_parse(&d, a, str_make(bytes, n), NULL, NULL) != E_OK)
			fail_msg("refused: %s", path);
		writes_back(d, str_trim(str_make(bytes, n)));
		/* An edit elsewhere leaves the strange value as it was. */
		assert_int_equal(json_set_raw(d, json_root(d), STR("added"), STR("1")), E_OK);
		n = str_trim(str_make(bytes, n)).n;
		bytes[n - 1] = '\0';
		(void)snprintf(bytes + n - 1, sizeof bytes - n, ",\"added\":1}");
		writes_back(d, str_make(bytes, n + 10));
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_are_those_of_the_grammar),
		cmocka_unit_test(a_cut_text_is_refused_at_every_length),
		cmocka_unit_test(the_error_names_the_byte),
		cmocka_unit_test(the_first_value_tells_how_long_it_is),
		cmocka_unit_test(a_broken_first_value_is_refused),
		cmocka_unit_test(what_jansson_refuses_is_kept_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
