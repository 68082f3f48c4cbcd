/* judge.h - the inside of judging. For files of src/process only.
 *
 *   process.c   the order of work
 *   judge.c     what settings are compiled to
 *   sampling.c  errors, traces, profiles, replays, attachments that come late
 *   entries.c   sampling inside log and metric containers
 *   state.c     what is remembered between envelopes
 *
 * Owns     as process.h.
 * Threads  a struct work belongs to one call of process_run().
 */
#ifndef PICKET_PROCESS_JUDGE_H
#define PICKET_PROCESS_JUDGE_H

#include "process/draw.h"
#include "process/process.h"

/* Kinds of things that have a rate of their own. */
enum sampled_kind {
	SAMPLED_ERROR,
	SAMPLED_TRANSACTION,
	SAMPLED_PROFILE,
	SAMPLED_PROFILE_SESSION,
	SAMPLED_REPLAY,
	SAMPLED_LOG,
	SAMPLED_METRIC,
	SAMPLED_SPAN,
	SAMPLED_COUNT
};

struct judge {
	const struct settings *settings; /* which own this judge */
	double rate[SAMPLED_COUNT];
	bool samples; /* some rate is below 1 */
	bool is_needed;
};

/* One envelope being judged. */
struct work {
	const struct judge *j;
	struct judge_state *state;
	struct envelope *e;
	struct instant now;
	struct process_result *ret;
	struct err *err;
};

/* Where a drop of this reason is counted. NULL: no memory. */
struct quantities *work_dropped(struct work *w, enum drop_reason why);
/* Takes out the items for which gone() is true, and counts them. */
int work_drop_if(struct work *w, envelope_gone_fn *gone, void *arg, enum drop_reason why);
/* Drops the error event or the transaction of this envelope with all that is
 * bound to it (sdk-semantics 4), and remembers that for what comes late. */
int work_drop_event(struct work *w, enum drop_reason why);
int work_drop_transaction(struct work *w, enum drop_reason why);
/* True when something is left that attachments can belong to. */
bool work_has_owner(const struct work *w);
/* E_NOMEM with its sentence. */
int work_no_memory(struct work *w);
/* Drops standalone spans and what is bound to the trace. */
int work_drop_spans(struct work *w, enum drop_reason why);
/* The first item of a type, or NULL. */
struct item *work_find(struct work *w, enum item_type type);

int work_sample(struct work *w);
int work_sample_entries(struct work *w);

/* What became of the event with this id not long ago: DROP_NONE when it was
 * kept. False when it is not known. */
bool state_recall(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, enum drop_reason *why);
void state_remember(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, enum drop_reason why);

#endif
