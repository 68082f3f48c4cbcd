#include "envelope/canonical.h"

#include <stdlib.h>

#define MAX_DEPTH   32u
#define MAX_MEMBERS 128u
#define FEW_MEMBERS 8u

struct writing {
	struct json_doc *d;
	struct buf *out;
	const struct str *without; /* of the outermost object */
	size_t without_count;
};

static void put_bytes(struct buf *out, char kind, struct str s)
{
	uint32_t n = (uint32_t)s.n; /* no document is longer */
	char head[1 + sizeof n] = {kind};

	memcpy(head + 1, &n, sizeof n);
	buf_add(out, head, sizeof head);
	buf_str(out, s);
}

static int by_key(const void *a, const void *b, void *arg)
{
	const json_node *x = a, *y = b;
	struct str p = json_key(arg, *x), q = json_key(arg, *y);
	size_t least = p.n < q.n ? p.n : q.n;
	int order = least > 0 ? memcmp(p.p, q.p, least) : 0;

	if (order != 0)
		return order;
	if (p.n != q.n)
		return p.n < q.n ? -1 : 1;
	return *x < *y ? -1 : 1; /* the same key twice: the order counts */
}

/* The usual object has a few members, often in order. */
static void sort(struct writing *w, json_node *members, size_t count)
{
	if (count > FEW_MEMBERS) {
		qsort_r(members, count, sizeof members[0], by_key, w->d);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		json_node n = members[i];
		size_t at = i;

		for (; at > 0 && by_key(&members[at - 1], &n, w->d) > 0; at--)
			members[at] = members[at - 1];
		members[at] = n;
	}
}

static bool is_left_out(const struct writing *w, struct str key)
{
	for (size_t i = 0; i < w->without_count; i++) {
		if (str_eq(key, w->without[i]))
			return true;
	}
	return false;
}

static int put_value(struct writing *w, json_node n, unsigned depth);

static int put_object(struct writing *w, json_node object, unsigned depth)
{
	json_node members[MAX_MEMBERS];
	size_t count = 0;
	int rc = E_OK;

	for (json_node n = json_first(w->d, object); n != JSON_NONE; n = json_next(w->d, n)) {
		struct str key = json_key(w->d, n);

		if (key.p == NULL)
			return E_NOMEM;
		if (depth == 0 && is_left_out(w, key))
			continue;
		if (count == MAX_MEMBERS)
			return E_TOOBIG;
		members[count++] = n;
	}
	sort(w, members, count);
	buf_char(w->out, '{');
	for (size_t i = 0; i < count && rc == E_OK; i++) {
		put_bytes(w->out, 'k', json_key(w->d, members[i]));
		rc = put_value(w, members[i], depth + 1);
	}
	buf_char(w->out, '}');
	return rc;
}

static int put_array(struct writing *w, json_node array, unsigned depth)
{
	int rc = E_OK;

	buf_char(w->out, '[');
	for (json_node n = json_first(w->d, array); n != JSON_NONE && rc == E_OK;
		n = json_next(w->d, n))
		rc = put_value(w, n, depth + 1);
	buf_char(w->out, ']');
	return rc;
}

static int put_value(struct writing *w, json_node n, unsigned depth)
{
	enum json_type type = json_type_of(w->d, n);
	struct str text;

	if (depth == MAX_DEPTH)
		return E_TOOBIG;
	switch (type) {
	case JSON_TYPE_OBJECT:
		return put_object(w, n, depth);
	case JSON_TYPE_ARRAY:
		return put_array(w, n, depth);
	case JSON_TYPE_STRING:
		text = json_text(w->d, n);
		if (text.p == NULL)
			return E_NOMEM;
		put_bytes(w->out, 's', text);
		break;
	case JSON_TYPE_NUMBER:
		put_bytes(w->out, '#', json_raw(w->d, n));
		break;
	case JSON_TYPE_BOOL:
		buf_char(w->out, json_bool(w->d, n, false) ? 't' : 'f');
		break;
	case JSON_TYPE_NULL:
		buf_char(w->out, 'n');
		break;
	case JSON_TYPE_MISSING:
		buf_char(w->out, '-');
		break;
	}
	return E_OK;
}

int canonical_write_without(struct json_doc *d, json_node object, const struct str *without,
	size_t count, struct buf *out)
{
	struct writing w = {d, out, without, count};
	int rc = put_value(&w, object, 0);

	return rc == E_OK && !buf_ok(out) ? E_NOMEM : rc;
}

int canonical_write(struct json_doc *d, json_node n, struct buf *out)
{
	return canonical_write_without(d, n, NULL, 0, out);
}
