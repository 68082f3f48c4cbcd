/* merge_part.h - one envelope on its way into a merger, for merge*.c.
 *
 * Merging takes a part in two moves: plans check it and make room, and change
 * nothing that will be written; takes cannot fail. So a part that one kind of item
 * refuses leaves no trace in another.
 *
 * Owns     its envelope, until part_close().
 * Threads  one at a time.
 */
#ifndef PICKET_ENVELOPE_MERGE_PART_H
#define PICKET_ENVELOPE_MERGE_PART_H

#include "envelope/stream.h"

struct part_item {
	bool is_summed;   /* by its plan: else it goes on as it came */
	struct str group; /* by its plan: what it is summed under */
};

struct part {
	struct envelope *e;
	struct item *main;    /* container, statsd or metric_buckets item */
	struct part_item *of; /* each item */
	bool is_first;        /* of the merger's parts */
};

/* E_SYNTAX when the items do not make that kind; E_NOMEM. Close it in any case. */
int part_open(struct part *p, enum stream_kind kind, struct str header, struct str items);
void part_close(struct part *p);

/* True when the item's header has nothing but type, length, and perhaps the
 * content type of JSON: then one of our own says the same. */
bool part_item_is_plain(struct part *p, struct item *it);

/* An item in the normative form; part_item_bytes() is enough room for it. */
void part_item_write(struct part *p, struct item *it, struct buf *out);
size_t part_item_bytes(const struct part *p, struct item *it);

#endif
