/* doc.h - the inside of a lossless document. For files of src/json only.
 *
 * Nodes are 24 bytes, in the order their text begins, in blocks of one size;
 * the first child of an indexed container is simply the node after it. Text
 * is named by 32-bit offsets. Offsets up to text.n are the document's own;
 * beyond it every edit has a segment, so that a node never needs to say which
 * text it lies in.
 *
 * An edit never moves a node: replacing gives it an offset in a new segment,
 * deleting sets a flag, inserting links a new node between old ones. What the
 * writer needs to know about the place in the old text is in the segment.
 *
 * Owns     nothing; everything is arena memory.
 * Threads  as json.h.
 */
#ifndef PICKET_JSON_DOC_H
#define PICKET_JSON_DOC_H

#include "json/json.h"

enum node_flag {
	NODE_TYPE = 0x0007,     /* mask of enum json_type */
	NODE_FILLED = 0x0008,   /* first child is the node after this one */
	NODE_LIST = 0x0010,     /* end is an index in lists */
	NODE_ESCAPED = 0x0020,  /* a string with a backslash in it */
	NODE_KEY_ESC = 0x0040,  /* the same for the key */
	NODE_NEW = 0x0080,      /* inserted: has no place in its parent's text */
	NODE_REPLACED = 0x0100, /* value is in a segment of its own */
	NODE_RENAMED = 0x0200,  /* key is in a segment of its own */
	NODE_INSIDE = 0x0400,   /* something below was edited */
	NODE_DELETED = 0x0800,
	NODE_GAP = 0x1000, /* between it and next is deleted text */
};

/* The text of such a node is not part of its parent's clean text. */
#define NODE_EDITED (NODE_NEW | NODE_REPLACED | NODE_RENAMED | NODE_INSIDE)

#define KEY_LONG 0xffffu /* key_n of a key too long for the field */

struct node {
	uint32_t key;    /* offset of the key's opening quote, 0 for none */
	uint32_t start;  /* the value's text */
	uint32_t end;    /* just past it, or with NODE_LIST an index */
	uint32_t next;   /* sibling, deleted ones included */
	uint32_t parent; /* 0 for the root */
	uint16_t key_n;  /* bytes between the key's quotes */
	uint16_t flags;
};

/* Children of a container that are no longer as they were indexed. */
struct list {
	uint32_t end;
	uint32_t first;
	uint32_t last; /* 0: not looked for yet */
};

/* The text of one edit, and the range of older text it stands for. */
struct segment {
	struct str text;
	uint32_t base;
	uint32_t from;
	uint32_t to;
};

/* A string with escapes, decoded. at is the offset of its opening quote. */
struct decoded {
	struct str s;
	uint32_t at;
};

struct json_doc {
	struct arena *arena;
	struct str text;
	struct node **blocks;
	struct list *lists;
	struct segment *segments;
	struct decoded *cache; /* open addressing, cache_cap is a power of two */
	uint32_t blocks_n;
	uint32_t blocks_cap;
	uint32_t block_shift; /* a block holds 1 << block_shift nodes */
	uint32_t count;       /* node ids below are in use; 0 is JSON_NONE */
	uint32_t lists_n;
	uint32_t lists_cap;
	uint32_t segments_n;
	uint32_t segments_cap;
	uint32_t cache_n;
	uint32_t cache_cap;
	uint32_t next_base; /* of the next segment; 0 when offsets ran out */
	uint32_t max_depth;
};

static inline struct node *node_at(const struct json_doc *d, json_node n)
{
	return &d->blocks[n >> d->block_shift][n & ((1u << d->block_shift) - 1)];
}

/* NULL for JSON_NONE, for ids that were never given out and deleted nodes. */
static inline struct node *node_live(const struct json_doc *d, json_node n)
{
	struct node *e;

	if (n == JSON_NONE || n >= d->count)
		return NULL;
	e = node_at(d, n);
	return (e->flags & NODE_DELETED) != 0 ? NULL : e;
}

static inline enum json_type node_type(const struct node *e)
{
	return (enum json_type)(e->flags & NODE_TYPE);
}

static inline bool node_is_container(const struct node *e)
{
	return (e->flags & NODE_TYPE) >= JSON_TYPE_ARRAY;
}

static inline uint32_t node_end(const struct json_doc *d, const struct node *e)
{
	return (e->flags & NODE_LIST) != 0 ? d->lists[e->end].end : e->end;
}

/* First child, deleted ones included. */
static inline json_node node_first(const struct json_doc *d, json_node n, const struct node *e)
{
	if ((e->flags & NODE_LIST) != 0)
		return d->lists[e->end].first;
	return (e->flags & NODE_FILLED) != 0 ? n + 1 : JSON_NONE;
}

const struct segment *doc_segment(const struct json_doc *d, uint32_t offset);

static inline const char *doc_text(const struct json_doc *d, uint32_t offset)
{
	const struct segment *s;

	if (offset <= d->text.n)
		return d->text.p + offset;
	s = doc_segment(d, offset);
	return s->text.p + (offset - s->base);
}

/* The bytes between the key's quotes, as they are written. */
struct str node_key_raw(const struct json_doc *d, const struct node *e);

/* NULL when the arena is exhausted. */
struct json_doc *doc_new(struct arena *a, struct str text);
/* Makes room for the node d->count, without taking it. */
int doc_grow_nodes(struct json_doc *d);
/* A new segment for text; valid until the next one is added. */
struct segment *doc_add_segment(struct json_doc *d, struct str text);
/* Gives a container a list of its own. */
int doc_make_list(struct json_doc *d, json_node n);
/* The cached text of the string at an offset, or a place to keep it (p ==
 * NULL), or NULL when there is no memory for one. */
struct decoded *doc_cache(struct json_doc *d, uint32_t at);

/* Indexes the one value of a segment; *ret has no parent, key or sibling. */
int index_segment(struct json_doc *d, const struct segment *s, json_node *ret);

/* True when raw, the bytes between quotes, decodes to exactly key. */
bool string_is(struct str raw, struct str key);
/* Value as a JSON string with its quotes, in arena memory; p == NULL when
 * that is exhausted. */
struct str string_encode(struct arena *a, struct str value);

#endif
