/* scope.h - finding in a scope what a path names. For the files of src/rules.
 *
 * Owns     nothing; the cache is arena memory of the scope.
 * Threads  as its scope.
 */
#ifndef PICKET_RULES_SCOPE_H
#define PICKET_RULES_SCOPE_H

#include "rules/fields.h"
#include "rules/value.h"

struct rule_slot {
	uint32_t generation;
	json_node node;
};

struct rule_known {
	uint32_t generation;
	struct rule_value value;
};

/* What was found already in this generation of the scope. */
struct rule_cache {
	const struct rule_fields *fields;
	struct rule_slot *slots; /* one for each field */
	uint32_t slots_n;
	uint32_t generation;
	struct rule_known known[VIRTUAL_COUNT];
	struct regex_matcher *match; /* made on first use */
};

/* Never NULL but when there is no memory. */
struct rule_cache *scope_cache(struct rule_scope *s);
json_node scope_root(const struct rule_scope *s);

/* Where a document path leads: the node, and the document it is in. True ends
 * the walk. */
typedef bool path_node_fn(void *arg, struct json_doc *d, json_node n);
/* A plain path is given once, JSON_NONE when there is nothing; another one for
 * every place there is. Virtual names are not looked at. */
bool path_nodes(const struct rule_path *p, const struct rule_fields *f, struct rule_scope *s,
	path_node_fn *each, void *arg);

/* The values of a path, virtual or not. */
bool path_values(const struct rule_path *p, const struct rule_fields *f, struct rule_scope *s,
	rule_value_fn *each, void *arg);

/* One step down. JSON_NONE: no such place. */
json_node step_into(struct json_doc *d, json_node n, const struct rule_step *step);

#endif
