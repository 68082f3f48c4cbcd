/* carried.h - a request that goes on to its own path, as it came.
 *
 * Security reports, minidumps, OTLP bodies and whatever else has an endpoint of
 * its own upstream cannot be told in an envelope (protocol.md 20, design
 * 12.12). Such a request is kept as an envelope of exactly one item, whose
 * payload is the decoded body; what stands here is the rest of the request. It
 * is counted, limited, stored and settled as that item is.
 *
 * Owns     nothing: views into the envelope's arena or into a record.
 * Threads  as its envelope.
 */
#ifndef PICKET_ENVELOPE_CARRIED_H
#define PICKET_ENVELOPE_CARRIED_H

#include <stdbool.h>

#include "base/str.h"

/* Stands in a path for the public key of the project it is sent to. A path that
 * has it carries no other credentials. */
#define CARRIED_KEY STR("{key}")

struct carried {
	struct str method;  /* "" when this is an envelope after all */
	struct str path;    /* what follows "/api/{project}/", without "?" */
	struct str query;   /* without "?" and without credentials; "" for none */
	struct str headers; /* "Name: value\n" each: those that go on; never credentials */
	bool was_encoded;   /* the client sent it compressed, so that upstream takes that */
};

static inline bool carried_is(const struct carried *c)
{
	return c->method.n > 0;
}

#endif
