/* ruleset.h - the [rule NAME] sections at work (design 7, sdk-semantics 5).
 *
 * Rules run in the order of the files on every item they are on, and on every
 * breadcrumb, span, log and metric. Edits go into the items' documents; the
 * caller writes them back, and takes out and counts what is to be dropped.
 *
 * Owns     a ruleset owns what it was compiled to; it needs its settings no
 *          longer. struct rules_state: what "limit" remembers, bounded; it
 *          outlives reloads.
 * Threads  rules_...: any, at the same time, each with a run of its own; the state has
 *          a lock, counters are atomic.
 * Fails    ruleset_load: E_INVAL "FILE:LINE:COLUMN: rule NAME.when: reason"
 *          rules_item, rules_entry: E_NOMEM; nothing of the envelope may be kept
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
/* How many actions a rule has. */
size_t ruleset_actions(const struct ruleset *rs, size_t rule);

/* max_keys bounds what limits remember together; 0: 16384. */
int rules_state_new(struct rules_state **ret, size_t max_keys, struct err *err);
/* NULL is fine. */
void rules_state_free(struct rules_state *st);

/* Whether some rule is on this kind of item, or on parts of it. */
bool ruleset_is_on(const struct ruleset *rs, enum rule_kind kind);

#define RULES_TOLD_MAX 8u

/* What rules said of one envelope. Texts belong to the ruleset. */
struct rules_told {
	const char *decided;              /* the last rule that dropped something, NULL for none */
	const char *hits[RULES_TOLD_MAX]; /* rules that were true, in that order */
	size_t hits_n;
	const char *route; /* a project's name, NULL for none */
	const char *duplicates[RULES_TOLD_MAX];
	size_t duplicates_n;
	struct {
		const char *rule, *text;
	} notes[RULES_TOLD_MAX]; /* of "log" */
	size_t notes_n;
};

/* One envelope on its way through the rules. */
struct rules_run {
	const struct ruleset *rs;
	struct rules_state *st;
	struct envelope *e;
	struct str listener;
	struct instant now;
	struct rules_told *told;
	const char *asking; /* the rule that asks draw */
	/* Of "sample": true when what the scope stands at is kept at this rate. */
	bool (*draw)(void *arg, struct rule_scope *s, double rate);
	void *draw_arg;
};

struct rules_verdict {
	bool is_dropped;
	enum drop_reason why;
	const char *by; /* the rule */
};

/* One item with its breadcrumbs and spans; not a container. *spans: how many spans
 * rules took out of a transaction. */
int rules_item(struct rules_run *r, struct item *it, struct rules_verdict *ret, uint64_t *spans);
/* One entry of the container it. */
int rules_entry(struct rules_run *r, struct item *it, struct json_doc *d, json_node entry,
	struct rules_verdict *ret);

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
