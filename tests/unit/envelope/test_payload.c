#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

#define EVENT "{\"type\":\"event\"}\n{\"a\": 1.50, \"b\":\"\\ud800\"}\n"

static struct str written(struct envelope *e, struct buf *out)
{
	buf_clear(out);
	envelope_write_items(e, out);
	return buf_view(out);
}

static void a_payload_is_indexed_once_and_shared(void **state)
{
	struct envelope *e = parsed(LIT("{}\n" EVENT));
	struct json_doc *d = item_payload(e, &e->items[0]);

	(void)state;
	assert_non_null(d);
	assert_ptr_equal(item_payload(e, &e->items[0]), d);
	envelope_free(e);
}

static void edits_are_written_once_and_the_rest_stays(void **state)
{
	struct envelope *e = parsed(LIT("{}\n" EVENT));
	struct json_doc *d = item_payload(e, &e->items[0]);
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(json_set_raw(d, json_root(d), STR("c"), STR("2")), E_OK);
	assert_int_equal(envelope_settle(e, NULL), E_OK);
	assert_str(e->items[0].payload, "{\"a\": 1.50, \"b\":\"\\ud800\",\"c\":2}");
	assert_int_equal(envelope_settle(e, NULL), E_OK);
	assert_str(written(e, &out), "{\"type\":\"event\",\"length\":31}\n"
				     "{\"a\": 1.50, \"b\":\"\\ud800\",\"c\":2}\n");
	assert_non_null(item_payload(e, &e->items[0]));
	buf_fini(&out);
	envelope_free(e);
}

static void what_is_read_but_not_edited_stays_where_it_is(void **state)
{
	struct envelope *e = parsed(LIT("{}\n" EVENT));
	const char *before = e->items[0].payload.p;

	(void)state;
	assert_non_null(item_payload(e, &e->items[0]));
	assert_int_equal(envelope_settle(e, NULL), E_OK);
	assert_ptr_equal(e->items[0].payload.p, before);
	envelope_free(e);
}

static void what_is_no_json_has_no_document(void **state)
{
	struct envelope *e = parsed(LIT("{}\n{\"type\":\"attachment\"}\nMDMP\n"));

	(void)state;
	assert_null(item_payload(e, &e->items[0]));
	assert_null(item_payload(e, &e->items[0]));
	assert_int_equal(envelope_settle(e, NULL), E_OK);
	assert_str(e->items[0].payload, "MDMP");
	envelope_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_payload_is_indexed_once_and_shared),
		cmocka_unit_test(edits_are_written_once_and_the_rest_stays),
		cmocka_unit_test(what_is_read_but_not_edited_stays_where_it_is),
		cmocka_unit_test(what_is_no_json_has_no_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
