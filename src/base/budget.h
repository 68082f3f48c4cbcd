/* budget.h - one bound on all buffers together ([limits] memory).
 *
 * Whoever holds bytes of a client's data has taken them here first; when
 * nothing is left the client is told to come back instead of memory growing.
 *
 * Owns     a counter.
 * Threads  any.
 */
#ifndef PICKET_BASE_BUDGET_H
#define PICKET_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
	_Atomic uint64_t used_bytes;
	_Atomic uint64_t limit_bytes;
};

void budget_init(struct budget *b, uint64_t limit_bytes);
/* For a reload; what is taken stays taken. */
void budget_set_limit(struct budget *b, uint64_t limit_bytes);
/* False, and nothing taken, when fewer than n bytes are left. */
bool budget_take(struct budget *b, uint64_t n);
void budget_give(struct budget *b, uint64_t n);
uint64_t budget_used(const struct budget *b);

#endif
