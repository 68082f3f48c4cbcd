/* request.h - one envelope on its way from the last byte to its answer.
 *
 *   client_request_new        loop    when the head says that an envelope comes
 *   (body arrives)     loop    connection.c, raw.c, datagram.c
 *   request_dispatch   loop    complete: frame it here or on the pool
 *   frame_work         worker
 *   frame_done         loop    hand the envelope on
 *   reply_...          loop    whoever took it answers
 *
 * The client may go meanwhile: conn is NULL then and the answer goes nowhere.
 * ingest may end meanwhile: in is NULL then and the answer just ends it.
 *
 * Owns     its body and its share of the budget, the envelope until handed on.
 * Threads  loop thread; the frame job on a worker while working.
 */
#ifndef PICKET_INGEST_REQUEST_H
#define PICKET_INGEST_REQUEST_H

#include "ingest/frame.h"
#include "ingest/private.h"

struct reply {
	struct request *request;
};

enum channel { CHANNEL_HTTP, CHANNEL_RAW, CHANNEL_DATAGRAM };

struct request {
	TAILQ_ENTRY(request) link; /* in->requests, once dispatched */
	struct ingest *in;
	struct connection *conn;
	enum channel channel;
	struct reply reply;
	struct settings *settings; /* those in force when it began */
	struct frame_job job;
	uv_work_t work;
	bool dispatched, working;
	bool never_429; /* a rate limit is not told: it would be tried for ever */
	bool has_id;    /* what such an answer has to say */
	struct event_id id;
};

/* NULL: no memory. declared 0: the length of the body is not known. */
struct request *client_request_new(
	struct ingest *in, struct connection *c, enum channel channel, uint64_t declared);
/* One that was not dispatched. NULL is fine. */
void client_request_free(struct request *r);

/* Frees those kept for later use. */
void client_requests_trim(struct ingest *in);

/* Takes r, whose body is complete. The answer may come before this returns. */
void request_dispatch(struct request *r);

/* At the end of grace: whoever owes an answer may still give it, to nobody. */
void requests_orphan(struct ingest *in);

/* Seconds a client is told to wait when memory is short: most of what is held
 * goes with the next commit. */
#define REQUEST_RETRY_S 5

#endif
