/* Which endpoint a path means, and how each behaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/endpoint/support.h"

static void paths_name_their_endpoint(void **state) /* protocol.md 3, P-005 */
{
	static const struct {
		const char *path;
		int rc;
		enum endpoint endpoint;
		const char *project, *rest, *key, *slug;
	} cases[] = {
		{"/api/42/envelope/", 0, ENDPOINT_ENVELOPE, "42", "envelope/", "", ""},
		{"/api/42/envelope", 0, ENDPOINT_ENVELOPE, "42", "envelope", "", ""},
		{"/api/42/store", 0, ENDPOINT_STORE, "42", "store", "", ""},
		{"/api/store/", 0, ENDPOINT_STORE, "", "", "", ""},
		{"/api/store", 0, ENDPOINT_STORE, "", "", "", ""},
		{"/api/42/security/", 0, ENDPOINT_SECURITY, "42", "security/", "", ""},
		{"/api/42/csp-report", 0, ENDPOINT_SECURITY, "42", "csp-report", "", ""},
		{"/api/42/nel/", 0, ENDPOINT_NEL, "42", "nel/", "", ""},
		{"/api/42/minidump", 0, ENDPOINT_MINIDUMP, "42", "minidump", "", ""},
		{"/api/42/minidump/", 0, ENDPOINT_MINIDUMP, "42", "minidump/", "", ""},
		{"/api/42/events/" EVENT_ID "/attachments/", 0, ENDPOINT_ATTACHMENTS, "42",
			"events/" EVENT_ID "/attachments/", "", ""},
		{"/api/42/events/x/attachments/", E_SYNTAX, ENDPOINT_ATTACHMENTS, "", "", "", ""},
		{"/api/42/events/" EVENT_ID "/", 0, ENDPOINT_OTHER, "42", "events/" EVENT_ID "/",
			"", ""},
		{"/api/42/unreal/app/", 0, ENDPOINT_UNREAL, "42", "unreal/app/", "app", ""},
		{"/api/42/unreal/app", 0, ENDPOINT_UNREAL, "42", "unreal/app", "app", ""},
		{"/api/42/unreal/", 0, ENDPOINT_OTHER, "42", "unreal/", "", ""},
		{"/api/42/unreal/a/b/", 0, ENDPOINT_OTHER, "42", "unreal/a/b/", "", ""},
		{"/api/42/cron/nightly", 0, ENDPOINT_CRON, "42", "cron/nightly", "", "nightly"},
		{"/api/42/cron/nightly/", 0, ENDPOINT_CRON, "42", "cron/nightly/", "", "nightly"},
		{"/api/42/cron/nightly/app/", 0, ENDPOINT_CRON, "42", "cron/nightly/app/", "app",
			"nightly"},
		{"/api/42/cron/a/b/c", 0, ENDPOINT_OTHER, "42", "cron/a/b/c", "", ""},
		{"/api/42/cron/", 0, ENDPOINT_OTHER, "42", "cron/", "", ""},
		{"/api/42/integration/otlp/v1/traces", 0, ENDPOINT_OTLP_TRACES, "42",
			"integration/otlp/v1/traces", "", ""},
		{"/api/42/otlp/v1/traces/", 0, ENDPOINT_OTLP_TRACES, "42", "otlp/v1/traces/", "",
			""},
		{"/api/42/integration/otlp/v1/logs/", 0, ENDPOINT_OTLP_LOGS, "42",
			"integration/otlp/v1/logs/", "", ""},
		{"/api/42/otlp/v1/logs", 0, ENDPOINT_OTLP_LOGS, "42", "otlp/v1/logs", "", ""},
		{"/api/42/integration/otlp/v1/metrics", 0, ENDPOINT_OTHER, "42",
			"integration/otlp/v1/metrics", "", ""},
		{"/api/42/integration/vercel/logs/", 0, ENDPOINT_VERCEL, "42",
			"integration/vercel/logs/", "", ""},
		{"/api/42/integration/heroku/logs", 0, ENDPOINT_HEROKU, "42",
			"integration/heroku/logs", "", ""},
		{"/api/42/playstation/", 0, ENDPOINT_PLAYSTATION, "42", "playstation/", "", ""},
		{"/api/42/upload/", 0, ENDPOINT_UPLOAD, "42", "upload/", "", ""},
		{"/api/42/upload/abc/", 0, ENDPOINT_UPLOAD, "42", "upload/abc/", "", ""},
		{"/api/42/brand/new", 0, ENDPOINT_OTHER, "42", "brand/new", "", ""},
		{"/api/0042/brand/new", 0, ENDPOINT_OTHER, "42", "brand/new", "", ""},
		{"/api/42/a/.../..b", 0, ENDPOINT_OTHER, "42", "a/.../..b", "", ""},
		{"/api/42/../0/x", 0, ENDPOINT_NONE, "", "", "", ""},
		{"/api/42/a/%2E./x", 0, ENDPOINT_NONE, "", "", "", ""},
		{"/api/42/a/%2e", 0, ENDPOINT_NONE, "", "", "", ""},
		{"/api/42/", 0, ENDPOINT_NONE, "", "", "", ""},
		{"/api/42", 0, ENDPOINT_NONE, "", "", "", ""},
		{"/api/x/brand", 0, ENDPOINT_NONE, "", "", "", ""},
		{"/api/x/store/", E_SYNTAX, ENDPOINT_STORE, "", "", "", ""},
		{"/api/0/organizations/x/", 0, ENDPOINT_WEB_API, "", "", "", ""},
		{"/api/0/relays/live/", 0, ENDPOINT_PAGE, "", "", "", ""},
		{"/api/0/relays/projectconfigs/", 0, ENDPOINT_WEB_API, "", "", "", ""},
		{"/api/relay/healthcheck/ready", 0, ENDPOINT_PAGE, "", "", "", ""},
		{"/api/relay/other/", 0, ENDPOINT_NONE, "", "", "", ""},
		{"/stream", 0, ENDPOINT_STREAM, "", "", "", ""},
		{"/stream/", 0, ENDPOINT_STREAM, "", "", "", ""},
		{"/streams", 0, ENDPOINT_PAGE, "", "", "", ""},
		{"/", 0, ENDPOINT_PAGE, "", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct endpoint_path at;
		struct err err;
		int rc = endpoint_find(str_of(cases[i].path), &at, &err);

		if (rc != cases[i].rc || at.endpoint != cases[i].endpoint)
			fail_msg("%s: %d, endpoint %d", cases[i].path, rc, (int)at.endpoint);
		if (rc != E_OK || !endpoint_takes_data(at.endpoint))
			continue;
		assert_str(at.project, cases[i].project);
		assert_str(at.rest, cases[i].rest);
		assert_str(at.key, cases[i].key);
		assert_str(at.slug, cases[i].slug);
	}
}

static void methods_are_those_of_the_table(void **state) /* P-006 */
{
	(void)state;
	assert_true(endpoint_takes_method(ENDPOINT_ENVELOPE, STR("POST")));
	assert_false(endpoint_takes_method(ENDPOINT_ENVELOPE, STR("GET")));
	assert_true(endpoint_takes_method(ENDPOINT_STORE, STR("GET")));
	assert_true(endpoint_takes_method(ENDPOINT_CRON, STR("GET")));
	assert_false(endpoint_takes_method(ENDPOINT_CRON, STR("HEAD")));
	assert_true(endpoint_takes_method(ENDPOINT_OTHER, STR("PATCH")));
	assert_false(endpoint_takes_method(ENDPOINT_OTHER, STR("CONNECT")));
	assert_false(endpoint_takes_method(ENDPOINT_OTHER, STR("PAT")));
	assert_false(endpoint_takes_method(ENDPOINT_OTHER, STR("")));
}

static void crash_reporters_never_hear_429(void **state) /* P-102 */
{
	(void)state;
	for (int e = ENDPOINT_NONE; e < ENDPOINT_COUNT; e++) {
		bool never = e == ENDPOINT_MINIDUMP || e == ENDPOINT_UNREAL || e == ENDPOINT_CRON ||
			     e == ENDPOINT_PLAYSTATION;

		assert_int_equal(endpoint_has((enum endpoint)e, ENDPOINT_NEVER_429), never);
	}
}

static void limits_are_those_of_the_settings(void **state)
{
	static const char *const env[] = {"PICKET_LIMITS_ENVELOPE=1M", "PICKET_LIMITS_STORE=2K",
		"PICKET_LIMITS_OTLP=3K", "PICKET_LIMITS_REQUEST=4K", NULL};
	struct settings *s = plain_settings(env);
	const char *name;

	(void)state;
	assert_int_equal(endpoint_limit(ENDPOINT_MINIDUMP, s, &name), 1u << 20);
	assert_string_equal(name, "limits.envelope");
	assert_int_equal(endpoint_limit(ENDPOINT_CRON, s, &name), 2048);
	assert_string_equal(name, "limits.store");
	assert_int_equal(endpoint_limit(ENDPOINT_NEL, s, &name), 3072);
	assert_string_equal(name, "limits.otlp");
	assert_int_equal(endpoint_limit(ENDPOINT_OTHER, s, &name), 4096);
	assert_string_equal(name, "limits.request");
	settings_unref(s);
}

static void envelopes_need_no_more_headers(void **state)
{
	(void)state;
	assert_false(endpoint_wants_headers(STR("/api/42/envelope/?sentry_key=a")));
	assert_false(endpoint_wants_headers(STR("//api/42//envelope")));
	assert_false(endpoint_wants_headers(STR("/metrics")));
	assert_true(endpoint_wants_headers(STR("/prefix/api/42/store/")));
	assert_true(endpoint_wants_headers(STR("/api/42/envelopes/")));
	assert_true(endpoint_wants_headers(STR("/api/42/x/envelope/")));
	assert_true(endpoint_wants_headers(STR("/api/42/store/?a=/1/envelope/")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_name_their_endpoint),
		cmocka_unit_test(methods_are_those_of_the_table),
		cmocka_unit_test(crash_reporters_never_hear_429),
		cmocka_unit_test(limits_are_those_of_the_settings),
		cmocka_unit_test(envelopes_need_no_more_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
