#include <stdlib.h>

#include "forward/state.h"

void queue_init(struct queue *q)
{
	memset(q, 0, sizeof *q);
	gaps_init(&q->gaps);
	q->due_mono_ms = INT64_MAX;
}

void retry_forget(struct retry *r)
{
	if (r->split != NULL && --r->split->parts_left == 0)
		free(r->split);
	r->split = NULL;
}

void queue_fini(struct queue *q)
{
	for (size_t i = 0; i < q->retry_count; i++)
		retry_forget(&q->retries[i]);
	free(q->retries);
	q->retries = NULL;
	q->retry_count = 0;
}

int queue_push(struct queue *q, const struct retry *r)
{
	if (q->retry_count == q->retry_cap) {
		size_t cap = q->retry_cap == 0 ? 16 : q->retry_cap * 2;
		struct retry *more = realloc(q->retries, cap * sizeof *more);

		if (more == NULL) {
			struct retry lost = *r;

			retry_forget(&lost);
			return E_NOMEM;
		}
		q->retries = more;
		q->retry_cap = cap;
	}
	q->retries[q->retry_count++] = *r;
	if (r->due_mono_ms < q->due_mono_ms)
		q->due_mono_ms = r->due_mono_ms;
	return E_OK;
}

static void queue_find_due(struct queue *q)
{
	q->due_mono_ms = INT64_MAX;
	for (size_t i = 0; i < q->retry_count; i++) {
		if (q->retries[i].due_mono_ms < q->due_mono_ms)
			q->due_mono_ms = q->retries[i].due_mono_ms;
	}
	if (q->retry_count == 0) {
		free(q->retries);
		q->retries = NULL;
		q->retry_cap = 0;
	}
}

bool queue_pop(struct queue *q, bool newest_first, int64_t now_mono_ms, struct retry *ret)
{
	size_t best = q->retry_count;

	if (q->due_mono_ms > now_mono_ms)
		return false;
	for (size_t i = 0; i < q->retry_count; i++) {
		if (q->retries[i].due_mono_ms > now_mono_ms)
			continue;
		if (best == q->retry_count ||
			(q->retries[i].seq > q->retries[best].seq) == newest_first)
			best = i;
	}
	if (best == q->retry_count)
		return false;
	*ret = q->retries[best];
	q->retries[best] = q->retries[--q->retry_count];
	queue_find_due(q);
	return true;
}

/* --- the window ---------------------------------------------------------------- */

static void window_end(struct queue *q)
{
	q->window_mono_ms = 0;
	q->window_items = 0;
	q->window_bytes = 0;
}

void queue_open_window(struct queue *q, const struct settings *s, int64_t now_mono_ms)
{
	window_end(q);
	if (s->batch.window > 0)
		q->window_mono_ms = now_mono_ms + s->batch.window;
}

void queue_note(struct queue *q, const struct settings *s, const struct batch_share *share,
	int64_t now_mono_ms)
{
	bool was_empty = !gaps_has_work(&q->gaps) && !q->is_loading;

	gaps_note(&q->gaps);
	if (share == NULL || s->batch.window == 0) {
		window_end(q);
		return;
	}
	if (was_empty)
		queue_open_window(q, s, now_mono_ms);
	if (q->window_mono_ms == 0)
		return; /* what is there is to be read now, and this with it */
	q->window_items += share->items;
	q->window_bytes += share->bytes;
	if (q->window_items >= s->batch.max_items || q->window_bytes >= s->batch.max_bytes)
		window_end(q);
}

/* --- is it time? ----------------------------------------------------------------- */

/* With many records waiting to be read again, no further ones are read: the
 * list is what bounds memory while an upstream is away. */
static bool queue_may_scan(const struct queue *q)
{
	return q->retry_count < RETRIES_MAX && gaps_has_work(&q->gaps);
}

bool queue_has_work(const struct queue *q, int64_t now_mono_ms)
{
	if (q->is_loading || q->paused_mono_ms > now_mono_ms)
		return false;
	return q->due_mono_ms <= now_mono_ms ||
	       (queue_may_scan(q) && q->window_mono_ms <= now_mono_ms);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t queue_next(const struct queue *q, int64_t now_mono_ms)
{
	int64_t repeat = later(q->due_mono_ms, q->paused_mono_ms), scan = INT64_MAX;

	if (queue_may_scan(q))
		scan = later(q->window_mono_ms, q->paused_mono_ms);
	/* What is due waits for a place among the requests, not for a time. */
	if (repeat <= now_mono_ms)
		repeat = INT64_MAX;
	if (scan <= now_mono_ms)
		scan = INT64_MAX;
	return repeat < scan ? repeat : scan;
}
