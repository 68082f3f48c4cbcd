/* quick.h - a cheap look at a string: which patterns can match it at all?
 *
 * One pass over the bytes collects what is there; each pattern that comes with
 * picket knows what it cannot do without. The answer may be "maybe" for a
 * string without a match, never "no" for one with a match.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_SCRUB_QUICK_H
#define PICKET_SCRUB_QUICK_H

#include "scrub/rule.h"

struct quick {
	uint32_t has;    /* QUICK_x */
	uint32_t digits; /* ASCII digits, saturating */
	size_t n;
};

void quick_look(struct str s, struct quick *q);
bool quick_may_match(const struct quick *q, enum pattern_id id);
bool quick_is_ascii(const struct quick *q);
/* The text holds no NUL: patterns may search it as it is. */
bool quick_is_plain(const struct quick *q);

#endif
