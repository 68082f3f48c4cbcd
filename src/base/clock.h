/* clock.h - what time it is, asked in one place.
 *
 * Protocol code takes a struct instant as an argument. Monotonic time counts
 * suspend and never leaves the process; wall time goes to disk and wire only.
 * Tests put a clock of their own behind struct clock.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_BASE_CLOCK_H
#define PICKET_BASE_CLOCK_H

#include <stdint.h>

struct instant {
	int64_t mono_ms; /* CLOCK_BOOTTIME */
	int64_t wall_ms; /* UNIX time */
};

struct clock {
	struct instant (*now)(void *arg);
	void *arg;
};

/* The machine's own clocks. */
const struct clock *clock_system(void);

static inline struct instant clock_now(const struct clock *c)
{
	return c->now(c->arg);
}

/* Monotonic microseconds, for measuring how long something took. */
int64_t clock_mono_us(void);

/* Names the current boot, so that a stored monotonic time can be told from
 * one of another boot. 0 when the system does not say. */
uint64_t clock_boot_id(void);

#endif
