#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "unit/rules/support.h"

struct row {
	const char *when;
	const char *json;
	int want;
};

static void check_rows(enum rule_kind kind, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (holds(kind, rows[i].when, rows[i].json) != rows[i].want)
			fail_msg("%s on %s is not %d", rows[i].when, rows[i].json, rows[i].want);
	}
}

static void tests_compare_values(void **state)
{
	static const struct row rows[] = {
		{"a = 1", "{\"a\":1}", 1},
		{"a == 1", "{\"a\":1.0}", 1},
		{"a = 1", "{\"a\":2}", 0},
		{"a = 404", "{\"a\":\"404\"}", 1},
		{"a = \"404\"", "{\"a\":404}", 1},
		{"a = 404", "{\"a\":\"x404\"}", 0},
		{"a != 404", "{\"a\":\"x404\"}", 1},
		{"a = 12345678901234567", "{\"a\":12345678901234568}", 0},
		{"a = true", "{\"a\":true}", 1},
		{"a = true", "{\"a\":\"true\"}", 1},
		{"a = false", "{\"a\":true}", 0},
		{"a = null", "{\"a\":null}", 1},
		{"a = null", "{}", 1},
		{"a != null", "{\"a\":0}", 1},
		{"a = \"x\"", "{\"a\":\"\\u0078\"}", 1},
		{"a = 'x\\d'", "{\"a\":\"x\\\\d\"}", 1},
		{"a = \"q\\\"q\"", "{\"a\":\"q\\\"q\"}", 1},
		{"a < 3", "{\"a\":2.5}", 1},
		{"a <= 3", "{\"a\":3}", 1},
		{"a > -1.5e1", "{\"a\":-14}", 1},
		{"a >= 3", "{\"a\":\"3\"}", 1},
		{"a < \"b\"", "{\"a\":\"a\"}", 1},
		{"a >= \"b\"", "{\"a\":\"a\"}", 0},
		{"a < 2s", "{\"a\":1999}", 1},
		{"a >= 4K", "{\"a\":4096}", 1},
		{"a = 1.5m", "{\"a\":90000}", 1},
		{"a in (\"x\", 3, true)", "{\"a\":3}", 1},
		{"a in (\"x\", 3, true)", "{\"a\":true}", 1},
		{"a in (\"x\", 3)", "{\"a\":\"y\"}", 0},
		{"a not in (\"x\", \"y\")", "{\"a\":\"z\"}", 1},
		{"a not in (\"x\", \"y\")", "{\"a\":\"y\"}", 0},
		{"a iin (\"X\")", "{\"a\":\"x\"}", 1},
		{"a = b.c", "{\"a\":1,\"b\":{\"c\":1}}", 1},
		{"a != b", "{\"a\":1,\"b\":2}", 1},
		{"a in (b[*])", "{\"a\":1,\"b\":[3,1]}", 1},
		{"\"off\" = \"off\"", "{}", 1},
		{"\"OFF\" iin (\"off\", \"no\")", "{}", 1},
		{"\"\" = \"off\" or \"on\" != \"on\"", "{}", 0},
		{"'a' = a and 2 < b", "{\"a\":\"a\",\"b\":3}", 1},
		{"\"x\" in (a[*])", "{\"a\":[\"y\",\"x\"]}", 1},
		{"not \"on\" matches \"^o\"", "{}", 0},
		{"3 >= a", "{}", 0},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
}

static void texts_have_their_tests(void **state)
{
	static const struct row rows[] = {
		{"a contains \"ell\"", "{\"a\":\"hello\"}", 1},
		{"a contains \"ELL\"", "{\"a\":\"hello\"}", 0},
		{"a icontains \"ELL\"", "{\"a\":\"hello\"}", 1},
		{"a contains (\"x\", \"lo\")", "{\"a\":\"hello\"}", 1},
		{"a contains \"b\"", "{\"a\":[\"a\",\"b\"]}", 1},
		{"a contains \"\"", "{\"a\":\"hello\"}", 1},
		{"a startswith \"he\"", "{\"a\":\"hello\"}", 1},
		{"a startswith (\"x\", \"he\")", "{\"a\":\"hello\"}", 1},
		{"a istartswith \"HE\"", "{\"a\":\"hello\"}", 1},
		{"a endswith \"lo\"", "{\"a\":\"hello\"}", 1},
		{"a endswith \"hello world\"", "{\"a\":\"hello\"}", 0},
		{"a iendswith \"LO\"", "{\"a\":\"hello\"}", 1},
		{"a startswith \"4\"", "{\"a\":404}", 1},
		{"a glob \"django.*.security\"", "{\"a\":\"django.a.b.security\"}", 1},
		{"a glob \"a?c[0-9]*\"", "{\"a\":\"abc7\"}", 1},
		{"a glob \"a[!0-9]\"", "{\"a\":\"a7\"}", 0},
		{"a glob \"a\\*\"", "{\"a\":\"ab\"}", 0},
		{"a glob \"[\"", "{\"a\":\"[\"}", 1},
		{"a iglob \"A*\"", "{\"a\":\"ab\"}", 1},
		{"a glob (\"x*\", \"*b\")", "{\"a\":\"ab\"}", 1},
		{"a matches \"^h.l+o$\"", "{\"a\":\"hello\"}", 1},
		{"a matches \"\\bworld\\b\"", "{\"a\":\"hello world\"}", 1},
		{"a matches \"WORLD\"", "{\"a\":\"hello world\"}", 0},
		{"a imatches \"WORLD\"", "{\"a\":\"hello world\"}", 1},
		{"a matches (\"x\", \"\\d{3}\")", "{\"a\":\"404\"}", 1},
		{"a matches \"(?i)É\"", "{\"a\":\"é\"}", 1},
		{"lower(a) contains \"health\"", "{\"a\":\"GET /Health\"}", 1},
		{"length(a) = 3", "{\"a\":\"h\u00e9\u00e9\"}", 1},
		{"length(a) > 2", "{\"a\":[1,2,3]}", 1},
		{"length(a) = 1", "{\"a\":{\"b\":1}}", 1},
		{"a cidr \"10.0.0.0/8\"", "{\"a\":\"10.1.2.3\"}", 1},
		{"a cidr \"10.0.0.0/8\"", "{\"a\":\"11.1.2.3\"}", 0},
		{"a cidr (\"fe80::/10\", \"::1\")", "{\"a\":\"fe80::2\"}", 1},
		{"a cidr \"::1\"", "{\"a\":\"::2\"}", 0},
		{"a cidr \"192.168.1.128/25\"", "{\"a\":\"192.168.1.127\"}", 0},
		{"a cidr \"0.0.0.0/0\"", "{\"a\":\"fe80::2\"}", 0},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
}

static void words_join_tests(void **state)
{
	static const struct row rows[] = {
		{"a = 1 and b = 2", "{\"a\":1,\"b\":2}", 1},
		{"a = 1 and b = 3", "{\"a\":1,\"b\":2}", 0},
		{"a = 0 or b = 2", "{\"a\":1,\"b\":2}", 1},
		{"a = 1 or b = 3 and a = 9", "{\"a\":1,\"b\":2}", 1},
		{"(a = 1 or b = 3) and a = 9", "{\"a\":1,\"b\":2}", 0},
		{"not a = 2", "{\"a\":1}", 1},
		{"not (a = 1 and b = 2)", "{\"a\":1,\"b\":2}", 0},
		{"not not a = 1", "{\"a\":1}", 1},
		{"a = 1\n  and not (b = 3\n  or b = 4)", "{\"a\":1,\"b\":2}", 1},
		{"a = 1 and (b = 1 or not (b = 2 or c = 3)) or d = 4", "{\"a\":1,\"b\":5,\"c\":6}",
			1},
		{"a = 1 and (b = 1 or not (b = 5 or c = 3)) or d = 4", "{\"a\":1,\"b\":5,\"c\":6}",
			0},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
}

#define CHAIN                                                                                      \
	"{\"exception\":{\"values\":[{\"type\":\"IOError\",\"value\":\"Broken pipe\"},"            \
	"{\"type\":\"ViewError\",\"module\":\"app.views\",\"value\":\"oops\",\"mechanism\":"       \
	"{\"handled\":false},\"stacktrace\":{\"frames\":[{\"filename\":\"a.py\"},"                 \
	"{\"filename\":\"chrome-extension://x/y.js\"}]}}]},\"level\":\"fatal\"}"

/* [T28] [T29] and cases 25, 33, 34, 37. */
static void paths_reach_lists(void **state)
{
	static const struct row rows[] = {
		{"exception.values[-1].type = \"ViewError\"", CHAIN, 1},
		{"exception.values[0].type = \"ViewError\"", CHAIN, 0},
		{"exception.values[9].type = \"ViewError\"", CHAIN, 0},
		{"exception.values[*].type = \"IOError\"", CHAIN, 1},
		{"any(exception.values[*].type) in (\"IOError\")", CHAIN, 1},
		{"all(exception.values[*].type) endswith \"Error\"", CHAIN, 1},
		{"all(exception.values[*].type) = \"IOError\"", CHAIN, 0},
		{"all(exception.values[*].module) = \"app.views\"", CHAIN, 0},
		{"none(exception.values[*].type) = \"KeyError\"", CHAIN, 1},
		{"none(exception.values[*].type) = \"IOError\"", CHAIN, 0},
		{"none(spans[*].op) = \"db\"", CHAIN, 1},
		{"all(spans[*].op) = \"db\"", CHAIN, 0},
		{"any(exception.values[*].stacktrace.frames[*].filename) startswith "
		 "(\"chrome-extension://\", \"moz-extension://\")",
			CHAIN, 1},
		{"exists(exception.values[*].stacktrace)", CHAIN, 1},
		{"missing(exception.values[*].stacktrace)", "{\"exception\":{\"values\":[{}]}}", 1},
		{"exception.values[*].type = \"A\"", "{\"exception\":[{\"type\":\"A\"}]}", 1},
		{"any(**) contains \"Broken\"", CHAIN, 1},
		{"any(extra.**) contains \"Broken\"", CHAIN, 0},
		{"[\"a b\"].\"c.d\" = 1", "{\"a b\":{\"c.d\":1}}", 1},
		{"any(tags[*]) = \"v\"", "{\"tags\":{\"a\":\"u\",\"b\":\"v\"}}", 1},
		{"tags.my-tag = 1", "{\"tags\":{\"my-tag\":1}}", 1},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
}

/* [T24] */
static void headers_match_any_case_and_both_forms(void **state)
{
	static const struct row rows[] = {
		{"request.headers.\"User-Agent\" imatches \"bot|crawler\"",
			"{\"request\":{\"headers\":{\"user-agent\":\"GoogleBot\"}}}", 1},
		{"exists(request.headers.X-Health)",
			"{\"request\":{\"headers\":[[\"x-health\",\"1\"]]}}", 1},
		{"request.headers.x-health = \"1\"",
			"{\"request\":{\"headers\":[[\"A\",\"2\"],[\"X-Health\",\"1\"]]}}", 1},
		{"tags.route = \"/a\"", "{\"tags\":[[\"route\",\"/a\"]]}", 1},
		{"tags.route = \"/a\"", "{\"tags\":[[\"Route\",\"/a\"]]}", 0},
		{"tags.route = \"/a\"", "{\"tags\":{\"Route\":\"/a\"}}", 0},
		{"tags.route = \"/a\"", "{\"tags\":[null,[],[\"route\"],[1,2]]}", 0},
		{"user_agent icontains \"bot\"",
			"{\"request\":{\"headers\":[[\"USER-AGENT\",\"a bot\"]]}}", 1},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
}

/* [T25] */
static void message_is_found_in_every_form(void **state)
{
	static const struct row rows[] = {
		{"message = \"m\"", "{\"message\":\"m\"}", 1},
		{"message = \"m\"", "{\"message\":{\"formatted\":\"m\"}}", 1},
		{"message = \"m\"", "{\"message\":{\"message\":\"m\"}}", 1},
		{"message = \"m\"", "{\"logentry\":{\"message\":\"m\"}}", 1},
		{"message = \"m 1\"", "{\"logentry\":{\"message\":\"m %d\",\"formatted\":\"m 1\"}}",
			1},
		{"message = \"m\"",
			"{\"exception\":{\"values\":[{\"value\":\"x\"},{\"value\":\"m\"}]}}", 1},
		{"message contains \"\"", "{}", 0},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
	assert_true(holds(RULE_BREADCRUMB, "message = \"m\"", "{\"message\":\"m\"}"));
	assert_true(holds(RULE_LOG, "message = \"m\"", "{\"body\":\"m\"}"));
}

static void virtual_fields_have_one_name(void **state)
{
	static const struct row rows[] = {
		{"exception.type = \"ViewError\"", CHAIN, 1},
		{"exception.qualified = \"app.views.ViewError\"", CHAIN, 1},
		{"exception.class = \"C\"", "{\"exception\":{\"values\":[{\"type\":\"a::b::C\"}]}}",
			1},
		{"exception.qualified = \"E\"",
			"{\"exception\":{\"values\":[{\"type\":\"E\",\"module\":null}]}}", 1},
		{"exception.chain = \"IOError\"", CHAIN, 1},
		{"exception.chain in (\"app.views.ViewError\")", CHAIN, 1},
		{"exception.qualified = \"m.E\" and exception.chain = \"E\"",
			"{\"exception\":[{\"type\":\"x\"},{\"type\":\"E\",\"module\":\"m\"}]}", 1},
		{"exception.qualified = \"m.E\" and exception.chain = \"E\" and message = \"v\"",
			"{\"exception\":{\"type\":\"E\",\"module\":\"m\",\"value\":\"v\"}}", 1},
		{"missing(exception.type) and missing(message)",
			"{\"exception\":{\"values\":null}}", 1},
		{"handled = false", CHAIN, 1},
		{"crash = true", CHAIN, 1},
		{"crash = true", "{\"level\":\"fatal\"}", 0},
		{"url.path = \"/ping\"", "{\"request\":{\"url\":\"https://u@h:80/ping?a=b#c\"}}",
			1},
		{"url.host = \"h\"", "{\"request\":{\"url\":\"https://u@h:80/ping?a=b#c\"}}", 1},
		{"url.host = \"[::1]\"", "{\"request\":{\"url\":\"http://[::1]:80/\"}}", 1},
		{"url.query = \"a=b\"", "{\"request\":{\"url\":\"https://h/ping?a=b#c\"}}", 1},
		{"url.path = \"/p\"", "{\"request\":{\"url\":\"/p?x\"}}", 1},
		{"url.path = \"/\"", "{\"request\":{\"url\":\"http://h\"}}", 1},
		{"url.host = \"h\"",
			"{\"contexts\":{\"trace\":{\"data\":{\"url.full\":\"http://h\"}}}}", 1},
		{"http.status >= 500", "{\"contexts\":{\"response\":{\"status_code\":503}}}", 1},
		{"http.status = 404", "{\"tags\":{\"http.status_code\":\"404\"}}", 1},
		{"http.status = 404",
			"{\"contexts\":{\"trace\":{\"data\":{\"http.response.status_code\":404}}}}",
			1},
		{"http.status = 404", "{\"tags\":[[\"http.status_code\",\"404\"]]}", 1},
		{"duration_ms >= 8s",
			"{\"start_timestamp\":1700000000.5,\"timestamp\":1700000008.5}", 1},
		{"duration_ms = 1500",
			"{\"start_timestamp\":\"2026-01-01T00:00:00Z\",\"timestamp\":"
			"\"2026-01-01T00:00:01.5Z\"}",
			1},
		{"age > 1h", "{\"timestamp\":1795470000}", 1},
		{"age < 1h", "{\"timestamp\":1795478399.5}", 1},
		{"sdk.name = \"s\"", "{\"sdk\":{\"name\":\"s\"}}", 1},
		{"item.type = \"event\"", "{}", 1},
	};

	(void)state;
	check_rows(RULE_EVENT, rows, COUNT_OF(rows));
	assert_true(holds(RULE_SPAN, "duration_ms < 5",
		"{\"start_timestamp\":1700000000.123,"
		"\"timestamp\":1700000000.127}"));
	assert_true(holds(RULE_SPAN, "url.host = \"h\"", "{\"description\":\"GET http://h/a\"}"));
	assert_true(holds(RULE_LOG, "attributes.\"logger.name\" = \"a\"",
		"{\"attributes\":{\"logger.name\":{\"value\":\"a\",\"type\":\"string\"}}}"));
	assert_true(holds(RULE_CHECK_IN, "duration_ms = 2500", "{\"duration\":2.5}"));
}

static void headers_and_sender_are_there_too(void **state)
{
	static const char body[] = "{\"sdk\":{\"name\":\"sentry.x\"},\"trace\":{\"sample_rate\":"
				   "\"0.25\"}}\n{\"type\":\"event\",\"filename\":\"f\"}\n{}\n";
	struct envelope *e = envelope_new();
	struct bench b = bench_of(RULE_EVENT, "{}");
	static const char *const truths[] = {"sdk.name = \"sentry.x\"",
		"envelope.trace.sample_rate < 0.5", "item.filename = \"f\"", "item.size = 2",
		"item.type = \"event\"", "client.uid = 1000", "client.pid = -1",
		"listener = \"unix\"", "missing(item.nothing)"};

	(void)state;
	assert_int_equal(envelope_parse(e, str_of(body), NULL, NULL), E_OK);
	e->from.peer_uid = 1000;
	e->from.peer_pid = -1;
	b.scope.envelope = e;
	b.scope.item = &e->items[0];
	b.scope.listener = STR("unix");
	for (size_t i = 0; i < COUNT_OF(truths); i++) {
		struct condition *c = parsed(truths[i]);

		if (condition_eval(c, &b.scope) != CONDITION_TRUE)
			fail_msg("%s", truths[i]);
		condition_free(c);
	}
	bench_fini(&b);
	envelope_free(e);
}

/* [T3] section 1: missing, mismatch, limit. */
static void what_cannot_be_evaluated_is_false_and_counted(void **state)
{
	static const struct {
		const char *when, *json;
		int missing, errors;
	} rows[] = {
		{"a = 1", "{}", 1, 0},
		{"a != 1", "{}", 1, 0},
		{"a not in (1)", "{\"a\":null}", 1, 0},
		{"a < 1", "{\"a\":{}}", 0, 1},
		{"a != \"x\"", "{\"a\":[]}", 0, 1},
		{"a < 1", "{\"a\":\"x\"}", 0, 1},
		{"length(a) = 1", "{\"a\":1}", 0, 1},
		{"a cidr \"::1\"", "{\"a\":\"localhost\"}", 0, 1},
		{"a = b", "{\"a\":1}", 0, 1},
		{"a matches \"x\"", "{\"a\":{}}", 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bench b = bench_of(RULE_EVENT, rows[i].json);
		struct condition *c = parsed(rows[i].when);

		if (condition_eval(c, &b.scope) != CONDITION_FALSE ||
			(int)b.scope.missing != rows[i].missing ||
			(int)b.scope.errors != rows[i].errors)
			fail_msg("%s on %s: %u missing, %u errors", rows[i].when, rows[i].json,
				b.scope.missing, b.scope.errors);
		condition_free(c);
		bench_fini(&b);
	}
}

/* [T26] */
static void catastrophic_patterns_end(void **state)
{
	static const char *const patterns[] = {"a matches \"^(a+)+$\"", "a matches \"(a|aa)+$\"",
		"a matches \"(.*)*x(.*)*y\"", "a matches \"^(([a-z])+.)+[A-Z]([a-z])+$\""};
	size_t n = 60 * 1024; /* less than is looked at */
	char *json = malloc(n + 32);

	(void)state;
	assert_non_null(json);
	memcpy(json, "{\"a\":\"", 6);
	memset(json + 6, 'a', n);
	memcpy(json + 6 + n, "!\"}", 4);
	for (size_t i = 0; i < COUNT_OF(patterns); i++)
		assert_int_equal(holds(RULE_EVENT, patterns[i], json), CONDITION_FALSE);
	free(json);
}

static void errors_name_the_place_and_the_nearest_name(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "column 1: expected a path"},
		{"message contans \"x\"",
			"column 9: \"contans\" is no operator (did you mean contains?)"},
		{"message", "column 8: expected an operator"},
		{"a =", "column 4: expected a value, but here the text ends"},
		{"a = \"x", "column 5: the text has no closing \""},
		{"a = 1 b", "column 7: expected \"and\", \"or\" or the end, not \"b\""},
		{"(a = 1", "column 7: expected \"and\", \"or\" or \")\""},
		{"a in 3", "column 6: expected a list"},
		{"a in (1, )", "column 10: expected a value"},
		{"a = 1\nand b matches \"(\"",
			"line 2, column 17: the regular expression is wrong"},
		{"a matches x", "column 11: expected a regular expression in quotes"},
		{"a cidr \"10/8\"", "column 8: cidr needs networks"},
		{"a = 3x", "column 6: \"x\" is no unit"},
		{"lower(a) = \"A\"", "column 12: lower() is never \"A\""},
		{"length(a) = \"A\"", "column 13: a length is a number"},
		{"length(a) contains \"A\"", "column 20: a length can only be compared"},
		{"any(a = 1", "column 7: expected \")\" behind the path"},
		{"a[x] = 1", "column 3: expected a number, * or \"key\""},
		{"a.**.b = 1", "column 5: nothing can stand behind **"},
		{"a. = 1", "column 4: expected a key"},
		{"\xc3\xa9 = = 1", "column 1: expected a path"},
		{"a < null", "column 5: only numbers and texts have an order"},
		{"a not b", "column 7: expected \"in\" behind \"not\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct condition *c = NULL;
		struct err err = {0};

		assert_int_not_equal(condition_parse(&c, str_of(rows[i].text), &err), E_OK);
		if (strncmp(err.text, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("%s: %s", rows[i].text, err.text);
	}
}

static void nesting_is_bounded(void **state)
{
	enum { DEEP = 2000 };
	char *text = malloc(2 * DEEP + 16);
	struct condition *c = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, '(', DEEP);
	memcpy(text + DEEP, "a = 1", 5);
	memset(text + DEEP + 5, ')', DEEP);
	text[2 * DEEP + 5] = '\0';
	assert_int_equal(condition_parse(&c, str_of(text), NULL), E_TOOBIG);
	free(text);
}

static void payloads_may_be_very_deep(void **state)
{
	enum { DEEP = 2000 };
	char *text = malloc(8 * DEEP + 16);
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < DEEP; i++)
		n += (size_t)sprintf(text + n, "{\"a\":");
	n += (size_t)sprintf(text + n, "\"x\"");
	memset(text + n, '}', DEEP);
	text[n + DEEP] = '\0';
	assert_true(holds(RULE_EVENT, "any(**) = \"x\"", text));
	assert_false(holds(RULE_EVENT, "any(**) = \"y\"", text));
	free(text);
}

static void shared_paths_are_looked_up_once_and_anew_after_edits(void **state)
{
	struct rule_fields *f = rule_fields_new();
	struct bench b = bench_of(RULE_EVENT, "{\"a\":{\"b\":1}}");
	struct condition *one = NULL, *two = NULL;

	(void)state;
	assert_int_equal(condition_parse_in(&one, f, STR("a.b = 1"), NULL), E_OK);
	assert_int_equal(condition_parse_in(&two, f, STR("a.b = 2 and a.c = 3"), NULL), E_OK);
	assert_true(condition_eval(one, &b.scope));
	assert_false(condition_eval(two, &b.scope));
	assert_int_equal(json_set_raw(b.scope.doc, json_root(b.scope.doc), STR("a"),
				 STR("{\"b\":2,\"c\":3}")),
		E_OK);
	rule_scope_edited(&b.scope);
	assert_false(condition_eval(one, &b.scope));
	assert_true(condition_eval(two, &b.scope));
	condition_free(one);
	rule_fields_free(f);
	bench_fini(&b);
}

static void what_a_condition_reads_is_known(void **state)
{
	static const char *const head[] = {"transaction", "release", "environment", "trace.*"};
	struct condition *c = parsed("transaction = \"a\" and (release = \"1\" or trace.x = 1)");

	(void)state;
	assert_true(condition_reads_only(c, head, COUNT_OF(head)));
	condition_free(c);
	c = parsed("transaction = \"a\" and duration_ms > 3s");
	assert_false(condition_reads_only(c, head, COUNT_OF(head)));
	condition_free(c);
	c = parsed("transaction = server_name");
	assert_false(condition_reads_only(c, head, COUNT_OF(head)));
	condition_free(c);
}

static void nothing_at_all_is_judged_too(void **state)
{
	struct arena *a = arena_new(256, 0);
	struct rule_scope s;
	static const char *const falsehoods[] = {"a = 1", "message = \"x\"",
		"exception.chain = \"x\"", "any(a[*]) = 1", "url.path = \"/\"", "envelope.a = 1",
		"item.a = 1", "client.uid = 0", "crash = true", "value = 1", "http.status = 1",
		"user_agent = \"a\""};

	(void)state;
	rule_scope_init(&s, a, (struct instant){0, 0});
	for (size_t i = 0; i < COUNT_OF(falsehoods); i++) {
		struct condition *c = parsed(falsehoods[i]);

		if (condition_eval(c, &s) != CONDITION_FALSE)
			fail_msg("%s", falsehoods[i]);
		condition_free(c);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tests_compare_values),
		cmocka_unit_test(texts_have_their_tests),
		cmocka_unit_test(words_join_tests),
		cmocka_unit_test(paths_reach_lists),
		cmocka_unit_test(headers_match_any_case_and_both_forms),
		cmocka_unit_test(message_is_found_in_every_form),
		cmocka_unit_test(virtual_fields_have_one_name),
		cmocka_unit_test(headers_and_sender_are_there_too),
		cmocka_unit_test(what_cannot_be_evaluated_is_false_and_counted),
		cmocka_unit_test(catastrophic_patterns_end),
		cmocka_unit_test(errors_name_the_place_and_the_nearest_name),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(payloads_may_be_very_deep),
		cmocka_unit_test(shared_paths_are_looked_up_once_and_anew_after_edits),
		cmocka_unit_test(what_a_condition_reads_is_known),
		cmocka_unit_test(nothing_at_all_is_judged_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
