/* Load: keep-alive connections, each always with one request under way.
 *
 *   bench_load (-u PATH | -t HOST:PORT) [-c CONNECTIONS] [-n REQUESTS]
 *              [-b BYTES] [-f FIRST] [-r | -l]
 *
 * -u posts over a Unix socket, -t over TLS, which is how the baseline reaches
 * the upstream itself. FIRST numbers the first event; -r posts bytes that no
 * compressor makes smaller, -l single log entries. One thread, epoll. Prints one line:
 *
 *   load ok=N refused=N failed=N seconds=S per_s=R p50_us=A p99_us=B last_refusal=STATUS
 *
 * refused: answered other than 200; failed: the connection broke. Neither is
 * sent again.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/system/events.h"

#define READ_MAX 4096

struct conn {
	int fd;
	SSL *tls; /* NULL on a Unix socket */
	struct buf out;
	size_t sent;
	char in[READ_MAX + 1];
	size_t in_n;
	int64_t start_us;
};

struct load {
	const char *unix_path;
	const char *tls_address;
	unsigned connections;
	uint64_t requests, first;
	size_t bytes;
	enum events_kind kind;

	struct events events;
	SSL_CTX *tls;
	int epoll_fd;
	unsigned open;
	uint64_t started, ok, refused, failed;
	int last_refusal;
	uint32_t *took_us;
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- connecting -------------------------------------------------------------- */

static int connect_unix(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(strlen(path) < sizeof a.sun_path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
		die(path);
	return fd;
}

static int connect_tcp(const char *address)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
	const char *colon = strrchr(address, ':');
	char host[64];
	int fd = -1, on = 1;

	check(colon != NULL && (size_t)(colon - address) < sizeof host);
	memcpy(host, address, (size_t)(colon - address));
	host[colon - address] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		die(address);
	for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	if (fd < 0)
		die(address);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

/* The handshake is done blocking, before the clock starts. */
static void conn_tls(struct load *l, struct conn *c)
{
	c->tls = SSL_new(l->tls);
	check(c->tls != NULL && SSL_set_fd(c->tls, c->fd) == 1);
	if (SSL_connect(c->tls) != 1)
		die("TLS handshake");
}

static void conn_open(struct load *l, struct conn *c)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};

	c->fd = l->unix_path != NULL ? connect_unix(l->unix_path) : connect_tcp(l->tls_address);
	if (l->tls != NULL)
		conn_tls(l, c);
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
		epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		die("connection");
	l->open++;
}

static void conn_close(struct load *l, struct conn *c)
{
	SSL_free(c->tls);
	(void)close(c->fd);
	buf_fini(&c->out);
	c->fd = -1;
	l->open--;
}

/* --- bytes -------------------------------------------------------------------- */

/* As read(2), for both kinds of connection. */
static ssize_t conn_read(struct conn *c, void *p, size_t n)
{
	int rc;

	if (c->tls == NULL)
		return read(c->fd, p, n);
	ERR_clear_error();
	rc = SSL_read(c->tls, p, (int)n);
	if (rc > 0)
		return rc;
	rc = SSL_get_error(c->tls, rc);
	errno = rc == SSL_ERROR_WANT_READ || rc == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
	return rc == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t conn_write(struct conn *c, const void *p, size_t n)
{
	int rc;

	if (c->tls == NULL)
		return send(c->fd, p, n, MSG_NOSIGNAL);
	ERR_clear_error();
	rc = SSL_write(c->tls, p, (int)n);
	if (rc > 0)
		return rc;
	rc = SSL_get_error(c->tls, rc);
	errno = rc == SSL_ERROR_WANT_READ || rc == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
	return -1;
}

/* --- requests ------------------------------------------------------------------ */

static void request_start(struct load *l, struct conn *c)
{
	uint64_t number = l->first + l->started++;

	buf_clear(&c->out);
	buf_printf(&c->out,
		"POST /api/1/envelope/ HTTP/1.1\r\nHost: localhost\r\nX-Sentry-Auth: Sentry "
		"sentry_version=7, sentry_key=0123456789abcdef0123456789abcdef\r\n"
		"Content-Type: application/x-sentry-envelope\r\nContent-Length: %zu\r\n\r\n",
		l->events.of[number % EVENTS_COUNT].bytes.n);
	events_write(&l->events, number, &c->out);
	c->sent = 0;
	c->in_n = 0;
	c->start_us = clock_mono_us();
}

/* The status of a whole answer, 0 while it is not whole, -1 when it is not
 * one. Answers are small and have a Content-Length, or no body. */
static int answer_status(struct conn *c)
{
	const char *end, *length;
	size_t head, body = 0;

	c->in[c->in_n] = '\0';
	if ((end = strstr(c->in, "\r\n\r\n")) == NULL)
		return c->in_n == READ_MAX ? -1 : 0;
	head = (size_t)(end - c->in) + 4;
	length = strcasestr(c->in, "\r\ncontent-length:");
	if (length != NULL && length < end)
		body = strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
	if (body > READ_MAX - head || strncmp(c->in, "HTTP/1.1 ", 9) != 0)
		return -1;
	return c->in_n < head + body ? 0 : atoi(c->in + 9);
}

static void request_done(struct load *l, struct conn *c, int status)
{
	bool is_last = strcasestr(c->in, "\r\nconnection: close") != NULL;

	if (status == 200) {
		l->took_us[l->ok++] = (uint32_t)(clock_mono_us() - c->start_us);
	} else {
		l->refused++;
		l->last_refusal = status;
	}
	if (is_last || l->started == l->requests)
		conn_close(l, c);
	if (l->started == l->requests)
		return;
	if (is_last)
		conn_open(l, c);
	request_start(l, c);
}

/* false: the connection has to wait, or is no more. */
static bool conn_step(struct load *l, struct conn *c)
{
	ssize_t n;
	int status;

	if (c->sent < c->out.n)
		n = conn_write(c, c->out.p + c->sent, c->out.n - c->sent);
	else
		n = conn_read(c, c->in + c->in_n, READ_MAX - c->in_n);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		l->failed++;
		conn_close(l, c);
		return false;
	}
	if (c->sent < c->out.n) {
		c->sent += (size_t)n;
		return true;
	}
	c->in_n += (size_t)n;
	status = answer_status(c);
	if (status == 0)
		return true;
	if (status < 0) {
		l->failed++;
		conn_close(l, c);
		return false;
	}
	request_done(l, c, status);
	return c->fd >= 0;
}

/* --- the run -------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report(struct load *l, int64_t us)
{
	double seconds = (double)us / 1e6;

	qsort(l->took_us, l->ok, sizeof *l->took_us, by_value);
	(void)printf("load ok=%" PRIu64 " refused=%" PRIu64 " failed=%" PRIu64
		     " seconds=%.3f per_s=%.0f p50_us=%" PRIu32 " p99_us=%" PRIu32
		     " last_refusal=%d\n",
		l->ok, l->refused, l->failed, seconds, (double)l->ok / seconds,
		l->ok > 0 ? l->took_us[l->ok / 2] : 0, l->ok > 0 ? l->took_us[l->ok * 99 / 100] : 0,
		l->last_refusal);
}

static void run(struct load *l)
{
	struct conn *conns = calloc(l->connections, sizeof *conns);
	struct epoll_event events[256];
	int64_t start_us;

	check(conns != NULL);
	for (unsigned i = 0; i < l->connections; i++)
		conn_open(l, &conns[i]);
	start_us = clock_mono_us();
	for (unsigned i = 0; i < l->connections; i++)
		request_start(l, &conns[i]);
	while (l->open > 0) {
		int n = epoll_wait(l->epoll_fd, events, 256, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			while (c->fd >= 0 && conn_step(l, c))
				;
		}
	}
	report(l, clock_mono_us() - start_us);
	free(conns);
}

static int options_read(struct load *l, int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "u:t:c:n:b:f:rl")) != -1) {
		switch (o) {
		case 'u':
			l->unix_path = optarg;
			break;
		case 't':
			l->tls_address = optarg;
			break;
		case 'c':
			l->connections = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			l->requests = strtoull(optarg, NULL, 10);
			break;
		case 'b':
			l->bytes = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			l->first = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			l->kind = EVENTS_RANDOM;
			break;
		case 'l':
			l->kind = EVENTS_LOG;
			break;
		default:
			return -1;
		}
	}
	if (l->connections > l->requests)
		l->connections = (unsigned)l->requests;
	return (l->unix_path != NULL) != (l->tls_address != NULL) && l->requests > 0 &&
			       l->bytes >= 4096
		       ? 0
		       : -1;
}

int main(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof *l);

	check(l != NULL);
	l->connections = 64;
	l->requests = 10000;
	l->bytes = 10240;
	if (options_read(l, argc, argv) != 0) {
		(void)fprintf(stderr, "usage: bench_load (-u PATH | -t HOST:PORT) [-c CONNECTIONS] "
				      "[-n REQUESTS] [-b BYTES] [-f FIRST] [-r | -l]\n");
		return 2;
	}
	l->took_us = calloc(l->requests, sizeof *l->took_us);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->tls = l->tls_address != NULL ? SSL_CTX_new(TLS_client_method()) : NULL;
	check(l->took_us != NULL && l->epoll_fd >= 0);
	if (l->tls != NULL)
		SSL_CTX_set_mode(l->tls, SSL_MODE_ENABLE_PARTIAL_WRITE);
	events_init(&l->events, 1 + (uint64_t)l->kind, l->bytes, l->kind);
	run(l);
	events_fini(&l->events);
	SSL_CTX_free(l->tls);
	free(l->took_us);
	free(l);
	return 0;
}
