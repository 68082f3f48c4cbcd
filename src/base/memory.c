#include "base/memory.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* glibc's: sizes in steps of 16 up to 1032, seven pieces of each. Where these are
 * wrong, or there is no cache, nothing is won and nothing lost. */
#define SMALLEST 24
#define LARGEST  1032
#define STEP     16
#define PIECES   7

#define BUSY_TRIM_BYTES (1 << 20)
#define REST_TRIM_BYTES (32 << 10)

void memory_init(void)
{
	/* Few arenas: memory freed by one thread is used by the next. */
	(void)mallopt(M_ARENA_MAX, 2);
	(void)mallopt(M_TRIM_THRESHOLD, BUSY_TRIM_BYTES);
}

void memory_rest(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, REST_TRIM_BYTES);
}

void memory_rest_end(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, BUSY_TRIM_BYTES);
}

struct piece {
	struct piece *next;
};

static void *free_all(void *arg)
{
	struct piece *p = arg;

	while (p != NULL) {
		struct piece *next = p->next;

		free(p);
		p = next;
	}
	return NULL;
}

/* What is asked for comes from the cache first, so this empties it. Freed here it
 * would be cached again; freed by a thread that ends, it goes back with that
 * thread's cache. */
void memory_drop_cached(void)
{
	struct piece *all = NULL;
	pthread_t thread;

	for (size_t size = SMALLEST; size <= LARGEST; size += STEP) {
		for (unsigned i = 0; i < PIECES; i++) {
			struct piece *p = malloc(size);

			if (p == NULL)
				break;
			p->next = all;
			all = p;
		}
	}
	if (pthread_create(&thread, NULL, free_all, all) == 0)
		(void)pthread_join(thread, NULL);
	else
		(void)free_all(all);
}

/* A mapping as /proc/self/smaps tells of it. */
struct mapping {
	uintptr_t from, to;
	bool is_code;    /* of a file, and nobody may write to it */
	bool is_changed; /* some of its pages are no longer the file's */
};

/* "7f5a1c000000-7f5a1c021000 r-xp 00000000 08:01 1234   /usr/lib/libc.so.6" */
static bool read_mapping(const char *line, struct mapping *ret)
{
	unsigned long from, to;
	char access[5];

	if (sscanf(line, "%lx-%lx %4s", &from, &to, access) != 3 || from >= to)
		return false;
	*ret = (struct mapping){.from = from,
		.to = to,
		.is_code = strcmp(access, "r-xp") == 0 && strchr(line, '/') != NULL};
	return true;
}

/* Bytes that went. */
static size_t drop(const struct mapping *m)
{
	if (!m->is_code || m->is_changed)
		return 0;
	/* It is what the kernel told a moment ago. */
	return madvise((void *)m->from, m->to - m->from, MADV_DONTNEED) == 0 // NOLINT
		       ? m->to - m->from
		       : 0;
}

size_t memory_drop_code(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	struct mapping m = {0}, next;
	size_t dropped = 0, kb;
	char line[PATH_MAX + 128];

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (read_mapping(line, &next)) {
			dropped += drop(&m);
			m = next;
		} else if (sscanf(line, "Anonymous: %zu kB", &kb) == 1) {
			m.is_changed = kb > 0;
		}
	}
	dropped += drop(&m);
	if (f != NULL)
		(void)fclose(f);
	return dropped;
}
