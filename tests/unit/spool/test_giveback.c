/* What a drained spool gives back: disk and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

#define RECORD (64 * KiB)

static uint64_t disk_bytes(const struct rig *r)
{
	char path[256];
	struct stat sb;

	(void)snprintf(path, sizeof path, "%s/spool.mdb", r->dir);
	assert_int_equal(stat(path, &sb), 0);
	return (uint64_t)sb.st_size;
}

/* KiB of this process that are pages of files: the map's. */
static uint64_t file_rss_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long kib = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		(void)sscanf(line, "RssFile: %lu", &kib);
	(void)fclose(f);
	return kib;
}

static void fill(struct rig *r, uint64_t from, uint64_t n)
{
	struct item_put *puts = calloc(n, sizeof *puts);

	assert_non_null(puts);
	for (uint64_t i = 0; i < n; i += 64) {
		for (uint64_t k = i; k < n && k < i + 64; k++)
			start_put(r, &puts[k],
				&(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, RECORD, from + k});
		for (uint64_t k = i; k < n && k < i + 64; k++)
			assert_int_equal(end_put(r, &puts[k], NULL), E_OK);
	}
	free(puts);
}

struct drain {
	struct rig *r;
	uint64_t sum, most_kib;
};

static bool on_record(void *arg, uint64_t seq, struct str bytes)
{
	struct drain *d = arg;
	struct settlement st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, seq);

	for (size_t i = 0; i < bytes.n; i += 512) /* as sending reads every page */
		d->sum += (uint8_t)bytes.p[i];
	spool_settle(d->r->spool, &st);
	return true;
}

/* Reads and settles all but the last keep, a few at a time, as forward does. */
static struct drain drain(struct rig *r, uint64_t last_seq)
{
	struct drain d = {r, 0, 0};
	struct record_want w = {.lane = record_lane(DSN_A), .class = CLASS_ERROR};
	uint64_t kib;

	for (w.after_seq = 0; w.after_seq < last_seq; w.after_seq += 16) {
		unsigned n = (unsigned)(last_seq - w.after_seq);

		assert_int_equal(
			spool_scan(r->spool, &w, n < 16 ? n : 16, on_record, &d, NULL), E_OK);
		(void)uv_run(&r->loop, UV_RUN_NOWAIT);
		kib = file_rss_kib();
		d.most_kib = kib > d.most_kib ? kib : d.most_kib;
	}
	return d;
}

static void a_drained_spool_gives_its_file_back_and_keeps_the_rest(void **state)
{
	struct rig r;
	struct quantities q = {{0}};
	struct settlement st;
	struct drain d;
	uint64_t before = file_rss_kib(), full;

	(void)state;
	rig_init(&r);
	r.o.max_bytes = 512 * MiB;
	rig_open(&r);
	fill(&r, 1, 3200); /* 200 MiB */
	full = disk_bytes(&r);
	assert_true(full > 200 * MiB);
	assert_int_equal(stats_of(&r).file_bytes, full);
	q.of[CAT_SPAN] = 2;
	spool_refused(
		r.spool, DSN_B, &q, &(struct refusal){DROP_SAMPLE_RATE, true, NULL, STR_EMPTY});
	spool_state_set(r.spool, STR("key"), STR("value"));
	st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, 1, 1);
	st.end = SETTLE_DEAD;
	st.why = DROP_SEND_ERROR;
	spool_settle(r.spool, &st);
	d = drain(&r, 3200);
	assert_true(d.sum > 0);
	run_until(&r, stats_of(&r).records == 0);
	run_until(&r, stats_of(&r).file_bytes < 8 * MiB); /* by itself, when idle */
	assert_true(disk_bytes(&r) < 8 * MiB);
	assert_true(d.most_kib < before + 25 * 1024);
	assert_int_equal(stats_of(&r).dead_records, 1);
	assert_true(spool_report_pending(r.spool, record_lane(DSN_B)));
	assert_int_equal(put_error(&r, 9999), 3201);
	rig_restart(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1);
	assert_int_equal(stats_of(&r).dead_records, 1);
	assert_int_equal(spool_tally(r.spool)->delivered.of[CAT_ERROR], 3199);
	check_law(&r);
	rig_fini(&r);
}

static void a_mostly_empty_file_is_compacted_while_idle(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	r.o.max_bytes = 512 * MiB;
	spool_configure(r.spool, &r.o);
	fill(&r, 1, 1600); /* 100 MiB */
	(void)drain(&r, 1500);
	run_until(&r, stats_of(&r).records == 100);
	run_until(&r, disk_bytes(&r) < 20 * MiB);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 100);
	rig_restart(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 100);
	check_law(&r);
	rig_fini(&r);
}

/* Space of what was deleted serves what comes next. */
static void a_spool_that_is_filled_and_drained_again_does_not_grow(void **state)
{
	struct rig r;
	uint64_t first = 0, seq = 0;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	for (unsigned round = 0; round < 8; round++) {
		fill(&r, seq + 1, 200);
		(void)drain(&r, seq += 200);
		fill(&r, seq + 1, 1); /* never empty: no compaction */
		seq++;
		if (round == 2)
			first = disk_bytes(&r);
	}
	assert_true(disk_bytes(&r) <= first + 4 * MiB);
	check_law(&r);
	rig_fini(&r);
}

/* Opening makes the file of LMDB's lock anew; for a moment there is none. */
static bool was_opened_since(const struct rig *r, struct timespec *at)
{
	char path[256];
	struct stat sb;
	struct timespec before = *at;

	(void)snprintf(path, sizeof path, "%s/spool.mdb-lock", r->dir);
	if (stat(path, &sb) != 0)
		return false;
	*at = sb.st_ctim;
	return at->tv_sec != before.tv_sec || at->tv_nsec != before.tv_nsec;
}

/* LMDB keeps the pages of large transactions until it is closed. */
static void an_idle_spool_is_opened_anew_and_all_is_there(void **state)
{
	struct timespec opened = {0, 0};
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	assert_true(was_opened_since(&r, &opened));
	fill(&r, 1, 64);
	while (!was_opened_since(&r, &opened))
		(void)usleep(1000);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 64);
	assert_int_equal(put_error(&r, 9999), 65);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 65);
	rig_restart(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 65);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_drained_spool_gives_its_file_back_and_keeps_the_rest),
		cmocka_unit_test(a_mostly_empty_file_is_compacted_while_idle),
		cmocka_unit_test(a_spool_that_is_filled_and_drained_again_does_not_grow),
		cmocka_unit_test(an_idle_spool_is_opened_anew_and_all_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
