/* multipart.h - multipart/form-data (RFC 7578), read in place.
 *
 * Parts are views into the body; payloads are never copied. Lines may end with
 * LF alone, as some crash reporters have it.
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_SYNTAX  not a form, or one that ends early (answer 400)
 *          E_TOOBIG  more parts or longer headers of one than any form has
 *          E_NOMEM
 */
#ifndef PICKET_ENDPOINT_MULTIPART_H
#define PICKET_ENDPOINT_MULTIPART_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct multipart {
	struct str body;
	struct str delimiter; /* "--" and the boundary */
	struct arena *arena;  /* for names that were escaped */
	size_t at;
	size_t parts;
	size_t close_at; /* where the closing line begins, once all parts were read */
	bool has_crlf;   /* its lines end with CR LF */
};

struct part {
	struct str name;
	bool is_file;        /* it has a filename, maybe an empty one */
	struct str filename; /* without path */
	struct str content_type;
	struct str data;
};

/* content_type tells the boundary. */
int multipart_begin(struct multipart *m, struct str content_type, struct str body, struct arena *a,
	struct err *err);
/* A form inside a part has no Content-Type: its first line is the boundary. */
int multipart_begin_nested(struct multipart *m, struct str body, struct arena *a, struct err *err);
/* E_NOTFOUND after the last part. */
int multipart_next(struct multipart *m, struct part *ret, struct err *err);

#endif
