#include "rules/text.h"

#include <arpa/inet.h>

static unsigned char lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? u | 0x20 : u;
}

bool text_eq(struct str a, struct str b, bool any_case)
{
	return any_case ? str_ieq(a, b) : str_eq(a, b);
}

static bool icontains(struct str s, struct str part)
{
	if (part.n == 0)
		return true;
	for (size_t i = 0; i + part.n <= s.n; i++) {
		if (lower(s.p[i]) == lower(part.p[0]) && str_ieq(str_make(s.p + i, part.n), part))
			return true;
	}
	return false;
}

bool text_contains(struct str s, struct str part, bool any_case)
{
	if (any_case)
		return icontains(s, part);
	return part.n == 0 || (s.n >= part.n && str_find(s, part) < s.n);
}

bool text_starts(struct str s, struct str part, bool any_case)
{
	return s.n >= part.n && text_eq(str_first(s, part.n), part, any_case);
}

bool text_ends(struct str s, struct str part, bool any_case)
{
	return s.n >= part.n && text_eq(str_from(s, s.n - part.n), part, any_case);
}

/* The set that opens at p.p[at], an offset past its ] in *end; 0 when it has
 * none: then the bracket stands for itself. */
static bool in_set(struct str p, size_t at, unsigned char c, bool any_case, size_t *end)
{
	size_t i = at + 1;
	bool negated = i < p.n && (p.p[i] == '!' || p.p[i] == '^');
	bool found = false;

	i += negated;
	for (size_t first = i; i < p.n && (p.p[i] != ']' || i == first); i++) {
		unsigned char low = any_case ? lower(p.p[i]) : (unsigned char)p.p[i];
		unsigned char high = low;

		if (i + 2 < p.n && p.p[i + 1] == '-' && p.p[i + 2] != ']') {
			high = any_case ? lower(p.p[i + 2]) : (unsigned char)p.p[i + 2];
			i += 2;
		}
		found = found || (c >= low && c <= high);
	}
	*end = i < p.n ? i + 1 : 0;
	return found != negated;
}

/* One byte against what stands at *at, which moves past it. */
static bool glob_one(struct str p, size_t *at, char byte, bool any_case)
{
	unsigned char c = any_case ? lower(byte) : (unsigned char)byte;
	unsigned char want;
	size_t end = 0;

	if (p.p[*at] == '?') {
		(*at)++;
		return true;
	}
	if (p.p[*at] == '[') {
		bool hit = in_set(p, *at, c, any_case, &end);

		if (end != 0) {
			*at = end;
			return hit;
		}
	}
	if (p.p[*at] == '\\' && *at + 1 < p.n)
		(*at)++;
	want = any_case ? lower(p.p[*at]) : (unsigned char)p.p[*at];
	(*at)++;
	return c == want;
}

bool text_glob(struct str p, struct str s, bool any_case)
{
	size_t at = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < s.n) {
		size_t next = at;

		if (at < p.n && p.p[at] == '*') {
			star = ++at;
			mark = i;
		} else if (at < p.n && glob_one(p, &next, s.p[i], any_case)) {
			at = next;
			i++;
		} else if (star != SIZE_MAX) {
			at = star; /* the last star takes one byte more */
			i = ++mark;
		} else {
			return false;
		}
	}
	while (at < p.n && p.p[at] == '*')
		at++;
	return at == p.n;
}

struct str text_lower(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n);

	if (p == NULL)
		return STR_EMPTY;
	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)lower(s.p[i]);
	return str_make(p, s.n);
}

uint64_t text_length(struct str s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static bool address_parse(struct str s, uint8_t out[16], bool *is_v4)
{
	char text[INET6_ADDRSTRLEN + 1];

	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = str_make(s.p + 1, s.n - 2);
	if (s.n == 0 || s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	memset(out, 0, 16);
	*is_v4 = inet_pton(AF_INET, text, out + 12) == 1;
	if (*is_v4) {
		out[10] = out[11] = 0xff;
		return true;
	}
	return inet_pton(AF_INET6, text, out) == 1;
}

bool network_parse(struct str s, struct network *ret)
{
	size_t slash = str_find_char(s, '/');
	uint64_t bits;
	bool is_v4;

	if (!address_parse(str_first(s, slash), ret->address, &is_v4))
		return false;
	bits = is_v4 ? 32 : 128;
	if (slash < s.n && !str_to_u64(str_from(s, slash + 1), bits, &bits))
		return false;
	ret->bits = (unsigned)bits + (is_v4 ? 96 : 0);
	return true;
}

bool network_has(const struct network *n, struct str s, bool *is_address)
{
	uint8_t a[16];
	bool is_v4;
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	*is_address = address_parse(s, a, &is_v4);
	if (!*is_address || memcmp(a, n->address, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ n->address[whole]) >> (8 - rest)) == 0;
}
