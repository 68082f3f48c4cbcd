/* When there is no room: eviction, refusal, a full map (P-116). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

static int put_class(
	struct rig *r, enum item_class c, enum category cat, uint64_t number, uint64_t *seq)
{
	return put_one(r, &(struct what){DSN_A, c, cat, 10000, number}, seq);
}

/* Records cost 12 KiB and a little each: room for eight. */
static void open_small(struct rig *r, bool refuse)
{
	rig_init(r);
	r->o.max_bytes = 100 * KiB;
	r->o.refuse_when_full = refuse;
	rig_open(r);
}

static void eviction_takes_the_lowest_class_and_the_oldest_first(void **state)
{
	struct rig r;
	struct seen s = {malloc(SEEN_MAX * sizeof(uint64_t)), 0, 0};
	struct report rep;

	(void)state;
	open_small(&r, false);
	for (uint64_t i = 1; i <= 4; i++)
		assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, i, NULL), E_OK);
	for (uint64_t i = 5; i <= 8; i++)
		assert_int_equal(put_class(&r, CLASS_TELEMETRY, CAT_LOG_ITEM, i, NULL), E_OK);
	assert_int_equal(put_class(&r, CLASS_ERROR, CAT_ERROR, 9, NULL), E_OK);
	assert_int_equal(
		scan_all(&r, &(struct record_want){.lane = record_lane(DSN_A), .class = CLASS_BULK},
			&s),
		3);
	assert_int_equal(s.seq[0], 2);
	assert_int_equal(count_class(&r, DSN_A, CLASS_TELEMETRY), 4);
	for (uint64_t i = 10; i <= 13; i++)
		assert_int_equal(put_class(&r, CLASS_ERROR, CAT_ERROR, i, NULL), E_OK);
	assert_int_equal(count_class(&r, DSN_A, CLASS_BULK), 0);
	assert_int_equal(count_class(&r, DSN_A, CLASS_TELEMETRY), 3);
	assert_true(stats_of(&r).bytes <= r.o.max_bytes);
	assert_int_equal(r.counters.records_evicted, 5);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_CACHE_OVERFLOW].of[CAT_REPLAY], 4);
	check_law(&r);
	spool_report_take(r.spool, record_lane(DSN_A), &rep);
	assert_int_equal(rep.lost[DROP_CACHE_OVERFLOW][CAT_REPLAY], 4);
	assert_int_equal(rep.lost[DROP_CACHE_OVERFLOW][CAT_LOG_ITEM], 1);
	free(s.seq);
	rig_fini(&r);
}

static void what_is_more_important_is_never_evicted_for_less(void **state)
{
	struct rig r;

	(void)state;
	open_small(&r, false);
	for (uint64_t i = 1; i <= 8; i++)
		assert_int_equal(put_class(&r, CLASS_ERROR, CAT_ERROR, i, NULL), E_OK);
	assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, 9, NULL), E_NOSPACE);
	assert_int_equal(put_class(&r, CLASS_TELEMETRY, CAT_LOG_ITEM, 10, NULL), E_NOSPACE);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 8);
	assert_int_equal(spool_tally(r.spool)->received.of[CAT_REPLAY], 0);
	assert_int_equal(put_class(&r, CLASS_ERROR, CAT_ERROR, 11, NULL), E_OK);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 8);
	assert_int_equal(put_class(&r, CLASS_CHECK_IN, CAT_MONITOR, 12, NULL), E_OK);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 7);
	check_law(&r);
	rig_fini(&r);
}

/* Whatever else a batch does is done once, also when it refuses all that came. */
static void a_batch_of_refused_puts_does_the_rest(void **state)
{
	enum { TIMES = 50 };
	struct quantities q = {{0}};
	struct rig r;

	(void)state;
	open_small(&r, false);
	q.of[CAT_SESSION] = 1;
	for (uint64_t i = 1; i <= 8; i++)
		assert_int_equal(put_class(&r, CLASS_ERROR, CAT_ERROR, i, NULL), E_OK);
	for (uint64_t i = 0; i < TIMES; i++) {
		spool_refused(r.spool, DSN_A, &q,
			&(struct refusal){DROP_RATELIMIT_BACKOFF, true, NULL, STR_EMPTY});
		assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, 10 + i, NULL), E_NOSPACE);
	}
	assert_int_equal(put_class(&r, CLASS_ERROR, CAT_ERROR, 9, NULL), E_OK);
	assert_int_equal(
		spool_tally(r.spool)->dropped[DROP_RATELIMIT_BACKOFF].of[CAT_SESSION], TIMES);
	check_law(&r);
	rig_fini(&r);
}

static void a_record_larger_than_the_spool_evicts_nothing(void **state)
{
	struct rig r;

	(void)state;
	open_small(&r, false);
	assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, 1, NULL), E_OK);
	assert_int_equal(
		put_one(&r, &(struct what){DSN_A, CLASS_CHECK_IN, CAT_MONITOR, 200000, 2}, NULL),
		E_NOSPACE);
	assert_int_equal(count_class(&r, DSN_A, CLASS_BULK), 1);
	rig_fini(&r);
}

static void lent_records_are_not_evicted(void **state)
{
	struct rig r;
	struct seen s = {malloc(SEEN_MAX * sizeof(uint64_t)), 0, 0};
	struct settlement st;
	uint64_t seq[8];

	(void)state;
	open_small(&r, false);
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, i + 1, &seq[i]), E_OK);
	for (size_t i = 0; i < 2; i++)
		spool_lend(r.spool, &(struct record_ref){record_lane(DSN_A), CLASS_BULK, seq[i]});
	assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, 9, NULL), E_OK);
	(void)scan_all(
		&r, &(struct record_want){.lane = record_lane(DSN_A), .class = CLASS_BULK}, &s);
	assert_int_equal(s.seq[0], seq[0]);
	assert_int_equal(s.seq[1], seq[1]);
	assert_int_equal(s.seq[2], seq[3]);
	st = settlement_of(DSN_A, CLASS_BULK, CAT_REPLAY, seq[0], 1);
	st.end = SETTLE_KEEP;
	spool_settle(r.spool, &st);
	/* The settlement rides with the next put; from then on it may go. */
	assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, 10, NULL), E_OK);
	assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, 11, NULL), E_OK);
	(void)scan_all(
		&r, &(struct record_want){.lane = record_lane(DSN_A), .class = CLASS_BULK}, &s);
	assert_int_equal(s.seq[0], seq[1]);
	free(s.seq);
	rig_fini(&r);
}

static void refuse_keeps_what_is_stored(void **state)
{
	struct rig r;
	struct settlement st;
	uint64_t seq = 0;

	(void)state;
	open_small(&r, true);
	for (uint64_t i = 1; i <= 8; i++)
		assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, i, &seq), E_OK);
	assert_true(spool_has_room(r.spool));
	assert_int_equal(put_class(&r, CLASS_CHECK_IN, CAT_MONITOR, 9, NULL), E_NOSPACE);
	assert_int_equal(count_class(&r, DSN_A, CLASS_BULK), 8);
	st = settlement_of(DSN_A, CLASS_BULK, CAT_REPLAY, seq, 8);
	spool_settle(r.spool, &st);
	assert_int_equal(put_class(&r, CLASS_CHECK_IN, CAT_MONITOR, 10, NULL), E_OK);
	check_law(&r);
	rig_fini(&r);
}

static void a_lower_quota_from_a_reload_is_obeyed_by_the_next_put(void **state)
{
	struct rig r;

	(void)state;
	open_small(&r, false);
	for (uint64_t i = 1; i <= 8; i++)
		assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, i, NULL), E_OK);
	r.o.max_bytes = 50 * KiB;
	spool_configure(r.spool, &r.o);
	assert_int_equal(put_class(&r, CLASS_BULK, CAT_REPLAY, 9, NULL), E_OK);
	assert_int_equal(count_class(&r, DSN_A, CLASS_BULK), 4);
	r.o.max_bytes = 500 * MiB; /* beyond the map as it was opened */
	spool_configure(r.spool, &r.o);
	for (uint64_t i = 10; i <= 40; i++)
		assert_int_equal(
			put_one(&r, &(struct what){DSN_A, CLASS_BULK, CAT_REPLAY, 4 * MiB, i},
				NULL),
			E_OK);
	assert_int_equal(count_class(&r, DSN_A, CLASS_BULK), 35);
	check_law(&r);
	rig_fini(&r);
}

/* A map far smaller than the quota, so that it is full first. */
static void a_full_map_fails_puts_keeps_the_rest_and_heals(void **state)
{
	struct rig r;
	struct settlement st;
	uint64_t n = 0, seq;
	int rc = E_OK;

	(void)state;
	rig_init(&r);
	r.o.map_bytes = 2 * MiB;
	r.o.refuse_when_full = true;
	rig_open(&r);
	while (rc == E_OK && n < 1000)
		rc = put_class(&r, CLASS_ERROR, CAT_ERROR, ++n, NULL);
	assert_int_equal(rc, E_NOSPACE);
	assert_true(n > 50 && n < 1000);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), n - 1);
	check_law(&r);
	for (seq = 1; seq < n; seq++) {
		st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, seq);
		spool_settle(r.spool, &st);
	}
	run_until(&r, stats_of(&r).records == 0);
	do {
		rc = put_class(&r, CLASS_ERROR, CAT_ERROR, ++n, NULL);
	} while (rc == E_NOSPACE);
	assert_int_equal(rc, E_OK);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1);
	check_law(&r);
	rig_fini(&r);
}

static void a_full_map_makes_room_by_eviction_when_told_so(void **state)
{
	struct rig r;
	uint64_t n = 0, stored = 0;

	(void)state;
	rig_init(&r);
	r.o.map_bytes = 2 * MiB;
	rig_open(&r);
	while (stored < 400) {
		assert_true(++n < 4000);
		stored += put_class(&r, CLASS_ERROR, CAT_ERROR, n, NULL) == E_OK;
	}
	assert_true(r.counters.records_evicted > 0);
	check_law(&r);
	rig_fini(&r);
}

struct purge {
	struct spool_purge p;
	bool done;
};

static void on_purged(struct spool_purge *p, int rc)
{
	assert_int_equal(rc, E_OK);
	((struct purge *)(void *)p)->done = true;
}

static uint64_t purge(struct rig *r, int class, bool only_lane, uint32_t lane)
{
	struct purge p = {{class, only_lane, lane, on_purged, 0, NULL}, false};

	spool_purge(r->spool, &p.p);
	run_until(r, p.done);
	return p.p.purged;
}

static void a_purge_drops_what_it_names_and_counts_it(void **state)
{
	enum { N = 3000 };
	struct rig r;
	struct item_put *puts = calloc(N, sizeof *puts);

	(void)state;
	rig_init(&r);
	rig_open(&r);
	for (uint64_t i = 0; i < N; i++)
		start_put(&r, &puts[i],
			&(struct what){i % 3 == 0 ? DSN_B : DSN_A,
				i % 2 == 0 ? CLASS_ERROR : CLASS_BULK, CAT_ERROR, 50, i});
	for (size_t i = 0; i < N; i++)
		assert_int_equal(end_put(&r, &puts[i], NULL), E_OK);
	assert_int_equal(purge(&r, CLASS_BULK, true, record_lane(DSN_B)), N / 6);
	assert_int_equal(purge(&r, CLASS_BULK, false, 0), N / 2 - N / 6);
	assert_int_equal(purge(&r, CLASS_BULK, false, 0), 0);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), N / 2 - N / 6);
	assert_int_equal(purge(&r, -1, false, 0), N / 2);
	assert_int_equal(stats_of(&r).records, 0);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_CACHE_OVERFLOW].of[CAT_ERROR], N);
	check_law(&r);
	free(puts);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eviction_takes_the_lowest_class_and_the_oldest_first),
		cmocka_unit_test(what_is_more_important_is_never_evicted_for_less),
		cmocka_unit_test(a_batch_of_refused_puts_does_the_rest),
		cmocka_unit_test(a_record_larger_than_the_spool_evicts_nothing),
		cmocka_unit_test(lent_records_are_not_evicted),
		cmocka_unit_test(refuse_keeps_what_is_stored),
		cmocka_unit_test(a_lower_quota_from_a_reload_is_obeyed_by_the_next_put),
		cmocka_unit_test(a_full_map_fails_puts_keeps_the_rest_and_heals),
		cmocka_unit_test(a_full_map_makes_room_by_eviction_when_told_so),
		cmocka_unit_test(a_purge_drops_what_it_names_and_counts_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
