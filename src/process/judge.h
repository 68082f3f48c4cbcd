/* judge.h - the inside of judging. For files of src/process only.
 *
 *   process.c   the order of work
 *   judge.c     what settings are compiled to
 *   sampling.c  errors, traces, profiles, replays, attachments that come late
 *   rates.c     which rate concerns an item: [sample NAME], [sampling]
 *   entries.c   entries of containers, and sampling among them
 *   draw.h      the numbers that sampling compares; dsc.h the trace header
 *   ignore.c    ignore lists; match.h their patterns, class_sets.h
 *   repeats.c   dedupe and storms
 *   ruling.c    [rule NAME] sections
 *   hook.c      the operator's Lua functions
 *   event.h     editing events
 *   state.c     what is remembered between envelopes
 *   kubernetes.c  where a client runs
 *   scrubbing.c the last step
 *
 * Owns     as process.h.
 * Threads  a struct work belongs to one call of process_run().
 */
#ifndef PICKET_PROCESS_JUDGE_H
#define PICKET_PROCESS_JUDGE_H

#include "hooks/hooks.h"
#include "process/draw.h"
#include "process/ignore.h"
#include "process/process.h"
#include "rules/condition.h"
#include "scrub/scrub.h"

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
	const struct settings *settings;  /* which own this judge */
	double rate[SAMPLED_COUNT];       /* where no [sample] says another */
	bool is_sampled[SAMPLED_COUNT];   /* a rate below 1, or a [sample], concerns it */
	bool samples;                     /* some of them */
	struct rule_fields *fields;       /* of the conditions below */
	struct sample_rule *sample_rules; /* in their order */
	size_t sample_rules_n;
	struct arena *arena;
	struct ignore ignore;
	bool ignores;
	uint64_t storm_count; /* [storm] per_issue; 0: none */
	int64_t storm_ms;
	struct str pod, namespace, node; /* "" when not known */
	bool containers;                 /* tag with the client's container */
	bool fills;                      /* something is filled into events */
	bool fills_entries;              /* and into logs, metrics and spans */
	bool trims;                      /* something is taken away from events */
	bool cuts;                       /* and something that waits for scrubbing */
	struct hooks *hooks;             /* NULL: none */
	struct ruleset *rules;           /* NULL: none */
	bool is_needed;
	struct scrubber *scrubber;
};

/* Makes the scrubber that [scrub] asks for. */
int judge_scrubber(const struct settings *s, struct scrubber **ret, struct err *err);

/* Cuts events to the depth, breadth and lengths that [event] asks for. */
int process_cut(const struct judge *j, struct envelope *e, struct err *err);

/* One envelope being judged. */
struct work {
	const struct judge *j;
	struct judge_state *state;
	struct envelope *e;
	struct instant now;
	struct process_result *ret;
	struct err *err;
	double rule_rate;    /* the least that a rule sampled the transaction at; 1: none */
	const char *rule_by; /* that rule */
	struct decided by;   /* who is deciding now */
};

/* Says who is deciding, until the next one does. */
void work_by(struct work *w, const char *what, const char *name);
/* What was dropped for this reason was dropped by who is deciding now. */
void work_decided(struct work *w, enum drop_reason why);

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
/* Drops what came before under the same id, and is stored already. */
int work_drop_again(struct work *w, enum drop_reason why);
/* Drops standalone spans and what is bound to the trace. */
int work_drop_spans(struct work *w, enum drop_reason why);
/* The first item of a type, or NULL. */
struct item *work_find(struct work *w, enum item_type type);

int work_sample(struct work *w);

/* One [sample NAME]. */
struct sample_rule {
	unsigned kinds;         /* bits of 1 << enum sampled_kind */
	struct condition *when; /* NULL: always */
	double rate;
	bool inherits;
	bool of_transaction; /* scope = transaction */
	bool reads_head;     /* nothing but what a trace header tells */
};

/* What is asked about: an item, or an entry of one. */
struct rated {
	enum sampled_kind kind;
	struct item *it;
	struct json_doc *doc; /* NULL: nothing to look at */
	json_node root;
	bool continues; /* a trace that began elsewhere: the head's facts decide */
};
/* The rate of the first [sample] that is true, else [sampling]'s. 1 keeps. Who said
 * so is deciding from here on. */
double rate_of(struct work *w, const struct rated *what);
/* Compiles [sample NAME]; rates_fini() in any case. */
int rates_compile(struct judge *j, struct err *err);
/* [sampling]'s own rate. */
double rate_of_kind(struct work *w, enum sampled_kind kind);
void rates_fini(struct judge *j);
int work_sample_entries(struct work *w);
int work_fill(struct work *w);
int work_ignore(struct work *w);
int work_repeats(struct work *w);
int work_hooks(struct work *w);
int work_rules(struct work *w);

/* Takes out the entries of containers of a type for which gone() is true. */
typedef bool entry_gone_fn(void *arg, struct json_doc *d, json_node entry);
int work_drop_entries(
	struct work *w, enum item_type type, entry_gone_fn *gone, void *arg, enum drop_reason why);
/* Its attributes, made when there are none; JSON_NONE: no memory. */
json_node entry_attributes(struct json_doc *d, json_node entry);

/* Puts "FILE:LINE: section.key" in front of what is wrong. Returns rc. */
int judge_blame(
	const struct settings *s, const char *section, const char *key, int rc, struct err *err);
/* Pod, namespace and node, as Kubernetes gives them: variables, else files below
 * podinfo. */
#define KUBERNETES_PODINFO "/etc/podinfo"
void kubernetes_read(struct judge *j, const char *const *env, const char *podinfo);
/* Id of the container a process runs in: 64 digits, or "". */
#define CONTAINER_ID_BYTES 65
void container_id_of(int64_t pid, char out[CONTAINER_ID_BYTES]);

/* What "limit" of rules remembers. */
struct rules_state *state_of_rules(struct judge_state *st);

/* What became of the event with this id not long ago: DROP_NONE when it was
 * kept. False when it is not known. */
bool state_recall(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, enum drop_reason *why);
void state_remember(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, enum drop_reason why);

/* True when the event with this id was stored within window_ms. */
bool state_is_stored(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, int64_t window_ms);

/* Numbers that stand for texts clients choose. */
struct digest {
	uint64_t v[2];
};
struct digest state_digest(const struct judge_state *st, struct str bytes);
/* True when what came last from this sender, within window_ms, was the same and
 * under another id. Else it is remembered as the last. */
bool state_repeats(struct judge_state *st, const struct digest *sender, const struct digest *what,
	const struct digest *id, int64_t mono_ms, int64_t window_ms);
/* True when the issue has had count events in this window already: the event is
 * folded. Else *folded tells how many were since the last one. */
bool state_storms(struct judge_state *st, const struct digest *issue, int64_t mono_ms,
	uint64_t count, int64_t window_ms, uint64_t *folded);

#endif
