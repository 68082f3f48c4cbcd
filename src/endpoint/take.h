/* take.h - from a request to an envelope, for every endpoint but that of
 * envelopes themselves (protocol.md 20).
 *
 *   store, cron, attachments, a bare minidump   become envelopes
 *   everything else                             becomes a carried request
 *
 * Pure but for the budget. What is decoded here beyond the body is taken from
 * the budget and told in extra_bytes, which the caller gives back.
 *
 * Owns     nothing: all it makes lives in the envelope's arena or body.
 * Threads  any, one at a time.
 * Fails    E_SYNTAX       malformed (answer 400)
 *          E_UNSUPPORTED  wrong media type (answer 415)
 *          E_TOOBIG       beyond a limit (answer 413)
 *          E_NOMEM
 */
#ifndef PICKET_ENDPOINT_TAKE_H
#define PICKET_ENDPOINT_TAKE_H

#include "base/budget.h"
#include "config/settings.h"
#include "endpoint/endpoint.h"
#include "envelope/envelope.h"

/* What the head of a request says; all of it in the envelope's arena. */
struct endpoint_request {
	struct endpoint_path path;
	struct str method;       /* "GET" */
	struct str query;        /* without "?" */
	struct str headers;      /* "Name: value\n" each, all but those known to ingest */
	struct str content_type; /* among them; "" when there is none */
	bool was_encoded;
};

struct endpoint_work {
	const struct endpoint_request *request;
	const struct settings *settings;
	struct budget *budget; /* NULL: none */
	struct envelope *env;  /* its sender is filled in */
	struct str body;       /* decoded; in the arena, or adopted by the envelope */
	struct err *err;
	/* results */
	enum endpoint_success success; /* is that of the endpoint before */
	struct str content_type;       /* what body became; "": what it came as */
	size_t extra_bytes;
};

/* True when the body is an envelope after all: an old path, a new client. */
bool endpoint_is_envelope(const struct endpoint_request *r);

/* Fills w->env. A carried request is counted (env->held); an envelope still has
 * to be identified, measured and checked. */
int endpoint_take(struct endpoint_work *w);

#endif
