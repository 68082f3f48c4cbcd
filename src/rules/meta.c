#include "rules/meta.h"

static struct str quoted_key(struct arena *a, struct str key)
{
	struct buf b = BUF_INIT;
	struct str s;

	buf_json_str(&b, key);
	s = buf_ok(&b) ? arena_dup(a, buf_view(&b)) : STR_EMPTY;
	buf_fini(&b);
	return s;
}

/* {"k":{"k2":raw}} for the keys behind the first. */
static struct str nested(struct arena *a, const struct str *keys, size_t n, struct str raw)
{
	for (size_t i = n; i > 0 && raw.p != NULL; i--) {
		struct str key = quoted_key(a, keys[i - 1]);

		raw = key.p != NULL ? arena_printf(a, "{%.*s:%.*s}", STR_ARG(key), STR_ARG(raw))
				    : STR_EMPTY;
	}
	return raw;
}

int keys_set(struct json_doc *d, struct arena *a, json_node node, const struct str *keys, size_t n,
	struct str raw)
{
	for (size_t i = 0; i < n; i++) {
		json_node next;

		if (json_type_of(d, node) != JSON_TYPE_OBJECT)
			return E_INVAL;
		next = json_get(d, node, keys[i]);
		if (next == JSON_NONE || json_type_of(d, next) == JSON_TYPE_NULL || i + 1 == n) {
			raw = nested(a, keys + i + 1, n - i - 1, raw);
			return raw.p != NULL ? json_set_raw(d, node, keys[i], raw) : E_NOMEM;
		}
		node = next;
	}
	return E_INVAL;
}

struct meta_path {
	struct str keys[META_DEPTH_MAX + 3]; /* "_meta", the path, "", the remark */
	size_t n;
};

static int index_of(struct json_doc *d, struct arena *a, json_node n, struct str *ret)
{
	json_node c = json_first(d, json_parent(d, n));
	unsigned long long i = 0;

	for (; c != JSON_NONE && c != n; c = json_next(d, c))
		i++;
	*ret = arena_printf(a, "%llu", i);
	return ret->p != NULL ? E_OK : E_NOMEM;
}

/* E_INVAL: deeper than remarks go. */
static int path_of(struct json_doc *d, struct arena *a, json_node n, struct meta_path *p)
{
	struct str up[META_DEPTH_MAX];
	size_t depth = 0;

	for (; json_parent(d, n) != JSON_NONE; n = json_parent(d, n)) {
		if (depth == META_DEPTH_MAX)
			return E_INVAL;
		if (json_type_of(d, json_parent(d, n)) == JSON_TYPE_OBJECT)
			up[depth] = json_key(d, n);
		else if (index_of(d, a, n, &up[depth]) != E_OK)
			return E_NOMEM;
		depth++;
	}
	p->keys[0] = STR("_meta");
	p->n = 1;
	while (depth > 0)
		p->keys[p->n++] = up[--depth];
	return E_OK;
}

static int remark(
	struct json_doc *d, struct arena *a, struct meta_path *p, struct str what, struct str raw)
{
	int rc;

	p->keys[p->n] = STR("");
	p->keys[p->n + 1] = what;
	rc = keys_set(d, a, json_root(d), p->keys, p->n + 2, raw);
	return rc == E_NOMEM ? rc : E_OK;
}

static json_node at_keys(struct json_doc *d, const struct str *keys, size_t n)
{
	json_node node = json_root(d);

	for (size_t i = 0; i < n && node != JSON_NONE; i++)
		node = json_get(d, node, keys[i]);
	return node;
}

int meta_list_length(struct json_doc *d, struct arena *a, json_node list, size_t before)
{
	struct meta_path p;
	struct str text;
	int64_t earlier;
	int rc = path_of(d, a, list, &p);

	if (rc != E_OK)
		return rc == E_NOMEM ? rc : E_OK;
	if (p.n == 3 && str_eq(p.keys[1], STR("breadcrumbs")) && str_eq(p.keys[2], STR("values")))
		p.n = 2;
	p.keys[p.n] = STR("");
	p.keys[p.n + 1] = STR("len");
	if (json_int(d, at_keys(d, p.keys, p.n + 2), &earlier) && earlier >= (int64_t)before)
		return E_OK;
	text = arena_printf(a, "%zu", before);
	return text.p != NULL ? remark(d, a, &p, STR("len"), text) : E_NOMEM;
}

int meta_cut(struct json_doc *d, struct arena *a, json_node n, size_t before, size_t max)
{
	struct meta_path p;
	struct str rem = arena_printf(a, "[[\"!limit\",\"x\",%zu,%zu]]", max - 3, max);
	struct str len = arena_printf(a, "%zu", before);
	int rc = path_of(d, a, n, &p);

	if (rem.p == NULL || len.p == NULL)
		return E_NOMEM;
	if (rc == E_OK)
		rc = remark(d, a, &p, STR("rem"), rem);
	if (rc == E_OK)
		rc = remark(d, a, &p, STR("len"), len);
	return rc == E_NOMEM ? rc : E_OK;
}

int meta_filtered(struct json_doc *d, struct arena *a, json_node n)
{
	struct meta_path p;
	int rc = path_of(d, a, n, &p);

	if (rc == E_OK)
		rc = remark(d, a, &p, STR("rem"), STR("[[\"!config\",\"s\"]]"));
	return rc == E_NOMEM ? rc : E_OK;
}
