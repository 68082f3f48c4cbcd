/* timefmt.h - RFC 3339 times as envelopes carry them (protocol.md 17).
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_BASE_TIMEFMT_H
#define PICKET_BASE_TIMEFMT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Reads a full RFC 3339 date-time with offset ("Z" or "+hh:mm") into UNIX
 * microseconds. Digits beyond microseconds are cut. False when it is not one. */
bool rfc3339_parse(struct str s, int64_t *wall_us);

/* Writes YYYY-MM-DDTHH:MM:SS.ssssssZ and a NUL; years 0 to 9999. */
#define RFC3339_BYTES 28
void rfc3339_format(int64_t wall_us, char out[RFC3339_BYTES]);

#endif
