/* One pass, without recursion: what is to be skipped is counted. */
#include "endpoint/msgpack.h"

#include <stdbool.h>

struct cursor {
	const uint8_t *p;
	size_t n;
};

enum kind { KIND_SCALAR, KIND_TEXT, KIND_ARRAY, KIND_MAP };

/* The head of one value: for text the bytes that follow, for an array or map
 * the values in it. */
struct head {
	enum kind kind;
	uint64_t n;
};

static bool take(struct cursor *c, uint64_t n)
{
	if (n > c->n)
		return false;
	c->p += n;
	c->n -= (size_t)n;
	return true;
}

static bool take_number(struct cursor *c, unsigned bytes, uint64_t *ret)
{
	const uint8_t *p = c->p;

	if (!take(c, bytes))
		return false;
	*ret = 0;
	for (unsigned i = 0; i < bytes; i++)
		*ret = *ret << 8 | p[i];
	return true;
}

/* Sized values: a length of 1, 2 or 4 bytes follows. */
static bool take_sized(struct cursor *c, unsigned bytes, enum kind kind, struct head *h)
{
	h->kind = kind;
	return take_number(c, bytes, &h->n);
}

/* Opaque bytes with extra ones in front of them. */
static bool skip_sized(struct cursor *c, unsigned bytes, unsigned extra)
{
	uint64_t n;

	return take_number(c, bytes, &n) && take(c, n + extra);
}

static bool take_wide_head(struct cursor *c, uint8_t tag, struct head *h)
{
	/* bytes that follow 0xca to 0xd8: numbers and small extensions */
	static const uint8_t fixed[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17};

	if (tag <= 0xc3)
		return true; /* nil, false, true */
	if (tag <= 0xc6)
		return skip_sized(c, 1u << (tag - 0xc4), 0);
	if (tag <= 0xc9)
		return skip_sized(c, 1u << (tag - 0xc7), 1);
	if (tag <= 0xd8)
		return take(c, fixed[tag - 0xca]);
	if (tag <= 0xdb)
		return take_sized(c, 1u << (tag - 0xd9), KIND_TEXT, h);
	if (tag <= 0xdd)
		return take_sized(c, 2u << (tag - 0xdc), KIND_ARRAY, h);
	return take_sized(c, 2u << (tag - 0xde), KIND_MAP, h);
}

static bool take_head(struct cursor *c, struct head *h)
{
	uint8_t tag;

	if (c->n == 0)
		return false;
	tag = *c->p;
	*h = (struct head){KIND_SCALAR, 0};
	(void)take(c, 1);
	if (tag <= 0x7f || tag >= 0xe0)
		return true; /* small integers */
	if (tag <= 0x8f)
		*h = (struct head){KIND_MAP, tag & 0x0f};
	else if (tag <= 0x9f)
		*h = (struct head){KIND_ARRAY, tag & 0x0f};
	else if (tag <= 0xbf)
		*h = (struct head){KIND_TEXT, tag & 0x1f};
	else
		return take_wide_head(c, tag, h);
	return true;
}

/* Past one whole value whose head was taken. */
static bool skip_rest(struct cursor *c, struct head h)
{
	uint64_t left = 0; /* values: below 2^33 for each byte there is */

	for (;;) {
		if (h.kind == KIND_TEXT && !take(c, h.n))
			return false;
		if (h.kind == KIND_ARRAY)
			left += h.n;
		if (h.kind == KIND_MAP)
			left += 2 * h.n;
		if (left == 0)
			return true;
		if (left > c->n || !take_head(c, &h)) /* a value has a byte at least */
			return false;
		left--;
	}
}

static bool take_text(struct cursor *c, struct head h, struct str *ret)
{
	*ret = str_make((const char *)c->p, (size_t)h.n);
	return h.kind == KIND_TEXT && take(c, h.n);
}

struct str msgpack_text(struct str bytes, struct str key)
{
	struct cursor c = {(const uint8_t *)bytes.p, bytes.n};
	struct head map, head;

	if (!take_head(&c, &map) || map.kind != KIND_MAP)
		return STR_EMPTY;
	for (uint64_t i = 0; i < map.n; i++) {
		struct str name = STR_EMPTY, value;
		bool is_text;

		if (!take_head(&c, &head))
			return STR_EMPTY;
		is_text = head.kind == KIND_TEXT;
		if (is_text ? !take_text(&c, head, &name) : !skip_rest(&c, head))
			return STR_EMPTY;
		if (!take_head(&c, &head))
			return STR_EMPTY;
		if (is_text && str_eq(name, key))
			return take_text(&c, head, &value) ? value : STR_EMPTY;
		if (!skip_rest(&c, head))
			return STR_EMPTY;
	}
	return STR_EMPTY;
}
