/* action.h - what a rule does: the "then" language. For the files of src/rules.
 *
 *   actions.c       reading
 *   act_edit.c   set, set_default, delete, rename, append
 *   act_text.c   replace, redact, hash, mask, truncate, strip_query, scrub_params
 *   act_event.c  tag, fingerprint, level, in_app, remove_elements
 *
 * drop, keep, sample, limit, route, duplicate, log and count are not edits;
 * ruleset_run() does them.
 *
 * Owns     nothing: arena memory of the fields.
 * Threads  read-only once read.
 */
#ifndef PICKET_RULES_ACTION_H
#define PICKET_RULES_ACTION_H

#include "envelope/drop.h"
#include "rules/term.h"

enum action_kind {
	ACTION_DROP,
	ACTION_KEEP,
	ACTION_SAMPLE,
	ACTION_LIMIT,
	ACTION_ROUTE,
	ACTION_DUPLICATE,
	ACTION_LOG,
	ACTION_COUNT,
	ACTION_SET, /* from here on: edits of the payload */
	ACTION_SET_DEFAULT,
	ACTION_DELETE,
	ACTION_RENAME,
	ACTION_APPEND,
	ACTION_REPLACE,
	ACTION_REDACT,
	ACTION_HASH,
	ACTION_MASK,
	ACTION_TRUNCATE,
	ACTION_STRIP_QUERY,
	ACTION_SCRUB_PARAMS,
	ACTION_REMOVE_ELEMENTS,
	ACTION_TAG,
	ACTION_FINGERPRINT,
	ACTION_LEVEL,
	ACTION_IN_APP,
	ACTION_KIND_COUNT
};

struct rule_action {
	enum action_kind kind;
	struct rule_path path;
	struct rule_path to;     /* rename */
	struct rule_term term;   /* V */
	struct condition *where; /* NULL: all places of path */
	const struct rule_regex *regex;
	struct str text; /* template, replacement, key, project, log line, name */
	struct str *names;
	size_t names_n;
	struct rule_path *by;
	size_t by_n;
	double rate;
	uint64_t n; /* limit, bytes */
	uint64_t period_ms;
	enum drop_reason reason;
	bool adds; /* fingerprint += */
	bool flag; /* in_app */
	uint32_t counter;
};

struct rule_actions {
	struct rule_action *v;
	size_t n;
	bool edits;
};

const char *action_name(enum action_kind k);
/* kinds: what the rule is for, as bits; an action that none of them has is
 * refused. */
int reader_actions(struct reader *r, uint32_t kinds, struct rule_actions *ret);

/* What an edit works in. */
struct acting {
	const struct rule_fields *fields;
	struct rule_scope *s;
	uint32_t trouble; /* edits of the wrong type, or beyond a limit */
};

/* E_OK also when there was nothing to edit; else E_NOMEM. */
int action_edit(const struct rule_action *a, struct acting *w);

/* For the files named above. */
struct places {
	json_node *v;
	size_t n, cap;
};
/* The places that exist, and for which where holds. */
int action_places(const struct rule_action *a, struct acting *w, struct places *ret);
int act_set(const struct rule_action *a, struct acting *w);
int act_delete(const struct rule_action *a, struct acting *w);
int act_rename(const struct rule_action *a, struct acting *w);
int act_append(const struct rule_action *a, struct acting *w);
int act_tag(const struct rule_action *a, struct acting *w);
int act_fingerprint(const struct rule_action *a, struct acting *w);
int act_level(const struct rule_action *a, struct acting *w);
int act_in_app(const struct rule_action *a, struct acting *w);
int act_text(const struct rule_action *a, struct acting *w);
int act_remove_elements(const struct rule_action *a, struct acting *w);

#endif
