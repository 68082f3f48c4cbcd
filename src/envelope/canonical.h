/* canonical.h - a form that equal JSON values share, for the files of this room.
 *
 * Order of members, blanks, and how a string is escaped make no difference;
 * numbers are equal when they are spelled alike. The form is no JSON: each value
 * tells its length, so that no two different values have the same.
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_TOOBIG  deeper or wider than headers of clients are
 *          E_NOMEM   out has failed, too
 */
#ifndef PICKET_ENVELOPE_CANONICAL_H
#define PICKET_ENVELOPE_CANONICAL_H

#include "json/json.h"

/* JSON_NONE has a form of its own. */
int canonical_write(struct json_doc *d, json_node n, struct buf *out);

/* An object, but for the members named. */
int canonical_write_without(struct json_doc *d, json_node object, const struct str *without,
	size_t count, struct buf *out);

#endif
