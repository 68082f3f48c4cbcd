#include "forward/curl.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/check.h"
#include "forward/transfer.h"

/* Driving libcurl from the loop.
 *
 *   curl_send        a transfer is set up and added; libcurl asks for a timer
 *   on_timer         libcurl's time has come
 *   on_poll          one of its sockets is ready
 *   multi_reap       transfers that have ended: done() of their exchange
 *   on_late          done() of those that were cancelled or never started
 *   on_idle          nothing to carry for a while: everything is closed
 */

#define IDLE_MS 30000

struct sock {
	uv_poll_t poll;
	struct curl_transport *t;
	curl_socket_t fd;
	LIST_ENTRY(sock) link;
};

LIST_HEAD(sock_list, sock);

struct curl_transport {
	struct transport base;
	uv_loop_t *loop;
	struct settings *settings;
	unsigned generation; /* of the settings */
	CURLM *multi;        /* NULL while idle */
	bool is_global;      /* curl_global_init() was called */
	uv_timer_t timer;    /* libcurl's */
	uv_timer_t late_timer;
	uv_timer_t idle_timer;
	struct transfer *free; /* handles to use again */
	struct exchange *late; /* ended, but not told; linked through priv */
	unsigned free_count;
	unsigned active;
	struct sock_list socks; /* being watched */
	unsigned sockets;
	unsigned open_handles; /* of uv, while closing */
	bool is_closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

static struct curl_transport *curl_of(struct transport *t)
{
	return (struct curl_transport *)t;
}

/* --- ends ---------------------------------------------------------------------- */

static void transfer_recycle(struct curl_transport *t, struct transfer *tr)
{
	if (t->free_count >= 64) {
		transfer_free(tr);
		return;
	}
	tr->next = t->free;
	t->free = tr;
	t->free_count++;
}

static void idle_start(struct curl_transport *t);

static void exchange_tell(struct curl_transport *t, struct exchange *x)
{
	t->active--;
	x->priv = NULL;
	x->done(x); /* may send again */
	if (t->active == 0)
		idle_start(t);
}

static void multi_reap(struct curl_transport *t)
{
	CURLMsg *m;
	int left;

	while (t->multi != NULL && (m = curl_multi_info_read(t->multi, &left)) != NULL) {
		struct transfer *tr = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&tr);
		(void)curl_multi_remove_handle(t->multi, m->easy_handle); /* m is gone */
		transfer_finish(tr, code);
		exchange_tell(t, tr->x);
		transfer_recycle(t, tr); /* the answer's texts were its */
	}
}

static void on_late(uv_timer_t *timer)
{
	struct curl_transport *t = timer->data;

	while (t->late != NULL) {
		struct exchange *x = t->late;

		t->late = x->priv;
		exchange_tell(t, x);
	}
}

static void exchange_end_late(struct curl_transport *t, struct exchange *x, int rc, const char *why)
{
	x->rc = rc;
	(void)snprintf(x->detail, sizeof x->detail, "%s", why);
	x->priv = t->late;
	t->late = x;
	(void)uv_timer_start(&t->late_timer, on_late, 0, 0);
}

/* --- sockets and time ------------------------------------------------------------ */

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct sock *s = poll->data;
	struct curl_transport *t = s->t;
	int flags = 0, running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if ((events & UV_READABLE) != 0)
		flags |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		flags |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(t->multi, s->fd, flags, &running); /* may close s */
	multi_reap(t);
}

static void on_timer(uv_timer_t *timer)
{
	struct curl_transport *t = timer->data;
	int running;

	if (t->multi == NULL)
		return;
	(void)curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	multi_reap(t);
}

static int want_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct curl_transport *t = arg;

	(void)multi;
	if (timeout_ms < 0)
		(void)uv_timer_stop(&t->timer);
	else
		(void)uv_timer_start(&t->timer, on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

static void transport_maybe_closed(struct curl_transport *t);

static void sock_closed(uv_handle_t *h)
{
	struct sock *s = h->data;
	struct curl_transport *t = s->t;

	free(s);
	t->open_handles--;
	transport_maybe_closed(t);
}

static void sock_drop(struct sock *s)
{
	if (s == NULL)
		return;
	LIST_REMOVE(s, link);
	s->t->sockets--;
	(void)uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, sock_closed);
}

static struct sock *sock_new(struct curl_transport *t, curl_socket_t fd)
{
	struct sock *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->t = t;
	s->fd = fd;
	s->poll.data = s;
	if (uv_poll_init_socket(t->loop, &s->poll, fd) != 0) {
		free(s);
		return NULL;
	}
	t->open_handles++;
	t->sockets++;
	LIST_INSERT_HEAD(&t->socks, s, link);
	(void)curl_multi_assign(t->multi, fd, s);
	return s;
}

/* A socket that cannot be watched makes its transfer time out, which is then
 * repeated like any other. Telling libcurl would make all of multi useless. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock_arg)
{
	struct curl_transport *t = arg;
	struct sock *s = sock_arg;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(t->multi, fd, NULL);
		sock_drop(s);
		return 0;
	}
	if (s == NULL)
		s = sock_new(t, fd);
	if (s == NULL)
		return 0;
	if ((what & CURL_POLL_IN) != 0)
		events |= UV_READABLE;
	if ((what & CURL_POLL_OUT) != 0)
		events |= UV_WRITABLE;
	(void)uv_poll_start(&s->poll, events, on_poll);
	return 0;
}

/* --- the multi handle -------------------------------------------------------------- */

static void multi_configure(struct curl_transport *t)
{
	const struct settings *s = t->settings;

	(void)curl_multi_setopt(t->multi, CURLMOPT_PIPELINING,
		s->upstream.http2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING);
	(void)curl_multi_setopt(
		t->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)s->upstream.connections);
	(void)curl_multi_setopt(
		t->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)s->upstream.streams);
}

static int multi_open(struct curl_transport *t)
{
	if (t->multi != NULL)
		return E_OK;
	if (!t->is_global && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return E_NOMEM;
	t->is_global = true;
	t->multi = curl_multi_init();
	if (t->multi == NULL)
		return E_NOMEM;
	(void)curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	(void)curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	(void)curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	(void)curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	multi_configure(t);
	return E_OK;
}

static void multi_close(struct curl_transport *t)
{
	while (t->free != NULL) {
		struct transfer *tr = t->free;

		t->free = tr->next;
		transfer_free(tr);
	}
	t->free_count = 0;
	if (t->multi != NULL)
		(void)curl_multi_cleanup(t->multi); /* closes sockets: want_socket() comes */
	t->multi = NULL;
	(void)uv_timer_stop(&t->timer);
}

static void on_idle(uv_timer_t *timer)
{
	struct curl_transport *t = timer->data;

	if (t->active == 0)
		multi_close(t);
}

static void idle_start(struct curl_transport *t)
{
	if (!t->is_closing && t->multi != NULL)
		(void)uv_timer_start(&t->idle_timer, on_idle, IDLE_MS, 0);
}

/* --- the transport ------------------------------------------------------------------ */

static struct transfer *transfer_take(struct curl_transport *t)
{
	struct transfer *tr = t->free;

	if (tr == NULL)
		return transfer_new();
	t->free = tr->next;
	t->free_count--;
	return tr;
}

static int transfer_add(struct curl_transport *t, struct transfer *tr)
{
	int rc = transfer_start(tr, t->settings, t->generation);

	if (rc == E_OK && curl_multi_add_handle(t->multi, tr->easy) != CURLM_OK)
		rc = E_NOMEM;
	return rc;
}

static void curl_send(struct transport *base, struct exchange *x)
{
	struct curl_transport *t = curl_of(base);
	struct transfer *tr = NULL;
	int rc = multi_open(t);

	check(!t->is_closing);
	t->active++;
	(void)uv_timer_stop(&t->idle_timer);
	if (rc == E_OK)
		tr = transfer_take(t);
	if (tr == NULL) {
		exchange_end_late(t, x, E_NOMEM, "no memory for a request");
		return;
	}
	tr->x = x;
	x->priv = tr;
	rc = transfer_add(t, tr);
	if (rc != E_OK) {
		exchange_end_late(t, x, rc, "libcurl could not start the request");
		transfer_recycle(t, tr);
	}
}

static bool is_late(const struct curl_transport *t, const struct exchange *x)
{
	for (const struct exchange *l = t->late; l != NULL; l = l->priv) {
		if (l == x)
			return true;
	}
	return false;
}

static void curl_cancel(struct transport *base, struct exchange *x)
{
	struct curl_transport *t = curl_of(base);
	struct transfer *tr = x->priv;

	if (is_late(t, x) || tr == NULL)
		return;
	(void)curl_multi_remove_handle(t->multi, tr->easy);
	exchange_end_late(t, x, E_CANCELED, "canceled");
	transfer_recycle(t, tr);
}

static void handle_closed(uv_handle_t *h)
{
	struct curl_transport *t = h->data;

	t->open_handles--;
	transport_maybe_closed(t);
}

static void transport_maybe_closed(struct curl_transport *t)
{
	void (*closed)(void *arg) = t->closed;
	void *arg = t->closed_arg;

	if (!t->is_closing || t->open_handles > 0)
		return;
	if (t->is_global)
		curl_global_cleanup();
	settings_unref(t->settings);
	free(t);
	closed(arg);
}

static void curl_close(struct transport *base, void (*closed)(void *arg), void *arg)
{
	struct curl_transport *t = curl_of(base);

	check(!t->is_closing && t->active == 0);
	multi_close(t);
	t->is_closing = true;
	t->closed = closed;
	t->closed_arg = arg;
	uv_close((uv_handle_t *)&t->timer, handle_closed);
	uv_close((uv_handle_t *)&t->late_timer, handle_closed);
	uv_close((uv_handle_t *)&t->idle_timer, handle_closed);
}

static const struct transport_ops curl_ops = {curl_send, curl_cancel, curl_close};

int transport_curl_new(
	struct transport **ret, uv_loop_t *loop, struct settings *settings, struct err *err)
{
	struct curl_transport *t = calloc(1, sizeof *t);

	if (t == NULL)
		return err_set(err, E_NOMEM, "no memory for the upstream connection");
	t->base.ops = &curl_ops;
	t->loop = loop;
	t->settings = settings_ref(settings);
	t->generation = 1;
	(void)uv_timer_init(loop, &t->timer); /* cannot fail */
	(void)uv_timer_init(loop, &t->late_timer);
	(void)uv_timer_init(loop, &t->idle_timer);
	t->timer.data = t;
	t->late_timer.data = t;
	t->idle_timer.data = t;
	/* An idle connection keeps nobody from ending. */
	uv_unref((uv_handle_t *)&t->idle_timer);
	t->open_handles = 3;
	*ret = &t->base;
	return E_OK;
}

void transport_curl_configure(struct transport *base, struct settings *settings)
{
	struct curl_transport *t = curl_of(base);

	settings_unref(t->settings);
	t->settings = settings_ref(settings);
	t->generation++;
	if (t->multi != NULL)
		multi_configure(t);
}

/* One end of a connection. IPv4 addresses come in two forms. */
struct end {
	struct in6_addr address;
	in_port_t port;
};

typedef int name_fn(int fd, struct sockaddr *ret, socklen_t *n);

/* False: it is no end of a TCP connection. */
static bool end_of(int fd, name_fn *name, struct end *ret)
{
	struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
	socklen_t n = sizeof sa;

	memset(ret, 0, sizeof *ret);
	if (name(fd, (struct sockaddr *)&sa, &n) != 0)
		return false;
	if (sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&sa;

		ret->address = in6->sin6_addr;
		ret->port = in6->sin6_port;
	} else if (sa.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&sa;

		ret->address.s6_addr[10] = ret->address.s6_addr[11] = 0xff;
		memcpy(&ret->address.s6_addr[12], &in->sin_addr, sizeof in->sin_addr);
		ret->port = in->sin_port;
	}
	return ret->port != 0;
}

static bool end_is(const struct end *e, int fd, name_fn *name)
{
	struct end is;

	return end_of(fd, name, &is) && is.port == e->port &&
	       memcmp(&is.address, &e->address, sizeof is.address) == 0;
}

/* Both ends are compared: a client may have the port of one of these connections,
 * since ports are only taken for one destination. */
bool transport_curl_is_own(const struct transport *t, int fd)
{
	const struct curl_transport *c = (const struct curl_transport *)t;
	struct end there, here;
	const struct sock *s;
	bool is_own = false;

	if (!end_of(fd, getpeername, &there) || !end_of(fd, getsockname, &here))
		return false;
	LIST_FOREACH (s, &c->socks, link)
		is_own |= end_is(&there, s->fd, getsockname) && end_is(&here, s->fd, getpeername);
	return is_own;
}

unsigned transport_curl_sockets(const struct transport *base)
{
	return ((const struct curl_transport *)base)->sockets;
}
