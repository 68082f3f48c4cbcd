/* events.h - envelopes of a chosen size, no two alike, for load.
 *
 * Texts are made once and differ in names, numbers, paths and addresses; the
 * event id, which stands in the envelope's header and in the event, is written
 * into a copy for each request. The id's second half counts requests, so that
 * the far end can tell which arrived.
 *
 * Owns     the texts, until events_fini().
 * Threads  one at a time.
 */
#ifndef PICKET_BENCH_EVENTS_H
#define PICKET_BENCH_EVENTS_H

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/rng.h"

#define EVENTS_COUNT 512
#define EVENT_ID_LEN 32

struct event_text {
	struct buf bytes;
	size_t id_at[2];
};

struct events {
	struct event_text of[EVENTS_COUNT];
	uint64_t run; /* the first half of every id */
};

static inline const char *events_word(struct rng *r)
{
	static const char *const words[] = {"request", "handler", "session", "database", "cursor",
		"payment", "checkout", "invoice", "render", "template", "worker", "queue", "cache",
		"account", "billing", "search", "index", "upload", "storage", "profile", "token",
		"gateway", "retry", "shipment", "catalog", "price", "coupon", "basket", "address",
		"mailer", "report", "export", "import", "audit", "policy", "tenant", "webhook",
		"signal", "schema", "migration"};

	return words[rng_below(r, sizeof words / sizeof words[0])];
}

static inline uint64_t events_number(struct rng *r, uint64_t below)
{
	return rng_below(r, below);
}

static inline void events_frame(struct buf *b, struct rng *r)
{
	buf_printf(b,
		"{\"filename\":\"%s/%s_%s.py\",\"abs_path\":\"/srv/app/releases/%" PRIu64
		"/%s/%s_%s.py\",\"function\":\"%s_%s\",\"module\":\"%s.%s\",\"lineno\":%" PRIu64
		",\"in_app\":%s,",
		events_word(r), events_word(r), events_word(r), events_number(r, 100000),
		events_word(r), events_word(r), events_word(r), events_word(r), events_word(r),
		events_word(r), events_word(r), events_number(r, 2000),
		events_number(r, 2) == 0 ? "true" : "false");
	buf_printf(b,
		"\"context_line\":\"        %s = self.%s_%s(%s, %s=%" PRIu64 ")\",\"pre_context\":["
		"\"    def %s_%s(self, %s):\",\"        if %s is None:\",\"            raise "
		"%sError(\\\"%s %" PRIu64 "\\\")\"],\"vars\":{\"%s\":\"<%s object at 0x%012" PRIx64
		">\",\"%s\":\"'%016" PRIx64 "'\",\"%s\":\"%" PRIu64 "\"}}",
		events_word(r), events_word(r), events_word(r), events_word(r), events_word(r),
		events_number(r, 100000), events_word(r), events_word(r), events_word(r),
		events_word(r), events_word(r), events_word(r), events_number(r, 10000),
		events_word(r), events_word(r), rng_next(r) >> 16, events_word(r), rng_next(r),
		events_word(r), events_number(r, 1000000));
}

static inline void events_crumb(struct buf *b, struct rng *r)
{
	buf_printf(b,
		"{\"type\":\"http\",\"category\":\"%s.%s\",\"timestamp\":17%08" PRIu64 ".%06" PRIu64
		",\"message\":\"%s %s took %" PRIu64 " ms\",\"data\":{\"status_code\":%" PRIu64
		",\"url\":\"https://%s.example.com/%s/%" PRIu64 "?%s=%016" PRIx64 "\"}}",
		events_word(r), events_word(r), events_number(r, 100000000),
		events_number(r, 1000000), events_word(r), events_word(r), events_number(r, 5000),
		200 + events_number(r, 300), events_word(r), events_word(r),
		events_number(r, 1000000), events_word(r), rng_next(r));
}

/* Ends at about bytes, whatever the frames' lengths. */
static inline void events_event(struct buf *b, struct rng *r, size_t bytes)
{
	buf_printf(b, "{\"event_id\":\"%0*d\",\"level\":\"error\",\"platform\":\"python\",",
		EVENT_ID_LEN, 0);
	buf_printf(b,
		"\"timestamp\":17%08" PRIu64 ".%06" PRIu64 ",\"release\":\"%s@%" PRIu64 ".%" PRIu64
		".0\",\"environment\":\"production\","
		"\"server_name\":\"web-%" PRIu64 "\",\"transaction\":\"/%s/%s/{id}\","
		"\"user\":{\"id\":\"%" PRIu64 "\",\"ip_address\":\"10.%" PRIu64 ".%" PRIu64 ".7\"},"
		"\"tags\":{\"%s\":\"%s\",\"trace\":\"%016" PRIx64 "\"},"
		"\"exception\":{\"values\":[{\"type\":\"%sError\",\"value\":\"%s %" PRIu64
		" of %s failed\",\"stacktrace\":{\"frames\":[",
		events_number(r, 100000000), events_number(r, 1000000), events_word(r),
		events_number(r, 30), events_number(r, 30), events_number(r, 200), events_word(r),
		events_word(r), events_number(r, 10000000), events_number(r, 256),
		events_number(r, 256), events_word(r), events_word(r), rng_next(r), events_word(r),
		events_word(r), events_number(r, 1000000), events_word(r));
	for (bool first = true; first || b->n + 3000 < bytes; first = false) {
		buf_cstr(b, first ? "" : ",");
		events_frame(b, r);
	}
	buf_cstr(b, "]}}]},\"breadcrumbs\":{\"values\":[");
	for (bool first = true; first || b->n + 550 < bytes; first = false) {
		buf_cstr(b, first ? "" : ",");
		events_crumb(b, r);
	}
	buf_printf(b, "]},\"contexts\":{\"runtime\":{\"name\":\"CPython\",\"version\":\"3.11.2\"}},"
		      "\"sdk\":{\"name\":\"sentry.python\",\"version\":\"2.68.0\"}}");
}

/* bytes is the size of the envelope; with random, all but a small event is an
 * attachment that no compressor makes smaller. */
static inline void events_text(struct event_text *t, struct rng *r, size_t bytes, bool random)
{
	struct buf event = BUF_INIT;

	events_event(&event, r, random ? 1500 : bytes - 300);
	buf_printf(&t->bytes,
		"{\"event_id\":\"%0*d\",\"sent_at\":\"2026-01-02T03:04:05.678000Z\","
		"\"dsn\":\"https://0123456789abcdef0123456789abcdef@localhost/1\","
		"\"sdk\":{\"name\":\"sentry.python\",\"version\":\"2.68.0\"}}\n"
		"{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":%zu}\n",
		EVENT_ID_LEN, 0, event.n);
	t->id_at[0] = strlen("{\"event_id\":\"");
	t->id_at[1] = t->bytes.n + t->id_at[0];
	buf_str(&t->bytes, buf_view(&event));
	buf_char(&t->bytes, '\n');
	buf_fini(&event);
	if (random && t->bytes.n + 100 < bytes) {
		size_t left = bytes - t->bytes.n - 100;

		buf_printf(&t->bytes,
			"{\"type\":\"attachment\",\"filename\":\"core.bin\",\"length\":%zu}\n",
			left);
		for (size_t i = 0; i < left; i++)
			buf_char(&t->bytes, (char)(rng_next(r) >> 40));
		buf_char(&t->bytes, '\n');
	}
	check(buf_ok(&t->bytes));
}

/* An envelope of a single log entry, as an application sends one that flushes
 * after each line. The id is the entry's trace. */
static inline void events_log(struct event_text *t, struct rng *r)
{
	struct buf log = BUF_INIT;

	buf_printf(&log,
		"{\"items\":[{\"timestamp\":17%08" PRIu64 ".%06" PRIu64
		",\"level\":\"info\",\"severity_number\":9,\"body\":\"%s %s took %" PRIu64
		" ms for %s %" PRIu64 "\",\"trace_id\":\"",
		events_number(r, 100000000), events_number(r, 1000000), events_word(r),
		events_word(r), events_number(r, 5000), events_word(r), events_number(r, 1000000));
	t->id_at[0] = log.n;
	buf_printf(&log,
		"%0*d\",\"attributes\":{\"sentry.environment\":{\"value\":\"production\",\"type\":"
		"\"string\"},\"sentry.release\":{\"value\":\"%s@%" PRIu64
		".0\",\"type\":\"string\"},\"server.address\":{\"value\":\"web-%" PRIu64
		"\",\"type\":\"string\"},\"%s.%s\":{\"value\":%" PRIu64
		",\"type\":\"integer\"}}}]}",
		EVENT_ID_LEN, 0, events_word(r), events_number(r, 30), events_number(r, 200),
		events_word(r), events_word(r), events_number(r, 1000000));
	buf_printf(&t->bytes,
		"{\"sent_at\":\"2026-01-02T03:04:05.678000Z\"}\n{\"type\":\"log\",\"item_count\":1,"
		"\"content_type\":\"application/vnd.sentry.items.log+json\",\"length\":%zu}\n",
		log.n);
	t->id_at[0] += t->bytes.n;
	t->id_at[1] = t->id_at[0];
	buf_str(&t->bytes, buf_view(&log));
	buf_char(&t->bytes, '\n');
	check(buf_ok(&t->bytes));
	buf_fini(&log);
}

enum events_kind { EVENTS_ERROR, EVENTS_RANDOM, EVENTS_LOG };

static inline void events_init(struct events *e, uint64_t seed, size_t bytes, enum events_kind kind)
{
	struct rng r;

	memset(e, 0, sizeof *e);
	rng_seed(&r, seed);
	e->run = rng_next(&r);
	for (size_t i = 0; i < EVENTS_COUNT; i++) {
		if (kind == EVENTS_LOG)
			events_log(&e->of[i], &r);
		else
			events_text(&e->of[i], &r, bytes, kind == EVENTS_RANDOM);
	}
}

static inline void events_fini(struct events *e)
{
	for (size_t i = 0; i < EVENTS_COUNT; i++)
		buf_fini(&e->of[i].bytes);
}

/* Appends the envelope of one request. */
static inline void events_write(const struct events *e, uint64_t number, struct buf *out)
{
	const struct event_text *t = &e->of[number % EVENTS_COUNT];
	char id[EVENT_ID_LEN + 1];
	size_t start = out->n;

	(void)snprintf(id, sizeof id, "%016" PRIx64 "%016" PRIx64, e->run, number);
	buf_str(out, buf_view(&t->bytes));
	check(buf_ok(out));
	for (size_t i = 0; i < 2; i++)
		memcpy(out->p + start + t->id_at[i], id, EVENT_ID_LEN);
}

#endif
