#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_ALIGN     16u
#define ARENA_CHUNK_MIN 1024u
#define ARENA_CHUNK_MAX (256u * 1024u)

struct chunk {
	struct chunk *next;
	size_t size;
	size_t used;
	_Alignas(16) char data[];
};

struct arena {
	struct chunk *chunks; /* newest first; allocation is from the first only */
	size_t next_size;
	size_t total;
	size_t limit;
	_Alignas(16) char oldest[]; /* the first chunk: one piece of memory with the arena */
};

static struct chunk *chunk_add(struct arena *a, size_t need)
{
	size_t size = need > a->next_size ? need : a->next_size;
	struct chunk *c;

	if (size > SIZE_MAX - sizeof *c)
		return NULL;
	if (a->limit != 0 && (a->total >= a->limit || size > a->limit - a->total)) {
		size = need; /* the last chunks before the limit are exact */
		if (a->total >= a->limit || size > a->limit - a->total)
			return NULL;
	}
	c = malloc(sizeof *c + size);
	if (c == NULL)
		return NULL;
	c->size = size;
	c->used = 0;
	a->total += size;
	if (need > a->next_size) {
		/* An oversized piece must not retire a chunk that still has room. */
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
		if (a->next_size < ARENA_CHUNK_MAX)
			a->next_size *= 2;
	}
	return c;
}

static struct chunk *oldest_chunk(struct arena *a)
{
	return (struct chunk *)(void *)a->oldest;
}

struct arena *arena_new(size_t first_bytes, size_t limit_bytes)
{
	size_t size = first_bytes < ARENA_CHUNK_MIN ? ARENA_CHUNK_MIN : first_bytes;
	struct arena *a;
	struct chunk *c;

	if (size > ARENA_CHUNK_MAX)
		size = ARENA_CHUNK_MAX;
	if (limit_bytes != 0 && size > limit_bytes)
		size = limit_bytes;
	a = malloc(sizeof *a + sizeof *c + size);
	if (a == NULL)
		return NULL;
	c = oldest_chunk(a);
	*c = (struct chunk){.next = NULL, .size = size};
	*a = (struct arena){
		.chunks = c, .next_size = size * 2, .total = size, .limit = limit_bytes};
	if (a->next_size > ARENA_CHUNK_MAX)
		a->next_size = ARENA_CHUNK_MAX;
	return a;
}

void arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (a == NULL)
		return;
	for (c = a->chunks; c != NULL; c = next) {
		next = c->next;
		if (c != oldest_chunk(a))
			free(c);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct chunk *c = a->chunks;
	size_t need;

	if (n > SIZE_MAX - ARENA_ALIGN)
		return NULL;
	need = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (need == 0)
		need = ARENA_ALIGN;
	if (c->size - c->used < need) {
		c = chunk_add(a, need);
		if (c == NULL)
			return NULL;
	}
	c->used += need;
	return c->data + c->used - need;
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
