/* visit.h - the steps that visiting is made of. For visit*.c only.
 *
 * Owns     nothing.
 * Threads  as walk.h.
 */
#ifndef PICKET_SCRUB_VISIT_H
#define PICKET_SCRUB_VISIT_H

#include "scrub/walk.h"

uint32_t walk_types_of(enum json_type t);
bool walk_enter_member(
	struct walk *w, struct str key, struct str as, enum pii_flag flag, uint32_t types);
/* Free JSON: members inherit the flag. */
void walk_free(struct walk *w, json_node n);
void walk_free_members(struct walk *w, json_node n);
/* A value that its table does not expect: every rule may look at it. */
void walk_unexpected(struct walk *w, json_node n);
/* Rules that take a container or number as a whole. True: it is gone. */
bool walk_judge_container(struct walk *w, json_node n);
/* What deep scrubbing makes of a flag. */
enum pii_flag walk_deepen(const struct walk *w, enum pii_flag flag, bool deep);

/* The flag of a member called key, of which the flag would be inherited. */
enum pii_flag walk_named_flag(const struct walk *w, struct str key, enum pii_flag inherited);
/* An object whose members the conventions name. */
void walk_data(struct walk *w, json_node n);

void walk_user(struct walk *w, json_node n, const struct schema *s);
void walk_contexts(struct walk *w, json_node n);

#endif
