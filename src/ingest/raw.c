/* Raw envelopes: a connection to the Unix socket whose first byte is "{".
 *
 *   raw_begin   the peer may? then everything up to its half-close is body
 *   raw_step    collect
 *   raw_end     half-close: complete
 *
 * The answer is one JSON line, and the end of the connection.
 */
#include "ingest/connection.h"

enum step raw_begin(struct connection *c)
{
	c->is_raw = true;
	INGEST_COUNT(c->in, requests, 1);
	if (!guard_uid(&c->in->uids, c->peer.uid)) {
		exchange_refuse(c, 403, "this user is not in listen.allow_uid", STR_EMPTY, true);
		return STEP_AGAIN;
	}
	c->request = client_request_new(c->in, c, CHANNEL_RAW, 0);
	if (c->request == NULL) {
		exchange_refuse(c, 503, "no memory for the envelope", STR_EMPTY, true);
		return STEP_AGAIN;
	}
	c->request->job.env->from.peer_uid = c->peer.uid;
	c->request->job.env->from.peer_pid = c->peer.pid;
	c->state = CONNECTION_RAW;
	return STEP_AGAIN;
}

enum step raw_step(struct connection *c)
{
	struct frame_job *job = &c->request->job;
	int rc;

	if (c->input.n == 0)
		return STEP_WAIT;
	INGEST_COUNT(c->in, request_bytes, c->input.n);
	rc = body_add(&job->body, c->input.p, c->input.n, &job->err);
	c->input = STR_EMPTY;
	if (rc == E_OK)
		return STEP_WAIT;
	exchange_refuse(c, reply_status(rc), job->err.text, STR_EMPTY, true);
	return STEP_AGAIN;
}

void raw_end(struct connection *c)
{
	c->state = CONNECTION_WAITING;
	request_dispatch(c->request);
}
