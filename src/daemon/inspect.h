/* inspect.h - looking into the spool, off the loop.
 *
 * Reads LMDB on a pool thread and renders what people want to see as lines of
 * JSON. Payloads come out of here only (spool_show, dead_show).
 *
 * Owns     its rendered lines, until inspect_fini().
 * Threads  started and done on the loop; the work runs on the uv pool.
 * Fails    rc and err of the request: E_NOTFOUND, E_TOOBIG, E_CORRUPT, E_NOMEM,
 *          and what the spool says
 */
#ifndef PICKET_DAEMON_INSPECT_H
#define PICKET_DAEMON_INSPECT_H

#include <stdatomic.h>
#include <uv.h>

#include "base/buf.h"
#include "spool/spool.h"

enum inspect_what {
	INSPECT_WHY,        /* event_id */
	INSPECT_SPOOL_LS,   /* max, class */
	INSPECT_SPOOL_SHOW, /* seq */
	INSPECT_DEAD_LS,    /* max */
	INSPECT_DEAD_SHOW   /* seq */
};

struct inspect {
	/* request */
	struct spool *spool;
	enum inspect_what what;
	struct event_id event_id;
	uint64_t seq;
	unsigned max;
	int class;                    /* -1: every class */
	const atomic_bool *cancelled; /* true: stop looking, E_CANCELED */
	void (*done)(struct inspect *i);
	void *arg;
	/* answer: lines of JSON, the last without its line feed */
	int rc;
	struct err err;
	struct buf lines;
	/* its own */
	uv_work_t work;
	unsigned found;
};

/* The caller keeps *i until done, which comes exactly once if this is E_OK. */
int inspect_start(struct inspect *i, uv_loop_t *loop);
void inspect_fini(struct inspect *i);

#endif
