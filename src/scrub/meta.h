/* meta.h - "_meta": what was done to which part of a document (pii.md 11).
 *
 * A tree that mirrors the document. It is read from the document, notes are
 * added while rules run, and it is written back when something was added.
 *
 * Owns     nothing: everything lives in the arena.
 * Threads  one at a time.
 * Fails    NULL or E_NOMEM when memory ran out.
 */
#ifndef PICKET_SCRUB_META_H
#define PICKET_SCRUB_META_H

#include "base/arena.h"
#include "base/buf.h"
#include "json/json.h"

#define META_MAX_DEPTH 160

/* Letters of remarks. */
#define REMARK_REMOVED     'x'
#define REMARK_SUBSTITUTED 's'
#define REMARK_MASKED      'm'
#define REMARK_HASHED      'p'

struct remark {
	struct str rule;
	char letter;
	bool ranged;
	size_t from; /* bytes of the new text */
	size_t to;
};

struct remarks {
	struct remark *list;
	size_t n;
	size_t cap;
};

struct meta_node {
	struct meta_node *parent;
	struct meta_node *first;
	struct meta_node *last;
	struct meta_node *next;
	struct str key;
	struct remarks rem;
	bool has_len;
	bool visited;                 /* the walk came by: val was looked at */
	uint64_t len;                 /* code points the text had at first */
	struct str err;               /* raw list */
	struct str val;               /* raw value that failed validation */
	struct meta_node *next_value; /* of those that have one */
};

struct meta {
	struct arena *arena;
	struct meta_node *root;
	struct meta_node **table; /* by parent and key */
	size_t table_cap;
	struct meta_node *first_value;
	size_t count;
	bool was_there; /* the document had one */
	bool dirty;
};

/* from: the "_meta" member, JSON_NONE when there is none. What is ill-formed
 * is left out, and then the tree is dirty. */
int meta_read(struct meta *m, struct arena *a, struct json_doc *d, json_node from);

/* NULL when there is no such child; *nomem is never touched then. */
struct meta_node *meta_find(const struct meta *m, const struct meta_node *parent, struct str key);
/* Makes it when it is missing. The key is borrowed. NULL: no memory. */
struct meta_node *meta_child(struct meta *m, struct meta_node *parent, struct str key);

int meta_add_remark(struct meta *m, struct meta_node *n, const struct remark *r);
/* Forgets what was said about the parts of a node that is gone. */
void meta_drop_children(struct meta *m, struct meta_node *n);
/* Moves the notes about a node itself to another. */
void meta_move(struct meta *m, struct meta_node *from, struct meta_node *to);
/* Takes out values that failed validation and that the walk never came to. */
void meta_drop_unvisited(struct meta *m);

bool meta_is_empty(const struct meta *m);
/* Appends the JSON. */
void meta_write(const struct meta *m, struct buf *out);

/* Room for one more. E_NOMEM. */
int remarks_add(struct arena *a, struct remarks *list, const struct remark *r);

#endif
