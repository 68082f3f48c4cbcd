/* form_id.h - the event id that a crash report's form tells (20.3).
 *
 * In this order: a file __sentry-event, a field "sentry" with JSON (or the same
 * in pieces, sentry__1, sentry__2, ...), a field sentry[event_id].
 *
 * Owns     views into the form.
 * Threads  any.
 */
#ifndef PICKET_ENDPOINT_FORM_ID_H
#define PICKET_ENDPOINT_FORM_ID_H

#include "base/id.h"
#include "endpoint/multipart.h"

/* Pieces beyond this are no event that could be accepted. */
#define FORM_PIECES_MAX 64u

struct form_id {
	struct str event_file; /* MessagePack */
	struct str json;
	struct str field;
	struct str pieces[FORM_PIECES_MAX]; /* [0] is sentry__1 */
};

/* Remembers what a part says. Anything else is passed over. */
void form_id_read(struct form_id *f, const struct part *p);
/* False: nothing tells an id. */
bool form_id_get(const struct form_id *f, struct arena *a, struct event_id *ret);

#endif
