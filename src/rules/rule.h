/* rule.h - compiled rules. For the files of src/rules.
 *
 *   ruleset.c   settings -> rules
 *   run.c       what stands before the rules, one after the other
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
	uint32_t kinds;         /* of items, and of entries in containers */
	uint32_t parts;         /* of what is inside events: breadcrumbs, spans */
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

#endif
