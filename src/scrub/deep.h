/* deep.h - default scrubbing where the receiver's leaves a gap (design 6).
 *
 * Tags, typed contexts, request.url, span descriptions and data, log bodies,
 * messages and exception values: there a sensitive key takes the whole value,
 * while in text only what is secret itself is replaced.
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_NOMEM
 */
#ifndef PICKET_SCRUB_DEEP_H
#define PICKET_SCRUB_DEEP_H

#include "scrub/derive.h"

/* Appends a configuration; nothing when the settings ask for nothing. */
int deep_config(const struct derive_settings *s, struct buf *out, struct err *err);

#endif
