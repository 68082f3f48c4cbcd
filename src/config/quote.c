#include "config/quote.h"

#include <stdio.h>

/* Bytes that one character of text may need: \xNN. */
#define ESCAPE_BYTES 4u
/* What must still fit after the text: dots, a quote and the NUL. */
#define TAIL_BYTES 5u

static size_t escape(char out[ESCAPE_BYTES + 1], char c)
{
	int n;

	if (c == '\n')
		n = snprintf(out, ESCAPE_BYTES + 1, "\\n");
	else if (c == '\t')
		n = snprintf(out, ESCAPE_BYTES + 1, "\\t");
	else if ((unsigned char)c < 0x20 || c == 0x7f)
		n = snprintf(out, ESCAPE_BYTES + 1, "\\x%02x", (unsigned)(unsigned char)c);
	else
		n = snprintf(out, ESCAPE_BYTES + 1, "%c", c);
	return n > 0 ? (size_t)n : 0;
}

/* How many bytes the UTF-8 character at s starts with; 1 for a stray byte. */
static size_t char_bytes(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

	return n <= s.n ? n : s.n;
}

const char *quote(char out[QUOTE_BYTES], struct str text)
{
	size_t n = 0;
	size_t i = 0;

	out[n++] = '"';
	while (i < text.n) {
		size_t take = char_bytes(str_from(text, i));
		char piece[ESCAPE_BYTES + 1];
		size_t len = take;

		if (take == 1)
			len = escape(piece, text.p[i]);
		else
			memcpy(piece, text.p + i, take);
		if (n + len + TAIL_BYTES > QUOTE_BYTES) {
			memcpy(out + n, "...", 3);
			n += 3;
			break;
		}
		memcpy(out + n, piece, len);
		n += len;
		i += take;
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}

void mask_url(struct buf *out, struct str url, bool all_secret)
{
	size_t start = str_find(url, STR("://"));
	size_t at = 0;
	size_t end;

	if (start == url.n) {
		if (!all_secret)
			buf_str(out, url);
		else if (url.n > 0)
			buf_cstr(out, "****");
		return;
	}
	start += 3;
	for (end = start; end < url.n && url.p[end] != '/' && url.p[end] != '?'; end++)
		if (url.p[end] == '@')
			at = end;
	buf_str(out, str_first(url, start));
	if (at > 0) {
		buf_cstr(out, "****");
		start = at;
	}
	buf_str(out, str_from(url, start));
}
