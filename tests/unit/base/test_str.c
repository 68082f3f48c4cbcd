#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

static void cut_gives_every_piece(void **state)
{
	struct str rest = STR("a,,b"), piece;

	(void)state;
	assert_true(str_cut(&rest, ',', &piece));
	assert_true(str_eq(piece, STR("a")));
	assert_true(str_cut(&rest, ',', &piece));
	assert_int_equal(piece.n, 0);
	assert_true(str_cut(&rest, ',', &piece));
	assert_true(str_eq(piece, STR("b")));
	assert_false(str_cut(&rest, ',', &piece));
}

static void numbers_are_whole_and_bounded(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &v));
	assert_false(str_to_u64(STR("4294967296"), UINT32_MAX, &v));
	assert_true(str_to_u64(STR("4294967295"), UINT32_MAX, &v));
	assert_false(str_to_u64(STR(""), 10, &v));
	assert_false(str_to_u64(STR("1 "), 10, &v));
	assert_false(str_to_u64(STR("-1"), 10, &v));
	assert_false(str_to_u64(STR("7"), 5, &v));
	assert_true(str_to_u64(STR("0"), 0, &v));
}

static void utf8_is_judged_as_the_standard_does(void **state)
{
	(void)state;
	assert_true(str_is_utf8(STR("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")));
	assert_false(str_is_utf8(STR("\xc0\x80")));
	assert_false(str_is_utf8(STR("\xed\xa0\x80")));
	assert_false(str_is_utf8(STR("\xe2\x82")));
	assert_false(str_is_utf8(STR("\xf5\x80\x80\x80")));
	assert_false(str_is_utf8(STR("\x80")));
}

static void find_and_trim(void **state)
{
	(void)state;
	assert_int_equal(str_find(STR("aab"), STR("ab")), 1);
	assert_int_equal(str_find(STR("aab"), STR("x")), 3);
	assert_int_equal(str_find(STR("ab"), STR("abc")), 2);
	assert_true(str_eq(str_trim(STR(" \t x y\r\n")), STR("x y")));
	assert_true(str_istarts(STR("SENTRY k"), STR("sentry ")));
	assert_true(str_ends(STR("a/b"), STR("/b")));
	assert_false(str_ends(STR("b"), STR("/b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_gives_every_piece),
		cmocka_unit_test(numbers_are_whole_and_bounded),
		cmocka_unit_test(utf8_is_judged_as_the_standard_does),
		cmocka_unit_test(find_and_trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
