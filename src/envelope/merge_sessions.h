/* merge_sessions.h - sessions of one stream (protocol.md 11.3), for merge.c.
 *
 * Aggregates with equal attrs make one item; those with equal started and did are
 * one aggregate, whose counters are summed. An aggregate that says anything else
 * stays as it is, beside the others. Session updates, and sessions items that say
 * more than aggregates and attrs, are passed on as they came. What came first
 * stands first.
 *
 * Owns     copies of all it keeps.
 * Threads  one at a time.
 */
#ifndef PICKET_ENVELOPE_MERGE_SESSIONS_H
#define PICKET_ENVELOPE_MERGE_SESSIONS_H

#include "envelope/keymap.h"
#include "envelope/merge.h"
#include "envelope/merge_part.h"

struct merge_sessions {
	struct keymap attrs;   /* canonical: number in groups */
	struct keymap moments; /* group, started, did: number in moment_of */
	size_t *moment_of;     /* number in aggregates */
	size_t moment_cap;
	struct session_group *groups;
	size_t groups_cap;
	struct aggregate *aggregates;
	size_t aggregates_n, aggregates_cap;
	struct session_piece *pieces; /* what is written, in order */
	size_t pieces_n, pieces_cap;
	size_t updates; /* pieces that are passed on as they came */
	struct buf texts;
	struct buf one; /* scratch: a key */
};

void merge_sessions_init(struct merge_sessions *m, const struct siphash_key *seed);
void merge_sessions_fini(struct merge_sessions *m);
void merge_sessions_clear(struct merge_sessions *m);

/* Makes room for the sessions of a part. E_TOOBIG, E_NOMEM. */
int merge_sessions_plan(
	struct merge_sessions *m, struct part *p, const struct merge_limits *limits);
void merge_sessions_take(struct merge_sessions *m, struct part *p);
void merge_sessions_write(const struct merge_sessions *m, struct buf *out);

#endif
