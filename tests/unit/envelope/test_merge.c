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

/* --- sessions ------------------------------------------------------------------ */

#define SESSIONS "\"type\":\"sessions\""

/* Items as an items block tells them, for those of several items. */
static void expect_items(struct merger *m, const char *const *want, size_t n)
{
	struct buf header = BUF_INIT, items = BUF_INIT;
	struct envelope *e = envelope_new();

	assert_int_equal(merger_write(m, &header, &items, NULL), E_OK);
	assert_int_equal(envelope_parse_stored(e, buf_view(&header), buf_view(&items), NULL), E_OK);
	assert_int_equal(e->item_count, n);
	for (size_t i = 0; i < n; i++)
		assert_str(e->items[i].payload, want[i]);
	envelope_free(e);
	buf_fini(&header);
	buf_fini(&items);
}

static void session_updates_stay_in_order(void **state) /* P-082 */
{
	static const char *const want[] = {"{\"sid\":\"a\",\"init\":true}",
		"{\"aggregates\":[{\"started\":\"x\",\"exited\":3}]}",
		"{\"sid\":\"a\",\"status\":\"exited\"}", "not JSON",
		"{\"sid\":\"b\",\"init\":true}"};
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_SESSION, "{}", "\"type\":\"session\"", want[0]), E_OK);
	assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS,
				 "{\"aggregates\":[{\"started\":\"x\",\"exited\":1}]}"),
		E_OK);
	assert_int_equal(add(m, STREAM_SESSION, "{}", "\"type\":\"session\"", want[2]), E_OK);
	assert_int_equal(
		add(m, STREAM_SESSION, "{}", "\"type\":\"session\",\"brand_new\":1", want[3]),
		E_OK);
	assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS,
				 "{\"aggregates\":[{\"started\":\"x\",\"exited\":2}]}"),
		E_OK);
	assert_int_equal(add(m, STREAM_SESSION, "{}", "\"type\":\"session\"", want[4]), E_OK);
	expect_items(m, want, COUNT_OF(want));
	merger_free(m);
}

static void other_attrs_stay_other_items(void **state) /* P-081 */
{
	static const char *const want[] = {
		"{\"aggregates\":[{\"started\":1,\"exited\":2}],\"attrs\":{\"release\":\"1\"}}",
		"{\"aggregates\":[{\"started\":1,\"exited\":1}],\"attrs\":{\"release\":\"2\"}}",
		"{\"aggregates\":[{\"started\":1,\"exited\":1}],\"brand_new\":1}",
		"{\"aggregates\":7}"};
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS,
				 "{\"aggregates\":[{\"started\":1,\"exited\":1}],\"attrs\":{"
				 "\"release\":\"1\"}}"),
		E_OK);
	for (size_t i = 1; i < COUNT_OF(want); i++)
		assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS, want[i]), E_OK);
	assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS,
				 "{\"attrs\":{\"release\":\"\\u0031\"},\"aggregates\":[{\"exited\":"
				 "1,\"started\":1}]}"),
		E_OK);
	expect_items(m, want, COUNT_OF(want));
	merger_free(m);
}

static void what_sums_cannot_tell_stays_as_it_is(void **state) /* P-081 */
{
	static const char *const want[] = {"{\"aggregates\":[{\"started\":1,\"exited\":4294967295},"
					   "{\"started\":1,\"brand_new\":1},"
					   "{\"started\":1,\"exited\":-1},{\"exited\":1},null,"
					   "{\"started\":1,\"exited\":5}]}"};
	struct merger *m = new_merger(&merge_any);

	(void)state;
	assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS,
				 "{\"aggregates\":[{\"started\":1,\"exited\":4294967294},"
				 "{\"started\":1,\"brand_new\":1},{\"started\":1,\"exited\":-1},"
				 "{\"exited\":1},null,{\"started\":1,\"exited\":1}]}"),
		E_OK);
	assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS,
				 "{\"aggregates\":[{\"started\":1,\"exited\":2}]}"),
		E_OK); /* beyond 32 bits: goes on in another */
	assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS,
				 "{\"aggregates\":[{\"started\":1,\"exited\":3}]}"),
		E_OK);
	expect_items(m, want, 1);
	merger_free(m);
}

static void no_sessions_item_has_more_than_100_aggregates(void **state) /* 9.3 */
{
	struct merger *m = new_merger(&merge_any);
	struct buf header = BUF_INIT, items = BUF_INIT;
	struct envelope *e = envelope_new();
	char text[80];

	(void)state;
	for (int i = 0; i < 250; i++) {
		(void)snprintf(
			text, sizeof text, "{\"aggregates\":[{\"started\":%d,\"exited\":1}]}", i);
		assert_int_equal(add(m, STREAM_SESSION, "{}", SESSIONS, text), E_OK);
	}
	assert_int_equal(merger_write(m, &header, &items, NULL), E_OK);
	assert_int_equal(envelope_parse_stored(e, buf_view(&header), buf_view(&items), NULL), E_OK);
	assert_int_equal(envelope_measure(e, NULL, NULL), E_OK);
	assert_int_equal(e->item_count, 3);
	assert_int_equal(e->items[0].entries, 100);
	assert_int_equal(e->items[2].entries, 50);
	envelope_free(e);
	merger_free(m);
	buf_fini(&header);
	buf_fini(&items);
}

/* --- client reports ------------------------------------------------------------ */

#define REPORT "\"type\":\"client_report\""

static void other_hours_and_other_words_stay_apart(void **state) /* P-083, P-122 */
{
	static const char *const want[] = {"{\"timestamp\":3599,\"discarded_events\":[]}",
		"{\"timestamp\":3600,\"filtered_sampling_events\":[{\"reason\":\"Sampled:1\","
		"\"category\":\"span\",\"quantity\":0}]}",
		"{\"discarded_events\":[{\"reason\":\"a\",\"category\":\"b\",\"quantity\":2}]}",
		"{\"timestamp\":3600,\"brand_new\":[]}",
		"{\"discarded_events\":[{\"reason\":\"a\",\"category\":\"b\",\"quantity\":-2}]}"};
	struct merger *m = new_merger(&merge_any);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(want); i++)
		assert_int_equal(add(m, STREAM_CLIENT_REPORT, "{}", REPORT, want[i]), E_OK);
	expect_items(m, want, COUNT_OF(want));
	merger_free(m);
}

static void reports_beside_logs_are_summed_too(void **state) /* 11.2 */
{
	static const char *const want[] = {"{\"items\":[1,2]}",
		"{\"timestamp\":5,\"discarded_events\":[{\"reason\":\"a\",\"category\":\"b\","
		"\"quantity\":"
		"4294967295},{\"reason\":\"a\",\"category\":\"b\",\"quantity\":1}]}"};
	static const char *const parts[] = {"{\"timestamp\":6,\"discarded_events\":[{\"reason\":"
					    "\"a\",\"category\":\"b\",\"quantity\":1}]}",
		"{\"timestamp\":5,\"discarded_events\":[{\"reason\":\"a\",\"category\":\"b\","
		"\"quantity\":4294967295}]}"};
	struct merger *m = new_merger(&merge_any);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct buf items = BUF_INIT;

		buf_printf(&items,
			"{" REPORT ",\"length\":%zu}\n%s\n{" LOG1
			",\"length\":13}\n{\"items\":[%d]}\n",
			strlen(parts[i]), parts[i], i + 1);
		assert_int_equal(
			merger_add(m, STREAM_LOG, STR("{}"), buf_view(&items), NULL), E_OK);
		buf_fini(&items);
	}
	expect_items(m, want, COUNT_OF(want));
	merger_free(m);
}

static void no_report_is_above_4_kib(void **state) /* P-085 */
{
	struct merger *m = new_merger(&merge_any);
	struct buf header = BUF_INIT, items = BUF_INIT;
	struct envelope *e = envelope_new();
	size_t n = 0;
	int rc;

	(void)state;
	do {
		char text[400];

		(void)snprintf(text, sizeof text,
			"{\"discarded_events\":[{\"reason\":\"%0200zu\",\"category\":\"error\","
			"\"quantity\":1}]}",
			n++);
		rc = add(m, STREAM_CLIENT_REPORT, "{}", REPORT, text);
	} while (rc == E_OK);
	assert_int_equal(rc, E_TOOBIG);
	assert_true(n > 150);
	assert_int_equal(merger_write(m, &header, &items, NULL), E_OK);
	assert_true(items.n < 100 * 1024);
	assert_int_equal(envelope_parse_stored(e, buf_view(&header), buf_view(&items), NULL), E_OK);
	assert_true(e->item_count > 10 && e->item_count < 100);
	for (size_t i = 0; i < e->item_count; i++)
		assert_true(e->items[i].header_text.n + e->items[i].payload.n <= 4096);
	envelope_free(e);
	merger_free(m);
	buf_fini(&header);
	buf_fini(&items);
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
		cmocka_unit_test(sessions_are_summed_by_attrs_and_moment),
		cmocka_unit_test(reports_of_one_hour_are_summed),
		cmocka_unit_test(lines_and_buckets_are_joined),
		cmocka_unit_test(what_is_not_one_stream_is_refused),
		cmocka_unit_test(documented_counts_hold),
		cmocka_unit_test(limits_given_hold),
		cmocka_unit_test(no_merged_payload_is_above_1_mib),
		cmocka_unit_test(a_larger_one_passes_when_it_is_first),
		cmocka_unit_test(session_updates_stay_in_order),
		cmocka_unit_test(other_attrs_stay_other_items),
		cmocka_unit_test(what_sums_cannot_tell_stays_as_it_is),
		cmocka_unit_test(no_sessions_item_has_more_than_100_aggregates),
		cmocka_unit_test(other_hours_and_other_words_stay_apart),
		cmocka_unit_test(reports_beside_logs_are_summed_too),
		cmocka_unit_test(no_report_is_above_4_kib),
		cmocka_unit_test(a_merger_is_used_again_for_another_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
