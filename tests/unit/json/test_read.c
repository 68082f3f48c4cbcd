/* What a document says about itself: types, paths, strings, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "doc_util.h"

static void every_question_about_no_node_has_an_empty_answer(void **state)
{
	struct fixture f;
	int64_t i = 7;
	double x = 7;
	json_node strange[3] = {JSON_NONE, 99, UINT32_MAX};
	size_t k;

	(void)state;
	open_doc(&f, STR("{\"a\":1}"));
	for (k = 0; k < 3; k++) {
		json_node n = strange[k];

		assert_int_equal(json_type_of(f.d, n), JSON_TYPE_MISSING);
		assert_int_equal(json_raw(f.d, n).n, 0);
		assert_int_equal(json_first(f.d, n), JSON_NONE);
		assert_int_equal(json_next(f.d, n), JSON_NONE);
		assert_int_equal(json_parent(f.d, n), JSON_NONE);
		assert_int_equal(json_count(f.d, n), 0);
		assert_int_equal(json_get(f.d, n, STR("a")), JSON_NONE);
		assert_int_equal(json_at(f.d, n, 0), JSON_NONE);
		assert_int_equal(json_find(f.d, n, "a"), JSON_NONE);
		assert_null(json_key(f.d, n).p);
		assert_null(json_text(f.d, n).p);
		assert_true(json_bool(f.d, n, true));
		assert_false(json_int(f.d, n, &i) || i != 7);
		assert_false(json_double(f.d, n, &x) || x != 7);
		assert_false(json_is_dirty(f.d, n));
		expect_node(&f, n, false, "");
	}
	close_doc(&f);
}

static void members_come_in_order_with_their_types(void **state)
{
	static const enum json_type types[] = {JSON_TYPE_NULL, JSON_TYPE_BOOL, JSON_TYPE_NUMBER,
		JSON_TYPE_STRING, JSON_TYPE_ARRAY, JSON_TYPE_OBJECT};
	static const char *const raws[] = {"null", "true", "-1", "\"s\"", "[ 1 ]", "{}"};
	struct fixture f;
	json_node n;
	size_t i = 0;

	(void)state;
	open_doc(&f, STR(" {\"n\":null,\"b\":true , \"i\": -1,\"s\":\"s\",\"a\":[ 1 ],\"o\":{}} "));
	assert_int_equal(json_count(f.d, json_root(f.d)), 6);
	for (n = json_first(f.d, json_root(f.d)); n != JSON_NONE; n = json_next(f.d, n), i++) {
		assert_int_equal(json_type_of(f.d, n), types[i]);
		assert_true(str_eq(json_raw(f.d, n), str_of(raws[i])));
		assert_int_equal(json_parent(f.d, n), json_root(f.d));
	}
	assert_int_equal(i, 6);
	assert_int_equal(json_parent(f.d, json_root(f.d)), JSON_NONE);
	assert_int_equal(json_next(f.d, json_root(f.d)), JSON_NONE);
	assert_int_equal(json_first(f.d, at(&f, "o")), JSON_NONE);
	assert_true(json_bool(f.d, at(&f, "b"), false));
	assert_true(json_bool(f.d, at(&f, "n"), true));
	close_doc(&f);
}

static void paths_lead_to_members_and_elements(void **state)
{
	static const struct {
		const char *path;
		const char *raw; /* NULL: no such place */
	} cases[] = {
		{"contexts.trace.trace_id", "\"t\""},
		{"exception.values[0].type", "\"A\""},
		{"exception.values[-1].type", "\"B\""},
		{"exception.values[1].type", "\"B\""},
		{"exception.values[-2].type", "\"A\""},
		{"m[1][0]", "3"},
		{"m[-1][-1]", "4"},
		{"", "{"},
		{"exception.values[2]", NULL},
		{"exception.values[-3]", NULL},
		{"exception.values.0", NULL},
		{"exception[0]", NULL},
		{"contexts.trace.nothing", NULL},
		{"contexts.trace.trace_id.x", NULL},
		{"nothing.trace", NULL},
		{"m[", NULL},
		{"m[]", NULL},
		{"m[x]", NULL},
		{"m[1", NULL},
		{"m[-]", NULL},
		{"m[99999999999999999999999999]", NULL},
	};
	struct fixture f;
	size_t i;

	(void)state;
	open_doc(
		&f, STR("{\"contexts\":{\"trace\":{\"trace_id\":\"t\"}},\"exception\":{\"values\":["
			"{\"type\":\"A\"},{\"type\":\"B\"}]},\"m\":[[1,2],[3,4]]}"));
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_node n = at(&f, cases[i].path);

		if ((n != JSON_NONE) != (cases[i].raw != NULL))
			fail_msg("path %s", cases[i].path);
		if (cases[i].raw != NULL)
			assert_true(str_starts(json_raw(f.d, n), str_of(cases[i].raw)));
	}
	assert_int_equal(json_at(f.d, at(&f, "m"), INT64_MIN), JSON_NONE);
	assert_int_equal(json_at(f.d, at(&f, "m"), INT64_MAX), JSON_NONE);
	close_doc(&f);
}

static void the_first_of_two_equal_keys_is_found(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR("{\"a\":1,\"\\u0061\":2,\"a\":3}"));
	assert_true(str_eq(json_raw(f.d, at(&f, "a")), STR("1")));
	assert_int_equal(json_count(f.d, json_root(f.d)), 3);
	close_doc(&f);
}

/* P-118: NUL bytes, surrogates and broken UTF-8 in keys. */
static void keys_are_compared_as_decoded_bytes(void **state)
{
	static const struct str keys[] = {LIT("a\0b"), LIT("a\"b"), LIT("\xed\xa0\x80"),
		LIT("\xf0\x9f\x98\x80"), LIT("\xff"), LIT(""), LIT("a/b"), LIT("\xc3\xa9")};
	struct fixture f;
	size_t i;

	(void)state;
	open_doc(&f,
		STR("{\"a\\u0000b\":0,\"a\\\"b\":1,\"\\ud800\":2,\"\\ud83d\\uDE00\":3,\"\xff\":4,"
		    "\"\":5,\"a\\/b\":6,\"\\u00e9\":7}"));
	for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		json_node n = json_get(f.d, json_root(f.d), keys[i]);
		int64_t v = -1;

		assert_true(json_int(f.d, n, &v));
		assert_int_equal(v, i);
		assert_true(str_eq(json_key(f.d, n), keys[i]));
		/* the second answer is the first one, not new memory */
		assert_ptr_equal(json_key(f.d, n).p, json_key(f.d, n).p);
	}
	assert_int_equal(json_get(f.d, json_root(f.d), STR("a")), JSON_NONE);
	assert_int_equal(json_get(f.d, json_root(f.d), STR("a\0bc")), JSON_NONE);
	close_doc(&f);
}

static void escapes_are_resolved(void **state)
{
	static const struct {
		struct str text;
		struct str value;
	} cases[] = {
		{LIT("\"\""), LIT("")},
		{LIT("\"plain\""), LIT("plain")},
		{LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), LIT("\"\\/\b\f\n\r\t")},
		{LIT("\"\\u0041\\u00e9\\u20AC\\uffff\""), LIT("A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf")},
		{LIT("\"\\ud83d\\ude00\""), LIT("\xf0\x9f\x98\x80")},
		{LIT("\"\\udbff\\udfff\""), LIT("\xf4\x8f\xbf\xbf")},
		{LIT("\"\\ud83d\""), LIT("\xed\xa0\xbd")},
		{LIT("\"\\ud83dx\""), LIT("\xed\xa0\xbdx")},
		{LIT("\"\\ud83d\\n\""), LIT("\xed\xa0\xbd\n")},
		{LIT("\"\\ud83d\\ud83d\\ude00\""), LIT("\xed\xa0\xbd\xf0\x9f\x98\x80")},
		{LIT("\"\\ude00\\ud83d\""), LIT("\xed\xb8\x80\xed\xa0\xbd")},
		{LIT("\"\\ud83d\\u0041\""), LIT("\xed\xa0\xbd"
						"A")},
		{LIT("\"a\\u0000b\""), LIT("a\0b")},
		{LIT("\"a\0b\""), LIT("a\0b")},
		{LIT("\"\xff\\n\xc3\""), LIT("\xff\n\xc3")},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		struct str s;

		open_doc(&f, cases[i].text);
		s = json_text(f.d, json_root(f.d));
		assert_non_null(s.p);
		assert_true(str_eq(s, cases[i].value));
		assert_ptr_equal(s.p, json_text(f.d, json_root(f.d)).p);
		close_doc(&f);
	}
}

static void a_string_without_escapes_is_a_view(void **state)
{
	static const struct str text = LIT("{\"key\":\"value\"}");
	struct fixture f;

	(void)state;
	open_doc(&f, text);
	assert_ptr_equal(json_key(f.d, at(&f, "key")).p, text.p + 2);
	assert_ptr_equal(json_text(f.d, at(&f, "key")).p, text.p + 8);
	assert_null(json_text(f.d, json_root(f.d)).p);
	assert_null(json_key(f.d, json_root(f.d)).p);
	close_doc(&f);
}

/* Hundreds of decoded strings: each answer stays where it was. */
static void decoded_strings_are_kept(void **state)
{
	struct buf text = BUF_INIT;
	struct str first[500];
	struct fixture f;
	json_node n;
	size_t bytes;
	int i;

	(void)state;
	for (i = 0; i < 500; i++)
		buf_printf(&text, "%c\"\\n%d\"", i == 0 ? '[' : ',', i);
	buf_char(&text, ']');
	open_doc(&f, buf_view(&text));
	for (i = 0, n = json_first(f.d, json_root(f.d)); n != JSON_NONE; n = json_next(f.d, n))
		first[i++] = json_text(f.d, n);
	bytes = arena_bytes(f.a);
	for (i = 0, n = json_first(f.d, json_root(f.d)); n != JSON_NONE; n = json_next(f.d, n)) {
		assert_int_equal(atoi(first[i].p + 1), i);
		assert_ptr_equal(json_text(f.d, n).p, first[i++].p);
	}
	assert_int_equal(arena_bytes(f.a), bytes);
	close_doc(&f);
	buf_fini(&text);
}

static void a_key_longer_than_its_field_is_found(void **state)
{
	static const size_t lengths[] = {65534, 65535, 65536, 200000};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		char *key = malloc(lengths[i]);
		struct buf text = BUF_INIT;
		struct fixture f;

		assert_non_null(key);
		memset(key, 'k', lengths[i]);
		buf_cstr(&text, "{\"x\":0,\"");
		buf_add(&text, key, lengths[i]);
		buf_cstr(&text, "\" : 1}");
		open_doc(&f, buf_view(&text));
		assert_true(str_eq(
			json_raw(f.d, json_get(f.d, json_root(f.d), str_make(key, lengths[i]))),
			STR("1")));
		assert_int_equal(json_get(f.d, json_root(f.d), str_make(key, lengths[i] - 1)), 0);
		assert_int_equal(
			json_replace_raw(f.d, json_first(f.d, json_root(f.d)), STR("9")), 0);
		assert_int_equal(
			json_set_raw(f.d, json_root(f.d), str_make(key, lengths[i]), STR("2")),
			E_OK);
		assert_int_equal(
			json_rename(f.d, at(&f, "x"), str_make(key, lengths[i] - 1)), E_OK);
		buf_clear(&f.out);
		json_write(f.d, json_root(f.d), &f.out);
		assert_int_equal(f.out.n, text.n + lengths[i] - 2);
		assert_true(str_ends(buf_view(&f.out), STR("kkk\" : 2}")));
		close_doc(&f);
		buf_fini(&text);
		free(key);
	}
}

static void integers_are_exact_or_refused(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		int64_t value;
	} cases[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"42", true, 42},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"18446744073709551616", false, 0},
		{"1234567890123456789012345678901234567890", false, 0},
		{"1.0", false, 0},
		{"1e3", false, 0},
		{"\"1\"", false, 0},
		{"true", false, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		int64_t v = 77;

		open_doc(&f, str_of(cases[i].text));
		assert_int_equal(json_int(f.d, json_root(f.d), &v), cases[i].fits);
		assert_true(v == (cases[i].fits ? cases[i].value : 77));
		close_doc(&f);
	}
}

static void doubles_are_those_of_strtod(void **state)
{
	static const char *const texts[] = {"0", "-0", "0.0", "-0.0e5", "1", "-1", "0.1", "1.5e10",
		"1E-7", "1e+400", "-1e400", "1e-400", "1e99999999999999999999999",
		"1e-99999999999999999999999", "1742921669.158209", "123456789012345678901234567890",
		"0.000000000000000000000000000001234", "2.2250738585072014e-308",
		"4.9406564584124654e-324", "1.7976931348623157e308", "1.7976931348623159e308",
		"9007199254740993", "9007199254740992.99999999999999999999999999999999999999999999",
		"100000000000000000000000000000000000000000000000000e-50",
		"0e99999999999999999999"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct fixture f;
		double v = 0, want = strtod(texts[i], NULL);

		open_doc(&f, str_of(texts[i]));
		assert_true(json_double(f.d, json_root(f.d), &v));
		if (v != want || signbit(v) != signbit(want))
			fail_msg("%s: %.17g, not %.17g", texts[i], v, want);
		close_doc(&f);
	}
}

/* Halfway between two doubles but for the last of 2000 digits. */
static void a_double_of_any_length_is_rounded_right(void **state)
{
	struct buf text = BUF_INIT;
	struct fixture f;
	double v = 0;
	int i;

	(void)state;
	buf_cstr(&text, "9007199254740993.");
	for (i = 0; i < 2000; i++)
		buf_char(&text, '0');
	buf_cstr(&text, "1");
	open_doc(&f, buf_view(&text));
	assert_true(json_double(f.d, json_root(f.d), &v));
	assert_true(v == 9007199254740994.0);
	close_doc(&f);
	buf_clear(&text);
	buf_char(&text, '1');
	for (i = 0; i < 5000; i++)
		buf_char(&text, '0');
	buf_cstr(&text, "e-5000");
	open_doc(&f, buf_view(&text));
	assert_true(json_double(f.d, json_root(f.d), &v));
	assert_true(v == 1.0);
	close_doc(&f);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_about_no_node_has_an_empty_answer),
		cmocka_unit_test(members_come_in_order_with_their_types),
		cmocka_unit_test(paths_lead_to_members_and_elements),
		cmocka_unit_test(the_first_of_two_equal_keys_is_found),
		cmocka_unit_test(keys_are_compared_as_decoded_bytes),
		cmocka_unit_test(escapes_are_resolved),
		cmocka_unit_test(a_string_without_escapes_is_a_view),
		cmocka_unit_test(decoded_strings_are_kept),
		cmocka_unit_test(a_key_longer_than_its_field_is_found),
		cmocka_unit_test(integers_are_exact_or_refused),
		cmocka_unit_test(doubles_are_those_of_strtod),
		cmocka_unit_test(a_double_of_any_length_is_rounded_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
