/* Looking up: each field once, then the rest of the path step by step. */
#include "rules/scope.h"

#include "base/check.h"

static const char *const kind_names[RULE_KIND_COUNT] = {
	[RULE_EVENT] = "event",
	[RULE_TRANSACTION] = "transaction",
	[RULE_BREADCRUMB] = "breadcrumb",
	[RULE_SPAN] = "span",
	[RULE_LOG] = "log",
	[RULE_METRIC] = "metric",
	[RULE_CHECK_IN] = "check_in",
	[RULE_SESSION] = "session",
	[RULE_PROFILE] = "profile",
	[RULE_REPLAY] = "replay",
	[RULE_FEEDBACK] = "feedback",
	[RULE_ATTACHMENT] = "attachment",
	[RULE_OTHER] = "any",
};

enum rule_kind rule_kind_of(enum item_type t)
{
	switch (t) {
	case ITEM_EVENT:
		return RULE_EVENT;
	case ITEM_TRANSACTION:
		return RULE_TRANSACTION;
	case ITEM_SPAN:
		return RULE_SPAN;
	case ITEM_LOG:
		return RULE_LOG;
	case ITEM_TRACE_METRIC:
		return RULE_METRIC;
	case ITEM_CHECK_IN:
		return RULE_CHECK_IN;
	case ITEM_SESSION:
	case ITEM_SESSIONS:
		return RULE_SESSION;
	case ITEM_PROFILE:
	case ITEM_PROFILE_CHUNK:
	case ITEM_PROFILE_CHUNK_UI:
		return RULE_PROFILE;
	case ITEM_REPLAY_EVENT:
	case ITEM_REPLAY_RECORDING:
	case ITEM_REPLAY_VIDEO:
		return RULE_REPLAY;
	case ITEM_FEEDBACK:
	case ITEM_USER_REPORT:
		return RULE_FEEDBACK;
	case ITEM_ATTACHMENT:
		return RULE_ATTACHMENT;
	default:
		return RULE_OTHER;
	}
}

const char *rule_kind_name(enum rule_kind k)
{
	return (unsigned)k < RULE_KIND_COUNT ? kind_names[k] : "any";
}

bool rule_kind_parse(struct str name, enum rule_kind *ret)
{
	for (unsigned k = 0; k < RULE_KIND_COUNT; k++) {
		if (str_eq(name, str_of(kind_names[k]))) {
			*ret = (enum rule_kind)k;
			return true;
		}
	}
	return false;
}

void rule_scope_init(struct rule_scope *s, struct arena *a, struct instant now)
{
	*s = (struct rule_scope){.arena = a, .now = now, .kind = RULE_OTHER};
}

void rule_scope_edited(struct rule_scope *s)
{
	if (s->cache != NULL)
		s->cache->generation++;
}

void rule_scope_enter(
	struct rule_scope *s, enum rule_kind kind, struct json_doc *doc, json_node root)
{
	s->kind = kind;
	s->doc = doc;
	s->root = root;
	s->key = STR_EMPTY;
	rule_scope_edited(s);
}

struct rule_cache *scope_cache(struct rule_scope *s)
{
	check(s->arena != NULL);
	if (s->cache == NULL) {
		s->cache = arena_calloc(s->arena, 1, sizeof *s->cache);
		if (s->cache != NULL)
			s->cache->generation = 1;
	}
	return s->cache;
}

json_node scope_root(const struct rule_scope *s)
{
	if (s->doc == NULL)
		return JSON_NONE;
	return s->root != JSON_NONE ? s->root : json_root(s->doc);
}

/* [["key", value], ...], as some SDKs write headers and tags. */
static json_node pair_value(struct json_doc *d, json_node array, const struct rule_step *step)
{
	for (json_node n = json_first(d, array); n != JSON_NONE; n = json_next(d, n)) {
		json_node k = json_at(d, n, 0);
		struct str key = json_text(d, k);

		if (key.p != NULL &&
			(step->any_case ? str_ieq(key, step->key) : str_eq(key, step->key)))
			return json_next(d, k);
	}
	return JSON_NONE;
}

static json_node member_any_case(struct json_doc *d, json_node object, struct str key)
{
	json_node exact = json_get(d, object, key);

	if (exact != JSON_NONE)
		return exact;
	for (json_node n = json_first(d, object); n != JSON_NONE; n = json_next(d, n)) {
		if (str_ieq(json_key(d, n), key))
			return n;
	}
	return JSON_NONE;
}

static json_node key_into(struct json_doc *d, json_node n, const struct rule_step *step)
{
	json_node found, inner;

	if (json_type_of(d, n) == JSON_TYPE_ARRAY)
		return step->is_values ? n : pair_value(d, n, step);
	found = step->any_case && json_type_of(d, n) == JSON_TYPE_OBJECT
			? member_any_case(d, n, step->key)
			: json_get(d, n, step->key);
	if (!step->unwraps)
		return found;
	inner = json_get(d, found, STR("value"));
	return inner != JSON_NONE ? inner : found;
}

json_node step_into(struct json_doc *d, json_node n, const struct rule_step *step)
{
	if (n == JSON_NONE)
		return JSON_NONE;
	return step->kind == STEP_INDEX ? json_at(d, n, step->index) : key_into(d, n, step);
}

static struct rule_slot *slots_for(
	struct rule_cache *c, const struct rule_fields *f, struct arena *a)
{
	if (c->fields == f && c->slots_n >= f->n)
		return c->slots;
	c->slots = arena_calloc(a, f->n, sizeof *c->slots);
	c->slots_n = c->slots != NULL ? f->n : 0;
	c->fields = f;
	return c->slots;
}

/* The field, and on the way there all it stands in. Paths are at most 64 steps
 * long (parse), so is the chain. */
static json_node resolve(
	struct rule_scope *s, const struct rule_fields *f, struct rule_cache *c, uint32_t field)
{
	uint32_t chain[64];
	unsigned n = 0;
	json_node at;

	while (field != FIELD_ROOT && c->slots[field].generation != c->generation) {
		check(n < 64);
		chain[n++] = field;
		field = f->v[field].parent;
	}
	at = field == FIELD_ROOT ? scope_root(s) : c->slots[field].node;
	while (n > 0) {
		field = chain[--n];
		at = step_into(s->doc, at, &f->v[field].step);
		c->slots[field] = (struct rule_slot){c->generation, at};
	}
	return at;
}

struct walk {
	struct json_doc *d;
	path_node_fn *each;
	void *arg;
};

/* Everything below n, without recursion: documents may be very deep. */
static bool walk_deep(const struct walk *w, json_node top)
{
	json_node n = json_first(w->d, top);

	while (n != JSON_NONE) {
		json_node next;

		if (w->each(w->arg, w->d, n))
			return true;
		next = json_first(w->d, n);
		while (next == JSON_NONE && n != JSON_NONE && n != top) {
			next = json_next(w->d, n);
			if (next == JSON_NONE)
				n = json_parent(w->d, n);
		}
		n = next;
	}
	return false;
}

static bool walk_each(const struct walk *w, json_node n, const struct rule_step *step, size_t left);

/* Below an element: what it lacks is told, so that all() can be false. */
static bool walk_steps(const struct walk *w, json_node n, const struct rule_step *step, size_t left)
{
	for (; left > 0 && n != JSON_NONE; step++, left--) {
		if (step->kind == STEP_DEEP)
			return walk_deep(w, n);
		if (step->kind == STEP_EACH)
			return walk_each(w, n, step, left);
		n = step_into(w->d, n, step);
	}
	return w->each(w->arg, w->d, n);
}

/* Recursion is bounded by the number of [*] in a path (reader.h). */
static bool walk_each(const struct walk *w, json_node n, const struct rule_step *step, size_t left)
{
	for (n = json_first(w->d, n); n != JSON_NONE; n = json_next(w->d, n)) {
		if (walk_steps(w, n, step + 1, left - 1))
			return true;
	}
	return false;
}

/* "item" and "envelope" in front: the headers. */
static bool header_nodes(
	const struct rule_path *p, struct rule_scope *s, path_node_fn *each, void *arg)
{
	struct walk w = {NULL, each, arg};
	json_node n;

	if (p->base == BASE_ENVELOPE && s->envelope != NULL)
		w.d = s->envelope->header;
	if (p->base == BASE_ITEM && s->envelope != NULL && s->item != NULL)
		w.d = item_header(s->envelope, s->item);
	n = w.d != NULL ? json_root(w.d) : JSON_NONE;
	for (size_t i = 1; i < p->plain_n; i++)
		n = n != JSON_NONE ? step_into(w.d, n, &p->steps[i]) : JSON_NONE;
	if (p->plain_n == p->steps_n)
		return each(arg, w.d, n);
	if (n == JSON_NONE)
		return false;
	return walk_steps(&w, n, p->steps + p->plain_n, p->steps_n - p->plain_n);
}

bool path_nodes(const struct rule_path *p, const struct rule_fields *f, struct rule_scope *s,
	path_node_fn *each, void *arg)
{
	struct walk w = {s->doc, each, arg};
	struct rule_cache *c = scope_cache(s);
	json_node n = JSON_NONE;

	if (p->base != BASE_ROOT)
		return header_nodes(p, s, each, arg);
	if (s->doc != NULL && c != NULL && slots_for(c, f, s->arena) != NULL)
		n = resolve(s, f, c, p->field);
	if (p->plain_n == p->steps_n)
		return each(arg, s->doc, n);
	if (n == JSON_NONE)
		return false;
	return walk_steps(&w, n, p->steps + p->plain_n, p->steps_n - p->plain_n);
}

struct values {
	struct rule_scope *s;
	rule_value_fn *each;
	void *arg;
};

static bool give_value(void *arg, struct json_doc *d, json_node n)
{
	struct values *v = arg;
	struct rule_value value = rule_value_at(d, n);

	return v->each(v->arg, v->s, &value);
}

bool path_values(const struct rule_path *p, const struct rule_fields *f, struct rule_scope *s,
	rule_value_fn *each, void *arg)
{
	struct values v = {s, each, arg};

	if (p->virtual != VIRTUAL_NONE && virtual_applies(p->virtual, s))
		return virtual_each(p->virtual, s, each, arg);
	return path_nodes(p, f, s, give_value, &v);
}
