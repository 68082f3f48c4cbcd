#include "base/encoding.h"

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

bool base64_decode(struct str s, char *out, size_t *ret_n)
{
	unsigned bits = 0;
	unsigned long value = 0;
	size_t n = 0, digits = 0, padding = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int v;

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		v = base64_value(c);
		if (v < 0 || padding > 0)
			return false;
		value = (value << 6 | (unsigned long)v) & 0xffffff;
		bits += 6;
		digits++;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(value >> bits & 0xff);
		}
	}
	*ret_n = n;
	return digits % 4 != 1 && padding <= 2;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t percent_decode(struct str s, bool plus_is_blank, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%' && i + 2 < s.n && hex_value(s.p[i + 1]) >= 0 &&
			hex_value(s.p[i + 2]) >= 0) {
			c = (char)(hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2]));
			i += 2;
		} else if (c == '+' && plus_is_blank) {
			c = ' ';
		}
		out[n++] = c;
	}
	return n;
}

void base64_encode(struct str s, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

	for (size_t at = 0; at < s.n; at += 3) {
		size_t have = s.n - at;
		uint32_t v = (uint32_t)(unsigned char)s.p[at] << 16;

		if (have > 1)
			v |= (uint32_t)(unsigned char)s.p[at + 1] << 8;
		if (have > 2)
			v |= (uint32_t)(unsigned char)s.p[at + 2];
		buf_char(out, digits[v >> 18 & 63]);
		buf_char(out, digits[v >> 12 & 63]);
		buf_char(out, digits[have > 1 ? v >> 6 & 63 : 64]);
		buf_char(out, digits[have > 2 ? v & 63 : 64]);
	}
}
