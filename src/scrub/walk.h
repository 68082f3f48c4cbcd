/* walk.h - one pass of a configuration over one document.
 *
 *   walk_begin     the pass and its root
 *   walk_document  visit every node, parents first (visit.c)
 *
 * Each node has a state: key, types, flag. The states from the root to it are
 * its path, which selectors are matched against.
 *
 * Owns     nothing: everything lives in the arena.
 * Threads  one at a time.
 * Fails    E_NOMEM. What is too deep is replaced whole.
 */
#ifndef PICKET_SCRUB_WALK_H
#define PICKET_SCRUB_WALK_H

#include "scrub/chunks.h"
#include "scrub/place.h"
#include "scrub/schema.h"

#define WALK_MAX_DEPTH 128

/* Somebody asks what was done: path is the way to the node. False: that was enough. */
typedef bool walk_seen_fn(void *arg, struct str path, struct str rule, char letter);

struct walk_tally {
	uint64_t replaced; /* strings in which something was redacted */
	uint64_t removed;  /* values that went as a whole */
	uint64_t limits;   /* of both: because a limit was met */
};

/* A key that is not known: what its parent says, or "true". */
enum naming { NAMES_MEAN_NOTHING, NAMES_OR_PARENT, NAMES_OR_TRUE };

enum attribute_mode { ATTRIBUTES_AS_OBJECTS, ATTRIBUTES_AS_VALUES };

/* Where the notes about a state are: below those of its parent. */
struct walk_level {
	struct meta_node *node; /* NULL: not looked for yet */
	size_t absent;          /* how many notes there were when there was none here, plus one */
	struct str segment[2];
	unsigned segments;
};

struct walk {
	struct json_doc *d;
	json_node root; /* its "_meta" is not looked at */
	struct meta *meta;
	struct redactor *redactor;
	const struct pattern_set *set;
	const struct application *apps;
	struct places *places; /* which of them reach a node */
	struct name_cache *names;
	struct quick *looks; /* at the texts of d, by node; of an earlier pass, too */
	size_t look_count;
	struct rule_work *work; /* by rule; NULL: nobody counts */
	bool is_timed;
	enum attribute_mode attributes;
	bool deep;
	enum naming by_name; /* do keys that the conventions know say the flag? */
	bool otlp;           /* {"key": k, "value": v} in lists are members */
	bool strings_only;   /* nothing else is judged; what is removed is "" */
	struct walk_tally *tally;
	walk_seen_fn *seen; /* NULL: nobody asks */
	void *seen_arg;
	struct pii_state states[WALK_MAX_DEPTH];
	struct walk_level levels[WALK_MAX_DEPTH];
	size_t depth; /* states in use */
	int rc;       /* first failure; then nothing more is done */
};

/* The root: no key, these types. */
void walk_begin(struct walk *w, uint32_t types, enum pii_flag flag);
/* False when there is no room; w->rc stays as it is. */
bool walk_enter(struct walk *w, struct pii_state state, struct str segment);
bool walk_enter_index(struct walk *w, int64_t index, uint32_t types, enum pii_flag flag);
/* A state without notes of its own: they are its parent's. */
bool walk_enter_virtual(struct walk *w, struct pii_state state);
bool walk_enter_pair(struct walk *w, struct str key, int64_t index, uint32_t types);
void walk_leave(struct walk *w);
/* A state on the way here is something else after all. */
void walk_relabel(struct walk *w, size_t at, struct str key, uint32_t types);

static inline struct pii_state *walk_top(struct walk *w)
{
	return &w->states[w->depth - 1];
}

/* The current value counts as something else. */
static inline void walk_retype(struct walk *w, uint32_t types)
{
	walk_relabel(w, w->depth - 1, walk_top(w)->key, types);
}

/* Notes about the current node. NULL when there are none (make: no memory). */
struct meta_node *walk_notes(struct walk *w, bool make);
void walk_remark(struct walk *w, struct str rule, char letter);

/* Runs the applications on the current node; v NULL: its value is no text.
 * True: the value is to be removed, and the remark is made. */
bool walk_rules(struct walk *w, struct redacted *v);
/* The same for text with all that belongs to it: what never changes, and the
 * notes. *ret is the new text. */
enum walk_end { WALK_KEPT, WALK_CHANGED, WALK_REMOVED };
enum walk_end walk_text(struct walk *w, struct str text, struct str *ret);
/* The same for the text of a node, which is looked at once for all passes. */
enum walk_end walk_node_text(struct walk *w, json_node n, struct str text, struct str *ret);
/* The node's new text. */
void walk_put_text(struct walk *w, json_node n, struct str text);
/* The value that failed validation, if the notes hold one. */
void walk_original_value(struct walk *w);

static inline void walk_original(struct walk *w)
{
	if (w->meta->first_value != NULL) /* hardly ever */
		walk_original_value(w);
}

/* The current node goes: null stands in its place, its remark is made. */
void walk_remove(struct walk *w, json_node n);
/* The same for what cannot be looked at. */
void walk_give_up(struct walk *w, json_node n, const char *why);

/* visit.c: the members of an object, all of the document, one value. */
void walk_object(struct walk *w, json_node n, const struct schema *s);
void walk_value(struct walk *w, json_node n, enum field_kind kind, const struct schema *s);
void walk_attributes(struct walk *w, json_node n);
bool walk_is_pair_list(const struct json_doc *d, json_node n);

/* strings.c: text that has parts with names. False: it has none. */
bool walk_cookie_text(struct walk *w, json_node n);
bool walk_query_text(struct walk *w, json_node n);
bool walk_body_text(struct walk *w, json_node n);
void walk_url_query(struct walk *w, json_node n);

#endif
