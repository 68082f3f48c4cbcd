/* Storing, reading, settling, restarting: the queue as its users see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

static void a_stored_record_is_read_back_byte_for_byte_after_a_restart(void **state)
{
	struct rig r;
	struct seen s = {malloc(SEEN_MAX * sizeof(uint64_t)), 0, 0};
	uint64_t seq;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	seq = put_error(&r, 7);
	assert_int_equal(seq, 1);
	rig_restart(&r);
	assert_int_equal(
		scan_all(&r, &(struct record_want){record_lane(DSN_A), CLASS_ERROR, false, 0, 0, 0},
			&s),
		1);
	assert_int_equal(s.seq[0], seq);
	assert_int_equal(spool_tally(r.spool)->held.of[CAT_ERROR], 1);
	check_law(&r);
	assert_int_equal(put_error(&r, 8), 2);
	free(s.seq);
	rig_fini(&r);
}

static void settled_records_are_gone_and_counted(void **state)
{
	struct rig r;
	struct settlement st;
	uint64_t seq;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	seq = put_error(&r, 1);
	st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, 1);
	spool_settle(r.spool, &st);
	run_until(&r, stats_of(&r).records == 0);
	assert_int_equal(spool_tally(r.spool)->delivered.of[CAT_ERROR], 1);
	assert_int_equal(spool_tally(r.spool)->held.of[CAT_ERROR], 0);
	assert_null(spool_lane(r.spool, 0));
	spool_settle(r.spool, &st); /* once more: nothing */
	rig_restart(&r);
	assert_int_equal(spool_tally(r.spool)->delivered.of[CAT_ERROR], 1);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 0);
	check_law(&r);
	rig_fini(&r);
}

static void a_scan_sees_only_its_lane_and_class_in_the_order_asked_for(void **state)
{
	struct rig r;
	struct seen s = {malloc(SEEN_MAX * sizeof(uint64_t)), 0, 0};
	struct record_want w = {.lane = record_lane(DSN_A), .class = CLASS_TRACE};

	(void)state;
	rig_init(&r);
	rig_open(&r);
	for (uint64_t i = 0; i < 60; i++) {
		struct what what = {i % 2 == 0 ? DSN_A : DSN_B,
			i % 3 == 0 ? CLASS_TRACE : CLASS_BULK, CAT_TRANSACTION, (i % 5) * 1500, i};

		assert_int_equal(put_one(&r, &what, NULL), E_OK);
	}
	assert_int_equal(scan_all(&r, &w, &s), 10);
	for (size_t i = 1; i < s.n; i++)
		assert_true(s.seq[i] > s.seq[i - 1]);
	w.after_seq = s.seq[4];
	assert_int_equal(scan_all(&r, &w, &s), 5);
	w.after_seq = 0;
	w.newest_first = true;
	assert_int_equal(scan_all(&r, &w, &s), 10);
	for (size_t i = 1; i < s.n; i++)
		assert_true(s.seq[i] < s.seq[i - 1]);
	w.before_seq = s.seq[7];
	assert_int_equal(scan_all(&r, &w, &s), 2);
	w = (struct record_want){.lane = record_lane(DSN_A), .class = CLASS_TRACE, .exact_seq = 7};
	assert_int_equal(scan_all(&r, &w, &s), 1);
	w.exact_seq = 8;
	assert_int_equal(scan_all(&r, &w, &s), 0);
	s.stop_at = 3;
	w.exact_seq = 0;
	assert_int_equal(scan_all(&r, &w, &s), 3);
	assert_int_equal(spool_lane(r.spool, 0)->records[CLASS_TRACE] +
				 spool_lane(r.spool, 1)->records[CLASS_TRACE],
		20);
	free(s.seq);
	rig_fini(&r);
}

static void many_puts_share_a_commit_and_each_is_answered_once(void **state)
{
	enum { N = 500 };
	struct rig r;
	struct item_put *puts = calloc(N, sizeof *puts);

	(void)state;
	rig_init(&r);
	rig_open(&r);
	for (uint64_t i = 0; i < N; i++)
		start_put(&r, &puts[i], &(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 3000, i + 1});
	assert_int_equal(stats_of(&r).queued, N);
	for (size_t i = 0; i < N; i++) {
		uint64_t seq;

		assert_int_equal(end_put(&r, &puts[i], &seq), E_OK);
		assert_int_equal(seq, i + 1);
	}
	assert_true(r.counters.commits < N / 10);
	assert_int_equal(stats_of(&r).queued, 0);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), N);
	free(puts);
	rig_fini(&r);
}

static void closing_commits_what_is_queued_and_cancels_what_comes_later(void **state)
{
	struct rig r;
	struct item_put before[3], after;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	for (uint64_t i = 0; i < 3; i++)
		start_put(&r, &before[i], &(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 10, i + 1});
	spool_close(r.spool, rig_on_closed, &r);
	start_put(&r, &after, &(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 10, 9});
	while (!r.closed)
		(void)uv_run(&r.loop, UV_RUN_ONCE);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(end_put(&r, &before[i], NULL), E_OK);
	assert_int_equal(end_put(&r, &after, NULL), E_CANCELED);
	rig_open(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 3);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stored_record_is_read_back_byte_for_byte_after_a_restart),
		cmocka_unit_test(settled_records_are_gone_and_counted),
		cmocka_unit_test(a_scan_sees_only_its_lane_and_class_in_the_order_asked_for),
		cmocka_unit_test(many_puts_share_a_commit_and_each_is_answered_once),
		cmocka_unit_test(closing_commits_what_is_queued_and_cancels_what_comes_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
