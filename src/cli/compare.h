/* compare.h - where two JSON values differ, by path.
 *
 * Members may stand in any order; numbers are equal when their values are. Of
 * lists, what is the same at both ends is passed over, so that an element taken
 * out is one difference and not many. Paths are written as in rules.
 *
 * Owns     nothing.
 * Threads  any, one at a time for a document.
 * Fails    E_NOMEM
 */
#ifndef PICKET_CLI_COMPARE_H
#define PICKET_CLI_COMPARE_H

#include "json/json.h"

/* One side of a comparison. */
struct json_side {
	struct json_doc *d;
	json_node n; /* JSON_NONE: there is nothing */
};

/* path is "" for the whole value. False ends the comparison. */
typedef bool difference_fn(void *arg, struct str path, struct json_side a, struct json_side b);

/* Calls each() for every topmost place that differs, in the order of a. */
int compare_json(struct json_side a, struct json_side b, difference_fn *each, void *arg);
bool compare_is_equal(struct json_side a, struct json_side b);

/* The value as one line of JSON, shortened in its middle to max bytes (0: whole). */
void compare_show(struct json_side s, size_t max, struct buf *out);

/* One difference for people, "OLD -> NEW", where "nothing" is what is not there; and
 * as an object with path, old and new. */
void compare_write(struct json_side a, struct json_side b, struct buf *out);
void compare_write_json(struct str path, struct json_side a, struct json_side b, struct buf *out);

#endif
