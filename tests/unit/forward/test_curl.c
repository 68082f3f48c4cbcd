#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forward/curl.h"
#include "unit/forward/server.h"

struct world {
	uv_loop_t loop;
	struct server server;
	struct settings *settings;
	struct transport *t;
	unsigned open; /* exchanges not done */
	bool is_closed;
	const char *const *headers; /* NULL: the usual */
};

/* An exchange with copies of what is the transport's until done() returns. */
struct call {
	struct exchange x;
	struct world *w;
	char url[128], rate_limits[256], retry_after[64];
	bool is_done;
	bool is_inside; /* send() has not returned */
};

static struct settings *load(const char *const *env)
{
	static const char *const none[] = {NULL};
	struct settings_source from = {
		.file = "/dev/null", .env = env != NULL ? env : none, .dev = true};
	struct settings *s;
	struct err err;

	if (settings_load(&s, &from, &err) != E_OK)
		fail_msg("%s", err.text);
	return s;
}

static void world_open(struct world *w, const char *const *env)
{
	memset(w, 0, sizeof *w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	server_open(&w->server);
	w->settings = load(env);
	assert_int_equal(transport_curl_new(&w->t, &w->loop, w->settings, NULL), E_OK);
}

static void on_closed(void *arg)
{
	((struct world *)arg)->is_closed = true;
}

static void world_close(struct world *w)
{
	w->t->ops->close(w->t, on_closed, w);
	(void)uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_true(w->is_closed);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	settings_unref(w->settings);
	server_close(&w->server);
}

static void on_done(struct exchange *x)
{
	struct call *c = x->arg;

	assert_false(c->is_inside);
	assert_false(c->is_done);
	c->is_done = true;
	c->w->open--;
	if (x->rate_limits != NULL)
		(void)snprintf(c->rate_limits, sizeof c->rate_limits, "%s", x->rate_limits);
	if (x->retry_after != NULL)
		(void)snprintf(c->retry_after, sizeof c->retry_after, "%s", x->retry_after);
	if (c->w->open == 0)
		uv_stop(&c->w->loop);
}

static const char *const headers[] = {
	"X-Sentry-Auth: Sentry sentry_key=k", "Content-Type: application/x-sentry-envelope", NULL};

static void call_to(struct world *w, struct call *c, const char *scheme, const char *path,
	struct str body, int64_t timeout_ms)
{
	memset(c, 0, sizeof *c);
	c->w = w;
	(void)snprintf(c->url, sizeof c->url, "%s://127.0.0.1:%d%s", scheme, w->server.port, path);
	c->x.url = c->url;
	c->x.headers = w->headers != NULL ? w->headers : headers;
	c->x.body = body;
	c->x.timeout_ms = timeout_ms;
	c->x.done = on_done;
	c->x.arg = c;
	c->is_inside = true;
	w->open++;
	w->t->ops->send(w->t, &c->x);
	c->is_inside = false;
}

static void call_start(struct world *w, struct call *c, const char *path, struct str body)
{
	call_to(w, c, "http", path, body, 30000);
}

static void wait(struct world *w)
{
	while (w->open > 0)
		(void)uv_run(&w->loop, UV_RUN_DEFAULT);
}

static void call(struct world *w, struct call *c, const char *path)
{
	call_start(w, c, path, STR("{}\n"));
	wait(w);
}

static void the_request_is_exactly_what_was_asked_for(void **state) /* P-105 */
{
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call(&w, &c, "/ok");
	assert_int_equal(c.x.rc, E_OK);
	assert_int_equal(c.x.status, 200);
	assert_false(c.x.is_multiplexed);
	assert_null(strstr(w.server.head, "User-Agent"));
	assert_null(strstr(w.server.head, "Expect"));
	assert_null(strstr(w.server.head, "Accept"));
	assert_non_null(strstr(w.server.head, "POST /ok HTTP/1.1\r\n"));
	assert_non_null(strstr(w.server.head, "Content-Length: 3\r\n"));
	assert_non_null(strstr(w.server.head, "X-Sentry-Auth: Sentry sentry_key=k\r\n"));
	/* One content type: ours. */
	assert_null(strstr(strstr(w.server.head, "Content-Type") + 1, "Content-Type"));
	call_start(&w, &c, "/ok", STR_EMPTY);
	wait(&w);
	assert_non_null(strstr(w.server.head, "GET /ok HTTP/1.1\r\n"));
	assert_int_equal(server_connections(&w.server), 1); /* kept alive */
	world_close(&w);
}

static void a_body_without_a_type_is_not_given_one(void **state)
{
	static const char *const bare[] = {"X-Sentry-Auth: Sentry sentry_key=k", NULL};
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	w.headers = bare;
	call(&w, &c, "/ok");
	assert_int_equal(c.x.status, 200);
	assert_null(strstr(w.server.head, "Content-Type"));
	assert_non_null(strstr(w.server.head, "Content-Length: 3\r\n"));
	world_close(&w);
}

static void a_large_body_is_sent_without_expect(void **state)
{
	size_t n = 8 << 20;
	char *body = malloc(n);
	struct world w;
	struct call c;

	(void)state;
	memset(body, 'b', n);
	world_open(&w, NULL);
	call_start(&w, &c, "/ok", str_make(body, n));
	wait(&w);
	assert_int_equal(c.x.status, 200);
	assert_int_equal(w.server.body_bytes, n);
	assert_null(strstr(w.server.head, "Expect"));
	free(body);
	world_close(&w);
}

static void the_headers_that_count_are_captured(void **state) /* P-094, P-087 */
{
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call(&w, &c, "/limits");
	assert_int_equal(c.x.status, 429);
	assert_string_equal(c.rate_limits, "60:error:key, 5:session:key");
	assert_string_equal(c.retry_after, "7");
	/* The same handle again: nothing is left over. */
	call(&w, &c, "/ok");
	assert_null(c.x.rate_limits);
	assert_null(c.x.retry_after);
	/* A 100 is not the answer. */
	call(&w, &c, "/early");
	assert_int_equal(c.x.status, 200);
	assert_null(c.x.retry_after);
	world_close(&w);
}

static void a_redirect_is_not_followed(void **state) /* P-111 */
{
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call(&w, &c, "/redirect");
	assert_int_equal(c.x.rc, E_OK);
	assert_int_equal(c.x.status, 302);
	assert_int_equal(server_requests(&w.server), 1);
	world_close(&w);
}

static void broken_answers_are_no_answers(void **state) /* P-108 */
{
	static const char *const paths[] = {"/short", "/reset", "/empty"};
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	for (size_t i = 0; i < 3; i++) {
		call(&w, &c, paths[i]);
		assert_int_equal(c.x.rc, E_NET);
		assert_int_equal(c.x.status, 0);
		assert_true(c.x.detail[0] != '\0');
		assert_false(c.x.is_untrusted);
	}
	world_close(&w);
}

static void nobody_there_is_no_answer(void **state) /* P-108 */
{
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call(&w, &c, "/ok");
	assert_int_equal(c.x.rc, E_OK);
	server_close(&w.server);
	call(&w, &c, "/ok"); /* the connection is gone, the port closed */
	assert_int_equal(c.x.rc, E_NET);
	assert_true(c.x.detail[0] != '\0');
	server_open(&w.server);
	call(&w, &c, "/ok");
	assert_int_equal(c.x.rc, E_OK);
	world_close(&w);
}

static void a_connection_lost_in_tls_is_no_answer(void **state)
{
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call_to(&w, &c, "https", "/ok", STR("x"), 30000);
	while (server_connections(&w.server) == 0)
		(void)uv_run(&w.loop, UV_RUN_NOWAIT);
	server_close(&w.server); /* which waits for the end of a request */
	wait(&w);
	assert_int_equal(c.x.rc, E_NET);
	server_open(&w.server);
	world_close(&w);
}

static void certificates_that_cannot_be_used_are_told(void **state)
{
	static const char *const env[] = {"PICKET_UPSTREAM_CA_FILE=/dev/null", NULL};
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, env);
	call_to(&w, &c, "https", "/ok", STR("x"), 30000);
	wait(&w);
	assert_int_equal(c.x.rc, E_NET);
	assert_true(c.x.is_untrusted);
	world_close(&w);
}

static void a_hanging_upstream_times_out(void **state) /* P-108 */
{
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call_to(&w, &c, "http", "/hang", STR("x"), 50);
	wait(&w);
	assert_int_equal(c.x.rc, E_TIMEOUT);
	world_close(&w);
}

static void an_endless_answer_is_not_read(void **state)
{
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call(&w, &c, "/big");
	assert_int_equal(c.x.rc, E_OK);
	assert_int_equal(c.x.status, 200);
	world_close(&w);
}

static void what_is_cancelled_ends_once_and_later(void **state)
{
	struct world w;
	struct call c[3];

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < 3; i++)
		call_start(&w, &c[i], "/hang", STR("x"));
	while (server_requests(&w.server) == 0)
		(void)uv_run(&w.loop, UV_RUN_NOWAIT);
	for (int i = 0; i < 3; i++) {
		w.t->ops->cancel(w.t, &c[i].x);
		w.t->ops->cancel(w.t, &c[i].x); /* again: nothing happens */
		assert_false(c[i].is_done);
	}
	wait(&w);
	for (int i = 0; i < 3; i++)
		assert_int_equal(c[i].x.rc, E_CANCELED);
	world_close(&w);
}

#define PORT_RANGE 51 /* IP_LOCAL_PORT_RANGE */

/* A socket at the port of another, which goes elsewhere: the kernel gives a port
 * to several connections as long as their destinations differ. */
static int same_port(int fd, int *far)
{
	struct sockaddr_in sa;
	socklen_t n = sizeof sa;
	int listener = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);
	uint32_t range;

	assert_int_equal(getpeername(fd, (struct sockaddr *)&sa, &n), 0);
	range = (uint32_t)ntohs(sa.sin_port) << 16 | ntohs(sa.sin_port);
	if (setsockopt(s, IPPROTO_IP, PORT_RANGE, &range, sizeof range) != 0) {
		/* Before Linux 6.3: at least a neighbour of loopback has the same port. */
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
		assert_int_equal(bind(s, (struct sockaddr *)&sa, n), 0);
	}
	sa = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(connect(s, (struct sockaddr *)&sa, n), 0);
	*far = accept(listener, NULL, NULL);
	assert_true(*far >= 0);
	assert_int_equal(close(listener), 0);
	return s;
}

static void the_far_ends_of_its_connections_are_its_own(void **state)
{
	struct world w, other;
	struct call c;
	int there, near, far;

	(void)state;
	world_open(&w, NULL);
	world_open(&other, NULL);
	call_start(&w, &c, "/hang", STR("x"));
	while (server_requests(&w.server) == 0)
		(void)uv_run(&w.loop, UV_RUN_NOWAIT);
	there = server_socket(&w.server, 0);
	assert_true(transport_curl_is_own(w.t, there));
	assert_false(transport_curl_is_own(other.t, there));
	assert_false(transport_curl_is_own(w.t, w.server.fd));
	near = same_port(there, &far);
	assert_false(transport_curl_is_own(w.t, far));
	assert_false(transport_curl_is_own(w.t, near));
	assert_int_equal(close(near), 0);
	assert_int_equal(close(far), 0);
	assert_int_equal(close(there), 0);
	w.t->ops->cancel(w.t, &c.x);
	wait(&w);
	world_close(&w);
	world_close(&other);
}

static void connections_are_bounded_and_used_again(void **state)
{
	static const char *const env[] = {"PICKET_UPSTREAM_CONNECTIONS=3", NULL};
	struct world w;
	struct call c[40];

	(void)state;
	world_open(&w, env);
	for (int i = 0; i < 40; i++)
		call_start(&w, &c[i], "/ok", STR("x"));
	wait(&w);
	for (int i = 0; i < 40; i++)
		assert_int_equal(c[i].x.status, 200);
	assert_true(server_connections(&w.server) <= 3);
	assert_int_equal(server_requests(&w.server), 40);
	world_close(&w);
}

static void new_settings_hold_for_the_next_request(void **state)
{
	/* A proxy that is not there: requests through it fail. */
	static const char *const env[] = {"PICKET_UPSTREAM_PROXY=http://127.0.0.1:1", NULL};
	struct world w;
	struct settings *s = load(env);
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call(&w, &c, "/ok");
	assert_int_equal(c.x.rc, E_OK);
	transport_curl_configure(w.t, s);
	call(&w, &c, "/ok");
	assert_int_equal(c.x.rc, E_NET);
	transport_curl_configure(w.t, w.settings);
	call(&w, &c, "/ok");
	assert_int_equal(c.x.rc, E_OK);
	settings_unref(s);
	world_close(&w);
}

static void an_unused_transport_costs_nothing(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	assert_int_equal(transport_curl_sockets(w.t), 0);
	/* Nothing keeps the loop alive. */
	assert_int_equal(uv_run(&w.loop, UV_RUN_NOWAIT), 0);
	world_close(&w);
}

static void done_may_send_again(struct exchange *x)
{
	struct call *c = x->arg;

	if (c->x.timeout_ms-- > 29990) {
		c->w->t->ops->send(c->w->t, x);
		return;
	}
	on_done(x);
}

static void a_chain_of_requests_needs_no_detour(void **state)
{
	struct world w;
	struct call c;

	(void)state;
	world_open(&w, NULL);
	call_start(&w, &c, "/ok", STR("x"));
	c.x.done = done_may_send_again;
	wait(&w);
	assert_int_equal(server_requests(&w.server), 11);
	assert_int_equal(server_connections(&w.server), 1);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_is_exactly_what_was_asked_for),
		cmocka_unit_test(a_body_without_a_type_is_not_given_one),
		cmocka_unit_test(a_large_body_is_sent_without_expect),
		cmocka_unit_test(the_headers_that_count_are_captured),
		cmocka_unit_test(a_redirect_is_not_followed),
		cmocka_unit_test(broken_answers_are_no_answers),
		cmocka_unit_test(nobody_there_is_no_answer),
		cmocka_unit_test(a_connection_lost_in_tls_is_no_answer),
		cmocka_unit_test(certificates_that_cannot_be_used_are_told),
		cmocka_unit_test(a_hanging_upstream_times_out),
		cmocka_unit_test(an_endless_answer_is_not_read),
		cmocka_unit_test(what_is_cancelled_ends_once_and_later),
		cmocka_unit_test(the_far_ends_of_its_connections_are_its_own),
		cmocka_unit_test(connections_are_bounded_and_used_again),
		cmocka_unit_test(new_settings_hold_for_the_next_request),
		cmocka_unit_test(an_unused_transport_costs_nothing),
		cmocka_unit_test(a_chain_of_requests_needs_no_detour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
