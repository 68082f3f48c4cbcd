/* draw.h - the number that decides about one id (sdk-semantics 2.1, 3.3).
 *
 * Numbers in [0, 1) that every process draws alike. A thing is kept when its
 * number is below the rate, so that raising a rate only ever keeps more.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_PROCESS_DRAW_H
#define PICKET_PROCESS_DRAW_H

#include "process/dsc.h"

/* A trace's number has six decimals. Rates so small that these say too little
 * are compared with a finer one, which is never below the coarse. */
struct draw {
	double coarse;
	double fine;
};

/* H of 2.1: SipHash-2-4 over 32 lower-case digits. */
struct draw draw_of_id(const struct event_id *id);
/* The same over prefix and the id as it is written, for ids that are none. */
struct draw draw_of_text(const char *prefix, struct str id);
/* trace_id is what the payload says, NULL for none; event_id what is left when
 * there is no trace at all, NULL for none. False when there is nothing. */
bool draw_of_trace(const struct dsc *dsc, const struct event_id *trace_id,
	const struct event_id *event_id, struct draw *ret);
/* The last 14 digits of a trace id, six decimals of them. */
double draw_from_digits(const struct event_id *trace_id);

bool draw_is_below(struct draw d, double rate);

#endif
