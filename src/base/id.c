#include "base/id.h"

#include <sys/random.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool dash_belongs_at(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

bool event_id_parse(struct str s, struct event_id *ret)
{
	bool dashed = s.n == 36;
	size_t nibbles = 0;

	if (s.n != 32 && !dashed)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int v;

		if (dashed && dash_belongs_at(i)) {
			if (s.p[i] != '-')
				return false;
			continue;
		}
		v = hex_digit(s.p[i]);
		if (v < 0)
			return false;
		if (nibbles % 2 == 0)
			ret->b[nibbles / 2] = (uint8_t)(v << 4);
		else
			ret->b[nibbles / 2] = (uint8_t)(ret->b[nibbles / 2] | v);
		nibbles++;
	}
	return true;
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
