/* suggest.h - the valid name nearest to a mistyped one.
 *
 * Owns     nothing; names tried must outlive the struct.
 * Threads  any.
 */
#ifndef PICKET_CONFIG_SUGGEST_H
#define PICKET_CONFIG_SUGGEST_H

#include <stddef.h>

#include "base/str.h"

/* Insertions, deletions, replacements and swaps of neighbours that make b of
 * a; case is ignored. Names over 64 bytes are as far as can be: SIZE_MAX. */
size_t edit_distance(struct str a, struct str b);

struct suggest {
	struct str word;
	const char *best; /* NULL when nothing tried so far is near enough */
	size_t distance;
};

void suggest_init(struct suggest *s, struct str word);
void suggest_try(struct suggest *s, const char *name);

#endif
