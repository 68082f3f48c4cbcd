#include "rules/limit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/siphash.h"

#define KEYS_DEFAULT 16384u
#define PROBES       8u

struct window {
	uint64_t key; /* 0: free */
	int64_t start_mono_ms;
	uint64_t count;
};

struct rules_state {
	pthread_mutex_t lock;
	struct siphash_key secret;
	size_t mask;
	struct window v[];
};

int rules_state_new(struct rules_state **ret, size_t max_keys, struct err *err)
{
	struct rules_state *st;
	struct rng rng;
	size_t n = PROBES;

	if (max_keys == 0)
		max_keys = KEYS_DEFAULT;
	while (n * 2 <= max_keys && n < (size_t)1 << 24)
		n *= 2;
	st = calloc(1, sizeof *st + n * sizeof st->v[0]);
	if (st == NULL)
		return err_set(err, E_NOMEM, "no memory for the state of rules");
	if (pthread_mutex_init(&st->lock, NULL) != 0) {
		free(st);
		return err_set(err, E_NOMEM, "no lock for the state of rules");
	}
	st->mask = n - 1;
	rng_init(&rng);
	st->secret = (struct siphash_key){rng_next(&rng), rng_next(&rng)};
	*ret = st;
	return E_OK;
}

void rules_state_free(struct rules_state *st)
{
	if (st == NULL)
		return;
	(void)pthread_mutex_destroy(&st->lock);
	free(st);
}

uint64_t limit_key(const struct rules_state *st, uint64_t seed, struct str text)
{
	struct siphash_key key = {st->secret.k0 ^ seed, st->secret.k1};
	uint64_t h = siphash(&key, text);

	return h != 0 ? h : 1;
}

/* The key's window, a free one or the oldest of those it may be in. */
static struct window *find(struct rules_state *st, uint64_t key)
{
	struct window *oldest = NULL;

	for (size_t i = 0; i < PROBES; i++) {
		struct window *w = &st->v[(key + i) & st->mask];

		if (w->key == key || w->key == 0)
			return w;
		if (oldest == NULL || w->start_mono_ms < oldest->start_mono_ms)
			oldest = w;
	}
	return oldest;
}

bool limit_take(
	struct rules_state *st, uint64_t key, uint64_t n, uint64_t period_ms, int64_t mono_ms)
{
	struct window *w;
	bool passes;

	(void)pthread_mutex_lock(&st->lock);
	w = find(st, key);
	if (w->key != key || mono_ms - w->start_mono_ms >= (int64_t)period_ms)
		*w = (struct window){key, mono_ms, 0};
	passes = w->count < n;
	w->count += passes;
	(void)pthread_mutex_unlock(&st->lock);
	return passes;
}
