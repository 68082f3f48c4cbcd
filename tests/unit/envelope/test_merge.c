#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

#include "unit/envelope/merging.h"

#define LOG1 "\"type\":\"log\",\"item_count\":1," LOGS

static void logs_merge_in_order(void **state) /* P-075 */
{
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_LOG, "{\"sdk\":{\"name\":\"x\",\"version\":\"1\"}}", LOG1,
				 "{\"items\":[{\"body\":\"a\", \"n\":1e400}]}"),
		E_OK);
	assert_int_equal(add(m, STREAM_LOG, "{\"sdk\":{\"version\":\"1\",\"name\":\"x\"}}",
				 "\"type\":\"log\",\"item_count\":2," LOGS,
				 "{\"items\": [ {\"body\":\"\\ud800\"} , {} ]}"),
		E_OK);
	expect_merged(m, "{\"sdk\":{\"name\":\"x\",\"version\":\"1\"}}",
		"\"type\":\"log\",\"item_count\":3," LOGS,
		"{\"items\":[{\"body\":\"a\", \"n\":1e400},{\"body\":\"\\ud800\"} , {}]}");
	merger_free(m);
}

static void trace_stays_only_when_all_agree(void **state) /* P-076, 11.2 */
{
	static const char one[] = "{\"trace\":{\"trace_id\":\"" T1 "\"},\"event_id\":\"" T2 "\"}";
	static const char two[] = "{\"trace\":{\"trace_id\":\"" T2 "\"}}";
	static const char log1[] = "{\"items\":[{\"trace_id\":\"" T1 "\"}]}";
	static const char log2[] = "{\"items\":[{\"trace_id\":\"" T2 "\"}]}";
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_LOG, one, LOG1, log1), E_OK);
	assert_int_equal(add(m, STREAM_LOG, one, LOG1, log1), E_OK);
	expect_merged(m, "{\"trace\":{\"trace_id\":\"" T1 "\"}}",
		"\"type\":\"log\",\"item_count\":2," LOGS,
		"{\"items\":[{\"trace_id\":\"" T1 "\"},{\"trace_id\":\"" T1 "\"}]}");
	assert_int_equal(add(m, STREAM_LOG, two, LOG1, log2), E_OK);
	expect_merged(m, "{}", "\"type\":\"log\",\"item_count\":3," LOGS,
		"{\"items\":[{\"trace_id\":\"" T1 "\"},{\"trace_id\":\"" T1
		"\"},{\"trace_id\":\"" T2 "\"}]}");
	merger_clear(m);
	/* an entry of another trace than the header says */
	assert_int_equal(add(m, STREAM_LOG, one, LOG1, log2), E_OK);
	expect_merged(m, "{}", LOG1, log2);
	merger_free(m);
}

static void metadata_must_agree(void **state) /* P-070, P-077 */
{
	static const char v2[] = "{\"version\":2,\"ingest_settings\":{\"infer_ip\":\"never\"},"
				 "\"items\":[{}]}";
	static const char same[] = "{\"items\":[{}],\"ingest_settings\":{ \"infer_ip\":\"never\"},"
				   "\"version\":2}";
	static const char other[] = "{\"version\":2,\"ingest_settings\":{\"infer_ip\":\"auto\"},"
				    "\"items\":[{}]}";
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_LOG, "{}", LOG1, v2), E_OK);
	assert_int_equal(add(m, STREAM_LOG, "{}", LOG1, other), E_SYNTAX);
	assert_int_equal(add(m, STREAM_LOG, "{}", LOG1, "{\"items\":[{}]}"), E_SYNTAX);
	assert_int_equal(add(m, STREAM_LOG, "{}", LOG1, same), E_OK);
	expect_merged(m, "{}", "\"type\":\"log\",\"item_count\":2," LOGS,
		"{\"version\":2,\"ingest_settings\":{\"infer_ip\":\"never\"},\"items\":[{},{}]}");
	merger_free(m);
}

static void sessions_are_summed_by_attrs_and_moment(void **state) /* P-081 */
{
	static const char type[] = "\"type\":\"sessions\"";
	static const char attrs[] = ",\"attrs\":{\"release\":\"1\",\"environment\":\"p\"}}";
	struct merger *m = new_merger(&merge_any);
	char text[256];

	(void)state;
	(void)snprintf(text, sizeof text,
		"{\"aggregates\":[{\"started\":\"a\",\"exited\":2},{\"started\":\"b\",\"did\":"
		"\"u\",\"crashed\":1}]%s",
		attrs);
	assert_int_equal(add(m, STREAM_SESSION, "{}", type, text), E_OK);
	assert_int_equal(
		add(m, STREAM_SESSION, "{}", type,
			"{\"attrs\":{\"environment\":\"p\",\"release\":\"1\"},\"aggregates\":["
			"{\"exited\":4294967000,\"started\":\"a\",\"errored\":3},"
			"{\"started\":\"b\",\"crashed\":1}]}"),
		E_OK);
	expect_merged(m, "{}", type,
		"{\"aggregates\":[{\"started\":\"a\",\"exited\":4294967002,\"errored\":3},"
		"{\"started\":\"b\",\"did\":\"u\",\"crashed\":1},{\"started\":\"b\",\"crashed\":1}]"
		","
		"\"attrs\":{\"release\":\"1\",\"environment\":\"p\"}}");
	merger_free(m);
}

static void reports_of_one_hour_are_summed(void **state) /* P-083 */
{
	static const char type[] = "\"type\":\"client_report\"";
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_CLIENT_REPORT, "{}", type,
				 "{\"timestamp\":7201,\"discarded_events\":[{\"reason\":\"a\","
				 "\"category\":\"error\",\"quantity\":3}]}"),
		E_OK);
	assert_int_equal(add(m, STREAM_CLIENT_REPORT, "{}", type,
				 "{\"timestamp\":7200.5,\"rate_limited_events\":[{\"reason\":\"a\","
				 "\"category\":\"error\",\"quantity\":1}],\"discarded_events\":["
				 "{\"category\":\"error\",\"reason\":\"a\",\"quantity\":4}]}"),
		E_OK);
	expect_merged(m, "{}", type,
		"{\"timestamp\":7200.5,\"discarded_events\":[{\"reason\":\"a\",\"category\":"
		"\"error\",\"quantity\":7}],\"rate_limited_events\":[{\"reason\":\"a\","
		"\"category\":"
		"\"error\",\"quantity\":1}]}");
	merger_free(m);
}

static void lines_and_buckets_are_joined(void **state) /* 11.2 */
{
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(
		add(m, STREAM_STATSD, "{}", "\"type\":\"statsd\"", "a:1|c\nb:2|c\n"), E_OK);
	assert_int_equal(add(m, STREAM_STATSD, "{}", "\"type\":\"statsd\"", "c:3|c"), E_OK);
	expect_merged(m, "{}", "\"type\":\"statsd\"", "a:1|c\nb:2|c\nc:3|c");
	merger_clear(m);
	assert_int_equal(
		add(m, STREAM_METRIC_BUCKETS, "{}", "\"type\":\"metric_buckets\"", "[{\"a\":1}]"),
		E_OK);
	assert_int_equal(
		add(m, STREAM_METRIC_BUCKETS, "{}", "\"type\":\"metric_buckets\"", "[ ]"), E_OK);
	assert_int_equal(
		add(m, STREAM_METRIC_BUCKETS, "{}", "\"type\":\"metric_buckets\"", "[2, 3 ]"),
		E_OK);
	expect_merged(m, "{}", "\"type\":\"metric_buckets\"", "[{\"a\":1},2, 3]");
	merger_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_merge_in_order),
		cmocka_unit_test(trace_stays_only_when_all_agree),
		cmocka_unit_test(metadata_must_agree),
		cmocka_unit_test(sessions_are_summed_by_attrs_and_moment),
		cmocka_unit_test(reports_of_one_hour_are_summed),
		cmocka_unit_test(lines_and_buckets_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
