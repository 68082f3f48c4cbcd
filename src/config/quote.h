/* quote.h - a value as an error sentence shows it.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_CONFIG_QUOTE_H
#define PICKET_CONFIG_QUOTE_H

#include "base/buf.h"
#include "base/str.h"

#define QUOTE_BYTES 80

/* "text" with its quotes; control characters as \n, \t or \xNN, long text cut
 * with dots. Always NUL-terminated. Returns out. */
const char *quote(char out[QUOTE_BYTES], struct str text);

/* Appends a URL with what stands between "://" and "@" as "****"; text without
 * a "://" is left out entirely when all_secret, else as it is. */
void mask_url(struct buf *out, struct str url, bool all_secret);

#endif
