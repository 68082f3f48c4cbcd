/* encoding.h - base64 and percent-encoding, bounded by the output given.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_BASE_ENCODING_H
#define PICKET_BASE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Standard or URL-safe alphabet, padding optional, blanks and line ends
 * skipped. out holds at least s.n / 4 * 3 + 3 bytes. False on any other byte. */
bool base64_decode(struct str s, char *out, size_t *ret_n);
/* Appends s, padded. */
void base64_encode(struct str s, struct buf *out);

/* Undoes %xx, and + as a blank when plus_is_blank. A % without two hex digits
 * stands for itself. out holds s.n bytes. Returns the bytes written. */
size_t percent_decode(struct str s, bool plus_is_blank, char *out);

#endif
