/* limit.h - "limit 10 per 1m by (...)": how often a key was seen.
 *
 * A key's period begins with its first item; the first n of a period pass. When
 * the table is full the key whose period began first is forgotten: rather one
 * item too many than one too few.
 *
 * Owns     its table.
 * Threads  any; there is a lock.
 */
#ifndef PICKET_RULES_LIMIT_H
#define PICKET_RULES_LIMIT_H

#include "rules/ruleset.h"

/* True when the item passes. */
bool limit_take(
	struct rules_state *st, uint64_t key, uint64_t n, uint64_t period_ms, int64_t mono_ms);
/* A key of the table's own, so that clients cannot choose where they collide. */
uint64_t limit_key(const struct rules_state *st, uint64_t seed, struct str text);

#endif
