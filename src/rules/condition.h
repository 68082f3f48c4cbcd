/* condition.h - the question a rule asks: "is this item one of those?"
 *
 * A condition is compiled once to a row of tests with jumps and is then only
 * read. What cannot be evaluated (no such value, the wrong type, a regular
 * expression that hits its limits) is false and counted in the scope.
 *
 * Owns     a condition owns its memory, or borrows that of its struct rule_fields.
 * Threads  a condition and its fields are read-only once parsed; a scope is one
 *          worker's own.
 * Fails    condition_parse: E_SYNTAX "column 14: ..." (or "line 2, column 5: ...")
 *          E_TOOBIG  longer than 64 KiB or nested deeper than 256
 *          E_NOMEM
 */
#ifndef PICKET_RULES_CONDITION_H
#define PICKET_RULES_CONDITION_H

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "envelope/envelope.h"

struct condition;
struct rule_fields;
struct rule_cache;

/* What a rule's "on" can name, as bits of 1 << kind. */
enum rule_kind {
	RULE_EVENT,
	RULE_TRANSACTION,
	RULE_BREADCRUMB,
	RULE_SPAN,
	RULE_LOG,
	RULE_METRIC,
	RULE_CHECK_IN,
	RULE_SESSION,
	RULE_PROFILE,
	RULE_REPLAY,
	RULE_FEEDBACK,
	RULE_ATTACHMENT,
	RULE_OTHER, /* what only "any" takes */
	RULE_KIND_COUNT
};
enum rule_kind rule_kind_of(enum item_type t);
/* "event"; RULE_OTHER is "any". */
const char *rule_kind_name(enum rule_kind k);
bool rule_kind_parse(struct str name, enum rule_kind *ret);

/* What is judged. Everything but arena may be missing: then nothing of it
 * exists for the condition. */
struct rule_scope {
	enum rule_kind kind;
	struct json_doc *doc;
	json_node root; /* of doc: the payload, or one element of it */
	struct envelope *envelope;
	struct item *item;
	struct str listener; /* "http", "unix", "unixgram" */
	struct instant now;
	struct arena *arena; /* scratch of one judgement */
	struct str key;      /* of the member that root is; p == NULL for none */

	uint32_t missing; /* tests that found no value */
	uint32_t errors;  /* tests of the wrong type, or beyond a limit */
	struct rule_cache *cache;
};

void rule_scope_init(struct rule_scope *s, struct arena *a, struct instant now);
/* Turns to another payload or element; what was looked up is forgotten. */
void rule_scope_enter(
	struct rule_scope *s, enum rule_kind kind, struct json_doc *doc, json_node root);
/* The document was edited: what was looked up may be gone. */
void rule_scope_edited(struct rule_scope *s);

/* Paths that several conditions share are looked up once for each scope. */
struct rule_fields *rule_fields_new(void);
void rule_fields_free(struct rule_fields *f);

int condition_parse(struct condition **ret, struct str text, struct err *err);
/* The same with the fields of others. It goes with f. */
int condition_parse_in(
	struct condition **ret, struct rule_fields *f, struct str text, struct err *err);
/* NULL is fine; conditions of condition_parse_in() are left alone. */
void condition_free(struct condition *c);

enum { CONDITION_FALSE, CONDITION_TRUE };
int condition_eval(const struct condition *c, struct rule_scope *s);

/* True when everything the condition reads is in names (paths as they are
 * written, "transaction", or with ".*" behind: all below): whether head facts are enough. */
bool condition_reads_only(const struct condition *c, const char *const *names, size_t n);

#endif
