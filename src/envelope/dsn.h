/* dsn.h - where a project's envelopes go (protocol.md 2).
 *
 * Owns     nothing: the parts are views into the text that was parsed.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_DSN_H
#define PICKET_ENVELOPE_DSN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct dsn {
	bool https;
	struct str key;     /* public key */
	struct str secret;  /* empty when there is none */
	struct str host;    /* without port; brackets of an IPv6 address stay */
	uint16_t port;      /* explicit or the scheme's default */
	struct str prefix;  /* "" or "/a/b": between host and project */
	struct str project; /* digits */
};

/* E_SYNTAX with a sentence naming the fault (scheme, key, host, project). The
 * sentence never contains the key. */
int dsn_parse(struct str text, struct dsn *ret, struct err *err);

/* "https://host[:port]{prefix}": what requests of this DSN share. The port is
 * written only when it is not the scheme's default. p == NULL: no memory. */
struct str dsn_base_url(const struct dsn *d, struct arena *a);
/* base + "/api/{project}/{endpoint}/". */
struct str dsn_endpoint_url(const struct dsn *d, struct str endpoint, struct arena *a);
/* The DSN again, without its secret. */
struct str dsn_format(const struct dsn *d, struct arena *a);

/* Only scheme, host, port and prefix: for [upstream] url. */
int dsn_parse_base(struct str url, struct dsn *ret, struct err *err);

/* [A-Za-z0-9_-]{1,64}: what picket takes from clients (design 12.9). */
bool dsn_key_is_local(struct str key);
/* 32 hex digits. Keys that an operator wrote need only be local ones. */
bool dsn_key_is_sentry(struct str key);

#endif
