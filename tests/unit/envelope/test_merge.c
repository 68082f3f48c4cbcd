#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

#include "unit/envelope/merging.h"

#define SESSIONS "\"type\":\"sessions\""
#define LOG1     "\"type\":\"log\",\"item_count\":1," LOGS

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

/* --- refusals ------------------------------------------------------------------ */

static void what_is_not_one_stream_is_refused(void **state) /* P-078, P-080, P-084 */
{
	static const char span1[] = "{\"items\":[{\"trace_id\":\"" T1 "\"}]}";
	static const char span2[] = "{\"items\":[{\"trace_id\":\"" T2 "\"}]}";
	static const char span[] = "\"type\":\"span\",\"item_count\":1," SPANS;
	static const char dsc[] = "{\"trace\":{\"trace_id\":\"" T1 "\",\"sample_rate\":\"1\"}}";
	static const char low[] = "{\"trace\":{\"trace_id\":\"" T1 "\",\"sample_rate\":\"0.5\"}}";
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_SPAN, dsc, span, span2), E_SYNTAX);
	assert_int_equal(add(m, STREAM_SPAN, "{}", "\"type\":\"event\"", "{}"), E_SYNTAX);
	assert_int_equal(add(m, STREAM_NONE, "{}", "\"type\":\"event\"", "{}"), E_SYNTAX);
	assert_int_equal(add(m, STREAM_SPAN, dsc, span, span1), E_OK);
	assert_int_equal(add(m, STREAM_SPAN, low, span, span1), E_SYNTAX);
	assert_int_equal(add(m, STREAM_SPAN, "{}", span, span1), E_SYNTAX);
	assert_int_equal(add(m, STREAM_SPAN, dsc, span, span2), E_SYNTAX);
	assert_int_equal(add(m, STREAM_LOG, dsc, LOG1, "{\"items\":[1]}"), E_SYNTAX);
	assert_int_equal(add(m, STREAM_SPAN, dsc, span, "junk"), E_SYNTAX);
	assert_int_equal(add(m, STREAM_SPAN, "junk", span, span1), E_SYNTAX);
	assert_int_equal(add(m, STREAM_SPAN, dsc, span, "{\"items\":[],\"more\":1}"), E_SYNTAX);
	expect_merged(m, dsc, span, span1);
	assert_int_equal(add(m, STREAM_SPAN, dsc, span, span1), E_OK);
	expect_merged(m, dsc, "\"type\":\"span\",\"item_count\":2," SPANS,
		"{\"items\":[{\"trace_id\":\"" T1 "\"},{\"trace_id\":\"" T1 "\"}]}");
	merger_free(m);
}

static size_t fill(
	struct merger *m, enum stream_kind kind, const char *head, const char *payload, size_t most)
{
	size_t n = 0;
	int rc = E_OK;

	while (n < most && (rc = add(m, kind, "{}", head, payload)) == E_OK)
		n++;
	assert_true(rc == E_OK || rc == E_TOOBIG);
	return n;
}

static void documented_counts_hold(void **state) /* P-079, 9.3 */
{
	static const char spans[] = "{\"items\":[{\"trace_id\":\"" T1 "\"}]}";
	struct merger *m = new_merger(&(struct merge_limits){100000, 1 << 30});

	(void)state;
	assert_int_equal(fill(m, STREAM_LOG, LOG1, "{\"items\":[{}]}", 5000), 100);
	merger_clear(m);
	assert_int_equal(
		fill(m, STREAM_TRACE_METRIC, "\"type\":\"trace_metric\",\"item_count\":1," METRICS,
			"{\"items\":[{}]}", 5000),
		1000);
	merger_clear(m);
	assert_int_equal(
		fill(m, STREAM_SPAN, "\"type\":\"span\",\"item_count\":1," SPANS, spans, 5000),
		1000);
	merger_clear(m);
	assert_int_equal(fill(m, STREAM_SESSION, "\"type\":\"session\"", "{}", 5000), 100);
	merger_clear(m);
	assert_int_equal(
		fill(m, STREAM_CLIENT_REPORT, "\"type\":\"client_report\"", "1", 5000), 40);
	merger_free(m);
}

static void limits_given_hold(void **state)
{
	static const char nine[] = "{\"items\":[123456789]}";
	struct merger *m = new_merger(&(struct merge_limits){3, 60});

	(void)state;
	assert_int_equal(fill(m, STREAM_LOG, LOG1, "{\"items\":[1]}", 10), 3);
	merger_clear(m);
	assert_int_equal(fill(m, STREAM_LOG, LOG1, nine, 10), 3);
	merger_clear(m);
	assert_int_equal(fill(m, STREAM_STATSD, "\"type\":\"statsd\"", "a:1|c\nb:2|c", 10), 1);
	merger_clear(m);
	assert_int_equal(fill(m, STREAM_SESSION, "\"type\":\"session\"", "", 10), 1);
	merger_free(m);
}

static void no_merged_payload_is_above_1_mib(void **state) /* 9.3 */
{
	struct merger *m = new_merger(&(struct merge_limits){100000, 1 << 30});
	struct buf big = BUF_INIT, head = BUF_INIT, items = BUF_INIT;

	(void)state;
	buf_cstr(&big, "{\"items\":[\"");
	for (int i = 0; i < 100000; i++)
		buf_char(&big, 'x');
	buf_cstr(&big, "\"]}");
	buf_char(&big, '\0');
	assert_int_equal(fill(m, STREAM_LOG, LOG1, big.p, 100), 10);
	assert_int_equal(merger_write(m, &head, &items, NULL), E_OK);
	assert_true(items.n < (1 << 20) + 200);
	merger_free(m);
	buf_fini(&big);
	buf_fini(&head);
	buf_fini(&items);
}

static void a_larger_one_passes_when_it_is_first(void **state) /* 9.3 */
{
	struct merger *m = new_merger(&(struct merge_limits){2, 20});
	static const char five[] = "{\"items\":[1111,2222,3333,4444,5555]}";

	(void)state;
	assert_int_equal(add(m, STREAM_LOG, "{}", LOG1, five), E_OK);
	assert_int_equal(add(m, STREAM_LOG, "{}", LOG1, "{\"items\":[1]}"), E_TOOBIG);
	expect_merged(m, "{}", "\"type\":\"log\",\"item_count\":5," LOGS, five);
	merger_free(m);
}

static void a_merger_is_used_again_for_another_kind(void **state)
{
	static const char *const sessions[] = {"{\"aggregates\":[]}"};
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_LOG, "{\"sdk\":1,\"trace\":{\"trace_id\":\"" T1 "\"}}", LOG1,
				 "{\"version\":2,\"items\":[{\"trace_id\":\"" T1 "\"}]}"),
		E_OK);
	merger_clear(m);
	assert_int_equal(add(m, STREAM_SESSION, "{\"trace\":{\"trace_id\":\"" T1 "\"}}", SESSIONS,
				 "{\"aggregates\":[]}"),
		E_OK);
	expect_items(m, sessions, 1);
	merger_clear(m);
	assert_int_equal(add(m, STREAM_LOG, "{}", LOG1, "{\"items\":[{}]}"), E_OK);
	expect_merged(m, "{}", LOG1, "{\"items\":[{}]}");
	merger_free(m);
	merger_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_merge_in_order),
		cmocka_unit_test(trace_stays_only_when_all_agree),
		cmocka_unit_test(metadata_must_agree),
		cmocka_unit_test(lines_and_buckets_are_joined),
		cmocka_unit_test(what_is_not_one_stream_is_refused),
		cmocka_unit_test(documented_counts_hold),
		cmocka_unit_test(limits_given_hold),
		cmocka_unit_test(no_merged_payload_is_above_1_mib),
		cmocka_unit_test(a_larger_one_passes_when_it_is_first),
		cmocka_unit_test(a_merger_is_used_again_for_another_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
