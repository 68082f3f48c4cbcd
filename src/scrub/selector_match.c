/* Matching selectors against a path (pii.md 6.3).
 *
 * A path is compared from its end: it need not reach the root. Where it holds
 * a "**", that takes one state, and the items before it are looked for from
 * the root on, at the first place that fits the first of them.
 */
#include "scrub/selector.h"
#include "scrub/selector_node.h"

/* Lower case of what field names are written in; other scripts stay. */
static uint32_t fold(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
		(c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	if ((c >= 0x100 && c <= 0x17f && c != 0x130 && c != 0x131 && c != 0x138 && c != 0x149 &&
		    c != 0x178 && c != 0x17f) ||
		(c >= 0x460 && c <= 0x481))
		return c | 1;
	return c == 0x178 ? 0xff : c == 0x212a ? 'k' : c == 0x212b ? 0xe5 : c == 0x2126 ? 0x3c9 : c;
}

/* One code point from well-formed UTF-8, else one byte. */
static uint32_t take_point(struct str s, size_t *at)
{
	unsigned char c = (unsigned char)s.p[*at];
	size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	uint32_t v = more == 0 ? c : c & (0x3fu >> more);

	if (*at + more >= s.n)
		more = 0;
	for (size_t i = 1; i <= more; i++)
		v = v << 6 | ((unsigned char)s.p[*at + i] & 0x3fu);
	*at += more + 1;
	return v;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Not str_ieq(): a key may hold U+0000, where that one stops. */
static bool bytes_eq(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool selector_key_eq(struct str a, struct str b)
{
	size_t i = 0;
	size_t j = 0;

	if (a.n > 0 && b.n > 0 && ((unsigned char)a.p[0] | (unsigned char)b.p[0]) < 0x80 &&
		lower(a.p[0]) != lower(b.p[0]))
		return false; /* nearly always */
	if (a.n == b.n && bytes_eq(a, b))
		return true;
	if (is_ascii(a) && is_ascii(b))
		return false;
	while (i < a.n && j < b.n)
		if (fold(take_point(a, &i)) != fold(take_point(b, &j)))
			return false;
	return i == a.n && j == b.n;
}

int selector_each_name(const struct selector *s, int (*key)(void *arg, struct str key),
	int (*index)(void *arg, int64_t index), void *arg)
{
	int rc = E_OK;

	for (size_t i = 0; s->kind == SELECTOR_PATH && rc == E_OK && i < s->item_count; i++) {
		if (s->items[i].kind == SEL_KEY)
			rc = key(arg, s->items[i].key);
		else if (s->items[i].kind == SEL_INDEX)
			rc = index(arg, s->items[i].index);
	}
	for (size_t i = 0; s->kind != SELECTOR_PATH && rc == E_OK && i < s->count; i++)
		rc = selector_each_name(s->parts[i], key, index, arg); /* as deep as it was read */
	return rc;
}

bool selector_each_last_key(
	const struct selector *s, void (*key)(void *arg, struct str key), void *arg)
{
	const struct path_item *last;

	if (s->kind == SELECTOR_OR) {
		for (size_t i = 0; i < s->count; i++)
			if (!selector_each_last_key(s->parts[i], key, arg)) /* as it was read */
				return false;
		return true;
	}
	if (s->kind != SELECTOR_PATH)
		return false;
	last = &s->items[s->item_count - 1];
	if (last->kind == SEL_KEY)
		key(arg, last->key);
	return last->kind == SEL_KEY;
}

static bool item_matches(
	const struct path_item *it, bool is_first, enum pii_flag flag, const struct pii_state *st)
{
	switch (it->kind) {
	case SEL_ANY:
		return true;
	case SEL_DEEP:
		return flag == PII_TRUE;
	case SEL_INDEX:
		return st->index == it->index;
	case SEL_KEY:
		return st->key.p != NULL && selector_key_eq(st->key, it->key);
	case SEL_TYPE:
		break;
	}
	if ((st->types & TYPE_BIT(it->type)) == 0)
		return false;
	return flag == PII_TRUE || (it->type > TYPE_OBJECT && is_first);
}

/* The items before a "**" (count of them) against states[0 .. n - 1]. */
static bool head_matches(const struct selector *s, size_t count, enum pii_flag flag,
	const struct pii_state *states, size_t n)
{
	size_t at = 0;

	if (count == 0)
		return n > 0;
	while (at < n && !item_matches(&s->items[0], true, flag, &states[at]))
		at++;
	if (at == n)
		return false;
	for (size_t i = 1; i < count; i++)
		if (at + i >= n || !item_matches(&s->items[i], false, flag, &states[at + i]))
			return false;
	return true;
}

static bool path_matches(const struct selector *s, const struct pii_state *states, size_t n)
{
	enum pii_flag flag = states[n - 1].flag;

	if (s->item_count > n - 1) /* the root is no step */
		return false;
	for (size_t i = 0; i < s->item_count; i++) {
		size_t at = s->item_count - 1 - i;

		if (!item_matches(&s->items[at], at == 0, flag, &states[n - 1 - i]))
			return false;
		if (s->items[at].kind == SEL_DEEP)
			return head_matches(s, at, flag, states, n - 1 - i);
	}
	return true;
}

static bool matches(const struct selector *s, const struct pii_state *states, size_t n)
{
	switch (s->kind) {
	case SELECTOR_PATH:
		return path_matches(s, states, n);
	case SELECTOR_NOT:
		return !matches(s->parts[0], states, n); /* as deep as it was read */
	case SELECTOR_AND:
		for (size_t i = 0; i < s->count; i++)
			if (!matches(s->parts[i], states, n))
				return false;
		return true;
	case SELECTOR_OR:
		break;
	}
	for (size_t i = 0; i < s->count; i++)
		if (matches(s->parts[i], states, n))
			return true;
	return false;
}

bool selector_matches(const struct selector *s, const struct pii_state *states, size_t n)
{
	return n > 0 && states[n - 1].flag != PII_FALSE && matches(s, states, n);
}
