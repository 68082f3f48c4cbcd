/* jsonout.h - JSON text of our own facts, written front to back.
 *
 * Commas and quotes are its business, the order and the names are the
 * caller's. It keeps no tree and takes no memory of its own.
 *
 * Owns     nothing; writes into the caller's buf.
 * Threads  any, one writer at a time.
 * Fails    as its buf does: look at buf_ok() at the end.
 */
#ifndef PICKET_OPS_JSONOUT_H
#define PICKET_OPS_JSONOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct jsonout {
	struct buf *out;
	bool needs_comma;
};

/* key is NULL for the outermost value and inside arrays. bracket: '{' or '['. */
void jsonout_open(struct jsonout *j, const char *key, char bracket);
void jsonout_close(struct jsonout *j, char bracket);
void jsonout_int(struct jsonout *j, const char *key, int64_t v);
void jsonout_uint(struct jsonout *j, const char *key, uint64_t v);
void jsonout_bool(struct jsonout *j, const char *key, bool v);
void jsonout_str(struct jsonout *j, const char *key, struct str v);
/* NULL is written as "". */
void jsonout_cstr(struct jsonout *j, const char *key, const char *v);

#endif
