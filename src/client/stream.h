/* stream.h - a connection to the daemon that never waits longer than told.
 *
 * Plain non-blocking sockets and poll; no event loop, no threads, no signals.
 *
 * Owns     nothing: descriptors are the caller's to close.
 * Threads  any; a descriptor one at a time.
 * Fails    E_NOTFOUND  there is no such socket file
 *          E_NET       nobody listens, or the connection broke
 *          E_DENIED    the socket's mode keeps us out
 *          E_TIMEOUT   the deadline passed
 *          E_INVAL     an address that cannot be;  E_TOOBIG, E_NOMEM, E_IO
 */
#ifndef PICKET_CLIENT_STREAM_H
#define PICKET_CLIENT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* A point of monotonic time. */
struct deadline {
	int64_t mono_ms;
};
struct deadline deadline_in(int64_t ms);
/* For poll: 0 when it has passed. */
int deadline_left_ms(struct deadline d);

int stream_open_unix(const char *path, struct deadline d, int *fd, struct err *err);
/* "host:port" or "[v6]:port". A name that is not numeric is resolved first,
 * and that may take longer than the deadline. */
int stream_open_tcp(const char *address, struct deadline d, int *fd, struct err *err);

/* All of it, or an error. */
int stream_write(int fd, struct str bytes, struct deadline d, struct err *err);
/* Appends what has come, at least one byte. *is_eof: the peer ended instead. */
int stream_read(int fd, struct buf *out, struct deadline d, bool *is_eof, struct err *err);

#endif
