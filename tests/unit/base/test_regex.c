/* Expressions with limits (base/regex.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/regex.h"

static const struct regex_limits some = {
	.steps = 10000, .depth = 500, .heap_kib = 256, .groups = 4};

static struct regex *made(const char *pattern, unsigned flags)
{
	struct err err = {0};
	struct regex *r;
	size_t at;

	if (regex_new(&r, str_of(pattern), flags, &at, &err) != E_OK)
		fail_msg("%s: %s at %zu", pattern, err.text, at);
	return r;
}

static enum regex_end search(const char *pattern, unsigned flags, struct str subject)
{
	struct regex *r = made(pattern, flags);
	struct regex_matcher *m = regex_matcher_new(&some, NULL);
	enum regex_end end;

	assert_non_null(m);
	end = regex_search(r, m, subject, 0);
	regex_matcher_free(m);
	regex_free(r);
	return end;
}

static void a_fault_is_told_with_its_place(void **state)
{
	struct err err = {0};
	struct regex *r;
	size_t at;

	(void)state;
	assert_int_equal(regex_new(&r, STR("ab(c"), 0, &at, &err), E_SYNTAX);
	assert_null(r);
	assert_int_equal(at, 4);
	assert_non_null(strstr(err.text, "parenthes"));
	regex_free(NULL);
}

static void flags_mean_what_they_say(void **state)
{
	(void)state;
	assert_int_equal(search("ABC", 0, STR("xabcx")), REGEX_NONE);
	assert_int_equal(search("ABC", REGEX_CASELESS, STR("xabcx")), REGEX_FOUND);
	assert_int_equal(search("^b", 0, STR("a\nb")), REGEX_NONE);
	assert_int_equal(search("^b", REGEX_MULTILINE, STR("a\nb")), REGEX_FOUND);
	assert_int_equal(search("a.b", 0, STR("a\nb")), REGEX_NONE);
	assert_int_equal(search("a.b", REGEX_DOTALL, STR("a\nb")), REGEX_FOUND);
	assert_int_equal(search("a b # c", REGEX_EXTENDED, STR("ab")), REGEX_FOUND);
	assert_int_equal(search("^\\w$", 0, STR("\xc3\xa9")), REGEX_NONE);
	assert_int_equal(search("^\\w$", REGEX_UNICODE, STR("\xc3\xa9")), REGEX_FOUND);
	assert_int_equal(search("a$", 0, STR("a\n")), REGEX_FOUND);
	assert_int_equal(search("a$", REGEX_END_ONLY, STR("a\n")), REGEX_NONE);
	assert_int_equal(search("^.$", 0, STR("\xc3\xa9")), REGEX_FOUND);
	assert_int_equal(search("^.$", REGEX_BYTES, STR("\xc3\xa9")), REGEX_NONE);
	assert_int_equal(search("\\xff", REGEX_BYTES, STR("a\xff")), REGEX_FOUND);
}

static void what_is_not_utf8_matches_nothing_and_is_passed_over(void **state)
{
	(void)state;
	assert_int_equal(search("b", 0,
				 STR("a\xff"
				     "b")),
		REGEX_FOUND);
	assert_int_equal(search("a.b", 0,
				 STR("a\xff"
				     "b")),
		REGEX_NONE);
}

static void a_search_over_its_limit_says_so_with_and_without_an_arena(void **state)
{
	struct arena *a = arena_new(4096, 0);
	struct regex *r = made("(a+)+$", 0);
	struct regex_matcher *heap = regex_matcher_new(&some, NULL);
	struct regex_matcher *own = regex_matcher_new(&some, a);
	char text[41];

	(void)state;
	memset(text, 'a', 40);
	text[40] = 'b';
	assert_int_equal(regex_search(r, heap, str_make(text, 41), 0), REGEX_LIMIT);
	assert_int_equal(regex_search(r, own, str_make(text, 41), 0), REGEX_LIMIT);
	/* It is the search that ended, not the matcher. */
	assert_int_equal(regex_search(r, heap, str_make(text, 40), 0), REGEX_FOUND);
	assert_int_equal(regex_search(r, own, str_make(text, 40), 0), REGEX_FOUND);
	regex_matcher_free(heap);
	regex_matcher_free(own);
	regex_free(r);
	arena_free(a);
}

static void nesting_beyond_reason_is_refused(void **state)
{
	struct err err = {0};
	char deep[601];
	struct regex *r;
	size_t at;

	(void)state;
	memset(deep, '(', 300);
	memset(deep + 300, ')', 300);
	assert_int_equal(regex_new(&r, str_make(deep, 600), 0, &at, &err), E_SYNTAX);
}

/* Groups beyond what the matcher has room for are not told. */
static void groups_tell_where_they_lie(void **state)
{
	struct regex *r = made("(?<key>a)(x)?(b)(c)(d)", 0);
	struct regex_matcher *m = regex_matcher_new(&some, NULL);
	size_t from, to;

	(void)state;
	assert_int_equal(regex_groups(r), 5);
	assert_int_equal(regex_group_named(r, STR("key")), 1);
	assert_int_equal(regex_group_named(r, STR("none")), -1);
	assert_int_equal(regex_search(r, m, STR("..abcd"), 0), REGEX_FOUND);
	assert_int_equal(regex_told(m), 4);
	assert_true(regex_group(m, 0, &from, &to));
	assert_int_equal(from, 2);
	assert_int_equal(to, 6);
	assert_false(regex_group(m, 2, &from, &to));
	assert_true(regex_group(m, 3, &from, &to));
	assert_int_equal(from, 3);
	assert_false(regex_group(m, 4, &from, &to));
	assert_int_equal(regex_search(r, m, STR("..abcd"), 3), REGEX_NONE);
	assert_int_equal(regex_search(r, m, STR("abcd"), 5), REGEX_NONE);
	regex_matcher_free(m);
	regex_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_is_told_with_its_place),
		cmocka_unit_test(flags_mean_what_they_say),
		cmocka_unit_test(what_is_not_utf8_matches_nothing_and_is_passed_over),
		cmocka_unit_test(a_search_over_its_limit_says_so_with_and_without_an_arena),
		cmocka_unit_test(nesting_beyond_reason_is_refused),
		cmocka_unit_test(groups_tell_where_they_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
