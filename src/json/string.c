/* Strings: from their text to the bytes they stand for, and back.
 *
 * Inside, a lone surrogate is the three bytes UTF-8 would give its number
 * (WTF-8), so that no string that was sent is unrepresentable.
 */
#include "json/doc.h"
#include "json/scan.h"

static uint32_t hex4(const byte *p)
{
	return (uint32_t)hex_value(p[0]) << 12 | (uint32_t)hex_value(p[1]) << 8 |
	       (uint32_t)hex_value(p[2]) << 4 | (uint32_t)hex_value(p[3]);
}

static size_t put_code(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* p is past the u of a checked escape. Takes the second half of a surrogate
 * pair along. */
static const byte *decode_unicode(const byte *p, const byte *end, char out[4], size_t *n)
{
	uint32_t code = hex4(p), low;

	p += 4;
	if (code >= 0xd800 && code < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		low = hex4(p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
			p += 6;
		}
	}
	*n = put_code(code, out);
	return p;
}

/* p is at the backslash of an escape that the indexer has checked. */
static const byte *decode_escape(const byte *p, const byte *end, char out[4], size_t *n)
{
	*n = 1;
	switch (p[1]) {
	case 'b':
		out[0] = '\b';
		break;
	case 'f':
		out[0] = '\f';
		break;
	case 'n':
		out[0] = '\n';
		break;
	case 'r':
		out[0] = '\r';
		break;
	case 't':
		out[0] = '\t';
		break;
	case 'u':
		return decode_unicode(p + 2, end, out, n);
	default:
		out[0] = (char)p[1];
		break;
	}
	return p + 2;
}

/* An escape is never shorter than what it stands for, so raw.n bytes do. */
static struct str decode(struct arena *a, struct str raw)
{
	const byte *p = (const byte *)raw.p, *end = p + raw.n;
	char *out = arena_alloc(a, raw.n);
	size_t n = 0;

	if (out == NULL)
		return STR_EMPTY;
	while (p < end) {
		const byte *at = scan_plain(p, end);
		char piece[4];
		size_t piece_n;

		memcpy(out + n, p, (size_t)(at - p));
		n += (size_t)(at - p);
		if (at == end)
			break;
		p = decode_escape(at, end, piece, &piece_n);
		memcpy(out + n, piece, piece_n);
		n += piece_n;
	}
	return str_make(out, n);
}

static struct str decode_cached(struct json_doc *d, uint32_t at, struct str raw)
{
	struct decoded *slot = doc_cache(d, at);
	struct str s;

	if (slot != NULL && slot->s.p != NULL)
		return slot->s;
	s = decode(d->arena, raw);
	if (slot != NULL && s.p != NULL) {
		*slot = (struct decoded){s, at};
		d->cache_n++;
	}
	return s;
}

struct str json_key(struct json_doc *d, json_node n)
{
	const struct node *e = node_live(d, n);
	struct str raw;

	if (e == NULL || e->key == 0)
		return STR_EMPTY;
	raw = node_key_raw(d, e);
	return (e->flags & NODE_KEY_ESC) != 0 ? decode_cached(d, e->key, raw) : raw;
}

struct str json_text(struct json_doc *d, json_node n)
{
	const struct node *e = node_live(d, n);
	struct str raw;

	if (e == NULL || node_type(e) != JSON_TYPE_STRING)
		return STR_EMPTY;
	raw = str_make(doc_text(d, e->start) + 1, e->end - e->start - 2);
	return (e->flags & NODE_ESCAPED) != 0 ? decode_cached(d, e->start, raw) : raw;
}

bool string_is(struct str raw, struct str key)
{
	const byte *p = (const byte *)raw.p, *end = p + raw.n;
	size_t at = 0;

	while (p < end) {
		char piece[4] = {(char)*p, 0, 0, 0};
		size_t n = 1;

		if (*p == '\\')
			p = decode_escape(p, end, piece, &n);
		else
			p++;
		if (key.n - at < n || memcmp(key.p + at, piece, n) != 0)
			return false;
		at += n;
	}
	return at == key.n;
}

/* Bytes of the well-formed UTF-8 sequence at the front of s, or 0. */
static size_t sequence(struct str s)
{
	byte c = (byte)s.p[0];
	size_t n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return c >= 0xc2 && c < 0xf5 && n <= s.n && str_is_utf8(str_make(s.p, n)) ? n : 0;
}

/* The surrogate that s starts with in its three-byte form, or 0. */
static uint32_t surrogate(struct str s)
{
	const byte *p = (const byte *)s.p;

	if (s.n < 3 || p[0] != 0xed || p[1] < 0xa0 || p[1] > 0xbf || (p[2] & 0xc0) != 0x80)
		return 0;
	return 0xd000u | (uint32_t)(p[1] & 0x3f) << 6 | (uint32_t)(p[2] & 0x3f);
}

static size_t put_escape(uint32_t code, char out[6])
{
	static const char digits[16] = {
		'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

	out[0] = '\\';
	out[1] = 'u';
	out[2] = digits[code >> 12 & 0xf];
	out[3] = digits[code >> 8 & 0xf];
	out[4] = digits[code >> 4 & 0xf];
	out[5] = digits[code & 0xf];
	return 6;
}

static size_t put_ascii(char c, char out[6])
{
	size_t n = 2;

	out[0] = '\\';
	switch (c) {
	case '"':
	case '\\':
		out[1] = c;
		break;
	case '\n':
		out[1] = 'n';
		break;
	case '\r':
		out[1] = 'r';
		break;
	case '\t':
		out[1] = 't';
		break;
	default:
		n = (byte)c < 0x20 ? put_escape((byte)c, out) : 1;
		if (n == 1)
			out[0] = c;
		break;
	}
	return n;
}

/* One character from the front of s. *used tells how many bytes it took. */
static size_t encode_one(struct str s, char out[6], size_t *used)
{
	uint32_t half;

	*used = 1;
	if ((byte)s.p[0] < 0x80)
		return put_ascii(s.p[0], out);
	*used = sequence(s);
	if (*used > 0) {
		memcpy(out, s.p, *used);
		return *used;
	}
	half = surrogate(s);
	*used = half != 0 ? 3 : 1;
	return put_escape(half != 0 ? half : 0xfffd, out);
}

/* Bytes at the front of s that stand for themselves: most text has no others. */
static size_t plain_bytes(struct str s)
{
	size_t i = 0;

	while (i < s.n && (byte)s.p[i] >= 0x20 && (byte)s.p[i] < 0x80 && s.p[i] != '"' &&
		s.p[i] != '\\')
		i++;
	return i;
}

struct str string_encode(struct arena *a, struct str value)
{
	size_t plain = plain_bytes(value);
	size_t n = 2 + plain, at, used;
	char piece[6], *out, *to;

	for (at = plain; at < value.n; at += used) {
		if (n > SIZE_MAX - 6)
			return STR_EMPTY;
		n += encode_one(str_from(value, at), piece, &used);
	}
	out = arena_alloc(a, n);
	if (out == NULL)
		return STR_EMPTY;
	to = out;
	*to++ = '"';
	if (plain > 0)
		memcpy(to, value.p, plain);
	to += plain;
	for (at = plain; at < value.n; at += used) {
		size_t piece_n = encode_one(str_from(value, at), piece, &used);

		memcpy(to, piece, piece_n);
		to += piece_n;
	}
	*to = '"';
	return str_make(out, n);
}
