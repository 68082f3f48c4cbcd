/* make.h - what the endpoints of this room share: making items and requests.
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_NOMEM, with the sentence
 */
#ifndef PICKET_ENDPOINT_MAKE_H
#define PICKET_ENDPOINT_MAKE_H

#include "endpoint/take.h"

int make_no_memory(struct endpoint_work *w);
/* E_SYNTAX with this sentence. */
int make_malformed(struct endpoint_work *w, const char *what);
/* E_UNSUPPORTED unless the Content-Type is one of these; NULL ends the list. */
int make_check_media(struct endpoint_work *w, const char *const *types);

/* Puts text into the body, which may move. */
int make_insert(struct endpoint_work *w, size_t at, struct str text);

/* Room for this many items. */
int make_items(struct endpoint_work *w, size_t room);
/* The next item; header is one compact JSON object. */
struct item *make_item(
	struct endpoint_work *w, enum item_type type, struct str header, struct str payload);
/* The envelope's id: in the struct and in its header. */
int make_event_id(struct endpoint_work *w, const struct event_id *id);
int make_random_id(struct endpoint_work *w, struct event_id *ret);

/* A request whose body goes on as it is now, to this path below its project. */
int make_carried(struct endpoint_work *w, enum item_type type, uint64_t entries, struct str path,
	struct str query);

/* One for each endpoint or kind of them. */
int take_store(struct endpoint_work *w);
int take_cron(struct endpoint_work *w);
int take_attachments(struct endpoint_work *w);
int take_minidump(struct endpoint_work *w);
int take_security(struct endpoint_work *w);
int take_nel(struct endpoint_work *w);
int take_unreal(struct endpoint_work *w);
int take_playstation(struct endpoint_work *w);
int take_otlp(struct endpoint_work *w);
int take_other(struct endpoint_work *w);

#endif
