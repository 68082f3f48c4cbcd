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

/* What a look found out: a bit for each pattern that may match, and two more
 * about the text. All zeros: nobody looked yet. */
struct quick {
	uint32_t bits;
};

#define QUICK_PATTERN(id) (UINT32_C(1) << (id))
#define QUICK_HAS_NUL     (UINT32_C(1) << 30)
#define QUICK_HAS_OTHER   (UINT32_C(1) << 31) /* bytes that are not ASCII */

/* Those that nothing is known of may match any text. */
#define QUICK_ANY_TEXT (QUICK_PATTERN(PAT_ANYTHING) | QUICK_PATTERN(PAT_CUSTOM))

void quick_look(struct str s, struct quick *q);

static inline bool quick_may_match(const struct quick *q, enum pattern_id id)
{
	return (q->bits & QUICK_PATTERN(id)) != 0;
}

static inline bool quick_is_ascii(const struct quick *q)
{
	return (q->bits & QUICK_HAS_OTHER) == 0;
}

/* The text holds no NUL: patterns may search it as it is. */
static inline bool quick_is_plain(const struct quick *q)
{
	return (q->bits & QUICK_HAS_NUL) == 0;
}

#endif
