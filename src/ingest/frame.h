/* frame.h - from the bytes of a body to a checked envelope.
 *
 * Pure but for the budget: may run on a worker thread. In order: decode, find
 * credentials in the envelope itself when the request had none, frame, compare
 * credentials, give an id, measure, check limits, ops->work. What another
 * endpoint took is made an envelope first, or a request that is carried.
 *
 * Owns     a job owns its body; the envelope belongs to the request.
 * Threads  any, one at a time.
 * Fails    rc and err in the job, as reply_status() translates them
 */
#ifndef PICKET_INGEST_FRAME_H
#define PICKET_INGEST_FRAME_H

#include "config/settings.h"
#include "endpoint/take.h"
#include "envelope/codec.h"
#include "envelope/envelope.h"
#include "ingest/body.h"
#include "ingest/ingest.h"

/* Where the credentials come from. */
enum frame_auth {
	AUTH_REQUEST,  /* the request's; a dsn in the envelope must agree (P-023) */
	AUTH_ENVELOPE, /* the envelope's dsn is needed (4.4, form 6) */
	AUTH_OPTIONAL  /* raw and datagram: the envelope's dsn, or routing decides */
};

struct frame_job {
	struct envelope *env; /* its sender is filled as far as the request tells */
	struct body body;
	enum encoding encoding;
	enum frame_auth auth;
	const struct endpoint_request *request; /* NULL: the body is an envelope */
	const struct settings *settings;
	const struct ingest_ops *ops;
	/* results */
	int rc;
	struct err err;
	enum endpoint_success success; /* how it is answered if all goes well */
	void *result;                  /* of ops->work */
	size_t decoded_bytes;
	size_t decoded_cap; /* of the budget, for what the body became */
};

void frame_run(struct frame_job *job);

#endif
