/* local.h - the transport of --dev: envelopes end in a view of the last ones.
 *
 * Every request is decoded, summed up in a few lines and answered 200; nothing
 * leaves the machine.
 *
 * Owns     the last LOCAL_KEPT summaries.
 * Threads  loop thread.
 * Fails    never: what cannot be read is summed up as such, and answered 200
 */
#ifndef PICKET_FORWARD_LOCAL_H
#define PICKET_FORWARD_LOCAL_H

#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "forward/transport.h"

#define LOCAL_KEPT        50
#define LOCAL_TYPES_BYTES 96
#define LOCAL_TITLE_BYTES 160

struct local_envelope {
	int64_t wall_ms;
	char event_id[EVENT_ID_HEX_BYTES]; /* "" when there is none */
	char types[LOCAL_TYPES_BYTES];     /* "event, attachment x2", or "security/" */
	char title[LOCAL_TITLE_BYTES];     /* "ValueError: no such colour", "" when there is none */
	char project[24];
	size_t bytes; /* decoded */
};

struct local_view;
typedef void local_fn(void *arg, const struct local_envelope *e);

/* The view lives as long as the transport. */
int local_transport_new(struct transport **ret, struct local_view **view, uv_loop_t *loop,
	const struct clock *clock, struct log *log, struct err *err);
/* each() comes for every envelope from now on: the line on the terminal. Its
 * texts are printable, but the client's own: they do not belong in a log. */
void local_view_listen(struct local_view *v, local_fn *each, void *arg);
/* tap() comes before each(), with the content type and the request's body as it was
 * sent. */
typedef void local_tap_fn(void *arg, struct str content_type, struct str encoding, struct str body);
void local_view_tap(struct local_view *v, local_tap_fn *tap, void *arg);
/* index 0 is the newest; NULL past the end. Valid until the loop runs again. */
const struct local_envelope *local_view_get(const struct local_view *v, size_t index);

/* Fills in what there is to say about an envelope; for tests. */
void local_summarize(struct str body, struct str content_encoding, struct local_envelope *ret);
/* The same for a request to an endpoint of its own: its path. */
void local_summarize_request(struct str path, size_t bytes, struct local_envelope *ret);

#endif
