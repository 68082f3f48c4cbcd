#include "ingest/deadline.h"

static void on_timer(uv_timer_t *timer);

static void arm(struct deadlines *ds, uint64_t at_ms)
{
	uint64_t now = uv_now(ds->timer.loop);

	(void)uv_timer_start(&ds->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

/* The timer is not moved when a deadline is put off: it comes early then, finds
 * nothing due and goes on to the nearest. */
static void on_timer(uv_timer_t *timer)
{
	struct deadlines *ds = timer->data;
	uint64_t now = uv_now(timer->loop), nearest = UINT64_MAX;
	struct deadline *d;

	for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
		while ((d = TAILQ_FIRST(&ds->lists[kind])) != NULL && d->at_ms <= now) {
			deadline_clear(ds, d);
			ds->expired(d->owner, (enum deadline_kind)kind);
		}
	}
	for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
		d = TAILQ_FIRST(&ds->lists[kind]);
		if (d != NULL && d->at_ms < nearest)
			nearest = d->at_ms;
	}
	if (nearest != UINT64_MAX && !uv_is_closing((uv_handle_t *)timer))
		arm(ds, nearest);
}

int deadlines_init(struct deadlines *ds, uv_loop_t *loop, deadline_fn *expired)
{
	for (int kind = 0; kind < DEADLINE_KINDS; kind++)
		TAILQ_INIT(&ds->lists[kind]);
	ds->expired = expired;
	ds->timer.data = ds;
	return uv_timer_init(loop, &ds->timer);
}

void deadlines_stop(struct deadlines *ds)
{
	(void)uv_timer_stop(&ds->timer);
}

void deadline_init(struct deadline *d, void *owner)
{
	*d = (struct deadline){.kind = DEADLINE_NONE, .owner = owner};
}

void deadline_clear(struct deadlines *ds, struct deadline *d)
{
	if (d->kind == DEADLINE_NONE)
		return;
	TAILQ_REMOVE(&ds->lists[d->kind], d, link);
	d->kind = DEADLINE_NONE;
}

void deadline_set(struct deadlines *ds, struct deadline *d, enum deadline_kind kind, int64_t in_ms)
{
	struct deadline *before;

	deadline_clear(ds, d);
	d->kind = kind;
	d->at_ms = uv_now(ds->timer.loop) + (uint64_t)(in_ms > 0 ? in_ms : 0);
	/* Only a reload that shortened the timeout makes this take a step. */
	before = TAILQ_LAST(&ds->lists[kind], deadline_list);
	while (before != NULL && before->at_ms > d->at_ms)
		before = TAILQ_PREV(before, deadline_list, link);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&ds->lists[kind], before, d, link);
	else
		TAILQ_INSERT_HEAD(&ds->lists[kind], d, link);
	if (!uv_is_active((uv_handle_t *)&ds->timer) ||
		uv_timer_get_due_in(&ds->timer) > (uint64_t)(in_ms > 0 ? in_ms : 0))
		arm(ds, d->at_ms);
}
