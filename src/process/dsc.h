/* dsc.h - the trace header of an envelope (protocol.md 16.2).
 *
 * Clients write every value as a string; some write numbers and booleans.
 * What cannot be understood counts as absent and is left as it is.
 *
 * Owns     nothing: nodes and texts belong to the envelope's header.
 * Threads  as its envelope.
 */
#ifndef PICKET_PROCESS_DSC_H
#define PICKET_PROCESS_DSC_H

#include "base/id.h"
#include "envelope/envelope.h"

enum dsc_sampled { DSC_SAMPLED_UNKNOWN, DSC_SAMPLED_NO, DSC_SAMPLED_YES };

struct dsc {
	json_node node; /* JSON_NONE: there is no trace header */
	bool has_trace_id;
	struct event_id trace_id;
	bool has_rate;          /* a number above 0 and at most 1 */
	bool rate_is_no_number; /* there is one, and it cannot be read */
	double rate;            /* 1.0 when absent or impossible */
	bool has_rand;
	double rand;
	enum dsc_sampled sampled;
};

void dsc_read(const struct envelope *e, struct dsc *ret);
/* A text of the trace header, "" when there is none. */
struct str dsc_text(const struct envelope *e, const struct dsc *d, struct str key);

/* Writes sample_rate as a JSON string; everything else stays (P-129, P-130). */
int dsc_set_rate(struct envelope *e, const struct dsc *d, double rate);
/* Gives an envelope without one a trace header of trace_id, public_key and the
 * rate at which it was sampled. */
int dsc_create(
	struct envelope *e, const struct event_id *trace_id, struct str public_key, double rate);

#endif
