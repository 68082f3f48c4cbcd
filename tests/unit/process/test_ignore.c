/* Ignore lists: T1, T29 to T34. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/text.h"
#include "unit/process/support.h"

#define HEAD "{\"event_id\":\"11111111111111111111111111111111\"}\n"

static void run_event(struct bench *b, const char *payload)
{
	char text[8192];

	(void)snprintf(text, sizeof text, HEAD "{\"type\":\"event\"}\n%s\n", payload);
	bench_run(b, text);
}

static void run_transaction(struct bench *b, const char *payload)
{
	char text[8192];

	(void)snprintf(text, sizeof text, HEAD "{\"type\":\"transaction\"}\n%s\n", payload);
	bench_run(b, text);
}

static bool keeps(struct bench *b, const char *payload)
{
	run_event(b, payload);
	if (b->e->item_count == 0)
		assert_int_equal(dropped(b, DROP_EVENT_PROCESSOR, CAT_ERROR), 1);
	return b->e->item_count == 1;
}

static bool keeps_transaction(struct bench *b, const char *payload)
{
	run_transaction(b, payload);
	return b->e->item_count == 1;
}

#define EXC(type, module, value)                                                                   \
	"{\"type\":\"" type "\",\"module\":" module ",\"value\":\"" value "\"}"
#define EVENT_OF(list) "{\"exception\":{\"values\":[" list "]}}"

/* T28, T29, T32. */
static void a_name_is_the_class_that_was_raised(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[ignore]\nerrors = ValueError\n\tpkg.sub.E\n");
	assert_false(keeps(&b, EVENT_OF(EXC("ValueError", "null", "x"))));
	assert_false(keeps(&b, EVENT_OF(EXC("ValueError", "\"builtins\"", "x"))));
	assert_true(keeps(&b, EVENT_OF(EXC("MyValueError", "null", "x"))));
	assert_true(keeps(&b, EVENT_OF(EXC("valueerror", "null", "x"))));
	assert_false(keeps(&b, EVENT_OF(EXC("E", "\"pkg.sub\"", "x"))));
	assert_false(keeps(&b, EVENT_OF(EXC("pkg.sub.E", "null", "x"))));
	assert_true(keeps(&b, EVENT_OF(EXC("E", "null", "x"))));
	assert_true(keeps(&b, EVENT_OF(EXC("ValueError", "null", "x") "," EXC("K", "null", "y"))));
	assert_false(keeps(&b, EVENT_OF(EXC("K", "null", "y") "," EXC("ValueError", "null", "x"))));
	assert_false(keeps(&b, "{\"exception\":[" EXC("ValueError", "null", "x") "]}"));
	assert_true(keeps(&b, "{\"message\":\"ValueError\"}"));
	bench_reload(&b, "[ignore]\nerrors = ValueError\nchain = yes\n");
	assert_false(keeps(&b, EVENT_OF(EXC("ValueError", "null", "x") "," EXC("K", "null", "y"))));
	assert_true(keeps(&b, EVENT_OF(EXC("ValueError", "null",
				      "x") ",{\"type\":\"ExceptionGroup\",\"mechanism\":"
					   "{\"is_exception_group\":true}}")));
	bench_close(&b);
}

/* T25, T30: where texts and expressions are looked for. */
static void texts_are_looked_for_in_message_value_and_class(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[ignore]\nerrors =\n\t~needle\n\t/^time.?out$/i\n\t/^pkg\\.Slow/\n");
	assert_false(keeps(&b, "{\"message\":\"a needle b\"}"));
	assert_false(keeps(&b, "{\"message\":{\"formatted\":\"a needle b\"}}"));
	assert_false(keeps(&b, "{\"logentry\":{\"formatted\":\"a needle b\"}}"));
	assert_false(keeps(&b, "{\"logentry\":{\"message\":\"TIME-OUT\"}}"));
	assert_false(keeps(&b, EVENT_OF(EXC("E", "null", "a needle b"))));
	assert_false(keeps(&b, EVENT_OF(EXC("needleError", "null", "b"))));
	assert_false(keeps(&b, EVENT_OF(EXC("E", "null", "Timeout"))));
	assert_false(keeps(&b, EVENT_OF(EXC("SlowQuery", "\"pkg\"", "b"))));
	assert_true(keeps(&b, EVENT_OF(EXC("SlowQuery", "null", "NEEDLE"))));
	assert_true(keeps(&b, "{\"message\":\"a timeout b\"}"));
	bench_close(&b);
}

/* T26, design 12.7: an expression that meets its limit is no match, and ends. */
static void a_catastrophic_expression_ends_and_matches_nothing(void **state)
{
	static char text[70000];
	struct bench b;

	(void)state;
	(void)snprintf(text, sizeof text, "%s", HEAD "{\"type\":\"event\"}\n{\"message\":\"");
	memset(text + strlen(text), 'a', 65536);
	strcat(text, "\"}\n");
	bench_open(&b, "[ignore]\nerrors = /^(a+)+[bc]$/\n");
	bench_run(&b, text);
	assert_int_equal(b.e->item_count, 1);
	bench_close(&b);
}

/* T31. */
static void class_sets_name_their_members(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[ignore]\nerrors =\n\tclass:mine\n\tclass:python-os\n"
		       "[class_set]\nmine = AError, pkg.BError\n\tCError\n");
	assert_false(keeps(&b, EVENT_OF(EXC("AError", "null", ""))));
	assert_false(keeps(&b, EVENT_OF(EXC("BError", "\"pkg\"", ""))));
	assert_true(keeps(&b, EVENT_OF(EXC("BError", "\"other\"", ""))));
	assert_false(keeps(&b, EVENT_OF(EXC("CError", "null", ""))));
	assert_true(keeps(&b, EVENT_OF(EXC("cerror", "null", ""))));
	assert_false(keeps(&b, EVENT_OF(EXC("BrokenPipeError", "\"builtins\"", ""))));
	bench_close(&b);
}

/* T33, P-119. */
static void ignored_transactions_are_counted_with_their_spans(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b,
		"[ignore]\ntransactions =\n\tGET /health\n\t*.ping\n\t~internal\n\t/^x\\d+$/i\n");
	run_transaction(&b, "{\"transaction\":\"GET /health\",\"spans\":[{},{},{}]}");
	assert_int_equal(b.e->item_count, 0);
	assert_int_equal(dropped(&b, DROP_EVENT_PROCESSOR, CAT_TRANSACTION), 1);
	assert_int_equal(dropped(&b, DROP_EVENT_PROCESSOR, CAT_SPAN), 4);
	assert_true(keeps_transaction(&b, "{\"transaction\":\"GET /healthy\"}"));
	assert_false(keeps_transaction(&b, "{\"transaction\":\"app.views.ping\"}"));
	assert_false(keeps_transaction(&b, "{\"transaction\":\"the internal one\"}"));
	assert_false(keeps_transaction(&b, "{\"transaction\":\"X17\"}"));
	assert_true(keeps_transaction(&b, "{\"transaction\":\"X17a\"}"));
	assert_true(keeps_transaction(&b, "{}"));
	bench_close(&b);
}

static void paths_and_statuses_are_ignored(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[ignore]\npaths =\n\t/ping\n\t/static/*\nstatus_codes = 404 300-399\n");
	assert_false(keeps_transaction(&b, "{\"request\":{\"url\":\"https://h/ping?x=1\"}}"));
	assert_true(keeps_transaction(&b, "{\"request\":{\"url\":\"https://h/pings\"}}"));
	assert_false(keeps_transaction(&b, "{\"request\":{\"url\":\"http://h/static/a/b.js\"}}"));
	assert_false(keeps_transaction(
		&b, "{\"contexts\":{\"trace\":{\"data\":{\"url.path\":\"/ping\"}}}}"));
	assert_true(keeps_transaction(&b, "{\"transaction\":\"/ping\"}"));
#define STATUS(s) "{\"contexts\":{\"trace\":{\"data\":{\"http.response.status_code\":" s "}}}}"
	assert_false(keeps_transaction(&b, STATUS("404")));
	assert_false(keeps_transaction(&b, STATUS("\"304\"")));
	assert_true(keeps_transaction(&b, STATUS("405")));
	assert_true(keeps_transaction(&b, STATUS("null")));
	assert_false(keeps_transaction(&b, "{\"contexts\":{\"response\":{\"status_code\":301}}}"));
	bench_close(&b);
}

/* T34. */
static void loggers_are_ignored_in_events_breadcrumbs_and_logs(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[ignore]\nloggers = django.security.* noisy\nreleases = dev-*\n");
	assert_false(keeps(&b, "{\"logger\":\"django.security.DisallowedHost\"}"));
	assert_true(keeps(&b, "{\"logger\":\"django.request\"}"));
	assert_false(keeps(&b, "{\"release\":\"dev-12\"}"));
	assert_true(keeps(&b, "{\"breadcrumbs\":{\"values\":["
			      "{\"type\":\"log\",\"category\":\"noisy\"},"
			      "{\"type\":\"http\",\"category\":\"noisy\"},"
			      "{\"type\":\"log\",\"category\":\"other\"}]}}"));
	assert_non_null(strstr(written(&b),
		"{\"breadcrumbs\":{\"values\":[{\"type\":\"http\",\"category\":\"noisy\"},"
		"{\"type\":\"log\",\"category\":\"other\"}]},\"_meta\":{\"breadcrumbs\":{\"\":"
		"{\"len\":3}}}}"));
	bench_run(&b, "{}\n{\"type\":\"log\",\"item_count\":2,"
		      "\"content_type\":\"application/vnd.sentry.items.log+json\"}\n"
		      "{\"items\":[{\"attributes\":{\"logger.name\":{\"value\":\"noisy\"}}},{\"a\":"
		      "1}]}\n");
	assert_int_equal(dropped(&b, DROP_EVENT_PROCESSOR, CAT_LOG_ITEM), 1);
	assert_non_null(strstr(written(&b), "{\"items\":[{\"a\":1}]}"));
	bench_close(&b);
}

#define FILES(a, b)                                                                                \
	"{\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[{\"filename\":\"" a              \
	"\"},{\"filename\":\"" b "\"},{\"filename\":\"<anonymous>\"}]}}]}}"

static void the_last_file_decides_about_urls(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[ignore]\ndeny_urls =\n\tchrome-extension://\n\t/ads\\d*\\.js$/\n");
	assert_false(keeps(&b, FILES("app.js", "chrome-extension://abc/x.js")));
	assert_false(keeps(&b, FILES("app.js", "https://cdn/ads7.js")));
	assert_true(keeps(&b, FILES("https://cdn/ads7.js", "app.js")));
	assert_true(keeps(&b, "{\"message\":\"no frames\"}"));
	bench_reload(&b, "[ignore]\nallow_urls = https://my.site/\n");
	assert_true(keeps(&b, FILES("x.js", "https://my.site/a.js")));
	assert_false(keeps(&b, FILES("https://my.site/a.js", "x.js")));
	assert_true(keeps(&b, "{\"message\":\"no frames\"}"));
	bench_close(&b);
}

/* T1: the filter's reason, not sampling's. */
static void what_is_ignored_and_sampled_out_is_counted_as_ignored(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[ignore]\nerrors = E\n[sampling]\nerrors = 0\n");
	run_event(&b, EVENT_OF(EXC("E", "null", "")));
	assert_int_equal(dropped(&b, DROP_EVENT_PROCESSOR, CAT_ERROR), 1);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_ERROR), 0);
	run_event(&b, EVENT_OF(EXC("F", "null", "")));
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_ERROR), 1);
	bench_close(&b);
}

static void globs_match_whole_texts_in_bounded_time(void **state)
{
	static const struct {
		const char *glob, *s;
		bool matches;
	} cases[] = {{"", "", true}, {"*", "", true}, {"a", "a", true}, {"a", "ab", false},
		{"a*", "abc", true}, {"*c", "abc", true}, {"a*c", "abcbc", true},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false}, {"[!a-c]x", "dx", true}, {"[x", "[x", true},
		{"[]]", "]", true}, {"a\\*", "a*", true}, {"a\\*", "ab", false},
		{"**a**", "bab", true}, {"*.ping", "x.pin", false}};
	static char many[4097];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (text_glob(str_of(cases[i].glob), str_of(cases[i].s), false) != cases[i].matches)
			fail_msg("%s and %s", cases[i].glob, cases[i].s);
	memset(many, 'a', sizeof many - 1);
	assert_false(text_glob(STR("*a*a*a*a*a*a*a*a*a*a*b"), str_of(many), false));
}

static void what_cannot_be_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"[ignore]\nerrors =\n\tOk\n\t/(/\n",
			"t.conf:2: ignore.errors: \"/(/\" is no regular"},
		{"[ignore]\nerrors = class:python-oss\n",
			"t.conf:2: ignore.errors: \"class:python-oss\" is no class set (did you "
			"mean "
			"class:python-os?)"},
		{"[ignore]\nstatus_codes = 404 4x\n", "t.conf:2: ignore.status_codes: \"4x\""},
		{"[ignore]\nstatus_codes = 500-400\n", "ignore.status_codes"},
		{"[ignore]\ntransactions = ~\n", "looks for nothing"},
		{"[storm]\nper_issue = 30\n", "t.conf:2: storm.per_issue: \"30\""},
		{"[storm]\nper_issue = 0/1m\n", "storm.per_issue"},
		{"[storm]\nper_issue = 3/1y\n", "storm.per_issue"},
		{"[event]\nmax_value_length = 3\n", "t.conf:2: event.max_value_length"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct settings_source from = {"t.conf", NULL, true};
		struct settings *s = NULL;
		struct err err = {0};

		assert_int_equal(settings_parse_text(&s, str_of(cases[i].text), &from, &err), E_OK);
		assert_int_equal(judge_attach(s, NULL, &err), E_INVAL);
		if (strstr(err.text, cases[i].sentence) == NULL)
			fail_msg("%s", err.text);
		settings_unref(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_the_class_that_was_raised),
		cmocka_unit_test(texts_are_looked_for_in_message_value_and_class),
		cmocka_unit_test(a_catastrophic_expression_ends_and_matches_nothing),
		cmocka_unit_test(class_sets_name_their_members),
		cmocka_unit_test(ignored_transactions_are_counted_with_their_spans),
		cmocka_unit_test(paths_and_statuses_are_ignored),
		cmocka_unit_test(loggers_are_ignored_in_events_breadcrumbs_and_logs),
		cmocka_unit_test(the_last_file_decides_about_urls),
		cmocka_unit_test(what_is_ignored_and_sampled_out_is_counted_as_ignored),
		cmocka_unit_test(globs_match_whole_texts_in_bounded_time),
		cmocka_unit_test(what_cannot_be_is_refused_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
