/* deadline.h - many timeouts behind one timer.
 *
 * All deadlines of a kind are equally far away when they are set, so a list per
 * kind that is appended to is a sorted one: setting, moving and clearing cost
 * the same for one connection as for thousands. The timer wakes the loop for
 * the nearest deadline only, and not at all when there is none.
 *
 * Owns     the timer.
 * Threads  loop thread.
 */
#ifndef PICKET_INGEST_DEADLINE_H
#define PICKET_INGEST_DEADLINE_H

#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

enum deadline_kind {
	DEADLINE_NONE,
	DEADLINE_IDLE,   /* between requests */
	DEADLINE_HEAD,   /* for all of a request's head */
	DEADLINE_BODY,   /* for the next bytes of a body */
	DEADLINE_WRITE,  /* for the client to take its answer */
	DEADLINE_LINGER, /* for the client to see its answer before the end */
	DEADLINE_KINDS
};

struct deadline {
	TAILQ_ENTRY(deadline) link;
	enum deadline_kind kind;
	uint64_t at_ms; /* of uv_now() */
	void *owner;
};

TAILQ_HEAD(deadline_list, deadline);

/* The deadline is cleared already; kind says which it was. */
typedef void deadline_fn(void *owner, enum deadline_kind kind);

struct deadlines {
	uv_timer_t timer;
	struct deadline_list lists[DEADLINE_KINDS];
	deadline_fn *expired;
};

int deadlines_init(struct deadlines *ds, uv_loop_t *loop, deadline_fn *expired);
/* When nobody has a deadline: spares the loop a wake-up that finds nothing. */
void deadlines_stop(struct deadlines *ds);

void deadline_init(struct deadline *d, void *owner);
/* From now on, or anew. */
void deadline_set(struct deadlines *ds, struct deadline *d, enum deadline_kind kind, int64_t in_ms);
void deadline_clear(struct deadlines *ds, struct deadline *d);

#endif
