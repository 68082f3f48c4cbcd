/* Edits. Each one first gathers all memory it needs and then changes the tree
 * with steps that cannot fail, so that a refused edit leaves no trace.
 */
#include "json/doc.h"

/* From n up to the root. A node that is marked has only marked ancestors. */
static void mark_inside(struct json_doc *d, json_node n)
{
	while (n != JSON_NONE && (node_at(d, n)->flags & NODE_INSIDE) == 0) {
		node_at(d, n)->flags |= NODE_INSIDE;
		n = node_at(d, n)->parent;
	}
}

/* A new text, indexed as a node that nothing refers to yet. */
static int index_raw(struct json_doc *d, struct str raw, json_node *ret)
{
	struct segment *s = doc_add_segment(d, raw);

	return s != NULL ? index_segment(d, s, ret) : E_NOMEM;
}

/* The value of from becomes the value of to; its children move along. */
static void move_value(struct json_doc *d, json_node to, json_node from)
{
	const uint16_t moved = NODE_TYPE | NODE_LIST | NODE_ESCAPED | NODE_FILLED;
	struct node *t = node_at(d, to);
	const struct node *f = node_at(d, from);
	json_node c;

	t->start = f->start;
	t->end = f->end;
	t->flags = (uint16_t)((t->flags & ~(moved | NODE_INSIDE)) | (f->flags & moved));
	for (c = node_first(d, from, f); c != JSON_NONE; c = node_at(d, c)->next)
		node_at(d, c)->parent = to;
}

/* The newest segment is to be the value of e: it remembers what the text of
 * e's parent has in that place. */
static void remember_place(struct json_doc *d, const struct node *e)
{
	struct segment *s = &d->segments[d->segments_n - 1];

	if ((e->flags & NODE_REPLACED) != 0) {
		const struct segment *was = doc_segment(d, e->start);

		s->from = was->from;
		s->to = was->to;
	} else if ((e->flags & NODE_NEW) == 0) {
		s->from = e->start;
		s->to = node_end(d, e);
	}
}

int json_replace_raw(struct json_doc *d, json_node n, struct str raw)
{
	struct node *e = node_live(d, n);
	json_node value;
	int rc;

	if (e == NULL)
		return E_NOTFOUND;
	rc = index_raw(d, raw, &value);
	if (rc != E_OK)
		return rc;
	/* Its children are not next to n: it needs a list. */
	if (node_is_container(node_at(d, value)))
		rc = doc_make_list(d, value);
	if (rc != E_OK)
		return rc;
	remember_place(d, e);
	move_value(d, n, value);
	if (value + 1 == d->count)
		d->count--; /* a scalar leaves its node behind, free again */
	if ((e->flags & NODE_NEW) == 0)
		e->flags |= NODE_REPLACED;
	mark_inside(d, e->parent);
	return E_OK;
}

int json_replace_string(struct json_doc *d, json_node n, struct str value)
{
	struct str raw;

	if (node_live(d, n) == NULL)
		return E_NOTFOUND;
	raw = string_encode(d->arena, value);
	return raw.p != NULL ? json_replace_raw(d, n, raw) : E_NOMEM;
}

/* Checks that n is a container of that type that can be edited. */
static int container(const struct json_doc *d, json_node n, enum json_type type)
{
	const struct node *e = node_live(d, n);

	if (e == NULL)
		return E_NOTFOUND;
	return node_type(e) == type ? E_OK : E_INVAL;
}

/* The last child, deleted ones included, of a container with a list. */
static json_node last_child(struct json_doc *d, struct list *l)
{
	json_node n = l->last != JSON_NONE ? l->last : l->first;

	while (n != JSON_NONE && node_at(d, n)->next != JSON_NONE)
		n = node_at(d, n)->next;
	l->last = n;
	return n;
}

/* Links n into parent, which has a list, after the child prev or as first. */
static void link_child(struct json_doc *d, json_node parent, json_node prev, json_node n)
{
	struct list *l = &d->lists[node_at(d, parent)->end];
	struct node *e = node_at(d, n);

	if (prev == JSON_NONE) {
		e->next = l->first;
		l->first = n;
	} else {
		e->next = node_at(d, prev)->next;
		node_at(d, prev)->next = n;
	}
	if (l->last == prev)
		l->last = n;
	e->parent = parent;
	e->flags |= NODE_NEW;
	mark_inside(d, parent);
}

/* Gives n the key that is the text of a segment, which has quotes. */
static void set_key(struct node *e, const struct segment *s)
{
	size_t n = s->text.n - 2;
	bool escaped = memchr(s->text.p, '\\', s->text.n) != NULL;

	e->key = s->base;
	e->key_n = (uint16_t)(n < KEY_LONG ? n : KEY_LONG);
	e->flags = (uint16_t)((e->flags & ~NODE_KEY_ESC) | (escaped ? NODE_KEY_ESC : 0));
}

static int add_member(struct json_doc *d, json_node object, struct str key, struct str raw)
{
	struct str key_text = string_encode(d->arena, key);
	struct list *l;
	json_node n;
	uint32_t key_index;
	int rc;

	if (key_text.p == NULL || doc_add_segment(d, key_text) == NULL)
		return E_NOMEM;
	key_index = d->segments_n - 1;
	rc = doc_make_list(d, object);
	if (rc == E_OK)
		rc = index_raw(d, raw, &n);
	if (rc != E_OK)
		return rc;
	set_key(node_at(d, n), &d->segments[key_index]);
	l = &d->lists[node_at(d, object)->end];
	link_child(d, object, last_child(d, l), n);
	return E_OK;
}

int json_set_raw(struct json_doc *d, json_node object, struct str key, struct str raw)
{
	int rc = container(d, object, JSON_TYPE_OBJECT);
	json_node n;

	if (rc != E_OK)
		return rc;
	n = json_get(d, object, key);
	return n != JSON_NONE ? json_replace_raw(d, n, raw) : add_member(d, object, key, raw);
}

int json_set_string(struct json_doc *d, json_node object, struct str key, struct str value)
{
	int rc = container(d, object, JSON_TYPE_OBJECT);
	struct str raw;

	if (rc != E_OK)
		return rc;
	raw = string_encode(d->arena, value);
	return raw.p != NULL ? json_set_raw(d, object, key, raw) : E_NOMEM;
}

static int insert_after(struct json_doc *d, json_node array, json_node prev, struct str raw)
{
	json_node n;
	int rc = index_raw(d, raw, &n);

	if (rc == E_OK)
		link_child(d, array, prev, n);
	return rc;
}

int json_append_raw(struct json_doc *d, json_node array, struct str raw)
{
	int rc = container(d, array, JSON_TYPE_ARRAY);

	if (rc == E_OK)
		rc = doc_make_list(d, array);
	if (rc != E_OK)
		return rc;
	return insert_after(d, array, last_child(d, &d->lists[node_at(d, array)->end]), raw);
}

int json_insert_raw(struct json_doc *d, json_node array, int64_t index, struct str raw)
{
	int rc = container(d, array, JSON_TYPE_ARRAY);
	json_node prev = JSON_NONE, n;
	int64_t count;

	if (rc != E_OK)
		return rc;
	count = (int64_t)json_count(d, array);
	if (index < 0)
		index += count;
	if (index < 0 || index > count)
		return E_INVAL;
	if (index == count)
		return json_append_raw(d, array, raw);
	rc = doc_make_list(d, array);
	if (rc != E_OK)
		return rc;
	n = d->lists[node_at(d, array)->end].first;
	for (; index >= 0; n = node_at(d, n)->next) {
		index -= (node_at(d, n)->flags & NODE_DELETED) == 0;
		if (index >= 0)
			prev = n;
	}
	return insert_after(d, array, prev, raw);
}

int json_rename(struct json_doc *d, json_node member, struct str key)
{
	struct node *e = node_live(d, member);
	struct str key_text, old;
	struct segment *s;

	if (e == NULL)
		return E_NOTFOUND;
	if (e->key == 0)
		return E_INVAL;
	key_text = string_encode(d->arena, key);
	if (key_text.p == NULL)
		return E_NOMEM;
	s = doc_add_segment(d, key_text);
	if (s == NULL)
		return E_NOMEM;
	if ((e->flags & NODE_RENAMED) != 0) {
		const struct segment *was = doc_segment(d, e->key);

		s->from = was->from;
		s->to = was->to;
	} else if ((e->flags & NODE_NEW) == 0) {
		old = node_key_raw(d, e);
		s->from = e->key;
		s->to = e->key + (uint32_t)old.n + 2;
		e->flags |= NODE_RENAMED;
	}
	set_key(e, s);
	mark_inside(d, e->parent);
	return E_OK;
}

int json_remove(struct json_doc *d, json_node n)
{
	struct node *e = node_live(d, n), *parent;

	if (e == NULL)
		return E_NOTFOUND;
	if (e->parent == JSON_NONE)
		return E_INVAL;
	parent = node_at(d, e->parent);
	e->flags |= NODE_DELETED;
	mark_inside(d, e->parent);
	/* Whoever deletes from the front again and again must not walk over all
	 * that is gone each time. Without memory it is slow, and still right. */
	if (node_first(d, e->parent, parent) == n && doc_make_list(d, e->parent) == E_OK) {
		struct list *l = &d->lists[parent->end];

		while (l->first != JSON_NONE && (node_at(d, l->first)->flags & NODE_DELETED) != 0)
			l->first = node_at(d, l->first)->next;
		if (l->first == JSON_NONE)
			l->last = JSON_NONE;
	}
	return E_OK;
}
