/* head.h - what to do with a request, told by its head alone.
 *
 * Owns     nothing: views into the head.
 * Threads  any; no socket, no clock.
 */
#ifndef PICKET_INGEST_HEAD_H
#define PICKET_INGEST_HEAD_H

#include "endpoint/take.h"
#include "envelope/codec.h"
#include "envelope/envelope.h"
#include "ingest/address.h"
#include "ingest/answer.h"
#include "ingest/guard.h"
#include "ingest/http.h"
#include "ingest/target.h"

enum head_verdict {
	HEAD_REFUSE, /* status, err */
	HEAD_TAKE,   /* data is to come, or is here already */
	HEAD_PAGE,   /* GET or HEAD of a page, if there is one */
	HEAD_METHOD, /* 405 if there is such a page, else 404 */
	HEAD_OPTIONS
};

struct head {
	enum head_verdict verdict;
	int status;
	struct err err;
	struct str allow; /* for 405 */
	struct target target;
	enum encoding encoding;
	enum answer_cors cors;
	bool fatal; /* the connection cannot go on */
};

/* Who may use Unix sockets; dev opens the path that Spotlight's SDKs send to. */
struct head_rules {
	const struct settings *settings;
	const struct guard_uids *uids;
	bool dev;
};
void head_judge(const struct http *h, const struct peer *peer, const struct head_rules *rules,
	struct head *ret);

/* For HEAD_TAKE: fills env->from from the head. *found: credentials were there.
 * E_UNAUTHORIZED, E_SYNTAX, E_NOMEM with err. */
int head_identify(const struct http *h, const struct peer *peer, const struct head *head,
	struct envelope *env, bool *found, struct err *err);

/* What the endpoint will need of the head, in env's arena. NULL and E_OK for the
 * endpoint of envelopes, which needs nothing. E_NOMEM. */
int head_request(const struct http *h, const struct head *head, struct envelope *env,
	struct endpoint_request **ret, struct err *err);

#endif
