#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

/* What parse and write make of an envelope. */
static struct buf written(struct envelope *e)
{
	struct buf out = BUF_INIT;

	envelope_write_header(e, &out);
	buf_char(&out, '\n');
	envelope_write_items(e, &out);
	assert_true(buf_ok(&out));
	return out;
}

static void expect_written(struct str body, struct str want)
{
	struct envelope *e = parsed(body);
	struct buf out = written(e);

	if (!str_eq(buf_view(&out), want))
		fail_msg("%.*s", STR_ARG(buf_view(&out)));
	envelope_free(e);
	buf_fini(&out);
}

static void normative_envelopes_are_copied(void **state) /* P-050, P-052 */
{
	static const char *const bodies[] = {"{}\n", "{\"mine\":[1.50,\"\\u00e9\",{\"a\":null}]}\n",
		"{}\n{\"length\":1,\"type\":\"brand_new\",\"mine\":{\"x\":[1e400]}}\nx\n",
		"{}\n{\"type\":\"nel\",\"length\":0}\n\n{\"type\":\"x\",\"length\":2}\na\n\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		expect_written(str_of(bodies[i]), str_of(bodies[i]));
}

static void payloads_are_written_byte_for_byte(void **state) /* P-035, P-118 */
{
	struct str body =
		LIT("{}\n{\"type\":\"attachment\",\"length\":15}\n"
		    "\xef\xbb\xbf\r\n\n\0\xff\"}{\\\r\n\n\n"
		    "{\"type\":\"event\",\"length\":65}\n"
		    "{\"a\":18446744073709551615,\"\\u0000\":\"\\ud800\",\"b\":1e400,\"c\":[[]]}  "
		    "\n");

	(void)state;
	expect_written(body, body);
}

static void length_is_always_written_and_right(void **state) /* P-052 */
{
	(void)state;
	expect_written(
		LIT("{}\n{\"type\":\"x\"}\nabc"), LIT("{}\n{\"type\":\"x\",\"length\":3}\nabc\n"));
	expect_written(LIT("{}\n{\"type\":\"x\",\"length\":null}\nabc\n"),
		LIT("{}\n{\"type\":\"x\",\"length\":3}\nabc\n"));
	expect_written(LIT("{}\n{\"length\":null , \"type\":\"x\"}\nabc\n"),
		LIT("{}\n{\"length\":3,\"type\":\"x\"}\nabc\n"));
	expect_written(LIT("{}\n{\"len\\u0067th\":3,\"type\":\"x\"}\nabc\n"),
		LIT("{}\n{\"len\\u0067th\":3,\"type\":\"x\"}\nabc\n"));
}

static void headers_become_one_compact_line(void **state) /* P-052 */
{
	(void)state;
	expect_written(LIT(" {\n \"a b\" : \"c \\\" d\" ,\t\"e\":[ 1 , 2 ]\r\n}\n"
			   "{ \"type\" : \"x y\\\\\" , \"length\" : 1 }\n!\n"),
		LIT("{\"a b\":\"c \\\" d\",\"e\":[1,2]}\n"
		    "{\"type\":\"x y\\\\\",\"length\":1}\n!\n"));
}

static void newlines_at_the_end_are_not_emitted(void **state) /* P-044 */
{
	(void)state;
	expect_written(LIT("{}\n\n{\"type\":\"x\",\"length\":1}\n!\n\n\n"),
		LIT("{}\n{\"type\":\"x\",\"length\":1}\n!\n"));
}

static void changed_payload_gets_its_length(void **state) /* 6.4 */
{
	struct envelope *e = parsed(LIT("{}\n{\"type\":\"x\",\"length\":3}\nabc\n"));
	struct buf out;

	(void)state;
	e->items[0].payload = STR("0123456789ab");
	out = written(e);
	assert_str(buf_view(&out), "{}\n{\"type\":\"x\",\"length\":12}\n0123456789ab\n");
	envelope_free(e);
	buf_fini(&out);
}

static void edited_header_is_written_with_its_length(void **state)
{
	struct envelope *e = parsed(LIT("{}\n{\"type\":\"x\", \"length\":3,\"big\":1e400}\nabc\n"
					"{\"type\":\"y\"}\n\n"));
	struct buf out;
	struct json_doc *d;

	(void)state;
	d = item_header(e, &e->items[0]);
	assert_non_null(d);
	assert_ptr_equal(d, item_header(e, &e->items[0]));
	assert_int_equal(json_set_string(d, json_root(d), STR("filename"), STR("a\"b")), E_OK);
	e->items[0].payload = STR("ab");
	d = item_header(e, &e->items[1]);
	assert_int_equal(json_set_raw(d, json_root(d), STR("n"), STR("1")), E_OK);
	out = written(e);
	assert_true(out.n <= envelope_items_bytes(e) + 3);
	assert_str(buf_view(&out),
		"{}\n{\"type\":\"x\",\"length\":2,\"big\":1e400,\"filename\":\"a\\\"b\"}\nab\n"
		"{\"type\":\"y\",\"n\":1,\"length\":0}\n\n");
	envelope_free(e);
	buf_fini(&out);
}

static void header_edits_are_kept(void **state) /* P-058 */
{
	struct envelope *e = parsed(LIT("{\"dsn\":\"http://k@h/1\",\"x\":1,\"x\":2}\n"));
	struct buf out = BUF_INIT;
	char key[] = "dsn", value[] = "https://other@up/2";

	(void)state;
	assert_int_equal(envelope_set_header_string(e, str_of(key), str_of(value)), E_OK);
	memset(key, 'X', 3); /* copies were taken */
	memset(value, 'X', 5);
	assert_int_equal(envelope_set_header_string(e, STR("new"), STR("\n")), E_OK);
	assert_int_equal(envelope_delete_header(e, STR("x")), E_OK);
	assert_int_equal(envelope_delete_header(e, STR("absent")), E_OK);
	envelope_write_header(e, &out);
	assert_str(buf_view(&out), "{\"dsn\":\"https://other@up/2\",\"new\":\"\\n\"}");
	envelope_free(e);
	buf_fini(&out);
}

static void new_envelope_can_be_written(void **state)
{
	struct envelope *e = envelope_new();
	struct buf out;

	(void)state;
	assert_true(e->from.peer_uid == -1);
	out = written(e);
	assert_str(buf_view(&out), "{}\n");
	buf_fini(&out);
	assert_int_equal(envelope_delete_header(e, STR("x")), E_OK);
	assert_int_equal(envelope_set_header_string(e, STR("a"), STR("b")), E_OK);
	out = written(e);
	assert_str(buf_view(&out), "{\"a\":\"b\"}\n");
	buf_fini(&out);
	envelope_free(e);
	envelope_free(NULL);
}

static void sent_at_is_put_in_front(void **state) /* P-138 */
{
	struct buf out = BUF_INIT;

	(void)state;
	envelope_write_sent_at(STR("{}"), 1500000, &out);
	assert_str(buf_view(&out), "{\"sent_at\":\"1970-01-01T00:00:01.500000Z\"}");
	buf_clear(&out);
	envelope_write_sent_at(STR("{\"a\":1}"), 0, &out);
	assert_str(buf_view(&out), "{\"sent_at\":\"1970-01-01T00:00:00.000000Z\",\"a\":1}");
	buf_clear(&out);
	envelope_write_sent_at(STR_EMPTY, 0, &out);
	assert_str(buf_view(&out), "{\"sent_at\":\"1970-01-01T00:00:00.000000Z\"}");
	buf_fini(&out);
}

static struct envelope *measured(struct str body)
{
	struct envelope *e = parsed(body);

	assert_int_equal(envelope_measure(e, NULL, NULL), E_OK);
	return e;
}

static void removed_items_leave_the_figures(void **state) /* P-068 */
{
	struct envelope *e =
		measured(LIT("{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"attachment\"}\nabc\n"
			     "{\"type\":\"check_in\"}\n{}\n"));
	struct buf out;

	(void)state;
	envelope_remove_item(e, 1);
	envelope_remove_item(e, 7);
	assert_int_equal(e->item_count, 2);
	assert_true(e->held.of[CAT_ATTACHMENT] == 0);
	assert_true(e->held.of[CAT_ATTACHMENT_ITEM] == 0);
	assert_true(e->held.of[CAT_ERROR] == 1);
	out = written(e);
	assert_str(buf_view(&out), "{}\n{\"type\":\"event\",\"length\":2}\n{}\n"
				   "{\"type\":\"check_in\",\"length\":2}\n{}\n");
	buf_fini(&out);
	envelope_remove_item(e, 0);
	envelope_remove_item(e, 0);
	assert_true(quantities_empty(&e->held));
	envelope_free(e);
}

#define BIT(c) (UINT64_C(1) << CAT_##c)

#define EVENT_AND_ALL                                                                              \
	"{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"attachment\"}\nabc\n"                           \
	"{\"type\":\"user_report\"}\n{}\n{\"type\":\"session\"}\n{}\n"                             \
	"{\"type\":\"client_report\"}\n{}\n{\"type\":\"attachment\",\"content_type\":"             \
	"\"application/vnd.sentry.trace-attachment\"}\n{}\n"
#define DUMP                                                                                       \
	"{}\n{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\"}\nMDMP\n"             \
	"{\"type\":\"attachment\"}\nabc\n"
#define TRANSACTION                                                                                \
	"{}\n{\"type\":\"transaction\"}\n{\"spans\":[{},{}]}\n{\"type\":\"profile\"}\n{}\n"

static void limits_take_what_is_bound_along(void **state) /* P-089, P-098, P-099, P-103 */
{
	static const struct {
		const char *body;
		uint64_t limits;
		const char *left;
	} cases[] = {
		{EVENT_AND_ALL, 0,
			"event attachment user_report session client_report attachment "},
		{EVENT_AND_ALL, BIT(ERROR), "session client_report attachment "},
		{EVENT_AND_ALL, BIT(ATTACHMENT), "event user_report session client_report "},
		{EVENT_AND_ALL, BIT(FEEDBACK),
			"event attachment session client_report attachment "},
		{EVENT_AND_ALL, BIT(SESSION),
			"event attachment user_report client_report attachment "},
		{EVENT_AND_ALL, UINT64_MAX, "client_report "},
		{EVENT_AND_ALL, BIT(SPAN_INDEXED),
			"event attachment user_report session client_report attachment "},
		{DUMP, BIT(ATTACHMENT), "attachment "},
		{DUMP, BIT(ERROR), ""},
		{TRANSACTION, BIT(TRANSACTION), ""},
		{TRANSACTION, BIT(PROFILE), "transaction "},
		{TRANSACTION, BIT(SPAN), "transaction profile "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct envelope *e = measured(str_of(cases[i].body));
		struct quantities whole = e->held, removed = {{0}};
		size_t before = e->item_count, n;
		struct buf left = BUF_INIT;

		n = envelope_remove_limited(e, cases[i].limits, &removed);
		assert_int_equal(n + e->item_count, before);
		for (size_t k = 0; k < e->item_count; k++)
			buf_printf(&left, "%s ", item_type_name(e->items[k].type));
		if (!str_eq(buf_view(&left), str_of(cases[i].left)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_view(&left)));
		quantities_merge(&removed, &e->held); /* nothing is lost in between */
		assert_memory_equal(&whole, &removed, sizeof whole);
		envelope_free(e);
		buf_fini(&left);
	}
}

static void most_urgent_item_gives_the_class(void **state) /* design 8 */
{
	static const struct {
		const char *body;
		enum item_class want;
	} cases[] = {
		{"{}", CLASS_BULK},
		{"{}\n{\"type\":\"attachment\"}\nx\n", CLASS_BULK},
		{"{}\n{\"type\":\"log\"}\nx\n{\"type\":\"event\"}\nx\n", CLASS_ERROR},
		{"{}\n{\"type\":\"event\"}\nx\n{\"type\":\"session\"}\nx\n", CLASS_CHECK_IN},
		{"{}\n{\"type\":\"transaction\"}\nx\n{\"type\":\"attachment\"}\nx\n", CLASS_TRACE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct envelope *e = parsed(str_of(cases[i].body));

		assert_int_equal(envelope_class(e), cases[i].want);
		envelope_free(e);
	}
}

/* Everything an envelope does, in an arena with a bound that is one step larger
 * at each try: each try ends well or with E_NOMEM. */
static int live_in(size_t limit_bytes)
{
	struct envelope e;
	struct buf out = BUF_INIT;
	struct json_doc *d;
	int rc;

	memset(&e, 0, sizeof e);
	e.arena = arena_new(0, limit_bytes);
	assert_non_null(e.arena);
	rc = envelope_parse(&e,
		LIT("{\"dsn\":\"https:\\/\\/k@h/1\"}\n{\"type\":\"br\\u0061nd_new\"}\nx\n"
		    "{\"type\":\"log\",\"content_type\":\"application/"
		    "vnd.sentry.items.log+json\"}\n"
		    "{\"items\":[{}]}\n{\"type\":\"profile_chunk\"}\n{\"platform\":\"python\"}\n"
		    "{\"type\":\"event\"}\n{}\n"),
		NULL, NULL);
	if (rc == E_OK)
		rc = envelope_identify(&e, NULL);
	if (rc == E_OK)
		rc = envelope_measure(&e, NULL, NULL);
	if (rc == E_OK) {
		d = item_header(&e, &e.items[0]);
		rc = d != NULL ? json_set_string(d, json_root(d), STR("a"), STR("b")) : E_NOMEM;
	}
	if (rc == E_OK) {
		envelope_write_items(&e, &out);
		rc = buf_ok(&out) ? E_OK : E_NOMEM;
	}
	buf_fini(&out);
	arena_free(e.arena);
	return rc;
}

static void no_memory_is_told_at_every_step(void **state)
{
	size_t limit = 1;
	unsigned failures = 0;
	int rc;

	(void)state;
	while ((rc = live_in(limit)) != E_OK) {
		assert_int_equal(rc, E_NOMEM);
		failures++;
		limit += 16;
		assert_true(limit < 1u << 20);
	}
	assert_true(failures > 20);
}

static bool is_as_received(struct envelope *e)
{
	struct buf out = written(e);
	bool same = str_eq(buf_view(&out), e->body);

	buf_fini(&out);
	if (envelope_is_as_received(e))
		assert_true(same); /* the promise */
	return envelope_is_as_received(e);
}

static void only_what_would_be_written_so_is_as_received(void **state)
{
	static const struct {
		const char *body;
		bool want;
	} rows[] = {
		{"{\"sent_at\":\"2026-01-01T00:00:00Z\"}\n{\"type\":\"event\",\"length\":2}\n{}\n",
			true},
		{"{}\n", true},
		{"{}\n{\"type\":\"a\",\"length\":0}\n\n{\"type\":\"b\",\"length\":1}\n\n\n", true},
		{"{}", false},
		{" {}\n", false},
		{"{ }\n{\"type\":\"event\",\"length\":2}\n{}\n", false},
		{"{}\n{\"type\":\"event\",\"length\":2}\n{}", false},
		{"{}\n{\"type\":\"event\"}\n{}\n", false},
		{"{}\n{\"type\": \"event\",\"length\":2}\n{}\n", false},
		{"{}\n\n{\"type\":\"event\",\"length\":2}\n{}\n", false},
		{"{}\n{\"type\":\"event\",\"length\":2}\n{}\n\n", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct envelope *e = parsed(str_of(rows[i].body));

		if (is_as_received(e) != rows[i].want)
			fail_msg("%s", rows[i].body);
		envelope_free(e);
	}
}

static void an_edit_is_seen_wherever_it_was(void **state)
{
	const char *body =
		"{}\n{\"type\":\"a\",\"length\":1}\nx\n{\"type\":\"b\",\"length\":1}\ny\n";
	struct envelope *e;

	(void)state;
	for (unsigned what = 0; what < 5; what++) {
		struct json_doc *d;

		e = parsed(str_of(body));
		d = item_header(e, &e->items[1]);
		if (what == 1)
			assert_int_equal(envelope_set_header_string(e, STR("k"), STR("v")), E_OK);
		else if (what == 2)
			envelope_remove_item(e, 1);
		else if (what == 3)
			e->items[0].payload = STR("z");
		else if (what == 4)
			assert_int_equal(
				json_set_string(d, json_root(d), STR("k"), STR("v")), E_OK);
		assert_int_equal(is_as_received(e), what == 0);
		envelope_free(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normative_envelopes_are_copied),
		cmocka_unit_test(payloads_are_written_byte_for_byte),
		cmocka_unit_test(length_is_always_written_and_right),
		cmocka_unit_test(headers_become_one_compact_line),
		cmocka_unit_test(newlines_at_the_end_are_not_emitted),
		cmocka_unit_test(changed_payload_gets_its_length),
		cmocka_unit_test(edited_header_is_written_with_its_length),
		cmocka_unit_test(header_edits_are_kept),
		cmocka_unit_test(new_envelope_can_be_written),
		cmocka_unit_test(sent_at_is_put_in_front),
		cmocka_unit_test(removed_items_leave_the_figures),
		cmocka_unit_test(limits_take_what_is_bound_along),
		cmocka_unit_test(most_urgent_item_gives_the_class),
		cmocka_unit_test(no_memory_is_told_at_every_step),
		cmocka_unit_test(only_what_would_be_written_so_is_as_received),
		cmocka_unit_test(an_edit_is_seen_wherever_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
