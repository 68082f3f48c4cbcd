/* sender.h - what the request said beside the envelope itself.
 *
 * SDKs put credentials and identity in HTTP, so they are kept with the spooled
 * envelope (protocol.md 7, last paragraph).
 *
 * Owns     nothing: views into the envelope's arena.
 * Threads  as its envelope.
 */
#ifndef PICKET_ENVELOPE_SENDER_H
#define PICKET_ENVELOPE_SENDER_H

#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

struct sender {
	struct str key;           /* public key the client used */
	struct str secret;        /* sentry_secret, "" when none */
	struct str project;       /* project id the client used */
	struct str client;        /* sentry_client, "" when none */
	struct str protocol;      /* sentry_version as text, "7" when none */
	struct str user_agent;    /* "" when none */
	struct str origin;        /* Origin, else Referer; "" when none */
	struct str forwarded_for; /* chain to send on, "" for no header (protocol.md 18) */
	int64_t peer_uid;         /* -1 when not a Unix socket */
	int64_t peer_pid;         /* -1 likewise */
	struct instant received;  /* when the request was complete */
};

#endif
