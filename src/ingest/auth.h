/* auth.h - credentials of a request (protocol.md 4.4).
 *
 * Owns     nothing: views into the request's head or into the arena.
 * Threads  any.
 * Fails    E_UNAUTHORIZED  several credentials or unreadable ones (answer 401)
 *          E_SYNTAX        a key or protocol version that cannot be (answer 400)
 *          E_NOMEM
 */
#ifndef PICKET_INGEST_AUTH_H
#define PICKET_INGEST_AUTH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct auth_input {
	struct str sentry_auth; /* value of X-Sentry-Auth */
	unsigned sentry_auth_times;
	struct str authorization;
	unsigned authorization_times;
	struct str query;    /* without "?" */
	struct str path_key; /* "" when the path has none (4.4, form 5) */
};

struct credentials {
	bool found; /* false: none of forms 1 to 5; only the envelope can tell */
	struct str key;
	struct str secret;
	struct str client;
	struct str protocol; /* "7" when not said */
};

int auth_read(
	const struct auth_input *in, struct arena *a, struct credentials *ret, struct err *err);

/* Cuts flags off (from the first "." on) and checks the rest: design 12.9. */
int auth_check_key(struct str key, struct str *ret, struct err *err);

#endif
