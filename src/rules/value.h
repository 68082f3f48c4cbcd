/* value.h - a value of a document as conditions see it.
 *
 * Owns     nothing: views into the document or arena memory.
 * Threads  as its document.
 */
#ifndef PICKET_RULES_VALUE_H
#define PICKET_RULES_VALUE_H

#include "rules/condition.h"

enum rule_value_type {
	VALUE_MISSING,
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_NUMBER,
	VALUE_TEXT,
	VALUE_ARRAY,
	VALUE_OBJECT
};

struct rule_value {
	enum rule_value_type type;
	bool flag;       /* of VALUE_BOOL */
	bool is_whole;   /* whole is the number */
	bool is_read;    /* number, is_whole and whole are filled in */
	struct str text; /* of VALUE_TEXT; a number as it is written */
	double number;
	int64_t whole;
	struct json_doc *doc; /* where it stands, */
	json_node node;       /* JSON_NONE when worked out */
};

/* True ends the walk. */
typedef bool rule_value_fn(void *arg, struct rule_scope *s, const struct rule_value *v);

struct rule_value rule_value_at(struct json_doc *d, json_node n);
struct rule_value rule_value_text(struct str s);
struct rule_value rule_value_number(double n);
struct rule_value rule_value_bool(bool b);

/* Fills in number, whole; also from a text that is a number. False: it is none. */
bool rule_value_read_number(struct rule_value *v);
/* The text of a text, number or boolean. False: it has none. */
bool rule_value_as_text(const struct rule_value *v, struct str *ret);

#endif
