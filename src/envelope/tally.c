#include "envelope/tally.h"

#include "base/check.h"

void tally_stored(struct tally *t, const struct quantities *q)
{
	quantities_merge(&t->received, q);
	quantities_merge(&t->held, q);
}

void tally_refused(struct tally *t, const struct quantities *q, enum drop_reason why)
{
	check(why > DROP_NONE && why < DROP_COUNT);
	quantities_merge(&t->received, q);
	quantities_merge(&t->dropped[why], q);
}

/* What was never held cannot be moved: held stops at zero, and the law that
 * tally_holds() checks is seen to be broken rather than bent. */
void tally_delivered(struct tally *t, const struct quantities *q)
{
	quantities_subtract(&t->held, q);
	quantities_merge(&t->delivered, q);
}

void tally_dropped(struct tally *t, const struct quantities *q, enum drop_reason why)
{
	check(why > DROP_NONE && why < DROP_COUNT);
	quantities_subtract(&t->held, q);
	quantities_merge(&t->dropped[why], q);
}

/* Saturates as the sums it is compared with do. */
static uint64_t sum_of(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

bool tally_holds(const struct tally *t, enum category *broken)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		uint64_t sum = sum_of(t->delivered.of[c], t->held.of[c]);

		for (unsigned r = DROP_NONE; r < DROP_COUNT; r++)
			sum = sum_of(sum, t->dropped[r].of[c]);
		if (sum != t->received.of[c]) {
			*broken = (enum category)c;
			return false;
		}
	}
	return true;
}
