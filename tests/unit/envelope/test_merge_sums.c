/* Merging that sums: sessions and client reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

#include "unit/envelope/merging.h"

#define LOG1     "\"type\":\"log\",\"item_count\":1," LOGS
#define SESSIONS "\"type\":\"sessions\""
#define REPORT   "\"type\":\"client_report\""

/* --- sessions ------------------------------------------------------------------ */

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

static void other_hours_and_other_words_stay_apart(void **state) /* P-083, P-122 */
{
	static const char sampled[] = "{\"timestamp\":3600,\"filtered_sampling_events\":["
				      "{\"reason\":\"Sampled:1\",\"category\":\"span\","
				      "\"quantity\":0}]}";
	static const char *const want[] = {"{\"timestamp\":3599,\"discarded_events\":[]}", sampled,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_summed_by_attrs_and_moment),
		cmocka_unit_test(session_updates_stay_in_order),
		cmocka_unit_test(other_attrs_stay_other_items),
		cmocka_unit_test(what_sums_cannot_tell_stays_as_it_is),
		cmocka_unit_test(no_sessions_item_has_more_than_100_aggregates),
		cmocka_unit_test(reports_of_one_hour_are_summed),
		cmocka_unit_test(other_hours_and_other_words_stay_apart),
		cmocka_unit_test(reports_beside_logs_are_summed_too),
		cmocka_unit_test(no_report_is_above_4_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
