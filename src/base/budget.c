#include "base/budget.h"

#include "base/check.h"

void budget_init(struct budget *b, uint64_t limit_bytes)
{
	atomic_init(&b->used_bytes, 0);
	atomic_init(&b->limit_bytes, limit_bytes);
}

void budget_set_limit(struct budget *b, uint64_t limit_bytes)
{
	atomic_store(&b->limit_bytes, limit_bytes);
}

bool budget_take(struct budget *b, uint64_t n)
{
	uint64_t limit = atomic_load_explicit(&b->limit_bytes, memory_order_relaxed);
	uint64_t used = atomic_load_explicit(&b->used_bytes, memory_order_relaxed);

	do {
		if (used > limit || n > limit - used)
			return false;
	} while (!atomic_compare_exchange_weak(&b->used_bytes, &used, used + n));
	return true;
}

void budget_give(struct budget *b, uint64_t n)
{
	uint64_t before = atomic_fetch_sub(&b->used_bytes, n);

	check(before >= n);
}

uint64_t budget_used(const struct budget *b)
{
	return atomic_load_explicit(&b->used_bytes, memory_order_relaxed);
}
