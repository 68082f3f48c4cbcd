#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_ALIGN     16u
#define ARENA_CHUNK_MIN 1024u
#define ARENA_CHUNK_MAX (256u * 1024u)

struct chunk {
	struct chunk *next;
	_Alignas(16) char data[];
};

struct arena {
	char *at, *end; /* what is left of the chunk in use, a multiple of ARENA_ALIGN */
	struct chunk *chunks;
	size_t next_size;
	size_t total;
	size_t limit;
	_Alignas(16) char first[]; /* comes with the arena, in one piece of memory */
};

static size_t round_up(size_t n)
{
	return (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

struct arena *arena_new(size_t first_bytes, size_t limit_bytes)
{
	size_t size = first_bytes < ARENA_CHUNK_MIN ? ARENA_CHUNK_MIN : first_bytes;
	struct arena *a;

	size = size > ARENA_CHUNK_MAX ? ARENA_CHUNK_MAX : round_up(size);
	if (limit_bytes != 0 && size > limit_bytes)
		size = limit_bytes & ~(size_t)(ARENA_ALIGN - 1);
	a = malloc(sizeof *a + size);
	if (a == NULL)
		return NULL;
	*a = (struct arena){
		.at = a->first,
		.end = a->first + size,
		.next_size = size < ARENA_CHUNK_MAX / 2 ? size * 2 : ARENA_CHUNK_MAX,
		.total = size,
		.limit = limit_bytes,
	};
	return a;
}

void arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (a == NULL)
		return;
	for (c = a->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

/* need bytes from a chunk that is not in use yet. */
static void *alloc_chunk(struct arena *a, size_t need)
{
	size_t size = need > a->next_size ? need : a->next_size;
	struct chunk *c;

	if (size > SIZE_MAX - sizeof *c)
		return NULL;
	if (a->limit != 0 && size > a->limit - a->total) {
		size = need; /* the last chunks before the limit are exact */
		if (size > a->limit - a->total)
			return NULL;
	}
	c = malloc(sizeof *c + size);
	if (c == NULL)
		return NULL;
	c->next = a->chunks;
	a->chunks = c;
	a->total += size;
	/* An oversized piece must not retire a chunk that still has room. */
	if (need <= a->next_size) {
		a->at = c->data + need;
		a->end = c->data + size;
		if (a->next_size < ARENA_CHUNK_MAX)
			a->next_size *= 2;
	}
	return c->data;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t room = (size_t)(a->end - a->at);
	void *p = a->at;

	if (n == 0)
		n = 1;
	if (n > SIZE_MAX - ARENA_ALIGN)
		return NULL;
	n = round_up(n);
	if (n > room)
		return alloc_chunk(a, n);
	a->at += n;
	return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
	void *p;

	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	p = arena_alloc(a, count * size);
	if (p != NULL)
		memset(p, 0, count * size);
	return p;
}

char *arena_cstr(struct arena *a, struct str s)
{
	char *p;

	if (s.n == SIZE_MAX)
		return NULL;
	p = arena_alloc(a, s.n + 1);
	if (p == NULL)
		return NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

struct str arena_dup(struct arena *a, struct str s)
{
	char *p = arena_cstr(a, s);

	return p != NULL ? str_make(p, s.n) : STR_EMPTY;
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0)
		p = arena_alloc(a, (size_t)n + 1);
	if (p != NULL)
		(void)vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p != NULL ? str_make(p, (size_t)n) : STR_EMPTY;
}

size_t arena_bytes(const struct arena *a)
{
	return a->total;
}
