/* expand.h - ${NAME}, ${NAME:-default} and ${file:/path} in values.
 *
 * ${$}, ${;} and ${#} stand for the character itself: "${$}{" is a literal
 * "${", and " ${;}" a semicolon that inih does not take for a comment. What an
 * expansion puts in is not expanded again.
 *
 * Owns     nothing; the result lives in the arena.
 * Threads  any; reading a file blocks.
 * Fails    E_INVAL and the codes of file_read(), with a reason (and remedy);
 *          E_NOMEM
 */
#ifndef PICKET_CONFIG_EXPAND_H
#define PICKET_CONFIG_EXPAND_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct expansion {
	struct str text;
	bool is_secret; /* part of it comes from a file: not to be shown */
};

/* env may be NULL: no variable is set. */
int expand_value(struct arena *a, const char *const *env, struct str raw, struct expansion *ret,
	struct err *err);

/* The value of a variable, or NULL. */
const char *env_get(const char *const *env, struct str name);

#endif
