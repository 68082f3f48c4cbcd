/* event.h - an event envelope from what stands on a command line.
 *
 * Pure: facts in, bytes out.
 *
 * Owns     nothing but the tags and extras it collected, until event_fini().
 * Threads  one.
 * Fails    E_INVAL with a sentence; E_NOMEM
 */
#ifndef PICKET_CLI_EVENT_H
#define PICKET_CLI_EVENT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

struct event {
	struct event_id id;
	int64_t wall_us;
	const char *level;       /* NULL: error */
	const char *message;     /* UTF-8 */
	const char *environment; /* these three may be NULL */
	const char *release;
	const char *server_name;
	json_t *tags, *extra; /* objects of strings, NULL while empty */
};

/* "key=value" into *object, which is made on first use. */
int event_pair(json_t **object, const char *pair, struct err *err);
/* debug, info, warning, error, fatal; also warn. NULL: no such level. */
const char *event_level(const char *text);

/* Appends envelope header, event item header and payload. */
int event_write(const struct event *e, struct buf *out, struct err *err);
/* Appends one attachment item. path is cut to its last part. */
int event_write_attachment(const char *path, struct str bytes, struct buf *out, struct err *err);
void event_fini(struct event *e);

#endif
