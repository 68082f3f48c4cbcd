/* Edits, one after the other, and what is written then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "doc_util.h"

static void an_untouched_document_is_written_byte_for_byte(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR(" { \"a\" : [ 1 ,2.0, 1e400 ] ,\n\t\"b\\u0041\":\"\\/\" } "));
	expect(&f, "{ \"a\" : [ 1 ,2.0, 1e400 ] ,\n\t\"b\\u0041\":\"\\/\" }");
	expect_node(&f, at(&f, "a"), false, "[ 1 ,2.0, 1e400 ]");
	expect_node(&f, json_root(f.d), true, "{\"a\":[1,2.0,1e400],\"b\\u0041\":\"\\/\"}");
	assert_false(json_is_dirty(f.d, json_root(f.d)));
	close_doc(&f);
}

static void replacing_changes_only_that_value(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR("{ \"a\" : 1 , \"b\":[ true , null ], \"c\":{\"d\":1.50} }"));
	assert_int_equal(json_replace_raw(f.d, at(&f, "a"), STR("\"one\"")), E_OK);
	expect(&f, "{ \"a\" : \"one\" , \"b\":[ true , null ], \"c\":{\"d\":1.50} }");
	assert_int_equal(json_replace_string(f.d, at(&f, "b[0]"), STR("x\"y")), E_OK);
	expect(&f, "{ \"a\" : \"one\" , \"b\":[ \"x\\\"y\" , null ], \"c\":{\"d\":1.50} }");
	assert_true(json_is_dirty(f.d, at(&f, "b")));
	assert_false(json_is_dirty(f.d, at(&f, "b[1]")));
	assert_false(json_is_dirty(f.d, at(&f, "c")));
	assert_true(str_eq(json_text(f.d, at(&f, "b[0]")), STR("x\"y")));
	assert_true(str_eq(json_raw(f.d, at(&f, "b[0]")), STR("\"x\\\"y\"")));
	assert_int_equal(json_replace_raw(f.d, at(&f, "a"), STR(" 2 ")), E_OK);
	expect(&f, "{ \"a\" : 2 , \"b\":[ \"x\\\"y\" , null ], \"c\":{\"d\":1.50} }");
	close_doc(&f);
}

static void the_root_can_be_replaced_and_edited_again(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR(" [1] "));
	assert_int_equal(json_replace_raw(f.d, json_root(f.d), STR("  {\"a\": [ ]} ")), E_OK);
	expect(&f, "{\"a\": [ ]}");
	assert_true(json_is_dirty(f.d, json_root(f.d)));
	assert_int_equal(json_append_raw(f.d, at(&f, "a"), STR("1")), E_OK);
	expect(&f, "{\"a\": [1 ]}");
	assert_int_equal(json_replace_string(f.d, json_root(f.d), STR("")), E_OK);
	expect(&f, "\"\"");
	assert_int_equal(json_remove(f.d, json_root(f.d)), E_INVAL);
	assert_int_equal(json_rename(f.d, json_root(f.d), STR("x")), E_INVAL);
	close_doc(&f);
}

static void edits_go_inside_what_edits_brought(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR("{\"a\":1}"));
	assert_int_equal(json_replace_raw(f.d, at(&f, "a"), STR("{ \"x\":[1,2,3] }")), E_OK);
	assert_int_equal(json_parent(f.d, at(&f, "a.x")), at(&f, "a"));
	assert_int_equal(json_remove(f.d, at(&f, "a.x[1]")), E_OK);
	expect(&f, "{\"a\":{ \"x\":[1,3] }}");
	assert_int_equal(json_replace_raw(f.d, at(&f, "a.x[-1]"), STR("{\"y\":{}}")), E_OK);
	assert_int_equal(json_set_raw(f.d, at(&f, "a.x[-1].y"), STR("z"), STR("[]")), E_OK);
	assert_int_equal(json_append_raw(f.d, at(&f, "a.x[-1].y.z"), STR("null")), E_OK);
	expect(&f, "{\"a\":{ \"x\":[1,{\"y\":{\"z\":[null]}}] }}");
	assert_int_equal(json_set_raw(f.d, json_root(f.d), STR("n"), STR("{\"k\":0}")), E_OK);
	assert_int_equal(json_set_raw(f.d, at(&f, "n"), STR("k"), STR("{\"l\":1}")), E_OK);
	assert_int_equal(json_rename(f.d, at(&f, "n.k.l"), STR("m")), E_OK);
	expect(&f, "{\"a\":{ \"x\":[1,{\"y\":{\"z\":[null]}}] },\"n\":{\"k\":{\"m\":1}}}");
	close_doc(&f);
}

static void deleting_leaves_the_right_commas(void **state)
{
	static const struct {
		const char *first, *second, *third; /* deleted in this order */
		const char *want[3];
	} cases[] = {
		{"a", "b", "c", {"{ \"b\": 2, \"c\": 3 }", "{ \"c\": 3 }", "{ }"}},
		{"c", "b", "a", {"{ \"a\": 1, \"b\": 2 }", "{ \"a\": 1 }", "{ }"}},
		{"b", "a", "c", {"{ \"a\": 1, \"c\": 3 }", "{ \"c\": 3 }", "{ }"}},
		{"b", "c", "a", {"{ \"a\": 1, \"c\": 3 }", "{ \"a\": 1 }", "{ }"}},
		{"a", "c", "b", {"{ \"b\": 2, \"c\": 3 }", "{ \"b\": 2 }", "{ }"}},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;

		open_doc(&f, STR("{ \"a\": 1, \"b\": 2, \"c\": 3 }"));
		assert_int_equal(json_remove(f.d, at(&f, cases[i].first)), E_OK);
		expect(&f, cases[i].want[0]);
		assert_int_equal(json_remove(f.d, at(&f, cases[i].second)), E_OK);
		expect(&f, cases[i].want[1]);
		assert_int_equal(json_remove(f.d, at(&f, cases[i].third)), E_OK);
		expect(&f, cases[i].want[2]);
		assert_int_equal(json_set_raw(f.d, json_root(f.d), STR("n"), STR("0")), E_OK);
		expect(&f, "{\"n\":0 }");
		close_doc(&f);
	}
}

static void a_deleted_node_is_gone(void **state)
{
	struct fixture f;
	json_node n;

	(void)state;
	open_doc(&f, STR("{\"a\":[1,2],\"a\":2}"));
	n = at(&f, "a");
	assert_int_equal(json_remove(f.d, n), E_OK);
	assert_int_equal(json_type_of(f.d, n), JSON_TYPE_MISSING);
	assert_int_equal(json_raw(f.d, n).n, 0);
	assert_int_equal(json_remove(f.d, n), E_NOTFOUND);
	assert_int_equal(json_replace_raw(f.d, n, STR("1")), E_NOTFOUND);
	assert_int_equal(json_replace_string(f.d, n, STR("1")), E_NOTFOUND);
	assert_int_equal(json_rename(f.d, n, STR("1")), E_NOTFOUND);
	assert_int_equal(json_append_raw(f.d, n, STR("1")), E_NOTFOUND);
	assert_int_equal(json_insert_raw(f.d, n, 0, STR("1")), E_NOTFOUND);
	assert_int_equal(json_set_raw(f.d, n, STR("k"), STR("1")), E_NOTFOUND);
	assert_int_equal(json_set_string(f.d, n, STR("k"), STR("1")), E_NOTFOUND);
	expect_node(&f, n, false, "");
	/* the second of the two equal keys is the first one now */
	assert_true(str_eq(json_raw(f.d, at(&f, "a")), STR("2")));
	expect(&f, "{\"a\":2}");
	close_doc(&f);
}

static void deleting_in_a_loop_is_allowed(void **state)
{
	struct fixture f;
	json_node n, next;
	int i = 0;

	(void)state;
	open_doc(&f, STR("[0,1,2,3,4,5,6,7]"));
	for (n = json_first(f.d, json_root(f.d)); n != JSON_NONE; n = next, i++) {
		next = json_next(f.d, n);
		if (i % 3 != 1)
			assert_int_equal(json_remove(f.d, n), E_OK);
	}
	assert_int_equal(i, 8);
	expect(&f, "[1,4,7]");
	assert_int_equal(json_count(f.d, json_root(f.d)), 3);
	while ((n = json_first(f.d, json_root(f.d))) != JSON_NONE)
		assert_int_equal(json_remove(f.d, n), E_OK);
	expect(&f, "[]");
	assert_int_equal(json_append_raw(f.d, json_root(f.d), STR("9")), E_OK);
	expect(&f, "[9]");
	close_doc(&f);
}

/* Cutting a list short, then reading and adding to what is left. */
static void what_was_deleted_stays_away_however_it_is_walked(void **state)
{
	struct fixture f;
	json_node first, n;

	(void)state;
	open_doc(&f, STR("[0, 1, 2, 3, 4, 5]"));
	first = json_first(f.d, json_root(f.d));
	assert_int_equal(json_remove(f.d, json_next(f.d, first)), E_OK);
	n = json_next(f.d, first);
	expect(&f, "[0, 2, 3, 4, 5]");
	assert_int_equal(json_remove(f.d, n), E_OK);
	assert_true(str_eq(json_raw(f.d, json_next(f.d, first)), STR("3")));
	expect(&f, "[0, 3, 4, 5]");
	while ((n = json_next(f.d, json_at(f.d, json_root(f.d), 1))) != JSON_NONE)
		assert_int_equal(json_remove(f.d, n), E_OK);
	expect(&f, "[0, 3]");
	assert_int_equal(json_append_raw(f.d, json_root(f.d), STR("6")), E_OK);
	assert_int_equal(json_insert_raw(f.d, json_root(f.d), 1, STR("7")), E_OK);
	expect(&f, "[0,7, 3,6]");
	assert_int_equal(json_remove(f.d, at(&f, "[1]")), E_OK);
	assert_int_equal(json_count(f.d, json_root(f.d)), 3);
	expect(&f, "[0, 3,6]");
	close_doc(&f);
}

static void elements_go_where_they_are_wanted(void **state)
{
	static const struct {
		const char *text;
		int64_t index;
		int rc;
		const char *want;
	} cases[] = {
		{"[]", 0, E_OK, "[X]"},
		{"[ ]", 0, E_OK, "[X ]"},
		{"[1]", 0, E_OK, "[X,1]"},
		{"[1]", 1, E_OK, "[1,X]"},
		{"[1]", -1, E_OK, "[X,1]"},
		{"[1,2,3]", 1, E_OK, "[1,X,2,3]"},
		{"[1,2,3]", 3, E_OK, "[1,2,3,X]"},
		{"[1,2,3]", -1, E_OK, "[1,2,X,3]"},
		{"[1,2,3]", -3, E_OK, "[X,1,2,3]"},
		{"[\n  1,\n  2\n]", 1, E_OK, "[\n  1,X,\n  2\n]"},
		{"[1]", 2, E_INVAL, "[1]"},
		{"[1]", -2, E_INVAL, "[1]"},
		{"[]", -1, E_INVAL, "[]"},
		{"[]", INT64_MIN, E_INVAL, "[]"},
		{"[]", INT64_MAX, E_INVAL, "[]"},
		{"{}", 0, E_INVAL, "{}"},
		{"\"s\"", 0, E_INVAL, "\"s\""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		char want[64], *x;

		open_doc(&f, str_of(cases[i].text));
		assert_int_equal(json_insert_raw(f.d, json_root(f.d), cases[i].index, STR("7")),
			cases[i].rc);
		(void)snprintf(want, sizeof want, "%s", cases[i].want);
		x = strchr(want, 'X');
		if (x != NULL)
			*x = '7';
		expect(&f, want);
		assert_int_equal(json_is_dirty(f.d, json_root(f.d)), cases[i].rc == E_OK);
		close_doc(&f);
	}
}

static void inserting_counts_only_what_is_left(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR("[0,1,2,3,4]"));
	assert_int_equal(json_remove(f.d, at(&f, "[1]")), E_OK);
	assert_int_equal(json_remove(f.d, at(&f, "[1]")), E_OK);
	expect(&f, "[0,3,4]");
	assert_int_equal(json_insert_raw(f.d, json_root(f.d), 1, STR("\"a\"")), E_OK);
	expect(&f, "[0,\"a\",3,4]");
	assert_int_equal(json_remove(f.d, at(&f, "[-1]")), E_OK);
	assert_int_equal(json_append_raw(f.d, json_root(f.d), STR("\"b\"")), E_OK);
	assert_int_equal(json_insert_raw(f.d, json_root(f.d), 0, STR("\"c\"")), E_OK);
	assert_int_equal(json_insert_raw(f.d, json_root(f.d), 5, STR("\"d\"")), E_OK);
	expect(&f, "[\"c\",0,\"a\",3,\"b\",\"d\"]");
	assert_int_equal(json_remove(f.d, at(&f, "[0]")), E_OK);
	assert_int_equal(json_append_raw(f.d, json_root(f.d), STR("\"e\"")), E_OK);
	assert_int_equal(json_insert_raw(f.d, json_root(f.d), 0, STR("\"f\"")), E_OK);
	expect(&f, "[\"f\",0,\"a\",3,\"b\",\"d\",\"e\"]");
	close_doc(&f);
}

static void setting_replaces_or_appends(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR("{\"a\\u0062\":1,\"x\":{}}"));
	assert_int_equal(json_set_raw(f.d, json_root(f.d), STR("ab"), STR("2")), E_OK);
	expect(&f, "{\"a\\u0062\":2,\"x\":{}}");
	assert_int_equal(json_set_string(f.d, at(&f, "x"), STR("k\n"), STR("v\t")), E_OK);
	expect(&f, "{\"a\\u0062\":2,\"x\":{\"k\\n\":\"v\\t\"}}");
	assert_int_equal(json_set_raw(f.d, at(&f, "x"), STR("k\n"), STR("[]")), E_OK);
	assert_int_equal(json_set_string(f.d, json_root(f.d), STR(""), STR("")), E_OK);
	expect(&f, "{\"a\\u0062\":2,\"x\":{\"k\\n\":[]},\"\":\"\"}");
	assert_true(str_eq(json_key(f.d, json_first(f.d, at(&f, "x"))), STR("k\n")));
	assert_int_equal(json_set_raw(f.d, at(&f, "ab"), STR("k"), STR("1")), E_INVAL);
	assert_int_equal(json_set_raw(f.d, JSON_NONE, STR("k"), STR("1")), E_NOTFOUND);
	close_doc(&f);
}

static void renaming_keeps_value_and_place(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR("{ \"a\" : [1 , 2],\n  \"b\": 2 }"));
	assert_int_equal(json_rename(f.d, at(&f, "b"), STR("B\x01")), E_OK);
	expect(&f, "{ \"a\" : [1 , 2],\n  \"B\\u0001\": 2 }");
	assert_int_equal(json_rename(f.d, at(&f, "a"), STR("A")), E_OK);
	assert_int_equal(json_rename(f.d, at(&f, "A"), STR("AA")), E_OK);
	assert_int_equal(at(&f, "a"), JSON_NONE);
	assert_int_equal(json_replace_raw(f.d, at(&f, "AA[0]"), STR("9")), E_OK);
	expect(&f, "{ \"AA\" : [9 , 2],\n  \"B\\u0001\": 2 }");
	assert_int_equal(json_replace_raw(f.d, at(&f, "AA"), STR("{}")), E_OK);
	expect(&f, "{ \"AA\" : {},\n  \"B\\u0001\": 2 }");
	expect_node(&f, json_root(f.d), true, "{\"AA\":{},\"B\\u0001\":2}");
	assert_int_equal(json_set_raw(f.d, json_root(f.d), STR("n"), STR("1")), E_OK);
	assert_int_equal(json_rename(f.d, at(&f, "n"), STR("m")), E_OK);
	assert_int_equal(json_remove(f.d, at(&f, "AA")), E_OK);
	expect(&f, "{\n  \"B\\u0001\": 2,\"m\":1 }");
	assert_int_equal(json_rename(f.d, JSON_NONE, STR("x")), E_NOTFOUND);
	close_doc(&f);
}

static void elements_have_no_key_to_rename(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR("[1]"));
	assert_int_equal(json_rename(f.d, at(&f, "[0]"), STR("x")), E_INVAL);
	expect(&f, "[1]");
	close_doc(&f);
}

static void text_that_is_no_value_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = {"", " ", "{", "1,2", "\"a", "{}{}", "01", "]", "1]"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct fixture f;

		open_doc(&f, STR("{\"a\":[1, {\"b\":2}]}"));
		assert_int_equal(json_replace_raw(f.d, at(&f, "a"), str_of(bad[i])), E_INVAL);
		assert_int_equal(
			json_set_raw(f.d, json_root(f.d), STR("n"), str_of(bad[i])), E_INVAL);
		assert_int_equal(json_append_raw(f.d, at(&f, "a"), str_of(bad[i])), E_INVAL);
		assert_int_equal(json_insert_raw(f.d, at(&f, "a"), 0, str_of(bad[i])), E_INVAL);
		assert_false(json_is_dirty(f.d, json_root(f.d)));
		expect(&f, "{\"a\":[1, {\"b\":2}]}");
		assert_int_equal(json_append_raw(f.d, at(&f, "a"), STR("[3]")), E_OK);
		expect(&f, "{\"a\":[1, {\"b\":2},[3]]}");
		close_doc(&f);
	}
}

/* What a rule reads from a strange string and writes back stays what it was. */
static void strange_strings_survive_decoding_and_encoding(void **state)
{
	static const struct {
		struct str text;
		const char *want;
	} cases[] = {
		{LIT("[\"\\ud83d!\"]"), "[\"\\ud83d!\"]"},
		{LIT("[\"\\ude00\"]"), "[\"\\ude00\"]"},
		{LIT("[\"\xed\xa0\xbd\"]"), "[\"\\ud83d\"]"},
		{LIT("[\"\\u0000\"]"), "[\"\\u0000\"]"},
		{LIT("[\"\\u001f\\u007f\\b\"]"), "[\"\\u001f\x7f\\u0008\"]"},
		{LIT("[\"\\ud83d\\ude00\"]"), "[\"\xf0\x9f\x98\x80\"]"},
		{LIT("[\"\xff\xc3\"]"), "[\"\\ufffd\\ufffd\"]"},
		{LIT("[\"\xe2\x82\xac\xf4\x90\x80\x80\"]"),
			"[\"\xe2\x82\xac\\ufffd\\ufffd\\ufffd\\ufffd\"]"},
		{LIT("[\"\xed\xa0\"]"), "[\"\\ufffd\\ufffd\"]"},
		{LIT("[\"\xc0\x80\"]"), "[\"\\ufffd\\ufffd\"]"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;

		open_doc(&f, cases[i].text);
		assert_int_equal(
			json_replace_string(f.d, at(&f, "[0]"), json_text(f.d, at(&f, "[0]"))),
			E_OK);
		expect(&f, cases[i].want);
		close_doc(&f);
	}
}

static void compact_keeps_blanks_inside_strings_only(void **state)
{
	struct fixture f;

	(void)state;
	open_doc(&f, STR("{ \"a b\" :\t\" x \\\" y \" ,\r\n\"c\" : [ 1 , [ ] , { } ] }"));
	expect_node(&f, json_root(f.d), true, "{\"a b\":\" x \\\" y \",\"c\":[1,[],{}]}");
	assert_int_equal(json_set_raw(f.d, json_root(f.d), STR("d"), STR(" { \"e\" : 1 } ")), E_OK);
	assert_int_equal(json_replace_raw(f.d, at(&f, "c[0]"), STR("[ 1 , 2 ]")), E_OK);
	expect_node(&f, json_root(f.d), true,
		"{\"a b\":\" x \\\" y \",\"c\":[[1,2],[],{}],\"d\":{\"e\":1}}");
	expect(&f, "{ \"a b\" :\t\" x \\\" y \" ,\r\n\"c\" : [ [ 1 , 2 ] , [ ] , { } ],\"d\":{ "
		   "\"e\" : "
		   "1 } }");
	close_doc(&f);
}

/* Handles from before a replacement are stale, and harmless. */
static void editing_what_was_replaced_does_not_show(void **state)
{
	struct fixture f;
	json_node stale;

	(void)state;
	open_doc(&f, STR("{\"a\":{\"b\":[1,2]},\"c\":3}"));
	stale = at(&f, "a.b");
	assert_int_equal(json_replace_raw(f.d, at(&f, "a"), STR("{ \"n\" : 1 }")), E_OK);
	assert_int_equal(json_append_raw(f.d, stale, STR("3")), E_OK);
	expect(&f, "{\"a\":{ \"n\" : 1 },\"c\":3}");
	assert_int_equal(json_replace_raw(f.d, at(&f, "a"), STR("5")), E_OK);
	assert_int_equal(json_remove(f.d, stale), E_OK);
	expect(&f, "{\"a\":5,\"c\":3}");
	close_doc(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_untouched_document_is_written_byte_for_byte),
		cmocka_unit_test(replacing_changes_only_that_value),
		cmocka_unit_test(the_root_can_be_replaced_and_edited_again),
		cmocka_unit_test(edits_go_inside_what_edits_brought),
		cmocka_unit_test(deleting_leaves_the_right_commas),
		cmocka_unit_test(a_deleted_node_is_gone),
		cmocka_unit_test(deleting_in_a_loop_is_allowed),
		cmocka_unit_test(what_was_deleted_stays_away_however_it_is_walked),
		cmocka_unit_test(elements_go_where_they_are_wanted),
		cmocka_unit_test(inserting_counts_only_what_is_left),
		cmocka_unit_test(setting_replaces_or_appends),
		cmocka_unit_test(renaming_keeps_value_and_place),
		cmocka_unit_test(elements_have_no_key_to_rename),
		cmocka_unit_test(text_that_is_no_value_is_refused_and_changes_nothing),
		cmocka_unit_test(strange_strings_survive_decoding_and_encoding),
		cmocka_unit_test(compact_keeps_blanks_inside_strings_only),
		cmocka_unit_test(editing_what_was_replaced_does_not_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
