/* What rules cost: 50 and 1,000 of them over errors of about 10 KiB, each another.
 *
 * The rules are of the kinds people write, about fields that errors have, and most
 * are false. What is measured is judging alone, from the envelope's bytes on, with
 * and without rules by turns; the figures are medians of the differences. A pass of
 * memchr() over the same payloads says how near that is to reading them once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "process/process.h"

#define ROUNDS 41
#define EVENTS 400

static struct str events[EVENTS];
static size_t total_bytes;

static void die(const char *what)
{
	(void)fprintf(stderr, "bench_rules: %s\n", what);
	exit(1);
}

/* --- events -------------------------------------------------------------------- */

static void add_words(struct buf *b, struct rng *r, unsigned n)
{
	static const char *const words[] = {"request", "handler", "value", "index", "update",
		"order", "customer", "quantity", "for", "the", "with", "worker", "django.db.models",
		"views.py", "SELECT", "FROM", "result", "callback", "payload"};

	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s%s", i > 0 ? " " : "",
			words[rng_below(r, sizeof words / sizeof words[0])]);
}

static void add_frame(struct buf *b, struct rng *r)
{
	buf_printf(b,
		"{\"filename\":\"app/module_%llu.py\",\"function\":\"call_%llu\",\"module\":"
		"\"app.module\",\"lineno\":%llu,\"in_app\":true,\"context_line\":\"",
		(unsigned long long)rng_below(r, 500), (unsigned long long)rng_below(r, 500),
		(unsigned long long)rng_below(r, 2000));
	add_words(b, r, 8);
	buf_cstr(b, "\",\"pre_context\":[\"");
	add_words(b, r, 20);
	buf_cstr(b, "\"],\"vars\":{\"self\":\"");
	add_words(b, r, 20);
	buf_printf(b, "\",\"n\":%llu}}", (unsigned long long)rng_below(r, 1000));
}

static void add_payload(struct buf *b, struct rng *r)
{
	buf_cstr(b,
		"{\"level\":\"error\",\"platform\":\"python\",\"release\":\"shop@1.2.3\","
		"\"environment\":\"production\",\"logger\":\"shop.cart\",\"server_name\":\"w7\","
		"\"tags\":{\"tier\":\"gold\",\"region\":\"eu\"},\"user\":{\"id\":\"7\"},"
		"\"request\":{\"url\":\"https://shop.example.com/cart?id=7\",\"method\":\"POST\","
		"\"headers\":{\"User-Agent\":\"Mozilla/5.0\",\"Accept\":\"*/*\"}},"
		"\"exception\":{\"values\":[{\"type\":\"ValueError\",\"module\":\"builtins\","
		"\"value\":\"");
	add_words(b, r, 6);
	buf_cstr(b, "\",\"mechanism\":{\"handled\":false},\"stacktrace\":{\"frames\":[");
	for (unsigned i = 0; i < 14; i++) {
		buf_cstr(b, i > 0 ? "," : "");
		add_frame(b, r);
	}
	buf_cstr(b, "]}}]},\"breadcrumbs\":{\"values\":[");
	for (unsigned i = 0; i < 20; i++) {
		buf_printf(b, "%s{\"category\":\"query\",\"message\":\"", i > 0 ? "," : "");
		add_words(b, r, 8);
		buf_cstr(b, "\"}");
	}
	buf_printf(b, "]},\"extra\":{\"attempt\":%llu}}", (unsigned long long)rng_below(r, 100));
}

static void make_events(void)
{
	struct rng r;

	rng_seed(&r, 50);
	for (size_t i = 0; i < EVENTS; i++) {
		struct buf b = BUF_INIT, payload = BUF_INIT;

		add_payload(&payload, &r);
		buf_printf(&b,
			"{\"event_id\":\"%016llx%016llx\"}\n{\"type\":\"event\",\"length\":%zu}\n",
			(unsigned long long)rng_next(&r), (unsigned long long)rng_next(&r),
			payload.n);
		buf_str(&b, buf_view(&payload));
		if (!buf_ok(&b))
			die("no memory");
		total_bytes += payload.n;
		events[i] = buf_view(&b); /* for the length of the program */
		buf_fini(&payload);
	}
}

/* --- rules ---------------------------------------------------------------------- */

/* #: a number, so that no two are the same. */
static const char *const rules[] = {
	"when = exception.type in (\"TimeoutError#\", \"ConnectionError\")\nthen = drop\n",
	"when = logger = \"django.security.#\"\nthen = drop\n",
	"when = message contains \"no such thing #\"\nthen = drop\n",
	"when = tags.tier = \"silver#\" and environment != \"dev\"\nthen = sample 0.1\n",
	"when = request.headers.User-Agent icontains \"bot#\"\nthen = drop\n",
	"when = url.path startswith \"/internal#/\"\nthen = drop\n",
	"when = exception.value matches \"^timeout # of \\\\d+\"\nthen = fingerprint = [\"t\"]\n",
	"when = extra.attempt > 10#\nthen = level = \"warning\"\n",
	"when = release glob \"shop@#.*\"\nthen = drop\n",
	"when = user.id in (\"1#\", \"2\") or missing(level)\nthen = delete user\n",
	"on = transaction\nwhen = transaction = \"GET /#\"\nthen = drop\n",
	"when = server_name endswith \"-canary#\"\nthen = tag canary = true\n",
};

static struct settings *settings_of(unsigned n)
{
	struct settings_source from = {"bench.conf", NULL, true};
	struct settings *s = NULL;
	struct buf text = BUF_INIT;
	struct err err = {0};

	/* Scrubbing is measured elsewhere. */
	buf_cstr(&text, "[scrub]\ndefaults = no\ndeep = no\nip_addresses = no\n");
	for (unsigned i = 0; i < n; i++) {
		const char *p = rules[i % (sizeof rules / sizeof rules[0])];

		buf_printf(&text, "[rule r%u]\n", i);
		for (; *p != '\0'; p++) {
			if (*p == '#')
				buf_printf(&text, "%u", i);
			else
				buf_char(&text, *p);
		}
	}
	if (settings_parse_text(&s, buf_view(&text), &from, &err) != E_OK ||
		judge_attach(s, NULL, &err) != E_OK)
		die(err.text);
	buf_fini(&text);
	return s;
}

/* --- measuring -------------------------------------------------------------------- */

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void judge_one(const struct settings *s, struct judge_state *state, struct str text)
{
	struct envelope *e = envelope_new();
	struct process_result judged;
	struct err err = {0};

	if (e == NULL || envelope_parse(e, text, NULL, &err) != E_OK ||
		envelope_identify(e, &err) != E_OK ||
		envelope_measure(e, &e->invalid, &err) != E_OK ||
		process_run(judge_of(s), state, e, e->from.received, &judged, &err) != E_OK)
		die(err.text);
	if (e->item_count != 1)
		die("a rule was true");
	process_result_fini(&judged);
	envelope_free(e);
}

static double round_us(const struct settings *s, struct judge_state *state)
{
	double start = now_us();

	for (size_t i = 0; i < EVENTS; i++)
		judge_one(s, state, events[i]);
	return (now_us() - start) / EVENTS;
}

static double memchr_us(void)
{
	double start = now_us();
	volatile size_t found = 0;

	for (size_t i = 0; i < EVENTS; i++)
		found += memchr(events[i].p, '\x01', events[i].n) != NULL;
	return (now_us() - start) / EVENTS;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof *v, by_value);
	return v[ROUNDS / 2];
}

int main(void)
{
	struct settings *none = settings_of(0), *some = settings_of(50), *many = settings_of(1000);
	double few_us[ROUNDS], many_us[ROUNDS], pass_us[ROUNDS], few, linear;
	struct judge_state *state = NULL;
	struct err err = {0};

	make_events();
	if (judge_state_new(&state, &err) != E_OK)
		die(err.text);
	for (size_t i = 0; i < ROUNDS; i++) {
		double plain = round_us(none, state);

		few_us[i] = round_us(some, state) - plain;
		many_us[i] = round_us(many, state) - plain;
		pass_us[i] = memchr_us();
	}
	few = median(few_us);
	linear = median(many_us) / (few * 20);
	printf("# %d events, payloads of %zu bytes on average\n", EVENTS, total_bytes / EVENTS);
	printf("rules.50_us value=%.2f target<=15\n", few);
	printf("rules.1000_vs_20_times_50 ratio=%.2f target<=1\n", linear);
	printf("rules.50_vs_memchr_pass ratio=%.1f memchr=%.2fus\n", few / median(pass_us),
		median(pass_us));
	settings_unref(none);
	settings_unref(some);
	settings_unref(many);
	judge_state_free(state);
	return 0;
}
