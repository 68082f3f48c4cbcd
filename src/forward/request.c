#include <stdio.h>
#include <stdlib.h>

#include "forward/state.h"

/* The story of one request, after load.c built it.
 *
 *   request_send      hand it to the transport, its records being lent
 *   request_answered  limits, the host's health, the report on board
 *   request_judge     what the verdict means for its records (settle.c)
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
		built_init(&r->built, &r->facts);
	}
	r->cargo = &r->own;
	r->cargo_count = 1;
	f->live++;
	return r;
}

/* A report that was not answered for goes back. */
static void request_return_report(struct request *r)
{
	struct forward *f = r->f;

	if (r->report == NULL)
		return;
	f->ops->report_return(f->ops->arg, r->lane->id, r->report);
	report_expect(r->lane, forward_now(f).mono_ms);
	free(r->report);
	r->report = NULL;
}

void request_free(struct request *r)
{
	struct forward *f = r->f;

	request_return_report(r);
	if (r->lane != NULL)
		r->lane->outstanding--;
	if (r->is_extra)
		f->extra--;
	f->live--;
	built_clear(&r->built, f->budget, KEEP_BODY_BYTES);
	if (r->cargo != &r->own)
		free(r->cargo);
	r->lane = NULL;
	r->is_report = false;
	r->is_extra = false;
	memset(&r->own, 0, sizeof r->own);
	r->next = f->free;
	f->free = r;
	if (++f->free_count > FREE_REQUESTS_MAX)
		requests_trim(f, FREE_REQUESTS_MAX);
}

void requests_trim(struct forward *f, unsigned keep)
{
	while (f->free_count > keep) {
		struct request *r = f->free;

		f->free = r->next;
		f->free_count--;
		built_fini(&r->built, f->budget);
		free(r);
	}
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
	for (unsigned i = 0; i < r->cargo_count && !r->is_report; i++) {
		r->cargo[i].from.due_mono_ms = due_mono_ms;
		(void)queue_push(&r->lane->queues[r->class], &r->cargo[i].from);
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

	/* Something it may hold was stopped meanwhile. */
	if ((limits_active(&r->lane->limits, now_ms) & ~r->limits) != 0 ||
		r->lane->refused_mono_ms > now_ms)
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

	if (!r->is_report && !request_is_true(r, now_ms)) {
		request_put_back(r, now_ms);
		return;
	}
	request_fill_headers(r);
	memset(&r->x, 0, sizeof r->x);
	r->x.url = r->built.url.n > 0 ? r->built.url.p : l->url;
	r->x.method = r->built.method;
	r->x.headers = r->headers;
	r->x.body = buf_view(&r->built.body);
	r->x.timeout_ms = f->settings->upstream.timeout + (int64_t)(r->x.body.n / 65536) * 1000;
	r->x.done = request_answered;
	r->x.arg = r;
	r->sent_mono_ms = now_ms;
	for (unsigned i = 0; i < r->cargo_count && !r->is_report; i++) {
		struct record_ref ref = {l->id, r->class, r->cargo[i].from.seq};

		r->cargo[i].from.attempts++;
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
	if (r->cargo_count == 1 && r->facts.has_event_id)
		event_id_hex(&r->facts.event_id, id);
	log_line(f->log, LOG_DEBUG, "sent", log_cstr("id", id),
		log_cstr("upstream", r->lane->host->base_url),
		log_str("project", r->lane->dsn.project),
		log_cstr("class", r->is_report ? "report" : item_class_name(r->class)),
		log_int("status", r->x.rc == E_OK ? r->x.status : 0),
		log_cstr("verdict", verdict_name(v->kind)), log_int("bytes", (int64_t)r->x.body.n),
		log_int("attempts", r->cargo[0].from.attempts), log_int("records", r->cargo_count),
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
	if (!h->gzip_only && v->kind == VERDICT_DELIVERED &&
		(r->cargo[0].from.flags & RETRY_GZIP) != 0 && !h->zstd_is_fine) {
		h->gzip_only = true;
		log_line(r->f->log, LOG_INFO, "gzip", log_cstr("upstream", h->base_url),
			log_cstr("why", "it refused zstd"));
	}
	/* An endpoint of its own may be missing upstream; that says nothing about
	 * envelopes. */
	if (v->lane_is_refused && r->built.url.n == 0) {
		l->refused_mono_ms = forward_now(r->f).mono_ms + REFUSED_PAUSE_MS;
		log_line(r->f->log, LOG_ERROR, "refused", log_cstr("upstream", h->base_url),
			log_str("project", l->dsn.project), log_int("status", r->x.status),
			log_cstr("why", r->x.status == 508
						? "[upstream] leads back to where this came from"
						: "the DSN is not accepted"),
			log_int("for_ms", REFUSED_PAUSE_MS));
	}
}

/* Of the record that was tried most often. */
static uint32_t request_attempts(const struct request *r)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < r->cargo_count; i++) {
		if (r->cargo[i].from.attempts > most)
			most = r->cargo[i].from.attempts;
	}
	return most;
}

static void request_answered(struct exchange *x)
{
	struct request *r = x->arg;
	struct forward *f = r->f;
	struct host *h = r->lane->host;
	struct attempt a = {.rc = x->rc,
		.status = x->status,
		.number = request_attempts(r),
		.is_zstd = r->built.is_zstd,
		.is_brotli = r->built.is_brotli,
		.zstd_is_fine = h->zstd_is_fine,
		.was_split = r->cargo[0].from.split != NULL};
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
