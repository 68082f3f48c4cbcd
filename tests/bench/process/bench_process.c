/* What judging costs beside what accepting costs anyway.
 *
 * Accepting: framing, measuring, routing and packing a transaction of 10 KiB.
 * The same is done with sampling that drops it, and with sampling that keeps it
 * and rewrites the trace header. Rounds take turns; the figure is the median of
 * the differences of neighbouring rounds, in microseconds for one envelope.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "envelope/codec.h"
#include "process/pack.h"
#include "process/process.h"
#include "process/route.h"

#define ROUNDS    61
#define PER_ROUND 400

struct setup {
	struct settings *settings;
	struct judge_state *state;
	struct codec_pool *codecs;
	char text[32768];
	size_t n;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "bench_process: %s\n", what);
	exit(1);
}

static void set_up(struct setup *s, const char *config)
{
	struct settings_source from = {"bench.conf", NULL, true};
	struct buf text = BUF_INIT;
	struct err err = {0};

	/* Scrubbing is measured elsewhere. */
	buf_cstr(&text, "[scrub]\ndefaults = no\ndeep = no\nip_addresses = no\n");
	buf_cstr(&text, config);
	if (settings_parse_text(&s->settings, buf_view(&text), &from, &err) != E_OK ||
		judge_attach(s->settings, NULL, &err) != E_OK ||
		judge_state_new(&s->state, &err) != E_OK ||
		codec_pool_new(&s->codecs, 1, &err) != E_OK)
		die(err.text);
	buf_fini(&text);
}

static void tear_down(struct setup *s)
{
	settings_unref(s->settings);
	judge_state_free(s->state);
	codec_pool_free(s->codecs);
}

static void write_text(struct setup *s)
{
	struct buf b = BUF_INIT, payload = BUF_INIT;

	buf_cstr(&payload, "{\"type\":\"transaction\",\"transaction\":\"GET /x\",\"contexts\":"
			   "{\"trace\":{\"trace_id\":\"771a43a4192642f0b136d5159a501700\"}},"
			   "\"spans\":[");
	for (int i = 0; payload.n < 10000; i++)
		buf_printf(&payload,
			"%s{\"span_id\":\"%016x\",\"op\":\"db\",\"description\":\"SELECT %d\","
			"\"start_timestamp\":1795000000.%06d,\"timestamp\":1795000001.%06d}",
			i > 0 ? "," : "", i * 7919, i, i * 31, i * 37);
	buf_cstr(&payload, "]}");
	buf_printf(&b,
		"{\"event_id\":\"11111111111111111111111111111111\",\"sent_at\":"
		"\"2026-11-22T10:54:51.734915Z\",\"trace\":{\"trace_id\":"
		"\"771a43a4192642f0b136d5159a501700\",\"sample_rate\":\"1.0\",\"sampled\":\"true\","
		"\"sample_rand\":\"0.214188\",\"environment\":\"production\"}}\n"
		"{\"type\":\"transaction\",\"length\":%zu}\n",
		payload.n);
	buf_str(&b, buf_view(&payload));
	buf_char(&b, '\n');
	if (!buf_ok(&b) || b.n > sizeof s->text)
		die("no memory");
	memcpy(s->text, b.p, b.n);
	s->n = b.n;
	buf_fini(&b);
	buf_fini(&payload);
}

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* As daemon/intake.c does it. */
static void accept_one(struct setup *s)
{
	struct envelope *e = envelope_new();
	struct process_result judged;
	struct packed packed;
	struct route route;
	struct err err = {0};

	if (e == NULL)
		die("no memory");
	e->from.key = STR("0123456789abcdef0123456789abcdef");
	e->from.project = STR("42");
	if (envelope_parse(e, str_make(s->text, s->n), NULL, &err) != E_OK ||
		envelope_identify(e, &err) != E_OK ||
		envelope_measure(e, &e->invalid, &err) != E_OK ||
		route_find(s->settings, &e->from, true, e->arena, &route, &err) != E_OK ||
		process_run(judge_of(s->settings), s->state, e, e->from.received, &judged, &err) !=
			E_OK ||
		route_apply(e, &route, &err) != E_OK ||
		pack_envelope(e, &route, s->codecs, 1, &packed, &err) != E_OK)
		die(err.text);
	packed_fini(&packed);
	process_result_fini(&judged);
	envelope_free(e);
}

static double round_us(struct setup *s)
{
	double start = now_us();

	for (int i = 0; i < PER_ROUND; i++)
		accept_one(s);
	return (now_us() - start) / PER_ROUND;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, by_value);
	return v[n / 2];
}

static void compare(const char *name, const char *config, const char *target)
{
	static struct setup plain, judging;
	double plain_us[ROUNDS], more_us[ROUNDS];

	write_text(&plain);
	write_text(&judging);
	set_up(&plain, "");
	set_up(&judging, config);
	for (int i = 0; i < ROUNDS; i++) {
		plain_us[i] = round_us(&plain);
		more_us[i] = round_us(&judging) - plain_us[i];
	}
	printf("process.%s value=%.2f %s unit=us accepting=%.1fus\n", name, median(more_us, ROUNDS),
		target, median(plain_us, ROUNDS));
	tear_down(&plain);
	tear_down(&judging);
}

int main(void)
{
	compare("drop_by_sampling_costs_more", "[sampling]\ntransactions = 0.1\n", "target<=3");
	compare("keep_by_sampling_costs_more", "[sampling]\ntransactions = 0.5\n", "");
	compare("drop_by_name_costs_more",
		"[rule a]\non = transaction\nwhen = transaction = \"GET /x\"\nthen = drop\n",
		"target<=3");
	compare("a_rule_that_is_false_costs_more",
		"[rule a]\non = transaction\nwhen = transaction = \"GET /y\"\nthen = drop\n", "");
	compare("unconcerned_costs_more", "[sampling]\nreplays = 0.1\n", "target<=0.5");
	return 0;
}
