/* The tree behind "_meta". */
#include "scrub/meta.h"

#include <stdlib.h>

static size_t slot_of(const struct meta_node *parent, struct str key)
{
	uint64_t h = (uint64_t)(uintptr_t)parent * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 29);
}

static void table_put(struct meta_node **table, size_t cap, struct meta_node *n)
{
	size_t i = slot_of(n->parent, n->key) & (cap - 1);

	while (table[i] != NULL)
		i = (i + 1) & (cap - 1);
	table[i] = n;
}

static int table_grow(struct meta *m)
{
	size_t cap = m->table_cap == 0 ? 64 : 2 * m->table_cap;
	struct meta_node **table = arena_calloc(m->arena, cap, sizeof(void *));

	if (table == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < m->table_cap; i++)
		if (m->table[i] != NULL)
			table_put(table, cap, m->table[i]);
	m->table = table;
	m->table_cap = cap;
	return E_OK;
}

struct meta_node *meta_find(const struct meta *m, const struct meta_node *parent, struct str key)
{
	size_t i;

	if (m->table_cap == 0)
		return NULL;
	i = slot_of(parent, key) & (m->table_cap - 1);
	for (; m->table[i] != NULL; i = (i + 1) & (m->table_cap - 1))
		if (m->table[i]->parent == parent && str_eq(m->table[i]->key, key))
			return m->table[i];
	return NULL;
}

struct meta_node *meta_child(struct meta *m, struct meta_node *parent, struct str key)
{
	struct meta_node *n = meta_find(m, parent, key);

	if (n != NULL)
		return n;
	if (2 * (m->count + 1) > m->table_cap && table_grow(m) != E_OK)
		return NULL;
	n = arena_calloc(m->arena, 1, sizeof *n);
	if (n == NULL)
		return NULL;
	n->parent = parent;
	n->key = key;
	if (parent->last != NULL)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	m->count++;
	table_put(m->table, m->table_cap, n);
	return n;
}

int remarks_add(struct arena *a, struct remarks *list, const struct remark *r)
{
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 4 : 2 * list->cap;
		struct remark *grown = arena_calloc(a, cap, sizeof *grown);

		if (grown == NULL)
			return E_NOMEM;
		if (list->n > 0)
			memcpy(grown, list->list, list->n * sizeof *grown);
		list->list = grown;
		list->cap = cap;
	}
	list->list[list->n++] = *r;
	return E_OK;
}

int meta_add_remark(struct meta *m, struct meta_node *n, const struct remark *r)
{
	m->dirty = true;
	return remarks_add(m->arena, &n->rem, r);
}

static bool has_entry(const struct meta_node *n)
{
	return n->rem.n > 0 || n->has_len || n->err.n > 0 || n->val.n > 0;
}

static void forget(struct meta_node *n)
{
	n->rem = (struct remarks){NULL, 0, 0};
	n->has_len = false;
	n->err = n->val = STR_EMPTY;
}

/* The node after n in a walk over everything below top, NULL at the end. */
static struct meta_node *walk_on(const struct meta_node *top, struct meta_node *n)
{
	if (n->first != NULL)
		return n->first;
	while (n != top && n->next == NULL)
		n = n->parent;
	return n == top ? NULL : n->next;
}

void meta_drop_children(struct meta *m, struct meta_node *top)
{
	for (struct meta_node *n = walk_on(top, top); n != NULL; n = walk_on(top, n)) {
		m->dirty |= has_entry(n);
		forget(n);
	}
}

void meta_move(struct meta *m, struct meta_node *from, struct meta_node *to)
{
	to->rem = from->rem;
	to->has_len = from->has_len;
	to->len = from->len;
	to->err = from->err;
	forget(from);
	m->dirty = true;
}

void meta_drop_unvisited(struct meta *m)
{
	for (struct meta_node *n = m->root; n != NULL; n = walk_on(m->root, n)) {
		if (n->val.n == 0 || n->visited)
			continue;
		n->val = STR_EMPTY;
		m->dirty = true;
	}
}

bool meta_is_empty(const struct meta *m)
{
	for (struct meta_node *n = m->root; n != NULL; n = walk_on(m->root, n))
		if (has_entry(n))
			return false;
	return true;
}

/* --- reading ------------------------------------------------------------- */

static bool read_remark(struct json_doc *d, json_node n, struct remark *ret)
{
	json_node rule = json_first(d, n);
	json_node letter = json_next(d, rule);
	json_node from = json_next(d, letter);
	json_node to = json_next(d, from);
	size_t count = json_count(d, n);
	int64_t a;
	int64_t b;

	if (json_type_of(d, n) != JSON_TYPE_ARRAY || (count != 2 && count != 4) ||
		json_type_of(d, rule) != JSON_TYPE_STRING || json_text(d, letter).n != 1)
		return false;
	*ret = (struct remark){.rule = json_text(d, rule), .letter = json_text(d, letter).p[0]};
	if (ret->letter == '\0' || strchr("axsmpe", ret->letter) == NULL)
		return false;
	if (count == 2)
		return true;
	if (!json_int(d, from, &a) || !json_int(d, to, &b) || a < 0 || b < a)
		return false;
	ret->ranged = true;
	ret->from = (size_t)a;
	ret->to = (size_t)b;
	return true;
}

/* A kind, or a kind with data. */
static bool is_error(struct json_doc *d, json_node n)
{
	if (json_type_of(d, n) == JSON_TYPE_STRING)
		return true;
	return json_type_of(d, n) == JSON_TYPE_ARRAY && json_count(d, n) == 2 &&
	       json_type_of(d, json_first(d, n)) == JSON_TYPE_STRING &&
	       json_type_of(d, json_at(d, n, 1)) == JSON_TYPE_OBJECT;
}

static int read_list(struct meta *m, struct meta_node *to, struct json_doc *d, json_node list)
{
	if (json_type_of(d, list) != JSON_TYPE_ARRAY) {
		m->dirty = true;
		return E_OK;
	}
	for (json_node n = json_first(d, list); n != JSON_NONE; n = json_next(d, n)) {
		struct remark r;

		if (!read_remark(d, n, &r))
			m->dirty = true;
		else if (remarks_add(m->arena, &to->rem, &r) != E_OK)
			return E_NOMEM;
	}
	return E_OK;
}

static void read_errors(struct meta *m, struct meta_node *to, struct json_doc *d, json_node list)
{
	bool good = json_type_of(d, list) == JSON_TYPE_ARRAY;

	for (json_node n = json_first(d, list); good && n != JSON_NONE; n = json_next(d, n))
		good = is_error(d, n);
	if (good && json_count(d, list) > 0)
		to->err = json_raw(d, list);
	else
		m->dirty = true;
}

static void add_value(struct meta *m, struct meta_node *to, struct str raw)
{
	if (to->val.n == 0) { /* else it is in the list already */
		to->next_value = m->first_value;
		m->first_value = to;
	}
	to->val = raw;
}

static int read_entry(struct meta *m, struct meta_node *to, struct json_doc *d, json_node entry)
{
	for (json_node n = json_first(d, entry); n != JSON_NONE; n = json_next(d, n)) {
		struct str key = json_key(d, n);
		int64_t len;

		if (str_eq(key, STR("rem"))) {
			if (read_list(m, to, d, n) != E_OK)
				return E_NOMEM;
		} else if (str_eq(key, STR("err"))) {
			read_errors(m, to, d, n);
		} else if (str_eq(key, STR("len")) && json_int(d, n, &len) && len >= 0) {
			to->has_len = true;
			to->len = (uint64_t)len;
		} else if (str_eq(key, STR("val"))) {
			add_value(m, to, json_raw(d, n));
		} else {
			m->dirty = true;
		}
	}
	return E_OK;
}

static int read_node(
	struct meta *m, struct meta_node *to, struct json_doc *d, json_node from, unsigned depth)
{
	if (json_type_of(d, from) != JSON_TYPE_OBJECT || depth > META_MAX_DEPTH) {
		m->dirty = true;
		return E_OK;
	}
	for (json_node n = json_first(d, from); n != JSON_NONE; n = json_next(d, n)) {
		struct str key = json_key(d, n);
		struct meta_node *child;
		int rc;

		if (key.n == 0) {
			rc = read_entry(m, to, d, n);
		} else {
			child = meta_child(m, to, key);
			/* META_MAX_DEPTH deep at most */
			rc = child != NULL ? read_node(m, child, d, n, depth + 1) : E_NOMEM;
		}
		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

int meta_read(struct meta *m, struct arena *a, struct json_doc *d, json_node from)
{
	*m = (struct meta){.arena = a};
	m->root = arena_calloc(a, 1, sizeof *m->root);
	if (m->root == NULL)
		return E_NOMEM;
	m->was_there = from != JSON_NONE;
	if (!m->was_there || json_type_of(d, from) == JSON_TYPE_NULL)
		return E_OK;
	return read_node(m, m->root, d, from, 0);
}

/* --- writing ------------------------------------------------------------- */

static void write_remarks(const struct remarks *rem, struct buf *out)
{
	buf_cstr(out, "\"rem\":[");
	for (size_t i = 0; i < rem->n; i++) {
		const struct remark *r = &rem->list[i];

		buf_cstr(out, i > 0 ? ",[" : "[");
		buf_json_str(out, r->rule);
		buf_cstr(out, ",\"");
		buf_char(out, r->letter);
		buf_char(out, '"');
		if (r->ranged) {
			buf_char(out, ',');
			buf_number(out, r->from);
			buf_char(out, ',');
			buf_number(out, r->to);
		}
		buf_char(out, ']');
	}
	buf_char(out, ']');
}

static void write_entry(const struct meta_node *n, struct buf *out)
{
	const char *comma = "";

	buf_cstr(out, "\"\":{");
	if (n->rem.n > 0) {
		write_remarks(&n->rem, out);
		comma = ",";
	}
	if (n->err.n > 0) {
		buf_cstr(out, comma);
		buf_cstr(out, "\"err\":");
		buf_str(out, n->err);
		comma = ",";
	}
	if (n->has_len) {
		buf_cstr(out, comma);
		buf_cstr(out, "\"len\":");
		buf_number(out, n->len);
		comma = ",";
	}
	if (n->val.n > 0) {
		buf_cstr(out, comma);
		buf_cstr(out, "\"val\":");
		buf_str(out, n->val);
	}
	buf_char(out, '}');
}

/* Appends nothing and takes back what it began when there is nothing to say. */
static bool write_node(const struct meta_node *n, struct buf *out)
{
	bool any = has_entry(n);

	buf_char(out, '{');
	if (any)
		write_entry(n, out);
	for (const struct meta_node *c = n->first; c != NULL; c = c->next) {
		size_t before = out->n;

		if (any)
			buf_char(out, ',');
		buf_json_str(out, c->key);
		buf_char(out, ':');
		if (write_node(c, out)) /* as deep as the walk and the reader go */
			any = true;
		else if (buf_ok(out))
			out->n = before;
	}
	buf_char(out, '}');
	return any;
}

void meta_write(const struct meta *m, struct buf *out)
{
	(void)write_node(m->root, out);
}
