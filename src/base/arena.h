/* arena.h - memory that goes all at once.
 *
 * Everything that belongs to one envelope is taken from one arena and freed
 * with it. An arena never gives single pieces back.
 *
 * Owns     every byte handed out, until arena_free().
 * Threads  one at a time; an arena travels with its envelope.
 * Fails    NULL when the system has no memory or the arena's limit is met.
 */
#ifndef PICKET_BASE_ARENA_H
#define PICKET_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;

/* limit_bytes bounds what the arena may take from the system, 0 for no bound. */
struct arena *arena_new(size_t first_bytes, size_t limit_bytes);
/* NULL is fine. */
void arena_free(struct arena *a);

/* Aligned for any type. n may be 0. */
void *arena_alloc(struct arena *a, size_t n);
/* count * size bytes of zeros; NULL also when the product overflows. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* A copy of s; on failure p is NULL. The copy is NUL-terminated past its end. */
struct str arena_dup(struct arena *a, struct str s);
char *arena_cstr(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes taken from the system so far. */
size_t arena_bytes(const struct arena *a);

#endif
