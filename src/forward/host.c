#include <stdio.h>
#include <stdlib.h>

#include "forward/state.h"

/* Sending for one host, as far as its circuit and its window let it.
 *
 *   host_pump       send what is ready; load more; probe; reports alone
 *   host_load       urgent classes first, lanes in turn
 *   host_heard      what an answer, or none, says about the host itself
 *
 * A little more than the window is loaded ahead, so that a free place on the
 * wire need not wait for a worker; but never so much that what is ready would
 * wait long, for its sent_at is already written.
 */

struct host *host_get(struct forward *f, struct str base_url)
{
	struct host *h;
	size_t n;

	for (h = f->hosts; h != NULL; h = h->next) {
		if (str_eq(str_of(h->base_url), base_url))
			return h;
	}
	h = calloc(1, sizeof *h);
	if (h == NULL)
		return NULL;
	h->f = f;
	n = base_url.n + sizeof "/api/0/relays/live/";
	h->base_url = strndup(base_url.p, base_url.n);
	h->probe_url = malloc(n);
	if (h->base_url == NULL || h->probe_url == NULL) {
		host_free(h);
		return NULL;
	}
	(void)snprintf(h->probe_url, n, "%s/api/0/relays/live/", h->base_url);
	circuit_init(&h->circuit, forward_now(f).mono_ms);
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		request_list_init(&h->ready[c]);
	h->next = f->hosts;
	f->hosts = h;
	return h;
}

void host_free(struct host *h)
{
	free(h->base_url);
	free(h->probe_url);
	free(h);
}

struct circuit_policy host_policy(const struct host *h)
{
	const struct settings *s = h->f->settings;
	struct circuit_policy p = {.min_ms = s->retry.min, .max_ms = s->retry.max};

	if (p.max_ms < p.min_ms)
		p.max_ms = p.min_ms;
	p.window = (unsigned)s->upstream.connections;
	if (h->is_multiplexed && s->upstream.http2)
		p.window *= (unsigned)s->upstream.streams;
	return p;
}

/* --- sending ----------------------------------------------------------------- */

/* While something more urgent is being read, the less urgent waits for it:
 * which of two jobs is done first is chance, and a job takes a moment only. */
static struct request *ready_take(struct host *h)
{
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		struct request *r = request_list_take(&h->ready[c]);

		if (r != NULL)
			return r;
		if (h->loading[c] > 0)
			return NULL;
	}
	return NULL;
}

static void ready_put_back(struct host *h, struct request_list *list, const struct lane *only)
{
	struct request_list keep;
	struct request *r;

	request_list_init(&keep);
	while ((r = request_list_take(list)) != NULL) {
		if (only == NULL || r->lane == only)
			request_put_back(r, forward_now(h->f).mono_ms);
		else
			request_list_add(&keep, r);
	}
	while ((r = request_list_take(&keep)) != NULL)
		request_list_add(list, r);
}

void host_put_back(struct host *h, const struct lane *only)
{
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		ready_put_back(h, &h->ready[c], only);
}

/* --- loading ----------------------------------------------------------------- */

/* Requests that may be loaded ahead of the window. What is ready should not
 * wait longer than STALE_MS at the pace of the last answers. */
static unsigned ready_max(const struct host *h, unsigned window)
{
	uint64_t n = window;

	if (window < 4)
		return window;
	if (h->latency_ms > 0)
		n = (uint64_t)window * STALE_MS / (uint64_t)h->latency_ms;
	if (n < 4)
		n = 4;
	/* On the first connections few requests are in flight, but they are
	 * quick on a good network. */
	if (h->latency_ms < 20 && n < READY_MAX / 2)
		n = READY_MAX / 2;
	return n > READY_MAX ? READY_MAX : (unsigned)n;
}

static bool lane_wants(const struct lane *l, const struct host *h, unsigned class, int64_t now_ms)
{
	return l->host == h && lane_is_open(l, now_ms) && queue_has_work(&l->queues[class], now_ms);
}

/* The wanting lane that comes after the one that had its turn last. */
static struct lane *lane_in_turn(struct host *h, unsigned class, unsigned cap, unsigned *wanting)
{
	int64_t now_ms = forward_now(h->f).mono_ms;
	struct lane *next = NULL, *first = NULL;

	*wanting = 0;
	for (struct lane *l = h->f->lanes; l != NULL; l = l->next) {
		if (!lane_wants(l, h, class, now_ms))
			continue;
		++*wanting;
		/* One slow project must not hold every place of the window. */
		if (h->lane_count > 1 && l->outstanding >= cap)
			continue;
		if (first == NULL || l->id < first->id)
			first = l;
		if (l->id > h->turn && (next == NULL || l->id < next->id))
			next = l;
	}
	return next != NULL ? next : first;
}

static void host_load_class(struct host *h, unsigned class, unsigned window, unsigned most)
{
	unsigned ahead = 0, wanting = 0;
	struct lane *l;

	/* What is more urgent counts against less urgent, not the reverse. */
	for (unsigned c = 0; c <= class; c++)
		ahead += h->ready[c].n + h->loading[c];
	while (ahead <= most / 2) {
		unsigned cap = (window + most) - (window + most) / 4;
		unsigned room = most - ahead;

		l = lane_in_turn(h, class, cap, &wanting);
		if (l == NULL)
			break;
		h->turn = l->id;
		if (wanting > 1)
			room = room / wanting > 0 ? room / wanting : 1;
		if (h->lane_count > 1 && room > cap - l->outstanding)
			room = cap - l->outstanding;
		if (room > LOAD_MAX)
			room = LOAD_MAX;
		if (!load_start(l, (enum item_class) class, room))
			break;
		ahead += room;
	}
}

static void host_load(struct host *h, unsigned window)
{
	/* While it recovers, what is loaded is what may be sent. */
	unsigned most = h->circuit.state == HOST_UP
				? ready_max(h, window)
				: (window > h->in_flight ? window - h->in_flight : 0);

	if (most == 0)
		return;
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		host_load_class(h, c, window, most);
}

/* --- probing ----------------------------------------------------------------- */

static void probe_done(struct exchange *x)
{
	struct host *h = x->arg;
	struct forward *f = h->f;
	struct verdict v = {.kind = VERDICT_DELIVERED};

	h->is_probing = false;
	f->in_flight--;
	forward_enter(f);
	v.host_is_away = x->rc != E_OK || x->status < 100;
	if (x->rc != E_CANCELED)
		host_heard(h, x, &v, true, h->probe_started_mono_ms);
	forward_leave(f);
}

static void host_probe(struct host *h)
{
	static const char *const none[] = {NULL};
	struct forward *f = h->f;

	memset(&h->probe, 0, sizeof h->probe);
	h->probe.url = h->probe_url;
	h->probe.headers = none;
	h->probe.timeout_ms = PROBE_TIMEOUT_MS;
	h->probe.done = probe_done;
	h->probe.arg = h;
	h->is_probing = true;
	h->probe_started_mono_ms = forward_now(f).mono_ms;
	f->in_flight++;
	f->transport->ops->send(f->transport, &h->probe);
}

/* Probing is for those who wait. */
static bool host_is_wanted(const struct host *h, int64_t now_mono_ms)
{
	for (const struct lane *l = h->f->lanes; l != NULL; l = l->next) {
		if (l->host != h)
			continue;
		for (unsigned c = 0; c < CLASS_COUNT; c++) {
			if (l->queues[c].retry_count > 0 || gaps_has_work(&l->queues[c].gaps))
				return true;
		}
		if (l->report_due_mono_ms != 0 && l->report_due_mono_ms <= now_mono_ms)
			return true;
	}
	return false;
}

static void host_reports(struct host *h, unsigned window)
{
	for (struct lane *l = h->f->lanes; l != NULL && h->in_flight < window; l = l->next) {
		if (l->host == h)
			(void)report_send_alone(l, false);
	}
}

void host_pump(struct host *h)
{
	struct circuit_policy policy = host_policy(h);
	int64_t now_ms = forward_now(h->f).mono_ms;
	struct request *r;
	unsigned window;

	if (circuit_wants_probe(&h->circuit, now_ms) && !h->is_probing && host_is_wanted(h, now_ms))
		host_probe(h);
	window = circuit_window(&h->circuit, &policy, now_ms);
	if (window == 0) {
		/* What is ready gives its memory back while nobody answers. */
		host_put_back(h, NULL);
		return;
	}
	while (h->in_flight < window && (r = ready_take(h)) != NULL)
		request_send(r);
	if (h->in_flight < window)
		host_reports(h, window);
	host_load(h, window);
}

/* --- hearing ----------------------------------------------------------------- */

static void host_log_failure(struct host *h, const struct exchange *x, int64_t now_ms)
{
	const struct circuit *c = &h->circuit;
	/* Only a person can mend a certificate. */
	enum log_level level = x->is_untrusted ? LOG_ERROR : LOG_WARN;
	bool outage = c->state == HOST_OUTAGE;

	/* Once per outage, not once per probe. */
	if (outage && c->since_mono_ms != now_ms)
		level = LOG_DEBUG;
	log_line(h->f->log, level, outage ? "outage" : "backoff", log_cstr("upstream", h->base_url),
		log_int("status", h->last_status), log_cstr("error", h->last_error),
		log_int("failures", c->failures), log_int("for_ms", c->next_try_mono_ms - now_ms));
}

static int64_t wait_told_ms(const struct exchange *x, struct instant now)
{
	uint32_t s = 0;

	if (x->rc != E_OK || x->status != 503 || x->retry_after == NULL ||
		!ratelimit_retry_after(str_of(x->retry_after), now.wall_ms / 1000, &s))
		return 0;
	return (int64_t)s * 1000;
}

static void host_note(struct host *h, const struct exchange *x, int64_t took_ms)
{
	h->last_status = x->rc == E_OK ? x->status : 0;
	if (x->rc != E_OK)
		(void)snprintf(h->last_error, sizeof h->last_error, "%s",
			x->detail[0] != '\0' ? x->detail : err_name(x->rc));
	else if (x->status >= 300)
		(void)snprintf(h->last_error, sizeof h->last_error, "HTTP %d", x->status);
	else
		h->last_error[0] = '\0';
	if (x->rc == E_OK && !h->is_multiplexed)
		h->is_multiplexed = x->is_multiplexed;
	if (x->rc == E_OK)
		h->latency_ms += (took_ms - h->latency_ms) / 4;
}

void host_heard(struct host *h, const struct exchange *x, const struct verdict *v, bool is_probe,
	int64_t started_mono_ms)
{
	struct forward *f = h->f;
	struct circuit_policy policy = host_policy(h);
	struct instant now = forward_now(f);

	host_note(h, x, now.mono_ms - started_mono_ms);
	if (!is_probe && !v->host_is_away && !v->host_is_unwell)
		h->good++;
	/* In an outage a late answer is as good as a probe's. */
	if (v->host_is_away) {
		if (circuit_failed(&h->circuit, &policy, &f->rng, started_mono_ms, now.mono_ms,
			    wait_told_ms(x, now)))
			host_log_failure(h, x, now.mono_ms);
	} else if (v->host_is_unwell) {
		if (circuit_unwell(&h->circuit, &policy, &f->rng, started_mono_ms, now.mono_ms))
			host_log_failure(h, x, now.mono_ms);
	} else if (circuit_answered(&h->circuit, &policy, is_probe, now.mono_ms)) {
		log_line(f->log, LOG_INFO, "recovered", log_cstr("upstream", h->base_url),
			log_int("status", h->last_status));
	}
}

int64_t host_next(const struct host *h, int64_t now_mono_ms)
{
	return host_is_wanted(h, now_mono_ms) ? circuit_next(&h->circuit, now_mono_ms) : INT64_MAX;
}

const char *host_state_name(enum host_state s)
{
	static const char *const names[] = {[HOST_UP] = "up",
		[HOST_FAILING] = "failing",
		[HOST_OUTAGE] = "outage",
		[HOST_RECOVERING] = "recovering"};

	return names[s];
}
