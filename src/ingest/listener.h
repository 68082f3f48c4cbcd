/* listener.h - listening sockets: connections and datagrams.
 *
 * When the process has no descriptor left, or datagrams find no memory, the
 * listener rests for a moment; what waits there waits in the kernel.
 *
 * Owns     its descriptor, and the socket file when it was told to.
 * Threads  loop thread.
 */
#ifndef PICKET_INGEST_LISTENER_H
#define PICKET_INGEST_LISTENER_H

#include "ingest/private.h"

struct listener {
	SLIST_ENTRY(listener) link;
	struct ingest *in;
	enum ingest_kind kind;
	int fd;
	char *unlink_path;
	uv_poll_t poll;
	uv_timer_t rest;
	bool has_poll, has_rest, closing, troubled;
};

/* Takes fd. */
int listener_open(
	struct ingest *in, enum ingest_kind kind, int fd, const char *unlink_path, struct err *err);
void listener_close(struct listener *l);

/* Stops listening for a while; why goes to the log, once until it is over. */
void listener_rest(struct listener *l, const char *why);

/* datagram.c: reads what is there. */
void datagrams_read(struct listener *l);

/* Connections or datagrams taken before the loop gets its turn. */
#define LISTENER_BURST 64

#endif
