/* target.h - which endpoint a request line means (protocol.md 3).
 *
 * Owns     nothing: views into the text it was given, which it rewrites.
 * Threads  any.
 * Fails    E_SYNTAX  the target or the project id in it cannot be (answer 400)
 */
#ifndef PICKET_INGEST_TARGET_H
#define PICKET_INGEST_TARGET_H

#include "base/err.h"
#include "base/str.h"

enum endpoint {
	ENDPOINT_NONE,     /* below /api/, but nothing that is served here */
	ENDPOINT_ENVELOPE, /* /api/{project}/envelope/ */
	ENDPOINT_PAGE,     /* a page of the daemon's own, if of anybody */
	ENDPOINT_SERVER    /* "*": the server as a whole */
};

struct target {
	enum endpoint endpoint;
	struct str path;    /* runs of slashes folded, prefix removed */
	struct str query;   /* without "?" */
	struct str host;    /* of an absolute-form target, "" else */
	struct str project; /* digits without leading zeros, "" when there is none */
};

/* raw must be writable memory: slashes are folded in place. prefix is the
 * [listen] path_prefix, with or without slashes at its ends; paths without it
 * are served as well, so that probes need not know it. */
int target_parse(struct str raw, struct str prefix, struct target *ret, struct err *err);

/* A project id: digits, 1 to 2^64-1. */
int project_parse(struct str text, struct str *ret, struct err *err);

#endif
