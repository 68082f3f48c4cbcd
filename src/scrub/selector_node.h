/* selector_node.h - the inside of a selector. For selector*.c only.
 *
 * Owns     nothing by itself.
 */
#ifndef PICKET_SCRUB_SELECTOR_NODE_H
#define PICKET_SCRUB_SELECTOR_NODE_H

#include "scrub/selector.h"

/* Both enums stand in the order that sorting uses. */
enum selector_kind { SELECTOR_AND, SELECTOR_OR, SELECTOR_NOT, SELECTOR_PATH };
enum item_kind { SEL_TYPE, SEL_INDEX, SEL_KEY, SEL_ANY, SEL_DEEP };

#define SELECTOR_MAX_ITEMS 32

struct path_item {
	enum item_kind kind;
	enum value_type type;
	int64_t index;
	struct str key; /* malloc'd */
};

struct selector {
	enum selector_kind kind;
	struct selector **parts; /* of AND and OR; the one of NOT */
	size_t count;
	struct path_item *items; /* of a path */
	size_t item_count;
};

const char *value_type_name(enum value_type t);
bool value_type_parse(struct str name, enum value_type *ret);

#endif
