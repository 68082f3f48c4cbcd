/* body.h - the bytes of one request body, as they arrive.
 *
 * Memory follows what has arrived, not what was announced: a client that
 * declares 200 MiB and sends nothing costs nothing. A declared length is never
 * overshot, so that a body which is handed on fits exactly.
 *
 * Owns     its bytes and their share of the budget, until body_fini().
 * Threads  loop thread; then with its request on a worker.
 * Fails    E_TOOBIG  beyond the limit, or more than limits.memory can ever hold
 *          E_NOMEM   the budget is used up now
 */
#ifndef PICKET_INGEST_BODY_H
#define PICKET_INGEST_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/err.h"
#include "base/str.h"

struct body {
	char *p;
	size_t n;
	size_t cap; /* taken from the budget */
	struct budget *budget;
	uint64_t declared; /* 0: not known */
	uint64_t max_bytes;
	const char *limit; /* the setting that says so */
};

/* declared 0: not known. budget may be NULL. */
void body_init(struct body *b, struct budget *budget, uint64_t declared, uint64_t max_bytes);
void body_fini(struct body *b);

/* Whether a body of the declared length can be taken at all. */
int body_check_declared(const struct body *b, struct err *err);

/* All of the declared length at once, when it is certain to come. */
int body_reserve(struct body *b, struct err *err);

int body_add(struct body *b, const char *p, size_t n, struct err *err);
/* Room at the end for the next bytes, so that they need not be copied: read
 * there, then body_add() the same place. NULL: there is none. */
char *body_room(struct body *b, size_t *n);

static inline struct str body_view(const struct body *b)
{
	return str_make(b->p, b->n);
}

#endif
