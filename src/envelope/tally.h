/* tally.h - the figures of the conservation law.
 *
 * received = delivered + dropped (by reason) + held, per data category. A
 * delta is what one step changes; the spool adds deltas to the totals in the
 * transaction that makes the step true.
 *
 * Owns     nothing; plain memory (about 5 KiB: keep it off deep stacks).
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_TALLY_H
#define PICKET_ENVELOPE_TALLY_H

#include "envelope/drop.h"
#include "envelope/quantity.h"

struct tally {
	struct quantities received;
	struct quantities delivered;
	struct quantities held;
	struct quantities dropped[DROP_COUNT]; /* by enum drop_reason */
};

/* The lawful steps; nothing else changes a tally. */
void tally_stored(struct tally *t, const struct quantities *q); /* received and held */
void tally_refused(struct tally *t, const struct quantities *q,
	enum drop_reason why);                                     /* received and dropped */
void tally_delivered(struct tally *t, const struct quantities *q); /* held to delivered */
void tally_dropped(
	struct tally *t, const struct quantities *q, enum drop_reason why); /* held to dropped */

/* True when the law holds in every category; else *broken names one. */
bool tally_holds(const struct tally *t, enum category *broken);

#endif
