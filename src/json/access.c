/* Walking the tree and finding places in it. */
#include "json/doc.h"
#include "json/scan.h"

json_node json_root(const struct json_doc *d)
{
	(void)d;
	return 1; /* the first node a parse makes */
}

size_t json_bound(const struct json_doc *d)
{
	return d->count;
}

enum json_type json_type_of(const struct json_doc *d, json_node n)
{
	const struct node *e = node_live(d, n);

	return e != NULL ? node_type(e) : JSON_TYPE_MISSING;
}

struct str json_raw(const struct json_doc *d, json_node n)
{
	const struct node *e = node_live(d, n);

	if (e == NULL)
		return STR_EMPTY;
	return str_make(doc_text(d, e->start), node_end(d, e) - e->start);
}

static json_node skip_deleted(const struct json_doc *d, json_node n)
{
	while (n != JSON_NONE && (node_at(d, n)->flags & NODE_DELETED) != 0)
		n = node_at(d, n)->next;
	return n;
}

json_node json_first(const struct json_doc *d, json_node n)
{
	const struct node *e = node_live(d, n);

	return e != NULL ? skip_deleted(d, node_first(d, n, e)) : JSON_NONE;
}

json_node json_next(const struct json_doc *d, json_node n)
{
	json_node next;
	struct node *e;

	if (n == JSON_NONE || n >= d->count)
		return JSON_NONE;
	e = node_at(d, n);
	next = skip_deleted(d, e->next);
	/* Walk over the dead once only: a list cut down to its first few elements
	 * would take quadratic time otherwise. The last node stays in the chain,
	 * or nothing could be appended behind it. */
	if (next != e->next && next != JSON_NONE) {
		e->next = next;
		e->flags |= NODE_GAP;
	}
	return next;
}

json_node json_parent(const struct json_doc *d, json_node n)
{
	const struct node *e = node_live(d, n);

	return e != NULL ? e->parent : JSON_NONE;
}

size_t json_count(const struct json_doc *d, json_node n)
{
	json_node c;
	size_t count = 0;

	for (c = json_first(d, n); c != JSON_NONE; c = json_next(d, c))
		count++;
	return count;
}

json_node json_get(struct json_doc *d, json_node object, struct str key)
{
	json_node n;

	if (json_type_of(d, object) != JSON_TYPE_OBJECT)
		return JSON_NONE;
	for (n = json_first(d, object); n != JSON_NONE; n = json_next(d, n)) {
		const struct node *e = node_at(d, n);
		struct str raw;

		if ((e->flags & NODE_KEY_ESC) == 0 && e->key_n != KEY_LONG && e->key_n != key.n)
			continue;
		raw = node_key_raw(d, e);
		if ((e->flags & NODE_KEY_ESC) != 0 ? string_is(raw, key) : str_eq(raw, key))
			return n;
	}
	return JSON_NONE;
}

json_node json_at(const struct json_doc *d, json_node array, int64_t index)
{
	json_node n;

	if (json_type_of(d, array) != JSON_TYPE_ARRAY)
		return JSON_NONE;
	if (index < 0)
		index += (int64_t)json_count(d, array);
	if (index < 0)
		return JSON_NONE;
	for (n = json_first(d, array); n != JSON_NONE && index > 0; index--)
		n = json_next(d, n);
	return n;
}

/* [n] at the front of path. NULL when it is not one. */
static const char *read_index(const char *path, int64_t *index)
{
	bool negative = path[1] == '-';
	const char *p = path + 1 + negative;
	int64_t value = 0;

	if (!is_digit((byte)*p))
		return NULL;
	for (; is_digit((byte)*p); p++) {
		if (value > UINT32_MAX)
			return NULL; /* no array is that long */
		value = value * 10 + (*p - '0');
	}
	*index = negative ? -value : value;
	return *p == ']' ? p + 1 : NULL;
}

json_node json_find(struct json_doc *d, json_node from, const char *path)
{
	json_node n = from;

	while (n != JSON_NONE && *path != '\0') {
		if (*path == '[') {
			int64_t index = 0;

			path = read_index(path, &index);
			if (path == NULL)
				return JSON_NONE;
			n = json_at(d, n, index);
		} else {
			size_t len = strcspn(path, ".[");

			n = json_get(d, n, str_make(path, len));
			path += len;
		}
		if (*path == '.')
			path++;
	}
	return n;
}

bool json_is_dirty(const struct json_doc *d, json_node n)
{
	const struct node *e = node_live(d, n);

	return e != NULL && (e->flags & NODE_EDITED) != 0;
}
