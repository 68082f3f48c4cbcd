#include "client/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define READ_BYTES (16u << 10)
#define RETRY_MS   10 /* a Unix socket's backlog is full: nothing to poll for */
#define HOST_BYTES 256
#define US_PER_MS  1000

struct deadline deadline_in(int64_t ms)
{
	return (struct deadline){clock_mono_us() / US_PER_MS + ms};
}

int deadline_left_ms(struct deadline d)
{
	int64_t left = d.mono_ms - clock_mono_us() / US_PER_MS;

	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static int fail(struct err *err, const char *what, const char *where)
{
	int errnum = errno;

	return err_set(
		err, err_from_errno(errnum), "cannot %s %s: %s", what, where, strerror(errnum));
}

/* E_OK: ready, or broken in a way that the next call tells. */
static int wait_for(int fd, short events, struct deadline d, struct err *err)
{
	struct pollfd p = {fd, events, 0};

	for (;;) {
		int left = deadline_left_ms(d);
		int n = poll(&p, 1, left);

		if (n > 0)
			return E_OK;
		if (n == 0 && left == 0)
			return err_set(err, E_TIMEOUT, "the daemon did not answer in time");
		if (n < 0 && errno != EINTR)
			return fail(err, "wait for", "the daemon");
	}
}

/* --- connecting ------------------------------------------------------------ */

static int connect_result(int fd, const char *where, struct deadline d, struct err *err)
{
	int errnum = 0;
	socklen_t n = sizeof errnum;
	int rc = wait_for(fd, POLLOUT, d, err);

	if (rc != E_OK)
		return rc;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &n) != 0)
		return fail(err, "connect to", where);
	if (errnum == 0)
		return E_OK;
	errno = errnum;
	return fail(err, "connect to", where);
}

static int connect_fd(int fd, const struct sockaddr *sa, socklen_t n, const char *where,
	struct deadline d, struct err *err)
{
	while (connect(fd, sa, n) != 0) {
		if (errno == EINPROGRESS)
			return connect_result(fd, where, d, err);
		if (errno != EAGAIN && errno != EINTR)
			return fail(err, "connect to", where);
		if (deadline_left_ms(d) == 0)
			return err_set(err, E_TIMEOUT, "cannot connect to %s in time", where);
		(void)poll(NULL, 0, RETRY_MS);
	}
	return E_OK;
}

static int open_and_connect(const struct sockaddr *sa, socklen_t n, const char *where,
	struct deadline d, int *fd, struct err *err)
{
	int s = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (s < 0)
		return fail(err, "make a socket for", where);
	rc = connect_fd(s, sa, n, where, d, err);
	if (rc != E_OK) {
		(void)close(s);
		return rc;
	}
	*fd = s;
	return E_OK;
}

int stream_open_unix(const char *path, struct deadline d, int *fd, struct err *err)
{
	struct sockaddr_un sa;
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof sa.sun_path)
		return err_set(err, E_INVAL, "socket path \"%s\" must have 1 to %zu bytes", path,
			sizeof sa.sun_path - 1);
	memset(&sa, 0, sizeof sa);
	sa.sun_family = AF_UNIX;
	memcpy(sa.sun_path, path, n + 1);
	return open_and_connect((const struct sockaddr *)&sa, sizeof sa, path, d, fd, err);
}

/* Splits "host:port"; brackets of an IPv6 address go. */
static int split(const char *address, char host[HOST_BYTES], const char **port, struct err *err)
{
	struct str a = str_of(address);
	const char *colon = strrchr(address, ':');
	struct str h;

	if (colon == NULL || colon[1] == '\0')
		return err_set(err, E_INVAL, "\"%s\" is not HOST:PORT", address);
	*port = colon + 1;
	h = str_first(a, (size_t)(colon - address));
	if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = str_make(h.p + 1, h.n - 2);
	if (h.n == 0 || h.n >= HOST_BYTES)
		return err_set(err, E_INVAL, "\"%s\" is not HOST:PORT", address);
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	return E_OK;
}

int stream_open_tcp(const char *address, struct deadline d, int *fd, struct err *err)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char host[HOST_BYTES];
	const char *port = NULL;
	int gai;
	int rc = split(address, host, &port, err);

	if (rc != E_OK)
		return rc;
	gai = getaddrinfo(host, port, &hints, &found);
	if (gai != 0)
		return err_set(err, E_NET, "cannot resolve %s: %s", address, gai_strerror(gai));
	rc = E_NET;
	for (const struct addrinfo *ai = found; ai != NULL && rc != E_OK; ai = ai->ai_next)
		rc = open_and_connect(ai->ai_addr, ai->ai_addrlen, address, d, fd, err);
	freeaddrinfo(found);
	return rc;
}

/* --- bytes ----------------------------------------------------------------- */

int stream_write(int fd, struct str bytes, struct deadline d, struct err *err)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		int rc;

		if (n >= 0) {
			bytes = str_from(bytes, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail(err, "write to", "the daemon");
		rc = wait_for(fd, POLLOUT, d, err);
		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

int stream_read(int fd, struct buf *out, struct deadline d, bool *is_eof, struct err *err)
{
	char *to = buf_reserve(out, READ_BYTES);

	*is_eof = false;
	if (to == NULL)
		return err_set(err, out->max > 0 ? E_TOOBIG : E_NOMEM,
			"the answer is larger than expected");
	for (;;) {
		ssize_t n = recv(fd, to, READ_BYTES, 0);
		int rc;

		if (n > 0)
			buf_grew(out, (size_t)n);
		if (n >= 0) {
			*is_eof = n == 0;
			return E_OK;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail(err, "read from", "the daemon");
		rc = wait_for(fd, POLLIN, d, err);
		if (rc != E_OK)
			return rc;
	}
}
