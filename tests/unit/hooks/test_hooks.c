#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hooks/hooks.h"

#define EVENT_ID "9ec79c33ec9942ab8353589fcb2e04dc"

struct rig {
	char path[64];
	struct hooks *hooks;
	struct envelope *e;
	struct buf body;
	struct err err;
	char *text; /* of the payload after the call */
};

static void script_write(struct rig *r, const char *script)
{
	FILE *f;
	int fd;

	(void)snprintf(r->path, sizeof r->path, "hooks-XXXXXX");
	fd = mkstemp(r->path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	assert_true(fputs(script, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int load_within(struct rig *r, const char *script, int64_t time_limit_us)
{
	struct hooks_options o = {r->path, time_limit_us, 8 << 20};
	int rc;

	memset(r, 0, sizeof *r);
	script_write(r, script);
	o.script = r->path;
	rc = hooks_new(&r->hooks, &o, &r->err);
	(void)unlink(r->path);
	return rc;
}

static int load(struct rig *r, const char *script)
{
	return load_within(r, script, 20000);
}

static void envelope_make(struct rig *r, const char *payload)
{
	buf_init(&r->body, 0);
	buf_printf(&r->body,
		"{\"event_id\":\"" EVENT_ID "\"}\n"
		"{\"type\":\"event\",\"length\":%zu,\"odd\":[1]}\n%s\n"
		"{\"type\":\"attachment\",\"filename\":\"a.txt\",\"length\":3}\nabc\n",
		strlen(payload), payload);
	r->e = envelope_new();
	assert_non_null(r->e);
	assert_int_equal(envelope_parse(r->e, buf_view(&r->body), NULL, NULL), E_OK);
	r->e->from.peer_uid = 1000;
	r->e->from.project = STR("42");
}

static enum hook_outcome call(struct rig *r, enum hook which, const char *payload)
{
	struct instant now = {1, 1767225600500};
	struct hook_session *s;
	enum hook_outcome outcome;
	struct json_doc *d;
	struct buf out = BUF_INIT;

	envelope_make(r, payload);
	d = item_payload(r->e, &r->e->items[0]);
	assert_non_null(d);
	assert_int_equal(hooks_begin(r->hooks, r->e, now, &s, NULL), E_OK);
	outcome = hooks_call(s, which, &r->e->items[0], d, json_root(d), &r->err);
	hooks_end(s);
	json_write(d, json_root(d), &out);
	buf_char(&out, '\0');
	assert_true(buf_ok(&out));
	free(r->text);
	r->text = out.p;
	envelope_free(r->e);
	buf_fini(&r->body);
	return outcome;
}

static void unload(struct rig *r)
{
	hooks_free(r->hooks);
	free(r->text);
}

/* script is the body of before_send(event, hint). */
static void expect(const char *script, const char *payload, const char *want)
{
	struct buf text = BUF_INIT;
	enum hook_outcome outcome;
	struct rig r;

	buf_printf(&text, "function before_send(event, hint)\n%s\nreturn event\nend\n", script);
	buf_char(&text, '\0');
	if (load(&r, text.p) != E_OK)
		fail_msg("%s", r.err.text);
	outcome = call(&r, HOOK_EVENT, payload);
	if (outcome != HOOK_KEPT)
		fail_msg("%s: %s", script, r.err.text);
	assert_string_equal(r.text, want);
	unload(&r);
	buf_fini(&text);
}

/* --- values ---------------------------------------------------------------------- */

static void what_is_not_touched_stays_byte_for_byte(void **state)
{
	static const char payload[] = "{ \"a\": 1.50, \"b\" : [1e400, 18446744073709551615], "
				      "\"c\":\"\\ud800\\u00e9\", \"c\":2, \"d\":{} }";

	(void)state;
	expect("", payload, payload);
	expect("local _ = event.a, event.b[1], event.c, #event.b", payload, payload);
	expect("event.d.x = 'y'", payload,
		"{ \"a\": 1.50, \"b\" : [1e400, 18446744073709551615], "
		"\"c\":\"\\ud800\\u00e9\", \"c\":2, \"d\":{\"x\":\"y\"} }");
}

static void values_are_read_like_tables(void **state)
{
	static const char payload[] = "{\"t\":{\"k\":\"v\",\"n\":null,\"m\":2},\"l\":[1,null,\"x\"]"
				      ",\"b\":true,\"f\":1.5}";

	(void)state;
	expect("assert(event.t.k == 'v' and event.t.n == nil and event.nothing == nil)\n"
	       "assert(event.b == true and event.f == 1.5 and event.l[3] == 'x')\n"
	       "assert(#event.l == 3 and event.l[4] == nil and event.l[0] == nil)\n"
	       "assert(type(event) == 'table' and type(event.l) == 'table')\n"
	       "assert(math.type(event.t.m) == 'integer')\n"
	       "assert(event.t == event.t and event.t ~= event.l)\n"
	       "local seen = {}\n"
	       "for k, v in pairs(event.t) do seen[#seen + 1] = k .. '=' .. v end\n"
	       "assert(table.concat(seen, ',') == 'k=v,m=2')\n"
	       "local sum = 0\n"
	       "for i, v in ipairs(event.l) do sum = sum + i end\n"
	       "assert(sum == 1)\n"
	       "assert(tostring(event.l) == '[1,null,\"x\"]')",
		payload, payload);
}

static void values_are_written_like_tables(void **state)
{
	(void)state;
	expect("event.a = 1; event.b = 2.5; event.c = 'x\"\\n'; event.d = true", "{}",
		"{\"a\":1,\"b\":2.5,\"c\":\"x\\\"\\n\",\"d\":true}");
	expect("event.a = nil; event.none = nil; event.b = picket.null", "{\"a\":1,\"b\":2}",
		"{\"b\":null}");
	expect("event.t = {list = {1, 'two', {3}}}", "{}", "{\"t\":{\"list\":[1,\"two\",[3]]}}");
	expect("event.e = {}", "{}", "{\"e\":{}}");
	expect("event.l[2] = 'new'; event.l[4] = 4", "{\"l\":[1,2,3]}", "{\"l\":[1,\"new\",3,4]}");
	expect("event.l[3] = nil; event.l[1] = nil", "{\"l\":[1,2,3]}", "{\"l\":[null,2]}");
	expect("table.insert(event.l, 'end'); table.insert(event.l, 1, 'start')", "{\"l\":[1]}",
		"{\"l\":[\"start\",1,\"end\"]}");
	/* A number that goes through Lua is written by Lua. */
	expect("assert(table.remove(event.l, 1) == 1)", "{\"l\":[1,2.50,3]}", "{\"l\":[2.5,3]}");
	expect("event.copy = event.of", "{\"of\":{\"n\":1.00}}",
		"{\"of\":{\"n\":1.00},\"copy\":{\"n\":1.00}}");
	expect("event.a = {was = event.a}", "{\"a\":{\"x\":[1]}}", "{\"a\":{\"was\":{\"x\":[1]}}}");
	expect("for k in pairs(event) do event[k] = nil end", "{\"a\":1,\"b\":2,\"c\":3}", "{}");
}

static void another_table_takes_the_place_of_the_event(void **state)
{
	struct rig r;

	(void)state;
	assert_int_equal(load(&r, "function before_send(event)\n"
				  "return {message = event.message, tags = event.tags}\nend"),
		E_OK);
	assert_int_equal(call(&r, HOOK_EVENT, "{\"message\":\"m\",\"tags\":{\"a\":\"b\"},\"x\":1}"),
		HOOK_KEPT);
	/* Members of a Lua table have no order. */
	if (strcmp(r.text, "{\"message\":\"m\",\"tags\":{\"a\":\"b\"}}") != 0)
		assert_string_equal(r.text, "{\"tags\":{\"a\":\"b\"},\"message\":\"m\"}");
	unload(&r);
}

static void nil_drops_and_only_what_is_defined_is_called(void **state)
{
	struct rig r;

	(void)state;
	assert_int_equal(load(&r, "function before_send(e) if e.drop then return nil end "
				  "return e end\nbefore_breadcrumb = 3"),
		E_OK);
	assert_true(hooks_has(r.hooks, HOOK_EVENT));
	assert_false(hooks_has(r.hooks, HOOK_BREADCRUMB));
	assert_false(hooks_has(r.hooks, HOOK_LOG));
	assert_int_equal(call(&r, HOOK_EVENT, "{\"drop\":true}"), HOOK_DROPPED);
	assert_int_equal(call(&r, HOOK_EVENT, "{}"), HOOK_KEPT);
	unload(&r);
}

static void hints_tell_of_the_envelope(void **state)
{
	(void)state;
	expect("assert(hint.peer.uid == 1000 and hint.listener == 'unix')\n"
	       "assert(hint.project == '42' and hint.peer.pid == nil or true)\n"
	       "assert(#hint.attachments == 1 and hint.attachments[1].filename == 'a.txt')\n"
	       "assert(hint.attachments[1].bytes == 3)\n"
	       "assert(hint.headers.type == 'event' and hint.headers.odd[1] == 1)\n"
	       "assert(not pcall(function() hint.headers.type = 'x' end))",
		"{}", "{}");
}

static void chance_and_time_are_those_of_the_event(void **state)
{
	struct rig r;
	char *first;

	(void)state;
	assert_int_equal(
		load(&r, "function before_send(e)\n"
			 "e.r = {math.random(1000000), math.random(10, 20), math.random() < 1}\n"
			 "e.t = picket.time() return e end"),
		E_OK);
	assert_int_equal(call(&r, HOOK_EVENT, "{}"), HOOK_KEPT);
	first = strdup(r.text);
	assert_non_null(strstr(first, "true],\"t\":1767225600.5}"));
	assert_int_equal(call(&r, HOOK_EVENT, "{}"), HOOK_KEPT);
	assert_string_equal(r.text, first);
	free(first);
	unload(&r);
}

/* --- faults ----------------------------------------------------------------------- */

static void fails_within(const char *body, int64_t time_limit_us, const char *why)
{
	struct buf text = BUF_INIT;
	struct rig r;

	buf_printf(&text, "function before_send(event)\n%s\nend\n", body);
	buf_char(&text, '\0');
	if (load_within(&r, text.p, time_limit_us) != E_OK)
		fail_msg("%s", r.err.text);
	if (call(&r, HOOK_EVENT, "{\"message\":\"SECRET\",\"l\":[1]}") != HOOK_FAILED)
		fail_msg("%s: did not fail", body);
	if (strstr(r.err.text, why) == NULL)
		fail_msg("%s: %s", body, r.err.text);
	assert_null(strstr(r.err.text, "SECRET"));
	/* The next call is served, and no worse than the first. */
	assert_int_equal(call(&r, HOOK_EVENT, "{\"message\":\"SECRET\",\"l\":[1]}"), HOOK_FAILED);
	unload(&r);
	buf_fini(&text);
}

static void fails(const char *body, const char *why)
{
	fails_within(body, 20000, why);
}

static void a_loop_ends_at_its_time_limit_and_cannot_be_caught(void **state)
{
	(void)state;
	fails("while true do end", "time_limit");
	fails("while true do pcall(function() while true do end end) end", "time_limit");
	fails("while true do xpcall(function() while true do end end, function() end) end",
		"time_limit");
	fails("local s = ('x'):rep(1000000) while true do local t = s .. s end", "time_limit");
	fails("local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) "
	      "return t[1]",
		"raised");
}

static void memory_ends_at_its_limit_and_cannot_be_caught(void **state)
{
	(void)state;
	fails_within("local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(100000) .. i end", 5000000,
		"memory_limit");
	fails_within("local s = 'x' while true do s = s .. s end", 5000000, "memory_limit");
	fails_within("pcall(function() return ('x'):rep(1e9) end) return event", 5000000,
		"memory_limit");
}

static void errors_tell_the_line_and_nothing_of_the_event(void **state)
{
	(void)state;
	fails("error(event.message)", ":2");
	fails("error(event.message .. ': x', 0)", "raised an error");
	fails("error({event.message})", "raised an error");
	fails("error(nil)", "raised an error");
	fails("error(42, 0)", "raised an error");
	fails("return event.message", "raised an error");
	fails("return false", "raised");
	fails("return 1", "raised");
	fails("return event.nothing.more", ":2");
	fails("local function f() return f() + 1 end return f()", "");
	fails("event.l[5] = 1", ":2");
	fails("event.l.x = 1", ":2");
	fails("event[1] = 1", ":2");
	fails("event.x = function() end", ":2");
	fails("event.x = 0/0", ":2");
	fails("local t = {} t.t = t event.x = t", ":2");
	fails("event.x = {1, 2, x = 3}", ":2");
}

static void nothing_reaches_out_of_the_sandbox(void **state)
{
	static const char *const gone[] = {"io", "os", "debug", "require", "load", "loadstring",
		"dofile", "loadfile", "package", "rawset", "rawget", "collectgarbage", "print",
		"coroutine", "string.dump", "math.randomseed", "warn"};

	(void)state;
	for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
		char script[128];

		(void)snprintf(script, sizeof script, "assert(%s == nil)", gone[i]);
		expect(script, "{}", "{}");
	}
	expect("assert(getmetatable(event) == false)\n"
	       "assert(not pcall(setmetatable, event, {}))\n"
	       "assert(not pcall(setmetatable, {}, {__gc = function() end}))\n"
	       "assert(not pcall(next, event))\n"
	       "assert(not pcall(string.find, ('a'):rep(10000), 'a*b'))\n"
	       "assert(('a'):rep(10000):find('b', 1, true) == nil)\n"
	       "assert(_G.io == nil and _G._G == _G)",
		"{}", "{}");
}

static void values_of_an_earlier_event_are_refused(void **state)
{
	struct rig r;

	(void)state;
	assert_int_equal(load(&r, "function before_send(event)\n"
				  "if kept then return kept end\n"
				  "kept = event.tags return event end"),
		E_OK);
	assert_int_equal(call(&r, HOOK_EVENT, "{\"tags\":{\"a\":1}}"), HOOK_KEPT);
	assert_int_equal(call(&r, HOOK_EVENT, "{\"tags\":{\"a\":1}}"), HOOK_FAILED);
	unload(&r);
}

static void a_script_with_a_fault_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *script, *why;
	} rows[] = {
		{"function before_send(e)\nreturn e +\nend", ":3:"},
		{"error('at load')", ":1: at load"},
		{"while true do end", "come to an end"},
		{"x = ('y'):rep(1e8)", "memory_limit"},
		{"\x1bLua", "bytecode"},
		{"local io = io.open('x')", ":1:"},
	};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(load(&r, rows[i].script), E_SYNTAX);
		if (strstr(r.err.text, rows[i].why) == NULL &&
			!(i == 4 && strstr(r.err.text, "binary") != NULL))
			fail_msg("%s: %s", rows[i].script, r.err.text);
		unload(&r);
	}
	{
		struct hooks_options o = {"/nonexistent/hooks.lua", 20000, 8 << 20};
		struct hooks *h;
		struct err err = {0};

		assert_int_equal(hooks_new(&h, &o, &err), E_NOTFOUND);
		assert_non_null(strstr(err.text, "/nonexistent/hooks.lua"));
	}
}

static void deep_and_wide_payloads_are_only_looked_at_where_asked(void **state)
{
	struct buf b = BUF_INIT;
	char *text;

	(void)state;
	buf_cstr(&b, "{\"m\":1,\"deep\":");
	for (int i = 0; i < 2000; i++)
		buf_char(&b, '[');
	for (int i = 0; i < 2000; i++)
		buf_char(&b, ']');
	buf_cstr(&b, "}");
	buf_char(&b, '\0');
	text = strdup(b.p);
	expect("local n, at = 0, event.deep while at[1] do at = at[1] n = n + 1 end\n"
	       "assert(n == 1999)",
		b.p, text);
	free(text);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_touched_stays_byte_for_byte),
		cmocka_unit_test(values_are_read_like_tables),
		cmocka_unit_test(values_are_written_like_tables),
		cmocka_unit_test(another_table_takes_the_place_of_the_event),
		cmocka_unit_test(nil_drops_and_only_what_is_defined_is_called),
		cmocka_unit_test(hints_tell_of_the_envelope),
		cmocka_unit_test(chance_and_time_are_those_of_the_event),
		cmocka_unit_test(a_loop_ends_at_its_time_limit_and_cannot_be_caught),
		cmocka_unit_test(memory_ends_at_its_limit_and_cannot_be_caught),
		cmocka_unit_test(errors_tell_the_line_and_nothing_of_the_event),
		cmocka_unit_test(nothing_reaches_out_of_the_sandbox),
		cmocka_unit_test(values_of_an_earlier_event_are_refused),
		cmocka_unit_test(a_script_with_a_fault_is_refused_with_its_place),
		cmocka_unit_test(deep_and_wide_payloads_are_only_looked_at_where_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
