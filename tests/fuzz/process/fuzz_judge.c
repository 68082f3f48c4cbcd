/* Any event, any trimming: what comes out is still JSON, of the size that was asked
 * for, counted to the last span, and nothing but what was to change has changed.
 *
 * The first byte chooses settings, the second the type of item, the rest is the
 * payload.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "process/process.h"
#include "scrub/scrub.h"

static const char *const configs[] = {
	"[event]\nmax_breadcrumbs = 2\nmax_value_length = 8\nmax_request_body_size = small\n"
	"max_depth = 2\nmax_breadth = 2\nmax_spans = 1\nstrip_locals = yes\nstrip_source = yes\n"
	"in_app_include = a b.*\nin_app_exclude = c\nin_app_override = yes\n",
	"[event]\nmax_value_length = 4\nmax_depth = 1\n",
	"[event]\nmax_breadth = 1\nmax_breadcrumbs = 1\nmax_request_body_size = never\n",
	"[event]\nrelease = r\nenvironment = e\nserver_name = s\ndist = d\n[tags]\na = b\n",
	"[ignore]\nerrors =\n\tE\n\tclass:python-os\n\t~x\n\t/a+b?$/i\nchain = yes\n"
	"loggers = l*\ntransactions = t*\npaths = /p*\nstatus_codes = 400-499\nreleases = r*\n"
	"deny_urls =\n\tu\n\t/v$/\nallow_urls = w\n",
	"[dedupe]\nwindow = 1s\n[storm]\nper_issue = 1/1s\n",
	"[sampling]\nerrors = 0.5\ntransactions = 0.5\nprofiles = 0.5\nprofile_sessions = 0.5\n"
	"replays = 0.5\nlogs = 0.5\nmetrics = 0.5\nspans = 0.5\nmode = relative\n"
	"complete_dsc = yes\n",
	"[sampling]\ntransactions = 0.5\n[sample a]\non = transaction span\n"
	"when = transaction startswith \"t\"\nrate = 0\n[sample b]\n"
	"on = event log metric profile replay transaction\n"
	"when = level = \"fatal\" or any(exception.values[*].type) = \"x\" or duration_ms > "
	"5\nrate = 0.5\n"
	"scope = transaction\n[sample c]\non = transaction\nrate = inherit\n",
};
#define CONFIGS (sizeof configs / sizeof configs[0])

#define METRICS                                                                                    \
	"{\"type\":\"trace_metric\",\"content_type\":"                                             \
	"\"application/vnd.sentry.items.trace-metric+json\"}"

static const char *const heads[] = {"{\"type\":\"event\"}", "{\"type\":\"transaction\"}",
	"{\"type\":\"log\",\"content_type\":\"application/vnd.sentry.items.log+json\"}", METRICS,
	"{\"type\":\"span\",\"content_type\":\"application/vnd.sentry.items.span.v2+json\"}",
	"{\"type\":\"profile_chunk\"}", "{\"type\":\"replay_event\"}", "{\"type\":\"profile\"}",
	"{\"type\":\"check_in\"}"};
#define HEADS (sizeof heads / sizeof heads[0])

/* Once for all inputs: compiling them is not what is looked at. */
static struct settings *settings_of(size_t i)
{
	static struct settings *all[CONFIGS];
	struct settings_source from = {"fuzz.conf", NULL, true};
	struct buf text = BUF_INIT;
	struct err err = {0};

	if (all[i] == NULL) {
		buf_cstr(&text, "[scrub]\ndefaults = no\ndeep = no\nip_addresses = no\n");
		buf_cstr(&text, configs[i]);
		check(settings_parse_text(&all[i], buf_view(&text), &from, &err) == E_OK &&
			judge_attach(all[i], NULL, &err) == E_OK);
		buf_fini(&text);
	}
	return all[i];
}

static bool is_json(struct str s)
{
	struct arena *a = arena_new(0, 0);
	struct json_doc *d;
	bool ok = a != NULL && json_parse(&d, a, s, NULL, NULL) == E_OK;

	arena_free(a);
	return ok;
}

/* Bytes of logs and metrics change with what is filled in; the rest adds up. */
static void check_law(
	const struct envelope *e, const struct quantities *before, const struct process_result *r)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		uint64_t sum = e->held.of[c];

		for (unsigned why = 0; r->dropped != NULL && why < DROP_COUNT; why++)
			sum += r->dropped[why].of[c];
		check(c == CAT_LOG_BYTE || c == CAT_TRACE_METRIC_BYTE || sum == before->of[c]);
	}
}

static void judge(const struct settings *s, struct envelope *e)
{
	static struct judge_state *state;
	struct quantities before = e->held;
	bool was_json[8] = {false};
	struct scrub_tally scrubbed;
	struct process_result r;
	struct err err = {0};
	size_t n = e->item_count;

	if (state == NULL)
		check(judge_state_new(&state, &err) == E_OK);
	for (size_t i = 0; i < n && i < 8; i++)
		was_json[i] = is_json(e->items[i].payload);
	check(process_run(judge_of(s), state, e, (struct instant){1000, 1000}, &r, &err) == E_OK);
	check(process_scrub(judge_of(s), e, &r, &scrubbed, &err) == E_OK);
	for (size_t i = 0; e->item_count == n && i < n && i < 8; i++)
		check(!was_json[i] || is_json(e->items[i].payload));
	check_law(e, &before, &r);
	process_result_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope *e;
	struct buf text = BUF_INIT;
	struct err err = {0};

	if (size < 2)
		return 0;
	buf_cstr(&text, "{\"event_id\":\"11111111111111111111111111111111\",\"trace\":"
			"{\"trace_id\":\"771a43a4192642f0b136d5159a501700\"}}\n");
	buf_cstr(&text, heads[data[1] % HEADS]);
	buf_char(&text, '\n');
	buf_add(&text, data + 2, size - 2);
	e = envelope_new();
	check(e != NULL && buf_ok(&text));
	if (envelope_parse(e, buf_view(&text), NULL, &err) == E_OK &&
		envelope_identify(e, &err) == E_OK &&
		envelope_measure(e, &e->invalid, &err) == E_OK)
		judge(settings_of(data[0] % CONFIGS), e);
	envelope_free(e);
	buf_fini(&text);
	return 0;
}
