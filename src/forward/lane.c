#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "envelope/record.h"
#include "forward/state.h"

#define LANES_UNBOUND_MAX 4096

static struct lane *lane_new(struct forward *f, uint32_t id)
{
	struct lane *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->f = f;
	l->id = id;
	l->used_mono_ms = forward_now(f).mono_ms;
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		queue_init(&l->queues[c]);
	l->next = f->lanes;
	f->lanes = l;
	f->lane_count++;
	return l;
}

/* Gives a lane its DSN and with it its host. */
static int lane_bind(struct lane *l, struct str dsn)
{
	struct arena *a = arena_new(512, 0);
	struct str base, url;
	int rc = E_NOMEM;

	if (a == NULL)
		return E_NOMEM;
	l->dsn_text = strndup(dsn.p, dsn.n);
	if (l->dsn_text == NULL)
		goto out;
	rc = dsn_parse(str_of(l->dsn_text), &l->dsn, NULL);
	if (rc != E_OK)
		goto out;
	rc = E_NOMEM;
	base = dsn_base_url(&l->dsn, a);
	url = dsn_endpoint_url(&l->dsn, STR("envelope"), a); /* ends as LANE_ENDPOINT */
	if (base.p == NULL || url.p == NULL)
		goto out;
	l->url = strndup(url.p, url.n);
	if (l->url != NULL)
		l->host = host_get(l->f, base);
	if (l->host != NULL) {
		l->host->lane_count++;
		rc = E_OK;
	}
out:
	arena_free(a);
	if (rc != E_OK) {
		free(l->dsn_text);
		free(l->url);
		l->dsn_text = NULL;
		l->url = NULL;
	}
	return rc;
}

struct lane *lane_find(const struct forward *f, uint32_t id, struct str dsn)
{
	struct lane *unbound = NULL;

	for (struct lane *l = f->lanes; l != NULL; l = l->next) {
		if (l->id != id)
			continue;
		if (l->host == NULL)
			unbound = l;
		else if (str_eq(str_of(l->dsn_text), dsn))
			return l;
	}
	return unbound;
}

struct lane *lane_get(struct forward *f, uint32_t id, struct str dsn)
{
	struct lane *l = lane_find(f, id, dsn);
	int rc;

	if (l == NULL)
		l = lane_new(f, id);
	if (l == NULL)
		return NULL;
	l->used_mono_ms = forward_now(f).mono_ms;
	if (l->host != NULL)
		return l;
	rc = lane_bind(l, dsn);
	if (rc == E_OK)
		return l;
	log_line(f->log, LOG_ERROR, "lane", log_cstr("error", err_name(rc)), log_int("lane", id));
	return NULL;
}

struct lane *lane_get_unbound(struct forward *f, uint32_t id)
{
	for (struct lane *l = f->lanes; l != NULL; l = l->next) {
		if (l->id == id)
			return l;
	}
	return f->lane_count < LANES_UNBOUND_MAX ? lane_new(f, id) : NULL;
}

void lane_free(struct lane *l)
{
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		queue_fini(&l->queues[c]);
	free(l->dsn_text);
	free(l->url);
	free(l);
}

bool lane_is_open(const struct lane *l, int64_t now_mono_ms)
{
	if (l->host == NULL || l->refused_mono_ms > now_mono_ms)
		return false;
	/* With hold everything waits; with drop the records are looked at, so
	 * that they end and are counted. */
	return l->f->settings->spool.when_limited != WHEN_LIMITED_HOLD ||
	       l->limits.all.until_mono_ms <= now_mono_ms;
}

static bool lane_has_work(const struct lane *l)
{
	if (l->outstanding > 0 || l->report_due_mono_ms != 0 || l->report_in_flight)
		return true;
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		const struct queue *q = &l->queues[c];

		if (q->is_loading || q->retry_count > 0 || gaps_has_work(&q->gaps))
			return true;
	}
	return false;
}

int64_t lane_next(const struct lane *l, int64_t now_mono_ms)
{
	int64_t next = INT64_MAX, start_ms = 0;

	if (l->host == NULL || !lane_has_work(l))
		return INT64_MAX;
	if (l->refused_mono_ms > now_mono_ms)
		start_ms = l->refused_mono_ms;
	if (!lane_is_open(l, now_mono_ms) && start_ms == 0)
		start_ms = l->limits.all.until_mono_ms;
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		int64_t at = queue_next(&l->queues[c], now_mono_ms);

		if (at == INT64_MAX && start_ms > 0 &&
			(l->queues[c].retry_count > 0 || gaps_has_work(&l->queues[c].gaps)))
			at = start_ms;
		if (at < next)
			next = at;
	}
	/* One that is due already waits for a place in the window, not for time. */
	if (report_next(l) > now_mono_ms && report_next(l) < next)
		next = report_next(l);
	return next < start_ms ? start_ms : next;
}

void lane_limits_store(struct lane *l)
{
	struct forward *f = l->f;
	struct instant now = forward_now(f);
	struct buf text;
	char key[32];

	buf_init(&text, 64 * 1024);
	limits_pack(&l->limits, now, &text);
	(void)snprintf(key, sizeof key, STATE_PREFIX "%08x", l->id);
	if (buf_ok(&text) && (text.n > 0 || l->limits_stored)) {
		f->ops->state_set(f->ops->arg, str_of(key), buf_view(&text));
		l->limits_stored = text.n > 0;
	}
	buf_fini(&text);
}

static bool lane_is_forgettable(const struct lane *l, int64_t now_mono_ms)
{
	return !lane_has_work(l) && limits_active(&l->limits, now_mono_ms) == 0 &&
	       l->refused_mono_ms <= now_mono_ms && now_mono_ms - l->used_mono_ms >= LANE_KEEP_MS;
}

static void hosts_sweep(struct forward *f)
{
	struct host **at = &f->hosts;

	while (*at != NULL) {
		struct host *h = *at;

		if (h->lane_count == 0 && h->in_flight == 0 && !h->is_probing) {
			*at = h->next;
			host_free(h);
		} else {
			at = &h->next;
		}
	}
}

/* What an earlier limit left in [state] goes when it has ended. */
static void lanes_sweep_limits(struct forward *f, int64_t now_mono_ms)
{
	for (struct lane *l = f->lanes; l != NULL; l = l->next) {
		if (l->limits_stored && limits_active(&l->limits, now_mono_ms) == 0)
			lane_limits_store(l);
	}
}

/* With [upstream] url the clients name the projects, so that there may be any
 * number of lanes in the end. What was settled is gone from disk after
 * LANE_KEEP_MS: a lane that is met again then starts from the beginning. */
void lanes_sweep(struct forward *f, int64_t now_mono_ms)
{
	bool are_many = f->lane_count > LANES_KEEP;
	struct lane **at = &f->lanes;

	if (now_mono_ms - f->swept_mono_ms < LANE_KEEP_MS)
		return;
	f->swept_mono_ms = now_mono_ms;
	lanes_sweep_limits(f, now_mono_ms);
	while (are_many && *at != NULL) {
		struct lane *l = *at;

		if (!lane_is_forgettable(l, now_mono_ms)) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		if (l->host != NULL)
			l->host->lane_count--;
		f->lane_count--;
		lane_free(l);
	}
	hosts_sweep(f);
}
