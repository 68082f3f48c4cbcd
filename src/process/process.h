/* process.h - the order of work, and every judgement about an envelope.
 *
 *   defaults, ignore lists, dedupe and storms, hooks, sampling, trimming; at last
 *   scrubbing, and cutting what is left to depth and length
 *
 * Something that is both filtered and sampled out is counted under the
 * filter's reason (sdk-semantics 1). What is dropped is told as quantities per
 * reason; the rest of the envelope goes on, sessions, check-ins and reports in
 * any case. With nothing configured no payload is looked at.
 *
 * Owns     struct judge: what settings were compiled to; it is attached to them
 *          and goes with them. struct judge_state: what is remembered between
 *          envelopes, bounded.
 * Threads  process_run: any, at the same time; the state has a lock.
 * Fails    E_INVAL   judge_attach: "FILE:LINE: section.key: reason (remedy)"
 *          E_NOMEM   nothing of the envelope may be kept or counted
 */
#ifndef PICKET_PROCESS_PROCESS_H
#define PICKET_PROCESS_PROCESS_H

#include "base/clock.h"
#include "config/settings.h"
#include "envelope/drop.h"
#include "envelope/envelope.h"
#include "rules/ruleset.h"

struct judge;
struct judge_state;
struct hooks;       /* hooks/hooks.h */
struct scrub_tally; /* scrub/scrub.h */
struct scrubber;

/* Compiles the judging part of freshly loaded settings and attaches it. env:
 * environ, for what Kubernetes tells; NULL: nothing. */
int judge_attach(struct settings *s, const char *const *env, struct err *err);
/* NULL when nothing is attached. */
const struct judge *judge_of(const struct settings *s);

/* Its rules, for their figures; NULL when there are none. */
const struct ruleset *judge_rules(const struct judge *j);
/* What scrubs, for its figures; NULL when nothing does. */
const struct scrubber *judge_scrubbing(const struct judge *j);
/* The hooks of the script; NULL when there is none. */
const struct hooks *judge_hooks(const struct judge *j);

int judge_state_new(struct judge_state **ret, struct err *err);
/* NULL is fine. */
void judge_state_free(struct judge_state *st);

/* What let something go: "rule NAME", "ignore errors", "sample NAME", "sampling
 * logs", "hook before_send", "dedupe". Texts belong to the settings. */
struct decided {
	const char *what; /* NULL: nothing did */
	const char *name; /* "" for none */
};

/* "rule NAME"; nothing when nothing did. */
void decided_write(const struct decided *d, struct buf *out);

#define SCRUBBED_BYTES 161

struct process_result {
	struct quantities *dropped;    /* by enum drop_reason; NULL: nothing */
	struct decided by[DROP_COUNT]; /* the first to drop something for that reason */
	struct rules_told told;        /* by rules */
	unsigned hook_calls, hook_errors;
	char hook_error[96]; /* the last one, without any text of the client's */
	bool is_unique;      /* tell judge_state_stored() when it is stored */
	/* Paths of what was scrubbed, for people: "user.email, request.cookies, and more".
	 * Names that clients made are left out where they might tell something. */
	char scrubbed[SCRUBBED_BYTES];
};
void process_result_fini(struct process_result *r);

/* j NULL: the envelope is left alone. */
int process_run(const struct judge *j, struct judge_state *st, struct envelope *e,
	struct instant now, struct process_result *ret, struct err *err);

/* The event with this id is on disk: with [dedupe], the same id again is dropped. */
void judge_state_stored(struct judge_state *st, const struct event_id *id, struct instant now);

/* The last steps before an envelope is packed: what [scrub] takes out, then cutting
 * to depth and length. Adds what had to be dropped to *ret. E_NOMEM: nothing of the envelope may be
 * kept. */
int process_scrub(const struct judge *j, struct envelope *e, struct process_result *ret,
	struct scrub_tally *tally, struct err *err);
/* What a person should be told about the rules of scrubbing. NULL past the last. */
const char *process_scrub_warning(const struct judge *j, size_t i);

#endif
