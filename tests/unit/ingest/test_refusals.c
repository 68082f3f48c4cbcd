/* HTTP over real sockets: what is refused, and what becomes of the connection. */
#include "harness.h"

static void an_early_answer_keeps_the_connection_when_the_rest_is_short(void **state)
{
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_tcp(&rig);
	client_say(&rig, fd,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST
		"X-Sentry-Auth: Sentry sentry_version=7\r\nContent-Length: 6\r\n\r\nabc");
	client_answer(&rig, fd, &r, false); /* before its body is complete */
	assert_int_equal(r.status, 401);
	assert_non_null(strstr(r.head, "X-Sentry-Error: the credentials have no sentry_key\r\n"));
	assert_non_null(strstr(r.body, "\"detail\":\"the credentials"));
	client_say(&rig, fd, "def");
	client_post(&rig, fd, KEY, ENVELOPE);
	client_expect(&rig, fd, 200);
	assert_int_equal(rig.counters.answers_4xx, 1);
	(void)close(fd);
	rig_close(&rig);
}

static void too_large_is_said_before_the_body_is_read(void **state) /* 4.1 */
{
	static const char *const env[] = {"PICKET_LIMITS_ENVELOPE=100K", NULL};
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	fd = client_tcp(&rig);
	client_say(&rig, fd,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
		"Expect: 100-continue\r\nContent-Length: 102401\r\n\r\n");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 413);
	assert_non_null(strstr(r.body, "limits.envelope"));
	assert_non_null(strstr(r.head, "Connection: close\r\n"));
	assert_true(client_is_at_end(&rig, fd));
	(void)close(fd);
	rig_close(&rig);
}

static void a_client_that_sends_all_first_still_reads_its_413(void **state)
{
	static const char *const env[] = {"PICKET_LIMITS_ENVELOPE=100K", NULL};
	struct rig rig;
	char *body = calloc(1, 4u << 20);
	int fd;

	(void)state;
	assert_non_null(body);
	rig_open(&rig, env, 0);
	for (int chunked = 0; chunked < 2; chunked++) {
		fd = client_tcp(&rig);
		client_say(&rig, fd,
			chunked ? "POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
				  "Transfer-Encoding: chunked\r\n\r\n400000\r\n"
				: "POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
				  "Content-Length: 4194304\r\n\r\n");
		assert_true(client_send(&rig, fd, body, 4u << 20));
		client_expect(&rig, fd, 413);
		assert_true(client_is_at_end(&rig, fd));
		(void)close(fd);
	}
	free(body);
	rig_close(&rig);
}

static void what_never_fits_memory_is_413_and_says_so(void **state)
{
	static const char *const env[] = {"PICKET_LIMITS_MEMORY=1M", NULL};
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	fd = client_tcp(&rig);
	client_say(&rig, fd,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY "Content-Length: 1048577\r\n\r\n");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 413);
	assert_non_null(strstr(r.body, "limits.memory"));
	(void)close(fd);
	rig_close(&rig);
}

static void used_up_memory_is_503_and_heals(void **state) /* P-034 */
{
	static const char *const env[] = {"PICKET_LIMITS_MEMORY=1M", NULL};
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	assert_true(budget_take(&rig.budget, (1u << 20) - 10));
	fd = client_tcp(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.head, "Retry-After: "));
	assert_null(strstr(r.head, "Connection: close"));
	budget_give(&rig.budget, (1u << 20) - 10);
	client_post(&rig, fd, KEY, ENVELOPE);
	client_expect(&rig, fd, 200);
	assert_int_equal(rig.counters.answers_5xx, 1);
	(void)close(fd);
	rig_close(&rig);
}

static void memory_is_held_until_the_reply(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	rig.hold = true;
	fd = client_unix(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	rig_wait(&rig, rig.held_count == 1);
	assert_int_equal(budget_used(&rig.budget), strlen(ENVELOPE));
	assert_int_equal(ingest_busy(rig.in), 1);
	rig_answer(&rig, 0);
	assert_int_equal(budget_used(&rig.budget), 0);
	assert_int_equal(ingest_busy(rig.in), 0);
	client_expect(&rig, fd, 200);
	(void)close(fd);
	rig_close(&rig);
}

static void a_declared_length_costs_nothing_until_bytes_come(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig);
	client_say(&rig, fd,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY "Content-Length: 50000000\r\n\r\n{");
	rig_wait(&rig, ingest_busy(rig.in) == 1);
	assert_true(budget_used(&rig.budget) <= 64 * 1024);
	(void)close(fd);
	rig_wait(&rig, rig.counters.connections == 0);
	assert_int_equal(budget_used(&rig.budget), 0);
	rig_close(&rig);
}

static void a_bomb_stops_at_the_limit(void **state) /* P-011 */
{
	static const char *const env[] = {
		"PICKET_LIMITS_ENVELOPE=256K", "PICKET_LIMITS_MEMORY=1M", NULL};
	struct rig rig;
	struct codec_pool *pool;
	struct buf gz = BUF_INIT, text = BUF_INIT;
	struct response r;
	struct err err;
	char *zeros = calloc(1, 8u << 20);
	int fd;

	(void)state;
	assert_non_null(zeros);
	rig_open(&rig, env, 0);
	assert_int_equal(codec_pool_new(&pool, 3, &err), E_OK);
	assert_int_equal(codec_gzip(pool, str_make(zeros, 8u << 20), &gz, &err), E_OK);
	codec_pool_free(pool);
	buf_printf(&text,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
		"Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
		gz.n);
	buf_str(&text, buf_view(&gz));
	fd = client_unix(&rig);
	assert_true(client_send(&rig, fd, text.p, text.n));
	client_expect(&rig, fd, 413);
	/* The same with little memory left: not its fault. */
	assert_true(budget_take(&rig.budget, 900u << 10));
	assert_true(client_send(&rig, fd, text.p, text.n));
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 503);
	budget_give(&rig.budget, 900u << 10);
	buf_fini(&gz);
	buf_fini(&text);
	free(zeros);
	(void)close(fd);
	rig_close(&rig);
}

static void broken_http_is_answered_and_closed(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"nonsense\r\n\r\n", 400},
		{"GET / HTTP/2.0\r\n" HOST "\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Bad Name: x\r\n\r\n", 400},
		{"POST /api/1/envelope/ HTTP/1.1\r\n" HOST KEY
		 "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			400},
		{"POST /api/1/envelope/ HTTP/1.1\r\n" HOST KEY
		 "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
			400},
		{"POST /api/1/envelope/ HTTP/1.1\r\n" HOST KEY
		 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
			501},
		{"POST /api/1/envelope/ HTTP/1.1\r\n" HOST KEY
		 "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
			400},
		{"POST /api/1/envelope/ HTTP/1.1\r\n" HOST KEY
		 "Expect: magic\r\nContent-Length: 1\r\n\r\nx",
			417},
		{"CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
	};
	struct rig rig;

	(void)state;
	rig_open(&rig, NULL, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = client_tcp(&rig);

		client_say(&rig, fd, cases[i].text);
		client_expect(&rig, fd, cases[i].status);
		assert_true(client_is_at_end(&rig, fd));
		(void)close(fd);
	}
	rig_close(&rig);
}

static void paths_and_projects_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"POST /api/0/envelope/ HTTP/1.1\r\n", 400},
		{"POST /api/x/envelope/ HTTP/1.1\r\n", 400},
		{"POST /api/18446744073709551616/envelope/ HTTP/1.1\r\n", 400},
		{"POST /api/18446744073709551615/envelope HTTP/1.1\r\n", 200},
		{"POST //api//42//envelope/ HTTP/1.1\r\n", 200}, /* P-005 */
		{"POST http://localhost/api/42/envelope/ HTTP/1.1\r\n", 200},
		{"POST http://evil.example/api/42/envelope/ HTTP/1.1\r\n", 403},
		{"POST /other HTTP/1.1\r\n", 404},
		{"PUT /api/42/envelope/ HTTP/1.1\r\n", 405},       /* P-006 */
		{"POST /sub/api/42/envelope/ HTTP/1.1\r\n", 200},  /* P-007 */
		{"POST /api/42/envelope/extra HTTP/1.1\r\n", 202}, /* design 12.12 */
		{"POST /api/0/envelope/extra HTTP/1.1\r\n", 404},
	};
	static const char *const env[] = {"PICKET_LISTEN_PATH_PREFIX=/sub", NULL};
	struct rig rig;
	char text[512];
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	fd = client_tcp(&rig);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)snprintf(text, sizeof text, "%s" HOST KEY "Content-Length: 3\r\n\r\n{}\n",
			cases[i].text);
		client_say(&rig, fd, text);
		client_expect(&rig, fd, cases[i].status);
	}
	(void)close(fd);
	rig_close(&rig);
}

static void heads_are_bounded(void **state)
{
	static const char *const env[] = {"PICKET_LIMITS_HTTP_HEADERS=2K", NULL};
	struct rig rig;
	struct buf text = BUF_INIT;
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	for (int kind = 0; kind < 3; kind++) {
		buf_clear(&text);
		buf_cstr(&text, "GET /healthz");
		for (int i = 0; kind == 0 && i < 3000; i++)
			buf_char(&text, 'x');
		buf_cstr(&text, " HTTP/1.1\r\n" HOST);
		for (int i = 0; kind == 1 && i < 300; i++)
			buf_cstr(&text, "a: b\r\n");
		for (int i = 0; kind == 2 && i < 30; i++)
			buf_printf(&text, "X-Forwarded-For: %0100d\r\n", i);
		buf_cstr(&text, "\r\n");
		fd = client_tcp(&rig);
		assert_true(client_send(&rig, fd, text.p, text.n));
		client_expect(&rig, fd, 431);
		assert_true(client_is_at_end(&rig, fd));
		(void)close(fd);
	}
	buf_fini(&text);
	rig_close(&rig);
}

static void pages_in_browsers_are_kept_out(void **state) /* design 4 */
{
	static const char *const env[] = {"PICKET_LISTEN_ALLOW_ORIGIN=https://good.example",
		"PICKET_LISTEN_ALLOW_HOST=relay.example", NULL};
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	fd = client_tcp(&rig);
	client_post(&rig, fd, KEY "Origin: https://evil.example\r\n", ENVELOPE);
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 403);
	assert_null(strstr(r.head, "Access-Control"));
	client_post(&rig, fd, KEY "Origin: https://good.example\r\n", ENVELOPE);
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "Access-Control-Allow-Origin: https://good.example\r\n"));
	assert_non_null(strstr(r.head, "Access-Control-Expose-Headers: x-sentry-error"));
	assert_true(str_eq(rig.last->from.origin, STR("https://good.example")));
	client_say(&rig, fd,
		"OPTIONS /api/42/envelope/ HTTP/1.1\r\n" HOST
		"Origin: https://good.example\r\n\r\n"); /* P-026 */
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "Access-Control-Allow-Methods: POST\r\n"));
	assert_non_null(strstr(r.head, "Access-Control-Max-Age: 3600\r\n"));
	client_say(&rig, fd,
		"OPTIONS /api/42/envelope/ HTTP/1.1\r\n" HOST
		"Origin: https://evil.example\r\n\r\n");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 200);
	assert_null(strstr(r.head, "Access-Control"));
	client_say(&rig, fd, "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n");
	client_expect(&rig, fd, 403);
	client_say(&rig, fd, "GET /healthz HTTP/1.1\r\nHost: relay.example:443\r\n\r\n");
	client_expect(&rig, fd, 200);
	client_say(&rig, fd, "GET /healthz HTTP/1.1\r\n\r\n");
	client_expect(&rig, fd, 400);
	(void)close(fd);
	fd = client_unix(&rig);
	client_say(&rig, fd, "GET /healthz HTTP/1.1\r\nHost: anything\r\n\r\n");
	client_expect(&rig, fd, 200);
	(void)close(fd);
	rig_close(&rig);
}

static void users_that_are_not_listed_are_refused(void **state)
{
	static const char *const env[] = {"PICKET_LISTEN_ALLOW_UID=4294967000", NULL};
	struct rig rig;
	char line[256] = "";
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	fd = client_unix(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	client_expect(&rig, fd, 403);
	(void)close(fd);
	fd = client_unix(&rig);
	client_say(&rig, fd, ENVELOPE);
	assert_true(client_recv(&rig, fd, line, sizeof line - 1) > 0);
	assert_non_null(strstr(line, "{\"status\":403,"));
	(void)close(fd);
	fd = client_unix_type(rig.gram_path, SOCK_DGRAM);
	client_say(&rig, fd, ENVELOPE);
	rig_wait(&rig, rig.counters.datagrams_refused == 1);
	(void)close(fd);
	fd = client_tcp(&rig); /* not a matter of users */
	client_post(&rig, fd, KEY, ENVELOPE);
	client_expect(&rig, fd, 200);
	(void)close(fd);
	rig_close(&rig);
}

static void a_stale_origin_does_not_colour_the_next_answer(void **state)
{
	static const char *const env[] = {"PICKET_LISTEN_ALLOW_ORIGIN=https://good.example", NULL};
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	fd = client_tcp(&rig);
	client_post(&rig, fd, KEY "Origin: https://good.example\r\n", ENVELOPE);
	client_expect(&rig, fd, 200);
	client_say(&rig, fd, "GET / HTTP/1.1\r\nHost: x\r\n b\rd\r\n\r\n");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 400);
	assert_null(strstr(r.head, "Access-Control"));
	(void)close(fd);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_early_answer_keeps_the_connection_when_the_rest_is_short),
		cmocka_unit_test(too_large_is_said_before_the_body_is_read),
		cmocka_unit_test(a_client_that_sends_all_first_still_reads_its_413),
		cmocka_unit_test(what_never_fits_memory_is_413_and_says_so),
		cmocka_unit_test(used_up_memory_is_503_and_heals),
		cmocka_unit_test(memory_is_held_until_the_reply),
		cmocka_unit_test(a_declared_length_costs_nothing_until_bytes_come),
		cmocka_unit_test(a_bomb_stops_at_the_limit),
		cmocka_unit_test(broken_http_is_answered_and_closed),
		cmocka_unit_test(paths_and_projects_that_cannot_be_are_refused),
		cmocka_unit_test(heads_are_bounded),
		cmocka_unit_test(pages_in_browsers_are_kept_out),
		cmocka_unit_test(users_that_are_not_listed_are_refused),
		cmocka_unit_test(a_stale_origin_does_not_colour_the_next_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
