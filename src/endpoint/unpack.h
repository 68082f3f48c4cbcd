/* unpack.h - compression inside a body, under the memory budget.
 *
 * Owns     what it makes lives in the envelope's arena, or replaces its body.
 * Threads  any.
 * Fails    E_SYNTAX, E_TOOBIG, E_NOMEM, with the sentence
 */
#ifndef PICKET_ENDPOINT_UNPACK_H
#define PICKET_ENDPOINT_UNPACK_H

#include "endpoint/take.h"
#include "envelope/codec.h"

/* Decodes in, up to max_bytes, into memory that the envelope owns from here on
 * in place of its body; in may lie in that body. */
int unpack_body(struct endpoint_work *w, enum encoding e, struct str in, uint64_t max_bytes,
	struct str *ret);

/* Decodes without keeping: only the first n bytes are told, fewer when there are
 * no more. The whole is held against max_bytes. */
int unpack_look(struct endpoint_work *w, enum encoding e, struct str in, uint64_t max_bytes,
	char *first, size_t *n);

#endif
