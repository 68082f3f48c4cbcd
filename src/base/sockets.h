/* sockets.h - listening sockets, made so that a restart is never in the way.
 *
 * A Unix socket file that nobody listens on is replaced; one that answers is
 * left alone and reported. The file gets its mode and group before anybody can
 * connect.
 *
 * Owns     nothing: the caller closes the descriptor it is given.
 * Threads  any, at start-up.
 * Fails    E_EXISTS  somebody listens there already
 *          E_DENIED, E_INVAL, E_IO; err names the address and the remedy
 */
#ifndef PICKET_BASE_SOCKETS_H
#define PICKET_BASE_SOCKETS_H

#include <stddef.h>

#include "base/err.h"

/* type is SOCK_STREAM or SOCK_DGRAM. group NULL or "" leaves the process's.
 * Descriptors are non-blocking and close-on-exec; streams already listen. */
int socket_listen_unix(
	const char *path, int type, unsigned mode, const char *group, int *fd, struct err *err);

/* "host:port", "[::1]:port"; numeric hosts and names. Port 0 takes a free one. */
int socket_listen_tcp(const char *address, int *fd, struct err *err);

/* What somebody else made and handed over. */
enum socket_kind {
	SOCKET_OTHER, /* no socket, or one that nobody can come in by */
	SOCKET_TCP,   /* listens */
	SOCKET_UNIX,  /* a stream that listens */
	SOCKET_UNIXGRAM
};
enum socket_kind socket_kind_of(int fd);

/* "127.0.0.1:4690", "[::1]:80" or a path, of a bound socket. */
void socket_name(int fd, char *out, size_t size);

#endif
