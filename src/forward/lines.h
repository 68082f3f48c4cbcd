/* lines.h - the header lines of a request, and the address of a carried one.
 *
 * Exactly one credential form; who the client is stays (protocol.md 14.1). For
 * the files of src/forward that build requests.
 *
 * Owns     nothing: appends to what struct built owns.
 * Threads  worker.
 */
#ifndef PICKET_FORWARD_LINES_H
#define PICKET_FORWARD_LINES_H

#include "envelope/record.h"
#include "forward/build.h"

/* Of an envelope. */
void lines_envelope(const struct build_order *o, const struct sender *from, enum encoding encoding,
	struct built *b);
/* Of a carried request, and its URL. */
void lines_carried(const struct build_order *o, const struct record *r, enum encoding encoding,
	struct built *b);

#endif
