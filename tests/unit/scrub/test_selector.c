/* Selectors: text to form, form to text, order, matching (pii.md 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/scrub/support.h"

static struct selector *parsed(const char *text)
{
	struct selector *s;
	struct err err = {0};

	if (selector_parse(&s, str_of(text), &err) != E_OK)
		fail_msg("%s", err.text);
	return s;
}

static bool prints_as(const char *text, const char *want)
{
	struct selector *s = parsed(text);
	struct buf out = BUF_INIT;
	bool same;

	selector_print(s, &out);
	same = str_eq(buf_view(&out), str_of(want));
	if (!same)
		print_message("%s: %.*s\n", text, STR_ARG(buf_view(&out)));
	buf_fini(&out);
	selector_free(s);
	return same;
}

static void printing_is_canonical(void **state)
{
	(void)state;
	assert_true(prints_as("a|b&~c", "a || b && !c"));
	assert_true(prints_as("(a || b) && c", "(a || b) && c"));
	assert_true(prints_as("!(a || b)", "!(a || b)"));
	assert_true(prints_as(" $bool . foo ", "$boolean.foo"));
	assert_true(prints_as("'foo'.'it''s'.'0'", "foo.'it''s'.'0'"));
	assert_true(prints_as("$exception.*.3.**", "$error.*.3.**"));
	assert_true(prints_as("freeform", "$string"));
	assert_true(prints_as("container", "$object"));
}

static void what_is_no_selector_is_refused_with_its_place(void **state) /* 35, 74 */
{
	static const char *const bad[] = {"", " ", "a.**.b.**", "*", "$nonsense", "a..b", "a.",
		"(a", "a)", "!!a", "'a", "''", "0abc", "a b", "a && ", "a || || b", "$", "&a", "é"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct selector *s;
		struct err err = {0};

		if (selector_parse(&s, str_of(bad[i]), &err) != E_SYNTAX)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_non_null(strstr(err.text, "byte"));
		assert_null(s);
	}
}

static void too_much_of_anything_is_refused(void **state)
{
	struct buf deep = BUF_INIT;
	struct buf wide = BUF_INIT;
	struct selector *s;

	(void)state;
	for (int i = 0; i < 2000; i++)
		buf_cstr(&deep, "(");
	assert_int_equal(selector_parse(&s, buf_view(&deep), NULL), E_TOOBIG);
	buf_cstr(&wide, "a");
	for (int i = 0; i < 100; i++)
		buf_cstr(&wide, ".a");
	assert_int_equal(selector_parse(&s, buf_view(&wide), NULL), E_TOOBIG);
	buf_fini(&deep);
	buf_fini(&wide);
}

static void order_is_and_or_not_path(void **state) /* 4 */
{
	static const char *const ordered[] = {"a && b", "a && c", "a || b", "!a", "!b", "$string",
		"$object", "0", "1", "'A'", "a", "a.b", "b", "*.a", "**"};

	(void)state;
	for (size_t i = 0; i + 1 < sizeof ordered / sizeof ordered[0]; i++) {
		struct selector *a = parsed(ordered[i]);
		struct selector *b = parsed(ordered[i + 1]);

		if (selector_compare(a, b) >= 0 || selector_compare(b, a) <= 0 ||
			selector_compare(a, a) != 0)
			fail_msg("%s, %s", ordered[i], ordered[i + 1]);
		selector_free(a);
		selector_free(b);
	}
}

/* root, extra (object), Foo (string) */
static bool matches(const char *text, enum pii_flag flag)
{
	struct pii_state states[] = {
		{.index = -1},
		{.key = STR("extra"), .index = -1, .types = TYPE_BIT(TYPE_OBJECT)},
		{.key = STR("Foo"), .index = -1, .types = TYPE_BIT(TYPE_STRING), .flag = flag},
	};
	struct selector *s = parsed(text);
	bool yes = selector_matches(s, states, 3);

	selector_free(s);
	return yes;
}

static void basic_types_and_deep_wildcards_leave_maybe_alone(void **state) /* 32, 33 */
{
	(void)state;
	assert_true(matches("$string", PII_TRUE));
	assert_false(matches("$string", PII_MAYBE));
	assert_true(matches("extra.foo", PII_MAYBE));
	assert_true(matches("**", PII_TRUE));
	assert_false(matches("**", PII_MAYBE));
	assert_false(matches("extra.**", PII_MAYBE));
	assert_true(matches("extra.*", PII_MAYBE));
	assert_true(matches("!bar", PII_MAYBE));
}

static void nothing_reaches_what_is_never_scrubbed(void **state) /* 37 */
{
	(void)state;
	assert_false(matches("extra.foo", PII_FALSE));
	assert_false(matches("!bar", PII_FALSE));
	assert_false(matches("**", PII_FALSE));
}

static void a_deep_wildcard_matches_below_and_not_itself(void **state) /* 34 */
{
	(void)state;
	assert_true(matches("extra.**", PII_TRUE));
	assert_false(matches("extra.foo.**", PII_TRUE));
	assert_false(matches("foo.**", PII_TRUE));
}

static void keys_match_in_any_case_of_any_script(void **state) /* 36 */
{
	(void)state;
	assert_true(matches("EXTRA.fOO", PII_TRUE));
	assert_true(selector_key_eq(STR("\xc3\x9cMLAUT"), STR("\xc3\xbcmlaut")));
	assert_true(selector_key_eq(STR("\xe2\x84\xaa"), STR("k")));
	assert_true(selector_key_eq(STR("\xd0\x96"), STR("\xd0\xb6")));
	assert_false(selector_key_eq(STR("\xc3\x9c"), STR("u")));
	assert_false(selector_key_eq(STR("a"), STR("ab")));
}

static int note_key(void *arg, struct str key)
{
	buf_printf(arg, "%.*s ", STR_ARG(key));
	return E_OK;
}

static int note_index(void *arg, int64_t index)
{
	buf_printf(arg, "%d ", (int)index);
	return index == 13 ? E_TOOBIG : E_OK;
}

static void each_name_is_told(void **state)
{
	struct selector *s = parsed("*.cookies.7 || !(a.k && $user.'x y'.** ) || $string.b");
	struct buf seen = BUF_INIT;

	(void)state;
	assert_int_equal(selector_each_name(s, note_key, note_index, &seen), E_OK);
	buf_char(&seen, '\0');
	assert_string_equal(seen.p, "cookies 7 a k x y b ");
	buf_clear(&seen);
	selector_free(s);
	s = parsed("a.13.b && c");
	assert_int_equal(selector_each_name(s, note_key, note_index, &seen), E_TOOBIG);
	buf_char(&seen, '\0');
	assert_string_equal(seen.p, "a 13 "); /* the first that fails is the last */
	buf_fini(&seen);
	selector_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printing_is_canonical),
		cmocka_unit_test(what_is_no_selector_is_refused_with_its_place),
		cmocka_unit_test(too_much_of_anything_is_refused),
		cmocka_unit_test(order_is_and_or_not_path),
		cmocka_unit_test(basic_types_and_deep_wildcards_leave_maybe_alone),
		cmocka_unit_test(nothing_reaches_what_is_never_scrubbed),
		cmocka_unit_test(a_deep_wildcard_matches_below_and_not_itself),
		cmocka_unit_test(keys_match_in_any_case_of_any_script),
		cmocka_unit_test(each_name_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
