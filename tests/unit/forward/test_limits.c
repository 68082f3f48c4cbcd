#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forward/limits.h"

#define BIT(c) (UINT64_C(1) << (c))

static const struct instant T0 = {5000000, 1767225600000};

static struct instant after(int64_t s)
{
	return (struct instant){T0.mono_ms + s * 1000, T0.wall_ms + s * 1000};
}

static uint64_t active(const struct limits *l, int64_t s)
{
	return limits_active(l, after(s).mono_ms);
}

static void a_200_may_limit_too(void **state) /* P-087 */
{
	struct limits l = {0};

	(void)state;
	assert_true(limits_answer(&l, 200, "60:error:key", NULL, T0));
	assert_int_equal(active(&l, 59), BIT(CAT_ERROR));
	assert_int_equal(active(&l, 60), 0);
	assert_true(limits_answer(&l, 503, "60:session:key", NULL, T0));
	assert_int_equal(active(&l, 1), BIT(CAT_ERROR) | BIT(CAT_SESSION));
}

static void several_entries_have_their_own_ends(void **state) /* P-088 */
{
	struct limits l = {0};

	(void)state;
	assert_true(limits_answer(
		&l, 429, "60:transaction:key, 2700:default;error;security:organization", "5", T0));
	assert_int_equal(active(&l, 59),
		BIT(CAT_TRANSACTION) | BIT(CAT_DEFAULT) | BIT(CAT_ERROR) | BIT(CAT_SECURITY));
	assert_int_equal(active(&l, 61), BIT(CAT_DEFAULT) | BIT(CAT_ERROR) | BIT(CAT_SECURITY));
	assert_int_equal(active(&l, 2700), 0);
	assert_int_equal(limits_next_end(&l, T0.mono_ms), after(60).mono_ms);
}

static void no_categories_are_all(void **state) /* P-089 */
{
	struct limits l = {0};

	(void)state;
	assert_true(limits_answer(&l, 429, "60::organization", NULL, T0));
	assert_true(active(&l, 59) == RATELIMIT_ALL);
	assert_int_equal(active(&l, 60), 0);
}

static void unknown_categories_change_nothing(void **state) /* P-090 */
{
	struct limits l = {0};

	(void)state;
	assert_false(limits_answer(&l, 429, "60:foo;bar:organization", "120", T0));
	assert_int_equal(active(&l, 1), 0); /* the header was there: no Retry-After */
	assert_true(limits_answer(&l, 429, "60:foo;error:x:y:z:w", NULL, T0));
	assert_int_equal(active(&l, 1), BIT(CAT_ERROR));
}

static void garbage_is_skipped_and_the_rest_applies(void **state) /* P-091, P-092, P-094 */
{
	struct limits l = {0};

	(void)state;
	assert_true(limits_answer(
		&l, 200, ",,,, abc, -5:error:key, 1.2:session:key, 60:span:key", NULL, T0));
	assert_int_equal(active(&l, 1), BIT(CAT_SESSION) | BIT(CAT_SPAN));
	assert_int_equal(active(&l, 2), BIT(CAT_SPAN));
}

static void the_later_end_wins(void **state) /* P-093 */
{
	struct limits l = {0};

	(void)state;
	assert_true(limits_answer(&l, 429, "100:error:organization:first", NULL, T0));
	assert_false(limits_answer(&l, 429, "10:error:key:second", NULL, after(1)));
	assert_int_equal(active(&l, 99), BIT(CAT_ERROR));
	assert_string_equal(l.of[CAT_ERROR].reason, "first");
	assert_true(limits_answer(&l, 429, "100:error:key:third", NULL, after(1)));
	assert_int_equal(active(&l, 100), BIT(CAT_ERROR));
}

static void retry_after_counts_on_a_429_without_the_header(void **state) /* P-095 */
{
	/* T0 is Thu, 01 Jan 2026 00:00:00 GMT */
	static const struct {
		const char *value;
		int64_t seconds;
	} rows[] = {{"120", 120}, {"Thu, 01 Jan 2026 00:01:30 GMT", 90}, {NULL, 60}, {"soon", 60}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct limits l = {0}, other = {0};

		assert_true(limits_answer(&l, 429, NULL, rows[i].value, T0));
		assert_true(active(&l, rows[i].seconds - 1) == RATELIMIT_ALL);
		assert_int_equal(active(&l, rows[i].seconds), 0);
		assert_false(limits_answer(&other, 503, NULL, rows[i].value, T0));
		assert_int_equal(active(&other, 0), 0);
	}
}

static void a_day_is_the_longest(void **state) /* 13.2, rule 4 */
{
	struct limits l = {0};

	(void)state;
	assert_true(limits_answer(&l, 429, "999999999:error:key", NULL, T0));
	assert_int_equal(active(&l, 86399), BIT(CAT_ERROR));
	assert_int_equal(active(&l, 86400), 0);
}

static void the_wall_clock_is_not_asked(void **state) /* P-104 */
{
	struct limits l = {0};
	struct instant stepped = after(30);

	(void)state;
	assert_true(limits_answer(&l, 429, "60:error:key", NULL, T0));
	stepped.wall_ms += 86400000;
	assert_int_equal(limits_active(&l, stepped.mono_ms), BIT(CAT_ERROR));
}

static void limits_survive_a_restart(void **state)
{
	struct limits l = {0}, again = {0};
	struct buf b = BUF_INIT;
	/* Another boot: monotonic time starts anew. */
	struct instant later = {100, T0.wall_ms + 20000};

	(void)state;
	assert_true(limits_answer(&l, 429, "60:error;span:key:quota, 30::organization", NULL, T0));
	limits_pack(&l, T0, &b);
	limits_unpack(&again, buf_view(&b), later);
	assert_true(limits_active(&again, later.mono_ms + 9999) == RATELIMIT_ALL);
	assert_int_equal(
		limits_active(&again, later.mono_ms + 10000), BIT(CAT_ERROR) | BIT(CAT_SPAN));
	assert_int_equal(limits_active(&again, later.mono_ms + 40000), 0);
	assert_string_equal(again.of[CAT_ERROR].reason, "quota");
	assert_int_equal(again.of[CAT_ERROR].scope, SCOPE_KEY);
	buf_fini(&b);
}

static void a_wall_clock_that_jumped_back_stops_nobody_for_long(void **state)
{
	struct limits l = {0}, again = {0};
	struct buf b = BUF_INIT;
	struct instant back = {100, T0.wall_ms - INT64_C(400) * 86400000};

	(void)state;
	assert_true(limits_answer(&l, 429, "60:error:key", NULL, T0));
	limits_pack(&l, T0, &b);
	limits_unpack(&again, buf_view(&b), back);
	assert_int_equal(limits_active(&again, 100 + 86400000 - 1), BIT(CAT_ERROR));
	assert_int_equal(limits_active(&again, 100 + 86400000), 0);
	buf_fini(&b);
}

static void stored_garbage_is_skipped(void **state)
{
	struct limits l = {0};

	(void)state;
	limits_unpack(&l,
		STR("\n\n1\nx error 1 \n99999999999999999999 error 1 \n1767225700000 nope 1 r\n"
		    "1767225700000 error 9 r\n1767225700000 session 2 "
		    "a reason that is longer than there is room for in this place\n"
		    "1767225500000 span 1 past\n1767225700000 log_item"),
		T0);
	assert_int_equal(active(&l, 1), BIT(CAT_SESSION));
	assert_int_equal(strlen(l.of[CAT_SESSION].reason), RATELIMIT_TEXT_BYTES - 1);
}

static void write_each(void *arg, const struct ratelimit *limit)
{
	ratelimit_write(arg, limit);
}

static void limits_are_told_in_groups_and_never_zero(void **state) /* P-100 */
{
	struct limits l = {0};
	struct buf b = BUF_INIT;

	(void)state;
	assert_true(limits_answer(&l, 429, "60:error;session:key:r, 10:span:project", NULL, T0));
	limits_each(&l, after(0).mono_ms, write_each, &b);
	buf_char(&b, '\0');
	assert_string_equal(b.p, "60:error;session:key:r, 10:span:project");
	buf_clear(&b);
	limits_each(&l, after(10).mono_ms - 1, write_each, &b);
	buf_char(&b, '\0');
	assert_string_equal(b.p, "51:error;session:key:r, 1:span:project");
	buf_clear(&b);
	limits_each(&l, after(60).mono_ms, write_each, &b);
	assert_int_equal(b.n, 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_200_may_limit_too),
		cmocka_unit_test(several_entries_have_their_own_ends),
		cmocka_unit_test(no_categories_are_all),
		cmocka_unit_test(unknown_categories_change_nothing),
		cmocka_unit_test(garbage_is_skipped_and_the_rest_applies),
		cmocka_unit_test(the_later_end_wins),
		cmocka_unit_test(retry_after_counts_on_a_429_without_the_header),
		cmocka_unit_test(a_day_is_the_longest),
		cmocka_unit_test(the_wall_clock_is_not_asked),
		cmocka_unit_test(limits_survive_a_restart),
		cmocka_unit_test(a_wall_clock_that_jumped_back_stops_nobody_for_long),
		cmocka_unit_test(stored_garbage_is_skipped),
		cmocka_unit_test(limits_are_told_in_groups_and_never_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
