#include "base/rng.h"

#include <sys/random.h>
#include <time.h>

void rng_init(struct rng *r)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
		seed = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)r;
	rng_seed(r, seed);
}

void rng_seed(struct rng *r, uint64_t seed)
{
	r->state = seed;
}

/* splitmix64: one addition and three multiply-xor steps, every seed is good. */
uint64_t rng_next(struct rng *r)
{
	uint64_t z;

	r->state += 0x9e3779b97f4a7c15u;
	z = r->state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
	return bound == 0 ? 0 : rng_next(r) % bound;
}
