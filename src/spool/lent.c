/* The set of records that are being sent now. */
#include <stdlib.h>

#include "spool/inner.h"

static size_t slot_of(const struct lent *l, uint64_t seq)
{
	size_t i = (size_t)(seq * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (l->cap - 1);

	while (l->v[i] != 0 && l->v[i] != seq)
		i = (i + 1) & (l->cap - 1);
	return i;
}

static bool grow(struct lent *l)
{
	struct lent bigger = {NULL, 0, l->cap == 0 ? 64 : l->cap * 2};

	bigger.v = calloc(bigger.cap, sizeof *bigger.v);
	if (bigger.v == NULL)
		return false;
	for (size_t i = 0; i < l->cap; i++) {
		if (l->v[i] != 0)
			bigger.v[slot_of(&bigger, l->v[i])] = l->v[i];
	}
	bigger.n = l->n;
	free(l->v);
	*l = bigger;
	return true;
}

bool lent_has(const struct lent *l, uint64_t seq)
{
	return l->n > 0 && l->v[slot_of(l, seq)] == seq;
}

bool lent_add(struct lent *l, uint64_t seq)
{
	size_t i;

	if (seq == 0)
		return true;
	if (2 * (l->n + 1) > l->cap && !grow(l))
		return false;
	i = slot_of(l, seq);
	l->n += l->v[i] == 0;
	l->v[i] = seq;
	return true;
}

void lent_remove(struct lent *l, uint64_t seq)
{
	size_t i;

	if (!lent_has(l, seq))
		return;
	i = slot_of(l, seq);
	l->v[i] = 0;
	l->n--;
	/* Those behind it may have been pushed on by it. */
	for (i = (i + 1) & (l->cap - 1); l->v[i] != 0; i = (i + 1) & (l->cap - 1)) {
		uint64_t again = l->v[i];

		l->v[i] = 0;
		l->v[slot_of(l, again)] = again;
	}
}

void lent_fini(struct lent *l)
{
	free(l->v);
	*l = (struct lent){NULL, 0, 0};
}
