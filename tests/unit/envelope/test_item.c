#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "unit/envelope/support.h"

#define BIT(c) (UINT64_C(1) << CAT_##c)

#define LOGS    "\"content_type\":\"application/vnd.sentry.items.log+json\""
#define METRICS "\"content_type\":\"application/vnd.sentry.items.trace-metric+json\""
#define SPANS   "\"content_type\":\"application/vnd.sentry.items.span.v2+json\""
#define TRACED  "\"content_type\":\"application/vnd.sentry.trace-attachment\""
#define REF     "\"content_type\":\"application/vnd.sentry.attachment-ref\""

struct row {
	const char *header; /* what stands behind {"type": */
	const char *payload;
	const char *counts; /* "category amount, ..." in the order of categories */
	uint64_t gates;
	bool needs_event;
	enum item_class class;
};

/* One line for each row of 9.1 (P-061), with the gates of section 12. */
static const struct row rows[] = {
	{"\"event\"", "{}", "error 1", BIT(ERROR), true, CLASS_ERROR},
	{"\"transaction\"", "{\"spans\":[{},{}]}", "transaction 1, span 3", BIT(TRANSACTION), true,
		CLASS_TRACE},
	{"\"transaction\",\"span_count\":4", "{\"spans\":[{},{}]}", "transaction 1, span 5",
		BIT(TRANSACTION), true, CLASS_TRACE},
	{"\"transaction\"", "{}", "transaction 1, span 1", BIT(TRANSACTION), true, CLASS_TRACE},
	{"\"transaction\"", "not json", "transaction 1, span 1", BIT(TRANSACTION), true,
		CLASS_TRACE},
	{"\"feedback\"", "{}", "feedback 1", BIT(FEEDBACK), true, CLASS_ERROR},
	{"\"user_report\"", "{}", "feedback 1", BIT(FEEDBACK), true, CLASS_ERROR},
	{"\"attachment\"", "12345", "attachment 5, attachment_item 1",
		BIT(ATTACHMENT) | BIT(ATTACHMENT_ITEM), true, CLASS_BULK},
	{"\"attachment\"", "", "attachment 1, attachment_item 1",
		BIT(ATTACHMENT) | BIT(ATTACHMENT_ITEM), true, CLASS_BULK},
	{"\"attachment\",\"attachment_type\":\"event.minidump\"", "MDMP",
		"error 1, attachment 4, attachment_item 1", BIT(ERROR), true, CLASS_ERROR},
	{"\"attachment\",\"attachment_type\":\"event.view_hierarchy\"", "{}",
		"attachment 2, attachment_item 1", BIT(ATTACHMENT) | BIT(ATTACHMENT_ITEM), true,
		CLASS_BULK},
	{"\"attachment\"," REF ",\"attachment_length\":5000", "{}",
		"attachment 5000, attachment_item 1", BIT(ATTACHMENT) | BIT(ATTACHMENT_ITEM), true,
		CLASS_BULK},
	{"\"attachment\"," TRACED, "{}ab", "attachment 4, attachment_item 1",
		BIT(ATTACHMENT) | BIT(ATTACHMENT_ITEM), false, CLASS_BULK},
	{"\"attachment\"," TRACED ",\"span_id\":null", "{}ab", "attachment 4, attachment_item 1",
		BIT(ATTACHMENT) | BIT(ATTACHMENT_ITEM) | BIT(SPAN), false, CLASS_BULK},
	{"\"session\"", "{}", "session 1", BIT(SESSION), false, CLASS_CHECK_IN},
	{"\"sessions\"",
		"{\"aggregates\":[{\"exited\":3,\"errored\":1},{\"crashed\":2,\"started\":9}]}",
		"session 6", BIT(SESSION), false, CLASS_CHECK_IN},
	{"\"sessions\"", "nope", "session 1", BIT(SESSION), false, CLASS_CHECK_IN},
	{"\"log\"," LOGS ",\"item_count\":2", "{\"items\":[{},{}]}", "log_item 2, log_byte 17",
		BIT(LOG_ITEM) | BIT(LOG_BYTE), false, CLASS_TELEMETRY},
	{"\"trace_metric\"," METRICS, "{\"items\":[{}]}", "trace_metric 1, trace_metric_byte 14",
		BIT(TRACE_METRIC) | BIT(TRACE_METRIC_BYTE), false, CLASS_TELEMETRY},
	{"\"span\"," SPANS, "{\"items\":[{},{},{}]}", "span 3", BIT(SPAN), false, CLASS_TRACE},
	{"\"span\"", "{}", "span 1", BIT(SPAN), false, CLASS_TRACE},
	{"\"profile\"", "{}", "profile 1", BIT(PROFILE), true, CLASS_TRACE},
	{"\"profile\",\"platform\":\"python\"", "{}", "profile 1",
		BIT(PROFILE) | BIT(PROFILE_BACKEND), true, CLASS_TRACE},
	{"\"profile\",\"platform\":\"cocoa\"", "{}", "profile 1", BIT(PROFILE) | BIT(PROFILE_UI),
		true, CLASS_TRACE},
	{"\"profile_chunk\",\"platform\":\"python\"", "{}", "profile_chunk 1",
		BIT(PROFILE_CHUNK) | BIT(PROFILE_DURATION), false, CLASS_TRACE},
	{"\"profile_chunk\",\"platform\":\"android\"", "{}", "profile_chunk_ui 1",
		BIT(PROFILE_CHUNK_UI) | BIT(PROFILE_DURATION_UI), false, CLASS_TRACE},
	{"\"profile_chunk\"", "{}", "", 0, false, CLASS_TRACE},
	{"\"profile_chunk\"", "{\"platform\":\"javascript\"}", "profile_chunk_ui 1",
		BIT(PROFILE_CHUNK_UI) | BIT(PROFILE_DURATION_UI), false, CLASS_TRACE},
	{"\"profile_chunk_ui\"", "{}", "profile_chunk_ui 1",
		BIT(PROFILE_CHUNK_UI) | BIT(PROFILE_DURATION_UI), false, CLASS_TRACE},
	{"\"replay_event\"", "{}", "replay 1", BIT(REPLAY), true, CLASS_BULK},
	{"\"replay_recording\"", "{}", "replay 1", BIT(REPLAY), false, CLASS_BULK},
	{"\"replay_video\"", "x", "replay 1", BIT(REPLAY), false, CLASS_BULK},
	{"\"check_in\"", "{}", "monitor 1", BIT(MONITOR), false, CLASS_CHECK_IN},
	{"\"client_report\"", "{}", "", 0, false, CLASS_TELEMETRY},
	{"\"statsd\",\"length\":15", "a:1|c\nb:1|c\n\nx ", "metric_bucket 3", BIT(METRIC_BUCKET),
		false, CLASS_TELEMETRY},
	{"\"metric_buckets\"", "[{},{}]", "metric_bucket 2", BIT(METRIC_BUCKET), false,
		CLASS_TELEMETRY},
	{"\"metric_buckets\"", "junk", "metric_bucket 1", BIT(METRIC_BUCKET), false,
		CLASS_TELEMETRY},
	{"\"security\"", "{}", "security 1", BIT(SECURITY), true, CLASS_ERROR},
	{"\"raw_security\"", "{}", "security 1", BIT(SECURITY), true, CLASS_ERROR},
	{"\"unreal_report\"", "x", "error 1", BIT(ERROR), true, CLASS_ERROR},
	{"\"form_data\"", "{}", "", 0, true, CLASS_ERROR},
	{"\"nel\"", "{}", "log_item 1", BIT(LOG_ITEM) | BIT(LOG_BYTE), false, CLASS_TELEMETRY},
	{"\"otlp_logs\"", "{}", "", 0, false, CLASS_TELEMETRY},
	{"\"otel_span\"", "{}", "", 0, false, CLASS_TELEMETRY},
	{"\"brand_new\"", "x", "", 0, false, CLASS_TELEMETRY},
};

static void describe(const struct quantities *q, struct buf *out)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (q->of[c] != 0)
			buf_printf(out, "%s%s %llu", out->n > 0 ? ", " : "",
				category_name((enum category)c), (unsigned long long)q->of[c]);
	}
}

static void check_row(const struct row *row)
{
	struct buf body = BUF_INIT, counts = BUF_INIT;
	struct quantities invalid;
	struct envelope *e;

	buf_printf(&body, "{}\n{\"type\":%s}\n%s\n", row->header, row->payload);
	e = parsed(buf_view(&body));
	assert_int_equal(e->item_count, 1);
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	assert_true(quantities_empty(&invalid));
	assert_int_equal(e->item_count, 1);
	describe(&e->held, &counts);
	if (!str_eq(buf_view(&counts), str_of(row->counts)))
		fail_msg("%s: %.*s", row->header, STR_ARG(buf_view(&counts)));
	if (item_gates(&e->items[0]) != row->gates)
		fail_msg("%s: gates", row->header);
	if (item_needs_event(&e->items[0]) != row->needs_event)
		fail_msg("%s: event", row->header);
	if (envelope_class(e) != row->class)
		fail_msg("%s: class", row->header);
	envelope_free(e);
	buf_fini(&counts);
	buf_fini(&body);
}

static void every_type_counts_as_the_protocol_says(void **state) /* P-061, P-097, P-119 */
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check_row(&rows[i]);
}

static void limits_that_stop_nothing_gate_nothing(void **state) /* P-097 */
{
	uint64_t all = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		all |= rows[i].gates;
	assert_true((all & (BIT(SPAN_INDEXED) | BIT(TRANSACTION_INDEXED) | BIT(PROFILE_INDEXED) |
				   BIT(DEFAULT) | BIT(MONITOR_SEAT) | BIT(REPLAY_VIDEO) |
				   BIT(TRANSACTION_PROCESSED) | BIT(METRIC_SECOND))) == 0);
}

static void type_names_read_back(void **state)
{
	(void)state;
	for (unsigned t = ITEM_UNKNOWN + 1; t <= ITEM_NEL; t++)
		assert_int_equal(item_type_parse(str_of(item_type_name((enum item_type)t))), t);
	/* Those of carried requests are nobody's to name. */
	for (unsigned t = ITEM_NEL + 1; t < ITEM_TYPE_COUNT; t++)
		assert_int_equal(
			item_type_parse(str_of(item_type_name((enum item_type)t))), ITEM_UNKNOWN);
	assert_int_equal(item_type_parse(STR("Event")), ITEM_UNKNOWN);
	assert_int_equal(item_type_parse(STR("")), ITEM_UNKNOWN);
	assert_int_equal(item_type_parse(STR("unknown")), ITEM_UNKNOWN);
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		assert_string_not_equal(item_class_name((enum item_class)c), "unknown");
}

static void held_of(const char *items, struct quantities *q)
{
	struct buf body = BUF_INIT;
	struct quantities invalid, sum = {{0}};
	struct envelope *e;

	buf_printf(&body, "{}\n%s", items);
	e = parsed(buf_view(&body));
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	for (size_t i = 0; i < e->item_count; i++)
		item_quantities(&e->items[i], &sum);
	assert_memory_equal(&sum, &e->held, sizeof sum); /* the sum over items is the whole */
	*q = e->held;
	envelope_free(e);
	buf_fini(&body);
}

static void one_event_counts_once_with_its_minidump(void **state) /* P-071 */
{
	static const char dump[] =
		"{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\"}\nMDMP\n";
	struct buf b = BUF_INIT;
	struct quantities q;

	(void)state;
	buf_printf(&b, "{\"type\":\"event\"}\n{}\n%s", dump);
	buf_char(&b, '\0');
	held_of(b.p, &q);
	assert_true(q.of[CAT_ERROR] == 1);
	buf_clear(&b);
	buf_printf(&b, "%s%s", dump, dump);
	buf_char(&b, '\0');
	held_of(b.p, &q);
	assert_true(q.of[CAT_ERROR] == 1);
	assert_true(q.of[CAT_ATTACHMENT] == 8);
	buf_fini(&b);
}

static void replay_parts_count_once(void **state) /* 15.3 */
{
	struct quantities q;

	(void)state;
	held_of("{\"type\":\"replay_recording\"}\nx\n{\"type\":\"replay_event\"}\n{}\n", &q);
	assert_true(q.of[CAT_REPLAY] == 1);
	held_of("{\"type\":\"replay_recording\"}\nx\n{\"type\":\"replay_video\"}\n{}\n", &q);
	assert_true(q.of[CAT_REPLAY] == 1);
}

static void no_claim_of_a_client_overflows_the_figures(void **state)
{
	struct quantities q;

	(void)state;
	held_of("{\"type\":\"sessions\"}\n{\"aggregates\":[{\"exited\":9223372036854775807},"
		"{\"exited\":9223372036854775807,\"crashed\":-5,\"errored\":1e9}]}\n",
		&q);
	assert_true(q.of[CAT_SESSION] <= UINT32_MAX);
	held_of("{\"type\":\"transaction\",\"span_count\":9223372036854775807}\n{}\n", &q);
	assert_true(q.of[CAT_SPAN] <= (uint64_t)UINT32_MAX + 1);
	held_of("{\"type\":\"attachment\"," REF ",\"attachment_length\":9223372036854775807}\n{}\n",
		&q);
	assert_true(q.of[CAT_ATTACHMENT] <= UINT64_C(1) << 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_counts_as_the_protocol_says),
		cmocka_unit_test(limits_that_stop_nothing_gate_nothing),
		cmocka_unit_test(type_names_read_back),
		cmocka_unit_test(one_event_counts_once_with_its_minidump),
		cmocka_unit_test(replay_parts_count_once),
		cmocka_unit_test(no_claim_of_a_client_overflows_the_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
