#include "base/id.h"

#include <sys/random.h>

#define DIGIT 0x10 /* in all values of hex digits, so that 0 is no digit */

static const uint8_t hex_values[256] = {
	['0'] = 0x10,
	['1'] = 0x11,
	['2'] = 0x12,
	['3'] = 0x13,
	['4'] = 0x14,
	['5'] = 0x15,
	['6'] = 0x16,
	['7'] = 0x17,
	['8'] = 0x18,
	['9'] = 0x19,
	['a'] = 0x1a,
	['b'] = 0x1b,
	['c'] = 0x1c,
	['d'] = 0x1d,
	['e'] = 0x1e,
	['f'] = 0x1f,
	['A'] = 0x1a,
	['B'] = 0x1b,
	['C'] = 0x1c,
	['D'] = 0x1d,
	['E'] = 0x1e,
	['F'] = 0x1f,
};

/* bytes pairs of digits from p. */
static bool read_pairs(const char *p, size_t bytes, uint8_t *out)
{
	const unsigned char *from = (const unsigned char *)p;
	unsigned all = DIGIT;

	for (size_t i = 0; i < bytes; i++) {
		unsigned high = hex_values[from[2 * i]], low = hex_values[from[2 * i + 1]];

		out[i] = (uint8_t)(high << 4 | (low & 15));
		all &= high & low;
	}
	return all != 0;
}

static bool dash_belongs_at(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

bool event_id_parse(struct str s, struct event_id *ret)
{
	if (s.n == 32)
		return read_pairs(s.p, 16, ret->b);
	return s.n == 36 && s.p[8] == '-' && s.p[13] == '-' && s.p[18] == '-' && s.p[23] == '-' &&
	       read_pairs(s.p, 4, ret->b) && read_pairs(s.p + 9, 2, ret->b + 4) &&
	       read_pairs(s.p + 14, 2, ret->b + 6) && read_pairs(s.p + 19, 2, ret->b + 8) &&
	       read_pairs(s.p + 24, 6, ret->b + 10);
}

void event_id_hex(const struct event_id *id, char out[EVENT_ID_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof id->b; i++) {
		out[2 * i] = digits[id->b[i] >> 4];
		out[2 * i + 1] = digits[id->b[i] & 15];
	}
	out[32] = '\0';
}

void event_id_uuid(const struct event_id *id, char out[EVENT_ID_UUID_BYTES])
{
	char hex[EVENT_ID_HEX_BYTES];
	size_t from = 0;

	event_id_hex(id, hex);
	for (size_t i = 0; i < EVENT_ID_UUID_BYTES - 1; i++)
		out[i] = (char)(dash_belongs_at(i) ? '-' : hex[from++]);
	out[EVENT_ID_UUID_BYTES - 1] = '\0';
}

bool event_id_eq(const struct event_id *a, const struct event_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool event_id_is_zero(const struct event_id *id)
{
	static const struct event_id zero;

	return event_id_eq(id, &zero);
}

bool event_id_random(struct event_id *ret)
{
	if (getrandom(ret->b, sizeof ret->b, 0) != (ssize_t)sizeof ret->b)
		return false;
	ret->b[6] = (uint8_t)((ret->b[6] & 0x0f) | 0x40);
	ret->b[8] = (uint8_t)((ret->b[8] & 0x3f) | 0x80);
	return true;
}
