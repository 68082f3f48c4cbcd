/* siphash.h - SipHash-2-4: 64 bits that look random, from a key and any bytes.
 *
 * For decisions that every process must make alike, and for tables whose
 * entries clients choose.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_BASE_SIPHASH_H
#define PICKET_BASE_SIPHASH_H

#include <stdint.h>

#include "base/str.h"

struct siphash_key {
	uint64_t k0, k1; /* the 16 bytes of a key, read little-endian */
};

uint64_t siphash(const struct siphash_key *key, struct str bytes);

#endif
