#include "forward/circuit.h"

void circuit_init(struct circuit *c, int64_t now_mono_ms)
{
	*c = (struct circuit){.state = HOST_UP, .since_mono_ms = now_mono_ms};
	c->last_failure_mono_ms = INT64_MIN;
}

static void circuit_enter(struct circuit *c, enum host_state state, int64_t now_mono_ms)
{
	if (c->state == state)
		return;
	c->state = state;
	c->since_mono_ms = now_mono_ms;
}

unsigned circuit_window(
	const struct circuit *c, const struct circuit_policy *p, int64_t now_mono_ms)
{
	switch (c->state) {
	case HOST_UP:
		return p->window;
	case HOST_FAILING:
		return now_mono_ms >= c->next_try_mono_ms ? 1 : 0;
	case HOST_RECOVERING:
		return c->window < p->window ? c->window : p->window;
	case HOST_OUTAGE:
		break;
	}
	return 0;
}

bool circuit_wants_probe(const struct circuit *c, int64_t now_mono_ms)
{
	return c->state == HOST_OUTAGE && now_mono_ms >= c->next_try_mono_ms;
}

int64_t circuit_next(const struct circuit *c, int64_t now_mono_ms)
{
	if (c->state != HOST_FAILING && c->state != HOST_OUTAGE)
		return INT64_MAX;
	return c->next_try_mono_ms > now_mono_ms ? c->next_try_mono_ms : INT64_MAX;
}

int64_t backoff_ms(const struct circuit_policy *p, unsigned failures, struct rng *rng)
{
	int64_t cap = p->min_ms;

	for (unsigned i = 0; i < failures && cap < p->max_ms; i++)
		cap *= 2;
	if (cap > p->max_ms)
		cap = p->max_ms;
	if (cap <= p->min_ms)
		return cap;
	return p->min_ms + (int64_t)rng_below(rng, (uint64_t)(cap - p->min_ms) + 1);
}

bool circuit_failed(struct circuit *c, const struct circuit_policy *p, struct rng *rng,
	int64_t started_mono_ms, int64_t now_mono_ms, int64_t wait_ms)
{
	int64_t delay_ms;

	if (c->next_try_mono_ms < now_mono_ms + wait_ms && wait_ms > 0)
		c->next_try_mono_ms = now_mono_ms + wait_ms;
	if (started_mono_ms <= c->last_failure_mono_ms)
		return false;
	if (c->state != HOST_FAILING && c->state != HOST_OUTAGE) {
		c->failing_since_mono_ms = now_mono_ms;
		circuit_enter(c, HOST_FAILING, now_mono_ms);
	} else if (now_mono_ms - c->failing_since_mono_ms >= CIRCUIT_OUTAGE_MS) {
		circuit_enter(c, HOST_OUTAGE, now_mono_ms);
	}
	c->failures++;
	c->last_failure_mono_ms = now_mono_ms;
	delay_ms = backoff_ms(p, c->failures, rng);
	if (delay_ms < wait_ms)
		delay_ms = wait_ms;
	c->next_try_mono_ms = now_mono_ms + delay_ms;
	return true;
}

bool circuit_unwell(struct circuit *c, const struct circuit_policy *p, struct rng *rng,
	int64_t started_mono_ms, int64_t now_mono_ms)
{
	if (c->unwell < CIRCUIT_UNWELL)
		c->unwell++;
	if (c->unwell < CIRCUIT_UNWELL)
		return false;
	return circuit_failed(c, p, rng, started_mono_ms, now_mono_ms, 0);
}

bool circuit_answered(
	struct circuit *c, const struct circuit_policy *p, bool is_probe, int64_t now_mono_ms)
{
	bool was_trouble = c->state == HOST_FAILING || c->state == HOST_OUTAGE;

	if (was_trouble) {
		c->window = 1;
		c->next_try_mono_ms = 0;
		circuit_enter(c, HOST_RECOVERING, now_mono_ms);
	}
	/* A probe only says that somebody is there: when data fails again, the
	 * waits go on where they were. */
	if (is_probe)
		return was_trouble;
	c->failures = 0;
	c->unwell = 0;
	if (c->state == HOST_RECOVERING) {
		c->window++;
		if (c->window >= p->window)
			circuit_enter(c, HOST_UP, now_mono_ms);
	}
	return was_trouble;
}

void circuit_rested(struct circuit *c, int64_t now_mono_ms)
{
	if (c->state == HOST_RECOVERING && c->failures == 0)
		circuit_enter(c, HOST_UP, now_mono_ms);
}
