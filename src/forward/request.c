#include <stdio.h>
#include <stdlib.h>

#include "forward/state.h"

/* The story of one request, after load.c built it.
 *
 *   request_send      hand it to the transport, its record being lent
 *   request_answered  limits, the host's health, the report on board
 *   request_judge     what the verdict means for the record: end, again, parts
 *
 * Before it is sent it may go back to its queue: limits changed, or it waited
 * so long that its sent_at is no longer true.
 */

/* --- requests and lists ------------------------------------------------------- */

struct request *request_new(struct forward *f)
{
	struct request *r = f->free;

	if (r != NULL) {
		f->free = r->next;
		f->free_count--;
	} else {
		r = calloc(1, sizeof *r);
		if (r == NULL)
			return NULL;
		r->f = f;
		built_init(&r->built);
	}
	f->live++;
	return r;
}

void request_free(struct request *r)
{
	struct forward *f = r->f;

	if (r->report != NULL) {
		f->ops->report_return(f->ops->arg, r->lane->id, r->report);
		report_expect(r->lane, forward_now(f).mono_ms);
		free(r->report);
		r->report = NULL;
	}
	if (r->lane != NULL)
		r->lane->outstanding--;
	f->live--;
	built_clear(&r->built, f->budget, KEEP_BODY_BYTES);
	r->lane = NULL;
	r->is_report = false;
	memset(&r->from, 0, sizeof r->from);
	if (f->free_count >= FREE_REQUESTS_MAX) {
		built_fini(&r->built, f->budget);
		free(r);
		return;
	}
	r->next = f->free;
	f->free = r;
	f->free_count++;
}

void request_list_init(struct request_list *q)
{
	q->first = NULL;
	q->end = &q->first;
	q->n = 0;
}

void request_list_add(struct request_list *q, struct request *r)
{
	r->next = NULL;
	*q->end = r;
	q->end = &r->next;
	q->n++;
}

struct request *request_list_take(struct request_list *q)
{
	struct request *r = q->first;

	if (r == NULL)
		return NULL;
	q->first = r->next;
	if (q->first == NULL)
		q->end = &q->first;
	q->n--;
	return r;
}

void request_put_back(struct request *r, int64_t due_mono_ms)
{
	if (!r->is_report) {
		r->from.due_mono_ms = due_mono_ms;
		(void)queue_push(&r->lane->queues[r->class], &r->from);
	}
	request_free(r);
}

/* --- send ---------------------------------------------------------------------- */

static void sent_link(struct forward *f, struct request *r)
{
	r->sent_prev = NULL;
	r->sent_next = f->sent;
	if (f->sent != NULL)
		f->sent->sent_prev = r;
	f->sent = r;
}

static void sent_unlink(struct forward *f, struct request *r)
{
	if (r->sent_prev != NULL)
		r->sent_prev->sent_next = r->sent_next;
	else
		f->sent = r->sent_next;
	if (r->sent_next != NULL)
		r->sent_next->sent_prev = r->sent_prev;
}

/* False when it has to be built again. */
static bool request_is_true(struct request *r, int64_t now_ms)
{
	int64_t waited_ms = now_ms - r->built_mono_ms;

	if (r->limits_generation != r->lane->limits.generation || r->lane->refused_mono_ms > now_ms)
		return false;
	if (waited_ms == 0)
		return true;
	if (built_set_sent_at(&r->built, r->built.sent_at_us + waited_ms * 1000)) {
		r->built_mono_ms = now_ms;
		return true;
	}
	return waited_ms <= STALE_MS * 2;
}

static void request_fill_headers(struct request *r)
{
	const char *p = r->built.lines.p;

	for (unsigned i = 0; i < r->built.line_count; i++) {
		r->headers[i] = p;
		p += strlen(p) + 1;
	}
	r->headers[r->built.line_count] = NULL;
}

static void request_answered(struct exchange *x);

void request_send(struct request *r)
{
	struct forward *f = r->f;
	struct lane *l = r->lane;
	int64_t now_ms = forward_now(f).mono_ms;
	struct record_ref ref = {l->id, r->class, r->from.seq};

	if (!r->is_report && !request_is_true(r, now_ms)) {
		request_put_back(r, now_ms);
		return;
	}
	request_fill_headers(r);
	memset(&r->x, 0, sizeof r->x);
	r->x.url = l->url;
	r->x.headers = r->headers;
	r->x.body = buf_view(&r->built.body);
	r->x.timeout_ms = f->settings->upstream.timeout + (int64_t)(r->x.body.n / 65536) * 1000;
	r->x.done = request_answered;
	r->x.arg = r;
	r->sent_mono_ms = now_ms;
	if (!r->is_report) {
		r->from.attempts++;
		f->ops->lend(f->ops->arg, &ref);
	}
	sent_link(f, r);
	f->in_flight++;
	l->host->in_flight++;
	if (f->counters != NULL) {
		f->counters->upstream_requests++;
		f->counters->upstream_bytes += r->x.body.n;
		f->counters->upstream_in_flight++;
	}
	f->transport->ops->send(f->transport, &r->x);
}

/* --- settling ------------------------------------------------------------------ */

static void settlement_start(const struct request *r, struct settlement *st)
{
	memset(st, 0, sizeof *st);
	st->ref = (struct record_ref){r->lane->id, r->class, r->from.seq};
	st->status = r->x.rc == E_OK ? r->x.status : 0;
	st->attempts = r->from.attempts;
	st->has_event_id = r->built.has_event_id;
	st->event_id = r->built.event_id;
	if (r->x.rc != E_OK)
		(void)snprintf(st->text, sizeof st->text, "%.*s", (int)sizeof st->text - 1,
			r->x.detail[0] != '\0' ? r->x.detail : err_name(r->x.rc));
	else if (r->x.status != 0)
		(void)snprintf(st->text, sizeof st->text, "HTTP %d", r->x.status);
}

static void request_settle(struct request *r, const struct settlement *st)
{
	struct forward *f = r->f;

	f->ops->settle(f->ops->arg, st);
	if (st->reported)
		report_expect(r->lane, forward_now(f).mono_ms);
}

/* One of two parts has ended. True when it was the last: st then tells of both. */
static bool split_end(struct request *r, struct settlement *st)
{
	struct split *s = r->from.split;

	r->from.split = NULL;
	quantities_merge(&s->dropped, &st->dropped);
	if (st->why != DROP_NONE) {
		s->why = st->why;
		s->is_reported |= st->reported;
	}
	if (st->end == SETTLE_REMOVE && quantities_empty(&st->dropped))
		s->parts_delivered++;
	if (--s->parts_left > 0)
		return false;
	st->dropped = s->dropped;
	st->why = s->why;
	st->reported = s->is_reported;
	/* A dead letter counts as lost whole. */
	if (s->parts_delivered > 0)
		st->end = SETTLE_REMOVE;
	free(s);
	return true;
}

/* The record ends: what of it was dropped, and why, is in st already. */
static void record_end(struct request *r, struct settlement *st)
{
	if (r->from.split != NULL && !split_end(r, st))
		return;
	if (st->end == SETTLE_DEAD) {
		st->dropped = r->built.held;
	} else {
		st->delivered = r->built.held;
		quantities_subtract(&st->delivered, &st->dropped);
	}
	request_settle(r, st);
}

static void record_dead(struct request *r, struct settlement *st, enum drop_reason why)
{
	char id[EVENT_ID_HEX_BYTES] = "";

	st->end = SETTLE_DEAD;
	st->why = why;
	st->reported = true;
	st->dropped = r->built.part;
	if (st->has_event_id)
		event_id_hex(&st->event_id, id);
	log_line(r->f->log, LOG_ERROR, "dead", log_cstr("id", id),
		log_cstr("upstream", r->lane->host->base_url),
		log_str("project", r->lane->dsn.project), log_int("status", st->status),
		log_cstr("reason", drop_name(why)), log_cstr("class", item_class_name(r->class)),
		log_int("attempts", st->attempts));
	record_end(r, st);
}

void request_end_unsent(struct request *r)
{
	struct settlement st;

	memset(&r->x, 0, sizeof r->x);
	settlement_start(r, &st);
	switch (r->built.result) {
	case BUILD_LIMITED:
		st.end = SETTLE_REMOVE;
		st.why = DROP_RATELIMIT_BACKOFF;
		st.reported = true;
		st.dropped = r->built.part;
		record_end(r, &st);
		break;
	case BUILD_WHOLE:
		st.status = 413;
		(void)snprintf(st.text, sizeof st.text, "HTTP 413, and it cannot be split");
		/* The first half tells of the whole record, once. */
		if (r->from.part == PART_SECOND)
			memset(&r->built.part, 0, sizeof r->built.part);
		record_dead(r, &st, DROP_SEND_ERROR);
		break;
	default:
		(void)snprintf(st.text, sizeof st.text, "the stored record is damaged");
		record_dead(r, &st, DROP_INTERNAL_SDK_ERROR);
		break;
	}
	request_free(r);
}

/* --- judging ------------------------------------------------------------------- */

static void record_keep(struct request *r, const struct settlement *from)
{
	struct settlement st = *from;

	st.end = SETTLE_KEEP;
	request_settle(r, &st);
}

static void record_again(struct request *r, int64_t due_mono_ms)
{
	r->from.due_mono_ms = due_mono_ms;
	r->from.good = r->lane->host->good;
	(void)queue_push(&r->lane->queues[r->class], &r->from);
	r->from.split = NULL;
}

/* When nobody answers, the host's own waits say when. A record that fails
 * while others get through has to wait for itself, or it would be sent in a
 * tight loop. */
static void record_retry(struct request *r, const struct verdict *v)
{
	struct forward *f = r->f;
	struct circuit_policy policy = host_policy(r->lane->host);
	int64_t now_ms = forward_now(f).mono_ms, wait_ms = 0;
	bool others_pass = r->from.attempts > 1 && r->from.good != r->lane->host->good;

	if (!v->host_is_away || others_pass)
		wait_ms = backoff_ms(&policy, r->from.attempts, &f->rng);
	record_again(r, now_ms + wait_ms);
}

static void record_split(struct request *r)
{
	struct split *s = calloc(1, sizeof *s);

	if (s == NULL) {
		record_again(r, forward_now(r->f).mono_ms + MEMORY_PAUSE_MS);
		return;
	}
	s->parts_left = 2;
	r->from.split = s;
	r->from.flags |= RETRY_SPLIT;
	r->from.part = PART_FIRST;
	record_again(r, 0);
	r->from.split = s;
	r->from.part = PART_SECOND;
	record_again(r, 0);
}

static void record_delivered(struct request *r, struct settlement *st)
{
	st->end = SETTLE_REMOVE;
	st->dropped = r->built.dropped;
	if (!quantities_empty(&st->dropped)) {
		st->why = DROP_RATELIMIT_BACKOFF;
		st->reported = true;
	}
	record_end(r, st);
}

/* What was answered 429 is gone, and the server has counted it (design 12.4). */
static void record_limited(struct request *r, struct settlement *st)
{
	st->end = SETTLE_REMOVE;
	st->why = DROP_RATELIMIT_BACKOFF;
	st->dropped = r->built.part;
	record_end(r, st);
}

static void request_judge(struct request *r, const struct verdict *v)
{
	int64_t now_ms = forward_now(r->f).mono_ms;
	struct settlement st;

	settlement_start(r, &st);
	switch (v->kind) {
	case VERDICT_DELIVERED:
		record_delivered(r, &st);
		return;
	case VERDICT_LIMITED:
		record_limited(r, &st);
		return;
	case VERDICT_DEAD:
		record_dead(r, &st, DROP_SEND_ERROR);
		return;
	case VERDICT_RETRY:
		record_keep(r, &st);
		record_retry(r, v);
		return;
	case VERDICT_GZIP:
		record_keep(r, &st);
		r->from.flags |= RETRY_GZIP;
		record_again(r, now_ms);
		return;
	case VERDICT_SPLIT:
		record_keep(r, &st);
		record_split(r);
		return;
	case VERDICT_CANCELED:
		/* Nobody knows how it ended: the attempt counts for nothing. */
		st.attempts = --r->from.attempts;
		record_keep(r, &st);
		record_again(r, now_ms);
		return;
	}
}

/* --- the answer ---------------------------------------------------------------- */

static void count_answer(struct counters *c, const struct exchange *x)
{
	if (c == NULL)
		return;
	c->upstream_in_flight--;
	if (x->rc != E_OK)
		c->upstream_failures++;
	else if (x->status == 429)
		c->upstream_429++;
	else if (x->status >= 500)
		c->upstream_5xx++;
	else if (x->status >= 400)
		c->upstream_4xx++;
	else if (x->status >= 200 && x->status < 300)
		c->upstream_2xx++;
}

static void log_answer(const struct request *r, const struct verdict *v)
{
	struct forward *f = r->f;
	char id[EVENT_ID_HEX_BYTES] = "";

	if (!log_wants(f->log, LOG_DEBUG))
		return;
	if (r->built.has_event_id)
		event_id_hex(&r->built.event_id, id);
	log_line(f->log, LOG_DEBUG, "sent", log_cstr("id", id),
		log_cstr("upstream", r->lane->host->base_url),
		log_str("project", r->lane->dsn.project),
		log_cstr("class", r->is_report ? "report" : item_class_name(r->class)),
		log_int("status", r->x.rc == E_OK ? r->x.status : 0),
		log_cstr("verdict", verdict_name(v->kind)), log_int("bytes", (int64_t)r->x.body.n),
		log_int("attempts", r->from.attempts),
		log_int("took_ms", forward_now(f).mono_ms - r->sent_mono_ms));
}

static void log_limit(void *arg, const struct ratelimit *limit)
{
	struct lane *l = arg;
	struct buf text;

	buf_init(&text, 4096);
	ratelimit_write(&text, limit);
	log_line(l->f->log, LOG_WARN, "limited", log_cstr("upstream", l->host->base_url),
		log_str("project", l->dsn.project), log_int("for_s", limit->seconds),
		log_str("limit", buf_view(&text)));
	buf_fini(&text);
}

static void answer_limits(struct request *r)
{
	struct lane *l = r->lane;
	struct instant now = forward_now(r->f);

	if (r->x.rc != E_OK ||
		!limits_answer(&l->limits, r->x.status, r->x.rate_limits, r->x.retry_after, now))
		return;
	limits_each(&l->limits, now.mono_ms, log_limit, l);
	lane_limits_store(l);
}

/* Any answer at all means that the report arrived, or never will (15.4). */
static void answer_report(struct request *r)
{
	struct forward *f = r->f;

	if (r->report == NULL || r->x.rc != E_OK)
		return; /* request_free() returns it */
	f->ops->report_sent(f->ops->arg, r->lane->id, r->report);
	free(r->report);
	r->report = NULL;
}

static void answer_facts(struct request *r, const struct verdict *v)
{
	struct lane *l = r->lane;
	struct host *h = l->host;

	if (v->kind == VERDICT_DELIVERED && r->built.is_zstd)
		h->zstd_is_fine = true;
	/* That gzip helped is the proof that zstd was the trouble. */
	if (!h->gzip_only && v->kind == VERDICT_DELIVERED && (r->from.flags & RETRY_GZIP) != 0 &&
		!h->zstd_is_fine) {
		h->gzip_only = true;
		log_line(r->f->log, LOG_INFO, "gzip", log_cstr("upstream", h->base_url),
			log_cstr("why", "it refused zstd"));
	}
	if (v->lane_is_refused) {
		l->refused_mono_ms = forward_now(r->f).mono_ms + REFUSED_PAUSE_MS;
		log_line(r->f->log, LOG_ERROR, "refused", log_cstr("upstream", h->base_url),
			log_str("project", l->dsn.project), log_int("status", r->x.status),
			log_int("for_ms", REFUSED_PAUSE_MS));
	}
}

static void request_answered(struct exchange *x)
{
	struct request *r = x->arg;
	struct forward *f = r->f;
	struct host *h = r->lane->host;
	struct attempt a = {.rc = x->rc,
		.status = x->status,
		.number = r->from.attempts,
		.is_zstd = r->built.is_zstd,
		.zstd_is_fine = h->zstd_is_fine,
		.was_split = r->from.split != NULL};
	struct verdict v = verdict_of(&a);

	forward_enter(f);
	sent_unlink(f, r);
	f->in_flight--;
	h->in_flight--;
	r->lane->used_mono_ms = forward_now(f).mono_ms;
	count_answer(f->counters, x);
	answer_limits(r);
	if (v.kind != VERDICT_CANCELED)
		host_heard(h, x, &v, false, r->sent_mono_ms);
	log_answer(r, &v);
	answer_facts(r, &v);
	answer_report(r);
	if (r->is_report)
		r->lane->report_in_flight = false;
	else
		request_judge(r, &v);
	request_free(r);
	forward_leave(f);
}
