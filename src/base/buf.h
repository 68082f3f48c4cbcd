/* buf.h - bytes that grow.
 *
 * Failure is sticky: after the first failed append the buffer takes nothing
 * more, and one look at buf_ok() at the end tells.
 *
 * Owns     its bytes, until buf_fini() or buf_take().
 * Threads  one at a time.
 */
#ifndef PICKET_BASE_BUF_H
#define PICKET_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max; /* 0: no bound */
	bool failed;
};

#define BUF_INIT ((struct buf){NULL, 0, 0, 0, false})

void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);
/* Forgets the content, keeps the memory, clears a failure. */
void buf_clear(struct buf *b);

/* buf_reserve() when there is no room. */
char *buf_grow(struct buf *b, size_t n);

/* Room for n more bytes; the place to write them, or NULL. Then buf_grew(). */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	if (n < b->cap - b->n && !b->failed)
		return b->p + b->n;
	return buf_grow(b, n);
}

static inline void buf_grew(struct buf *b, size_t n)
{
	b->n += n;
}

/* buf_add() when there is no room. */
void buf_add_grown(struct buf *b, const void *p, size_t n);

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (n < b->cap - b->n && !b->failed) {
		memcpy(b->p + b->n, p, n);
		b->n += n;
	} else {
		buf_add_grown(b, p, n);
	}
}

static inline void buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

static inline void buf_cstr(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

/* v in decimal. */
void buf_number(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* s as a JSON string with its quotes. Control characters, quotes and
 * backslashes are escaped; bytes that are not UTF-8 become U+FFFD. */
void buf_json_str(struct buf *b, struct str s);

/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);

static inline bool buf_ok(const struct buf *b)
{
	return !b->failed;
}

static inline struct str buf_view(const struct buf *b)
{
	return str_make(b->p, b->n);
}

/* Moves the bytes out; the caller frees them with free(). NULL if empty. */
char *buf_take(struct buf *b, size_t *n);

#endif
