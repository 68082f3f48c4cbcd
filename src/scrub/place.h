/* place.h - which rules reach a node, known by the way to it.
 *
 * Events look alike: the same keys below the same keys. A place stands for all
 * nodes with a way to them that no selector can tell apart. What the selectors
 * of a configuration say of it is worked out once, and is good for every event
 * after that.
 *
 * A node has no place when its key is not UTF-8 or too many are known already;
 * then neither has anything below it, and the selectors are asked each time.
 *
 * Owns     what it worked out. Configuration and names are borrowed and must
 *          outlive it.
 * Threads  one run at a time.
 * Fails    E_NOMEM at making it; later there are only fewer places.
 */
#ifndef PICKET_SCRUB_PLACE_H
#define PICKET_SCRUB_PLACE_H

#include "scrub/names.h"

/* The applications that reach a node, in their order, and what their rules look at. */
struct reach {
	const uint32_t *apps;
	uint32_t count;
	uint32_t values; /* QUICK_PATTERN() of all that look at the value */
	uint32_t keys;   /* the same for the key */
	bool is_known;
};

struct places;

int places_new(struct places **ret, const struct piiconf *c, const struct names *n);
/* NULL is fine. */
void places_free(struct places *p);

/* Between two runs: forgets everything when there was no room for more. */
void places_tidy(struct places *p);

/* states[0] is the root, states[depth - 1] the node. Fills in their names and places
 * where they have none yet. The answer is good until the next call. no_places: asks
 * the selectors. */
const struct reach *places_reach(struct places *p, struct name_cache *keys,
	struct pii_state *states, size_t depth, bool no_places);

#endif
