#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = BUF_INIT;
	b->max = max_bytes;
}

void buf_fini(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t want, cap;
	char *p;

	if (b->failed)
		return NULL;
	if (n > SIZE_MAX - b->n || (b->max != 0 && b->n + n > b->max)) {
		b->failed = true;
		return NULL;
	}
	want = b->n + n;
	if (want <= b->cap && b->p != NULL)
		return b->p + b->n;
	cap = b->cap < 64 ? 64 : b->cap;
	while (cap < want)
		cap = cap > SIZE_MAX / 2 ? want : cap + cap / 2;
	if (b->max != 0 && cap > b->max)
		cap = b->max; /* never more, so that cap alone tells what fits */
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->failed = true;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return b->p + b->n;
}

void buf_add_grown(struct buf *b, const void *p, size_t n)
{
	char *to = buf_grow(b, n);

	if (to == NULL)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void buf_number(struct buf *b, uint64_t v)
{
	char digits[NUMBER_DIGITS];

	buf_str(b, number_decimal(v, digits));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
	} else {
		to = buf_reserve(b, (size_t)n + 1);
		if (to != NULL) {
			(void)vsnprintf(to, (size_t)n + 1, fmt, again);
			b->n += (size_t)n;
		}
	}
	va_end(again);
}

/* Bytes of the well-formed UTF-8 sequence at s.p[at], 0 when it is not one. */
static size_t sequence_at(struct str s, size_t at)
{
	size_t len;

	for (len = 1; len <= 4 && at + len <= s.n; len++) {
		if (str_is_utf8(str_make(s.p + at, len)))
			return len;
	}
	return 0;
}

void buf_json_str(struct buf *b, struct str s)
{
	size_t i = 0, plain = 0;

	buf_char(b, '"');
	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];
		size_t step = 1;

		if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
			i++;
			continue;
		}
		if (c >= 0x80) {
			step = sequence_at(s, i);
			if (step != 0) {
				i += step;
				continue;
			}
			step = 1;
		}
		buf_add(b, s.p + plain, i - plain);
		if (c >= 0x80)
			buf_cstr(b, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_cstr(b, "\\n");
		else
			buf_printf(b, "\\u%04x", c);
		i += step;
		plain = i;
	}
	buf_add(b, s.p + plain, i - plain);
	buf_char(b, '"');
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

char *buf_take(struct buf *b, size_t *n)
{
	char *p = b->p;

	*n = b->n;
	b->p = NULL;
	b->n = b->cap = 0;
	return p;
}
