/* circuit.h - may this host be asked now, and by how many requests at once?
 *
 *   up          as many as the settings allow
 *   failing     one at a time, after a wait that grows with every failure
 *   outage      none; one cheap probe at a time, with the same waits
 *   recovering  one, two, four ...; each answer lets one more in
 *
 * Pure: times and outcomes in, permissions out (protocol.md 14.3).
 *
 * Owns     nothing.
 * Threads  loop thread.
 */
#ifndef PICKET_FORWARD_CIRCUIT_H
#define PICKET_FORWARD_CIRCUIT_H

#include "base/rng.h"
#include "forward/forward.h"

/* Uninterrupted failure that makes an outage of it (Relay's figure). */
#define CIRCUIT_OUTAGE_MS 10000
/* Faulty answers in a row that count as a failure of the host: one alone may be
 * the fault of what was sent. */
#define CIRCUIT_UNWELL 3

struct circuit_policy {
	int64_t min_ms, max_ms; /* [retry] */
	unsigned window;        /* requests in flight when all is well */
};

struct circuit {
	enum host_state state;
	int64_t since_mono_ms;
	int64_t next_try_mono_ms;
	int64_t failing_since_mono_ms;
	int64_t last_failure_mono_ms;
	unsigned failures; /* in a row: the exponent */
	unsigned unwell;   /* faulty answers in a row */
	unsigned window;   /* while recovering */
};

void circuit_init(struct circuit *c, int64_t now_mono_ms);

/* Requests that may be in flight now; 0 while waiting and in an outage. */
unsigned circuit_window(
	const struct circuit *c, const struct circuit_policy *p, int64_t now_mono_ms);
bool circuit_wants_probe(const struct circuit *c, int64_t now_mono_ms);
/* When to look again; INT64_MAX: nothing is waited for. */
int64_t circuit_next(const struct circuit *c, int64_t now_mono_ms);

/* No useful answer to a request (or probe) begun at started. What began before
 * the last failure is the same failure. wait_ms: at least this long (a
 * Retry-After); 0 for none. True when this was a new failure. */
bool circuit_failed(struct circuit *c, const struct circuit_policy *p, struct rng *rng,
	int64_t started_mono_ms, int64_t now_mono_ms, int64_t wait_ms);
/* The host answered with a fault of its own. True when it counts as failing. */
bool circuit_unwell(struct circuit *c, const struct circuit_policy *p, struct rng *rng,
	int64_t started_mono_ms, int64_t now_mono_ms);
/* The host answered. is_probe: any status did. True when that ended trouble. */
bool circuit_answered(
	struct circuit *c, const struct circuit_policy *p, bool is_probe, int64_t now_mono_ms);

/* Full jitter above the least wait: anything between min and min * 2^n, never
 * above max. A fleet that failed together must not come back together. */
int64_t backoff_ms(const struct circuit_policy *p, unsigned failures, struct rng *rng);

/* Nothing is left to send: a recovering host that took data is well. */
void circuit_rested(struct circuit *c, int64_t now_mono_ms);

#endif
