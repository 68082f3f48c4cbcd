/* pack.h - from an envelope that was kept to the record that is stored.
 *
 * Runs on a worker: it compresses.
 *
 * Owns     struct packed owns its bytes and texts.
 * Threads  any.
 * Fails    E_NOMEM
 */
#ifndef PICKET_PROCESS_PACK_H
#define PICKET_PROCESS_PACK_H

#include "base/buf.h"
#include "envelope/codec.h"
#include "envelope/record.h"
#include "process/route.h"

struct packed {
	struct buf bytes; /* the record */
	struct buf dsn;   /* its upstream DSN */
	enum item_class class;
	bool may_merge;       /* with others of its stream */
	uint64_t entries;     /* of its containers */
	uint64_t items_bytes; /* decoded */
};

int pack_envelope(struct envelope *e, const struct route *r, struct codec_pool *codecs,
	uint64_t boot_id, struct packed *ret, struct err *err);
void packed_fini(struct packed *p);

#endif
