/* rule.h - compiled rules. For the files of src/rules.
 *
 *   ruleset.c   settings -> rules
 *   run.c       items, one after the other
 *   elements.c  breadcrumbs, spans, logs, metrics
 *   act.c       what a rule that was true does
 *   bound.c     what goes with what was dropped
 *
 * Owns     as ruleset.h.
 * Threads  rules are read-only but for their counters.
 */
#ifndef PICKET_RULES_RULE_H
#define PICKET_RULES_RULE_H

#include <stdatomic.h>

#include "rules/action.h"
#include "rules/ruleset.h"

struct rule {
	const char *name;
	uint32_t kinds; /* of items, and of entries in containers */
	uint32_t parts; /* of what is inside events: breadcrumbs, spans */
	struct condition *when; /* NULL: always */
	struct rule_actions then;
	uint64_t id; /* of its name: the same in every process */
	_Atomic uint64_t hits, misses, dropped, missing, errors, time_ns;
};

struct rule_counter {
	const char *name;
	_Atomic uint64_t n;
};

struct ruleset {
	struct rule_fields *fields;
	struct rule *v;
	size_t n;
	uint32_t kinds, parts; /* of all rules */
	struct rule_counter *counters;
	size_t counters_n;
};

/* The elements of one list, as they were when the first rule looked. */
struct elements {
	bool is_loaded;
	json_node list;
	size_t n, before;
	json_node *v; /* JSON_NONE: gone or kept by a rule, for the rest to leave alone */
};

/* One envelope on its way through the rules. */
struct run {
	const struct ruleset *rs;
	struct rules_state *st;
	struct envelope *e;
	struct item *it;
	struct rule_scope scope;
	struct acting acting;
	struct elements crumbs, spans;
	enum drop_reason *why; /* one for each item */
	struct rules_result *ret;
	struct err *err;
};

enum act_end { ACT_ON, ACT_KEEP, ACT_DROP };

/* Where a loss of this reason is counted. NULL: no memory. */
struct quantities *run_dropped(struct run *r, enum drop_reason why);
int run_no_memory(struct run *r);

/* The actions of rule on what the scope stands at. E_NOMEM, else E_OK with *end
 * and, for ACT_DROP, *why. */
int act_run(struct run *r, const struct rule *rule, enum act_end *end, enum drop_reason *why);
/* Judges and counts. */
bool rule_is_true(struct run *r, const struct rule *rule);

/* Rules on parts of r->it: breadcrumbs and spans. */
int elements_of_item(struct run *r, const struct rule *rule);
/* All rules on the entries of the container r->it. */
int elements_of_container(struct run *r, enum rule_kind kind);
/* The item was edited as a whole: lists may be others. */
void elements_forget(struct run *r);

/* Takes out what r->why says, with all that is bound to it. */
int bound_drop(struct run *r);

#endif
