#include "envelope/quantity.h"

#include "envelope/leb.h"

void quantities_add(struct quantities *q, enum category c, uint64_t n)
{
	q->of[c] = n > UINT64_MAX - q->of[c] ? UINT64_MAX : q->of[c] + n;
}

void quantities_merge(struct quantities *q, const struct quantities *more)
{
	for (unsigned c = 0; c < CAT_COUNT; c++)
		quantities_add(q, (enum category)c, more->of[c]);
}

void quantities_subtract(struct quantities *q, const struct quantities *less)
{
	for (unsigned c = 0; c < CAT_COUNT; c++)
		q->of[c] -= less->of[c] < q->of[c] ? less->of[c] : q->of[c];
}

bool quantities_empty(const struct quantities *q)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (q->of[c] != 0)
			return false;
	}
	return true;
}

size_t quantities_pack(const struct quantities *q, uint8_t *out)
{
	size_t n = 0;

	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (q->of[c] == 0)
			continue;
		out[n++] = (uint8_t)c;
		n += leb_put(out + n, q->of[c]);
	}
	return n;
}

bool quantities_unpack(const uint8_t *p, size_t n, struct quantities *q)
{
	size_t at = 0;
	unsigned lowest = 0; /* categories come in order, each once */

	memset(q, 0, sizeof *q);
	while (at < n) {
		unsigned c = p[at++];

		if (c < lowest || c >= CAT_COUNT || !leb_get(p, n, &at, &q->of[c]))
			return false;
		lowest = c + 1;
	}
	return true;
}
