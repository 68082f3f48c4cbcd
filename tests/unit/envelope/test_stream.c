#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

#include "envelope/category.h"
#include "envelope/stream.h"

#define LOG   "{\"type\":\"log\",\"content_type\":\"application/vnd.sentry.items.log+json\"}\n"
#define SPAN  "{\"type\":\"span\",\"content_type\":\"application/vnd.sentry.items.span.v2+json\"}\n"
#define T1    "11111111111111111111111111111111"
#define T2    "22222222222222222222222222222222"
#define SPAN1 SPAN "{\"items\":[{\"trace_id\":\"" T1 "\"}]}\n"
#define SPAN2 SPAN "{\"items\":[{\"trace_id\":\"" T2 "\"}]}\n"
#define ONE   LOG "{\"items\":[{}]}\n"
#define V2    LOG "{\"version\":2,\"items\":[{}]}\n"
#define OFF   LOG "{\"version\":2,\"items\":[{}],\"ingest_settings\":{\"infer_ip\":\"never\"}}\n"
#define AUTO  LOG "{\"version\":2,\"items\":[{}],\"ingest_settings\":{\"infer_ip\":\"auto\"}}\n"
#define HOUR  "{\"type\":\"client_report\"}\n"

static struct sender someone(void)
{
	return (struct sender){.client = STR("sentry.python/2"),
		.protocol = STR("7"),
		.user_agent = STR("curl"),
		.peer_uid = -1,
		.peer_pid = -1};
}

static struct stream_key key_from(const char *body, struct sender from)
{
	struct envelope *e = parsed(str_of(body));
	struct quantities invalid;
	struct stream_key key;

	e->from = from;
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	assert_int_equal(stream_key_of(e, &key, NULL), E_OK);
	envelope_free(e);
	return key;
}

static struct stream_key key_of(const char *body)
{
	return key_from(body, someone());
}

static void assert_kind(const char *body, enum stream_kind kind)
{
	if (key_of(body).kind != kind)
		fail_msg("%s: not %s", body, stream_kind_name(kind));
}

static void assert_same(const char *a, const char *b)
{
	struct stream_key x = key_of(a), y = key_of(b);

	if (x.kind == STREAM_NONE || !stream_key_eq(&x, &y))
		fail_msg("not one stream:\n%s\n%s", a, b);
}

static void assert_other(const char *a, const char *b)
{
	struct stream_key x = key_of(a), y = key_of(b);

	if (x.kind == STREAM_NONE || y.kind == STREAM_NONE || stream_key_eq(&x, &y))
		fail_msg("one stream:\n%s\n%s", a, b);
}

static void each_kind_has_its_stream(void **state) /* 11.2 */
{
	(void)state;
	assert_kind("{}\n" ONE, STREAM_LOG);
	assert_kind("{}\n" ONE HOUR "{}\n", STREAM_LOG);
	assert_kind("{}\n" HOUR "{}\n" ONE, STREAM_LOG);
	assert_kind("{}\n" SPAN1, STREAM_SPAN);
	assert_kind("{}\n{\"type\":\"trace_metric\",\"content_type\":"
		    "\"application/vnd.sentry.items.trace-metric+json\"}\n{\"items\":[{}]}\n",
		STREAM_TRACE_METRIC);
	assert_kind(
		"{}\n{\"type\":\"session\"}\n{}\n{\"type\":\"sessions\"}\n{}\n", STREAM_SESSION);
	assert_kind("{}\n" HOUR "{}\n", STREAM_CLIENT_REPORT);
	assert_kind("{}\n{\"type\":\"statsd\"}\na:1|c\n", STREAM_STATSD);
	assert_kind("{}\n{\"type\":\"metric_buckets\"}\n[{}]\n", STREAM_METRIC_BUCKETS);
}

static void what_must_go_alone_has_none(void **state) /* P-084, 11.2 */
{
	static const char *const bodies[] = {
		"{}",
		"{}\n{\"type\":\"event\"}\n{}\n",
		"{}\n{\"type\":\"check_in\"}\n{}\n",
		"{}\n{\"type\":\"profile_chunk\"}\n{}\n",
		"{}\n{\"type\":\"brand_new\"}\n{}\n",
		"{}\n{\"type\":\"span\"}\n{}\n", /* legacy */
		"{}\n" ONE ONE,
		"{}\n" ONE "{\"type\":\"session\"}\n{}\n",
		"{}\n{\"type\":\"session\"}\n{}\n{\"type\":\"event\"}\n{}\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		assert_kind(bodies[i], STREAM_NONE);
}

static void what_merging_would_lose_goes_alone(void **state) /* P-050, P-070 */
{
	(void)state;
	assert_kind("{}\n" LOG "{\"items\":[{}],\"brand_new\":1}\n", STREAM_NONE);
	assert_kind("{}\n" LOG "{\"items\":[{}],\"items\":[]}\n", STREAM_NONE);
	assert_kind("{}\n{\"type\":\"log\",\"brand_new\":1,\"content_type\":"
		    "\"application/vnd.sentry.items.log+json\"}\n{\"items\":[{}]}\n",
		STREAM_NONE);
	assert_kind("{}\n{\"type\":\"statsd\",\"timestamp\":1}\na:1|c\n", STREAM_NONE);
	assert_kind("{}\n{\"type\":\"metric_buckets\"}\n{}\n", STREAM_NONE);
}

static void a_carried_request_goes_alone(void **state)
{
	struct envelope *e = parsed(LIT("{}\n{\"type\":\"statsd\"}\na:1|c\n"));
	struct stream_key key;

	(void)state;
	e->carried.method = STR("POST");
	assert_int_equal(stream_key_of(e, &key, NULL), E_OK);
	assert_int_equal(key.kind, STREAM_NONE);
	envelope_free(e);
}

static void what_is_full_goes_alone(void **state) /* P-079 */
{
	struct buf body = BUF_INIT;

	(void)state;
	buf_cstr(&body, "{}\n" LOG "{\"items\":[{}");
	for (int i = 1; i < 100; i++) {
		struct envelope *e;
		struct quantities invalid;
		struct stream_key key;
		size_t n = body.n;

		buf_cstr(&body, ",{}");
		n = body.n;
		buf_cstr(&body, "]}\n");
		e = parsed(buf_view(&body));
		assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
		assert_int_equal(stream_key_of(e, &key, NULL), E_OK);
		assert_int_equal(key.kind, i < 99 ? STREAM_LOG : STREAM_NONE);
		envelope_free(e);
		body.n = n;
	}
	buf_fini(&body);
}

static void headers_count_as_values(void **state) /* 11.1 */
{
	(void)state;
	assert_same("{\"sdk\":{\"name\":\"x\",\"version\":\"1\"}}\n" ONE,
		"{ \"sdk\": {\"version\":\"\\u0031\",\"name\":\"x\"} }\n" ONE);
	assert_other("{\"sdk\":{\"name\":\"x\"}}\n" ONE, "{\"sdk\":{\"name\":\"y\"}}\n" ONE);
	assert_other("{\"sdk\":{\"name\":\"x\"}}\n" ONE, "{}\n" ONE);
	assert_other("{\"brand_new\":1}\n" ONE, "{\"brand_new\":2}\n" ONE);
	assert_other("{\"brand_new\":1}\n" ONE, "{}\n" ONE);
	assert_other("{\"brand_new\":null}\n" ONE, "{}\n" ONE);
	assert_other("{\"brand_new\":[1,2]}\n" ONE, "{\"brand_new\":[2,1]}\n" ONE);
	assert_same("{\"event_id\":\"" T1 "\",\"sent_at\":\"2026-01-01T00:00:00Z\","
		    "\"dsn\":\"https://k@h/1\"}\n" ONE,
		"{}\n" ONE);
	assert_same("{\"trace\":{\"trace_id\":\"" T1 "\"}}\n" ONE, "{}\n" ONE); /* P-076 */
	assert_other("{}\n" ONE, "{}\n" SPAN1);
}

static void container_metadata_counts(void **state) /* P-077 */
{
	(void)state;
	assert_other("{}\n" ONE, "{}\n" V2);
	assert_other("{}\n" V2, "{}\n" OFF);
	assert_other("{}\n" AUTO, "{}\n" OFF);
	assert_same("{}\n" OFF, "{}\n" LOG "{\"ingest_settings\": {\"infer_ip\":\"never\"},"
				"\"items\":[1],\"version\":2}\n");
}

static bool agent_counts(const char *body)
{
	struct sender one = someone(), other = someone();
	struct stream_key x, y;

	other.user_agent = STR("wget");
	x = key_from(body, one);
	y = key_from(body, other);
	assert_true(x.kind != STREAM_NONE);
	return !stream_key_eq(&x, &y);
}

static void the_agent_counts_where_upstream_infers(void **state) /* P-077, 11.1 */
{
	(void)state;
	assert_true(agent_counts("{}\n" ONE));
	assert_true(agent_counts("{}\n" AUTO));
	assert_true(agent_counts("{}\n" LOG "{\"version\":3,\"items\":[{}]}\n"));
	assert_true(agent_counts(
		"{}\n" LOG "{\"version\":2,\"items\":[{}],\"ingest_settings\":\"?\"}\n"));
	assert_true(agent_counts("{}\n{\"type\":\"session\"}\n{}\n"));
	assert_false(agent_counts("{}\n" V2));
	assert_false(agent_counts("{}\n" OFF));
}

static void the_sender_counts(void **state) /* 11.1 */
{
	struct sender other[5] = {someone(), someone(), someone(), someone(), someone()};
	struct stream_key same = key_of("{}\n" V2), key;

	(void)state;
	other[0].client = STR("sentry.python/3");
	other[1].protocol = STR("6");
	other[2].forwarded_for = STR("203.0.113.7");
	other[3].secret = STR("s");
	/* texts do not run into each other */
	other[4].client = STR("sentry.python/27");
	other[4].protocol = STR("");
	for (size_t i = 0; i < COUNT_OF(other); i++) {
		key = key_from("{}\n" V2, other[i]);
		assert_false(stream_key_eq(&same, &key));
	}
	other[0] = someone();
	other[0].peer_pid = 42;
	other[0].key = STR("another key of the same lane");
	key = key_from("{}\n" V2, other[0]);
	assert_true(stream_key_eq(&same, &key));
}

static void spans_are_of_one_trace(void **state) /* P-078, P-080 */
{
	(void)state;
	assert_same("{}\n" SPAN1, "{}\n" SPAN1);
	assert_other("{}\n" SPAN1, "{}\n" SPAN2);
	assert_kind("{}\n" SPAN "{\"items\":[{\"trace_id\":\"" T1 "\"},{\"trace_id\":\"" T2
		    "\"}]}\n",
		STREAM_NONE);
	assert_kind("{}\n" SPAN "{\"items\":[{}]}\n", STREAM_NONE);
	assert_kind("{\"trace\":{\"trace_id\":\"" T2 "\"}}\n" SPAN1, STREAM_NONE);
	assert_kind("{\"trace\":[]}\n" SPAN1, STREAM_NONE);
	assert_kind("{\"trace\":null}\n" SPAN1, STREAM_SPAN);
	assert_other("{\"trace\":{\"trace_id\":\"" T1 "\",\"sample_rate\":\"1\"}}\n" SPAN1,
		"{\"trace\":{\"trace_id\":\"" T1 "\",\"sample_rate\":\"0.5\"}}\n" SPAN1);
	assert_other("{\"trace\":{\"trace_id\":\"" T1 "\"}}\n" SPAN1, "{}\n" SPAN1);
}

static void reports_are_of_one_hour(void **state) /* P-083 */
{
	(void)state;
	assert_same("{}\n" HOUR "{\"timestamp\":7200}\n", "{}\n" HOUR "{\"timestamp\":10799.9}\n");
	assert_other("{}\n" HOUR "{\"timestamp\":7200}\n", "{}\n" HOUR "{\"timestamp\":7199}\n");
	assert_same("{}\n" HOUR "{\"timestamp\":7200}\n",
		"{}\n" HOUR "{\"timestamp\":\"1970-01-01T02:59:59Z\"}\n");
	assert_other("{}\n" HOUR "{\"timestamp\":0}\n", "{}\n" HOUR "{}\n");
	assert_same("{}\n" HOUR "{}\n", "{}\n" HOUR "not JSON\n");
}

static void only_what_no_limit_stops_is_merged(void **state)
{
	(void)state;
	assert_true(stream_gates(STREAM_LOG) ==
		    (UINT64_C(1) << CAT_LOG_ITEM | UINT64_C(1) << CAT_LOG_BYTE));
	assert_true(stream_gates(STREAM_SPAN) == UINT64_C(1) << CAT_SPAN);
	assert_true(stream_gates(STREAM_SESSION) == UINT64_C(1) << CAT_SESSION);
	assert_true(stream_gates(STREAM_CLIENT_REPORT) == 0);
	assert_true(stream_gates(STREAM_NONE) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_stream),
		cmocka_unit_test(what_must_go_alone_has_none),
		cmocka_unit_test(what_merging_would_lose_goes_alone),
		cmocka_unit_test(a_carried_request_goes_alone),
		cmocka_unit_test(what_is_full_goes_alone),
		cmocka_unit_test(headers_count_as_values),
		cmocka_unit_test(container_metadata_counts),
		cmocka_unit_test(the_agent_counts_where_upstream_infers),
		cmocka_unit_test(the_sender_counts),
		cmocka_unit_test(spans_are_of_one_trace),
		cmocka_unit_test(reports_are_of_one_hour),
		cmocka_unit_test(only_what_no_limit_stops_is_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
