/* shape.h - what a text must look like to be a DSN, a URL, a header, ...
 *
 * Owns     nothing.
 * Threads  any; resolving users and groups blocks.
 * Fails    E_INVAL with "\"value\" reason (remedy)"; a DSN's key is never part
 *          of it
 */
#ifndef PICKET_CONFIG_SHAPE_H
#define PICKET_CONFIG_SHAPE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "config/settings.h"

/* scheme://key[:secret]@host[:port][/prefix]/project (protocol.md 2, P-004). */
int shape_dsn(struct str dsn, struct err *err);
/* [A-Za-z0-9_-]{1,64}: a client's key. */
bool shape_is_key(struct str s);
/* Whether all of s are decimal digits; false for empty text. */
bool shape_is_digits(struct str s);

/* What a setting's own text or list must look like beyond its type. May
 * replace the field by its canonical form. shown as in struct value_text. */
int shape_check(const struct setting_info *info, void *field, struct str shown, struct arena *a,
	struct err *err);

#endif
