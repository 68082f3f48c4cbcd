#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/number.h"
#include "base/rng.h"
#include "process/draw.h"
#include "unit/process/support.h"

#define ID    "11111111111111111111111111111111"
#define TRACE "771a43a4192642f0b136d5159a501700"
#define EVENT "{\"type\":\"event\"}\n{\"level\":\"error\"}\n"
#define CRASH                                                                                      \
	"{\"type\":\"event\"}\n{\"level\":\"fatal\",\"exception\":{\"values\":[{\"type\":\"E\","   \
	"\"mechanism\":{\"handled\":false}}]}}\n"
#define SESSION "{\"type\":\"session\"}\n{\"sid\":\"a\",\"init\":true}\n"
#define FILE4   "{\"type\":\"attachment\",\"length\":4,\"filename\":\"f\"}\nabcd\n"
#define TX      "{\"type\":\"transaction\"}\n{\"transaction\":\"/a\",\"spans\":[{},{}]}\n"

static void random_id(struct rng *rng, char out[33])
{
	(void)snprintf(out, 33, "%016llx%016llx", (unsigned long long)rng_next(rng),
		(unsigned long long)rng_next(rng));
}

/* --- errors -------------------------------------------------------------------- */

/* T4, T5, T6, P-032, P-133: the session goes on, the event and its file do not. */
static void a_sampled_out_event_takes_its_attachments_and_leaves_the_session(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nerrors = 0\n");
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n" EVENT SESSION FILE4
		      "{\"type\":\"check_in\"}\n{}\n{\"type\":\"client_report\"}\n{}\n"
		      "{\"type\":\"user_report\"}\n{}\n");
	assert_false(has_item(&b, ITEM_EVENT));
	assert_false(has_item(&b, ITEM_ATTACHMENT));
	assert_true(has_item(&b, ITEM_SESSION) && has_item(&b, ITEM_CHECK_IN));
	assert_true(has_item(&b, ITEM_CLIENT_REPORT) && has_item(&b, ITEM_USER_REPORT));
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_ERROR), 1);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_ATTACHMENT), 4);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_ATTACHMENT_ITEM), 1);
	assert_true(b.e->has_event_id);
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n{\"type\":\"feedback\"}\n{}\n" FILE4);
	assert_int_equal(b.e->item_count, 2); /* T98 */
	bench_close(&b);
}

/* T18. */
static void crashes_are_kept_unless_told(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nerrors = 0\n");
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n" CRASH FILE4);
	assert_int_equal(b.e->item_count, 2);
	assert_null(b.r.dropped);
	/* What comes later belongs to an event that was kept. */
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n" FILE4);
	assert_int_equal(b.e->item_count, 1);
	bench_run(&b, "{\"event_id\":\"22222222222222222222222222222222\"}\n"
		      "{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\"}\nMDMP\n");
	assert_int_equal(b.e->item_count, 1);
	bench_reload(&b, "[sampling]\nerrors = 0\nnever_sample_crashes = no\n");
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n" CRASH FILE4);
	assert_int_equal(b.e->item_count, 0);
	bench_run(&b, "{\"event_id\":\"22222222222222222222222222222222\"}\n"
		      "{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\"}\nMDMP\n");
	assert_int_equal(b.e->item_count, 0);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_ERROR), 1);
	bench_close(&b);
}

/* T17; 2.1: another process decides about the attachment as we do. */
static void late_attachments_share_the_fate_of_their_event(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nerrors = 0\n");
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n" EVENT);
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n" FILE4);
	assert_int_equal(b.e->item_count, 0);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_ATTACHMENT), 4);
	bench_run(&b, "{\"event_id\":\"22222222222222222222222222222222\"}\n" FILE4);
	assert_int_equal(b.e->item_count, 0);
	/* Of a transaction dropped here, whatever the rate of errors. */
	bench_reload(&b, "[sampling]\ntransactions = 0\n");
	bench_run(&b, "{\"event_id\":\"33333333333333333333333333333333\"}\n" TX);
	assert_int_equal(b.e->item_count, 0);
	bench_run(&b, "{\"event_id\":\"33333333333333333333333333333333\"}\n" FILE4);
	assert_int_equal(b.e->item_count, 0);
	bench_run(&b, "{\"event_id\":\"44444444444444444444444444444444\"}\n" FILE4);
	assert_int_equal(b.e->item_count, 1);
	b.now.mono_ms += 600000; /* forgotten after five minutes */
	bench_run(&b, "{\"event_id\":\"33333333333333333333333333333333\"}\n" FILE4);
	assert_int_equal(b.e->item_count, 1);
	bench_close(&b);
}

/* T5, T7: one id, one decision; a higher rate keeps a superset. */
static void errors_are_drawn_by_their_id(void **state)
{
	struct rng rng;
	unsigned kept = 0;
	char hex[33];

	(void)state;
	rng_seed(&rng, 7);
	for (int i = 0; i < 100000; i++) {
		struct event_id id;
		struct draw d;

		random_id(&rng, hex);
		assert_true(event_id_parse(str_of(hex), &id));
		d = draw_of_id(&id);
		assert_true(d.coarse >= 0 && d.coarse < 1);
		assert_true(draw_of_id(&id).coarse == d.coarse);
		assert_true(!draw_is_below(d, 0.3) || draw_is_below(d, 0.31));
		kept += draw_is_below(d, 0.3);
	}
	/* 3 sigma of a binomial */
	assert_true(fabs((double)kept - 30000) < 3 * sqrt(100000 * 0.3 * 0.7));
}

/* The digits decide, not how they are written. */
static void an_id_in_capitals_or_with_dashes_is_the_same_id(void **state)
{
	struct draw a = draw_of_text("", STR("ABCDEF00112233445566778899AABBCC"));
	struct draw b = draw_of_text("", STR("abcdef00-1122-3344-5566-778899aabbcc"));

	(void)state;
	assert_true(a.coarse == b.coarse);
	assert_true(
		draw_of_text("profile", STR("abc")).coarse != draw_of_text("", STR("abc")).coarse);
}

/* --- traces: numbers --------------------------------------------------------------- */

/* T10, 3.3: the table of test values. */
static void a_trace_id_gives_the_published_number(void **state)
{
	static const struct {
		const char *id;
		double x;
	} cases[] = {{TRACE, 0.214188}, {"12312012123120121231201212312012", 0.191895},
		{"566e3688a61d4bc888951642d6f14a19", 0.582370},
		{"00000000000000000000000000000000", 0.000000},
		{"ffffffffffffffffffffffffffffffff", 0.999999}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct dsc none = {.rate = 1};
		struct event_id id;
		struct draw d;

		assert_true(event_id_parse(str_of(cases[i].id), &id));
		assert_true(draw_of_trace(&none, &id, NULL, &d));
		assert_true(fabs(d.coarse - cases[i].x) < 1e-9);
		assert_true(d.fine >= d.coarse && d.fine < d.coarse + 1e-6);
	}
}

/* 3.3: sample_rand, else the trace id within what the SDK decided, else the
 * event id, else nothing to decide with. */
static void the_first_number_that_exists_decides(void **state)
{
	struct dsc d = {.rate = 1, .has_rand = true, .rand = 0.25, .has_trace_id = true};
	struct event_id id;
	struct draw x;

	(void)state;
	assert_true(event_id_parse(STR(TRACE), &id));
	d.trace_id = id;
	assert_true(draw_of_trace(&d, NULL, NULL, &x) && x.coarse == 0.25);
	d.has_rand = false;
	d.has_rate = true;
	d.rate = 0.5;
	d.sampled = DSC_SAMPLED_YES;
	assert_true(draw_of_trace(&d, NULL, NULL, &x));
	assert_true(fabs(x.coarse - 0.107094) < 1e-9);
	d.sampled = DSC_SAMPLED_NO;
	assert_true(draw_of_trace(&d, NULL, NULL, &x));
	assert_true(fabs(x.coarse - 0.607094) < 1e-9);
	d = (struct dsc){.rate = 1};
	assert_true(draw_of_trace(&d, NULL, &id, &x) && x.coarse == draw_of_id(&id).coarse);
	assert_false(draw_of_trace(&d, NULL, NULL, &x));
}

/* T14, 3.5: rates as small as 1e-8 are not lost in six decimals. */
static void rates_far_below_six_decimals_are_exact(void **state)
{
	struct rng rng;
	unsigned zeros = 0, kept = 0;

	(void)state;
	rng_seed(&rng, 3);
	for (int i = 0; i < 100000; i++) { /* only these can be kept at 1e-8 to 1e-6 */
		struct dsc d = {.rate = 1, .has_rand = true, .rand = 0, .has_trace_id = true};
		struct draw x;

		for (int k = 0; k < 16; k++)
			d.trace_id.b[k] = (uint8_t)rng_next(&rng);
		assert_true(draw_of_trace(&d, NULL, NULL, &x));
		zeros += draw_is_below(x, 1e-6);
		kept += draw_is_below(x, 1e-7);
	}
	assert_int_equal(zeros, 100000);
	assert_true(fabs((double)kept - 10000) < 3 * sqrt(100000 * 0.1 * 0.9));
}

/* --- traces: decisions ---------------------------------------------------------------- */

static void run_trace(struct bench *b, const char *dsc)
{
	char text[1024];

	(void)snprintf(text, sizeof text, "{\"event_id\":\"" ID "\",\"trace\":{%s}}\n" TX, dsc);
	bench_run(b, text);
}

static bool trace_is_kept(struct bench *b, const char *dsc)
{
	run_trace(b, dsc);
	return has_item(b, ITEM_TRANSACTION);
}

/* T8: strictly below. */
static void the_comparison_is_strict(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\ntransactions = 0.25\n");
	assert_true(trace_is_kept(&b, "\"sample_rand\":\"0.200000\""));
	bench_reload(&b, "[sampling]\ntransactions = 0.2\n");
	assert_false(trace_is_kept(&b, "\"sample_rand\":\"0.200000\""));
	bench_reload(&b, "[sampling]\ntransactions = 0\n");
	assert_false(trace_is_kept(&b, "\"sample_rand\":\"0.000000\""));
	bench_reload(&b, "[sampling]\ntransactions = 1.0\n");
	assert_true(trace_is_kept(&b, "\"sample_rand\":\"0.999999\""));
	bench_close(&b);
}

/* T11, P-128, P-130. */
static void absolute_rates_drop_nothing_of_who_keeps_less(void **state)
{
	static const char dsc[] = "\"trace_id\":\"" TRACE "\", \"sample_rate\" :\"0.1\","
				  "\"sample_rand\":\"%s\",\"sampled\":\"true\",\"odd\":{\"k\":1}";
	char low[256], high[256];
	struct bench b;

	(void)state;
	(void)snprintf(low, sizeof low, dsc, "0.049999");
	(void)snprintf(high, sizeof high, dsc, "0.050000");
	bench_open(&b, "[sampling]\ntransactions = 0.5\n");
	assert_true(trace_is_kept(&b, high));
	assert_false(json_is_dirty(b.e->header, json_root(b.e->header)));
	bench_reload(&b, "[sampling]\ntransactions = 0.05\n");
	assert_false(trace_is_kept(&b, high));
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_TRANSACTION), 1);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_SPAN), 3); /* P-119 */
	assert_true(trace_is_kept(&b, low));
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.05\",\"sample_rand\":\"0.049999\","
					    "\"sampled\":\"true\",\"odd\":{\"k\":1}}"));
	bench_close(&b);
}

/* T12, P-125, P-127, P-129. */
static void relative_rates_multiply(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nmode = relative\ntransactions = 0.2\n");
	assert_true(trace_is_kept(&b, "\"sample_rate\":\"0.5\",\"sample_rand\":\"0.070000\""));
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.1\""));
	assert_false(trace_is_kept(&b, "\"sample_rate\":\"0.5\",\"sample_rand\":\"0.300000\""));
	assert_true(trace_is_kept(&b, "\"sample_rate\":0.5,\"sample_rand\":\"0.070000\""));
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.1\""));
	bench_reload(&b, "[sampling]\nmode = relative\ntransactions = 0.5\n");
	assert_true(trace_is_kept(&b, "\"sample_rate\":\"0.1\",\"sample_rand\":\"0.04\""));
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.05\""));
	assert_false(trace_is_kept(&b, "\"sample_rate\":\"0.1\",\"sample_rand\":\"0.05\""));
	bench_reload(&b, "[sampling]\nmode = relative\ntransactions = 0.4\n");
	assert_true(trace_is_kept(&b, "\"sample_rate\":\"0.5\",\"sample_rand\":\"0.19\""));
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.2\""));
	bench_close(&b);
}

/* T13. */
static void a_rate_that_is_no_number_is_not_rewritten(void **state)
{
	static const char odd[] = "\"sample_rate\":\"often\",\"sample_rand\":\"0.1\",\"x\":\"y\"";
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\ntransactions = 0.5\n");
	assert_true(trace_is_kept(&b, odd));
	assert_non_null(strstr(written(&b), odd));
	assert_true(trace_is_kept(&b, "\"sample_rate\":\"-1\",\"sample_rand\":\"0.1\""));
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.5\""));
	assert_true(trace_is_kept(&b, "\"sample_rand\":\"0.1\""));
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.5\"}"));
	bench_close(&b);
}

/* 3.4, P-131: sampled all the same, and told only where that is asked for. */
static void a_transaction_without_dsc_is_drawn_by_its_own_trace_id(void **state)
{
	static const char text[] =
		"{\"event_id\":\"" ID "\"}\n{\"type\":\"transaction\"}\n"
		"{\"contexts\":{\"trace\":{\"trace_id\":\"" TRACE "\"}},\"spans\":[]}\n";
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\ntransactions = 0.214188\n");
	bench_run(&b, text);
	assert_int_equal(b.e->item_count, 0);
	bench_reload(&b, "[sampling]\ntransactions = 0.214189\n");
	bench_run(&b, text);
	assert_int_equal(b.e->item_count, 1);
	assert_null(strstr(written(&b), "sample_rate"));
	bench_reload(&b, "[sampling]\ntransactions = 0.214189\ncomplete_dsc = yes\n");
	bench_run(&b, text);
	assert_non_null(
		strstr(written(&b), "\"trace\":{\"trace_id\":\"" TRACE "\",\"public_key\":\"app\","
				    "\"sample_rate\":\"0.214189\",\"sampled\":\"true\"}"));
	assert_true(str_eq(b.e->trace_key, STR("app")));
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n{\"type\":\"transaction\"}\n{}\n");
	bench_close(&b);
}

/* P-134, section 4: what is bound to the transaction goes, the chunk stays. */
static void a_transaction_takes_profile_spans_and_attachments_along(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\ntransactions = 0\n");
	bench_run(&b, "{\"event_id\":\"" ID "\"}\n" TX
		      "{\"type\":\"profile\",\"platform\":\"python\"}\n{}\n" FILE4
		      "{\"type\":\"span\",\"item_count\":2,\"content_type\":"
		      "\"application/vnd.sentry.items.span.v2+json\"}\n{\"items\":[{},{}]}\n"
		      "{\"type\":\"profile_chunk\",\"platform\":\"python\"}\n{}\n" SESSION);
	assert_int_equal(b.e->item_count, 2);
	assert_true(has_item(&b, ITEM_PROFILE_CHUNK) && has_item(&b, ITEM_SESSION));
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_TRANSACTION), 1);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_SPAN), 5);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_PROFILE), 1);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_ATTACHMENT), 4);
	bench_close(&b);
}

/* T9: two daemons, five transactions a trace, all or nothing. */
static void all_daemons_agree_about_a_trace(void **state)
{
	struct bench one, two;
	struct rng rng;

	(void)state;
	bench_open(&one, "[sampling]\ntransactions = 0.4\n");
	bench_open(&two, "[sampling]\ntransactions = 0.4\n");
	rng_seed(&rng, 11);
	for (int i = 0; i < 1000; i++) {
		char trace[33], dsc[128];
		unsigned kept = 0;

		random_id(&rng, trace);
		(void)snprintf(dsc, sizeof dsc, "\"trace_id\":\"%s\"", trace);
		for (int k = 0; k < 5; k++)
			kept += trace_is_kept(k % 2 != 0 ? &one : &two, dsc);
		assert_true(kept == 0 || kept == 5);
	}
	bench_close(&one);
	bench_close(&two);
}

/* P-135: the share kept, and what upstream will extrapolate from it. */
static void the_share_and_its_weight_are_right(void **state)
{
	static const double h = 0.1;
	const unsigned n = 100000;
	struct bench b;
	struct rng rng;
	double kept = 0, weight = 0;

	(void)state;
	bench_open(&b, "[sampling]\nmode = relative\ntransactions = 0.1\n");
	rng_seed(&rng, 5);
	for (unsigned i = 0; i < n; i++) {
		char trace[33], dsc[160];
		const char *at;
		double rate;

		random_id(&rng, trace);
		/* Half of the SDKs keep half themselves; what they drop is not seen. */
		(void)snprintf(dsc, sizeof dsc,
			"\"trace_id\":\"%s\",\"sample_rate\":\"%s\",\"sampled\":\"true\"", trace,
			i % 2 != 0 ? "0.5" : "1.0");
		if (!trace_is_kept(&b, dsc))
			continue;
		kept++;
		at = strstr(written(&b), "\"sample_rate\":\"");
		assert_non_null(at);
		at += 15;
		assert_true(number_parse(str_make(at, strcspn(at, "\"")), &rate));
		weight += i % 2 != 0 ? 0.5 / rate : 1 / rate;
	}
	assert_true(fabs(kept - n * h) < 3 * sqrt(n * h * (1 - h)));
	assert_true(fabs(weight - n) < 3 * sqrt(n * (1 - h) / h));
	bench_close(&b);
}

/* --- profiles, replays, spans ------------------------------------------------------------ */

/* T19: independent of the trace's number. */
static void profiles_are_a_share_of_kept_transactions(void **state)
{
	unsigned kept = 0, low = 0, profiles = 0;
	struct bench b;
	struct rng rng;

	(void)state;
	bench_open(&b, "[sampling]\ntransactions = 0.5\nprofiles = 0.5\n");
	rng_seed(&rng, 23);
	for (int i = 0; i < 20000; i++) {
		char trace[33], text[512];
		struct event_id id;
		double x;

		random_id(&rng, trace);
		assert_true(event_id_parse(str_of(trace), &id));
		x = draw_from_digits(&id);
		(void)snprintf(text, sizeof text,
			"{\"event_id\":\"" ID "\",\"trace\":{\"trace_id\":\"%s\"}}\n" TX
			"{\"type\":\"profile\"}\n{}\n",
			trace);
		bench_run(&b, text);
		assert_true(has_item(&b, ITEM_TRANSACTION) == (x < 0.5));
		kept += has_item(&b, ITEM_TRANSACTION);
		profiles += has_item(&b, ITEM_PROFILE);
		low += has_item(&b, ITEM_PROFILE) && x < 0.25;
		if (x < 0.5 && !has_item(&b, ITEM_PROFILE))
			assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_PROFILE), 1);
	}
	assert_true(fabs(profiles - kept * 0.5) < 3 * sqrt(kept * 0.25));
	assert_true(fabs(low - profiles * 0.5) < 3 * sqrt(profiles * 0.25));
	bench_close(&b);
}

/* T20. */
static void the_chunks_of_a_profiler_stay_together(void **state)
{
	unsigned kept = 0;
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nprofile_sessions = 0.5\n");
	for (int i = 0; i < 200; i++) {
		char text[512];

		(void)snprintf(text, sizeof text,
			"{}\n{\"type\":\"profile_chunk\",\"platform\":\"python\",\"odd\":1}\n"
			"{\"profiler_id\":\"%032x\",\"chunk_id\":\"a\"}\n"
			"{\"type\":\"profile_chunk\",\"platform\":\"python\"}\n"
			"{\"profiler_id\":\"%032x\",\"chunk_id\":\"b\"}\n",
			i, i);
		bench_run(&b, text);
		assert_true(b.e->item_count == 0 || b.e->item_count == 2);
		if (b.e->item_count == 2) {
			kept++;
			assert_non_null(strstr(written(&b), "\"platform\":\"python\",\"odd\":1"));
		} else {
			assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_PROFILE_CHUNK), 2);
		}
	}
	assert_true(kept > 70 && kept < 130);
	bench_close(&b);
}

/* T21, P-134. */
static void the_segments_of_a_replay_stay_together(void **state)
{
	unsigned kept = 0;
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nreplays = 0.5\n");
	for (int i = 0; i < 200; i++) {
		char text[512];
		size_t first;

		(void)snprintf(text, sizeof text,
			"{\"event_id\":\"%032x\"}\n{\"type\":\"replay_event\"}\n"
			"{\"replay_id\":\"%032x\"}\n"
			"{\"type\":\"replay_recording\"}\n{\"segment_id\":0}\n",
			i, i);
		bench_run(&b, text);
		first = b.e->item_count;
		assert_true(first == 0 || first == 2);
		assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_REPLAY), first == 0 ? 1 : 0);
		(void)snprintf(text, sizeof text,
			"{\"event_id\":\"%032x\"}\n{\"type\":\"replay_recording\"}\n"
			"{\"segment_id\":1}\n",
			i);
		bench_run(&b, text);
		assert_int_equal(b.e->item_count, first / 2);
		kept += first == 2;
	}
	assert_true(kept > 70 && kept < 130);
	bench_close(&b);
}

static void standalone_spans_are_drawn_by_their_trace(void **state)
{
#define SPANS(head)                                                                                \
	head "{\"type\":\"span\",\"item_count\":2,\"content_type\":"                               \
	     "\"application/vnd.sentry.items.span.v2+json\"}\n"                                    \
	     "{\"version\":2,\"items\":[{\"trace_id\":\"" TRACE "\"},{}]}\n"
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nspans = 0.2\n");
	bench_run(&b, SPANS("{\"trace\":{\"trace_id\":\"" TRACE "\",\"sample_rand\":\"0.1\"}}\n"));
	assert_int_equal(b.e->item_count, 1);
	assert_non_null(strstr(written(&b), "\"sample_rate\":\"0.2\""));
	bench_run(&b, SPANS("{\"trace\":{\"trace_id\":\"" TRACE "\"}}\n"));
	assert_int_equal(b.e->item_count, 0);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_SPAN), 2);
	bench_run(&b, SPANS("{}\n"));
	assert_int_equal(b.e->item_count, 0);
	bench_run(&b, "{\"trace\":{\"sample_rand\":\"0.3\"}}\n{\"type\":\"span\"}\n{}\n");
	assert_int_equal(b.e->item_count, 0);
	bench_close(&b);
}

/* --- containers ---------------------------------------------------------------------------- */

#define LOG_TYPE    "\"content_type\":\"application/vnd.sentry.items.log+json\""
#define METRIC_TYPE "\"content_type\":\"application/vnd.sentry.items.trace-metric+json\""

/* P-119, T22. */
static void logs_go_one_by_one_and_are_counted_in_entries_and_bytes(void **state)
{
	struct bench b;
	struct buf text = BUF_INIT;
	char want[64], trace[33];
	struct rng rng;
	size_t payload_bytes;
	uint64_t left;

	(void)state;
	buf_cstr(&text, "{}\n{\"type\":\"log\",\"item_count\":400," LOG_TYPE "}\n{\"items\":[");
	payload_bytes = text.n;
	rng_seed(&rng, 31);
	for (unsigned i = 0; i < 400; i++) {
		random_id(&rng, trace);
		buf_printf(&text, "%s{\"body\":\"m%u\",\"trace_id\":\"%s\"}", i > 0 ? "," : "", i,
			trace);
	}
	buf_cstr(&text, "]}\n");
	payload_bytes = text.n - 1 - (payload_bytes - sizeof "{\"items\":[" + 1);
	bench_open(&b, "[sampling]\nlogs = 0.5\n");
	bench_run_str(&b, buf_view(&text));
	left = b.e->held.of[CAT_LOG_ITEM];
	assert_true(left < 400);
	assert_true(dropped(&b, DROP_SAMPLE_RATE, CAT_LOG_ITEM) == 400 - left);
	assert_true(dropped(&b, DROP_SAMPLE_RATE, CAT_LOG_BYTE) > 0);
	(void)snprintf(want, sizeof want, "\"item_count\":%u,", (unsigned)left);
	assert_non_null(strstr(written(&b), want));
	(void)snprintf(want, sizeof want, "\"length\":%zu}", b.e->items[0].payload.n);
	assert_non_null(strstr(written(&b), want));
	bench_reload(&b, "[sampling]\nlogs = 0\n");
	bench_run_str(&b, buf_view(&text));
	assert_int_equal(b.e->item_count, 0);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_LOG_ITEM), 400);
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_LOG_BYTE), payload_bytes);
	buf_fini(&text);
	bench_close(&b);
}

/* P-132. */
static void kept_metrics_tell_their_rate(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nmetrics = 0.5\n");
	bench_run(&b,
		"{}\n{\"type\":\"trace_metric\",\"item_count\":3," METRIC_TYPE "}\n"
		"{\"items\":[{\"name\":\"a\",\"trace_id\":\"" TRACE "\"},"
		"{\"name\":\"b\",\"trace_id\":\"ffffffffffffffffffffffffffffffff\"},"
		"{\"name\":\"c\",\"trace_id\":\"" TRACE "\",\"attributes\":{\"k\":{\"value\":1,"
		"\"type\":\"integer\"},\"sentry.client_sample_rate\":"
		"{\"type\":\"double\",\"value\":0.5}}}]}\n");
	assert_int_equal(dropped(&b, DROP_SAMPLE_RATE, CAT_TRACE_METRIC), 1);
	assert_true(dropped(&b, DROP_SAMPLE_RATE, CAT_TRACE_METRIC_BYTE) > 0);
	assert_non_null(strstr(written(&b), "\"item_count\":2"));
	assert_non_null(strstr(written(&b),
		"{\"name\":\"a\",\"trace_id\":\"" TRACE "\",\"attributes\":"
		"{\"sentry.client_sample_rate\":{\"value\":0.5,\"type\":\"double\"}}}"));
	assert_non_null(strstr(written(&b),
		"\"sentry.client_sample_rate\":{\"value\":0.25,\"type\":\"double\"}}}]}"));
	bench_close(&b);
}

/* --- cost and refusals ------------------------------------------------------------------------ */

static void with_nothing_configured_no_payload_is_looked_at(void **state)
{
	static const char text[] = "{\"event_id\":\"" ID "\", \"trace\" : {\"sample_rate\":1}}\n"
				   "{\"type\":\"event\",\"length\":5}\n{ } \r\n";
	struct bench b;

	(void)state;
	bench_open(&b, "");
	bench_run(&b, text);
	assert_int_equal(b.e->item_count, 1);
	assert_null(b.e->items[0].document);
	assert_null(b.r.dropped);
	assert_false(json_is_dirty(b.e->header, json_root(b.e->header)));
	/* Not even by a rate that concerns something else. */
	bench_reload(&b, "[sampling]\ntransactions = 0.1\nreplays = 0\nerrors = 0.999999\n");
	bench_run(&b, text);
	assert_null(b.e->items[0].document);
	bench_close(&b);
}

static void what_is_no_json_passes(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nerrors = 0.5\nprofile_sessions = 0\nreplays = 0\n"
		       "transactions = 0.5\n");
	bench_run(&b, "{}\n{\"type\":\"profile_chunk\"}\nnot json\n");
	assert_int_equal(b.e->item_count, 1);
	bench_run(&b, "{\"event_id\":\"" ID "\",\"trace\":7}\n{\"type\":\"transaction\"}\nno\n");
	bench_run(&b, "{\"event_id\":\"" ID "\",\"trace\":[]}\n{\"type\":\"event\"}\n[\n");
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sampled_out_event_takes_its_attachments_and_leaves_the_session),
		cmocka_unit_test(crashes_are_kept_unless_told),
		cmocka_unit_test(late_attachments_share_the_fate_of_their_event),
		cmocka_unit_test(errors_are_drawn_by_their_id),
		cmocka_unit_test(an_id_in_capitals_or_with_dashes_is_the_same_id),
		cmocka_unit_test(a_trace_id_gives_the_published_number),
		cmocka_unit_test(the_first_number_that_exists_decides),
		cmocka_unit_test(rates_far_below_six_decimals_are_exact),
		cmocka_unit_test(the_comparison_is_strict),
		cmocka_unit_test(absolute_rates_drop_nothing_of_who_keeps_less),
		cmocka_unit_test(relative_rates_multiply),
		cmocka_unit_test(a_rate_that_is_no_number_is_not_rewritten),
		cmocka_unit_test(a_transaction_without_dsc_is_drawn_by_its_own_trace_id),
		cmocka_unit_test(a_transaction_takes_profile_spans_and_attachments_along),
		cmocka_unit_test(all_daemons_agree_about_a_trace),
		cmocka_unit_test(the_share_and_its_weight_are_right),
		cmocka_unit_test(profiles_are_a_share_of_kept_transactions),
		cmocka_unit_test(the_chunks_of_a_profiler_stay_together),
		cmocka_unit_test(the_segments_of_a_replay_stay_together),
		cmocka_unit_test(standalone_spans_are_drawn_by_their_trace),
		cmocka_unit_test(logs_go_one_by_one_and_are_counted_in_entries_and_bytes),
		cmocka_unit_test(kept_metrics_tell_their_rate),
		cmocka_unit_test(with_nothing_configured_no_payload_is_looked_at),
		cmocka_unit_test(what_is_no_json_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
