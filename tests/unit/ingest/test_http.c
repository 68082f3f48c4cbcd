/* HTTP over real sockets: what goes right. */
#include "harness.h"

static void an_event_is_accepted_with_its_id(void **state) /* P-028, P-014 */
{
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_tcp(&rig);
	client_post(&rig, fd, KEY "User-Agent: t/1\r\n", ENVELOPE);
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "{\"id\":\"" EVENT_ID "\"}");
	assert_non_null(strstr(r.head, "Content-Type: application/json\r\n"));
	assert_null(strstr(r.head, "Access-Control"));
	assert_true(str_eq(rig.last->from.key, STR("app")));
	assert_true(str_eq(rig.last->from.project, STR("42")));
	assert_true(str_eq(rig.last->from.user_agent, STR("t/1")));
	assert_int_equal(rig.last->from.forwarded_for.n, 0); /* P-139 */
	assert_int_equal(rig.last->from.peer_uid, -1);
	assert_true(rig.last->from.received.wall_ms > 0);
	assert_int_equal(rig.counters.answers_2xx, 1);
	(void)close(fd);
	rig_close(&rig);
}

static void a_unix_client_is_known_by_its_uid(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	client_expect(&rig, fd, 200);
	assert_int_equal(rig.last->from.peer_uid, (int64_t)getuid());
	assert_int_equal(rig.last->from.peer_pid, (int64_t)getpid());
	(void)close(fd);
	rig_close(&rig);
}

static void a_thousand_requests_fit_one_connection(void **state) /* P-027 */
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig);
	for (int i = 0; i < 1000; i++) {
		client_post(&rig, fd, KEY, ENVELOPE);
		client_expect(&rig, fd, 200);
	}
	assert_int_equal(rig.envelopes, 1000);
	assert_int_equal(rig.counters.connections_total, 1);
	(void)close(fd);
	rig_close(&rig);
}

static void pipelined_requests_are_answered_in_order(void **state) /* P-027 */
{
	struct rig rig;
	struct response r;
	char id[64], body[256];
	struct buf all = BUF_INIT;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 1); /* all of them by way of the pool */
	for (int i = 0; i < 50; i++) {
		char *text;

		(void)snprintf(body, sizeof body, "{\"event_id\":\"%032x\"}\n", i + 1);
		text = post_text(KEY, body);
		buf_cstr(&all, text);
		free(text);
	}
	fd = client_unix(&rig);
	assert_true(client_send(&rig, fd, all.p, all.n));
	for (int i = 0; i < 50; i++) {
		client_answer(&rig, fd, &r, false);
		(void)snprintf(id, sizeof id, "{\"id\":\"%032x\"}", i + 1);
		assert_string_equal(r.body, id);
	}
	buf_fini(&all);
	(void)close(fd);
	rig_close(&rig);
}

static void an_offer_of_another_protocol_is_not_taken_up(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_tcp(&rig);
	for (int i = 0; i < 2; i++) {
		client_post(&rig, fd,
			KEY "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
			    "HTTP2-Settings: AAMAAABkAAQAAP__\r\n",
			ENVELOPE);
		client_expect(&rig, fd, 200);
	}
	(void)close(fd);
	rig_close(&rig);
}

static void a_request_may_come_a_byte_at_a_time(void **state) /* P-012 */
{
	static const char *const chunked =
		"POST /api/42/envelope/?sentry_key=app HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\n\r\n"
		"1e\r\n{\"event_id\":\"9ec79c33ec9942ab8\r\n1;x=y\r\n3\r\n"
		"11\r\n53589fcb2e04dc\"}\n\r\n0\r\nX-Trailer: 1\r\n\r\n";
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig);
	for (size_t i = 0; chunked[i] != '\0'; i++)
		assert_true(client_send(&rig, fd, chunked + i, 1));
	client_expect(&rig, fd, 200);
	(void)close(fd);
	rig_close(&rig);
}

static void chunk_boundaries_may_be_anywhere(void **state) /* P-012 */
{
	struct rig rig;
	char text[1024];
	size_t n = strlen(ENVELOPE);
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig);
	for (size_t cut = 1; cut < n; cut++) {
		(void)snprintf(text, sizeof text,
			"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
			"Transfer-Encoding: chunked\r\n\r\n"
			"%zx\r\n%.*s\r\n%zx\r\n%s\r\n0\r\n\r\n",
			cut, (int)cut, ENVELOPE, n - cut, &ENVELOPE[cut]);
		client_say(&rig, fd, text);
		client_expect(&rig, fd, 200);
	}
	(void)close(fd);
	rig_close(&rig);
}

static void a_client_that_expects_is_told_to_continue(void **state) /* P-013 */
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_tcp(&rig);
	client_say(&rig, fd,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
		"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	client_expect(&rig, fd, 100);
	client_say(&rig, fd, "{}\n");
	client_expect(&rig, fd, 200);
	(void)close(fd);
	rig_close(&rig);
}

static void http10_closes_unless_asked_to_stay(void **state)
{
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_tcp(&rig);
	client_say(&rig, fd,
		"POST /api/42/envelope/ HTTP/1.0\r\nConnection: keep-alive\r\n" KEY
		"Content-Length: 3\r\n\r\n{}\n");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "Connection: keep-alive\r\n"));
	client_say(&rig, fd,
		"POST /api/42/envelope/ HTTP/1.0\r\n" KEY "Content-Length: 3\r\n\r\n{}\n");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "Connection: close\r\n"));
	assert_true(client_is_at_end(&rig, fd));
	(void)close(fd);
	rig_close(&rig);
}

static void connection_close_is_honoured(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_tcp(&rig);
	client_post(&rig, fd, KEY "Connection: close\r\n", ENVELOPE);
	client_expect(&rig, fd, 200);
	assert_true(client_is_at_end(&rig, fd));
	(void)close(fd);
	rig_close(&rig);
}

static void pages_answer_get_and_head(void **state) /* P-142, P-006 */
{
	struct rig rig;
	struct response r;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_tcp(&rig);
	client_say(&rig, fd, "GET //healthz?a=b HTTP/1.1\r\n" HOST "\r\n");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "page:/healthz?a=b");
	client_say(&rig, fd, "HEAD /api/relay/healthcheck/live/ HTTP/1.1\r\n" HOST "\r\n");
	client_answer(&rig, fd, &r, true);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "Content-Length: 34\r\n"));
	client_say(&rig, fd, "GET /readyz HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&rig, fd, 503);
	client_say(&rig, fd, "GET /nope HTTP/1.1\r\n" HOST "\r\n");
	client_expect(&rig, fd, 404);
	client_say(&rig, fd, "POST /healthz HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 405);
	assert_non_null(strstr(r.head, "Allow: GET, HEAD, OPTIONS\r\n"));
	client_say(&rig, fd, "GET /api/42/envelope/ HTTP/1.1\r\n" HOST "\r\n");
	client_answer(&rig, fd, &r, false);
	assert_int_equal(r.status, 405);
	assert_non_null(strstr(r.head, "Allow: POST, OPTIONS\r\n"));
	assert_non_null(strstr(r.body, "\"detail\":"));
	client_say(&rig, fd, "POST /api/42/store/ HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	client_expect(&rig, fd, 401);
	(void)close(fd);
	rig_close(&rig);
}

static void large_bodies_are_read_whole(void **state)
{
	struct rig rig;
	struct buf body = BUF_INIT;
	size_t n = 3 * 1000 * 1000 + 7;
	char head[256], *p;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	buf_printf(&body, "{}\n{\"type\":\"attachment\",\"length\":%zu}\n", n);
	p = buf_reserve(&body, n);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 31);
	buf_grew(&body, n);
	(void)snprintf(head, sizeof head,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY "Content-Length: %zu\r\n\r\n",
		body.n);
	fd = client_unix(&rig);
	client_say(&rig, fd, head);
	assert_true(client_send(&rig, fd, body.p, body.n));
	client_expect(&rig, fd, 200);
	assert_int_equal(rig.last->body.n, body.n);
	assert_memory_equal(rig.last->body.p, body.p, body.n);
	buf_fini(&body);
	(void)close(fd);
	rig_close(&rig);
}

static void bodies_come_in_every_encoding(void **state) /* P-008, P-010 */
{
	struct rig rig;
	struct codec_pool *pool;
	struct buf gz = BUF_INIT, zst = BUF_INIT, text = BUF_INIT;
	struct err err;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	assert_int_equal(codec_pool_new(&pool, 3, &err), E_OK);
	assert_int_equal(codec_gzip(pool, STR(ENVELOPE), &gz, &err), E_OK);
	assert_int_equal(codec_zstd(pool, STR(ENVELOPE), &zst, &err), E_OK);
	codec_pool_free(pool);
	fd = client_unix(&rig);
	for (int i = 0; i < 3; i++) {
		struct str body = i == 0 ? buf_view(&zst) : buf_view(&gz);

		if (i == 2)
			body.n -= 3; /* cut off */
		buf_clear(&text);
		buf_printf(&text,
			"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
			"Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
			i == 0 ? "zstd" : "GZIP", body.n);
		buf_str(&text, body);
		assert_true(client_send(&rig, fd, text.p, text.n));
		client_expect(&rig, fd, i == 2 ? 400 : 200);
		if (i < 2)
			assert_true(str_eq(rig.last->body, STR(ENVELOPE)));
	}
	client_post(&rig, fd, KEY "Content-Encoding: compress\r\n", ENVELOPE); /* P-009 */
	client_expect(&rig, fd, 415);
	client_post(&rig, fd, KEY "Content-Encoding: gzip\r\nContent-Encoding: br\r\n", ENVELOPE);
	client_expect(&rig, fd, 415);
	buf_fini(&gz);
	buf_fini(&zst);
	buf_fini(&text);
	(void)close(fd);
	rig_close(&rig);
}

static void credentials_may_be_in_the_envelope(void **state) /* P-021, P-022, P-023 */
{
	static const struct {
		const char *headers, *body;
		int status;
	} cases[] = {
		{"", "{\"dsn\":\"http://app@localhost/42\"}\n", 200},
		{"", "{\"dsn\":\"http://app@localhost/43\"}\n", 400},
		{"", "{}\n", 401},
		{"", "nonsense", 401},
		{KEY, "{\"dsn\":\"http://app@elsewhere/42\"}\n", 200},
		{KEY, "{\"dsn\":\"http://other@localhost/42\"}\n", 400},
		{KEY, "{\"dsn\":\"http://app@localhost/41\"}\n", 400},
		{KEY, "{\"dsn\":7}\n", 400},
		{KEY, "", 400}, /* P-015 */
		{KEY, "{}x", 400},
	};
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		client_post(&rig, fd, cases[i].headers, cases[i].body);
		client_expect(&rig, fd, cases[i].status);
	}
	assert_true(str_eq(rig.last->from.key, STR("app")));
	(void)close(fd);
	rig_close(&rig);
}

static void what_cannot_be_read_is_told_with_the_envelope(void **state) /* P-067, P-069 */
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig);
	client_post(&rig, fd, KEY,
		"{}\n{\"type\":\"log\",\"item_count\":2,"
		"\"content_type\":\"application/vnd.sentry.items.log+json\"}\n{\"items\":7}\n");
	client_expect(&rig, fd, 200);
	assert_int_equal(rig.last->item_count, 0);
	assert_int_equal(rig.last->invalid.of[CAT_LOG_ITEM], 2);
	(void)close(fd);
	rig_close(&rig);
}

/* One request to a path that nobody knows, in pieces of every size. */
static void other_paths_keep_their_headers(void **state) /* design 12.12 */
{
	static const char text[] = "PATCH /api/42/brand/new?x=1 HTTP/1.1\r\n" HOST KEY
				   "X-A-Name-That-Is-Longer-Than-Any-That-Is-Known: 1\r\n"
				   "Cookie: a\r\nX-Empty:\r\nUser-Agent: u\r\nX-B:  2 \t\r\n"
				   "Content-Type: text/x\r\nContent-Length: 2\r\n\r\nab";
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_tcp(&rig);
	for (size_t piece = 1; piece < sizeof text; piece += 7) {
		struct response r;

		for (size_t at = 0; at < sizeof text - 1; at += piece) {
			size_t left = sizeof text - 1 - at;

			assert_true(client_send(&rig, fd, text + at, left < piece ? left : piece));
		}
		client_answer(&rig, fd, &r, false);
		assert_int_equal(r.status, 202);
		assert_int_equal(r.body_n, 0);
		assert_true(str_eq(rig.last->carried.headers,
			STR("Content-Type: text/x\nX-A-Name-That-Is-Longer-Than-Any-That-Is-Known: "
			    "1\nX-Empty: \nX-B: 2\n")));
		assert_true(str_eq(rig.last->carried.method, STR("PATCH")));
		assert_true(str_eq(rig.last->carried.query, STR("x=1")));
		assert_true(str_eq(rig.last->from.user_agent, STR("u")));
	}
	(void)close(fd);
	rig_close(&rig);
}

/* What was held is refused by a limit: clients that would try for ever hear of
 * success, with the id they would have had. */
static void a_limit_is_no_news_for_crash_reporters(void **state) /* P-102 */
{
	static const struct {
		const char *text;
		int status;
		size_t body_n;
	} cases[] = {
		{"POST /api/42/minidump HTTP/1.1\r\n" HOST KEY "Content-Length: 4\r\n\r\nMDMP", 200,
			36},
		{"GET /api/42/cron/x/app?status=ok HTTP/1.1\r\n" HOST "\r\n", 202, 0},
		{"POST /api/42/unreal/app/ HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 200,
			36},
		{"POST /api/42/store/ HTTP/1.1\r\n" HOST KEY "Content-Length: 2\r\n\r\n{}", 429,
			17},
	};
	struct response r;
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	rig.hold = true;
	fd = client_tcp(&rig);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		client_say(&rig, fd, cases[i].text);
		rig_wait(&rig, rig.held_count == i + 1);
		reply_refused(rig.held[i], 429, "slow", 60, STR("60::key"));
		rig.held[i] = NULL;
		client_answer(&rig, fd, &r, false);
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(r.body_n, cases[i].body_n);
		assert_true((strstr(r.head, "Retry-After") != NULL) == (r.status == 429));
		if (r.body_n == 36) {
			char uuid[EVENT_ID_UUID_BYTES];

			event_id_uuid(&rig.held_env[i]->event_id, uuid);
			assert_string_equal(r.body, uuid);
		}
		envelope_free(rig.held_env[i]);
		rig.held_env[i] = NULL;
	}
	(void)close(fd);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_accepted_with_its_id),
		cmocka_unit_test(a_unix_client_is_known_by_its_uid),
		cmocka_unit_test(a_thousand_requests_fit_one_connection),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(an_offer_of_another_protocol_is_not_taken_up),
		cmocka_unit_test(a_request_may_come_a_byte_at_a_time),
		cmocka_unit_test(chunk_boundaries_may_be_anywhere),
		cmocka_unit_test(a_client_that_expects_is_told_to_continue),
		cmocka_unit_test(http10_closes_unless_asked_to_stay),
		cmocka_unit_test(connection_close_is_honoured),
		cmocka_unit_test(pages_answer_get_and_head),
		cmocka_unit_test(large_bodies_are_read_whole),
		cmocka_unit_test(bodies_come_in_every_encoding),
		cmocka_unit_test(credentials_may_be_in_the_envelope),
		cmocka_unit_test(what_cannot_be_read_is_told_with_the_envelope),
		cmocka_unit_test(other_paths_keep_their_headers),
		cmocka_unit_test(a_limit_is_no_news_for_crash_reporters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
