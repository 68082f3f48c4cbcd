/* Growing old: what goes, when, and that clocks which jump change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static void pass(struct rig *r, int64_t ms)
{
	r->now.mono_ms += ms;
	r->now.wall_ms += ms;
}

/* Any put lets the writer look at the time. */
static void poke(struct rig *r, uint64_t number)
{
	assert_int_equal(
		put_one(r, &(struct what){DSN_B, CLASS_BULK, CAT_REPLAY, 10, number}, NULL), E_OK);
}

static void records_past_their_age_are_dropped_and_counted(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	put_error(&r, 1);
	pass(&r, 4 * DAY);
	put_error(&r, 2);
	assert_int_equal(stats_of(&r).oldest_age_ms, 4 * DAY);
	pass(&r, 3 * DAY - 1);
	poke(&r, 100);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 2);
	pass(&r, 1);
	poke(&r, 101);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1);
	assert_int_equal(stats_of(&r).oldest_age_ms, 3 * DAY);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_CACHE_OVERFLOW].of[CAT_ERROR], 1);
	assert_int_equal(r.counters.records_expired, 1);
	assert_true(spool_report_pending(r.spool, record_lane(DSN_A)));
	check_law(&r);
	rig_fini(&r);
}

static void the_timer_alone_finds_what_is_too_old(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	r.o.max_age_ms = 1000;
	rig_open(&r);
	put_error(&r, 1);
	pass(&r, 1000);
	run_until(&r, stats_of(&r).records == 0);
	assert_int_equal(r.counters.records_expired, 1);
	rig_fini(&r);
}

static void a_restart_finds_what_grew_too_old_meanwhile(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	put_error(&r, 1);
	rig_close(&r);
	pass(&r, 8 * DAY);
	rig_open(&r);
	run_until(&r, stats_of(&r).records == 0);
	check_law(&r);
	rig_fini(&r);
}

static void a_wall_clock_that_jumps_a_year_ages_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	put_error(&r, 1);
	r.now.wall_ms += 365 * DAY;
	poke(&r, 100);
	r.now.wall_ms -= 2 * 365 * DAY;
	poke(&r, 101);
	assert_int_equal(stats_of(&r).oldest_age_ms, 0);
	rig_restart(&r);
	r.now.wall_ms += 2 * 365 * DAY;
	poke(&r, 102);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1);
	assert_int_equal(stats_of(&r).oldest_age_ms, 0);
	pass(&r, 7 * DAY);
	poke(&r, 103);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 0);
	check_law(&r);
	rig_fini(&r);
}

static int put_zero(struct rig *r, enum category cat, uint64_t number)
{
	return put_one(r, &(struct what){DSN_A, CLASS_CHECK_IN, cat, 10, number}, NULL);
}

static void late_check_ins_go_and_sessions_beside_them_stay(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	assert_int_equal(put_zero(&r, CAT_SESSION, 1), E_OK);
	assert_int_equal(put_zero(&r, CAT_MONITOR, 2), E_OK);
	assert_int_equal(put_zero(&r, CAT_SESSION, 3), E_OK);
	pass(&r, HOUR / 2);
	assert_int_equal(put_zero(&r, CAT_MONITOR, 4), E_OK);
	pass(&r, HOUR / 2);
	poke(&r, 100);
	assert_int_equal(count_class(&r, DSN_A, CLASS_CHECK_IN), 3);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_CACHE_OVERFLOW].of[CAT_MONITOR], 1);
	rig_restart(&r);
	pass(&r, HOUR / 2);
	poke(&r, 101);
	assert_int_equal(count_class(&r, DSN_A, CLASS_CHECK_IN), 2);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_CACHE_OVERFLOW].of[CAT_MONITOR], 2);
	assert_int_equal(put_zero(&r, CAT_MONITOR, 5), E_OK);
	pass(&r, HOUR);
	poke(&r, 102);
	assert_int_equal(count_class(&r, DSN_A, CLASS_CHECK_IN), 2);
	pass(&r, 7 * DAY);
	poke(&r, 103);
	assert_int_equal(count_class(&r, DSN_A, CLASS_CHECK_IN), 0);
	check_law(&r);
	rig_fini(&r);
}

static void a_check_in_on_its_way_is_dropped_only_after_it_came_back(void **state)
{
	struct rig r;
	struct settlement st;
	uint64_t seq;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	assert_int_equal(
		put_one(&r, &(struct what){DSN_A, CLASS_CHECK_IN, CAT_MONITOR, 10, 1}, &seq), E_OK);
	spool_lend(r.spool, &(struct record_ref){record_lane(DSN_A), CLASS_CHECK_IN, seq});
	pass(&r, 2 * HOUR);
	poke(&r, 100);
	assert_int_equal(count_class(&r, DSN_A, CLASS_CHECK_IN), 1);
	st = settlement_of(DSN_A, CLASS_CHECK_IN, CAT_MONITOR, seq, 1);
	st.end = SETTLE_KEEP;
	spool_settle(r.spool, &st);
	poke(&r, 101); /* carries the settlement out */
	poke(&r, 102);
	assert_int_equal(count_class(&r, DSN_A, CLASS_CHECK_IN), 0);
	check_law(&r);
	rig_fini(&r);
}

static void an_age_without_end_never_comes(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	r.o.max_age_ms = INT64_MAX;
	r.o.check_in_max_age_ms = INT64_MAX;
	rig_open(&r);
	put_error(&r, 1);
	assert_int_equal(put_zero(&r, CAT_MONITOR, 2), E_OK);
	pass(&r, 100 * 365 * DAY);
	poke(&r, 100);
	assert_int_equal(stats_of(&r).records, 3);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_past_their_age_are_dropped_and_counted),
		cmocka_unit_test(the_timer_alone_finds_what_is_too_old),
		cmocka_unit_test(a_restart_finds_what_grew_too_old_meanwhile),
		cmocka_unit_test(a_wall_clock_that_jumps_a_year_ages_nothing),
		cmocka_unit_test(late_check_ins_go_and_sessions_beside_them_stay),
		cmocka_unit_test(a_check_in_on_its_way_is_dropped_only_after_it_came_back),
		cmocka_unit_test(an_age_without_end_never_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
