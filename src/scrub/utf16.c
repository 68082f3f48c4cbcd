/* UTF-16LE inside of bytes. */
#include "scrub/bytes.h"

static uint32_t unit_at(const char *p)
{
	return (uint32_t)(unsigned char)p[0] | (uint32_t)(unsigned char)p[1] << 8;
}

static bool is_high(uint32_t u)
{
	return u >= 0xd800 && u < 0xdc00;
}

static bool is_low(uint32_t u)
{
	return u >= 0xdc00 && u < 0xe000;
}

/* Bytes of the character at p: 2 or 4; 0 when there is none; -1 when the bytes
 * end within it. */
static int char_bytes(const char *p, size_t n)
{
	uint32_t u;

	if (n < 2)
		return -1;
	u = unit_at(p);
	if (is_low(u))
		return 0;
	if (!is_high(u))
		return 2;
	if (n < 4)
		return -1;
	return is_low(unit_at(p + 2)) ? 4 : 0;
}

bool utf16_segment(const char *data, size_t n, size_t *at, size_t *from, size_t *to)
{
	return utf16_run(data, n, UTF16_MIN_CHARS, at, from, to);
}

bool utf16_run(const char *data, size_t n, size_t min, size_t *at, size_t *from, size_t *to)
{
	while (*at < n) {
		size_t start = *at;
		size_t end = start;
		size_t chars = 0;
		int step = 0;

		while (end < n && (step = char_bytes(data + end, n - end)) > 0) {
			end += (size_t)step;
			chars++;
		}
		*at = step < 0 ? n : end + 2;
		if (end >= n)
			*at = n;
		if (chars >= min) {
			*from = start;
			*to = end;
			return true;
		}
	}
	return false;
}

static size_t put_point(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

struct str utf16_decode(struct arena *a, const char *data, size_t n)
{
	char *out = arena_alloc(a, n / 2 * 3 + 1);
	size_t used = 0;

	if (out == NULL)
		return STR_EMPTY;
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t c = unit_at(data + i);

		if (is_high(c) && i + 3 < n) {
			c = 0x10000 + ((c - 0xd800) << 10) + (unit_at(data + i + 2) - 0xdc00);
			i += 2;
		}
		used += put_point(out + used, c);
	}
	return str_make(out, used);
}
