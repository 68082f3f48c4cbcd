/* [sample NAME]: T7, T14, T15, design 12.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/process/support.h"

#define ID    "11111111111111111111111111111111"
#define TRACE "771a43a4192642f0b136d5159a501700"

static bool keeps_event(struct bench *b, const char *payload)
{
	char text[2048];

	(void)snprintf(text, sizeof text, "{\"event_id\":\"" ID "\"}\n{\"type\":\"event\"}\n%s\n",
		payload);
	bench_run(b, text);
	return b->e->item_count == 1;
}

/* A head has no parent; a continuation has one, and the head's facts in the DSC. */
static bool keeps_trace(struct bench *b, const char *dsc, const char *parent, const char *payload)
{
	char text[2048];

	(void)snprintf(text, sizeof text,
		"{\"event_id\":\"" ID "\",\"trace\":{\"trace_id\":\"" TRACE "\"%s}}\n"
		"{\"type\":\"transaction\"}\n{\"contexts\":{\"trace\":{\"trace_id\":\"" TRACE
		"\",\"parent_span_id\":%s}}%s}\n",
		dsc, parent, payload);
	bench_run(b, text);
	return b->e->item_count == 1;
}

#define HEAD   "null"
#define PARENT "\"aaaaaaaaaaaaaaaa\""

/* T7: the first that is true decides; where none is, [sampling] does. */
static void the_first_sample_that_is_true_decides(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nerrors = 0\n"
		       "[sample vip]\non = event\nwhen = tags.tier = \"gold\"\nrate = 1\n"
		       "[sample none]\non = event\nwhen = exists(tags.tier)\nrate = 0\n"
		       "[sample fatal]\non = event\nwhen = level = \"fatal\"\nrate = 1.0\n");
	assert_true(keeps_event(&b, "{\"tags\":{\"tier\":\"gold\"}}"));
	assert_false(keeps_event(&b, "{\"tags\":{\"tier\":\"tin\"},\"level\":\"fatal\"}"));
	assert_true(keeps_event(&b, "{\"level\":\"fatal\"}"));
	assert_false(keeps_event(&b, "{}"));
	bench_reload(&b, "[sampling]\nerrors = 1\n[sample all]\non = event\nrate = 0\n");
	assert_false(keeps_event(&b, "{}"));
	bench_close(&b);
}

/* T14: what is known only at the end, for a transaction by itself. */
static void a_rule_about_the_end_has_the_transaction_as_its_scope(void **state)
{
#define LASTED(s) ",\"start_timestamp\":100,\"timestamp\":" s
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\ntransactions = 1e-5\n"
		       "[sample slow]\non = transaction\nwhen = duration_ms >= 8000\nrate = 1\n"
		       "scope = transaction\n"
		       "[sample middle]\non = transaction\nwhen = duration_ms > 2000\nrate = 0.3\n"
		       "scope = transaction\n");
	assert_true(keeps_trace(&b, "", HEAD, LASTED("108")));
	assert_true(keeps_trace(&b, "", PARENT, LASTED("108")));
	assert_null(strstr(written(&b), "sample_rate"));
	assert_true(keeps_trace(&b, "", PARENT, LASTED("103"))); /* 0.214188 < 0.3 */
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.3\""));
	assert_false(keeps_trace(&b, "", HEAD, LASTED("101")));
	bench_close(&b);
}

/* T15, design 12.2. */
static void a_continuation_shares_the_fate_of_its_head(void **state)
{
#define OF(name) ",\"transaction\":\"" name "\""
	static const char config[] =
		"[sample health]\non = transaction\nwhen = transaction = \"/health\"\nrate = 0\n"
		"[sample old]\non = transaction\nwhen = release startswith \"1.\"\nrate = 0\n"
		"[sample ops]\non = transaction\nwhen = contexts.trace.op = \"db\"\nrate = 0\n";
	struct bench b;

	(void)state;
	bench_open(&b, config);
	assert_false(keeps_trace(&b, OF("/health"), HEAD, OF("/health")));
	assert_false(keeps_trace(&b, OF("/health"), PARENT, OF("worker")));
	assert_true(keeps_trace(&b, OF("/buy"), PARENT, OF("/health")));
	assert_false(keeps_trace(&b, ",\"release\":\"1.2\"", PARENT, ""));
	assert_true(keeps_trace(&b, "", PARENT, ",\"release\":\"1.2\""));
	/* What a trace header does not tell concerns only the head. */
	bench_run(&b, "{\"event_id\":\"" ID "\",\"trace\":{\"trace_id\":\"" TRACE "\"}}\n"
		      "{\"type\":\"transaction\"}\n{\"contexts\":{\"trace\":{\"op\":\"db\"}}}\n");
	assert_int_equal(b.e->item_count, 0);
	bench_run(&b, "{\"event_id\":\"" ID "\",\"trace\":{\"trace_id\":\"" TRACE "\"}}\n"
		      "{\"type\":\"transaction\"}\n"
		      "{\"contexts\":{\"trace\":{\"op\":\"db\",\"parent_span_id\":\"a\"}}}\n");
	assert_int_equal(b.e->item_count, 1);
	bench_close(&b);
}

static void without_respect_each_is_judged_by_its_own_fields(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nrespect_parent = no\n"
		       "[sample health]\non = transaction\nwhen = transaction = \"/health\"\n"
		       "rate = 0\n");
	assert_true(keeps_trace(&b, OF("/health"), PARENT, OF("worker")));
	assert_false(keeps_trace(&b, OF("/buy"), PARENT, OF("/health")));
	bench_close(&b);
}

/* A parent without a trace header is judged by itself: nobody said anything. */
static void inherit_keeps_what_the_sdk_decided(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\ntransactions = 0\n"
		       "[sample kept]\non = transaction\nwhen = environment = \"prod\"\n"
		       "rate = inherit\n");
	assert_true(
		keeps_trace(&b, ",\"environment\":\"prod\",\"sample_rate\":\"0.25\"", PARENT, ""));
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.25\""));
	assert_false(keeps_trace(&b, ",\"environment\":\"dev\"", PARENT, ""));
	bench_close(&b);
}

static void the_trace_header_is_there_for_conditions(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sample a]\non = transaction\n"
		       "when = envelope.trace.replay_id = \"r\"\nrate = 0\n");
	assert_false(keeps_trace(&b, ",\"replay_id\":\"r\"", PARENT, ""));
	assert_false(keeps_trace(&b, ",\"replay_id\":\"r\"", HEAD, ""));
	assert_true(keeps_trace(&b, "", HEAD, ""));
	bench_close(&b);
}

static void other_kinds_have_their_rates_too(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b,
		"[sample noise]\non = log, metric\nwhen = level = \"debug\" or name = \"m\"\n"
		"rate = 0\n"
		"[sample buffered]\non = replay\nwhen = replay_type = \"buffer\"\nrate = 0\n"
		"[sample jit]\non = profile\nwhen = platform = \"node\"\nrate = 0\n");
	bench_run(&b, "{}\n{\"type\":\"log\",\"item_count\":2,"
		      "\"content_type\":\"application/vnd.sentry.items.log+json\"}\n"
		      "{\"items\":[{\"level\":\"debug\"},{\"level\":\"info\"}]}\n"
		      "{\"type\":\"trace_metric\",\"item_count\":1,"
		      "\"content_type\":\"application/vnd.sentry.items.trace-metric+json\"}\n"
		      "{\"items\":[{\"name\":\"m\"}]}\n");
	assert_int_equal(b.e->item_count, 1);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_LOG_ITEM), 1);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_TRACE_METRIC), 1);
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n{\"type\":\"replay_event\"}\n"
		      "{\"replay_type\":\"buffer\",\"replay_id\":\"" ID "\"}\n"
		      "{\"type\":\"replay_recording\"}\n{\"segment_id\":0}\n");
	assert_int_equal(b.e->item_count, 0);
	bench_run(&b, "{}\n{\"type\":\"profile_chunk\"}\n"
		      "{\"platform\":\"node\",\"profiler_id\":\"" ID "\"}\n");
	assert_int_equal(b.e->item_count, 0);
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n{\"type\":\"transaction\"}\n"
		      "{\"platform\":\"node\"}\n{\"type\":\"profile\"}\n{}\n");
	assert_int_equal(b.e->item_count, 1); /* the transaction */
	bench_close(&b);
}

/* Where rules look into events, nothing can be said of one that is not here. */
static void late_attachments_of_unknown_events_pass_where_rules_decide(void **state)
{
	static const char late[] = "{\"event_id\":\"" ID "\"}\n"
				   "{\"type\":\"attachment\",\"filename\":\"f\"}\nabc\n";
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nerrors = 0\n[sample a]\non = event\n"
		       "when = level = \"fatal\"\nrate = 1\n");
	bench_run(&b, late);
	assert_int_equal(b.e->item_count, 1);
	assert_false(keeps_event(&b, "{}"));
	bench_run(&b, late);
	assert_int_equal(b.e->item_count, 0);
	bench_close(&b);
}

static void what_is_no_json_is_judged_by_its_header(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sample a]\non = transaction\nwhen = transaction = \"x\"\nrate = 0\n");
	bench_run(&b, "{\"event_id\":\"" ID "\",\"trace\":{\"trace_id\":\"" TRACE "\"}}\n"
		      "{\"type\":\"transaction\"}\nno json\n");
	assert_int_equal(b.e->item_count, 1);
	bench_close(&b);
}

static void what_cannot_be_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"[sample a]\non = session\nrate = 1\n",
			"t.conf:2: sample a.on: \"session\" is nothing that is sampled"},
		{"[sample a]\non = event\nrate = 2\n",
			"t.conf:3: sample a.rate: \"2\" is not a rate"},
		{"[sample a]\non = event\nrate = 1\nscope = span\n",
			"t.conf:4: sample a.scope: \"span\" is no scope"},
		{"[sample a]\non = event\nrate = 1\nwhen = level =\n",
			"t.conf:4: sample a.when: column"},
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
		cmocka_unit_test(the_first_sample_that_is_true_decides),
		cmocka_unit_test(a_rule_about_the_end_has_the_transaction_as_its_scope),
		cmocka_unit_test(a_continuation_shares_the_fate_of_its_head),
		cmocka_unit_test(without_respect_each_is_judged_by_its_own_fields),
		cmocka_unit_test(inherit_keeps_what_the_sdk_decided),
		cmocka_unit_test(the_trace_header_is_there_for_conditions),
		cmocka_unit_test(other_kinds_have_their_rates_too),
		cmocka_unit_test(late_attachments_of_unknown_events_pass_where_rules_decide),
		cmocka_unit_test(what_is_no_json_is_judged_by_its_header),
		cmocka_unit_test(what_cannot_be_is_refused_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
