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
	return q->due_mono_ms <= now_mono_ms || queue_may_scan(q);
}

int64_t queue_next(const struct queue *q, int64_t now_mono_ms)
{
	if (q->paused_mono_ms > now_mono_ms && (q->due_mono_ms != INT64_MAX || queue_may_scan(q)))
		return q->due_mono_ms > q->paused_mono_ms && !queue_may_scan(q) ? q->due_mono_ms
										: q->paused_mono_ms;
	return q->due_mono_ms > now_mono_ms ? q->due_mono_ms : INT64_MAX;
}
