#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

#define LOGS     "\"content_type\":\"application/vnd.sentry.items.log+json\""
#define TRACED   "\"content_type\":\"application/vnd.sentry.trace-attachment\""
#define MINIDUMP "\"attachment_type\":\"event.minidump\""
#define METRICS  "\"content_type\":\"application/vnd.sentry.items.trace-metric+json\""

/* Parses, measures, and compares what is then written. */
static void expect_items(const char *body, const char *items, struct quantities *invalid)
{
	struct envelope *e = parsed(str_of(body));
	struct buf out = BUF_INIT;

	assert_int_equal(envelope_measure(e, invalid, NULL), E_OK);
	envelope_write_items(e, &out);
	assert_true(buf_ok(&out));
	assert_true(out.n <= envelope_items_bytes(e));
	assert_str(buf_view(&out), items);
	envelope_free(e);
	buf_fini(&out);
}

static void wrong_item_count_is_corrected(void **state) /* P-067 */
{
	struct quantities invalid;

	(void)state;
	expect_items("{}\n{\"type\":\"log\"," LOGS ",\"item_count\":7}\n{\"items\":[{},{}]}\n",
		"{\"type\":\"log\"," LOGS ",\"item_count\":2,\"length\":17}\n{\"items\":[{},{}]}\n",
		&invalid);
	assert_true(quantities_empty(&invalid));
	expect_items("{}\n{\"type\":\"log\",\"length\":17," LOGS "}\n{\"items\":[{},{}]}\n",
		"{\"type\":\"log\",\"length\":17," LOGS ",\"item_count\":2}\n{\"items\":[{},{}]}\n",
		&invalid);
	expect_items("{}\n{\"type\":\"log\"," LOGS ",\"item_count\":\"2\"}\n{\"items\":[{}]}\n",
		"{\"type\":\"log\"," LOGS ",\"item_count\":1,\"length\":14}\n{\"items\":[{}]}\n",
		&invalid);
	assert_true(quantities_empty(&invalid));
}

static void unreadable_containers_are_invalid(void **state) /* P-069 */
{
	struct quantities invalid;

	(void)state;
	expect_items("{}\n{\"type\":\"log\"," LOGS ",\"item_count\":2}\n{\"items\":[{\n"
		     "{\"type\":\"event\",\"length\":2}\n{}\n",
		"{\"type\":\"event\",\"length\":2}\n{}\n", &invalid);
	assert_true(invalid.of[CAT_LOG_ITEM] == 2);
	assert_true(invalid.of[CAT_LOG_BYTE] == 11);
	assert_true(invalid.of[CAT_ERROR] == 0);
	expect_items("{}\n{\"type\":\"trace_metric\"," METRICS "}\n[]\n", "", &invalid);
	assert_true(invalid.of[CAT_TRACE_METRIC] == 1);
	expect_items("{}\n{\"type\":\"log\"," LOGS "}\n{\"items\":{}}\n", "", &invalid);
	assert_true(invalid.of[CAT_LOG_ITEM] == 1);
}

static void containers_of_a_wrong_content_type_are_invalid(void **state) /* section 10 */
{
	struct quantities invalid;

	(void)state;
	expect_items("{}\n{\"type\":\"log\",\"item_count\":1}\n{\"items\":[{}]}\n", "", &invalid);
	assert_true(invalid.of[CAT_LOG_ITEM] == 1);
	expect_items("{}\n{\"type\":\"log\"," METRICS "}\n{\"items\":[{}]}\n", "", &invalid);
	assert_true(invalid.of[CAT_LOG_ITEM] == 1);
	assert_true(invalid.of[CAT_TRACE_METRIC] == 0);
	expect_items("{}\n{\"type\":\"span\"," LOGS "}\n{\"items\":[{}]}\n", "", &invalid);
	assert_true(invalid.of[CAT_SPAN] == 1);
}

static void a_container_of_later_make_is_left_to_upstream(void **state) /* P-050 */
{
	static const char *const types[] = {"log", "trace_metric", "span"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct buf body = BUF_INIT;
		struct quantities invalid;
		struct envelope *e;

		buf_printf(&body,
			"{}\n{\"type\":\"%s\",\"item_count\":2,\"content_type\":"
			"\"application/vnd.sentry.items.span.v9+cbor\"}\n\x01\x02 opaque\n",
			types[i]);
		e = parsed(buf_view(&body));
		assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
		assert_true(quantities_empty(&invalid));
		assert_int_equal(e->item_count, 1);
		assert_int_equal(e->items[0].entries, 2);
		assert_false(e->items[0].is_container);
		envelope_free(e);
		buf_fini(&body);
	}
}

static void json_set_count(struct envelope *e, size_t keep)
{
	struct item *it = &e->items[0];
	struct json_doc *d = item_payload(e, it);
	json_node list = json_get(d, json_root(d), STR("items"));

	for (json_node n = json_at(d, list, 0), next; n != JSON_NONE; n = next) {
		next = json_next(d, n);
		if (json_count(d, list) > keep)
			assert_int_equal(json_remove(d, n), E_OK);
	}
	assert_int_equal(item_set_count(e, it, keep), E_OK);
	assert_int_equal(item_settle(e, it), E_OK);
}

static void entries_that_go_are_not_counted_any_more(void **state) /* P-068 */
{
	struct envelope *e = parsed(LIT("{}\n{\"type\":\"log\"," LOGS ",\"item_count\":3}\n"
					"{\"version\":2,\"items\":[1,22,333]}\n"));
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(envelope_measure(e, NULL, NULL), E_OK);
	json_set_count(e, 1);
	envelope_write_items(e, &out);
	assert_str(buf_view(&out), "{\"type\":\"log\"," LOGS ",\"item_count\":1,\"length\":27}\n"
				   "{\"version\":2,\"items\":[333]}\n");
	assert_int_equal(envelope_measure(e, NULL, NULL), E_OK);
	assert_true(e->held.of[CAT_LOG_ITEM] == 1);
	json_set_count(e, 0);
	assert_int_equal(envelope_measure(e, NULL, NULL), E_OK);
	assert_int_equal(e->item_count, 0);
	envelope_free(e);
	buf_fini(&out);
}

static void claims_of_unreadable_containers_are_bounded(void **state)
{
	struct quantities invalid;

	(void)state;
	expect_items(
		"{}\n{\"type\":\"log\"," LOGS ",\"item_count\":4000000000}\njunk\n", "", &invalid);
	assert_true(invalid.of[CAT_LOG_ITEM] == 1);
}

static void empty_containers_go_and_nothing_is_lost(void **state) /* section 10 */
{
	struct quantities invalid;

	(void)state;
	expect_items(
		"{}\n{\"type\":\"log\"," LOGS ",\"item_count\":0}\n{\"items\":[]}\n", "", &invalid);
	assert_true(quantities_empty(&invalid));
}

static void container_metadata_survives(void **state) /* P-070 */
{
	static const char payload[] =
		"{\"version\":2,\"ingest_settings\":{\"infer_ip\":\"auto\"},"
		"\"items\":[{\"__header\":{\"byte_size\":5},\"body\":\"x\"}]}";
	struct buf body = BUF_INIT;
	struct quantities invalid;
	struct envelope *e;

	(void)state;
	buf_printf(&body, "{}\n{\"type\":\"log\"," LOGS ",\"item_count\":9}\n%s\n", payload);
	e = parsed(buf_view(&body));
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	assert_int_equal(e->items[0].entries, 1);
	assert_str(e->items[0].payload, payload);
	envelope_free(e);
	buf_fini(&body);
}

static void missing_platform_is_copied_from_the_payload(void **state) /* P-073, P-074 */
{
	struct quantities invalid;

	(void)state;
	expect_items("{}\n{\"type\":\"profile_chunk\"}\n{\"platform\":\"python\"}\n",
		"{\"type\":\"profile_chunk\",\"platform\":\"python\",\"length\":21}\n"
		"{\"platform\":\"python\"}\n",
		&invalid);
	expect_items("{}\n{\"type\":\"profile_chunk\",\"platform\":\"node\"}\n{}\n",
		"{\"type\":\"profile_chunk\",\"platform\":\"node\",\"length\":2}\n{}\n", &invalid);
	expect_items("{}\n{\"type\":\"profile_chunk_ui\"}\n{\"platform\":\"cocoa\"}\n",
		"{\"type\":\"profile_chunk_ui\",\"length\":20}\n{\"platform\":\"cocoa\"}\n",
		&invalid);
}

static void measuring_twice_gives_the_same(void **state)
{
	struct envelope *e = parsed(LIT("{}\n{\"type\":\"log\"," LOGS "}\n{\"items\":[{},{}]}\n"
					"{\"type\":\"transaction\"}\n{\"spans\":[{}]}\n"));
	struct quantities invalid, first;

	(void)state;
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	first = e->held;
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	assert_memory_equal(&first, &e->held, sizeof first);
	assert_int_equal(envelope_measure(e, NULL, NULL), E_OK);
	envelope_free(e);
}

static void only_what_no_dividing_cures_is_too_large(void **state) /* P-062; 9.3, 11.4 */
{
	static const struct {
		const char *items;
		struct item_limits limits;
		int rc;
	} cases[] = {
		{"{\"type\":\"event\"}\n12345", {.event = 5}, E_OK},
		{"{\"type\":\"event\"}\n123456", {.event = 5}, E_TOOBIG},
		{"{\"type\":\"replay_event\"}\n123456", {.event = 5}, E_TOOBIG},
		{"{\"type\":\"event\"}\n123456", {.session = 1}, E_OK},
		{"{\"type\":\"attachment\"}\n123456", {.attachment = 5}, E_TOOBIG},
		{"{\"type\":\"attachment\"}\n123\n{\"type\":\"user_report\"}\n123",
			{.attachment = 5, .attachments = 6}, E_OK},
		{"{\"type\":\"attachment\"}\n123\n{\"type\":\"user_report\"}\n1234",
			{.attachment = 5, .attachments = 6}, E_OK},
		{"{\"type\":\"attachment\"}\n1234567", {.attachments = 6}, E_TOOBIG},
		{"{\"type\":\"attachment\"}\n1\n{\"type\":\"attachment\"}\n1",
			{.attachment_count = 1}, E_OK},
		{"{\"type\":\"attachment\"," MINIDUMP "}\n1\n"
		 "{\"type\":\"attachment\"," MINIDUMP "}\n1",
			{.attachment_count = 1}, E_TOOBIG},
		{"{\"type\":\"attachment\"," MINIDUMP "}\n123\n"
		 "{\"type\":\"unreal_report\"}\n123",
			{.attachments = 5}, E_TOOBIG},
		{"{\"type\":\"event\"}\n1\n{\"type\":\"replay_event\"}\n1", {.event = 1}, E_OK},
		{"{\"type\":\"session\"}\n1\n{\"type\":\"sessions\"}\n1", {.session_count = 2},
			E_OK},
		{"{\"type\":\"session\"}\n1\n{\"type\":\"sessions\"}\n1", {.session_count = 1},
			E_OK},
		{"{\"type\":\"session\"}\n12\n{\"type\":\"session\"}\n12", {.session = 3}, E_OK},
		{"{\"type\":\"session\"}\n1234", {.session = 3}, E_TOOBIG},
		{"{\"type\":\"client_report\"}\n1\n{\"type\":\"client_report\"}\n1",
			{.client_report_count = 1}, E_OK},
		{"{\"type\":\"client_report\"}\n12", {.client_report = 1}, E_TOOBIG},
		{"{\"type\":\"span\"}\n1\n{\"type\":\"span\"}\n1", {.span_count = 1}, E_OK},
		{"{\"type\":\"span\"}\n12", {.span = 1}, E_TOOBIG},
		{"{\"type\":\"log\"}\n12", {.log = 1}, E_TOOBIG},
		{"{\"type\":\"trace_metric\"}\n12", {.trace_metric = 1}, E_TOOBIG},
		{"{\"type\":\"profile_chunk\"}\n12", {.profile = 1}, E_TOOBIG},
		{"{\"type\":\"check_in\"}\n12", {.check_in = 1}, E_TOOBIG},
		{"{\"type\":\"statsd\"}\n12", {.statsd = 1}, E_TOOBIG},
		{"{\"type\":\"metric_buckets\"}\n12", {.metric_buckets = 1}, E_TOOBIG},
		{"{\"type\":\"replay_video\"}\n12", {.replay = 1}, E_TOOBIG},
		{"{\"type\":\"brand_new\"}\n1234567", {.event = 1, .attachment = 1}, E_OK},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf body = BUF_INIT;
		struct err err = {0};
		struct envelope *e;

		buf_printf(&body, "{}\n%s\n", cases[i].items);
		e = parsed(buf_view(&body));
		if (envelope_check_limits(e, &cases[i].limits, &err) != cases[i].rc)
			fail_msg("%s: %s", cases[i].items, err.text);
		assert_true(cases[i].rc == E_OK || err.text[0] != '\0');
		envelope_free(e);
		buf_fini(&body);
	}
}

static struct str payload_with_id(const char *type, const char *header, struct buf *body)
{
	buf_printf(body,
		"{%s}\n{\"type\":\"%s\"}\n"
		"{\"event_id\":\"9EC79C33-ec99-42ab-8353-589fcb2e04dc\"}\n",
		header, type);
	return buf_view(body);
}

static void assert_id(const struct envelope *e, const char *want)
{
	char hex[EVENT_ID_HEX_BYTES];

	assert_true(e->has_event_id);
	event_id_hex(&e->event_id, hex);
	assert_string_equal(hex, want);
}

static void missing_id_is_taken_from_the_payload(void **state) /* P-055 */
{
	static const char *const types[] = {
		"event", "transaction", "feedback", "replay_event", "user_report"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct buf body = BUF_INIT, out = BUF_INIT;
		struct envelope *e =
			parsed(payload_with_id(types[i], "\"sdk\": {\"name\": \"x\"}", &body));

		assert_int_equal(envelope_identify(e, NULL), E_OK);
		assert_id(e, "9ec79c33ec9942ab8353589fcb2e04dc");
		envelope_write_header(e, &out);
		assert_str(buf_view(&out), "{\"sdk\":{\"name\":\"x\"},"
					   "\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}");
		envelope_free(e);
		buf_fini(&out);
		buf_fini(&body);
	}
}

static void header_id_wins(void **state) /* P-057 */
{
	struct buf body = BUF_INIT;
	struct envelope *e = parsed(payload_with_id(
		"event", "\"event_id\":\"11111111111111111111111111111111\"", &body));

	(void)state;
	assert_int_equal(envelope_identify(e, NULL), E_OK);
	assert_id(e, "11111111111111111111111111111111");
	envelope_free(e);
	buf_fini(&body);
}

static void neither_gives_one_new_id(void **state) /* P-056 */
{
	static const char *const bodies[] = {"{\"event_id\":null}\n{\"type\":\"event\"}\n{}",
		"{}\n{\"type\":\"event\"}\nnot json",
		"{}\n{\"type\":\"event\"}\n{\"event_id\":\"nope\"}",
		"{}\n{\"type\":\"event\"}\n{\"event_id\":\"00000000000000000000000000000000\"}",
		"{}\n{\"type\":\"attachment\"}\nx"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct envelope *e = parsed(str_of(bodies[i]));
		struct buf once = BUF_INIT, again = BUF_INIT;

		assert_int_equal(envelope_identify(e, NULL), E_OK);
		assert_true(e->has_event_id);
		assert_false(event_id_is_zero(&e->event_id));
		envelope_write_header(e, &once);
		assert_int_equal(envelope_identify(e, NULL), E_OK);
		envelope_write_header(e, &again);
		assert_true(str_eq(buf_view(&once), buf_view(&again)));
		envelope_free(e);
		e = parsed(buf_view(&once)); /* what is stored reads back as the same id */
		assert_true(e->has_event_id);
		envelope_free(e);
		buf_fini(&again);
		buf_fini(&once);
	}
}

static void envelopes_that_need_no_id_get_none(void **state) /* P-029 */
{
	static const char *const bodies[] = {"{}", "{}\n{\"type\":\"session\"}\n{}",
		"{}\n{\"type\":\"log\"}\n{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}",
		"{}\n{\"type\":\"attachment\"," TRACED "}\n{}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct envelope *e = parsed(str_of(bodies[i]));

		assert_int_equal(envelope_identify(e, NULL), E_OK);
		assert_false(e->has_event_id);
		assert_false(json_is_dirty(e->header, json_root(e->header)));
		envelope_free(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_item_count_is_corrected),
		cmocka_unit_test(unreadable_containers_are_invalid),
		cmocka_unit_test(containers_of_a_wrong_content_type_are_invalid),
		cmocka_unit_test(a_container_of_later_make_is_left_to_upstream),
		cmocka_unit_test(entries_that_go_are_not_counted_any_more),
		cmocka_unit_test(claims_of_unreadable_containers_are_bounded),
		cmocka_unit_test(empty_containers_go_and_nothing_is_lost),
		cmocka_unit_test(container_metadata_survives),
		cmocka_unit_test(missing_platform_is_copied_from_the_payload),
		cmocka_unit_test(measuring_twice_gives_the_same),
		cmocka_unit_test(only_what_no_dividing_cures_is_too_large),
		cmocka_unit_test(missing_id_is_taken_from_the_payload),
		cmocka_unit_test(header_id_wins),
		cmocka_unit_test(neither_gives_one_new_id),
		cmocka_unit_test(envelopes_that_need_no_id_get_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
