#include "base/memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

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
