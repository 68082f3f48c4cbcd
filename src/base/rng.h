/* rng.h - small random numbers for jitter, repeatable in tests.
 *
 * Not for secrets or ids.
 *
 * Owns     nothing.
 * Threads  one at a time.
 */
#ifndef PICKET_BASE_RNG_H
#define PICKET_BASE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

/* Seeded by the kernel. */
void rng_init(struct rng *r);
/* Seeded by the caller: the same seed gives the same numbers. */
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* 0 <= result < bound; 0 when bound is 0. */
uint64_t rng_below(struct rng *r, uint64_t bound);

#endif
