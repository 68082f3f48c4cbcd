/* merge_list.h - one item of many entries (protocol.md 11.3), for merge.c.
 *
 * Logs, trace metrics, spans of one trace, statsd lines and metric buckets: the
 * entries of all parts behind each other, byte for byte.
 *
 * Owns     copies of all it keeps.
 * Threads  one at a time.
 */
#ifndef PICKET_ENVELOPE_MERGE_LIST_H
#define PICKET_ENVELOPE_MERGE_LIST_H

#include "base/id.h"
#include "envelope/merge.h"
#include "envelope/merge_part.h"

struct merge_list {
	struct buf shared;   /* what all parts agree in, canonical */
	struct buf now;      /* the same of the part at hand */
	struct buf metadata; /* what stands before a container's items */
	struct buf content;  /* raw content type, "" for a container's */
	struct buf entries;
	size_t count;
	struct str more; /* of the part at hand: its entries */
	size_t more_count;
	bool has_trace; /* all its entries have this one */
	struct event_id trace;
};

void merge_list_init(struct merge_list *m);
void merge_list_fini(struct merge_list *m);
void merge_list_clear(struct merge_list *m);

/* Makes room for p->main. wants_trace: has_trace is to be found out. */
int merge_list_plan(struct merge_list *m, struct part *p, enum stream_kind kind, bool wants_trace,
	const struct merge_limits *limits);
void merge_list_take(struct merge_list *m, struct part *p, enum stream_kind kind);
void merge_list_write(const struct merge_list *m, enum stream_kind kind, struct buf *out);

#endif
