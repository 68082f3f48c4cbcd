#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forward/circuit.h"

static const struct circuit_policy policy = {1000, 300000, 8};

static void waits_grow_and_stay_within_bounds(void **state) /* P-113 */
{
	struct rng rng;
	int64_t least[12], most[12], cap = 1000;

	(void)state;
	rng_seed(&rng, 7);
	for (unsigned n = 0; n < 12; n++) {
		least[n] = INT64_MAX;
		most[n] = 0;
		for (int i = 0; i < 2000; i++) {
			int64_t ms = backoff_ms(&policy, n, &rng);

			least[n] = ms < least[n] ? ms : least[n];
			most[n] = ms > most[n] ? ms : most[n];
		}
		assert_true(least[n] >= policy.min_ms && most[n] <= cap);
		/* Full jitter: the whole range is used. */
		assert_true(most[n] >= cap - cap / 20);
		assert_true(least[n] <= policy.min_ms + cap / 20);
		cap = cap * 2 > policy.max_ms ? policy.max_ms : cap * 2;
	}
}

static void the_same_seed_gives_the_same_waits(void **state)
{
	struct rng a, b;

	(void)state;
	rng_seed(&a, 42);
	rng_seed(&b, 42);
	for (unsigned n = 0; n < 100; n++)
		assert_int_equal(backoff_ms(&policy, n % 10, &a), backoff_ms(&policy, n % 10, &b));
}

static void min_above_max_is_min(void **state)
{
	struct circuit_policy odd = {5000, 5000, 1};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	assert_int_equal(backoff_ms(&odd, 60, &rng), 5000);
}

/* Two virtual days without an answer. */
static void an_outage_is_probed_and_nothing_else(void **state) /* P-113 */
{
	struct circuit c;
	struct rng rng;
	int64_t now = 1000, end = now + INT64_C(2) * 86400000;
	unsigned data = 0, probes = 0;

	(void)state;
	rng_seed(&rng, 3);
	circuit_init(&c, now);
	assert_int_equal(circuit_window(&c, &policy, now), 8);
	while (now < end) {
		int64_t next;

		if (circuit_wants_probe(&c, now)) {
			assert_int_equal(c.state, HOST_OUTAGE);
			assert_int_equal(circuit_window(&c, &policy, now), 0);
			probes++;
		} else {
			assert_true(circuit_window(&c, &policy, now) > 0);
			data++;
		}
		assert_true(circuit_failed(&c, &policy, &rng, now, now, 0));
		next = circuit_next(&c, now);
		assert_true(next >= now + policy.min_ms && next <= now + policy.max_ms);
		assert_false(circuit_wants_probe(&c, next - 1));
		assert_int_equal(circuit_window(&c, &policy, next - 1), 0);
		now = next;
	}
	/* Data was tried for about ten seconds only. */
	assert_true(data >= 2 && data <= 12);
	assert_true(probes > 172800 / 300 && probes < 172800 / 60);
}

static void many_failures_at_once_are_one(void **state)
{
	struct circuit c;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	circuit_init(&c, 0);
	assert_true(circuit_failed(&c, &policy, &rng, 10, 20, 0));
	for (int i = 0; i < 100; i++)
		assert_false(circuit_failed(&c, &policy, &rng, 10, 20 + i, 0));
	assert_int_equal(c.failures, 1);
}

static void any_status_ends_an_outage_and_the_start_is_slow(void **state) /* P-114 */
{
	struct circuit c;
	struct rng rng;
	int64_t now = 0;

	(void)state;
	rng_seed(&rng, 3);
	circuit_init(&c, now);
	while (c.state != HOST_OUTAGE) {
		circuit_failed(&c, &policy, &rng, now, now, 0);
		now = c.next_try_mono_ms;
	}
	assert_true(circuit_answered(&c, &policy, true, now));
	assert_int_equal(c.state, HOST_RECOVERING);
	assert_int_equal(circuit_window(&c, &policy, now), 1);
	for (unsigned i = 2; i < 8; i++) {
		assert_false(circuit_answered(&c, &policy, false, now));
		assert_int_equal(circuit_window(&c, &policy, now), i);
	}
	circuit_answered(&c, &policy, false, now);
	assert_int_equal(c.state, HOST_UP);
	assert_int_equal(circuit_next(&c, now), INT64_MAX);
}

static void a_probe_does_not_shorten_the_waits(void **state)
{
	struct circuit c;
	struct rng rng;
	unsigned before;

	(void)state;
	rng_seed(&rng, 3);
	circuit_init(&c, 0);
	for (int64_t now = 0; c.state != HOST_OUTAGE; now = c.next_try_mono_ms)
		circuit_failed(&c, &policy, &rng, now, now, 0);
	before = c.failures;
	circuit_answered(&c, &policy, true, 100000);
	circuit_failed(&c, &policy, &rng, 100001, 100001, 0);
	assert_int_equal(c.state, HOST_FAILING);
	assert_int_equal(c.failures, before + 1);
	circuit_answered(&c, &policy, false, 900000); /* data got through */
	assert_int_equal(c.failures, 0);
}

static void retry_after_is_the_least_wait(void **state)
{
	struct circuit c;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	circuit_init(&c, 0);
	circuit_failed(&c, &policy, &rng, 10, 10, 120000);
	assert_true(circuit_next(&c, 10) >= 120010);
	/* One of the same burst may ask for more. */
	circuit_failed(&c, &policy, &rng, 5, 20, 600000);
	assert_true(circuit_next(&c, 20) >= 600020);
}

static void one_faulty_answer_does_not_stop_a_host(void **state)
{
	struct circuit c;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	circuit_init(&c, 0);
	assert_false(circuit_unwell(&c, &policy, &rng, 1, 2));
	assert_false(circuit_unwell(&c, &policy, &rng, 3, 4));
	assert_false(circuit_answered(&c, &policy, false, 5));
	assert_false(circuit_unwell(&c, &policy, &rng, 6, 7));
	assert_int_equal(c.state, HOST_UP);
	assert_false(circuit_unwell(&c, &policy, &rng, 8, 9));
	assert_true(circuit_unwell(&c, &policy, &rng, 10, 11));
	assert_int_equal(c.state, HOST_FAILING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_and_stay_within_bounds),
		cmocka_unit_test(the_same_seed_gives_the_same_waits),
		cmocka_unit_test(min_above_max_is_min),
		cmocka_unit_test(an_outage_is_probed_and_nothing_else),
		cmocka_unit_test(many_failures_at_once_are_one),
		cmocka_unit_test(any_status_ends_an_outage_and_the_start_is_slow),
		cmocka_unit_test(a_probe_does_not_shorten_the_waits),
		cmocka_unit_test(retry_after_is_the_least_wait),
		cmocka_unit_test(one_faulty_answer_does_not_stop_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
