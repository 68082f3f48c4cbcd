/* merge.h - several envelopes of one stream become one (protocol.md 11.3).
 *
 * Entries of logs, trace metrics and spans, lines of statsd and elements of
 * metric_buckets are put behind each other, byte for byte, in the order they
 * came. Aggregates of sessions and client reports are summed; session updates
 * stay as they are, in their order.
 *
 * Whether two envelopes may be merged is checked again here: a part that does
 * not go with those before it is refused, never bent.
 *
 * Owns     struct merger: copies of all it keeps; parts are borrowed only
 *          during merger_add(). Memory stays for the next use.
 * Threads  one at a time.
 * Fails    E_TOOBIG  no room for this part; the merger is as before
 *          E_SYNTAX  this part has to go alone; likewise
 *          E_NOMEM   likewise
 */
#ifndef PICKET_ENVELOPE_MERGE_H
#define PICKET_ENVELOPE_MERGE_H

#include "envelope/stream.h"

/* Of one merged item; what 9.3 documents holds beside them. A part that is
 * beyond them by itself is taken when it is the first. */
struct merge_limits {
	uint64_t max_items; /* entries */
	uint64_t max_bytes; /* of payload */
};

struct merger;

int merger_new(struct merger **ret, const struct merge_limits *l, struct err *err);
/* NULL is fine. */
void merger_free(struct merger *m);
/* Ready for other parts. */
void merger_clear(struct merger *m);

/* header: a stored header line, with or without sent_at; items: its items block
 * in the clear. All parts since the last clear are of one kind. */
int merger_add(struct merger *m, enum stream_kind kind, struct str header, struct str items,
	struct err *err);

/* Appends the merged header line, without sent_at, event_id and LF, and the items
 * block in the normative form (6.4). At least one part was added. */
int merger_write(struct merger *m, struct buf *header, struct buf *items, struct err *err);

#endif
