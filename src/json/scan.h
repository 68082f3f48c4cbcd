/* scan.h - finding the end of JSON tokens. For files of src/json only.
 *
 * Each scanner takes the first byte it has not yet looked at and the end of
 * the text, and never reads at or past that end.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_JSON_SCAN_H
#define PICKET_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef unsigned char byte;

static inline bool is_blank(byte c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool is_digit(byte c)
{
	return c >= '0' && c <= '9';
}

static inline const byte *skip_blanks(const byte *p, const byte *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* The value of a hex digit, or -1. */
static inline int hex_value(byte c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#if !defined(__SSE2__)
/* High bits of the bytes of word that equal c, and perhaps of bytes above the
 * lowest such one. */
static inline uint64_t bytes_equal(uint64_t word, byte c)
{
	uint64_t x = word ^ (UINT64_C(0x0101010101010101) * c);

	return (x - UINT64_C(0x0101010101010101)) & ~x & UINT64_C(0x8080808080808080);
}
#endif

/* The next quote or backslash, or end. Nothing else matters inside a string:
 * control characters and broken UTF-8 are let through. */
static inline const byte *scan_plain(const byte *p, const byte *end)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);

		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#else
	for (; end - p >= 8; p += 8) {
		uint64_t word;

		memcpy(&word, p, sizeof word);
		if ((bytes_equal(word, '"') | bytes_equal(word, '\\')) != 0)
			break; /* the loop below finds which byte it was */
	}
#endif
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* p is at a backslash. Past the escape, or NULL when it is none. */
static inline const byte *scan_escape(const byte *p, const byte *end)
{
	if (end - p < 2)
		return NULL;
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		if (end - p < 6)
			return NULL;
		if ((hex_value(p[2]) | hex_value(p[3]) | hex_value(p[4]) | hex_value(p[5])) < 0)
			return NULL;
		return p + 6;
	default:
		return NULL;
	}
}

/* p is past the opening quote. Past the closing one, or NULL with *bad at the
 * byte that is wrong. *escaped becomes true when there is an escape. */
static inline const byte *scan_string(
	const byte *p, const byte *end, bool *escaped, const byte **bad)
{
	for (;;) {
		const byte *at = scan_plain(p, end);

		if (at == end) {
			*bad = end;
			return NULL;
		}
		if (*at == '"')
			return at + 1;
		*escaped = true;
		p = scan_escape(at, end);
		if (p == NULL) {
			*bad = at;
			return NULL;
		}
	}
}

/* At least one digit, or NULL with *bad at the byte that is none. */
static inline const byte *scan_digits(const byte *p, const byte *end, const byte **bad)
{
	if (p == end || !is_digit(*p)) {
		*bad = p;
		return NULL;
	}
	do
		p++;
	while (p < end && is_digit(*p));
	return p;
}

/* p is at a digit or minus sign. Past the number, or NULL with *bad set. */
static inline const byte *scan_number(const byte *p, const byte *end, const byte **bad)
{
	const byte *digits;

	if (*p == '-')
		p++;
	digits = p;
	p = scan_digits(p, end, bad);
	if (p == NULL)
		return NULL;
	if (*digits == '0' && p - digits > 1) {
		*bad = digits;
		return NULL;
	}
	if (p < end && *p == '.') {
		p = scan_digits(p + 1, end, bad);
		if (p == NULL)
			return NULL;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = scan_digits(p, end, bad);
	}
	return p;
}

/* p is at a t, f or n. Past true, false or null, or NULL. */
static inline const byte *scan_word(const byte *p, const byte *end)
{
	ptrdiff_t left = end - p;

	if (left >= 4 && (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0))
		return p + 4;
	if (left >= 5 && memcmp(p, "false", 5) == 0)
		return p + 5;
	return NULL;
}

#endif
