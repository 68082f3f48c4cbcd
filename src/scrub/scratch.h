/* scratch.h - what a run of a scrubber works with and the next one can use again.
 *
 * Making it costs more than scrubbing a small event, and the places that were
 * learnt make the next event cheap. There are as many as ever ran at once.
 *
 * Owns     a pool owns all that are in it; who takes one gives it back.
 *          Configurations are borrowed and must outlive the pool.
 * Threads  a pool: any, at the same time. What was taken: one at a time.
 * Fails    E_NOMEM, NULL
 */
#ifndef PICKET_SCRUB_SCRATCH_H
#define PICKET_SCRUB_SCRATCH_H

#include "scrub/place.h"

#define SCRATCH_PASSES 3

struct scratch {
	struct scratch *next; /* of those that wait */
	struct matcher *matcher;
	struct places *places[SCRATCH_PASSES]; /* NULL where there is no configuration */
	struct name_cache names;
};

struct scratch_pool;

/* match_limit 0: the default. */
int scratch_pool_new(struct scratch_pool **ret, const struct piiconf *const confs[SCRATCH_PASSES],
	uint32_t match_limit);
/* Frees those that nobody uses. */
void scratch_pool_trim(struct scratch_pool *p);
/* NULL is fine. */
void scratch_pool_free(struct scratch_pool *p);

struct scratch *scratch_take(struct scratch_pool *p);
/* NULL is fine. */
void scratch_give(struct scratch_pool *p, struct scratch *s);

#endif
