/* rule_case.h - test cases of rules, as JSON files tell them (picket-rules(5)).
 *
 * One file has one set of rules and one case, or several in "cases", which take
 * from the file what they do not say themselves and are judged one after the
 * other, as envelopes that come to one daemon.
 *
 * Owns     a struct case_file owns all texts and documents of it.
 * Threads  one.
 * Fails    E_SYNTAX, E_INVAL  "FILE: MEMBER: reason", with the nearest valid name
 *          E_NOTFOUND, E_DENIED, E_IO, E_TOOBIG  for files;  E_NOMEM
 */
#ifndef PICKET_CLI_RULE_CASE_H
#define PICKET_CLI_RULE_CASE_H

#include "cli/compare.h"
#include "cli/rehearsal.h"

/* What an input becomes part of. */
enum case_form {
	CASE_ITEM,      /* the payload of an item */
	CASE_ENTRY,     /* one entry of a container: log, metric, span */
	CASE_BREADCRUMB /* the breadcrumb of an event that has nothing else */
};

/* One item of the envelope, and what shall become of it. */
struct case_item {
	struct str type; /* as an envelope names it */
	enum case_form form;
	struct str where; /* "cases[2].", "items[0]." and the like, for sentences */
	json_node input;
	json_node headers; /* of the item */
	json_node expect;
	json_node reason;
};

struct case_file {
	const char *path;
	struct arena *arena;
	struct json_doc *d;
	struct str folder;  /* of path, without the last "/" */
	size_t count;       /* of cases */
	bool is_list;       /* they stand in "cases" */
	struct instant now; /* of the last case that told a time */
};

struct rule_case {
	json_node node;
	struct str name;         /* "" for none */
	struct case_item *items; /* the first is the case's own, then "items" */
	size_t items_n;
	struct sender from;
	struct instant now;
	json_node headers;               /* of the envelope */
	json_node by, route, duplicates; /* expectations; JSON_NONE for none */
	json_node expect_headers, logs, counts;
};

int case_file_read(struct case_file *ret, const char *path, struct err *err);
void case_file_fini(struct case_file *f);

/* Its rules, or those of usual when it has none of its own (NULL: it must). */
int case_file_rules(struct case_file *f, const struct rehearsal_source *usual,
	struct rehearsal **ret, struct err *err);

/* The i-th case, read and checked. */
int case_read(struct case_file *f, size_t i, struct rule_case *ret, struct err *err);
/* Its envelope, as bytes. */
int case_write(struct case_file *f, const struct rule_case *c, struct buf *out);

#endif
