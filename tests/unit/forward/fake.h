/* fake.h - a world around sending: a clock that is told, a spool in memory, a
 * transport that answers what the test says.
 *
 * Owns     everything in struct fake.
 * Threads  one; the spool's records are behind a lock, as scan() runs on workers.
 */
#ifndef PICKET_TESTS_FORWARD_FAKE_H
#define PICKET_TESTS_FORWARD_FAKE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "envelope/envelope.h"
#include "envelope/record.h"
#include "forward/forward.h"

#define DSN_A "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@a.example/11"
#define DSN_B "https://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@b.example/22"
/* Another project of the same host as A. */
#define DSN_C "https://cccccccccccccccccccccccccccccccc@a.example/33"

#define FAKE_MAX   4096
#define FAKE_START 1000000
#define FAKE_WALL  1767225600000 /* 2026-01-01 */
#define FAKE_BOOT  77

struct fake_record {
	struct record_ref ref;
	char *bytes;
	size_t n;
	bool is_gone, is_lent;
};

/* What went out, copied. */
struct fake_sent {
	char url[256];
	char headers[4096]; /* one per line */
	char *body;
	size_t body_n;
	int64_t at_mono_ms, timeout_ms;
	struct exchange *x; /* NULL: answered */
};

struct fake {
	uv_loop_t loop;
	struct instant now;
	struct clock clock;
	struct settings *settings;
	struct codec_pool *codecs;
	struct budget budget;
	struct forward_ops ops;
	struct transport transport;
	struct forward *f;
	int64_t due_mono_ms;
	bool is_closed;
	unsigned idles;

	pthread_mutex_t lock;
	struct fake_record records[FAKE_MAX];
	size_t record_count;
	uint64_t next_seq;
	int scan_rc;
	unsigned scans;

	struct settlement settled[FAKE_MAX];
	size_t settled_count;

	struct fake_sent sent[FAKE_MAX];
	size_t sent_count;
	unsigned canceled;

	bool merges; /* records are stored with their stream */

	struct report pending; /* of any lane */
	struct report reported, taken;
	unsigned reports_sent, reports_returned;
	char state_key[64], state_value[1024];
	unsigned states;
};

/* --- the ops ------------------------------------------------------------------ */

static inline int fake_scan(void *arg, const struct record_want *w, unsigned max, record_fn *each,
	void *each_arg, struct err *err)
{
	struct fake *k = arg;
	uint64_t at =
		w->newest_first ? (w->before_seq == 0 ? UINT64_MAX : w->before_seq) : w->after_seq;
	unsigned n = 0;
	int rc;

	pthread_mutex_lock(&k->lock);
	k->scans++;
	rc = k->scan_rc;
	while (rc == E_OK && n < max) {
		const struct fake_record *best = NULL;

		for (size_t i = 0; i < k->record_count; i++) {
			const struct fake_record *r = &k->records[i];

			if (r->is_gone || r->ref.lane != w->lane || r->ref.class != w->class)
				continue;
			if (w->exact_seq != 0     ? r->ref.seq != w->exact_seq
				: w->newest_first ? r->ref.seq >= at
						  : r->ref.seq <= at)
				continue;
			if (best == NULL || (r->ref.seq > best->ref.seq) == w->newest_first)
				best = r;
		}
		if (best == NULL)
			break;
		n++;
		at = best->ref.seq;
		if (!each(each_arg, at, str_make(best->bytes, best->n)) || w->exact_seq != 0)
			break;
	}
	pthread_mutex_unlock(&k->lock);
	if (rc != E_OK)
		return err_set(err, rc, "the spool cannot be read");
	return E_OK;
}

static inline struct fake_record *fake_find(struct fake *k, const struct record_ref *ref)
{
	for (size_t i = 0; i < k->record_count; i++) {
		if (k->records[i].ref.seq == ref->seq)
			return &k->records[i];
	}
	return NULL;
}

static inline void fake_lend(void *arg, const struct record_ref *ref)
{
	struct fake *k = arg;

	fake_find(k, ref)->is_lent = true;
}

static inline void fake_settle(void *arg, const struct settlement *st)
{
	struct fake *k = arg;
	struct fake_record *r = fake_find(k, &st->ref);

	k->settled[k->settled_count++] = *st;
	pthread_mutex_lock(&k->lock);
	r->is_lent = false;
	if (st->end != SETTLE_KEEP)
		r->is_gone = true;
	pthread_mutex_unlock(&k->lock);
	if (st->reported)
		report_add(&k->pending, st->why, &st->dropped, k->now.wall_ms / 1000);
}

static inline void fake_report_take(void *arg, uint32_t lane, struct report *r)
{
	struct fake *k = arg;

	(void)lane;
	*r = k->pending;
	memset(&k->pending, 0, sizeof k->pending);
}

static inline void fake_report_sent(void *arg, uint32_t lane, const struct report *r)
{
	struct fake *k = arg;

	(void)lane;
	k->reports_sent++;
	report_merge(&k->reported, r);
}

static inline void fake_report_return(void *arg, uint32_t lane, const struct report *r)
{
	struct fake *k = arg;

	(void)lane;
	if (!report_empty(r))
		k->reports_returned++;
	report_merge(&k->pending, r);
}

static inline bool fake_report_pending(void *arg, uint32_t lane)
{
	const struct fake *k = arg;

	(void)lane;
	return !report_empty(&k->pending);
}

static inline void fake_state_set(void *arg, struct str key, struct str value)
{
	struct fake *k = arg;

	k->states++;
	(void)snprintf(k->state_key, sizeof k->state_key, "%.*s", STR_ARG(key));
	(void)snprintf(k->state_value, sizeof k->state_value, "%.*s", STR_ARG(value));
}

static inline void fake_arm(void *arg, int64_t due_mono_ms)
{
	((struct fake *)arg)->due_mono_ms = due_mono_ms;
}

static inline void fake_idle(void *arg)
{
	((struct fake *)arg)->idles++;
}

/* --- the transport -------------------------------------------------------------- */

static inline struct fake *fake_of(struct transport *t)
{
	return (struct fake *)((char *)t - offsetof(struct fake, transport));
}

static inline void fake_send(struct transport *t, struct exchange *x)
{
	struct fake *k = fake_of(t);
	struct fake_sent *s = &k->sent[k->sent_count++];
	size_t n = 0;

	x->rc = E_OK;
	s->x = x;
	s->at_mono_ms = k->now.mono_ms;
	s->timeout_ms = x->timeout_ms;
	(void)snprintf(s->url, sizeof s->url, "%s", x->url);
	for (const char *const *h = x->headers; *h != NULL; h++)
		n += (size_t)snprintf(s->headers + n, sizeof s->headers - n, "%s\n", *h);
	s->body_n = x->body.n;
	s->body = malloc(x->body.n + 1);
	if (x->body.n > 0)
		memcpy(s->body, x->body.p, x->body.n);
	s->body[x->body.n] = '\0';
}

static inline void fake_cancel(struct transport *t, struct exchange *x)
{
	fake_of(t)->canceled++;
	x->rc = E_CANCELED;
}

static inline void fake_transport_close(struct transport *t, void (*closed)(void *arg), void *arg)
{
	(void)t;
	closed(arg);
}

static const struct transport_ops fake_transport_ops = {
	fake_send, fake_cancel, fake_transport_close};

static inline struct instant fake_now(void *arg)
{
	return ((struct fake *)arg)->now;
}

/* --- moving the world ------------------------------------------------------------ */

/* Until every worker has handed its work back. */
static inline void fake_drain(struct fake *k)
{
	(void)uv_run(&k->loop, UV_RUN_DEFAULT);
}

static inline void fake_answer_with(
	struct fake *k, size_t i, int rc, int status, const char *limits, const char *retry_after)
{
	struct exchange *x = k->sent[i].x;
	char a[256] = "", b[64] = "";

	assert_non_null(x);
	k->sent[i].x = NULL;
	x->rc = rc;
	x->status = status;
	(void)snprintf(a, sizeof a, "%s", limits != NULL ? limits : "");
	(void)snprintf(b, sizeof b, "%s", retry_after != NULL ? retry_after : "");
	x->rate_limits = limits != NULL ? a : NULL;
	x->retry_after = retry_after != NULL ? b : NULL;
	x->done(x);
	fake_drain(k);
}

static inline void fake_answer(struct fake *k, size_t i, int status)
{
	fake_answer_with(k, i, E_OK, status, NULL, NULL);
}

static inline void fake_fail(struct fake *k, size_t i)
{
	fake_answer_with(k, i, E_NET, 0, NULL, NULL);
}

/* Ticks at every time that was asked for, up to ms from now. */
static inline void fake_advance(struct fake *k, int64_t ms)
{
	int64_t end = k->now.mono_ms + ms;
	unsigned spins = 0;

	while (k->due_mono_ms <= end) {
		int64_t step = k->due_mono_ms - k->now.mono_ms;

		/* Asking to be called at once, over and over, is a busy loop. */
		spins = step > 0 ? 0 : spins + 1;
		assert_true(spins < 10);
		if (step > 0) {
			k->now.mono_ms += step;
			k->now.wall_ms += step;
		}
		k->due_mono_ms = INT64_MAX;
		forward_tick(k->f);
		fake_drain(k);
	}
	k->now.wall_ms += end - k->now.mono_ms;
	k->now.mono_ms = end;
}

static inline size_t fake_in_flight(const struct fake *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->sent_count; i++)
		n += k->sent[i].x != NULL;
	return n;
}

/* Answers whatever is or comes in flight, until nothing does. */
static inline void fake_answer_all(struct fake *k, int status)
{
	for (size_t i = 0; i < k->sent_count; i++) {
		if (k->sent[i].x != NULL)
			fake_answer(k, i, status);
	}
}

static inline bool fake_is_probe(const struct fake *k, size_t i)
{
	return k->sent[i].body_n == 0;
}

static inline const char *fake_header(
	const struct fake *k, size_t i, const char *name, char out[512])
{
	const char *p = strstr(k->sent[i].headers, name);

	if (p == NULL)
		return NULL;
	p += strlen(name);
	(void)snprintf(out, 512, "%.*s", (int)strcspn(p, "\n"), p);
	return out;
}

/* The body as the upstream reads it; valid until the next call. */
static inline struct str fake_body(struct fake *k, size_t i, struct buf *out)
{
	enum encoding e = ENCODING_IDENTITY;
	char value[512];

	if (fake_header(k, i, "Content-Encoding: ", value) != NULL)
		assert_int_equal(encoding_parse(str_of(value), &e), E_OK);
	buf_clear(out);
	assert_int_equal(
		decode_all(e, str_make(k->sent[i].body, k->sent[i].body_n), 1 << 26, out, NULL),
		E_OK);
	return buf_view(out);
}

static inline bool fake_body_has(struct fake *k, size_t i, const char *text)
{
	struct buf b = BUF_INIT;
	struct str s = fake_body(k, i, &b);
	bool has = str_find(s, str_of(text)) < s.n;

	buf_fini(&b);
	return has;
}

/* --- records ---------------------------------------------------------------------- */

/* Packs an envelope as intake would: header without sent_at, items compressed. */
static inline void fake_pack(struct fake *k, const char *dsn, const char *header, struct str items,
	bool compress, const struct sender *from, int64_t sent_at_us, struct buf *out,
	enum item_class *class)
{
	struct envelope *e = envelope_new();
	struct buf body = BUF_INIT, packed = BUF_INIT;
	struct quantities invalid = {{0}};
	struct record r;

	memset(&r, 0, sizeof r);
	buf_printf(&body, "%s\n", header);
	buf_str(&body, items);
	assert_int_equal(envelope_parse(e, buf_view(&body), NULL, NULL), E_OK);
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	*class = envelope_class(e);
	r.class = *class;
	r.dsn = str_of(dsn);
	if (from != NULL)
		r.from = *from;
	else
		r.from = (struct sender){.peer_uid = -1, .peer_pid = -1, .protocol = STR("7")};
	r.received_mono_ms = k->now.mono_ms;
	r.received_wall_ms = k->now.wall_ms;
	r.boot_id = FAKE_BOOT;
	r.has_sent_at = sent_at_us != 0;
	r.sent_at_us = sent_at_us;
	r.has_event_id = e->has_event_id;
	r.event_id = e->event_id;
	r.held = e->held;
	r.header = str_of(header);
	r.items_bytes = items.n;
	r.items = items;
	if (k->merges)
		assert_int_equal(stream_key_of(e, &r.stream, NULL), E_OK);
	if (compress) {
		assert_int_equal(codec_zstd(k->codecs, items, &packed, NULL), E_OK);
		r.encoding = RECORD_ZSTD;
		r.items = buf_view(&packed);
	}
	record_pack(&r, out);
	envelope_free(e);
	buf_fini(&body);
	buf_fini(&packed);
}

/* Stores without telling anybody. Returns its seq. */
static inline uint64_t fake_put(struct fake *k, const char *dsn, const char *header,
	const char *items, const struct sender *from, int64_t sent_at_us)
{
	struct fake_record *r = &k->records[k->record_count];
	struct buf out = BUF_INIT;

	fake_pack(k, dsn, header, str_of(items), true, from, sent_at_us, &out, &r->ref.class);
	pthread_mutex_lock(&k->lock);
	r->ref.lane = record_lane(str_of(dsn));
	r->ref.seq = k->next_seq++;
	r->bytes = buf_take(&out, &r->n);
	k->record_count++;
	pthread_mutex_unlock(&k->lock);
	return r->ref.seq;
}

static inline void fake_tell(struct fake *k, const char *dsn, uint64_t seq)
{
	struct record_ref want = {0, 0, seq};

	forward_stored(k->f, str_of(dsn), &fake_find(k, &want)->ref, NULL);
}

/* One that may wait for company. */
static inline uint64_t fake_share(
	struct fake *k, const char *dsn, const char *items, uint64_t entries)
{
	uint64_t seq = fake_put(k, dsn, "{}", items, NULL, 0);
	struct batch_share share = {entries, strlen(items)};
	struct record_ref want = {0, 0, seq};

	forward_stored(k->f, str_of(dsn), &fake_find(k, &want)->ref, &share);
	return seq;
}

/* Puts and tells; the loop has not run yet. */
static inline uint64_t fake_store(struct fake *k, const char *dsn, const char *items)
{
	uint64_t seq = fake_put(k, dsn, "{}", items, NULL, 0);

	fake_tell(k, dsn, seq);
	return seq;
}

#define EVENT_ID_1  "9ec79c33ec9942ab8353589fcb2e04dc"
#define EVENT(text) "{\"type\":\"event\"}\n{\"message\":\"" text "\"}\n"
#define SESSION(sid)                                                                               \
	"{\"type\":\"session\"}\n{\"sid\":\"" sid                                                  \
	"\",\"started\":\"2026-01-01T00:00:00Z\",\"status\":\"ok\",\"init\":true,\"attrs\":{}}\n"
#define LOG(text)                                                                                  \
	"{\"type\":\"log\",\"item_count\":1,\"content_type\":\"application/"                       \
	"vnd.sentry.items.log+json\"}\n{\"items\":[{\"body\":\"" text "\"}]}\n"

static inline uint64_t fake_event(struct fake *k, const char *dsn, const char *name)
{
	char header[128], items[256];

	(void)snprintf(header, sizeof header, "{\"event_id\":\"" EVENT_ID_1 "\"}");
	(void)snprintf(items, sizeof items, "{\"type\":\"event\"}\n{\"message\":\"%s\"}\n", name);
	{
		uint64_t seq = fake_put(k, dsn, header, items, NULL, 0);

		fake_tell(k, dsn, seq);
		return seq;
	}
}

/* --- begin and end ------------------------------------------------------------------ */

static inline struct settings *fake_settings(const char *const *env)
{
	struct settings_source from = {.file = "/dev/null", .env = env, .dev = true};
	struct settings *s;
	struct err err;

	if (settings_load(&s, &from, &err) != E_OK)
		fail_msg("%s", err.text);
	return s;
}

static inline void fake_open(struct fake *k)
{
	struct forward_options o = {.loop = &k->loop,
		.ops = &k->ops,
		.transport = &k->transport,
		.clock = &k->clock,
		.codecs = k->codecs,
		.budget = &k->budget,
		.settings = k->settings,
		.frame = {FAKE_BOOT, k->now},
		.seed = 1};

	k->due_mono_ms = INT64_MAX;
	assert_int_equal(forward_new(&k->f, &o, NULL), E_OK);
}

/* env: "PICKET_SECTION_KEY=value", ..., NULL. */
static inline struct fake *fake_new(const char *const *env)
{
	static const char *const none[] = {NULL};
	struct fake *k = calloc(1, sizeof *k);

	assert_non_null(k);
	assert_int_equal(uv_loop_init(&k->loop), 0);
	pthread_mutex_init(&k->lock, NULL);
	k->now = (struct instant){FAKE_START, FAKE_WALL};
	k->clock = (struct clock){fake_now, k};
	k->settings = fake_settings(env != NULL ? env : none);
	assert_int_equal(codec_pool_new(&k->codecs, 3, NULL), E_OK);
	budget_init(&k->budget, 64 << 20);
	k->transport.ops = &fake_transport_ops;
	k->next_seq = 1;
	k->ops = (struct forward_ops){.arg = k,
		.scan = fake_scan,
		.lend = fake_lend,
		.settle = fake_settle,
		.report_take = fake_report_take,
		.report_sent = fake_report_sent,
		.report_return = fake_report_return,
		.report_pending = fake_report_pending,
		.state_set = fake_state_set,
		.arm = fake_arm,
		.idle = fake_idle};
	fake_open(k);
	return k;
}

static inline void fake_closed(void *arg)
{
	((struct fake *)arg)->is_closed = true;
}

/* Ends sending; what is in flight is cancelled at once. */
static inline void fake_close(struct fake *k)
{
	forward_close(k->f, 0, fake_closed, k);
	fake_drain(k);
	fake_advance(k, 0);
	for (size_t i = 0; i < k->sent_count; i++) {
		if (k->sent[i].x != NULL)
			fake_answer_with(k, i, E_CANCELED, 0, NULL, NULL);
	}
	fake_advance(k, 0);
	assert_true(k->is_closed);
	forward_free(k->f);
	k->f = NULL;
	k->is_closed = false;
}

static inline void fake_free(struct fake *k)
{
	if (k->f != NULL)
		fake_close(k);
	assert_int_equal(budget_used(&k->budget), 0);
	for (size_t i = 0; i < k->record_count; i++) {
		assert_false(k->records[i].is_lent);
		free(k->records[i].bytes);
	}
	for (size_t i = 0; i < k->sent_count; i++)
		free(k->sent[i].body);
	codec_pool_free(k->codecs);
	settings_unref(k->settings);
	assert_int_equal(uv_loop_close(&k->loop), 0);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

#endif
