/* event.h - what the steps that edit events share. For files of src/process.
 *
 *   event.c      finding things in an event
 *   defaults.c   fills what is absent
 *   trim.c       breadcrumbs, spans, request bodies: what is cut away
 *   frames.c     stack frames: how many, in_app, locals, source
 *   bags.c       depth and breadth of what applications put in
 *   lengths.c    texts that are too long
 *
 * Owns     nothing: edits of the item's document.
 * Threads  as its envelope.
 * Fails    E_NOMEM
 */
#ifndef PICKET_PROCESS_EVENT_H
#define PICKET_PROCESS_EVENT_H

#include "process/judge.h"
#include "process/note.h"

/* An event or transaction being edited. */
struct event {
	struct work *w;
	struct item *it;
	struct json_doc *d;
	json_node root;
	struct notes notes;
	struct buf *scratch; /* for callbacks */
};

/* False when there is no such item (it NULL), or it is no JSON object. */
bool event_open(struct event *ev, struct work *w, struct item *it);

/* Elements of a list that clients write as {"values": [...]}, as [...], or, when
 * there is one, as the element itself: the parent of the elements, or JSON_NONE
 * with *single. */
struct values {
	json_node list;   /* an array, or JSON_NONE */
	json_node single; /* or JSON_NONE */
};
struct values event_values(struct json_doc *d, json_node root, const char *key);
json_node values_first(const struct json_doc *d, const struct values *v);
json_node values_next(const struct json_doc *d, const struct values *v, json_node n);

/* Every frame of every stack trace. E_OK goes on. */
typedef int frame_fn(struct event *ev, json_node frame);
int event_each_frame(struct event *ev, frame_fn *each);

int event_trim(struct event *ev);
int event_frames(struct event *ev);
int event_bags(struct event *ev);
int event_lengths(struct event *ev);

#endif
