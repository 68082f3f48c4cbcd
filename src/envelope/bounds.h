/* bounds.h - the table of section 9.3: how many, and how large, in one envelope.
 *
 * Items of one group are counted together. What is beyond a count or a sum can be
 * divided (divide.h); an item that is beyond its own bound cannot.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_BOUNDS_H
#define PICKET_ENVELOPE_BOUNDS_H

#include "envelope/item.h"

enum bound_group {
	BOUND_EVENT, /* the event itself, whatever its kind */
	BOUND_ATTACHMENT,
	BOUND_RECORDING,
	BOUND_VIDEO,
	BOUND_SESSION,
	BOUND_REPORT,
	BOUND_PROFILE,
	BOUND_CHECK_IN,
	BOUND_STATSD,
	BOUND_BUCKETS,
	BOUND_LOG,
	BOUND_METRIC,
	BOUND_SPANS, /* containers */
	BOUND_SPAN,  /* one span each */
	BOUND_NONE,  /* without any bound */
	BOUND_COUNT
};

struct bound {
	uint64_t count; /* items of an envelope; 0: any number */
	uint64_t one;   /* bytes of an item; 0: any */
	uint64_t entry; /* bytes of a container's entry on the average; 0: any */
	uint64_t all;   /* bytes of all of an envelope; 0: any */
};

enum bound_group bound_group_of(const struct item *it);
void bounds_of(const struct item_limits *l, struct bound table[BOUND_COUNT]);

/* True when n is more than a bound allows. */
static inline bool bound_exceeded(uint64_t n, uint64_t bound)
{
	return bound != 0 && n > bound;
}

/* Attachments that create the event, or are it: they go with it or not at all. */
bool bound_makes_event(const struct item *it);

/* True when the item fits no envelope. */
bool bound_item_exceeded(const struct bound *b, const struct item *it);

#endif
