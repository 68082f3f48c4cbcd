/* The parts that need no socket: targets, addresses, guards, answers, bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/address.h"
#include "ingest/answer.h"
#include "ingest/body.h"
#include "ingest/guard.h"
#include "ingest/http.h"
#include "ingest/target.h"

/* --- targets --------------------------------------------------------------- */

static void targets_name_their_endpoint(void **state) /* P-005, P-006, P-007 */
{
	static const struct {
		const char *raw, *prefix;
		int rc;
		enum endpoint endpoint;
		const char *path, *project, *query;
	} cases[] = {
		{"/api/42/envelope/", "", 0, ENDPOINT_ENVELOPE, "/api/42/envelope/", "42", ""},
		{"/api/42/envelope", "", 0, ENDPOINT_ENVELOPE, "/api/42/envelope", "42", ""},
		{"//api///42/envelope//", "", 0, ENDPOINT_ENVELOPE, "/api/42/envelope/", "42", ""},
		{"/api/007/envelope/?a//b=c?d", "", 0, ENDPOINT_ENVELOPE, "/api/007/envelope/", "7",
			"a//b=c?d"},
		{"/a/b/api/9/envelope/", "a/b/", 0, ENDPOINT_ENVELOPE, "/api/9/envelope/", "9", ""},
		{"/a/b//api/9/envelope/", "/a/b", 0, ENDPOINT_ENVELOPE, "/api/9/envelope/", "9",
			""},
		{"/api/9/envelope/", "/a/b", 0, ENDPOINT_ENVELOPE, "/api/9/envelope/", "9", ""},
		{"/a/bc/api/9/envelope/", "/a/b", 0, ENDPOINT_PAGE, "/a/bc/api/9/envelope/", "",
			""},
		{"/api/x/envelope/", "", E_SYNTAX, ENDPOINT_ENVELOPE, NULL, "", ""},
		{"/api/0/envelope/", "", E_SYNTAX, ENDPOINT_ENVELOPE, NULL, "", ""},
		{"/api/000/envelope/", "", E_SYNTAX, ENDPOINT_ENVELOPE, NULL, "", ""},
		{"/api/18446744073709551616/envelope/", "", E_SYNTAX, ENDPOINT_ENVELOPE, NULL, "",
			""},
		{"/api/-1/envelope/", "", E_SYNTAX, ENDPOINT_ENVELOPE, NULL, "", ""},
		{"/api/envelope/", "", 0, ENDPOINT_NONE, "/api/envelope/", "", ""},
		{"/api/42/store/", "", 0, ENDPOINT_STORE, "/api/42/store/", "42", ""},
		{"/api/42/envelope/x", "", 0, ENDPOINT_OTHER, "/api/42/envelope/x", "42", ""},
		{"/api/", "", 0, ENDPOINT_NONE, "/api/", "", ""},
		{"/api", "", 0, ENDPOINT_PAGE, "/api", "", ""},
		{"/api/relay/healthcheck/live/", "", 0, ENDPOINT_PAGE,
			"/api/relay/healthcheck/live/", "", ""},
		{"/api/relay/healthcheck/ready", "", 0, ENDPOINT_PAGE,
			"/api/relay/healthcheck/ready", "", ""},
		{"/api/0/relays/live/", "", 0, ENDPOINT_PAGE, "/api/0/relays/live/", "", ""},
		{"/", "", 0, ENDPOINT_PAGE, "/", "", ""},
		{"/status?x#y", "", 0, ENDPOINT_PAGE, "/status", "", "x"},
		{"*", "", 0, ENDPOINT_SERVER, "*", "", ""},
		{"http://h:1/api/42/envelope/", "", 0, ENDPOINT_ENVELOPE, "/api/42/envelope/", "42",
			""},
		{"http://h", "", 0, ENDPOINT_PAGE, "/", "", ""},
		{"http:///x", "", E_SYNTAX, ENDPOINT_NONE, NULL, "", ""},
		{"nonsense", "", E_SYNTAX, ENDPOINT_NONE, NULL, "", ""},
		{"", "", E_SYNTAX, ENDPOINT_NONE, NULL, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char raw[128];
		struct target t;
		struct err err = {0};
		int rc;

		(void)snprintf(raw, sizeof raw, "%s", cases[i].raw);
		rc = target_parse(str_of(raw), str_of(cases[i].prefix), &t, &err);
		if (rc != cases[i].rc || t.at.endpoint != cases[i].endpoint)
			fail_msg("%s: rc %d endpoint %d", cases[i].raw, rc, (int)t.at.endpoint);
		if (rc != E_OK)
			continue;
		if (!str_eq(t.path, str_of(cases[i].path)) ||
			!str_eq(t.at.project, str_of(cases[i].project)) ||
			!str_eq(t.query, str_of(cases[i].query)))
			fail_msg("%s: path %.*s project %.*s query %.*s", cases[i].raw,
				STR_ARG(t.path), STR_ARG(t.at.project), STR_ARG(t.query));
	}
}

/* --- addresses ------------------------------------------------------------- */

static struct peer peer_of(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct peer peer;

	if (text == NULL)
		return (struct peer){.is_unix = true, .uid = 1, .pid = 1};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		peer_of_address((struct sockaddr *)&in, sizeof in, &peer);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		peer_of_address((struct sockaddr *)&in6, sizeof in6, &peer);
	}
	assert_int_equal(peer.uid, -1);
	return peer;
}

static void expect_chain(const char *cf, const char *vercel, const char *sentry, const char *xff,
	const char *peer_text, const char *want)
{
	struct arena *a = arena_new(256, 0);
	const struct forwarded f = {str_of(cf), str_of(vercel), str_of(sentry), str_of(xff)};
	struct peer peer = peer_of(peer_text);
	struct str got;

	assert_non_null(a);
	assert_true(address_chain(&f, &peer, a, &got));
	if (!str_eq(got, str_of(want)))
		fail_msg("%.*s, not %s", STR_ARG(got), want);
	arena_free(a);
}

static void local_peers_are_nobody(void **state) /* P-139 */
{
	(void)state;
	expect_chain(NULL, NULL, NULL, NULL, NULL, "");
	expect_chain(NULL, NULL, NULL, NULL, "127.0.0.1", "");
	expect_chain(NULL, NULL, NULL, NULL, "127.8.9.1", "");
	expect_chain(NULL, NULL, NULL, NULL, "::1", "");
	expect_chain(NULL, NULL, NULL, NULL, "::ffff:127.0.0.1", "");
	expect_chain(NULL, NULL, NULL, "1.2.3.4", "127.0.0.1", "1.2.3.4");
	expect_chain(NULL, NULL, NULL, "1.2.3.4, 5.6.7.8", NULL, "1.2.3.4, 5.6.7.8");
}

static void headers_have_their_order_and_remote_peers_are_appended(void **state) /* P-140 */
{
	(void)state;
	expect_chain("1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4", "9.9.9.9", "1.1.1.1, 9.9.9.9");
	expect_chain("  ", "2.2.2.2", "3.3.3.3", "4.4.4.4", "9.9.9.9", "2.2.2.2, 9.9.9.9");
	expect_chain(NULL, "", "3.3.3.3", "4.4.4.4", "9.9.9.9", "3.3.3.3, 9.9.9.9");
	expect_chain(NULL, NULL, NULL, "4.4.4.4", "2001:db8::1", "4.4.4.4, 2001:db8::1");
	expect_chain(NULL, NULL, NULL, NULL, "::ffff:9.9.9.9", "9.9.9.9");
}

/* --- guards ---------------------------------------------------------------- */

static void hosts_are_loopback_or_listed(void **state) /* design 4 */
{
	static const char *const good[] = {"localhost", "LOCALHOST:80", "localhost.", "127.0.0.1",
		"127.1.2.3:4690", "[::1]", "[::1]:4690", "app.localhost:1", "::1"};
	static const char *const bad[] = {"", "evil.example", "127.0.0.1.evil.example",
		"localhost.evil", "xlocalhost", "[::2]:1", "[::1", "[::1]x", "128.0.0.1", "127.1",
		"0.0.0.0", "10.0.0.1", ":80"};
	const char *words[] = {"relay.example", "10.0.0.1:80"};
	const struct str_list none = {0, NULL}, some = {2, words};
	const char *any_word[] = {"*"};
	const struct str_list any = {1, any_word};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		/* A bare IPv6 address has no brackets and is no Host. */
		if (guard_host(str_of(good[i]), &none) != (i != 8))
			fail_msg("%s", good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (guard_host(str_of(bad[i]), &none))
			fail_msg("%s", bad[i]);
		assert_true(guard_host(str_of(bad[i]), &any));
	}
	assert_true(guard_host(STR("Relay.Example:99"), &some));
	assert_true(guard_host(STR("10.0.0.1"), &some));
	assert_false(guard_host(STR("relay.example.evil"), &some));
	assert_false(guard_host(STR(""), &some));
}

static void origins_are_listed_or_refused(void **state)
{
	const char *words[] = {"https://a.example"}, *any_word[] = {"https://a.example", "*"};
	const struct str_list none = {0, NULL}, some = {1, words}, all = {2, any_word};
	bool any;

	(void)state;
	assert_false(guard_origin(STR("https://a.example"), &none, &any));
	assert_false(guard_origin(STR("null"), &some, &any));
	assert_false(guard_origin(STR(""), &some, &any));
	assert_false(guard_origin(STR("https://a.example.evil"), &some, &any));
	assert_true(guard_origin(STR("https://A.example"), &some, &any));
	assert_false(any);
	assert_true(guard_origin(STR("null"), &all, &any));
	assert_true(any);
}

static void users_are_numbers_or_names(void **state)
{
	const char *words[] = {"root", "12345"}, *wrong[] = {"no-such-user-here"};
	const struct str_list none = {0, NULL}, some = {2, words}, bad = {1, wrong};
	struct guard_uids g;
	struct err err = {0};

	(void)state;
	assert_int_equal(guard_uids_init(&g, &none, &err), E_OK);
	assert_true(guard_uid(&g, 77));
	guard_uids_fini(&g);
	assert_int_equal(guard_uids_init(&g, &some, &err), E_OK);
	assert_true(guard_uid(&g, 0));
	assert_true(guard_uid(&g, 12345));
	assert_false(guard_uid(&g, 1));
	assert_false(guard_uid(&g, -1));
	guard_uids_fini(&g);
	assert_int_equal(guard_uids_init(&g, &bad, &err), E_INVAL);
	assert_non_null(strstr(err.text, "listen.allow_uid"));
}

/* --- answers --------------------------------------------------------------- */

static const char *text_of(struct buf *b)
{
	buf_char(b, '\0');
	assert_true(buf_ok(b));
	return b->p;
}

static void answers_have_the_agreed_shape(void **state) /* P-028, P-029, P-031 */
{
	struct answer_frame f = {.close = false};
	struct event_id id;
	struct buf b = BUF_INIT;

	(void)state;
	assert_true(event_id_parse(STR("9EC79C33-EC99-42AB-8353-589FCB2E04DC"), &id));
	answer_accepted(&f, SUCCESS_ID, &id, STR_EMPTY, &b);
	assert_string_equal(text_of(&b),
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 41\r\n\r\n"
		"{\"id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}");
	buf_clear(&b);
	f.close = true;
	answer_accepted(&f, SUCCESS_ID, NULL, STR("60:error:key"), &b);
	assert_string_equal(text_of(&b),
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
		"X-Sentry-Rate-Limits: 60:error:key\r\nContent-Length: 2\r\n\r\n{}");
	buf_clear(&b);
	f = (struct answer_frame){.keep_alive = true, .cors = CORS_ANY};
	answer_refused(&f, 429, STR("slow \"down\""), 60, STR("60::key"), STR_EMPTY, &b);
	assert_string_equal(text_of(&b),
		"HTTP/1.1 429 Too Many Requests\r\nAccess-Control-Allow-Origin: *\r\n"
		"Access-Control-Expose-Headers: x-sentry-error, x-sentry-rate-limits, retry-after"
		"\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n"
		"X-Sentry-Error: slow \"down\"\r\nX-Sentry-Rate-Limits: 60::key\r\n"
		"Retry-After: 60\r\nContent-Length: 26\r\n\r\n{\"detail\":\"slow \\\"down\\\"\"}");
	buf_fini(&b);
}

static void no_text_can_add_a_header(void **state)
{
	struct answer_frame f = {.cors = CORS_ORIGIN, .origin = STR("x\r\nEvil: 1")};
	struct buf b = BUF_INIT;
	char long_text[1000];
	const char *text, *at;

	(void)state;
	memset(long_text, 'y', sizeof long_text);
	answer_refused(&f, 400, STR("a\r\nEvil: 2\xc3\xa4"), 0, STR("b\nEvil: 3"), STR_EMPTY, &b);
	text = text_of(&b);
	assert_null(strstr(text, "\nEvil"));
	assert_non_null(strstr(text, "X-Sentry-Error: a  Evil: 2  \r\n"));
	buf_clear(&b);
	answer_refused(&f, 400, str_make(long_text, sizeof long_text), 0, STR_EMPTY, STR_EMPTY, &b);
	at = strstr(text_of(&b), "X-Sentry-Error: ");
	assert_non_null(at);
	assert_int_equal(strcspn(at + 16, "\r"), 200); /* 5.2 */
	buf_fini(&b);
}

static void head_has_the_length_but_not_the_body(void **state)
{
	struct answer_frame f = {.head_only = true};
	struct buf b = BUF_INIT;

	(void)state;
	answer_page(&f, 503, STR("text/plain"), STR("abc"), false, &b);
	assert_string_equal(text_of(&b),
		"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
		"Cache-Control: no-store\r\nContent-Length: 3\r\n\r\n");
	buf_fini(&b);
}

/* --- bodies ---------------------------------------------------------------- */

static void a_declared_body_fits_exactly(void **state)
{
	struct budget budget;
	struct body b;
	struct err err;
	char *bytes = calloc(1, 300000), *room;
	size_t n;

	(void)state;
	assert_non_null(bytes);
	budget_init(&budget, 1u << 20);
	body_init(&b, &budget, 300000, 1u << 30);
	assert_int_equal(body_add(&b, bytes, 100, &err), E_OK);
	assert_int_equal(budget_used(&budget), 64 * 1024);
	while (b.n < 300000) {
		room = body_room(&b, &n);
		assert_non_null(room);
		assert_true(n > 0 && n <= 300000 - b.n);
		memset(room, 'x', n);
		assert_int_equal(body_add(&b, room, n, &err), E_OK);
	}
	assert_int_equal(b.cap, 300000);
	assert_int_equal(budget_used(&budget), 300000);
	body_fini(&b);
	assert_int_equal(budget_used(&budget), 0);
	free(bytes);
}

static void a_body_says_what_it_runs_into(void **state)
{
	struct budget budget;
	struct body b;
	struct err err;
	static const char bytes[4096];

	(void)state;
	budget_init(&budget, 5000);
	body_init(&b, &budget, 0, 4096);
	assert_int_equal(body_add(&b, bytes, 4096, &err), E_OK); /* not doubled beyond reason */
	assert_int_equal(body_add(&b, bytes, 1, &err), E_TOOBIG);
	assert_non_null(strstr(err.text, "limits.envelope"));
	body_fini(&b);
	body_init(&b, &budget, 5001, 1u << 20);
	assert_int_equal(body_check_declared(&b, &err), E_TOOBIG);
	assert_non_null(strstr(err.text, "limits.memory"));
	body_init(&b, &budget, 0, 1u << 20);
	assert_true(budget_take(&budget, 4000));
	assert_int_equal(body_add(&b, bytes, 2000, &err), E_NOMEM);
	budget_give(&budget, 4000);
	body_fini(&b);
	assert_int_equal(budget_used(&budget), 0);
}

/* --- heads ----------------------------------------------------------------- */

static void no_body(void *arg, const char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
}

static void joined_headers_are_held_once(void **state)
{
	struct buf text = BUF_INIT, expected = BUF_INIT;
	struct http h;
	size_t used;

	(void)state;
	buf_cstr(&text, "GET /x HTTP/1.1\r\nHost: h\r\nX-Vercel-Forwarded-For:\r\n");
	for (int i = 0; i < 90; i++) {
		buf_printf(
			&text, "X-Forwarded-For: %0150d\r\nX-Sentry-Forwarded-For: %d\r\n", i, i);
		buf_printf(&expected, "%s%0150d", i > 0 ? ", " : "", i);
	}
	buf_cstr(&text, "User-Agent: u\r\nX-Vercel-Forwarded-For: v\r\n\r\n");
	http_init(&h, 32768, no_body, NULL);
	assert_int_equal(http_feed(&h, text.p, text.n, &used), HTTP_HAS_HEAD);
	assert_true(str_eq(h.target, STR("/x")));
	assert_true(str_eq(h.values[FIELD_HOST], STR("h")));
	assert_true(str_eq(h.values[FIELD_USER_AGENT], STR("u")));
	assert_true(str_eq(h.values[FIELD_VERCEL_FORWARDED_FOR], STR(", v")));
	assert_true(str_eq(h.values[FIELD_FORWARDED_FOR], buf_view(&expected)));
	assert_true(str_starts(h.values[FIELD_SENTRY_FORWARDED_FOR], STR("0, 1, 2, ")));
	assert_true(str_ends(h.values[FIELD_SENTRY_FORWARDED_FOR], STR(", 88, 89")));
	assert_true(h.text.cap <= (size_t)4 * 32768);
	http_fini(&h);
	buf_fini(&text);
	buf_fini(&expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_name_their_endpoint),
		cmocka_unit_test(local_peers_are_nobody),
		cmocka_unit_test(headers_have_their_order_and_remote_peers_are_appended),
		cmocka_unit_test(hosts_are_loopback_or_listed),
		cmocka_unit_test(origins_are_listed_or_refused),
		cmocka_unit_test(users_are_numbers_or_names),
		cmocka_unit_test(answers_have_the_agreed_shape),
		cmocka_unit_test(no_text_can_add_a_header),
		cmocka_unit_test(head_has_the_length_but_not_the_body),
		cmocka_unit_test(a_declared_body_fits_exactly),
		cmocka_unit_test(a_body_says_what_it_runs_into),
		cmocka_unit_test(joined_headers_are_held_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
