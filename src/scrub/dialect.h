/* dialect.h - regular expressions as PII configurations write them.
 *
 * Configurations are written for a linear-time engine without look-around and
 * back references. What means the same to PCRE2 is passed on, what is spelled
 * differently is rewritten, what cannot mean the same is refused: a rule that
 * silently matches something else is a leak.
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_SYNTAX   the sentence names the byte offset
 *          E_NOMEM
 */
#ifndef PICKET_SCRUB_DIALECT_H
#define PICKET_SCRUB_DIALECT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Appends the PCRE2 spelling of source. */
int dialect_translate(struct str source, struct buf *out, struct err *err);

#endif
