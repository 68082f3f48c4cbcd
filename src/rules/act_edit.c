/* Edits of structure: what is there, where, and under which name. */
#include "rules/action.h"

#include "rules/meta.h"
#include "rules/scope.h"

/* --- places --------------------------------------------------------------- */

static int add_place(struct acting *w, struct places *p, json_node n)
{
	if (p->n == p->cap) {
		size_t cap = p->cap * 2 + 16;
		json_node *v = arena_calloc(w->s->arena, cap, sizeof *v);

		if (v == NULL)
			return E_NOMEM;
		if (p->n > 0)
			memcpy(v, p->v, p->n * sizeof *v);
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = n;
	return E_OK;
}

struct gathering {
	struct acting *w;
	struct places *places;
	int rc;
};

static bool gather(void *arg, struct json_doc *d, json_node n)
{
	struct gathering *g = arg;

	(void)d;
	if (n != JSON_NONE)
		g->rc = add_place(g->w, g->places, n);
	return g->rc != E_OK;
}

/* Where a virtual field that can be changed stands. */
static int gather_virtual(struct acting *w, enum rule_virtual v, struct places *p)
{
	static const char *const messages[] = {"logentry.formatted", "logentry.message", "message",
		"message.formatted", "message.message", "contexts.feedback.message", "body"};
	struct rule_scope *s = w->s;
	const char *path = v == VIRTUAL_EXC_TYPE    ? "type"
			   : v == VIRTUAL_EXC_VALUE ? "value"
						    : "module";
	json_node n = scope_root(s);
	int rc = E_OK;

	if (v == VIRTUAL_VALUE)
		return add_place(w, p, n);
	if (v == VIRTUAL_SDK_NAME || v == VIRTUAL_SDK_VERSION) {
		n = json_find(s->doc, n, virtual_name(v));
		return n != JSON_NONE ? add_place(w, p, n) : E_OK;
	}
	for (size_t i = 0; v == VIRTUAL_MESSAGE && rc == E_OK && i < 7; i++) {
		json_node m = json_find(s->doc, n, messages[i]);

		if (json_type_of(s->doc, m) == JSON_TYPE_STRING)
			rc = add_place(w, p, m);
	}
	if (v == VIRTUAL_MESSAGE && p->n > 0)
		return rc;
	if (v == VIRTUAL_MESSAGE)
		path = "value";
	n = json_find(s->doc, n, "exception");
	if (json_get(s->doc, n, STR("values")) != JSON_NONE)
		n = json_get(s->doc, n, STR("values"));
	if (json_type_of(s->doc, n) == JSON_TYPE_ARRAY)
		n = json_at(s->doc, n, -1);
	n = json_get(s->doc, n, str_of(path));
	return n != JSON_NONE ? add_place(w, p, n) : rc;
}

static bool is_below(struct json_doc *d, json_node n, json_node top)
{
	while (n != JSON_NONE && n != top)
		n = json_parent(d, n);
	return n == top;
}

/* Edits that go from text to text leave what a text stands in alone. */
static bool is_text_edit(const struct rule_action *a)
{
	switch (a->kind) {
	case ACTION_REPLACE:
	case ACTION_HASH:
	case ACTION_MASK:
	case ACTION_TRUNCATE:
	case ACTION_STRIP_QUERY:
	case ACTION_SCRUB_PARAMS:
		return true;
	default:
		return false;
	}
}

static bool is_container(struct json_doc *d, json_node n)
{
	enum json_type t = json_type_of(d, n);

	return t == JSON_TYPE_ARRAY || t == JSON_TYPE_OBJECT;
}

/* Keeps the places for which where holds; of nested ones the outermost, as the
 * edit replaces all of it, and for edits of texts the texts in it. */
static void filter(const struct rule_action *a, struct acting *w, struct places *p)
{
	struct rule_scope *s = w->s;
	json_node root = s->root, taken = JSON_NONE;
	struct str key = s->key;
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		json_node n = p->v[i];
		bool below = taken != JSON_NONE && is_below(s->doc, n, taken);

		if (below && (!is_text_edit(a) || is_container(s->doc, n)))
			continue;
		if (a->where != NULL) {
			rule_scope_enter(s, s->kind, s->doc, n);
			s->key = json_key(s->doc, n);
			if (condition_eval(a->where, s) != CONDITION_TRUE)
				continue;
		}
		if (!below)
			taken = a->kind != ACTION_REMOVE_ELEMENTS ? n : JSON_NONE;
		p->v[kept++] = n;
	}
	p->n = kept;
	rule_scope_enter(s, s->kind, s->doc, root);
	s->key = key;
}

int action_places(const struct rule_action *a, struct acting *w, struct places *ret)
{
	struct gathering g = {w, ret, E_OK};
	const struct rule_path *p = &a->path;
	bool has_deep = p->steps_n > 0 && p->steps[p->steps_n - 1].kind == STEP_DEEP;

	*ret = (struct places){NULL, 0, 0};
	if (p->virtual != VIRTUAL_NONE && virtual_applies(p->virtual, w->s))
		g.rc = gather_virtual(w, p->virtual, ret);
	else
		(void)path_nodes(p, w->fields, w->s, gather, &g);
	if (g.rc == E_OK && (a->where != NULL || has_deep) && a->kind != ACTION_REMOVE_ELEMENTS)
		filter(a, w, ret);
	return g.rc;
}

/* A refused edit is trouble, no memory is an error. */
static int done(struct acting *w, int rc)
{
	rule_scope_edited(w->s);
	if (rc != E_OK && rc != E_NOMEM) {
		w->trouble++;
		rc = E_OK;
	}
	return rc;
}

/* --- set ------------------------------------------------------------------ */

struct setting {
	const struct rule_action *a;
	struct acting *w;
	struct str raw;
};

/* {"value": raw, "type": what it is} */
static struct str attribute(struct arena *a, struct str raw)
{
	const char *type = "string";

	if (raw.n > 0 && strchr("-0123456789", raw.p[0]) != NULL)
		type = strpbrk(raw.p, ".eE") != NULL ? "double" : "integer";
	else if (raw.n > 0 && (raw.p[0] == 't' || raw.p[0] == 'f'))
		type = "boolean";
	else if (raw.n > 0 && raw.p[0] == '[')
		type = "array";
	return arena_printf(a, "{\"value\":%.*s,\"type\":\"%s\"}", STR_ARG(raw), type);
}

static struct str pair_of(struct arena *a, struct str key, struct str raw)
{
	struct buf b = BUF_INIT;
	struct str s;

	buf_char(&b, '[');
	buf_json_str(&b, key);
	buf_char(&b, ',');
	buf_str(&b, raw);
	buf_char(&b, ']');
	s = buf_ok(&b) ? arena_dup(a, buf_view(&b)) : STR_EMPTY;
	buf_fini(&b);
	return s;
}

/* What is not there yet is made, as far as it is keys. */
static int make_place(struct setting *s, json_node n, const struct rule_step *step, size_t left)
{
	struct str keys[PATH_STEPS_MAX], raw = s->raw;
	struct json_doc *d = s->w->s->doc;
	struct arena *a = s->w->s->arena;

	for (size_t i = 0; i < left; i++) {
		if (step[i].kind != STEP_KEY)
			return E_INVAL;
		keys[i] = step[i].key;
	}
	if (json_type_of(d, n) == JSON_TYPE_ARRAY && left == 1) {
		raw = pair_of(a, keys[0], raw);
		return raw.p != NULL ? json_append_raw(d, n, raw) : E_NOMEM;
	}
	if (step[left - 1].unwraps)
		raw = attribute(a, raw);
	return raw.p != NULL ? keys_set(d, a, n, keys, left, raw) : E_NOMEM;
}

static int set_at(struct setting *s, json_node n, const struct rule_step *step, size_t left)
{
	struct json_doc *d = s->w->s->doc;
	int rc = E_OK;

	for (; left > 0 && step->kind != STEP_EACH; step++, left--) {
		json_node next = step_into(d, n, step);

		if (next == JSON_NONE || (left > 1 && json_type_of(d, next) == JSON_TYPE_NULL))
			return done(s->w, make_place(s, n, step, left));
		n = next;
	}
	if (left == 0) {
		if (s->a->kind == ACTION_SET_DEFAULT && json_type_of(d, n) != JSON_TYPE_NULL)
			return E_OK;
		return done(s->w, json_replace_raw(d, n, s->raw));
	}
	/* The next one is taken first: a replaced element keeps its place. */
	for (n = json_first(d, n); n != JSON_NONE && rc == E_OK; n = json_next(d, n))
		rc = set_at(s, n, step + 1, left - 1);
	return rc;
}

int act_set(const struct rule_action *a, struct acting *w)
{
	struct setting s = {a, w, STR_EMPTY};
	bool is_virtual = a->path.virtual != VIRTUAL_NONE && virtual_applies(a->path.virtual, w->s);
	struct places p;
	int rc;

	if (!term_raw(&a->term, w->fields, w->s, &s.raw))
		return E_OK;
	if (a->where == NULL && !is_virtual)
		return set_at(&s, scope_root(w->s), a->path.steps, a->path.steps_n);
	rc = action_places(a, w, &p);
	if (rc == E_OK && p.n == 0 && a->where == NULL)
		return set_at(&s, scope_root(w->s), a->path.steps, a->path.steps_n);
	if (a->kind == ACTION_SET_DEFAULT)
		return rc;
	for (size_t i = 0; i < p.n && rc == E_OK; i++)
		rc = done(w, json_replace_raw(w->s->doc, p.v[i], s.raw));
	return rc;
}

/* --- delete, rename, append ----------------------------------------------- */

/* A member of a list of pairs goes with its pair, a value with its attribute. */
static json_node whole_of(struct json_doc *d, const struct rule_path *p, json_node n)
{
	const struct rule_step *last = &p->steps[p->steps_n - 1];
	json_node parent = json_parent(d, n);

	if (p->virtual != VIRTUAL_NONE || last->kind != STEP_KEY)
		return n;
	if (json_type_of(d, parent) == JSON_TYPE_ARRAY && !last->is_values)
		return parent;
	if (last->unwraps && str_eq(json_key(d, n), STR("value")) &&
		!str_eq(last->key, STR("value")))
		return parent;
	return n;
}

int act_delete(const struct rule_action *a, struct acting *w)
{
	struct places p;
	int rc = action_places(a, w, &p);

	for (size_t i = 0; i < p.n && rc == E_OK; i++)
		rc = done(w, json_remove(w->s->doc, whole_of(w->s->doc, &a->path, p.v[i])));
	return rc;
}

static bool same_parent(const struct rule_path *p, const struct rule_path *q)
{
	if (p->steps_n != q->steps_n || p->steps[p->steps_n - 1].kind != STEP_KEY ||
		q->steps[q->steps_n - 1].kind != STEP_KEY)
		return false;
	for (size_t i = 0; i + 1 < p->steps_n; i++) {
		if (p->steps[i].kind != q->steps[i].kind ||
			p->steps[i].index != q->steps[i].index ||
			!str_eq(p->steps[i].key, q->steps[i].key))
			return false;
	}
	return true;
}

int act_rename(const struct rule_action *a, struct acting *w)
{
	struct json_doc *d = w->s->doc;
	struct setting s = {a, w, STR_EMPTY};
	struct buf b = BUF_INIT;
	struct places p;
	json_node old;
	int rc = action_places(a, w, &p);

	if (rc != E_OK || p.n == 0)
		return rc;
	old = p.v[0];
	if (same_parent(&a->path, &a->to) &&
		json_type_of(d, json_parent(d, old)) == JSON_TYPE_OBJECT &&
		!a->path.steps[a->path.steps_n - 1].unwraps) {
		struct str key = a->to.steps[a->to.steps_n - 1].key;
		json_node other = json_get(d, json_parent(d, old), key);

		if (other == old)
			return E_OK;
		if (other != JSON_NONE)
			(void)json_remove(d, other);
		return done(w, json_rename(d, old, key));
	}
	json_write(d, old, &b);
	s.raw = buf_ok(&b) ? arena_dup(w->s->arena, buf_view(&b)) : STR_EMPTY;
	buf_fini(&b);
	if (s.raw.p == NULL)
		return E_NOMEM;
	rc = done(w, json_remove(d, whole_of(d, &a->path, old)));
	return rc == E_OK ? set_at(&s, scope_root(w->s), a->to.steps, a->to.steps_n) : rc;
}

int act_append(const struct rule_action *a, struct acting *w)
{
	struct setting s = {a, w, STR_EMPTY};
	struct places p;
	struct str raw;
	int rc;

	if (!term_raw(&a->term, w->fields, w->s, &raw))
		return E_OK;
	rc = action_places(a, w, &p);
	if (rc == E_OK && p.n == 0 && a->where == NULL) {
		s.raw = arena_printf(w->s->arena, "[%.*s]", STR_ARG(raw));
		return s.raw.p != NULL
			       ? set_at(&s, scope_root(w->s), a->path.steps, a->path.steps_n)
			       : E_NOMEM;
	}
	for (size_t i = 0; i < p.n && rc == E_OK; i++)
		rc = done(w, json_append_raw(w->s->doc, p.v[i], raw));
	return rc;
}
