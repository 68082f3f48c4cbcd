/* share.h - what the parts of one stream have to share, for stream.c and merging.
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_SYNTAX, E_TOOBIG  the envelope has to go alone
 *          E_NOMEM
 */
#ifndef PICKET_ENVELOPE_SHARE_H
#define PICKET_ENVELOPE_SHARE_H

#include "envelope/container.h"
#include "envelope/stream.h"

/* What kind of stream the items make, by their types alone; *main is the one
 * container, statsd or metric_buckets item, NULL for other kinds. Client reports
 * may stand beside everything. */
enum stream_kind share_kind(const struct envelope *e, struct item **main);

/* Entries of one merged item: 100 logs, 1000 metrics or spans (9.3). 0: the kind
 * is no container. */
size_t share_max_entries(enum stream_kind k);
enum item_type share_item_type(enum stream_kind k);
#define SHARE_MAX_BYTES ((size_t)1024 * 1024) /* payload of one merged item */

/* Each appends its share in canonical form. The envelope's header: all but
 * event_id, sent_at and dsn, and trace where it does not count (11.2). */
int share_header(struct envelope *e, enum stream_kind k, struct buf *out);
/* The header of the main item, but for its length and count. */
int share_item_header(struct envelope *e, struct item *it, struct buf *out);
/* Metadata of a container, and the trace id of spans. */
int share_container(struct envelope *e, enum stream_kind k, struct json_doc *d, struct container *c,
	struct buf *out);

#endif
