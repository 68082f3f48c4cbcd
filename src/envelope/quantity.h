/* quantity.h - how much of each data category something is.
 *
 * The conservation law and client reports count in these (protocol.md 15.3).
 *
 * Owns     nothing; a struct quantities is plain memory.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_QUANTITY_H
#define PICKET_ENVELOPE_QUANTITY_H

#include <stdint.h>

#include "envelope/category.h"

struct quantities {
	uint64_t of[CAT_COUNT];
};

/* Saturates instead of overflowing. */
void quantities_add(struct quantities *q, enum category c, uint64_t n);
void quantities_merge(struct quantities *q, const struct quantities *more);
/* Takes less away, never below zero. */
void quantities_subtract(struct quantities *q, const struct quantities *less);
bool quantities_empty(const struct quantities *q);

/* Packed form: per non-zero category one byte number and an LEB128 amount.
 * out holds at least QUANTITIES_PACKED_MAX bytes. Returns the bytes written. */
#define QUANTITIES_PACKED_MAX (CAT_COUNT * 11)
size_t quantities_pack(const struct quantities *q, uint8_t *out);
/* False when the bytes are not a packed form. */
bool quantities_unpack(const uint8_t *p, size_t n, struct quantities *q);

#endif
