/* container.h - the inside of a container item (protocol.md 10), for the files
 * of this room.
 *
 * Owns     nothing: views into the payload.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_CONTAINER_H
#define PICKET_ENVELOPE_CONTAINER_H

#include "base/id.h"
#include "json/json.h"

struct container {
	json_node items;
	json_node version;  /* JSON_NONE when absent */
	json_node settings; /* ingest_settings, likewise */
	struct str entries; /* text between the brackets of items */
	size_t count;
	bool infers; /* upstream may take the User-Agent of the request (11.1) */
};

/* E_SYNTAX when it holds anything else, or one of these twice: merging would
 * lose it. */
int container_read(struct json_doc *d, struct container *ret);

/* The trace id that all entries have. False when there is none, or several. */
bool container_trace(struct json_doc *d, const struct container *c, struct event_id *ret);

#endif
