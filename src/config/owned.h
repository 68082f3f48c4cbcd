/* owned.h - settings with what they own: the arena and a count of holders.
 *
 * Owns     itself, through settings_ref() and settings_unref().
 * Threads  the count is atomic; the rest does not change once loaded.
 */
#ifndef PICKET_CONFIG_OWNED_H
#define PICKET_CONFIG_OWNED_H

#include <stdatomic.h>

#include "base/arena.h"
#include "config/loader.h"
#include "config/settings.h"

/* Bound of one set of settings: some full files and their expanded values. */
#define OWNED_MAX_BYTES ((size_t)64 * 1024 * 1024)

struct owned {
	struct settings settings; /* first: settings_ref() gets this address */
	struct arena *a;          /* this struct lives in it too */
	_Atomic unsigned refs;
	const struct place *places; /* one for each row of the table */
	void *made;                 /* what settings_attach() was given */
	void (*free_made)(void *made);
};

/* One reference. NULL when there is no memory. limit_bytes 0: no bound. */
struct owned *owned_new(size_t limit_bytes);
/* NULL is fine. */
void owned_free(struct owned *o);

#endif
