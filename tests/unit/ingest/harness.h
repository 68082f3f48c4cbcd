/* harness.h - an ingest on a real loop, with clients in the same thread.
 *
 * Client sockets do not block: whatever waits, waits by running the loop.
 */
#ifndef PICKET_TEST_INGEST_HARNESS_H
#define PICKET_TEST_INGEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/sockets.h"
#include "envelope/codec.h"
#include "ingest/ingest.h"

#define PATIENCE_MS 20000
#define HELD_MAX    64

struct rig {
	uv_loop_t loop;
	struct budget budget;
	struct counters counters;
	struct settings *settings;
	struct ingest *in;
	struct ingest_ops ops;
	char dir[sizeof P_tmpdir + 32];
	char unix_path[sizeof P_tmpdir + 64];
	char gram_path[sizeof P_tmpdir + 64];
	int port;
	bool hold;   /* keep replies instead of answering */
	bool closed; /* ingest_close was done */
	struct reply *held[HELD_MAX];
	struct envelope *held_env[HELD_MAX];
	size_t held_count;
	size_t envelopes;
	size_t discarded;
	struct envelope *last;
};

struct response {
	int status;
	char head[8192];
	char body[65536];
	size_t body_n;
};

static inline void rig_envelope(void *arg, struct envelope *env, void *result, struct reply *to)
{
	struct rig *rig = arg;

	free(result);
	rig->envelopes++;
	if (rig->hold) {
		assert_true(rig->held_count < HELD_MAX);
		rig->held_env[rig->held_count] = env;
		rig->held[rig->held_count++] = to;
		return;
	}
	envelope_free(rig->last);
	rig->last = env;
	reply_accepted(to, env->has_event_id ? &env->event_id : NULL, STR_EMPTY);
}

static inline void rig_discard(void *arg, void *result)
{
	struct rig *rig = arg;

	rig->discarded++;
	free(result);
}

static inline int rig_work(
	void *arg, struct envelope *env, const struct settings *s, void **result, struct err *err)
{
	(void)arg;
	(void)s;
	(void)err;
	*result = malloc(1);
	assert_non_null(*result);
	return env->items == NULL && env->item_count > 0 ? E_INVAL : E_OK;
}

static inline bool rig_page(void *arg, struct str path, struct str query, struct page *p)
{
	(void)arg;
	if (str_eq(path, STR("/")) || str_eq(path, STR("/healthz")) ||
		str_eq(path, STR("/api/relay/healthcheck/live/"))) {
		p->status = 200;
		p->content_type = "text/plain";
		buf_cstr(&p->body, "page:");
		buf_str(&p->body, path);
		buf_char(&p->body, '?');
		buf_str(&p->body, query);
		return true;
	}
	if (str_eq(path, STR("/readyz"))) {
		p->status = 503;
		p->content_type = "application/json";
		buf_cstr(&p->body, "{}");
		return true;
	}
	return false;
}

/* Answers the i-th reply that was kept. */
static inline void rig_answer(struct rig *rig, size_t i)
{
	struct envelope *env = rig->held_env[i];

	assert_true(i < rig->held_count && rig->held[i] != NULL);
	reply_accepted(rig->held[i], env->has_event_id ? &env->event_id : NULL, STR_EMPTY);
	envelope_free(env);
	rig->held[i] = NULL;
	rig->held_env[i] = NULL;
}

static inline void rig_settings(struct rig *rig, const char *const *env)
{
	struct settings_source from = {"/dev/null", env, true};
	struct err err = {0};

	settings_unref(rig->settings);
	rig->settings = NULL;
	if (settings_load(&rig->settings, &from, &err) != E_OK)
		fail_msg("settings: %s", err.text);
	budget_set_limit(&rig->budget, rig->settings->limits.memory);
}

static inline void rig_listen(struct rig *rig)
{
	struct sockaddr_in sa;
	socklen_t n = sizeof sa;
	struct err err = {0};
	int fd;

	assert_int_equal(socket_listen_unix(rig->unix_path, SOCK_STREAM, 0600, NULL, &fd, &err), 0);
	assert_int_equal(ingest_listen(rig->in, INGEST_UNIX, fd, rig->unix_path, &err), 0);
	assert_int_equal(socket_listen_unix(rig->gram_path, SOCK_DGRAM, 0600, NULL, &fd, &err), 0);
	assert_int_equal(ingest_listen(rig->in, INGEST_UNIXGRAM, fd, rig->gram_path, &err), 0);
	assert_int_equal(socket_listen_tcp("127.0.0.1:0", &fd, &err), 0);
	memset(&sa, 0, sizeof sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	rig->port = ntohs(sa.sin_port);
	assert_int_equal(ingest_listen(rig->in, INGEST_HTTP, fd, NULL, &err), 0);
}

/* env: settings as PICKET_SECTION_KEY=value, NULL-terminated; may be NULL. */
static inline void rig_open(struct rig *rig, const char *const *env, size_t inline_bytes)
{
	struct ingest_options o;
	struct err err = {0};

	(void)signal(SIGPIPE, SIG_IGN);
	memset(rig, 0, sizeof *rig);
	budget_init(&rig->budget, 0);
	rig_settings(rig, env);
	(void)snprintf(rig->dir, sizeof rig->dir, "%s/picket-ingest-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(rig->dir));
	(void)snprintf(rig->unix_path, sizeof rig->unix_path, "%s/s", rig->dir);
	(void)snprintf(rig->gram_path, sizeof rig->gram_path, "%s/g", rig->dir);
	assert_int_equal(uv_loop_init(&rig->loop), 0);
	rig->ops = (struct ingest_ops){.arg = rig,
		.work = rig_work,
		.envelope = rig_envelope,
		.discard = rig_discard,
		.page = rig_page};
	o = (struct ingest_options){.loop = &rig->loop,
		.ops = &rig->ops,
		.settings = rig->settings,
		.budget = &rig->budget,
		.clock = clock_system(),
		.counters = &rig->counters,
		.inline_bytes = inline_bytes};
	assert_int_equal(ingest_new(&rig->in, &o, &err), E_OK);
	rig_listen(rig);
}

/* One turn of the loop, waiting a moment for it if there is nothing to do. */
static inline void rig_turn(struct rig *rig)
{
	struct pollfd p = {.fd = uv_backend_fd(&rig->loop), .events = POLLIN};

	if (uv_run(&rig->loop, UV_RUN_NOWAIT) != 0 || !rig->closed)
		(void)poll(&p, 1, 1);
	(void)uv_run(&rig->loop, UV_RUN_NOWAIT);
}

#define rig_wait(rig, cond)                                                                        \
	do {                                                                                       \
		uint64_t until_ = uv_hrtime() + (uint64_t)PATIENCE_MS * 1000000;                   \
		while (!(cond)) {                                                                  \
			if (uv_hrtime() > until_)                                                  \
				fail_msg("waited in vain for %s", #cond);                          \
			rig_turn(rig);                                                             \
		}                                                                                  \
	} while (0)

static inline void rig_on_closed(void *arg)
{
	((struct rig *)arg)->closed = true;
}

static inline void rig_close(struct rig *rig)
{
	if (!rig->closed) {
		ingest_close(rig->in, 0, rig_on_closed, rig);
		rig_wait(rig, rig->closed);
	}
	for (size_t i = 0; i < rig->held_count; i++) {
		if (rig->held[i] != NULL)
			rig_answer(rig, i);
	}
	ingest_free(rig->in);
	envelope_free(rig->last);
	settings_unref(rig->settings);
	assert_int_equal(uv_loop_close(&rig->loop), 0);
	assert_int_equal(budget_used(&rig->budget), 0);
	assert_int_equal(rig->counters.connections, 0);
	assert_int_equal(rmdir(rig->dir), 0); /* socket files are gone */
}

/* --- clients --------------------------------------------------------------- */

static inline int client_unix_type(const char *path, int type)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

static inline int client_unix(struct rig *rig)
{
	return client_unix_type(rig->unix_path, SOCK_STREAM);
}

static inline int client_tcp(struct rig *rig)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)rig->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* False: the other end does not take it. */
static inline bool client_send(struct rig *rig, int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t k = send(fd, at, n, MSG_NOSIGNAL);

		if (k < 0 && errno != EAGAIN)
			return false;
		if (k > 0) {
			at += k;
			n -= (size_t)k;
		}
		rig_turn(rig);
	}
	return true;
}

static inline void client_say(struct rig *rig, int fd, const char *text)
{
	assert_true(client_send(rig, fd, text, strlen(text)));
}

/* Up to n more bytes; 0 at the end of the stream. */
static inline size_t client_recv(struct rig *rig, int fd, char *p, size_t n)
{
	uint64_t until = uv_hrtime() + (uint64_t)PATIENCE_MS * 1000000;

	for (;;) {
		ssize_t k = recv(fd, p, n, 0);

		if (k >= 0)
			return (size_t)k;
		if (errno == ECONNRESET)
			return 0;
		assert_int_equal(errno, EAGAIN);
		if (uv_hrtime() > until)
			fail_msg("no answer");
		rig_turn(rig);
	}
}

static inline bool client_is_at_end(struct rig *rig, int fd)
{
	char c;

	return client_recv(rig, fd, &c, 1) == 0;
}

/* Reads one answer, no byte more. */
static inline void client_answer(struct rig *rig, int fd, struct response *r, bool head_only)
{
	size_t n = 0, length = 0;
	const char *at;

	memset(r, 0, sizeof *r);
	while (n < 4 || memcmp(r->head + n - 4, "\r\n\r\n", 4) != 0) {
		assert_true(n < sizeof r->head - 1);
		if (client_recv(rig, fd, r->head + n, 1) == 0)
			fail_msg("the answer ends early: \"%s\"", r->head);
		n++;
	}
	assert_int_equal(sscanf(r->head, "HTTP/1.1 %d ", &r->status), 1);
	at = strstr(r->head, "Content-Length: ");
	if (at != NULL)
		length = (size_t)strtoul(at + 16, NULL, 10);
	if (head_only || r->status == 100)
		return;
	assert_true(length < sizeof r->body);
	while (r->body_n < length) {
		size_t k = client_recv(rig, fd, r->body + r->body_n, length - r->body_n);

		assert_true(k > 0);
		r->body_n += k;
	}
}

static inline void client_expect(struct rig *rig, int fd, int status)
{
	struct response r;

	client_answer(rig, fd, &r, false);
	if (r.status != status)
		fail_msg("status %d, not %d: %s", r.status, status, r.body);
}

/* --- texts ----------------------------------------------------------------- */

#define EVENT_ID "9ec79c33ec9942ab8353589fcb2e04dc"
#define ENVELOPE "{\"event_id\":\"" EVENT_ID "\"}\n{\"type\":\"event\",\"length\":2}\n{}\n"
#define KEY      "X-Sentry-Auth: Sentry sentry_key=app, sentry_version=7\r\n"
#define HOST     "Host: localhost\r\n"

/* A POST of body with these extra headers; to be freed. */
static inline char *post_text(const char *headers, const char *body)
{
	size_t n = strlen(headers) + strlen(body) + 128;
	char *text = malloc(n);

	assert_non_null(text);
	(void)snprintf(text, n,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST "%sContent-Length: %zu\r\n\r\n%s",
		headers, strlen(body), body);
	return text;
}

static inline void client_post(struct rig *rig, int fd, const char *headers, const char *body)
{
	char *text = post_text(headers, body);

	client_say(rig, fd, text);
	free(text);
}

#endif
