/* query.h - parameters of a request's query.
 *
 * Owns     nothing: results are views, or arena memory where %xx was undone.
 * Threads  any.
 * Fails    E_NOTFOUND  no such parameter
 *          E_NOMEM
 */
#ifndef PICKET_ENDPOINT_QUERY_H
#define PICKET_ENDPOINT_QUERY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Undoes %xx, and + as a blank when plus_is_blank. p == NULL: no memory. */
struct str query_decode(struct str s, bool plus_is_blank, struct arena *a);

/* The first parameter of this name, as it stands there. */
int query_find(struct str query, struct str name, struct arena *a, struct str *ret);
/* The same, decoded. "" and E_OK when there is none. */
int query_value(struct str query, struct str name, struct arena *a, struct str *ret);

/* The parameters whose name keep() takes, as they stand there. */
typedef bool query_keep_fn(struct str name);
int query_filter(struct str query, query_keep_fn *keep, struct arena *a, struct str *ret);

/* Parameters that are credentials go nowhere (4.4, form 4). */
bool query_is_no_credential(struct str name);

#endif
