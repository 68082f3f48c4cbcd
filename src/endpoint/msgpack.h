/* msgpack.h - one text out of a MessagePack map.
 *
 * Crash handlers write events as MessagePack; all that is needed of one here is
 * its id.
 *
 * Owns     nothing: views.
 * Threads  any.
 */
#ifndef PICKET_ENDPOINT_MSGPACK_H
#define PICKET_ENDPOINT_MSGPACK_H

#include "base/str.h"

/* The string that the outermost map has under this key. p == NULL when there is
 * none, or the bytes are no such map. */
struct str msgpack_text(struct str bytes, struct str key);

#endif
