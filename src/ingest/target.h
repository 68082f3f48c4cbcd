/* target.h - what a request line asks for (protocol.md 3).
 *
 * Owns     nothing: views into the text it was given, which it rewrites.
 * Threads  any.
 * Fails    E_SYNTAX  the target or an id in it cannot be (answer 400)
 */
#ifndef PICKET_INGEST_TARGET_H
#define PICKET_INGEST_TARGET_H

#include "endpoint/endpoint.h"

struct target {
	struct endpoint_path at;
	struct str path;  /* runs of slashes folded, prefix removed */
	struct str query; /* without "?" */
	struct str host;  /* of an absolute-form target, "" else */
};

/* raw must be writable memory: slashes are folded in place. prefix is the
 * [listen] path_prefix, with or without slashes at its ends; paths without it
 * are served as well, so that probes need not know it. */
int target_parse(struct str raw, struct str prefix, struct target *ret, struct err *err);

#endif
