/* bare.h - NaN and Infinity where JSON has no word for them.
 *
 * Owns     nothing; the result lives in the arena.
 * Threads  any.
 * Fails    E_NOMEM
 */
#ifndef PICKET_ENDPOINT_BARE_H
#define PICKET_ENDPOINT_BARE_H

#include "base/arena.h"
#include "base/str.h"

/* Copies text with NaN, Infinity and -Infinity outside of strings as null; every
 * other byte stays. */
int bare_to_null(struct str text, struct arena *a, struct str *ret);

#endif
