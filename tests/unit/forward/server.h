/* server.h - an HTTP server of a few lines: what it answers is told by the path.
 *
 *   /ok /limits /redirect /early /big /short /reset /hang /empty /idle
 *
 * Owns     a listening socket on loopback and a thread per connection.
 * Threads  its own; what it saw is behind a lock.
 */
#ifndef PICKET_TESTS_FORWARD_SERVER_H
#define PICKET_TESTS_FORWARD_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_CONNECTIONS 64

struct server {
	int fd;
	int port;
	pthread_t thread;
	pthread_t clients[SERVER_CONNECTIONS];
	pthread_mutex_t lock;
	int fds[SERVER_CONNECTIONS];
	unsigned connections, requests;
	size_t body_bytes;
	char head[8192]; /* of the last request */
};

struct server_client {
	struct server *s;
	unsigned index;
};

static inline void server_say(int fd, const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		ssize_t w = send(fd, text, n, MSG_NOSIGNAL);

		if (w <= 0)
			return;
		text += w;
		n -= (size_t)w;
	}
}

static inline void server_say_big(int fd)
{
	char block[65536];

	memset(block, 'x', sizeof block);
	server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
	for (int i = 0; i < 1500; i++) {
		if (send(fd, block, sizeof block, MSG_NOSIGNAL) <= 0)
			return;
	}
}

/* False: the connection is over. */
static inline bool server_answer(int fd, const char *head)
{
	struct linger hard = {1, 0};
	char byte;

	if (strstr(head, " /limits ") != NULL)
		server_say(fd, "HTTP/1.1 429 Too Many\r\nx-sentry-rate-limits: 60:error:key\r\n"
			       "Retry-After:  7 \r\nX-Sentry-Rate-Limits: 5:session:key\r\n"
			       "Content-Length: 2\r\n\r\n{}");
	else if (strstr(head, " /redirect ") != NULL)
		server_say(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(head, " /early ") != NULL)
		server_say(fd, "HTTP/1.1 100 Continue\r\nRetry-After: 99\r\n\r\n"
			       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(head, " /big ") != NULL)
		server_say_big(fd);
	else if (strstr(head, " /short ") != NULL)
		server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
	else if (strstr(head, " /hang ") != NULL)
		(void)recv(fd, &byte, 1, 0); /* until the client gives up */
	else if (strstr(head, " /reset ") != NULL)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	else if (strstr(head, " /empty ") == NULL)
		server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	return strstr(head, " /ok ") != NULL || strstr(head, " /limits ") != NULL ||
	       strstr(head, " /early ") != NULL || strstr(head, " /redirect ") != NULL;
}

static inline bool server_body(struct server *s, int fd, size_t have, const char *head)
{
	const char *length = strstr(head, "Content-Length: ");
	size_t want = length != NULL ? (size_t)strtoul(length + 16, NULL, 10) : 0;
	char block[65536];

	pthread_mutex_lock(&s->lock);
	s->body_bytes = want;
	pthread_mutex_unlock(&s->lock);
	while (have < want) {
		ssize_t n = recv(fd, block, sizeof block, 0);

		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static inline bool server_request(struct server *s, int fd)
{
	char text[65536], head[8192];
	size_t n = 0;
	char *end;

	do {
		ssize_t r = recv(fd, text + n, sizeof text - 1 - n, 0);

		if (r <= 0)
			return false;
		n += (size_t)r;
		text[n] = '\0';
		end = strstr(text, "\r\n\r\n");
	} while (end == NULL);
	(void)snprintf(head, sizeof head, "%.*s", (int)(end + 2 - text), text);
	pthread_mutex_lock(&s->lock);
	memcpy(s->head, head, sizeof head);
	s->requests++;
	pthread_mutex_unlock(&s->lock);
	if (!server_body(s, fd, n - (size_t)(end + 4 - text), head))
		return false;
	return server_answer(fd, head);
}

static inline void *server_client_run(void *arg)
{
	struct server_client *c = arg;
	struct server *s = c->s;
	int fd = s->fds[c->index];

	while (server_request(s, fd))
		;
	pthread_mutex_lock(&s->lock);
	s->fds[c->index] = -1;
	(void)close(fd);
	pthread_mutex_unlock(&s->lock);
	free(c);
	return NULL;
}

static inline void *server_run(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct server_client *c = malloc(sizeof *c);

		pthread_mutex_lock(&s->lock);
		c->s = s;
		c->index = s->connections;
		s->fds[s->connections] = fd;
		(void)pthread_create(&s->clients[s->connections], NULL, server_client_run, c);
		s->connections++;
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static inline void server_open(struct server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof a;

	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

/* Another descriptor of the connection that came i-th, which the caller closes. */
static inline int server_socket(struct server *s, unsigned i)
{
	int fd;

	pthread_mutex_lock(&s->lock);
	fd = dup(s->fds[i]);
	pthread_mutex_unlock(&s->lock);
	return fd;
}

static inline unsigned server_connections(struct server *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->connections;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static inline unsigned server_requests(struct server *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->requests;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static inline void server_close(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->connections; i++) {
		if (s->fds[i] >= 0)
			(void)shutdown(s->fds[i], SHUT_RDWR);
	}
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->connections; i++)
		(void)pthread_join(s->clients[i], NULL);
	pthread_mutex_destroy(&s->lock);
}

#endif
