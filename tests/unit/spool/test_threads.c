/* Readers on other threads while the spool stores, settles and gives its file
 * back. Meant for the thread sanitizer as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "rig.h"

#define READERS 3

struct reader {
	struct spool *spool;
	uv_thread_t thread;
	_Atomic bool *stop;
	_Atomic unsigned *failures;
	uint64_t last_seq, rounds;
};

static bool on_scanned(void *arg, uint64_t seq, struct str bytes)
{
	struct reader *rd = arg;
	struct record r;

	if (record_unpack(bytes, &r, NULL) != E_OK || seq <= rd->last_seq)
		atomic_fetch_add(rd->failures, 1);
	rd->last_seq = seq;
	return true;
}

static bool on_listed(void *arg, const struct record_ref *ref, struct str bytes)
{
	struct record r;

	(void)ref;
	if (record_unpack(bytes, &r, NULL) != E_OK)
		atomic_fetch_add(((struct reader *)arg)->failures, 1);
	return true;
}

static void on_life(void *arg, const struct life *l)
{
	(void)arg;
	(void)l;
}

static bool on_dead(void *arg, const struct dead_letter *d)
{
	(void)arg;
	(void)d;
	return true;
}

static void read_on(void *arg)
{
	struct reader *rd = arg;
	struct record_want w = {.lane = record_lane(DSN_A), .class = CLASS_ERROR};
	struct event_id id = id_of(17);

	while (!atomic_load(rd->stop)) {
		int rc = spool_scan(rd->spool, &w, 50, on_scanned, rd, NULL);

		rd->last_seq = 0;
		if (rc == E_OK)
			rc = spool_list(rd->spool, 30, on_listed, rd, NULL);
		if (rc == E_OK)
			rc = spool_dead(rd->spool, 0, 10, on_dead, rd, NULL);
		if (rc == E_OK) {
			rc = spool_why(rd->spool, &id, on_life, rd, NULL);
			rc = rc == E_NOTFOUND ? E_OK : rc;
		}
		if (rc != E_OK)
			atomic_fetch_add(rd->failures, 1);
		rd->rounds++;
	}
}

static void store_and_settle(struct rig *r, uint64_t from, uint64_t n)
{
	struct item_put puts[32];

	for (uint64_t i = from; i < from + n; i += 32) {
		for (uint64_t k = 0; k < 32; k++)
			start_put(r, &puts[k],
				&(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 20000, i + k});
		for (uint64_t k = 0; k < 32; k++) {
			struct settlement st;
			uint64_t seq;

			assert_int_equal(end_put(r, &puts[k], &seq), E_OK);
			st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, i + k);
			spool_lend(r->spool, &st.ref);
			if (k % 8 == 0) {
				st.end = SETTLE_DEAD;
				st.why = DROP_SEND_ERROR;
			}
			/* The first half waits, so that the file grows. */
			if (i >= from + n / 2)
				spool_settle(r->spool, &st);
		}
	}
	for (uint64_t i = from; i < from + n / 2; i++) {
		struct settlement st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, i, i);

		spool_settle(r->spool, &st);
	}
}

static void reading_on_threads_sees_whole_records_in_order_at_all_times(void **state)
{
	struct rig r;
	struct reader readers[READERS];
	_Atomic bool stop = false;
	_Atomic unsigned failures = 0;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i] =
			(struct reader){.spool = r.spool, .stop = &stop, .failures = &failures};
		assert_int_equal(uv_thread_create(&readers[i].thread, read_on, &readers[i]), 0);
	}
	for (uint64_t round = 0; round < 2; round++) {
		store_and_settle(&r, 1 + round * 1280, 1280);
		run_until(&r, stats_of(&r).records == 0);
	}
	run_until(&r, stats_of(&r).file_bytes < 20 * MiB); /* with readers about */
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(uv_thread_join(&readers[i].thread), 0);
		assert_true(readers[i].rounds > 0);
	}
	assert_int_equal(failures, 0);
	check_law(&r);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_on_threads_sees_whole_records_in_order_at_all_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
