/* note.h - "_meta": what was taken away from which part of an event.
 *
 * Written as SDKs write it: a tree like the event's own, where the member ""
 * of a place tells its length before ("len") and why it changed ("rem").
 *
 * Owns     nothing: edits of the event's document.
 * Threads  as the document.
 * Fails    E_NOMEM
 */
#ifndef PICKET_PROCESS_NOTE_H
#define PICKET_PROCESS_NOTE_H

#include "base/arena.h"
#include "json/json.h"

#define PLACE_DEPTH 128u

/* Where a walk is: the nodes from the root down, and their numbers in arrays. */
struct place {
	size_t n;
	struct {
		json_node node;
		uint64_t index;
	} at[PLACE_DEPTH];
};

/* Notes of one event. Looking up a place takes longer the more there are, so
 * that only the first thousand are written. */
#define NOTES_MAX 1000u
struct notes {
	struct json_doc *d;
	struct arena *a;
	unsigned written;
};

/* len 0: none; one that is there and larger stays. rem: JSON of one remark, ""
 * for none; it is borrowed. */
int note_place(struct notes *n, const struct place *p, uint64_t len, struct str rem);
/* The same for a path with dots. */
int note_path(struct notes *n, const char *path, uint64_t len, struct str rem);
/* The first gone elements of an array went: what is noted of the others moves
 * with them. */
int note_shift(struct notes *n, const char *path, uint64_t gone);

/* Walking. place_start makes n the root of the walk, below what is there. */
bool place_push(struct place *p, json_node node, uint64_t index);
/* The node after the current one: down when into, else beside or up, never above
 * the first base nodes. False at the end. */
bool place_next(const struct json_doc *d, struct place *p, size_t base, bool into);

#endif
