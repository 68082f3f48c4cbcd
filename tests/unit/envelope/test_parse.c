#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "envelope/envelope.h"
#include "unit/envelope/support.h"

static void expect(struct str body, int want)
{
	struct envelope *e = envelope_new();
	struct err err = {0};
	int rc;

	assert_non_null(e);
	rc = envelope_parse(e, body, NULL, &err);
	if (rc != want)
		fail_msg("%.*s: %s, not %s (%s)", STR_ARG(str_first(body, 80)), err_name(rc),
			err_name(want), err.text);
	if (want != E_OK)
		assert_true(err.text[0] != '\0');
	envelope_free(e);
}

static void empty_body_is_malformed(void **state) /* P-015 */
{
	(void)state;
	expect(STR_EMPTY, E_SYNTAX);
	expect(LIT(" \n"), E_SYNTAX);
	expect(LIT("\n\n"), E_SYNTAX);
}

static void header_only_is_valid_and_has_no_items(void **state) /* P-030 */
{
	struct envelope *e;

	(void)state;
	e = parsed(LIT("{}"));
	assert_int_equal(e->item_count, 0);
	assert_false(e->has_event_id);
	envelope_free(e);
	e = parsed(LIT("{}\n"));
	assert_int_equal(e->item_count, 0);
	envelope_free(e);
}

static void last_newline_may_be_missing(void **state) /* P-036 */
{
	struct envelope *e;

	(void)state;
	e = parsed(LIT("{}\n{\"type\":\"event\",\"length\":2}\n{}"));
	assert_int_equal(e->item_count, 1);
	assert_str(e->items[0].payload, "{}");
	envelope_free(e);
}

static void two_empty_attachments_in_both_forms(void **state) /* P-037 */
{
	static const char *const forms[] = {"{}\n{\"type\":\"attachment\",\"length\":0}\n\n{"
					    "\"type\":\"attachment\",\"length\":0}",
		"{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":"
		"0}\n",
		"{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":"
		"0}\n\n",
		"{}\n{\"type\":\"attachment\"}\n\n{\"type\":\"attachment\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		struct envelope *e = parsed(str_of(forms[i]));

		assert_int_equal(e->item_count, 2);
		assert_int_equal(e->items[0].payload.n, 0);
		assert_int_equal(e->items[1].payload.n, 0);
		envelope_free(e);
	}
}

static void implicit_length_ends_at_lf_or_end(void **state) /* P-038, P-039 */
{
	struct envelope *e;

	(void)state;
	e = parsed(LIT("{}\n{\"type\":\"log\"}\n{\"items\":[{}]}\n"));
	assert_str(e->items[0].payload, "{\"items\":[{}]}");
	envelope_free(e);
	e = parsed(LIT("{}\n{\"type\":\"log\",\"length\":null}\n{\"items\":[{}]}"));
	assert_str(e->items[0].payload, "{\"items\":[{}]}");
	envelope_free(e);
	e = parsed(LIT("{}\n{\"type\":\"x\"}\nabc\r\n"));
	assert_str(e->items[0].payload, "abc\r");
	envelope_free(e);
}

static void byte_after_payload_must_be_lf(void **state) /* P-040, P-041 */
{
	(void)state;
	expect(LIT("{}\n{\"type\":\"x\",\"length\":3}\nabcd\n"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\",\"length\":3}\nabc\r\n"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\",\"length\":5}\nabcd"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\",\"length\":1}"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\",\"length\":4294967295}\nabc"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\",\"length\":0}"), E_OK);
	expect(LIT("{}\n{\"type\":\"x\"}"), E_OK);
}

static void byte_after_header_must_be_lf(void **state) /* P-042 */
{
	(void)state;
	expect(LIT("{}\r\n{\"type\":\"x\"}\na"), E_SYNTAX);
	expect(LIT("{} \n{\"type\":\"x\"}\na"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\"}\r\na"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\"} \na"), E_SYNTAX);
	expect(LIT("{}x"), E_SYNTAX);
}

static void blank_lines_before_headers_and_at_the_end(void **state) /* P-043, P-044 */
{
	struct envelope *e;

	(void)state;
	e = parsed(LIT("\n {}\n\r\n \t{\"type\":\"x\"}\na\n\n\n"));
	assert_int_equal(e->item_count, 1);
	assert_str(e->items[0].payload, "a");
	envelope_free(e);
	e = parsed(LIT("{\n\"event_id\":\n\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n"));
	assert_true(e->has_event_id);
	envelope_free(e);
}

static void bad_lengths_are_malformed(void **state) /* P-045 */
{
	static const char *const bad[] = {
		"-1", "1.5", "\"5\"", "4294967296", "true", "[]", "1e0", "18446744073709551616"};
	char body[128];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		(void)snprintf(
			body, sizeof body, "{}\n{\"type\":\"x\",\"length\":%s}\na\n", bad[i]);
		expect(str_of(body), E_SYNTAX);
	}
}

static void item_without_type_is_malformed(void **state) /* P-046 */
{
	(void)state;
	expect(LIT("{}\n{}\na"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":null}\na"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":5}\na"), E_SYNTAX);
	expect(LIT("{}\n[]\na"), E_SYNTAX);
	expect(LIT("[]\n"), E_SYNTAX);
	expect(LIT("null"), E_SYNTAX);
	expect(LIT("{\"a\":}\n"), E_SYNTAX);
	expect(LIT("{\"a\"]}\n"), E_SYNTAX);
	expect(LIT("{\n"), E_SYNTAX);
}

static void invalid_utf8_is_refused_in_headers_only(void **state) /* P-047 */
{
	struct envelope *e;

	(void)state;
	expect(LIT("{\"a\":\"\xff\"}\n"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\",\"n\":\"\xc3\"}\na"), E_SYNTAX);
	expect(LIT("{\"a\":\"one\ntwo\"}\n"), E_SYNTAX); /* could not be one line again */
	e = parsed(LIT("{}\n{\"type\":\"x\"}\n\xff\xfe\n"));
	assert_str(e->items[0].payload, "\xff\xfe");
	envelope_free(e);
}

static void duplicate_known_keys_are_malformed(void **state) /* P-048 */
{
	(void)state;
	expect(LIT("{\"sent_at\":null,\"sent_at\":null}"), E_SYNTAX);
	expect(LIT("{\"sdk\":{},\"sdk\":{}}"), E_SYNTAX);
	expect(LIT("{\"sent_at\":null,\"sent\\u005fat\":null}"), E_SYNTAX);
	expect(LIT("{}\n{\"type\":\"x\",\"type\":\"x\"}\na"), E_SYNTAX);
	expect(LIT("{\"mine\":1,\"mine\":2}"), E_OK);
}

static void bad_known_values_are_malformed_but_trace_is_not(void **state) /* P-049 */
{
	(void)state;
	expect(LIT("{\"event_id\":\"nope\"}"), E_SYNTAX);
	expect(LIT("{\"event_id\":5}"), E_SYNTAX);
	expect(LIT("{\"event_id\":null,\"sent_at\":null,\"dsn\":null}"), E_OK);
	expect(LIT("{\"sent_at\":\"2026-01-01T00:00:00\"}"), E_SYNTAX);
	expect(LIT("{\"sent_at\":1}"), E_SYNTAX);
	expect(LIT("{\"dsn\":\"nope\"}"), E_SYNTAX);
	expect(LIT("{\"trace\":5}"), E_OK);
	expect(LIT("{\"trace\":{\"public_key\":7}}"), E_OK);
}

static void integration_items_are_refused(void **state) /* P-051 */
{
	(void)state;
	expect(LIT("{}\n{\"type\":\"integration\"}\na"), E_SYNTAX);
}

static void header_fields_are_read(void **state)
{
	struct envelope *e;
	char hex[EVENT_ID_HEX_BYTES];

	(void)state;
	e = parsed(LIT("{\"event_id\":\"9EC79C33-ec99-42ab-8353-589fcb2e04dc\","
		       "\"dsn\":\"https://k@h/42\",\"sent_at\":\"1970-01-01T00:00:01.5Z\","
		       "\"trace\":{\"public_key\":\"abc\"}}\n"));
	event_id_hex(&e->event_id, hex);
	assert_string_equal(hex, "9ec79c33ec9942ab8353589fcb2e04dc");
	assert_true(e->has_sent_at);
	assert_int_equal(e->sent_at_us, 1500000);
	assert_str(e->dsn, "https://k@h/42");
	assert_str(e->trace_key, "abc");
	envelope_free(e);
}

static void unknown_types_are_kept(void **state) /* P-050 */
{
	struct envelope *e;

	(void)state;
	e = parsed(LIT("{}\n{\"type\":\"br\\u0061nd_new\"}\na\n"));
	assert_int_equal(e->items[0].type, ITEM_UNKNOWN);
	assert_str(e->items[0].type_name, "brand_new");
	envelope_free(e);
}

static void limits_are_too_big(void **state)
{
	struct envelope_limits limits = {.max_items = 2, .max_header_bytes = 64};
	struct str two = LIT("{}\n{\"type\":\"x\"}\na\n{\"type\":\"x\"}\na\n");
	struct str three = LIT("{}\n{\"type\":\"x\"}\na\n{\"type\":\"x\"}\na\n{\"type\":\"x\"}\na");
	struct str wide = LIT("{\"a\":\"0123456789012345678901234567890123456789"
			      "0123456789012345678901234567890\"}");
	struct str body[] = {two, three, wide};
	int want[] = {E_OK, E_TOOBIG, E_TOOBIG};
	char deep[300];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct envelope *e = envelope_new();

		assert_int_equal(envelope_parse(e, body[i], &limits, NULL), want[i]);
		envelope_free(e);
	}
	(void)snprintf(deep, sizeof deep, "{\"a\":");
	memset(deep + 5, '[', 100);
	memset(deep + 105, ']', 100);
	memcpy(deep + 205, "}", 2);
	expect(str_of(deep), E_TOOBIG);
}

static double seconds_to_parse(struct str body, size_t items)
{
	struct envelope *e = envelope_new();
	clock_t start = clock();

	assert_int_equal(envelope_parse(e, body, NULL, NULL), E_OK);
	assert_int_equal(e->item_count, items);
	envelope_free(e);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void hundred_thousand_items_parse(void **state) /* P-053 */
{
	struct buf b = BUF_INIT;
	struct envelope *e = envelope_new();

	(void)state;
	buf_cstr(&b, "{}\n");
	for (unsigned i = 0; i < 100000; i++)
		buf_cstr(&b, "{\"type\":\"x\",\"length\":1}\na\n");
	assert_true(buf_ok(&b));
	print_message("100000 items: %.3f s\n", seconds_to_parse(buf_view(&b), 100000));
	/* What linear means without a clock: memory of a bounded size per item. */
	assert_int_equal(envelope_parse(e, buf_view(&b), NULL, NULL), E_OK);
	assert_true(arena_bytes(e->arena) < 100000 * (sizeof(struct item) + 64));
	envelope_free(e);
	buf_cstr(&b, "{\"type\":\"x\"}\na\n");
	expect(buf_view(&b), E_TOOBIG);
	buf_fini(&b);
}

static void faults_name_the_item_but_never_quote(void **state)
{
	struct envelope *e = envelope_new();
	struct err err = {0};

	(void)state;
	assert_int_equal(
		envelope_parse(e,
			LIT("{}\n{\"type\":\"x\"}\na\n{\"type\":\"secret\",\"length\":-1}\n"), NULL,
			&err),
		E_SYNTAX);
	assert_string_equal(
		err.text, "item 2 at byte 18: length is not an integer from 0 to 4294967295");
	envelope_free(e);
}

static void peek_takes_the_dsn_of_line_one(void **state) /* P-021, P-022 */
{
	static const char *const bad[] = {"", "{}", "{\"dsn\":5}", "{\"dsn\":\"\"}", "[]", "nope",
		"{\"dsn\":\"ftp://k@h/1\"}", "{\n\"dsn\":\"https://k@h/1\"}"};
	struct arena *a = arena_new(0, 0);
	struct str dsn;

	(void)state;
	assert_int_equal(
		envelope_peek_dsn(LIT("{\"dsn\":\"https:\\/\\/k@h/42\"}\n{..."), a, &dsn, NULL),
		E_OK);
	assert_str(dsn, "https://k@h/42");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(envelope_peek_dsn(str_of(bad[i]), a, &dsn, NULL), E_UNAUTHORIZED);
		assert_int_equal(dsn.n, 0);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_body_is_malformed),
		cmocka_unit_test(header_only_is_valid_and_has_no_items),
		cmocka_unit_test(last_newline_may_be_missing),
		cmocka_unit_test(two_empty_attachments_in_both_forms),
		cmocka_unit_test(implicit_length_ends_at_lf_or_end),
		cmocka_unit_test(byte_after_payload_must_be_lf),
		cmocka_unit_test(byte_after_header_must_be_lf),
		cmocka_unit_test(blank_lines_before_headers_and_at_the_end),
		cmocka_unit_test(bad_lengths_are_malformed),
		cmocka_unit_test(item_without_type_is_malformed),
		cmocka_unit_test(invalid_utf8_is_refused_in_headers_only),
		cmocka_unit_test(duplicate_known_keys_are_malformed),
		cmocka_unit_test(bad_known_values_are_malformed_but_trace_is_not),
		cmocka_unit_test(integration_items_are_refused),
		cmocka_unit_test(header_fields_are_read),
		cmocka_unit_test(unknown_types_are_kept),
		cmocka_unit_test(limits_are_too_big),
		cmocka_unit_test(hundred_thousand_items_parse),
		cmocka_unit_test(faults_name_the_item_but_never_quote),
		cmocka_unit_test(peek_takes_the_dsn_of_line_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
