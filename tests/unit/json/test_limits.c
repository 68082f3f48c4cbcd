/* Bounds: depth, nodes, bytes, and an arena that runs out at every point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "doc_util.h"

/* n arrays and objects inside each other. */
static void nest(struct buf *b, int n)
{
	int i;

	for (i = 0; i < n; i++)
		buf_cstr(b, i % 2 == 0 ? "[" : "{\"k\":");
	buf_cstr(b, "1");
	for (i = n - 1; i >= 0; i--)
		buf_cstr(b, i % 2 == 0 ? "]" : "}");
}

static int parse_limited(struct str text, struct json_limits l)
{
	struct arena *a = arena_new(0, 0);
	struct json_doc *d = NULL;
	struct err err;
	int rc = json_parse(&d, a, text, &l, &err);

	assert_true(rc == E_OK || err.text[0] != '\0');
	arena_free(a);
	return rc;
}

/* P-118: nesting of 5000 costs no event. */
static void nesting_of_5000_is_read_edited_and_written(void **state)
{
	struct buf text = BUF_INIT, want = BUF_INIT;
	struct fixture f;
	json_node n;
	int i;

	(void)state;
	nest(&text, 5000);
	open_doc(&f, buf_view(&text));
	buf_char(&text, '\0');
	expect(&f, text.p);
	for (i = 0, n = json_root(f.d); i < 5000; i++)
		n = json_first(f.d, n);
	assert_int_equal(json_replace_raw(f.d, n, STR("[2]")), E_OK);
	assert_true(json_is_dirty(f.d, json_root(f.d)));
	buf_add(&want, text.p, str_find_char(buf_view(&text), '1'));
	buf_cstr(&want, "[2]");
	buf_cstr(&want, strchr(text.p, '1') + 1);
	buf_char(&want, '\0');
	expect(&f, want.p);
	expect_node(&f, json_root(f.d), true, want.p);
	close_doc(&f);
	buf_fini(&text);
	buf_fini(&want);
}

static void depth_is_bounded(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	nest(&text, 10000);
	assert_int_equal(parse_limited(buf_view(&text), (struct json_limits){0, 0, 0}), E_OK);
	buf_clear(&text);
	nest(&text, 10001);
	assert_int_equal(parse_limited(buf_view(&text), (struct json_limits){0, 0, 0}), E_TOOBIG);
	assert_int_equal(parse_limited(buf_view(&text), (struct json_limits){10001, 0, 0}), E_OK);
	buf_clear(&text);
	nest(&text, 1000000);
	assert_int_equal(parse_limited(buf_view(&text), (struct json_limits){1000000, 0, 0}), E_OK);
	assert_int_equal(parse_limited(STR("[[]]"), (struct json_limits){1, 0, 0}), E_OK);
	assert_int_equal(parse_limited(STR("[[1]]"), (struct json_limits){1, 0, 0}), E_TOOBIG);
	assert_int_equal(parse_limited(STR("1"), (struct json_limits){1, 0, 0}), E_OK);
	buf_fini(&text);
}

static void nodes_are_bounded_exactly(void **state)
{
	struct buf text = BUF_INIT;
	uint32_t n, i;

	(void)state;
	for (n = 1; n < 300; n++) {
		buf_clear(&text);
		buf_char(&text, '[');
		for (i = 1; i < n; i++)
			buf_cstr(&text, i > 1 ? ",1" : "1");
		buf_char(&text, ']');
		assert_int_equal(
			parse_limited(buf_view(&text), (struct json_limits){0, n, 0}), E_OK);
		if (n > 1)
			assert_int_equal(
				parse_limited(buf_view(&text), (struct json_limits){0, n - 1, 0}),
				E_TOOBIG);
	}
	assert_int_equal(
		parse_limited(buf_view(&text), (struct json_limits){0, UINT32_MAX, 0}), E_OK);
	buf_fini(&text);
}

static void bytes_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(parse_limited(STR("[1]"), (struct json_limits){0, 0, 3}), E_OK);
	assert_int_equal(parse_limited(STR("[1]"), (struct json_limits){0, 0, 2}), E_TOOBIG);
	assert_int_equal(parse_limited(STR("[1]"), (struct json_limits){0, 0, SIZE_MAX}), E_OK);
}

/* A document of ordinary shape takes little more memory than its text; the
 * worst one, digits and commas, a bounded multiple. */
static void memory_is_a_small_multiple_of_the_text(void **state)
{
	struct buf text = BUF_INIT;
	struct fixture f;
	int i;

	(void)state;
	for (i = 0; i < 3000; i++)
		buf_printf(&text, "%c{\"filename\":\"app/models/order.rb\",\"lineno\":%d}",
			i == 0 ? '[' : ',', i);
	buf_char(&text, ']');
	open_doc(&f, buf_view(&text));
	assert_true(arena_bytes(f.a) < 4 * text.n);
	close_doc(&f);
	buf_clear(&text);
	buf_cstr(&text, "[1");
	for (i = 0; i < 300000; i++)
		buf_cstr(&text, ",1");
	buf_char(&text, ']');
	open_doc(&f, buf_view(&text));
	assert_true(arena_bytes(f.a) < 14 * text.n);
	close_doc(&f);
	open_doc(&f, STR("{\"type\":\"event\",\"length\":41}"));
	assert_int_equal(arena_bytes(f.a), 1024);
	close_doc(&f);
	buf_fini(&text);
}

/* Every edit once; the first failure ends it. What cannot be had for lack of
 * memory is missing, never wrong. */
static int edit_all(struct json_doc *d)
{
	json_node root = json_root(d);
	struct str key;
	int rc, i;

	key = json_key(d, json_first(d, root));
	if (key.p != NULL)
		assert_true(str_eq(key, STR("a\nb")));
	rc = json_set_string(d, root, STR("new\n"), STR("va\"lue"));
	for (i = 0; rc == E_OK && i < 40; i++)
		rc = json_append_raw(d, json_find(d, root, "list"), STR("[{\"x\":[1,2,3]}]"));
	if (rc == E_OK)
		rc = json_insert_raw(d, json_find(d, root, "list"), 1, STR("{}"));
	if (rc == E_OK)
		rc = json_replace_raw(d, json_find(d, root, "o"), STR("[[1],{\"y\":{}}]"));
	if (rc == E_OK)
		rc = json_set_raw(d, json_find(d, root, "o[1].y"), STR("z"), STR("0"));
	if (rc == E_OK)
		rc = json_rename(d, json_find(d, root, "o"), STR("O"));
	if (rc == E_OK)
		rc = json_remove(d, json_find(d, root, "list[0]"));
	if (rc == E_OK)
		rc = json_replace_string(d, json_find(d, root, "list[0]"), STR("end"));
	return rc;
}

static void out_of_memory_is_told_at_every_point(void **state)
{
	static const struct str text =
		LIT("{\"a\\nb\":1,\"list\":[1,2,3],\"o\":{ \"p\":1},\"s\":\"\\t\"}");
	size_t limit;
	int rc = E_NOMEM, parsed = 0;

	(void)state;
	for (limit = 1; rc != E_OK; limit += 16) {
		struct arena *a = arena_new(0, limit);
		struct json_doc *d = NULL, *again = NULL;
		struct arena *other = arena_new(0, 0);
		struct buf out = BUF_INIT;

		assert_true(limit < 1u << 20);
		rc = json_parse(&d, a, text, NULL, NULL);
		if (rc == E_OK) {
			parsed++;
			rc = edit_all(d);
			/* whatever was done or refused, the document is whole */
			json_write(d, json_root(d), &out);
			assert_int_equal(
				json_parse(&again, other, buf_view(&out), NULL, NULL), E_OK);
		}
		assert_true(rc == E_OK || rc == E_NOMEM);
		buf_fini(&out);
		arena_free(other);
		arena_free(a);
	}
	assert_true(parsed > 10);
}

static void a_refused_edit_leaves_no_trace(void **state)
{
	struct fixture f;
	struct arena *a = arena_new(0, 2048);
	int rc;

	(void)state;
	f.a = a;
	f.out = BUF_INIT;
	assert_int_equal(json_parse(&f.d, a, STR("{\"a\":[1],\"b\":{}}"), NULL, NULL), E_OK);
	while (arena_alloc(a, 1) != NULL)
		;
	do
		rc = json_append_raw(f.d, at(&f, "a"), STR("2"));
	while (rc == E_OK);
	assert_int_equal(rc, E_NOMEM);
	assert_int_equal(json_replace_string(f.d, at(&f, "a"), STR("x")), E_NOMEM);
	assert_int_equal(json_set_string(f.d, at(&f, "b"), STR("x"), STR("y")), E_NOMEM);
	assert_int_equal(json_set_raw(f.d, at(&f, "b"), STR("x"), STR("1")), E_NOMEM);
	assert_int_equal(json_rename(f.d, at(&f, "b"), STR("x")), E_NOMEM);
	expect(&f, "{\"a\":[1],\"b\":{}}");
	/* deleting needs no memory */
	assert_int_equal(json_remove(f.d, at(&f, "a[0]")), E_OK);
	expect(&f, "{\"a\":[],\"b\":{}}");
	close_doc(&f);
}

static void a_full_buffer_is_told(void **state)
{
	struct fixture f;
	struct buf small;

	(void)state;
	open_doc(&f, STR("{\"a\":[1,2,3]}"));
	buf_init(&small, 5);
	json_write(f.d, json_root(f.d), &small);
	assert_false(buf_ok(&small));
	buf_fini(&small);
	close_doc(&f);
}

/* 200000 deletions from the front, the middle and behind the first element of
 * a long array end in a moment; with a walk over the dead each time they would
 * not. */
static void deleting_many_is_not_quadratic(void **state)
{
	struct buf text = BUF_INIT;
	struct fixture f;
	json_node n, next;
	int i;

	(void)state;
	buf_cstr(&text, "[0");
	for (i = 1; i < 400000; i++)
		buf_cstr(&text, i % 2 == 0 ? ",0" : ",1");
	buf_char(&text, ']');
	open_doc(&f, buf_view(&text));
	for (n = json_first(f.d, json_root(f.d)); n != JSON_NONE; n = next) {
		int64_t v = 0;

		next = json_next(f.d, n);
		if (json_int(f.d, n, &v) && v == 0)
			assert_int_equal(json_remove(f.d, n), E_OK);
	}
	assert_int_equal(json_count(f.d, json_root(f.d)), 200000);
	while ((n = json_first(f.d, json_root(f.d))) != JSON_NONE)
		assert_int_equal(json_remove(f.d, n), E_OK);
	for (i = 0; i < 200000; i++)
		assert_int_equal(json_append_raw(f.d, json_root(f.d), STR("2")), E_OK);
	assert_int_equal(json_count(f.d, json_root(f.d)), 200000);
	/* cut down to the first element */
	while ((n = json_next(f.d, json_first(f.d, json_root(f.d)))) != JSON_NONE)
		assert_int_equal(json_remove(f.d, n), E_OK);
	expect(&f, "[2]");
	close_doc(&f);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting_of_5000_is_read_edited_and_written),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(nodes_are_bounded_exactly),
		cmocka_unit_test(bytes_are_bounded),
		cmocka_unit_test(memory_is_a_small_multiple_of_the_text),
		cmocka_unit_test(out_of_memory_is_told_at_every_point),
		cmocka_unit_test(a_refused_edit_leaves_no_trace),
		cmocka_unit_test(a_full_buffer_is_told),
		cmocka_unit_test(deleting_many_is_not_quadratic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
