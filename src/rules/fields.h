/* fields.h - compiled paths. For the files of src/rules.
 *
 * The plain part of a path, up to the first [*], is a chain of fields that all
 * conditions of one rule set share: each field is looked up once in a scope.
 * What stands behind the first [*] is walked.
 *
 * Owns     struct rule_fields owns its arena and the regular expressions.
 * Threads  read-only once everything is parsed.
 */
#ifndef PICKET_RULES_FIELDS_H
#define PICKET_RULES_FIELDS_H

#include "base/arena.h"
#include "rules/condition.h"
#include "rules/virtual.h"

enum step_kind {
	STEP_KEY,
	STEP_INDEX,
	STEP_EACH, /* [*]: elements of an array, members of an object */
	STEP_DEEP  /* **: everything below, last in a path */
};

struct rule_step {
	enum step_kind kind;
	bool any_case;  /* keys of request.headers */
	bool is_values; /* "values" of a list that may stand without it */
	bool unwraps;   /* an attribute: {"value": x, "type": t} stands for x */
	struct str key;
	int64_t index;
};

#define FIELD_ROOT 0u
struct rule_field {
	uint32_t parent;
	struct rule_step step;
};

/* From where the first step of a path starts. */
enum path_base { BASE_ROOT, BASE_ITEM, BASE_ENVELOPE };

struct rule_path {
	struct str text; /* as it was written */
	uint32_t field;  /* the plain part */
	size_t steps_n;  /* all steps, from the base on */
	struct rule_step *steps;
	size_t plain_n; /* steps in front of the first [*] or ** */
	enum path_base base;
	enum rule_virtual virtual; /* VIRTUAL_NONE: there is none of this name */
};

struct rule_regex;

struct rule_fields {
	struct arena *arena;
	struct rule_field *v; /* v[0] is the root */
	uint32_t n, cap;
	struct rule_regex *regexes;
};

/* The field of one step below parent, the same for equal ones. UINT32_MAX: no
 * memory. */
uint32_t fields_intern(struct rule_fields *f, uint32_t parent, const struct rule_step *step);

/* Finishes a path: flags of its steps, plain part, virtual name. */
int path_finish(struct rule_fields *f, struct rule_path *p);

#endif
