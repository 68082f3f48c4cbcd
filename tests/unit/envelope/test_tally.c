#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "envelope/drop.h"
#include "envelope/quantity.h"
#include "envelope/tally.h"

static void every_category_has_its_number_and_name(void **state) /* protocol.md 12 */
{
	enum category c = CAT_COUNT;

	(void)state;
	assert_int_equal(CAT_COUNT, 38);
	assert_int_equal(CAT_MONITOR, 10);
	assert_int_equal(CAT_FEEDBACK, 14);
	assert_int_equal(CAT_LOG_ITEM, 23);
	assert_int_equal(CAT_TRACE_METRIC, 33);
	assert_int_equal(CAT_TRACE_METRIC_BYTE, 37);
	for (unsigned i = 0; i < CAT_COUNT; i++) {
		assert_true(category_parse(str_of(category_name((enum category)i)), &c));
		assert_int_equal(c, i);
	}
	assert_true(category_parse(STR("user_report_v2"), &c));
	assert_int_equal(c, CAT_FEEDBACK);
	assert_false(category_parse(STR("Error"), &c));
	assert_false(category_parse(STR(""), &c));
	assert_false(category_parse(STR("internal"), &c));
}

static void only_reasons_of_the_protocol_exist(void **state) /* P-122 */
{
	enum drop_reason r = DROP_NONE;

	(void)state;
	for (unsigned i = DROP_NONE + 1; i < DROP_COUNT; i++) {
		assert_true(drop_parse(str_of(drop_name((enum drop_reason)i)), &r));
		assert_int_equal(r, i);
	}
	assert_string_equal(drop_name(DROP_NONE), "");
	assert_false(drop_parse(STR(""), &r));
	assert_false(drop_parse(STR("insufficient_data"), &r));
}

static void adding_saturates_and_subtracting_stops_at_zero(void **state)
{
	struct quantities q = {{0}}, less = {{0}};

	(void)state;
	assert_true(quantities_empty(&q));
	quantities_add(&q, CAT_ERROR, UINT64_MAX - 1);
	quantities_add(&q, CAT_ERROR, 5);
	assert_true(q.of[CAT_ERROR] == UINT64_MAX);
	quantities_add(&less, CAT_SPAN, 3);
	quantities_subtract(&q, &less);
	assert_true(q.of[CAT_SPAN] == 0);
	assert_false(quantities_empty(&q));
}

static void random_quantities(struct rng *rng, struct quantities *q, uint64_t below)
{
	memset(q, 0, sizeof *q);
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (rng_below(rng, 3) == 0)
			q->of[c] = below != 0 ? rng_below(rng, below)
					      : rng_next(rng) >> rng_below(rng, 64);
	}
}

static void what_is_packed_is_unpacked(void **state)
{
	uint8_t bytes[QUANTITIES_PACKED_MAX];
	struct quantities q, back;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (unsigned i = 0; i < 2000; i++) {
		size_t n;

		random_quantities(&rng, &q, 0);
		n = quantities_pack(&q, bytes);
		assert_true(n <= sizeof bytes);
		assert_true(quantities_unpack(bytes, n, &back));
		assert_memory_equal(&q, &back, sizeof q);
		if (n > 0)
			assert_false(quantities_unpack(bytes, n - 1, &back) &&
				     memcmp(&q, &back, sizeof q) == 0);
	}
	for (unsigned c = 0; c < CAT_COUNT; c++)
		q.of[c] = UINT64_MAX;
	assert_int_equal(quantities_pack(&q, bytes), QUANTITIES_PACKED_MAX);
	assert_true(quantities_unpack(bytes, sizeof bytes, &back));
	assert_memory_equal(&q, &back, sizeof q);
}

static void what_is_not_packed_is_refused(void **state)
{
	static const struct {
		uint8_t p[12];
		size_t n;
	} bad[] = {
		{{1}, 1},
		{{1, 0x80}, 2},
		{{CAT_COUNT, 1}, 2},
		{{2, 1, 1, 1}, 4},
		{{2, 1, 2, 1}, 4},
		{{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}, 11},
		{{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 1}, 12},
	};
	struct quantities q;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(quantities_unpack(bad[i].p, bad[i].n, &q));
	assert_true(quantities_unpack(NULL, 0, &q));
	assert_true(quantities_empty(&q));
}

/* Whatever lawful steps are taken in whatever order, the law holds. */
static void law_holds_after_any_lawful_steps(void **state)
{
	struct quantities waiting[64];
	struct tally t;
	size_t n = 0;
	struct rng rng;
	enum category broken;

	(void)state;
	memset(&t, 0, sizeof t);
	rng_seed(&rng, 7);
	for (unsigned i = 0; i < 5000; i++) {
		enum drop_reason why = (enum drop_reason)(1 + rng_below(&rng, DROP_COUNT - 1));
		struct quantities q;

		random_quantities(&rng, &q, 1000000);
		if (n < 64 && rng_below(&rng, 2) == 0) {
			waiting[n++] = q;
			tally_stored(&t, &q);
		} else if (n == 0 || rng_below(&rng, 4) == 0) {
			tally_refused(&t, &q, why);
		} else {
			size_t pick = (size_t)rng_below(&rng, n);

			q = waiting[pick];
			waiting[pick] = waiting[--n];
			if (rng_below(&rng, 2) == 0)
				tally_delivered(&t, &q);
			else
				tally_dropped(&t, &q, why);
		}
		assert_true(tally_holds(&t, &broken));
	}
	while (n > 0)
		tally_delivered(&t, &waiting[--n]);
	assert_true(tally_holds(&t, &broken));
	assert_true(quantities_empty(&t.held));
}

static void delivering_what_was_not_held_breaks_the_law(void **state)
{
	struct quantities q = {{0}};
	enum category broken = CAT_COUNT;
	struct tally t;

	(void)state;
	memset(&t, 0, sizeof t);
	quantities_add(&q, CAT_MONITOR, 1);
	tally_delivered(&t, &q);
	assert_false(tally_holds(&t, &broken));
	assert_int_equal(broken, CAT_MONITOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_category_has_its_number_and_name),
		cmocka_unit_test(only_reasons_of_the_protocol_exist),
		cmocka_unit_test(adding_saturates_and_subtracting_stops_at_zero),
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(what_is_not_packed_is_refused),
		cmocka_unit_test(law_holds_after_any_lawful_steps),
		cmocka_unit_test(delivering_what_was_not_held_breaks_the_law),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
