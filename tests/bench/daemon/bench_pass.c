/* What keeping a client's compression saves.
 *
 * Distinct envelopes of 10 KiB, gzip'd as an SDK does, take the way from a
 * request's body to the body of the request upstream: decoded, framed, measured,
 * packed, read again, built. Once the client's bytes are kept and passed on, once
 * they are compressed anew, to zstd and, for an upstream that knows nothing else,
 * to gzip. By turns in one process, in time of the processor; the figure is the
 * median of the rounds' ratios.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/system/events.h"
#include "envelope/codec.h"
#include "forward/build.h"
#include "process/pack.h"

#define ROUNDS 15
#define BYTES  10240
#define TARGET 2.0
#define DSN    "https://0123456789abcdef0123456789abcdef@localhost/1"

struct bench {
	struct events events;
	struct buf wires[EVENTS_COUNT];
	struct codec_pool *codecs;
	struct settings *settings;
	struct budget budget;
	struct build_scratch scratch;
	struct built built;
	struct facts facts;
	size_t sent_bytes;
};

static int64_t cpu_us(void)
{
	struct timespec t;

	check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* An SDK sends no dsn of ours; the texts of events.h have one. */
static void wire_make(struct bench *b, size_t i)
{
	struct buf text = BUF_INIT;
	struct str body, rest;
	size_t at;

	events_write(&b->events, i, &text);
	body = buf_view(&text);
	at = str_find(body, STR("\"dsn\""));
	rest = str_from(body, at);
	rest = str_from(rest, str_find(rest, STR("\"sdk\"")));
	memmove(text.p + at, rest.p, rest.n);
	text.n = at + rest.n;
	check(codec_gzip(b->codecs, buf_view(&text), &b->wires[i], NULL) == E_OK);
	buf_fini(&text);
}

static void accept_one(struct bench *b, const struct buf *wire, bool keep, struct packed *ret)
{
	static const struct route route = {.text = {DSN, sizeof DSN - 1}};
	struct envelope *e = envelope_new();
	struct buf body = BUF_INIT;

	check(e != NULL);
	check(decode_all(ENCODING_GZIP, buf_view(wire), 1 << 20, &body, NULL) == E_OK);
	check(envelope_parse(e, buf_view(&body), NULL, NULL) == E_OK);
	check(envelope_identify(e, NULL) == E_OK);
	check(envelope_measure(e, &e->invalid, NULL) == E_OK);
	e->from.protocol = STR("7");
	if (keep) {
		e->wire = buf_view(wire);
		e->wire_encoding = ENCODING_GZIP;
	}
	check(pack_envelope(e, &route, b->codecs, 1, ret, NULL) == E_OK);
	envelope_free(e);
	buf_fini(&body);
}

static void send_one(struct bench *b, const struct packed *p, enum setting_compression c)
{
	struct build_order o = {.dsn = STR(DSN),
		.key = STR("0123456789abcdef0123456789abcdef"),
		.compression = c,
		.frame = {1, {0, 0}},
		.codecs = b->codecs,
		.budget = &b->budget,
		.settings = b->settings};

	check(build_record(&o, buf_view(&p->bytes), PART_ALL, NULL, NULL, &b->scratch, &b->built,
		      NULL) == E_OK);
	check(b->built.result == BUILD_READY);
	b->sent_bytes += b->built.body.n;
	built_clear(&b->built, &b->budget, 65536);
}

/* Microseconds of the processor for each envelope. */
static double round_of(struct bench *b, bool keep, enum setting_compression c)
{
	int64_t start = cpu_us();

	for (size_t i = 0; i < EVENTS_COUNT; i++) {
		struct packed p;

		accept_one(b, &b->wires[i], keep, &p);
		send_one(b, &p, c);
		packed_fini(&p);
	}
	return (double)(cpu_us() - start) / EVENTS_COUNT;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof *v, by_value);
	return v[ROUNDS / 2];
}

static void measure(struct bench *b, const char *name, enum setting_compression c, const char *end)
{
	double ratio[ROUNDS], kept[ROUNDS], anew[ROUNDS];

	(void)round_of(b, true, c);
	(void)round_of(b, false, c);
	for (unsigned i = 0; i < ROUNDS; i++) {
		kept[i] = round_of(b, true, c);
		anew[i] = round_of(b, false, c);
		ratio[i] = anew[i] / kept[i];
	}
	(void)printf("pass.%s ratio=%.2f%s kept_us=%.1f anew_us=%.1f\n", name, median(ratio), end,
		median(kept), median(anew));
}

int main(void)
{
	static const char *const env[] = {NULL};
	struct settings_source from = {.file = "/dev/null", .env = env, .dev = true};
	struct bench *b = calloc(1, sizeof *b);
	char target[32];

	check(b != NULL && codec_pool_new(&b->codecs, 1, NULL) == E_OK);
	check(settings_load(&b->settings, &from, NULL) == E_OK);
	budget_init(&b->budget, 64 << 20);
	built_init(&b->built, &b->facts);
	events_init(&b->events, 7, BYTES, EVENTS_ERROR);
	for (size_t i = 0; i < EVENTS_COUNT; i++)
		wire_make(b, i);
	(void)snprintf(target, sizeof target, " target=%.1f", TARGET);
	measure(b, "gzip_kept_against_gzip_anew", COMPRESSION_GZIP, target);
	measure(b, "gzip_kept_against_zstd_anew", COMPRESSION_ZSTD, "");
	for (size_t i = 0; i < EVENTS_COUNT; i++)
		buf_fini(&b->wires[i]);
	events_fini(&b->events);
	built_fini(&b->built, &b->budget);
	build_scratch_fini(&b->scratch);
	settings_unref(b->settings);
	codec_pool_free(b->codecs);
	free(b);
	return 0;
}
