#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/suggest.h"

static size_t distance(const char *a, const char *b)
{
	size_t d = edit_distance(str_of(a), str_of(b));

	assert_int_equal(d, edit_distance(str_of(b), str_of(a)));
	return d;
}

static void distance_counts_edits(void **state)
{
	(void)state;
	assert_int_equal(distance("", ""), 0);
	assert_int_equal(distance("", "abc"), 3);
	assert_int_equal(distance("spool", "SPOOL"), 0);
	assert_int_equal(distance("spool", "spol"), 1);
	assert_int_equal(distance("spool", "psool"), 1);
	assert_int_equal(distance("ab", "ba"), 1);
	assert_int_equal(distance("kitten", "sitting"), 3);
}

static void names_over_64_bytes_are_as_far_as_can_be(void **state)
{
	char name[66];

	(void)state;
	memset(name, 'x', sizeof name);
	assert_int_equal(edit_distance(str_make(name, 64), str_make(name, 64)), 0);
	assert_true(edit_distance(str_make(name, 65), str_make(name, 65)) == SIZE_MAX);
	assert_true(edit_distance(STR("x"), str_make(name, 65)) == SIZE_MAX);
}

static void the_nearest_name_wins_and_far_ones_are_not_named(void **state)
{
	struct suggest s;

	(void)state;
	suggest_init(&s, STR("max_sise"));
	suggest_try(&s, "durability");
	assert_null(s.best);
	suggest_try(&s, "max_age");
	suggest_try(&s, "max_size");
	suggest_try(&s, "max_side"); /* as near: the first stays */
	assert_string_equal(s.best, "max_size");
	suggest_init(&s, STR(""));
	suggest_try(&s, "a");
	assert_null(s.best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_counts_edits),
		cmocka_unit_test(names_over_64_bytes_are_as_far_as_can_be),
		cmocka_unit_test(the_nearest_name_wins_and_far_ones_are_not_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
