/* address.h - whose address an envelope comes from (protocol.md 18).
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_INGEST_ADDRESS_H
#define PICKET_INGEST_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/str.h"

/* The other end of a connection. */
struct peer {
	bool is_unix;
	bool is_remote; /* an IP address that is not loopback: worth telling upstream */
	bool is_own;    /* one of this daemon's own connections to its upstream */
	int64_t uid;    /* -1 when not a Unix socket */
	int64_t pid;
	char text[INET6_ADDRSTRLEN]; /* numeric address, "" on Unix sockets */
};

void peer_of_address(const struct sockaddr *sa, socklen_t n, struct peer *ret);
/* Asks the kernel who connected (SO_PEERCRED). */
void peer_of_unix(int fd, struct peer *ret);

/* The headers that proxies leave, first wins. */
struct forwarded {
	struct str cf_connecting_ip;
	struct str vercel_forwarded_for;
	struct str sentry_forwarded_for;
	struct str forwarded_for;
};

/* The chain to send on as X-Forwarded-For: the first header with a value, then
 * the peer when it is remote (P-139, P-140). "" when there is nothing to say.
 * False: no memory. */
bool address_chain(
	const struct forwarded *f, const struct peer *peer, struct arena *a, struct str *ret);

#endif
