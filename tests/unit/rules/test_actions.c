/* What actions that edit do to a payload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/action.h"
#include "unit/rules/support.h"

struct row {
	const char *then, *json, *want;
};

static void edit_all(struct bench *b, struct rule_fields *f, const char *then)
{
	struct err err = {0};
	struct reader r = {.fields = f, .text = str_of(then), .err = &err};
	struct acting w = {f, &b->scope, 0};
	struct rule_actions actions;

	if (reader_actions(&r, 1u << b->scope.kind, &actions) != E_OK)
		fail_msg("%s: %s", then, err.text);
	for (size_t i = 0; i < actions.n; i++)
		assert_int_equal(action_edit(&actions.v[i], &w), E_OK);
}

static void check_rows(enum rule_kind kind, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct bench b = bench_of(kind, rows[i].json);
		struct rule_fields *f = rule_fields_new();
		struct buf out = BUF_INIT;

		assert_non_null(f);
		edit_all(&b, f, rows[i].then);
		json_write(b.scope.doc, json_root(b.scope.doc), &out);
		assert_true(buf_ok(&out));
		if (!str_eq(buf_view(&out), str_of(rows[i].want)))
			fail_msg("%s on %s is %.*s, not %s", rows[i].then, rows[i].json,
				STR_ARG(buf_view(&out)), rows[i].want);
		buf_fini(&out);
		rule_fields_free(f);
		bench_fini(&b);
	}
}

/* ** reaches texts in whatever they stand in. */
static void text_edits_reach_every_text(void **state)
{
	static const struct row rows[] = {
		{"replace ** \"a\" with \"b\"",
			"{\"x\":{\"y\":[\"a\",{\"z\":\"ca\"}]},\"k\":\"a\"}",
			"{\"x\":{\"y\":[\"b\",{\"z\":\"cb\"}]},\"k\":\"b\"}"},
		{"replace extra.** \"a\" with \"b\"",
			"{\"extra\":{\"y\":[\"a\"],\"z\":\"a\"},\"k\":\"a\"}",
			"{\"extra\":{\"y\":[\"b\"],\"z\":\"b\"},\"k\":\"a\"}"},
		{"mask extra.**", "{\"extra\":{\"y\":[1,true,\"ab\"]}}",
			"{\"extra\":{\"y\":[\"*\",true,\"**\"]}}"},
		{"strip_query **", "{\"a\":[\"/x?y\"],\"b\":\"/z#w\"}",
			"{\"a\":[\"/x\"],\"b\":\"/z\"}"},
		{"truncate ** to 5", "{\"a\":[[\"abcdefg\"]],\"b\":\"abcde\"}",
			"{\"a\":[[\"ab...\"]],\"b\":\"abcde\",\"_meta\":{\"a\":{\"0\":{\"0\":{\"\":"
			"{\"rem\":[[\"!limit\",\"x\",2,5]],\"len\":7}}}}}}"},
		{"replace ** \"a\" with \"b\" where key = \"z\"",
			"{\"x\":{\"y\":\"a\",\"z\":\"a\"},\"z\":{\"y\":\"a\",\"z\":\"a\"}}",
			"{\"x\":{\"y\":\"a\",\"z\":\"b\"},\"z\":{\"y\":\"a\",\"z\":\"b\"}}"},
		{"scrub_params ** (\"t\")",
			"{\"x\":{\"u\":\"/?t=1&v=2\",\"t\":{\"u\":\"/?t=1\"}},\"l\":[[\"t\",5]]}",
			"{\"x\":{\"u\":\"/?t=[Filtered]&v=2\",\"t\":\"[Filtered]\"},"
			"\"l\":[[\"t\",\"[Filtered]\"]]}"},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
}

/* What is put in place of a container takes what was in it along. */
static void other_edits_take_the_outermost(void **state)
{
	static const struct row rows[] = {
		{"redact ** where key = \"s\"", "{\"s\":{\"s\":1},\"a\":[{\"s\":2}]}",
			"{\"s\":\"[Filtered]\",\"a\":[{\"s\":\"[Filtered]\"}],\"_meta\":{\"a\":{"
			"\"0\":{\"s\":{\"\":{\"rem\":[[\"!config\",\"s\"]]}}}},\"s\":{\"\":{"
			"\"rem\":[[\"!config\",\"s\"]]}}}}"},
		{"delete extra.** where key startswith \"_\"",
			"{\"extra\":{\"_a\":{\"_b\":1},\"c\":{\"_d\":1,\"e\":2}}}",
			"{\"extra\":{\"c\":{\"e\":2}}}"},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
}

static void a_lone_exception_is_the_main_one(void **state)
{
	static const struct row rows[] = {
		{"set exception.value = \"v\"", "{\"exception\":{\"type\":\"T\",\"value\":\"x\"}}",
			"{\"exception\":{\"type\":\"T\",\"value\":\"v\"}}"},
		{"replace message \"x\" with \"y\"",
			"{\"exception\":[{\"value\":\"x\"},{\"value\":\"x\"}]}",
			"{\"exception\":[{\"value\":\"x\"},{\"value\":\"y\"}]}"},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_edits_reach_every_text),
		cmocka_unit_test(other_edits_take_the_outermost),
		cmocka_unit_test(a_lone_exception_is_the_main_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
