#include "forward/forward.h"

#include <stdlib.h>

#include "base/check.h"
#include "envelope/record.h"
#include "forward/state.h"

/* What others may ask of sending, and the one timer.
 *
 * Every entry point and every completion runs between forward_enter() and
 * forward_leave(); the outermost leave() starts what may be started and asks to
 * be called again when time alone would change that.
 */

int forward_new(struct forward **ret, const struct forward_options *o, struct err *err)
{
	struct forward *f = calloc(1, sizeof *f);

	if (f == NULL)
		return err_set(err, E_NOMEM, "no memory for sending");
	f->loop = o->loop;
	f->ops = o->ops;
	f->transport = o->transport;
	f->clock = o->clock;
	f->codecs = o->codecs;
	f->budget = o->budget;
	f->settings = settings_ref(o->settings);
	f->frame = o->frame;
	f->log = o->log;
	f->counters = o->counters;
	f->armed_mono_ms = INT64_MAX;
	f->swept_mono_ms = clock_now(o->clock).mono_ms;
	if (o->seed != 0)
		rng_seed(&f->rng, o->seed);
	else
		rng_init(&f->rng);
	*ret = f;
	return E_OK;
}

struct instant forward_now(const struct forward *f)
{
	return clock_now(f->clock);
}

/* --- around everything --------------------------------------------------------- */

void forward_enter(struct forward *f)
{
	f->depth++;
}

static int64_t forward_next(const struct forward *f)
{
	int64_t now_ms = forward_now(f).mono_ms, next = INT64_MAX;

	for (const struct host *h = f->hosts; h != NULL; h = h->next) {
		int64_t at = host_next(h, now_ms);

		if (at < next)
			next = at;
	}
	for (const struct lane *l = f->lanes; l != NULL; l = l->next) {
		struct circuit_policy policy;
		int64_t at;

		if (l->host == NULL)
			continue;
		at = lane_next(l, now_ms);
		/* While the host is waited for, nothing is due before its own time;
		 * what is due already is in host_next(). */
		policy = host_policy(l->host);
		if (circuit_window(&l->host->circuit, &policy, now_ms) == 0) {
			if (at == INT64_MAX || at <= now_ms)
				continue;
			if (at < l->host->circuit.next_try_mono_ms)
				at = l->host->circuit.next_try_mono_ms;
		}
		if (at < next)
			next = at;
	}
	return next;
}

static bool close_is_over(const struct forward *f)
{
	return f->is_closing && f->in_flight == 0 && f->loads == 0;
}

static void forward_arm(struct forward *f)
{
	int64_t next = INT64_MAX;

	if (close_is_over(f))
		next = forward_now(f).mono_ms;
	else if (f->is_closing)
		next = f->is_canceled ? INT64_MAX : f->close_due_mono_ms;
	else if (!f->is_held)
		next = forward_next(f);
	if (next == f->armed_mono_ms)
		return;
	f->armed_mono_ms = next;
	f->ops->arm(f->ops->arg, next);
}

static bool has_ready(const struct forward *f)
{
	for (const struct host *h = f->hosts; h != NULL; h = h->next) {
		for (unsigned c = 0; c < CLASS_COUNT; c++) {
			if (h->ready[c].n > 0)
				return true;
		}
	}
	return false;
}

static void forward_tell_idle(struct forward *f)
{
	bool was_busy = f->is_busy;

	f->is_busy = f->in_flight > 0 || f->loads > 0 || has_ready(f);
	if (!was_busy || f->is_busy)
		return;
	for (struct host *h = f->hosts; h != NULL; h = h->next)
		circuit_rested(&h->circuit, forward_now(f).mono_ms);
	requests_trim(f, 0);
	if (f->ops->idle != NULL)
		f->ops->idle(f->ops->arg);
}

void forward_leave(struct forward *f)
{
	if (f->depth > 1) {
		f->depth--;
		return;
	}
	/* depth stays 1 meanwhile: nothing in here runs leave() again. */
	for (struct host *h = f->hosts; h != NULL; h = h->next) {
		if (f->is_held || f->is_closing)
			host_put_back(h, NULL);
		else
			host_pump(h);
	}
	if (!f->is_closing)
		lanes_sweep(f, forward_now(f).mono_ms);
	forward_arm(f);
	forward_tell_idle(f);
	f->depth--;
}

/* --- what others tell ------------------------------------------------------------ */

void forward_configure(struct forward *f, struct settings *settings)
{
	forward_enter(f);
	settings_unref(f->settings);
	f->settings = settings_ref(settings);
	for (struct host *h = f->hosts; h != NULL; h = h->next) {
		/* A changed setting is a chance for zstd, and for a host that was away. */
		h->gzip_only = false;
		h->is_multiplexed = false;
		host_put_back(h, NULL);
	}
	forward_leave(f);
}

static void restore_limits(struct forward *f, struct str hex, struct str value)
{
	struct instant now = forward_now(f);
	char text[16] = "";
	struct lane *l;
	char *end;
	unsigned long id;

	if (hex.n == 0 || hex.n >= sizeof text)
		return;
	memcpy(text, hex.p, hex.n);
	id = strtoul(text, &end, 16);
	if (*end != '\0' || id > UINT32_MAX)
		return;
	l = lane_get_unbound(f, (uint32_t)id);
	if (l == NULL)
		return;
	limits_unpack(&l->limits, value, now);
	l->limits_stored = true;
}

void forward_restore(struct forward *f, struct str key, struct str value)
{
	if (str_starts(key, STR(STATE_PREFIX)))
		restore_limits(f, str_from(key, sizeof STATE_PREFIX - 1), value);
	else if (str_eq(key, STR(STATE_HELD)))
		f->is_held = true;
}

void forward_stored(struct forward *f, struct str dsn, const struct record_ref *ref,
	const struct batch_share *share)
{
	struct lane *l;
	bool is_new;

	if (f->is_closing || (unsigned)ref->class >= CLASS_COUNT)
		return;
	forward_enter(f);
	is_new = lane_find(f, ref->lane, dsn) == NULL;
	l = lane_get(f, ref->lane, dsn);
	if (l != NULL) {
		if (ref->class <= CLASS_ERROR)
			share = NULL; /* errors, check-ins and sessions go at once */
		queue_note(&l->queues[ref->class], f->settings, share, forward_now(f).mono_ms);
		if (is_new && f->ops->report_pending(f->ops->arg, l->id))
			report_expect(l, forward_now(f).mono_ms);
	}
	forward_leave(f);
}

void forward_lost(struct forward *f, struct str dsn)
{
	struct lane *l;

	if (f->is_closing)
		return;
	forward_enter(f);
	l = lane_get(f, record_lane(dsn), dsn);
	if (l != NULL)
		report_expect(l, forward_now(f).mono_ms);
	forward_leave(f);
}

void forward_hold(struct forward *f, bool hold)
{
	forward_enter(f);
	f->is_held = hold;
	f->ops->state_set(f->ops->arg, STR(STATE_HELD), hold ? STR("1") : STR_EMPTY);
	forward_leave(f);
}

bool forward_is_held(const struct forward *f)
{
	return f->is_held;
}

bool forward_is_idle(const struct forward *f)
{
	return f->in_flight == 0 && f->loads == 0 && !has_ready(f);
}

/* --- limits for clients ------------------------------------------------------------ */

struct limits_told {
	struct buf *out;
	uint32_t longest_s;
};

static void limits_tell(void *arg, const struct ratelimit *limit)
{
	struct limits_told *t = arg;

	ratelimit_write(t->out, limit);
	if (limit->seconds > t->longest_s)
		t->longest_s = limit->seconds;
}

uint64_t forward_limits(struct forward *f, struct str dsn, struct buf *out, uint32_t *retry_after_s)
{
	const struct settings *s = f->settings;
	struct limits_told told = {out, 0};
	int64_t now_ms = forward_now(f).mono_ms;
	const struct lane *l;
	uint64_t active;

	*retry_after_s = 0;
	if (!s->upstream.propagate_limits || s->spool.when_limited == WHEN_LIMITED_HOLD)
		return 0;
	l = lane_find(f, record_lane(dsn), dsn);
	if (l == NULL)
		return 0;
	active = limits_active(&l->limits, now_ms);
	if (active != 0)
		limits_each(&l->limits, now_ms, limits_tell, &told);
	*retry_after_s = told.longest_s;
	return active;
}

/* --- closing ------------------------------------------------------------------------ */

static void forward_cancel(struct forward *f)
{
	struct request *next;

	f->is_canceled = true;
	for (struct request *r = f->sent; r != NULL; r = next) {
		next = r->sent_next; /* done does not come from within cancel() */
		f->transport->ops->cancel(f->transport, &r->x);
	}
	for (struct host *h = f->hosts; h != NULL; h = h->next) {
		if (h->is_probing)
			f->transport->ops->cancel(f->transport, &h->probe);
	}
}

/* What was lost is told once more, where somebody listens. */
static void close_reports(struct forward *f)
{
	for (struct lane *l = f->lanes; l != NULL; l = l->next) {
		if (l->host != NULL && (l->host->circuit.state == HOST_UP ||
					       l->host->circuit.state == HOST_RECOVERING))
			(void)report_send_alone(l, true);
	}
}

void forward_close(struct forward *f, int64_t grace_ms, void (*done)(void *arg), void *arg)
{
	check(!f->is_closing);
	forward_enter(f);
	f->is_closing = true;
	f->close_due_mono_ms = forward_now(f).mono_ms + grace_ms;
	f->closed = done;
	f->closed_arg = arg;
	for (struct host *h = f->hosts; h != NULL; h = h->next)
		host_put_back(h, NULL);
	if (grace_ms > 0 && !f->is_held)
		close_reports(f);
	forward_leave(f);
}

void forward_tick(struct forward *f)
{
	forward_enter(f);
	f->armed_mono_ms = INT64_MAX;
	if (close_is_over(f)) {
		f->depth--;
		f->closed(f->closed_arg); /* may free f */
		return;
	}
	if (f->is_closing && !f->is_canceled && forward_now(f).mono_ms >= f->close_due_mono_ms)
		forward_cancel(f);
	forward_leave(f);
}

void forward_free(struct forward *f)
{
	if (f == NULL)
		return;
	check(f->in_flight == 0 && f->loads == 0);
	for (struct host *h = f->hosts; h != NULL; h = h->next)
		host_put_back(h, NULL);
	while (f->lanes != NULL) {
		struct lane *l = f->lanes;

		f->lanes = l->next;
		lane_free(l);
	}
	while (f->hosts != NULL) {
		struct host *h = f->hosts;

		f->hosts = h->next;
		host_free(h);
	}
	requests_trim(f, 0);
	settings_unref(f->settings);
	free(f);
}
