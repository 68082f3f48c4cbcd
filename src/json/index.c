/* One pass over the text that makes the nodes.
 *
 * It needs no stack: the container being filled is known by the parent link
 * of its nodes, and a closed container is the previous sibling of what comes
 * next.
 */
#include "json/doc.h"
#include "json/scan.h"

#define DEPTH_DEFAULT 10000u
#define NODES_DEFAULT (1u << 24)
#define NODES_MOST    (1u << 30) /* no arithmetic on ids can overflow below it */
#define BYTES_DEFAULT ((size_t)UINT32_MAX - 1)

struct indexer {
	struct json_doc *d;
	const byte *begin;
	const byte *end;
	uint32_t base;      /* offset of begin */
	uint32_t max_count; /* node ids from here on are too many */
	uint32_t depth;
	uint32_t room;    /* ids below have memory */
	struct node *cur; /* container being filled, NULL at the top */
	json_node cur_id;
	struct node *prev; /* sibling before the next node, NULL for the first */
	uint32_t key;      /* of the next node */
	uint16_t key_n;
	uint16_t key_flags;
	const byte *bad; /* where and what, once a step has failed */
	const char *what;
	int rc;
};

#define N JSON_TYPE_NUMBER

/* What kind of value starts with a byte. */
static const uint8_t starts[256] = {
	['"'] = JSON_TYPE_STRING,
	['{'] = JSON_TYPE_OBJECT,
	['['] = JSON_TYPE_ARRAY,
	['t'] = JSON_TYPE_BOOL,
	['f'] = JSON_TYPE_BOOL,
	['n'] = JSON_TYPE_NULL,
	['-'] = N,
	['0'] = N,
	['1'] = N,
	['2'] = N,
	['3'] = N,
	['4'] = N,
	['5'] = N,
	['6'] = N,
	['7'] = N,
	['8'] = N,
	['9'] = N,
};

#undef N

static const byte *fail(struct indexer *x, int rc, const byte *bad, const char *what)
{
	x->rc = rc;
	x->bad = bad;
	x->what = what;
	return NULL;
}

static inline uint32_t offset_of(const struct indexer *x, const byte *p)
{
	return x->base + (uint32_t)(p - x->begin);
}

/* Room for the next node. */
static bool more_room(struct indexer *x, const byte *p)
{
	struct json_doc *d = x->d;
	uint32_t block = 1u << d->block_shift;

	if (d->count >= x->max_count) {
		fail(x, E_TOOBIG, p, "more nodes than allowed");
		return false;
	}
	if (doc_grow_nodes(d) != E_OK) {
		fail(x, E_NOMEM, p, "out of memory");
		return false;
	}
	x->room = (d->count | (block - 1)) + 1;
	if (x->room > x->max_count)
		x->room = x->max_count;
	return true;
}

/* A node for the value that starts at p, linked to its neighbours. */
static inline struct node *add_node(struct indexer *x, const byte *p, uint8_t type)
{
	struct json_doc *d = x->d;
	struct node *e;
	json_node id;

	if (d->count == x->room && !more_room(x, p))
		return NULL;
	id = d->count++;
	e = node_at(d, id);
	e->key = x->key;
	e->start = offset_of(x, p);
	e->end = 0;
	e->next = JSON_NONE;
	e->parent = x->cur_id;
	e->key_n = x->key_n;
	e->flags = (uint16_t)(type | x->key_flags);
	if (x->prev != NULL)
		x->prev->next = id;
	x->prev = e;
	return e;
}

/* Past the colon; the key waits in x for its value. */
static inline const byte *take_key(struct indexer *x, const byte *p)
{
	const byte *key;
	bool escaped = false;

	p = skip_blanks(p, x->end);
	if (p == x->end || *p != '"')
		return fail(x, E_SYNTAX, p, "a key was expected");
	key = p;
	p = scan_string(p + 1, x->end, &escaped, &x->bad);
	if (p == NULL)
		return fail(x, E_SYNTAX, x->bad, "bad string");
	x->key = offset_of(x, key);
	x->key_n = (uint16_t)(p - key - 2 < (ptrdiff_t)KEY_LONG ? (size_t)(p - key - 2) : KEY_LONG);
	x->key_flags = escaped ? NODE_KEY_ESC : 0;
	p = skip_blanks(p, x->end);
	if (p == x->end || *p != ':')
		return fail(x, E_SYNTAX, p, "a colon was expected");
	return p + 1;
}

static inline const byte *take_scalar(struct indexer *x, struct node *e, const byte *p)
{
	bool escaped = false;

	switch (node_type(e)) {
	case JSON_TYPE_STRING:
		p = scan_string(p + 1, x->end, &escaped, &x->bad);
		if (p == NULL)
			return fail(x, E_SYNTAX, x->bad, "bad string");
		if (escaped)
			e->flags |= NODE_ESCAPED;
		break;
	case JSON_TYPE_NUMBER:
		p = scan_number(p, x->end, &x->bad);
		if (p == NULL)
			return fail(x, E_SYNTAX, x->bad, "bad number");
		break;
	default:
		x->bad = p;
		p = scan_word(p, x->end);
		if (p == NULL)
			return fail(x, E_SYNTAX, x->bad, "a value was expected");
		break;
	}
	e->end = offset_of(x, p);
	return p;
}

static inline byte closer_of(const struct node *e)
{
	return node_type(e) == JSON_TYPE_OBJECT ? '}' : ']';
}

/* p is past the bracket. An empty container is complete at once. */
static inline const byte *open_container(
	struct indexer *x, struct node *e, const byte *p, bool *opened)
{
	p = skip_blanks(p, x->end);
	*opened = p == x->end || *p != closer_of(e);
	if (!*opened) {
		e->end = offset_of(x, p + 1);
		return p + 1;
	}
	if (x->depth == x->d->max_depth)
		return fail(x, E_TOOBIG, p, "nested deeper than allowed");
	x->depth++;
	e->flags |= NODE_FILLED;
	x->cur = e;
	x->cur_id = x->d->count - 1;
	x->prev = NULL;
	return p;
}

/* After a value: closes what ends here. Past the comma before the next value,
 * or past the end of everything with depth 0. */
static inline const byte *after_value(struct indexer *x, const byte *p)
{
	while (x->depth > 0) {
		p = skip_blanks(p, x->end);
		if (p < x->end && *p == ',')
			return p + 1;
		if (p == x->end || *p != closer_of(x->cur))
			return fail(x, E_SYNTAX, p, "a comma or a closing bracket was expected");
		p++;
		x->cur->end = offset_of(x, p);
		x->prev = x->cur;
		x->cur_id = x->cur->parent;
		x->depth--;
		x->cur = x->depth > 0 ? node_at(x->d, x->cur_id) : NULL;
	}
	return p;
}

/* Past the value at the front of the text, or NULL with rc, bad and what. */
static const byte *index_value(struct indexer *x)
{
	const byte *p = x->begin;

	for (;;) {
		struct node *e;
		uint8_t type;
		bool opened = false;

		x->key = x->key_n = x->key_flags = 0;
		if (x->cur != NULL && node_type(x->cur) == JSON_TYPE_OBJECT) {
			p = take_key(x, p);
			if (p == NULL)
				return NULL;
		}
		p = skip_blanks(p, x->end);
		type = p < x->end ? starts[*p] : JSON_TYPE_MISSING;
		if (type == JSON_TYPE_MISSING)
			return fail(x, E_SYNTAX, p, "a value was expected");
		e = add_node(x, p, type);
		if (e == NULL)
			return NULL;
		if (type >= JSON_TYPE_ARRAY)
			p = open_container(x, e, p + 1, &opened);
		else
			p = take_scalar(x, e, p);
		if (p != NULL && !opened)
			p = after_value(x, p);
		if (p == NULL || (!opened && x->depth == 0))
			return p;
	}
}

static void indexer_init(struct indexer *x, struct json_doc *d, struct str text)
{
	uint32_t block = 1u << d->block_shift;

	memset(x, 0, sizeof *x);
	x->d = d;
	x->begin = (const byte *)text.p;
	x->end = x->begin + text.n;
	x->max_count = NODES_MOST;
	/* What is left of the last block, which an edit may have to start in. */
	x->room = (d->count & (block - 1)) != 0 ? (d->count | (block - 1)) + 1 : d->count;
}

/* The line too, where there are several: a person wrote them. */
static int tell_where(const struct indexer *x, struct err *err)
{
	size_t at = (size_t)(x->bad - x->begin);
	size_t line = 1;
	size_t start = 0;

	for (size_t i = 0; i < at; i++) {
		if (x->begin[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	if (line == 1)
		return err_set(err, x->rc, "not JSON at byte %zu: %s", at, x->what);
	return err_set(err, x->rc, "not JSON at byte %zu (line %zu, column %zu): %s", at, line,
		at - start + 1, x->what);
}

static int parse(struct json_doc **ret, struct arena *a, struct str text,
	const struct json_limits *limits, size_t *used, struct err *err)
{
	struct json_limits l = limits != NULL ? *limits : (struct json_limits){0, 0, 0};
	struct indexer x;
	struct json_doc *d;
	const byte *p;

	if (l.max_bytes == 0 || l.max_bytes > BYTES_DEFAULT)
		l.max_bytes = BYTES_DEFAULT;
	if (l.max_nodes == 0)
		l.max_nodes = NODES_DEFAULT;
	if (l.max_nodes >= NODES_MOST)
		l.max_nodes = NODES_MOST - 1;
	if (text.n > l.max_bytes)
		return err_set(
			err, E_TOOBIG, "JSON of %zu bytes; %zu are allowed", text.n, l.max_bytes);
	if (text.n == 0)
		return err_set(err, E_SYNTAX, "not JSON at byte 0: a value was expected");
	d = doc_new(a, text);
	if (d == NULL)
		return err_set(err, E_NOMEM, "out of memory for JSON of %zu bytes", text.n);
	d->max_depth = l.max_depth != 0 ? l.max_depth : DEPTH_DEFAULT;
	indexer_init(&x, d, text);
	x.max_count = l.max_nodes + 1;
	if (x.room > x.max_count)
		x.room = x.max_count;
	p = index_value(&x);
	if (p != NULL && used == NULL) {
		p = skip_blanks(p, x.end);
		if (p < x.end)
			p = fail(&x, E_SYNTAX, p, "the value was complete before");
	}
	if (p == NULL)
		return tell_where(&x, err);
	if (used != NULL)
		*used = (size_t)(p - x.begin);
	*ret = d;
	return E_OK;
}

int json_parse(struct json_doc **ret, struct arena *a, struct str text,
	const struct json_limits *limits, struct err *err)
{
	return parse(ret, a, text, limits, NULL, err);
}

int json_parse_first(struct json_doc **ret, struct arena *a, struct str text,
	const struct json_limits *limits, size_t *used, struct err *err)
{
	return parse(ret, a, text, limits, used, err);
}

int index_segment(struct json_doc *d, const struct segment *s, json_node *ret)
{
	uint32_t before = d->count;
	struct indexer x;
	const byte *p;

	if (s->text.n == 0)
		return E_INVAL;
	indexer_init(&x, d, s->text);
	x.base = s->base;
	p = index_value(&x);
	if (p != NULL && skip_blanks(p, x.end) == x.end) {
		*ret = before;
		return E_OK;
	}
	d->count = before;
	return p == NULL && x.rc == E_NOMEM ? E_NOMEM : E_INVAL;
}
