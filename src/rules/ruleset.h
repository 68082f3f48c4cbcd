/* ruleset.h - the [rule NAME] sections at work (design 7, sdk-semantics 5).
 *
 * Rules run in the order of the files on every item they are on, and on every
 * breadcrumb, span, log and metric. Edits go into the items' documents; the
 * caller writes them back with envelope_settle() when all is done.
 *
 * Owns     a ruleset owns what it was compiled to; it needs its settings no
 *          longer. struct rules_state: what "limit" remembers, bounded; it
 *          outlives reloads.
 * Threads  ruleset_run: any, at the same time; the state has a lock, counters
 *          are atomic.
 * Fails    ruleset_load: E_INVAL "FILE:LINE:COLUMN: rule NAME.when: reason"
 *          ruleset_run: E_NOMEM; nothing of the envelope may be kept or counted
 */
#ifndef PICKET_RULES_RULESET_H
#define PICKET_RULES_RULESET_H

#include "config/settings.h"
#include "envelope/drop.h"
#include "rules/condition.h"

struct ruleset;
struct rules_state;

/* Compiles s->rules; projects of route and duplicate are looked up in s. */
int ruleset_load(struct ruleset **ret, const struct settings *s, struct err *err);
/* NULL is fine. */
void ruleset_free(struct ruleset *rs);
size_t ruleset_count(const struct ruleset *rs);

/* max_keys bounds what limits remember together; 0: 16384. */
int rules_state_new(struct rules_state **ret, size_t max_keys, struct err *err);
/* NULL is fine. */
void rules_state_free(struct rules_state *st);

#define RULES_TOLD_MAX 8u

struct rules_note {
	const char *rule;
	const char *text;
};

/* Texts belong to the ruleset. */
struct rules_result {
	struct quantities *dropped; /* by enum drop_reason; NULL: nothing. Freed by fini */
	bool lost_event;            /* the event or transaction of the envelope went, */
	enum drop_reason lost_why;  /* so that what comes late for it goes too */
	const char *decided;        /* the rule that dropped an item, NULL for none */
	const char *route;          /* a project's name, NULL for none */
	const char *duplicates[RULES_TOLD_MAX];
	size_t duplicates_n;
	const char *hit[RULES_TOLD_MAX]; /* the first rules that were true */
	size_t hit_n;
	struct rules_note notes[RULES_TOLD_MAX]; /* of "log" */
	size_t notes_n;
};
void rules_result_fini(struct rules_result *r);

/* rs NULL or empty: nothing happens. */
int ruleset_run(const struct ruleset *rs, struct rules_state *st, struct envelope *e,
	struct str listener, struct instant now, struct rules_result *ret, struct err *err);

/* What a rule did since it was loaded. */
struct rule_stats {
	const char *name;
	uint64_t hits;
	uint64_t misses;
	uint64_t dropped; /* items and elements */
	uint64_t missing; /* tests that found no value */
	uint64_t errors;  /* tests and edits of the wrong type, or beyond a limit */
	uint64_t time_ns;
};
void ruleset_stats(const struct ruleset *rs, size_t rule, struct rule_stats *ret);

/* Of "count NAME". False beyond the last. */
bool ruleset_counter(const struct ruleset *rs, size_t i, const char **name, uint64_t *n);

#endif
