#include <stdlib.h>

#include "base/check.h"
#include "forward/gather.h"
#include "forward/state.h"

/* Reading records and making requests of them, several per worker job.
 *
 *   load_start   loop    what to read: records to be repeated, else unread ones
 *   load_work    worker  reads them and builds requests: one of each, or of several
 *   load_done    loop    ready requests wait for the window, the rest ends or waits
 *
 * One job at a time per queue, so that its place is known. A budget that is
 * used up ends a job early; what it did not get to stays unread.
 */

struct load {
	uv_work_t work;
	struct lane *lane;
	enum item_class class;
	struct build_order order;
	struct settings *settings;
	enum setting_compression compression;
	const struct forward_ops *ops;

	struct record_want want;
	struct retry *exact; /* when exact_count > 0 */
	unsigned exact_count, exact_next;
	struct gap_scan scan;
	unsigned calls;

	struct request *requests[LOAD_MAX];
	unsigned cap, n;
	struct build_scratch scratch;
	struct gatherer gatherer;
	struct report report;   /* may ride along */
	struct report *written; /* what does; NULL: nothing may, or it is on board */
	bool has_report;

	bool is_stopped; /* before the spool had no more */
	bool may_exceed; /* the first record may go beyond the budget */
	bool no_memory;
	int rc;
	struct err err;
};

enum setting_compression lane_compression(const struct lane *l)
{
	int c = l->f->settings->upstream.compression;

	if (c == COMPRESSION_ZSTD && l->host->gzip_only)
		return COMPRESSION_GZIP;
	return (enum setting_compression)c;
}

/* --- start: loop ------------------------------------------------------------- */

static void load_take_report(struct load *d)
{
	struct lane *l = d->lane;
	struct forward *f = l->f;

	if (!f->settings->reports.client_reports || l->report_in_flight ||
		d->order.limits == RATELIMIT_ALL || !f->ops->report_pending(f->ops->arg, l->id))
		return;
	d->written = calloc(1, sizeof *d->written);
	if (d->written == NULL)
		return;
	f->ops->report_take(f->ops->arg, l->id, &d->report);
	d->has_report = true;
}

static void load_order(struct load *d)
{
	struct lane *l = d->lane;
	struct forward *f = l->f;
	struct build_order *o = &d->order;

	d->settings = settings_ref(f->settings);
	d->compression = lane_compression(l);
	d->ops = f->ops;
	o->dsn = str_of(l->dsn_text);
	o->key = l->dsn.key;
	o->api_url = str_of(l->url);
	o->api_url.n -= sizeof LANE_ENDPOINT - 1;
	o->now = forward_now(f);
	o->limits = limits_active(&l->limits, o->now.mono_ms);
	o->hold = f->settings->spool.when_limited == WHEN_LIMITED_HOLD;
	o->frame = f->frame;
	o->codecs = f->codecs;
	o->budget = f->budget;
	o->settings = d->settings;
}

/* Whether records of this class can be merged: these are read in numbers. */
static bool class_merges(enum item_class class)
{
	return class != CLASS_ERROR && class != CLASS_BULK;
}

static bool load_choose_repeats(struct load *d, bool newest_first)
{
	struct queue *q = &d->lane->queues[d->class];
	unsigned max = class_merges(d->class) ? LOAD_REPEATS_MAX : d->cap;

	d->exact = malloc(max * sizeof *d->exact);
	while (d->exact != NULL && d->exact_count < max &&
		queue_pop(q, newest_first, d->order.now.mono_ms, &d->exact[d->exact_count]))
		d->exact_count++;
	return d->exact_count > 0;
}

/* Records to be repeated first; else the next unread ones. */
static bool load_choose(struct load *d)
{
	struct queue *q = &d->lane->queues[d->class];
	bool newest_first = d->settings->spool.order == ORDER_NEWEST;
	int64_t now_ms = d->order.now.mono_ms;

	d->want.lane = d->lane->id;
	d->want.class = d->class;
	if (q->due_mono_ms <= now_ms)
		return load_choose_repeats(d, newest_first);
	if (q->retry_count >= RETRIES_MAX || q->window_mono_ms > now_ms ||
		!gaps_begin(&q->gaps, newest_first, &d->scan, &d->want))
		return false;
	queue_open_window(q, d->settings, now_ms);
	return true;
}

/* A record that is larger than what the budget ever has left must not stay for
 * good: one at a time may go beyond, when nothing else is going on or after
 * having been refused for a while. */
static bool load_may_exceed(const struct load *d)
{
	const struct forward *f = d->lane->f;

	return f->extra == 0 &&
	       (f->live == 0 || d->lane->queues[d->class].refusals >= MEMORY_PATIENCE);
}

static void load_free(struct load *d)
{
	settings_unref(d->settings);
	build_scratch_fini(&d->scratch);
	gatherer_fini(&d->gatherer);
	free(d->exact);
	free(d->written);
	free(d);
}

static void load_requests(struct load *d, unsigned max)
{
	struct lane *l = d->lane;

	while (d->cap < max) {
		struct request *r = request_new(l->f);

		if (r == NULL)
			return;
		r->lane = l;
		r->class = d->class;
		l->outstanding++;
		d->requests[d->cap++] = r;
	}
}

static void load_work(uv_work_t *w);
static void load_done(uv_work_t *w, int status);

/* There is work but no memory to begin it; nothing else might wake us for it. */
static void load_later(struct lane *l, enum item_class class)
{
	l->queues[class].paused_mono_ms = forward_now(l->f).mono_ms + SCAN_PAUSE_MS;
}

bool load_start(struct lane *l, enum item_class class, unsigned max)
{
	struct forward *f = l->f;
	struct load *d = calloc(1, sizeof *d);
	int rc;

	if (d == NULL) {
		load_later(l, class);
		return false;
	}
	d->lane = l;
	d->class = class;
	d->work.data = d;
	load_order(d);
	gatherer_init(&d->gatherer, &d->order);
	d->may_exceed = load_may_exceed(d);
	load_requests(d, max);
	if (d->cap == 0 || !load_choose(d)) {
		for (unsigned i = 0; i < d->cap; i++)
			request_free(d->requests[i]);
		load_free(d);
		load_later(l, class);
		return false;
	}
	load_take_report(d);
	l->queues[class].is_loading = true;
	l->host->loading[class] += d->cap;
	f->loads++;
	f->extra += d->may_exceed;
	rc = uv_queue_work(f->loop, &d->work, load_work, load_done);
	check(rc == 0); /* it fails for missing arguments only */
	return true;
}

/* --- work: worker ------------------------------------------------------------ */

static bool load_build(struct load *d, const struct retry *from, struct str bytes)
{
	struct request *r = d->requests[d->n];
	bool may_carry = d->written != NULL && from->part == PART_ALL;
	int rc;

	r->own.from = *from;
	d->order.compression = d->compression;
	if ((from->flags & RETRY_GZIP) != 0 && d->compression == COMPRESSION_ZSTD)
		d->order.compression = COMPRESSION_GZIP;
	d->order.no_budget = d->may_exceed && d->n == 0;
	rc = build_record(&d->order, bytes, from->part, may_carry ? &d->report : NULL, d->written,
		&d->scratch, &r->built, &d->err);
	d->order.compression = d->compression;
	if (r->built.has_report) {
		r->report = d->written;
		d->written = NULL;
	}
	if (rc != E_OK)
		d->no_memory = true;
	else if (r->built.result != BUILD_FOREIGN)
		d->n++;
	return rc == E_OK;
}

/* True when the record shares a request with others. */
static bool load_gather(struct load *d, const struct retry *from, struct str bytes, int *rc)
{
	struct request *next = d->n < d->cap ? d->requests[d->n] : NULL;
	struct record record;
	bool took = false;

	*rc = E_INVAL;
	if (class_merges(d->class) && record_peek(bytes, &record, NULL) == E_OK)
		*rc = gather_record(&d->gatherer, bytes, &record, from, next, &took);
	d->n += took;
	return *rc == E_OK;
}

/* False: the job ends here, and the record was not taken. */
static bool load_take(struct load *d, const struct retry *from, struct str bytes)
{
	int rc;

	if (load_gather(d, from, bytes, &rc))
		return true;
	/* A budget that refuses the first of all is to be exceeded by one record. */
	if (rc == E_NOMEM && !(d->may_exceed && d->n == 0)) {
		d->no_memory = true;
		return false;
	}
	return d->n < d->cap && load_build(d, from, bytes);
}

static bool load_each(void *arg, uint64_t seq, struct str bytes)
{
	struct retry from = {.seq = seq};
	struct load *d = arg;

	if (!gap_scan_takes(&d->scan, seq) || !load_take(d, &from, bytes)) {
		d->is_stopped = true;
		return false;
	}
	d->calls++;
	gap_scan_saw(&d->scan, seq);
	return true;
}

static bool load_each_exact(void *arg, uint64_t seq, struct str bytes)
{
	struct load *d = arg;

	(void)seq;
	d->calls++;
	d->is_stopped = !load_take(d, &d->exact[d->exact_next], bytes);
	return false;
}

static void load_exact(struct load *d)
{
	for (; d->exact_next < d->exact_count; d->exact_next++) {
		unsigned calls = d->calls;

		d->want.exact_seq = d->exact[d->exact_next].seq;
		d->rc = d->ops->scan(d->ops->arg, &d->want, 1, load_each_exact, d, &d->err);
		if (d->rc == E_NOTFOUND)
			d->rc = E_OK;
		if (d->rc != E_OK || d->is_stopped)
			return;
		/* Evicted, too old or purged meanwhile. */
		if (d->calls == calls)
			retry_forget(&d->exact[d->exact_next]);
	}
}

static void load_unread(struct load *d)
{
	unsigned max = class_merges(d->class) ? LOAD_RECORDS_MAX : d->cap;

	d->rc = d->ops->scan(d->ops->arg, &d->want, max, load_each, d, &d->err);
	if (d->rc == E_OK && !d->is_stopped && d->calls < max)
		d->scan.is_exhausted = true;
}

static void load_work(uv_work_t *w)
{
	struct load *d = w->data;

	if (d->exact_count > 0)
		load_exact(d);
	else
		load_unread(d);
	gather_build(&d->gatherer, &d->report, &d->written, &d->scratch);
}

/* --- done: loop -------------------------------------------------------------- */

static void load_dispatch(struct load *d, struct request *r)
{
	struct lane *l = d->lane;
	struct forward *f = l->f;
	int64_t now_ms = forward_now(f).mono_ms, end_ms;

	r->limits = d->order.limits;
	r->built_mono_ms = d->order.now.mono_ms;
	for (unsigned i = 0; i < r->cargo_count; i++)
		r->cargo[i].from.flags &= ~(unsigned)RETRY_HELD;
	if (f->counters != NULL && r->cargo_count > 1)
		f->counters->upstream_merged += r->cargo_count;
	switch (r->built.result) {
	case BUILD_READY:
		r->is_extra = r->built.budget_bytes == 0;
		f->extra += r->is_extra;
		request_list_add(&l->host->ready[r->class], r);
		break;
	case BUILD_HELD:
		end_ms = limits_next_end(&l->limits, now_ms);
		r->own.from.flags |= RETRY_HELD;
		request_put_back(r, end_ms == INT64_MAX ? now_ms : end_ms);
		break;
	case BUILD_AGAIN:
		request_put_back(r, now_ms + MEMORY_PAUSE_MS);
		break;
	case BUILD_LIMITED:
	case BUILD_WHOLE:
	case BUILD_CORRUPT:
		request_end_unsent(r);
		break;
	case BUILD_NEWER:
		log_line(f->log, LOG_WARN, "skipped",
			log_cstr("why", "the record was written by a newer version"),
			log_int("seq", (int64_t)r->own.from.seq));
		request_free(r);
		break;
	case BUILD_FOREIGN:
		request_free(r);
		break;
	}
}

/* What an exact job did not get to is read again. */
static void load_end_exact(struct load *d, struct queue *q)
{
	for (unsigned i = d->exact_next; i < d->exact_count; i++)
		(void)queue_push(q, &d->exact[i]);
}

static void load_end_report(struct load *d)
{
	struct lane *l = d->lane;
	struct forward *f = l->f;

	if (!d->has_report)
		return;
	l->report_due_mono_ms = 0;
	if (report_empty(&d->report))
		return;
	f->ops->report_return(f->ops->arg, l->id, &d->report);
	report_expect(l, forward_now(f).mono_ms);
}

static void load_end_trouble(struct load *d, struct queue *q)
{
	struct forward *f = d->lane->f;
	int64_t now_ms = forward_now(f).mono_ms;

	q->refusals = d->no_memory ? q->refusals + 1 : 0;
	if (d->no_memory)
		q->paused_mono_ms = now_ms + MEMORY_PAUSE_MS;
	if (d->rc == E_OK)
		return;
	q->paused_mono_ms = now_ms + SCAN_PAUSE_MS;
	log_line(f->log, LOG_ERROR, "unread", log_cstr("error", d->err.text),
		log_int("lane", d->lane->id));
}

static void load_done(uv_work_t *w, int status)
{
	struct load *d = w->data;
	struct lane *l = d->lane;
	struct forward *f = l->f;
	struct queue *q = &l->queues[d->class];

	check(status == 0);
	forward_enter(f);
	f->loads--;
	f->extra -= d->may_exceed;
	q->is_loading = false;
	l->host->loading[d->class] -= d->cap;
	l->used_mono_ms = forward_now(f).mono_ms;
	if (d->exact_count > 0) {
		load_end_exact(d, q);
	} else {
		gaps_end(&q->gaps, &d->scan);
		if (!d->scan.is_exhausted)
			q->window_mono_ms = 0; /* what waits there has waited */
	}
	load_end_trouble(d, q);
	for (unsigned i = 0; i < d->n; i++)
		load_dispatch(d, d->requests[i]);
	for (unsigned i = d->n; i < d->cap; i++)
		request_free(d->requests[i]);
	load_end_report(d);
	load_free(d);
	forward_leave(f);
}
