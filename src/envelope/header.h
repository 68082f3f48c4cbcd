/* header.h - header lines, for the files of this room.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_HEADER_H
#define PICKET_ENVELOPE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "envelope/envelope.h"

/* What counts and sizes in headers and payloads may claim at most. */
#define HEADER_COUNT_MAX UINT32_MAX
#define HEADER_BYTES_MAX (UINT64_C(1) << 40)

struct header_extent {
	size_t n;        /* bytes of the object */
	bool is_compact; /* no blanks between its tokens */
};

/* Where the object at the front of text ends, by brackets and strings alone.
 * E_NOTFOUND when text ends first, E_SYNTAX on a control character inside a
 * string. Whether it is JSON must be checked by parsing it. */
int header_scan(struct str text, struct header_extent *ret);

/* Printable ASCII without blanks, from the first byte to the last. */
bool header_is_plain(struct str text);

/* Reads e->header into e's fields. *what tells what is wrong: E_SYNTAX, E_NOMEM. */
int header_read_envelope(struct envelope *e, const char **what);

struct header_length {
	bool given; /* not absent, not null */
	uint64_t bytes;
};

/* Reads d, the header it->header_text, into it. d may go then: what stays is
 * in keep. */
int header_read_item(struct item *it, struct arena *keep, struct json_doc *d,
	struct header_length *length, const char **what);

/* The content type of containers of that type; "" when it has none. */
struct str container_type(enum item_type type);

/* The event_id that a payload tells; false when it tells none. */
bool payload_event_id(struct str payload, struct event_id *ret);

#endif
