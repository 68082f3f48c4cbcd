/* How fast default scrubbing is, alone and with deep scrubbing: events of about 10 KiB, each
 * another, against jansson with one PCRE2 call for each rule and string.
 *
 * The baseline does less than scrubbing: no selectors, no keys, no notes. Both
 * run in this process, by turns; the figures are medians of the rounds.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <jansson.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "scrub/scrub.h"

#define ROUNDS 9
#define EVENTS 300

static struct str events[EVENTS];
static size_t total_bytes;

/* --- events -------------------------------------------------------------------- */

static void add_words(struct buf *b, struct rng *r, unsigned n)
{
	static const char *const words[] = {"request", "handler", "value", "index", "update",
		"order", "customer", "quantity", "for", "the", "with", "in", "and", "line", "queue",
		"worker", "django.db.models", "views.py", "SELECT", "FROM", "result", "callback",
		"payload"};

	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s%s", i > 0 ? " " : "",
			words[rng_below(r, sizeof words / sizeof words[0])]);
}

static void add_vars(struct buf *b, struct rng *r)
{
	buf_cstr(b, "\"vars\":{");
	for (unsigned i = 0; i < 8; i++) {
		buf_printf(b, "%s\"var_%llu\":\"", i > 0 ? "," : "",
			(unsigned long long)rng_below(r, 10000));
		switch (rng_below(r, 6)) {
		case 0:
			buf_printf(b, "%llu", (unsigned long long)rng_next(r));
			break;
		case 1:
			buf_printf(b, "<Object at 0x%llx>", (unsigned long long)rng_next(r));
			break;
		case 2:
			buf_printf(b, "2026-11-%02u 12:30:11", 1 + (unsigned)rng_below(r, 28));
			break;
		default:
			add_words(b, r, 3 + (unsigned)rng_below(r, 6));
			break;
		}
		buf_char(b, '"');
	}
	buf_char(b, '}');
}

static void add_frame(struct buf *b, struct rng *r)
{
	buf_printf(b,
		"{\"filename\":\"app/module_%llu.py\",\"abs_path\":\"/srv/app/"
		"module.py\",\"function\":\""
		"call_%llu\",\"module\":\"app.module\",\"lineno\":%llu,\"context_line\":\"",
		(unsigned long long)rng_below(r, 500), (unsigned long long)rng_below(r, 500),
		(unsigned long long)rng_below(r, 2000));
	add_words(b, r, 8);
	buf_cstr(b, "\",\"pre_context\":[");
	for (unsigned i = 0; i < 4; i++) {
		buf_cstr(b, i > 0 ? ",\"" : "\"");
		add_words(b, r, 7);
		buf_char(b, '"');
	}
	buf_cstr(b, "],");
	add_vars(b, r);
	buf_char(b, '}');
}

static void add_event(struct buf *b, struct rng *r)
{
	buf_printf(b,
		"{\"event_id\":\"%016llx%016llx\",\"level\":\"error\",\"exception\":{\"values\":[{"
		"\"type\":\"ValueError\",\"value\":\"",
		(unsigned long long)rng_next(r), (unsigned long long)rng_next(r));
	add_words(b, r, 6);
	buf_cstr(b, "\",\"stacktrace\":{\"frames\":[");
	for (unsigned i = 0; i < 9; i++) {
		if (i > 0)
			buf_char(b, ',');
		add_frame(b, r);
	}
	buf_cstr(b, "]}}]},\"breadcrumbs\":{\"values\":[");
	for (unsigned i = 0; i < 12; i++) {
		buf_printf(b, "%s{\"category\":\"query\",\"message\":\"", i > 0 ? "," : "");
		add_words(b, r, 9);
		buf_printf(b, "\",\"data\":{\"rows\":%u}}", i);
	}
	buf_printf(b,
		"]},\"request\":{\"url\":\"https://shop.example.com/cart/"
		"%llu\",\"headers\":[[\"Accept\","
		"\"text/html\"],[\"Authorization\",\"Bearer abc\"],[\"User-Agent\",\"Mozilla/5.0 "
		"(X11)\"]]},"
		"\"user\":{\"id\":\"%llu\",\"ip_address\":\"10.0.0.1\"},\"tags\":[[\"tier\","
		"\"gold\"]],"
		"\"extra\":{\"password\":\"hunter2\",\"card\":\"4571234567890111\"}}",
		(unsigned long long)rng_next(r), (unsigned long long)rng_next(r));
}

static bool make_events(void)
{
	struct rng r;

	rng_seed(&r, 7);
	for (size_t i = 0; i < EVENTS; i++) {
		struct buf b = BUF_INIT;

		add_event(&b, &r);
		if (!buf_ok(&b))
			return false;
		events[i] = buf_view(&b); /* for the length of the program */
		total_bytes += b.n;
	}
	return true;
}

/* --- ours ------------------------------------------------------------------------ */

static bool run_ours(const struct scrubber *s)
{
	for (size_t i = 0; i < EVENTS; i++) {
		struct arena *a = arena_new(65536, 0);
		struct scrub_tally tally = {0};
		struct str out;

		if (a == NULL ||
			scrub_payload(s, SCRUB_EVENT, events[i], a, &out, &tally, NULL) != E_OK ||
			tally.values.replaced + tally.values.removed < 4)
			return false;
		arena_free(a);
	}
	return true;
}

/* --- the baseline ------------------------------------------------------------------ */

static const char *const patterns[] = {
	"\\b(?:3[47]\\d|4\\d{3}|5[1-5]\\d{2}|65\\d{2}|6011)(?:[-\\s]?\\d){12}\\b",
	"\\b(?:AD|AE|AL|AT|BE|CH|DE|DK|ES|FI|FR|GB|IT|NL|NO|PL|PT|SE)\\d{2}[A-Za-z0-9]{11,29}\\b",
	"-----BEGIN[A-Z ]+KEY-----(.+?)-----END[A-Z ]+KEY-----",
	"\\b(?:[a-z0-9]+:)?\\/\\/[A-Za-z0-9%_.-]+:([A-Za-z0-9%_.-]+)@",
	"(?i)\\bBearer\\s+[^\\s]+",
	"(?i)password|secret|passwd|api[-_]key|apikey|auth|credentials|mysql_pwd|privatekey|token[^"
	"\\s]*[:=]",
	"\\b[0-9]{3}-[0-9]{2}-[0-9]{4}\\b",
	"\\b(?:[0-9]{1,3}\\.){3}[0-9]{1,3}\\b",
	"(?i)(?:[0-9a-f]{1,4}:){2,7}[0-9a-f]{1,4}",
};
#define PATTERNS (sizeof patterns / sizeof patterns[0])

static pcre2_code *codes[PATTERNS];
static pcre2_match_data *data;

static bool compile_all(void)
{
	for (size_t i = 0; i < PATTERNS; i++) {
		PCRE2_SIZE at;
		int code;

		codes[i] = pcre2_compile((PCRE2_SPTR)patterns[i], PCRE2_ZERO_TERMINATED,
			PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
		if (codes[i] == NULL || pcre2_jit_compile(codes[i], PCRE2_JIT_COMPLETE) != 0)
			return false;
	}
	data = pcre2_match_data_create(16, NULL);
	return data != NULL;
}

static json_t *scrub_value(json_t *v)
{
	const char *key;
	json_t *m;
	size_t i;

	if (json_is_string(v)) {
		for (size_t k = 0; k < PATTERNS; k++)
			if (pcre2_match(codes[k], (PCRE2_SPTR)json_string_value(v),
				    json_string_length(v), 0, PCRE2_NO_UTF_CHECK, data, NULL) > 0)
				return json_string("[Filtered]");
	} else if (json_is_object(v)) {
		json_object_foreach(v, key, m)
		{
			json_t *put = scrub_value(m);

			if (put != NULL)
				json_object_set_new(v, key, put);
		}
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, m)
		{
			json_t *put = scrub_value(m);

			if (put != NULL)
				json_array_set_new(v, i, put);
		}
	}
	return NULL;
}

static bool run_baseline(void)
{
	for (size_t i = 0; i < EVENTS; i++) {
		json_t *v = json_loadb(events[i].p, events[i].n, 0, NULL);
		char *out;

		if (v == NULL)
			return false;
		(void)scrub_value(v);
		out = json_dumps(v, JSON_COMPACT);
		json_decref(v);
		if (out == NULL)
			return false;
		free(out);
	}
	return true;
}

/* --- figures ------------------------------------------------------------------------- */

static double now_s(void)
{
	return (double)clock_mono_us() / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof *v, by_value);
	return v[ROUNDS / 2];
}

static struct scrubber *make(bool deep)
{
	struct scrub_options o = {.deep = deep};
	struct scrubber *s = NULL;

	o.settings.scrub_data = o.settings.scrub_defaults = o.settings.scrub_ip_addresses = true;
	(void)scrubber_new(&s, &o, NULL);
	return s;
}

int main(void)
{
	struct scrubber *plain = make(false);
	struct scrubber *deep = make(true);
	double speed[ROUNDS];
	double deep_speed[ROUNDS];
	double ratio[ROUNDS];
	double deep_ratio[ROUNDS];

	if (plain == NULL || deep == NULL || !make_events() || !compile_all())
		return 1;
	for (size_t i = 0; i < ROUNDS; i++) {
		double t0 = now_s();
		double t1;
		double t2;
		double t3;

		if (!run_ours(plain))
			return 1;
		t1 = now_s();
		if (!run_baseline())
			return 1;
		t2 = now_s();
		if (!run_ours(deep))
			return 1;
		t3 = now_s();
		speed[i] = (double)total_bytes / 1e6 / (t1 - t0);
		deep_speed[i] = (double)total_bytes / 1e6 / (t3 - t2);
		ratio[i] = (t2 - t1) / (t1 - t0);
		deep_ratio[i] = (t2 - t1) / (t3 - t2);
	}
	printf("# %d events, %zu bytes each on average\n", EVENTS, total_bytes / EVENTS);
	printf("scrub.mb_per_s value=%.1f target=100\n", median(speed));
	printf("scrub.deep_mb_per_s value=%.1f\n", median(deep_speed));
	printf("scrub.vs_jansson_and_pcre2 ratio=%.2f target=3.5\n", median(ratio));
	printf("scrub.deep_vs_jansson_and_pcre2 ratio=%.2f\n", median(deep_ratio));
	scrubber_free(plain);
	scrubber_free(deep);
	return 0;
}
