/* Requests that go on as they came: what is kept of them, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/endpoint/support.h"

#define QUERY                                                                                      \
	"a=b&sentry_key=app&sentry_release=1%2E0&sentry%5Fsecret=s&sentry_environment=dev&"        \
	"sentry_version=7&sentry_client=c&UserID=u%20v&sentry_timestamp=1"

static void carried_is_like(struct taken *t, const char *path, const char *query,
	const char *headers, struct str body, enum item_type type)
{
	const struct carried *c = &t->env->carried;

	assert_true(carried_is(c));
	assert_str(c->path, path);
	assert_str(c->query, query);
	assert_str(c->headers, headers);
	assert_int_equal(t->env->item_count, 1);
	assert_int_equal(t->env->items[0].type, type);
	assert_true(str_eq(t->env->items[0].payload, body));
	assert_non_null(t->env->header);
}

static void security_reports_go_on(void **state) /* P-146 */
{
	static const char *const types[] = {"application/json", "application/csp-report",
		"Application/Expect-CT-Report", "application/expect-ct-report+json",
		"application/expect-staple-report; charset=utf-8", "application/reports+json"};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		char headers[128], line[128];
		struct asked a = {.path = "/api/42/security",
			.query = QUERY,
			.headers = headers,
			.body = LIT("{\"csp-report\":{}}")};

		(void)snprintf(headers, sizeof headers,
			"Accept: */*\nContent-Type: %s\nX-Other: 1\n", types[i]);
		(void)snprintf(line, sizeof line, "Content-Type: %s\n", types[i]);
		must_take(&t, &a);
		carried_is_like(&t, "security/", "sentry_release=1%2E0&sentry_environment=dev",
			line, a.body, ITEM_RAW_SECURITY);
		assert_int_equal(t.env->held.of[CAT_SECURITY], 1);
		assert_int_equal(t.work.success, SUCCESS_EMPTY);
		assert_false(t.env->has_event_id);
		taken_free(&t);
	}
	must_take(&t, &(struct asked){.path = "/api/42/csp-report/",
			      .headers = "Content-Type: application/json\n",
			      .body = LIT("{}")});
	carried_is_like(&t, "csp-report/", "", "Content-Type: application/json\n", LIT("{}"),
		ITEM_RAW_SECURITY);
	taken_free(&t);
}

static void reports_of_other_kinds_are_refused(void **state) /* P-146 */
{
	static const char *const paths[] = {"/api/42/security/", "/api/42/nel/"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct asked a = {.path = paths[i], .body = LIT("{}")};

		must_refuse(&a, E_UNSUPPORTED);
		a.headers = "Content-Type: text/html\n";
		must_refuse(&a, E_UNSUPPORTED);
		a.headers = "Content-Type: application/json2\n";
		must_refuse(&a, E_UNSUPPORTED);
		a.headers = "Content-Type: application/json\n";
		a.body = LIT("");
		must_refuse(&a, E_SYNTAX);
	}
	must_refuse(&(struct asked){.path = "/api/42/nel/",
			    .headers = "Content-Type: application/csp-report\n",
			    .body = LIT("{}")},
		E_UNSUPPORTED);
}

static void network_errors_count_as_a_log(void **state) /* 20.2 */
{
	struct taken t;

	(void)state;
	must_take(&t, &(struct asked){.path = "/api/42/nel/",
			      .query = QUERY,
			      .headers = "Content-Type: application/reports+json\n",
			      .body = LIT("[]")});
	carried_is_like(&t, "nel/", "sentry_release=1%2E0&sentry_environment=dev",
		"Content-Type: application/reports+json\n", LIT("[]"), ITEM_NEL);
	assert_int_equal(t.env->held.of[CAT_LOG_ITEM], 1);
	assert_int_equal(item_gates(&t.env->items[0]),
		UINT64_C(1) << CAT_LOG_ITEM | UINT64_C(1) << CAT_LOG_BYTE);
	taken_free(&t);
}

static void unreal_takes_the_key_of_its_project(void **state) /* 20.4 */
{
	struct taken t;

	(void)state;
	must_take(&t, &(struct asked){.path = "/api/42/unreal/app/",
			      .query = QUERY,
			      .headers = "Content-Type: application/octet-stream\n",
			      .body = LIT("\x78\x9c")});
	carried_is_like(&t, "unreal/{key}/",
		"a=b&sentry_release=1%2E0&sentry_environment=dev&UserID=u%20v",
		"Content-Type: application/octet-stream\n", LIT("\x78\x9c"), ITEM_UNREAL_REPORT);
	assert_int_equal(t.env->held.of[CAT_ERROR], 1);
	assert_true(t.env->has_event_id);
	assert_int_equal(t.work.success, SUCCESS_UUID);
	taken_free(&t);
	must_refuse(&(struct asked){.path = "/api/42/unreal/app"}, E_SYNTAX);
}

static void a_playstation_is_told_what_to_send(void **state) /* 20.4 */
{
	struct taken t;

	(void)state;
	must_take(&t,
		&(struct asked){.path = "/api/42/playstation/",
			.headers = "Content-Type: application/vnd.sce.crs.datareq-request+json\n",
			.body = LIT("{}")});
	assert_int_equal(t.work.success, SUCCESS_PARTS);
	assert_int_equal(t.env->item_count, 0);
	assert_false(carried_is(&t.env->carried));
	taken_free(&t);
	must_take(&t, &(struct asked){.path = "/api/42/playstation/",
			      .headers = "Content-Type: multipart/form-data; boundary=b\n",
			      .body = LIT("--b")});
	carried_is_like(&t, "playstation/", "", "Content-Type: multipart/form-data; boundary=b\n",
		LIT("--b"), ITEM_UNREAL_REPORT);
	taken_free(&t);
}

static void secrets_and_this_connection_stay_behind(void **state) /* 20.8 */
{
	static const char headers[] =
		"Accept: */*\nCookie: a=b\nConnection: close, X-Hop\nX-Hop: 1\nTE: trailers\n"
		"Upgrade: h2c\nX-Tus: 1\nContent-Type: text/plain\nContent-Length: 5\n"
		"Proxy-Authorization: Basic x\nX-Forwarded-Host: h\nForwarded: for=1\n"
		"X-API-Key: k\nsentry-trace: t\nX-Sentry-Relay-Id: r\nAccept-Encoding: gzip\n"
		"Logplex-Msg-Count: 3\nAuthentication: x\nVia: 1.1 p\n: nameless\n";
	static const char *const methods[] = {"GET", "HEAD", "PATCH", "POST"};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		struct asked a = {.method = methods[i],
			.path = "/api/42/brand/new",
			.query = "x=1&sentry_key=app&y",
			.headers = headers,
			.body = i > 1 ? LIT("hello") : LIT("")};

		must_take(&t, &a);
		carried_is_like(&t, "brand/new", "x=1&y",
			"Content-Type: text/plain\nAccept: */*\nX-Tus: 1\nsentry-trace: t\n"
			"Logplex-Msg-Count: 3\n",
			a.body, ITEM_UNKNOWN);
		assert_str(t.env->carried.method, methods[i]);
		assert_true(quantities_empty(&t.env->held));
		assert_int_equal(envelope_class(t.env), CLASS_TELEMETRY);
		assert_int_equal(t.work.success, SUCCESS_ACCEPTED);
		taken_free(&t);
	}
}

static void drains_keep_their_headers(void **state) /* 20.6 */
{
	struct taken t;

	(void)state;
	must_take(&t, &(struct asked){.path = "/api/42/integration/heroku/logs",
			      .headers = "Content-Type: application/logplex-1\n"
					 "Logplex-Drain-Token: d.1\n",
			      .body = LIT("83 <40>1")});
	carried_is_like(&t, "integration/heroku/logs", "",
		"Content-Type: application/logplex-1\nLogplex-Drain-Token: d.1\n", LIT("83 <40>1"),
		ITEM_UNKNOWN);
	assert_int_equal(t.work.success, SUCCESS_ACCEPTED);
	taken_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(security_reports_go_on),
		cmocka_unit_test(reports_of_other_kinds_are_refused),
		cmocka_unit_test(network_errors_count_as_a_log),
		cmocka_unit_test(unreal_takes_the_key_of_its_project),
		cmocka_unit_test(a_playstation_is_told_what_to_send),
		cmocka_unit_test(secrets_and_this_connection_stay_behind),
		cmocka_unit_test(drains_keep_their_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
