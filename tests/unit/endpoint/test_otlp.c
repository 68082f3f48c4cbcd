/* OpenTelemetry's requests: counted, and otherwise left alone (20.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoint/otlp.h"
#include "unit/endpoint/support.h"

#define PROTOBUF "Content-Type: application/x-protobuf\n"
#define JSON     "Content-Type: application/json\n"

static void put_bytes(struct buf *b, unsigned field, struct str value)
{
	assert_true(value.n < 16384);
	buf_char(b, (char)(field << 3 | 2));
	buf_char(b, (char)(0x80 | (value.n & 0x7f)));
	buf_char(b, (char)(value.n >> 7));
	buf_str(b, value);
}

/* A request of resources, each with these scopes, each with these records; every
 * level has fields that are none of ours. */
static void put_request(struct buf *b, int resources, int scopes, int records)
{
	for (int r = 0; r < resources; r++) {
		struct buf resource = BUF_INIT;

		put_bytes(&resource, 1, STR("\x0a\x02hi")); /* resource, with a field 1 in it */
		for (int s = 0; s < scopes; s++) {
			struct buf scope = BUF_INIT;

			put_bytes(&scope, 1, STR("\x12\x02hi"));
			for (int k = 0; k < records; k++)
				put_bytes(&scope, 2, STR("\x0a\x04spanfixed"));
			put_bytes(&scope, 3, STR("http://schema"));
			put_bytes(&resource, 2, buf_view(&scope));
			buf_fini(&scope);
		}
		buf_str(&resource, LIT("\x20\x96\x01\x2d"
				       "1234"
				       "\x31"
				       "12345678"));
		put_bytes(b, 1, buf_view(&resource));
		buf_fini(&resource);
	}
}

static void carried_with(const char *path, const char *headers, struct str body,
	enum item_type type, uint64_t entries, const char *want_path)
{
	struct asked a = {
		.path = path, .query = "sentry_key=app", .headers = headers, .body = body};
	struct taken t;

	must_take(&t, &a);
	assert_str(t.env->carried.path, want_path);
	assert_str(t.env->carried.query, "");
	assert_str(t.env->carried.headers, headers);
	assert_int_equal(t.env->items[0].type, type);
	assert_int_equal(t.env->items[0].entries, entries);
	assert_true(str_eq(t.env->items[0].payload, body));
	assert_int_equal(t.work.success, SUCCESS_EMPTY);
	if (type == ITEM_OTLP_SPANS) {
		assert_int_equal(t.env->held.of[CAT_SPAN], entries);
		assert_int_equal(envelope_class(t.env), CLASS_TRACE);
	} else {
		assert_int_equal(t.env->held.of[CAT_LOG_ITEM], entries);
		assert_int_equal(t.env->held.of[CAT_LOG_BYTE], body.n > 0 ? body.n : 1);
		assert_int_equal(envelope_class(t.env), CLASS_TELEMETRY);
	}
	taken_free(&t);
}

static void protobuf_is_counted_and_goes_on(void **state) /* P-149 */
{
	struct buf b = BUF_INIT;

	(void)state;
	put_request(&b, 2, 3, 5);
	carried_with("/api/42/integration/otlp/v1/traces", PROTOBUF, buf_view(&b), ITEM_OTLP_SPANS,
		30, "integration/otlp/v1/traces");
	carried_with("/api/42/otlp/v1/traces/", PROTOBUF, buf_view(&b), ITEM_OTLP_SPANS, 30,
		"otlp/v1/traces");
	carried_with("/api/42/integration/otlp/v1/logs/", PROTOBUF, buf_view(&b), ITEM_OTLP_LOGS,
		30, "integration/otlp/v1/logs");
	carried_with("/api/42/otlp/v1/logs", PROTOBUF, STR(""), ITEM_OTLP_LOGS, 0, "otlp/v1/logs");
	buf_fini(&b);
}

static void json_is_counted_and_goes_on(void **state) /* P-149 */
{
	(void)state;
	carried_with("/api/42/integration/otlp/v1/traces", JSON,
		STR("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{},{}]},{\"spans\":[{}]}]},"
		    "{\"scope_spans\":[{\"spans\":[{}]},{\"spans\":7},8]},9]}"),
		ITEM_OTLP_SPANS, 4, "integration/otlp/v1/traces");
	carried_with("/api/42/integration/otlp/v1/logs", JSON,
		STR("{\"resource_logs\":[{\"scopeLogs\":[{\"log_records\":[{},{}]}]}]}"),
		ITEM_OTLP_LOGS, 2, "integration/otlp/v1/logs");
	carried_with("/api/42/integration/otlp/v1/logs", JSON, STR("{}"), ITEM_OTLP_LOGS, 0,
		"integration/otlp/v1/logs");
}

static void other_media_and_broken_bodies_are_refused(void **state) /* P-149 */
{
	static const struct {
		const char *headers;
		struct str body;
		int rc;
	} cases[] = {
		{NULL, {"{}", 2}, E_UNSUPPORTED},
		{"Content-Type: text/plain\n", {"{}", 2}, E_UNSUPPORTED},
		{"Content-Type: application/protobuf\n", {"", 0}, E_UNSUPPORTED},
		{JSON, {"", 0}, E_SYNTAX},
		{JSON, {"[]", 2}, E_SYNTAX},
		{JSON, {"{", 1}, E_SYNTAX},
		{PROTOBUF, {"{}", 2}, E_SYNTAX},
		{PROTOBUF,
			{"\x0a\x05"
			 "abc",
				5},
			E_SYNTAX},
		{PROTOBUF, {"\x0a\x02\x12\x05", 4}, E_SYNTAX},
		{PROTOBUF, {"\x0b\x00", 2}, E_SYNTAX}, /* a group */
		{PROTOBUF, {"\x02\x00", 2}, E_SYNTAX}, /* field 0 */
		{PROTOBUF, {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11}, E_SYNTAX},
		{PROTOBUF,
			{"\x0d"
			 "123",
				4},
			E_SYNTAX},
		{PROTOBUF,
			{"\x09"
			 "1234567",
				8},
			E_SYNTAX},
		{PROTOBUF, {"\x80", 1}, E_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		must_refuse(&(struct asked){.path = "/api/42/integration/otlp/v1/traces",
				    .headers = cases[i].headers,
				    .body = cases[i].body},
			cases[i].rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protobuf_is_counted_and_goes_on),
		cmocka_unit_test(json_is_counted_and_goes_on),
		cmocka_unit_test(other_media_and_broken_bodies_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
