/* Accepting.
 *
 *   listener_open    poll the descriptor
 *   on_ready         accept a burst, or read datagrams
 *   listener_rest    out of descriptors: stop polling, go on in 100 ms
 *   listener_close   until both handles are closed
 *
 * accept() is called here and not by libuv, which has no way to pause: with
 * level-triggered polling a full descriptor table would spin the loop.
 */
#include "ingest/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ingest/connection.h"

#define REST_MS 100
/* Connections beyond the limit that are told so politely at a time; even more
 * are just closed. */
#define REFUSING_MAX 64

static void on_ready(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *timer)
{
	struct listener *l = timer->data;

	if (!l->closing)
		(void)uv_poll_start(&l->poll, UV_READABLE, on_ready);
}

void listener_rest(struct listener *l, const char *why)
{
	if (!l->troubled)
		log_line(l->in->log, LOG_WARN, "listen_paused", log_cstr("why", why),
			log_int("for_ms", REST_MS));
	l->troubled = true;
	(void)uv_poll_stop(&l->poll);
	(void)uv_timer_start(&l->rest, on_rested, REST_MS, 0);
}

static void welcome(struct listener *l, int fd, const struct sockaddr_storage *sa, socklen_t n)
{
	struct ingest *in = l->in;
	bool refuse = in->serving_count >= in->settings->listen.max_connections;
	struct peer peer;

	l->troubled = false;
	if (refuse) {
		INGEST_COUNT(in, connections_refused, 1);
		if (in->connection_count - in->serving_count >= REFUSING_MAX) {
			(void)close(fd);
			return;
		}
	}
	if (sa->ss_family == AF_UNIX)
		peer_of_unix(fd, &peer);
	else
		peer_of_address((const struct sockaddr *)sa, n, &peer);
	if (!peer.is_unix && in->ops->is_own != NULL)
		peer.is_own = in->ops->is_own(in->ops->arg, fd);
	connection_open(in, fd, &peer, refuse);
}

/* False: nothing more to accept now. */
static bool accept_one(struct listener *l)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	int fd;

	memset(&sa, 0, sizeof sa);
	fd = accept4(l->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		welcome(l, fd, &sa, n);
		return true;
	}
	if (errno == EINTR || errno == ECONNABORTED)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		listener_rest(l, strerror(errno));
	return false;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;

	(void)events;
	if (status < 0) {
		listener_rest(l, uv_strerror(status));
		return;
	}
	if (l->kind == INGEST_UNIXGRAM) {
		datagrams_read(l);
		return;
	}
	for (int i = 0; i < LISTENER_BURST && accept_one(l); i++)
		;
}

static void listener_free(struct listener *l)
{
	if (l->unlink_path != NULL)
		(void)unlink(l->unlink_path);
	if (l->fd >= 0)
		(void)close(l->fd);
	free(l->unlink_path);
	free(l);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	struct ingest *in = l->in;

	if (handle == (uv_handle_t *)&l->poll)
		l->has_poll = false;
	else
		l->has_rest = false;
	if (l->has_poll || l->has_rest)
		return;
	SLIST_REMOVE(&in->listeners, l, listener, link);
	in->listener_count--;
	listener_free(l);
	if (in->closing)
		ingest_maybe_closed(in);
}

void listener_close(struct listener *l)
{
	if (l->closing)
		return;
	l->closing = true;
	if (l->has_poll)
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
	uv_close((uv_handle_t *)&l->rest, on_listener_closed);
}

static int start(struct listener *l)
{
	int rc = uv_timer_init(l->in->loop, &l->rest);

	l->rest.data = l;
	l->has_rest = true;
	if (rc == 0)
		rc = uv_poll_init(l->in->loop, &l->poll, l->fd);
	if (rc != 0)
		return rc;
	l->poll.data = l;
	l->has_poll = true;
	return uv_poll_start(&l->poll, UV_READABLE, on_ready);
}

int listener_open(
	struct ingest *in, enum ingest_kind kind, int fd, const char *unlink_path, struct err *err)
{
	struct listener *l = calloc(1, sizeof *l);
	int on = 1, rc;

	if (l != NULL && unlink_path != NULL)
		l->unlink_path = strdup(unlink_path);
	if (l == NULL || (unlink_path != NULL && l->unlink_path == NULL)) {
		free(l);
		(void)close(fd);
		return err_set(err, E_NOMEM, "no memory for a listening socket");
	}
	l->in = in;
	l->kind = kind;
	l->fd = fd;
	/* Who sent a datagram is told with the datagram, if asked for. */
	if (kind == INGEST_UNIXGRAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	SLIST_INSERT_HEAD(&in->listeners, l, link);
	in->listener_count++;
	rc = start(l);
	if (rc != 0) {
		listener_close(l);
		return err_set(
			err, E_IO, "cannot listen on descriptor %d: %s", fd, uv_strerror(rc));
	}
	return E_OK;
}
