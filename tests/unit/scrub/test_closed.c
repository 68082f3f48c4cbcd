/* Failing closed: what cannot be looked at does not pass (design 1, law 2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/scrub/support.h"

static struct scrubber *made(const struct scrub_options *o)
{
	struct scrubber *s;
	struct err err = {0};

	if (scrubber_new(&s, o, &err) != E_OK)
		fail_msg("%s", err.text);
	return s;
}

static struct scrubber *defaults(void)
{
	struct scrub_options o = {.deep = true, .attachments = true};

	o.settings.scrub_data = o.settings.scrub_defaults = o.settings.scrub_ip_addresses = true;
	return made(&o);
}

static struct scrubber *with_rules(const char *json, uint32_t limit)
{
	struct scrub_options o = {.rules = str_of(json), .match_limit = limit, .attachments = true};

	return made(&o);
}

static struct str scrubbed(struct scrubber *s, enum scrub_type t, struct str in, struct arena *a,
	struct scrub_tally *tally)
{
	struct err err = {0};
	struct str out;

	*tally = (struct scrub_tally){0};
	if (scrub_payload(s, t, in, a, &out, tally, &err) != E_OK)
		fail_msg("%s", err.text);
	return out;
}

static void expect(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("%.*s", STR_ARG(got));
}

static bool holds(struct str s, const char *part)
{
	return str_find(s, str_of(part)) < s.n;
}

/* Backtracks for ever on a row of a's that ends otherwise. */
#define EVIL                                                                                       \
	"{\"rules\":{\"evil\":{\"type\":\"pattern\",\"pattern\":\"(a+)+$\","                       \
	"\"redaction\":{\"method\":\"replace\",\"text\":\"[gone]\"}}},"                            \
	"\"applications\":{\"$string\":[\"evil\"],\"$binary\":[\"evil\"]}}"

static void a_pattern_over_its_limit_takes_the_whole_value(void **state) /* 75 */
{
	struct scrubber *s = with_rules(EVIL, 0);
	struct arena *a = arena_new(0, 0);
	struct scrub_tally tally;

	(void)state;
	expect(scrubbed(s, SCRUB_EVENT,
		       STR("{\"extra\":{\"x\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"
			   "\"}}"),
		       a, &tally),
		"{\"extra\":{\"x\":\"[gone]\"},\"_meta\":{\"extra\":{\"x\":{\"\":{\"rem\":[["
		"\"evil\",\"s\","
		"0,6]],\"len\":49}}}}}");
	assert_int_equal(tally.values.limits, 1);
	arena_free(a);
	scrubber_free(s);
}

static void many_patterns_over_their_limits_end_all_the_same(void **state) /* 75 */
{
	struct scrubber *s = with_rules(EVIL, 0);
	struct arena *a = arena_new(0, 0);
	struct scrub_tally tally;
	struct buf in = BUF_INIT;
	struct str out;

	(void)state;
	buf_cstr(&in, "{\"extra\":[");
	for (int i = 0; i < 2000; i++)
		buf_printf(&in, "%s\"%daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
			i > 0 ? "," : "", i);
	buf_cstr(&in, "]}");
	out = scrubbed(s, SCRUB_EVENT, buf_view(&in), a, &tally);
	assert_false(holds(out, "aaaa"));
	buf_fini(&in);
	arena_free(a);
	scrubber_free(s);
}

static void bytes_over_the_limit_are_overwritten(void **state) /* 68, 75 */
{
	struct scrubber *s = with_rules(EVIL, 0);
	struct arena *a = arena_new(0, 0);
	struct scrub_tally tally = {0};
	struct str in = STR("secret aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	struct str out;
	struct err err;

	(void)state;
	assert_int_equal(scrub_attachment(s, STR("a.txt"), in, a, &out, &tally, &err), E_OK);
	assert_int_equal(out.n, in.n);
	assert_false(holds(out, "secret"));
	assert_false(holds(out, "aa"));
	arena_free(a);
	scrubber_free(s);
}

static struct str nested(struct arena *a, int depth, const char *open, const char *close)
{
	struct buf b = BUF_INIT;
	struct str s;

	buf_cstr(&b, "{\"extra\":");
	for (int i = 0; i < depth; i++)
		buf_cstr(&b, open);
	buf_cstr(&b, "\"4571234567890111\"");
	for (int i = 0; i < depth; i++)
		buf_cstr(&b, close);
	buf_char(&b, '}');
	s = arena_dup(a, buf_view(&b));
	buf_fini(&b);
	return s;
}

static void what_lies_too_deep_is_taken_out(void **state)
{
	struct scrubber *s = defaults();

	(void)state;
	for (int depth = 100; depth < 180; depth++) {
		struct arena *a = arena_new(0, 0);
		struct scrub_tally tally;

		assert_false(holds(scrubbed(s, SCRUB_EVENT, nested(a, depth, "[", "]"), a, &tally),
			"4571234567890111"));
		assert_false(
			holds(scrubbed(s, SCRUB_EVENT, nested(a, depth, "{\"a\":", "}"), a, &tally),
				"4571234567890111"));
		arena_free(a);
	}
	scrubber_free(s);
}

/* Several passes meet the same depth. */
static void what_is_taken_out_is_noted_and_counted_once(void **state)
{
	static const char note[] = "\"rem\":[[\"picket:depth\",\"x\"]]";
	struct scrubber *s = defaults();
	struct arena *a = arena_new(0, 0);
	struct scrub_tally tally;
	struct str once = scrubbed(s, SCRUB_EVENT, nested(a, 200, "[", "]"), a, &tally);

	(void)state;
	assert_true(holds(once, note));
	assert_int_equal(tally.values.limits, 1);
	assert_true(str_eq(once, scrubbed(s, SCRUB_EVENT, once, a, &tally))); /* 73 */
	assert_int_equal(tally.values.limits, 0);
	arena_free(a);
	scrubber_free(s);
}

static void documents_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {"", "{", "{\"a\":1}x", "\x01"};
	struct scrubber *s = defaults();

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct scrub_tally tally = {0};
		struct err err = {0};
		struct str out;

		assert_int_equal(
			scrub_payload(s, SCRUB_EVENT, str_of(bad[i]), a, &out, &tally, &err),
			E_SYNTAX);
		arena_free(a);
	}
	scrubber_free(s);
}

/* A member of the wrong form is no way past the rules. */
static void malformed_members_are_scrubbed_like_free_ones(void **state)
{
	static const char *const events[] = {
		"{\"user\":\"4571234567890111\"}",
		"{\"user\":[\"4571234567890111\"]}",
		"{\"release\":{\"a\":\"4571234567890111\"}}",
		"{\"release\":[[\"x\",\"4571234567890111\"]]}",
		"{\"contexts\":[\"4571234567890111\"]}",
		"{\"contexts\":{\"os\":\"4571234567890111\"}}",
		"{\"exception\":\"4571234567890111\"}",
		"{\"exception\":{\"values\":{\"a\":\"4571234567890111\"}}}",
		"{\"exception\":{\"values\":[\"4571234567890111\"]}}",
		"{\"spans\":{\"a\":\"4571234567890111\"}}",
		"{\"spans\":[\"4571234567890111\"]}",
		"{\"tags\":\"4571234567890111\"}",
		"{\"sentry.interfaces.Contexts\":\"4571234567890111\"}",
		"{\"sentry.interfaces.Contexts\":{\"biz\":{\"a\":\"4571234567890111\"}}}",
		"{\"sentry.interfaces.Http\":{\"data\":\"4571234567890111\"}}",
		"{\"sentry.interfaces.Exception\":[\"4571234567890111\"]}",
		"{\"request\":{\"headers\":\"4571234567890111\"}}",
		"{\"request\":{\"cookies\":\"4571234567890111\"}}",
		"{\"request\":{\"cookies\":[[\"a\",\"4571234567890111\",\"b\"]]}}",
		"{\"request\":{\"query_string\":[\"4571234567890111\"]}}",
		"{\"breadcrumbs\":[{\"message\":\"4571234567890111\"}]}",
		"{\"breadcrumbs\":{\"message\":\"4571234567890111\"}}",
		"{\"logentry\":[\"4571234567890111\"]}",
		"{\"user\":{\"_meta\":\"4571234567890111\"}}",
		"{\"extra\":{\"\\u0000\":\"4571234567890111\"}}",
		"{\"extra\":{\"a\":\"1\",\"a\":\"4571234567890111\"}}",
		"{\"extra\":\"\\u00344571234567890111\"}",
		"{\"extra\":\"4571234\\u0035\\u0036\\u00377890111\"}",
	};
	struct scrubber *s = defaults();

	(void)state;
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct scrub_tally tally;
		struct str out = scrubbed(s, SCRUB_EVENT, str_of(events[i]), a, &tally);

		if (holds(out, "4571234567890111") && !holds(out, "44571234567890111"))
			fail_msg("%s: %.*s", events[i], STR_ARG(out));
		arena_free(a);
	}
	scrubber_free(s);
}

/* "_meta" is no hiding place. */
static void notes_keep_no_secrets(void **state) /* 31 */
{
	static const char *const events[] = {
		"{\"extra\":{\"a\":null},\"_meta\":{\"extra\":{\"a\":{\"\":{\"val\":"
		"\"4571234567890111\"}}}}}",
		"{\"_meta\":{\"extra\":{\"a\":{\"\":{\"val\":\"4571234567890111\"}}}}}",
		"{\"extra\":{\"a\":1},\"_meta\":{\"extra\":{\"a\":{\"\":{\"val\":["
		"\"4571234567890111\"]}}}}}",
		"{\"_meta\":\"4571234567890111\"}",
		"{\"_meta\":{\"a\":\"4571234567890111\"}}",
		"{\"_meta\":{\"a\":{\"\":{\"4571234567890111\":1}}}}",
		"{\"_meta\":{\"a\":{\"\":{\"rem\":[[\"x\",\"4571234567890111\"]]}}}}",
		"{\"_meta\":{\"a\":{\"\":{\"err\":[4571234567890111]}}}}",
		"{\"_meta\":{\"a\":{\"\":{\"len\":\"4571234567890111\"}}}}",
		"{\"extra\":{\"a\":null},\"_meta\":{\"extra\":{\"a\":{\"\":{\"val\":"
		"\"4571234567890111\","
		"\"val\":\"4571234567890111\"}}}}}",
	};
	struct scrubber *s = defaults();

	(void)state;
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct scrub_tally tally;
		struct str out = scrubbed(s, SCRUB_EVENT, str_of(events[i]), a, &tally);

		if (holds(out, "4571234567890111"))
			fail_msg("%s: %.*s", events[i], STR_ARG(out));
		arena_free(a);
	}
	scrubber_free(s);
}

static void what_no_rule_names_stays_byte_for_byte(void **state)
{
	static const char text[] =
		"{ \"event_id\" : \"a\",\t\"level\":\"e\\u0072ror\" , \"extra\": {\"n\": "
		"1.0e+400, \"s\":\"\\ud800 plain \\/ text\"},\"x\":[ ] }";
	struct scrubber *s = defaults();
	struct arena *a = arena_new(0, 0);
	struct scrub_tally tally;
	struct str in = str_of(text);
	struct str out = scrubbed(s, SCRUB_EVENT, in, a, &tally);

	(void)state;
	assert_ptr_equal(out.p, in.p);
	assert_int_equal(out.n, in.n);
	arena_free(a);
	scrubber_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_over_its_limit_takes_the_whole_value),
		cmocka_unit_test(many_patterns_over_their_limits_end_all_the_same),
		cmocka_unit_test(bytes_over_the_limit_are_overwritten),
		cmocka_unit_test(what_lies_too_deep_is_taken_out),
		cmocka_unit_test(what_is_taken_out_is_noted_and_counted_once),
		cmocka_unit_test(documents_that_are_none_are_refused),
		cmocka_unit_test(malformed_members_are_scrubbed_like_free_ones),
		cmocka_unit_test(notes_keep_no_secrets),
		cmocka_unit_test(what_no_rule_names_stays_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
