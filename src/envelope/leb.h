/* leb.h - unsigned LEB128: small numbers in few bytes, for packed counts.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_LEB_H
#define PICKET_ENVELOPE_LEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEB_MAX_BYTES 10

/* Returns the bytes written, at most LEB_MAX_BYTES. */
static inline size_t leb_put(uint8_t *out, uint64_t v)
{
	size_t n = 0;

	while (v >= 0x80) {
		out[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	out[n++] = (uint8_t)v;
	return n;
}

/* Reads at *at and moves it on. False when cut short or beyond 64 bits. */
static inline bool leb_get(const uint8_t *p, size_t n, size_t *at, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70 && *at < n; shift += 7) {
		uint8_t b = p[(*at)++];

		if (shift == 63 && b > 1)
			return false;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*ret = v;
			return true;
		}
	}
	return false;
}

#endif
