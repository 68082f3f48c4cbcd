#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forward/gaps.h"

/* Reads up to max of the seqs first..last that exist, as a worker would. */
static unsigned read_some(struct gaps *g, bool newest, uint64_t last, unsigned max, uint64_t *out)
{
	struct gap_scan scan;
	struct record_want want;
	unsigned n = 0;
	bool stopped = false;
	uint64_t seq;

	if (!gaps_begin(g, newest, &scan, &want))
		return 0;
	seq = newest ? (want.before_seq == 0 ? last : want.before_seq - 1) : want.after_seq + 1;
	while (n < max && seq >= 1 && seq <= last) {
		if (!gap_scan_takes(&scan, seq)) {
			stopped = true;
			break;
		}
		gap_scan_saw(&scan, seq);
		out[n++] = seq;
		seq = newest ? seq - 1 : seq + 1;
	}
	if (!stopped && n < max)
		scan.is_exhausted = true;
	gaps_end(g, &scan);
	return n;
}

static void nothing_is_read_before_something_was_stored(void **state)
{
	struct gaps g;
	uint64_t out[8];

	(void)state;
	gaps_init(&g);
	assert_false(gaps_has_work(&g));
	assert_int_equal(read_some(&g, false, 9, 8, out), 0);
	assert_int_equal(read_some(&g, true, 9, 8, out), 0);
}

static void oldest_first_reads_everything_once(void **state)
{
	struct gaps g;
	uint64_t out[8], next = 1;

	(void)state;
	gaps_init(&g);
	gaps_note(&g);
	for (unsigned n; (n = read_some(&g, false, 20, 8, out)) > 0;) {
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(out[i], next++);
	}
	assert_int_equal(next, 21);
	assert_false(gaps_has_work(&g));
	gaps_note(&g);
	assert_int_equal(read_some(&g, false, 21, 8, out), 1);
	assert_int_equal(out[0], 21);
}

static void newest_first_jumps_over_the_old_and_comes_back(void **state)
{
	struct gaps g;
	uint64_t out[8];

	(void)state;
	gaps_init(&g);
	gaps_note(&g);
	assert_int_equal(read_some(&g, true, 10, 3, out), 3);
	assert_int_equal(out[0], 10);
	assert_int_equal(out[2], 8);
	gaps_note(&g); /* 11 and 12 arrived */
	assert_int_equal(read_some(&g, true, 12, 3, out), 2);
	assert_int_equal(out[0], 12);
	assert_int_equal(out[1], 11);
	assert_int_equal(read_some(&g, true, 12, 8, out), 7);
	assert_int_equal(out[0], 7);
	assert_int_equal(out[6], 1);
	assert_false(gaps_has_work(&g));
}

static void a_record_stored_during_a_scan_is_not_missed(void **state)
{
	struct gaps g;
	struct gap_scan scan;
	struct record_want want;

	(void)state;
	for (int newest = 0; newest < 2; newest++) {
		gaps_init(&g);
		gaps_note(&g);
		assert_true(gaps_begin(&g, newest, &scan, &want));
		assert_false(gaps_begin(&g, newest, &scan, &want)); /* one at a time */
		gaps_note(&g);
		scan.is_exhausted = true;
		gaps_end(&g, &scan);
		assert_true(gaps_has_work(&g));
	}
}

static void a_scan_that_was_refused_memory_is_repeated(void **state)
{
	struct gaps g;
	struct gap_scan scan;
	struct record_want want;

	(void)state;
	for (int newest = 0; newest < 2; newest++) {
		gaps_init(&g);
		gaps_note(&g);
		assert_true(gaps_begin(&g, newest, &scan, &want));
		gaps_end(&g, &scan); /* nothing seen, not exhausted */
		assert_true(gaps_has_work(&g));
	}
}

/* Any mixture of storing, reading and changing the order reads each seq once. */
static void every_seq_is_read_exactly_once_in_any_order(void **state)
{
	uint32_t x = 12345;

	(void)state;
	for (int round = 0; round < 200; round++) {
		bool seen[600] = {false};
		uint64_t last = 0, out[8];
		struct gaps g;
		unsigned total = 0;

		gaps_init(&g);
		for (int step = 0; step < 2000 && total < 599; step++) {
			unsigned n;

			x = x * 1664525u + 1013904223u;
			if ((x >> 8) % 3 == 0 && last < 599) {
				last += 1 + (x >> 12) % 5;
				if (last > 599)
					last = 599;
				gaps_note(&g);
			}
			n = read_some(&g, (x >> 16 & (round % 2 ? 4 : 12)) != 0, last,
				1 + (x >> 20) % 4, out);
			assert_true(g.n >= 1 && g.n <= GAPS_MAX);
			for (unsigned i = 0; i < n; i++) {
				assert_false(seen[out[i]]);
				seen[out[i]] = true;
				total++;
			}
		}
		assert_int_equal(total, last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_read_before_something_was_stored),
		cmocka_unit_test(oldest_first_reads_everything_once),
		cmocka_unit_test(newest_first_jumps_over_the_old_and_comes_back),
		cmocka_unit_test(a_record_stored_during_a_scan_is_not_missed),
		cmocka_unit_test(a_scan_that_was_refused_memory_is_repeated),
		cmocka_unit_test(every_seq_is_read_exactly_once_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
