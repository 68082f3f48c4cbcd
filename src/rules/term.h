/* term.h - what an action writes: V of "set P = V". For the files of src/rules.
 *
 *   "text"  3  true  null  {}  [V, ...]  PATH  lower(PATH)
 *   extract(PATH, "regex")          the first group, or the whole match
 *   extract(PATH, "regex", "$1-$2") the text with its groups filled in
 *
 * Owns     nothing: arena memory of the fields, results in that of the scope.
 * Threads  read-only once read.
 */
#ifndef PICKET_RULES_TERM_H
#define PICKET_RULES_TERM_H

#include "rules/reader.h"

enum term_kind { TERM_RAW, TERM_PATH, TERM_LOWER, TERM_EXTRACT, TERM_LIST };

struct rule_term {
	enum term_kind kind;
	struct str raw;          /* TERM_RAW: JSON */
	struct rule_value value; /* likewise; VALUE_OBJECT and VALUE_ARRAY for the rest */
	struct rule_path path;
	const struct rule_regex *regex;
	struct str template; /* p == NULL: none */
	struct rule_term *list;
	size_t list_n;
};

int reader_term(struct reader *r, struct rule_term *ret);
/* "[V, ...]" */
int reader_term_list(struct reader *r, struct rule_term *ret);

/* The term as JSON. False: there is nothing of this name (not an error), or
 * memory is out. */
bool term_raw(const struct rule_term *t, const struct rule_fields *f, struct rule_scope *s,
	struct str *ret);
/* The term as a text: numbers and booleans as they are written. */
bool term_text(const struct rule_term *t, const struct rule_fields *f, struct rule_scope *s,
	struct str *ret);

/* $0 to $15, ${name} and $$ in a template. E_SYNTAX for a group that is not there. */
int template_check(struct reader *r, const struct rule_regex *re, struct str text);
void template_fill(const struct rule_regex *re, struct str text, struct str subject,
	const size_t *groups, struct buf *out);

#endif
