/* feed.h - GET /stream of --dev: envelopes as they end here, as server-sent events.
 *
 * Each is an event named after its content type, with its text as data, as Spotlight's
 * viewers read them; with ?base64=1 the data is base64, since text cannot carry bytes.
 * Nobody is waited for: a reader that does not keep up is dropped (ingest.h).
 *
 * Owns     nothing.
 * Threads  loop thread.
 * Fails    never: without memory an envelope is not shown
 */
#ifndef PICKET_DAEMON_FEED_H
#define PICKET_DAEMON_FEED_H

#include "ingest/ingest.h"

struct relay;

/* From now on what ends in the local view is shown to readers. */
void feed_open(struct relay *r);
/* The page itself. */
void feed_page(struct str query, struct page *p);

/* One event; for tests. */
void feed_write(struct str content_type, struct str body, bool as_base64, struct buf *out);

#endif
