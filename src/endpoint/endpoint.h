/* endpoint.h - which endpoint a path means, and how it behaves (protocol.md 3).
 *
 * One row in ENDPOINTS per place that takes data: its methods, its answer, its
 * limit, and whether its clients would try a 429 again for ever.
 *
 * Owns     nothing: views into the path.
 * Threads  any.
 * Fails    E_SYNTAX  the project id or event id in the path cannot be (answer 400)
 */
#ifndef PICKET_ENDPOINT_ENDPOINT_H
#define PICKET_ENDPOINT_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "config/settings.h"

#define ENDPOINT_NEVER_429 1u /* such clients retry for ever: success, and dropped (P-102) */
#define ENDPOINT_CARRIED   2u /* goes on as it came (carried.h) */
#define ENDPOINT_HEADERS   4u /* with its headers, not only its Content-Type */
#define ENDPOINT_CORS      8u /* web pages may use it, if any may (4.5) */

/* ENDPOINT(id, methods as in Allow, answer, limit, flags) */
#define ENDPOINTS(ENDPOINT)                                                                        \
	ENDPOINT(ENVELOPE, "POST, OPTIONS", ID, ENVELOPE, ENDPOINT_CORS)                           \
	ENDPOINT(STREAM, "POST, OPTIONS", ID, ENVELOPE, ENDPOINT_CORS)                             \
	ENDPOINT(STORE, "GET, POST, OPTIONS", ID, STORE, ENDPOINT_CORS)                            \
	ENDPOINT(SECURITY, "POST, OPTIONS", EMPTY, STORE, ENDPOINT_CORS | ENDPOINT_CARRIED)        \
	ENDPOINT(NEL, "POST, OPTIONS", EMPTY, OTLP, ENDPOINT_CORS | ENDPOINT_CARRIED)              \
	ENDPOINT(MINIDUMP, "POST, OPTIONS", UUID, ENVELOPE, ENDPOINT_CORS | ENDPOINT_NEVER_429)    \
	ENDPOINT(ATTACHMENTS, "POST, OPTIONS", CREATED, ENVELOPE, ENDPOINT_CORS)                   \
	ENDPOINT(UNREAL, "POST, OPTIONS", UUID, ENVELOPE,                                          \
		ENDPOINT_CORS | ENDPOINT_NEVER_429 | ENDPOINT_CARRIED)                             \
	ENDPOINT(CRON, "GET, POST, OPTIONS", ACCEPTED, STORE, ENDPOINT_CORS | ENDPOINT_NEVER_429)  \
	ENDPOINT(OTLP_TRACES, "POST, OPTIONS", EMPTY, OTLP, ENDPOINT_CORS | ENDPOINT_CARRIED)      \
	ENDPOINT(OTLP_LOGS, "POST, OPTIONS", EMPTY, OTLP, ENDPOINT_CORS | ENDPOINT_CARRIED)        \
	ENDPOINT(VERCEL, "POST, OPTIONS", ACCEPTED, ENVELOPE, ENDPOINT_CARRIED | ENDPOINT_HEADERS) \
	ENDPOINT(HEROKU, "POST, OPTIONS", ACCEPTED, ENVELOPE, ENDPOINT_CARRIED | ENDPOINT_HEADERS) \
	ENDPOINT(PLAYSTATION, "POST, OPTIONS", UUID, ENVELOPE,                                     \
		ENDPOINT_NEVER_429 | ENDPOINT_CARRIED | ENDPOINT_HEADERS)                          \
	ENDPOINT(OTHER, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", ACCEPTED, REQUEST,         \
		ENDPOINT_CARRIED | ENDPOINT_HEADERS)

enum endpoint {
	ENDPOINT_NONE,    /* below /api/, but nothing that is served here */
	ENDPOINT_PAGE,    /* a page of the daemon's own, if of anybody */
	ENDPOINT_SERVER,  /* "*": the server as a whole */
	ENDPOINT_WEB_API, /* /api/0/: Sentry's own, which is not relayed */
	ENDPOINT_UPLOAD,  /* TUS: cannot be buffered, so it is refused (20.7) */
#define ENDPOINT_ENUM(id, methods, success, limit, flags) ENDPOINT_##id,
	ENDPOINTS(ENDPOINT_ENUM)
#undef ENDPOINT_ENUM
		ENDPOINT_COUNT
};

/* What a request that was taken is answered (5.1). */
enum endpoint_success {
	SUCCESS_ID,       /* 200 with {"id":...} */
	SUCCESS_GIF,      /* 200 with a picture of one pixel */
	SUCCESS_EMPTY,    /* 200 */
	SUCCESS_UUID,     /* 200 with the id as text, with dashes */
	SUCCESS_CREATED,  /* 201 */
	SUCCESS_ACCEPTED, /* 202 */
	SUCCESS_PARTS     /* 200 with the parts a PlayStation is to send */
};

struct endpoint_path {
	enum endpoint endpoint;
	struct str project;  /* digits without leading zeros, "" when there is none */
	struct str key;      /* public key in the path, "" when there is none */
	struct str slug;     /* of a monitor, as it stands in the path */
	struct str event_id; /* of attachments that come late */
	struct str rest;     /* what follows "/api/{project}/", as it came */
};

/* path has its slashes folded and starts with one. */
int endpoint_find(struct str path, struct endpoint_path *ret, struct err *err);

/* A project id: digits, 1 to 2^64-1. */
int project_parse(struct str text, struct str *ret, struct err *err);

/* True when data may come here; the functions below are for such endpoints. */
bool endpoint_takes_data(enum endpoint e);
const char *endpoint_methods(enum endpoint e); /* "POST, OPTIONS" */
bool endpoint_takes_method(enum endpoint e, struct str method);
bool endpoint_has(enum endpoint e, unsigned flag); /* false for all others */
enum endpoint_success endpoint_success_of(enum endpoint e);
/* Most bytes of a decoded body; *name is the setting that says so. */
uint64_t endpoint_limit(enum endpoint e, const struct settings *s, const char **name);

/* True when more than the known headers of a request to this target, as it
 * stands in the request line, is of use: cheap, and never for an envelope. */
bool endpoint_wants_headers(struct str target);

#endif
