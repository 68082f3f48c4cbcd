/* States, notes, and running rules on one node. */
#include "scrub/walk.h"

#include <time.h>

#include "base/number.h"

static const struct walk_level no_level = {.node = NULL};

void walk_begin(struct walk *w, uint32_t types, enum pii_flag flag)
{
	w->states[0] = (struct pii_state){.index = -1, .types = types, .flag = flag};
	w->levels[0] = no_level;
	w->levels[0].node = w->meta->root;
	w->depth = 1;
	w->rc = E_OK;
}

static bool enter(struct walk *w, struct pii_state state)
{
	if (w->depth == WALK_MAX_DEPTH)
		return false;
	w->states[w->depth] = state;
	w->states[w->depth].place = 0; /* may be a copy of another */
	w->levels[w->depth] = no_level;
	w->depth++;
	return true;
}

bool walk_enter_virtual(struct walk *w, struct pii_state state)
{
	return enter(w, state);
}

bool walk_enter(struct walk *w, struct pii_state state, struct str segment)
{
	if (!enter(w, state))
		return false;
	w->levels[w->depth - 1].segment[0] = segment;
	w->levels[w->depth - 1].segments = 1;
	return true;
}

/* Decimal text of an index; small ones need no memory. */
static struct str index_text(struct walk *w, int64_t index)
{
	static const char few[] = "0123456789";
	char digits[NUMBER_DIGITS];

	if (index < 10)
		return str_make(few + index, 1);
	return arena_dup(w->redactor->arena, number_decimal((uint64_t)index, digits));
}

bool walk_enter_index(struct walk *w, int64_t index, uint32_t types, enum pii_flag flag)
{
	struct pii_state state = {.index = index, .types = types, .flag = flag};

	if (!enter(w, state))
		return false;
	w->levels[w->depth - 1].segments = 1; /* its text is made when notes are */
	return true;
}

bool walk_enter_pair(struct walk *w, struct str key, int64_t index, uint32_t types)
{
	struct pii_state state = {
		.key = key, .index = -1, .types = types, .flag = walk_top(w)->flag};
	struct str text = index_text(w, index);

	if (text.p == NULL || !enter(w, state))
		return false;
	w->levels[w->depth - 1].segment[0] = text;
	w->levels[w->depth - 1].segment[1] = STR("1");
	w->levels[w->depth - 1].segments = 2;
	return true;
}

void walk_relabel(struct walk *w, size_t at, struct str key, uint32_t types)
{
	w->states[at].key = key;
	w->states[at].types = types;
	for (; at < w->depth; at++)
		w->states[at].place = 0;
}

void walk_leave(struct walk *w)
{
	w->depth--;
}

static struct meta_node *step(struct walk *w, struct meta_node *from, struct str segment, bool make)
{
	struct meta_node *n;

	if (segment.p == NULL) {
		w->rc = E_NOMEM;
		return NULL;
	}
	if (!make)
		return meta_find(w->meta, from, segment);
	n = meta_child(w->meta, from, segment);
	if (n == NULL)
		w->rc = E_NOMEM;
	return n;
}

struct meta_node *walk_notes(struct walk *w, bool make)
{
	size_t at = w->depth - 1;

	if (!make && w->meta->count == 0 && w->levels[at].segments > 0)
		return NULL;
	while (w->levels[at].node == NULL)
		at--; /* the root has its node */
	for (at++; at < w->depth; at++) {
		struct walk_level *l = &w->levels[at];
		struct meta_node *n = w->levels[at - 1].node;

		if (!make && l->absent == w->meta->count + 1)
			return NULL;
		if (l->segments == 1 && l->segment[0].p == NULL)
			l->segment[0] = index_text(w, w->states[at].index);
		for (unsigned i = 0; n != NULL && i < l->segments; i++)
			n = step(w, n, l->segment[i], make);
		if (n == NULL) {
			l->absent = w->meta->count + 1; /* until there are more */
			return NULL;
		}
		l->node = n;
	}
	return w->levels[w->depth - 1].node;
}

/* "request.headers.0.1" for a person who asked. */
static void tell(struct walk *w, struct str rule, char letter)
{
	struct buf path = BUF_INIT;

	if (w->seen == NULL)
		return;
	for (size_t i = 1; i < w->depth; i++) {
		if (path.n > 0)
			buf_char(&path, '.');
		if (w->states[i].index < 0)
			buf_str(&path, w->states[i].key);
		else
			buf_number(&path, (uint64_t)w->states[i].index);
	}
	if (!w->seen(w->seen_arg, buf_ok(&path) ? buf_view(&path) : STR_EMPTY, rule, letter))
		w->seen = NULL;
	buf_fini(&path);
}

void walk_remark(struct walk *w, struct str rule, char letter)
{
	struct remark r = {.rule = rule, .letter = letter};
	struct meta_node *notes = walk_notes(w, true);

	if (notes == NULL || meta_add_remark(w->meta, notes, &r) != E_OK)
		w->rc = E_NOMEM;
}

static void count(struct walk *w, const struct rule *r, bool hits)
{
	if (w->work == NULL)
		return;
	w->work[r->figure].runs++;
	w->work[r->figure].hits += hits;
}

/* The rule removes the value. */
static bool removed(struct walk *w, const struct rule *r, struct redacted *v)
{
	struct remark remark = {.rule = r->origin, .letter = REMARK_REMOVED};

	count(w, r, true);
	tell(w, r->origin, REMARK_REMOVED);
	if (v == NULL)
		walk_remark(w, r->origin, REMARK_REMOVED);
	else if (remarks_add(w->redactor->arena, &v->rem, &remark) != E_OK)
		w->rc = E_NOMEM;
	return true;
}

static bool key_matches(struct walk *w, const struct probe *p)
{
	const struct pii_state *top = walk_top(w);
	struct quick look = {top->key_look};
	struct str key = top->key.p != NULL ? top->key : STR("");

	if (!w->redactor->no_quick && !quick_may_match(&look, p->id))
		return false;
	if (!quick_is_ascii(&look))
		key = chunks_valid_utf8(w->redactor->arena, key);
	if (key.p == NULL) {
		w->rc = E_NOMEM;
		return true;
	}
	return pattern_find(w->redactor->matcher, p->pattern, key) != MATCH_NONE;
}

static void apply(struct walk *w, const struct rule *r, const struct probe *p, bool anything,
	struct redacted *v)
{
	bool before = v->changed, changed;
	struct str text = v->text;

	if (chunks_apply(w->redactor, r, p, anything ? w->set->of[PAT_ANYTHING] : NULL, v) != E_OK)
		w->rc = E_NOMEM;
	changed = v->changed != before || v->text.p != text.p;
	count(w, r, changed);
	if (w->seen != NULL && changed && v->rem.n > 0)
		tell(w, r->origin, v->rem.list[v->rem.n - 1].letter);
}

/* Patterns that may find something in a text. What was redacted in it, or a NUL, makes
 * it another text to them. */
static uint32_t may_find(const struct walk *w, const struct redacted *v)
{
	if (v->quick.bits == 0 || v->rem.n > 0 || w->redactor->no_quick ||
		!quick_is_plain(&v->quick))
		return UINT32_MAX;
	return v->quick.bits;
}

static bool run_probes(struct walk *w, const struct rule *r, struct redacted *v)
{
	bool redacts = r->redaction.method > METHOD_REMOVE;

	if (r->type == RULE_ANYTHING && (v == NULL || !redacts))
		return removed(w, r, v);
	for (size_t i = 0; i < r->probe_count && w->rc == E_OK; i++) {
		const struct probe *p = &r->probes[i];

		if (p->on != PROBE_VALUE && key_matches(w, p)) {
			if (v == NULL || !redacts)
				return removed(w, r, v);
			apply(w, r, p, true, v);
		} else if (p->on != PROBE_KEY && v != NULL &&
			   (may_find(w, v) & QUICK_PATTERN(p->id)) != 0) {
			apply(w, r, p, false, v);
		}
	}
	return false;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Away from the usual way, which looks at no clock. */
static __attribute__((noinline)) bool run_timed(
	struct walk *w, const struct rule *r, struct redacted *v)
{
	uint64_t start = now_ns();
	bool gone = run_probes(w, r, v);

	if (w->work != NULL)
		w->work[r->figure].ns += now_ns() - start;
	return gone;
}

static const struct reach *reach(struct walk *w)
{
	return places_reach(w->places, w->names, w->states, w->depth, w->redactor->no_quick);
}

/* False is the rule: nothing that reaches the node can do anything to it. */
static bool may_act(const struct walk *w, const struct reach *r, const struct redacted *v)
{
	uint32_t values = v != NULL ? may_find(w, v) : QUICK_PATTERN(PAT_ANYTHING);
	uint32_t keys = w->redactor->no_quick ? UINT32_MAX : w->states[w->depth - 1].key_look;

	return (r->values & values) != 0 || (r->keys & keys) != 0;
}

static bool run_reach(struct walk *w, const struct reach *r, struct redacted *v)
{
	for (uint32_t i = 0; i < r->count; i++) {
		const struct application *a = &w->apps[r->apps[i]];

		for (size_t k = 0; k < a->rule_count; k++)
			if (w->rc != E_OK || (w->is_timed ? run_timed(w, &a->rules[k], v)
							  : run_probes(w, &a->rules[k], v)))
				return w->rc == E_OK;
	}
	return false;
}

bool walk_rules(struct walk *w, struct redacted *v)
{
	const struct reach *r;

	if (walk_top(w)->flag == PII_FALSE)
		return false;
	r = reach(w);
	return may_act(w, r, v) && run_reach(w, r, v);
}

static bool never_changes(struct str s)
{
	return s.n == 0 || str_eq(s, STR("true")) || str_eq(s, STR("false")) ||
	       str_eq(s, STR("null")) || str_eq(s, STR("undefined"));
}

static void write_notes(struct walk *w, const struct redacted *v)
{
	struct meta_node *notes = walk_notes(w, true);

	if (notes == NULL)
		return;
	notes->rem = v->rem;
	notes->has_len = v->has_len;
	notes->len = v->len;
	w->meta->dirty = true;
}

/* Some rule may do something: all that belongs to a text. */
static enum walk_end run_text(struct walk *w, const struct reach *r, struct redacted *v,
	const struct meta_node *notes, struct str *ret)
{
	unsigned hits = matcher_limit_hits(w->redactor->matcher);
	bool gone;

	if (!quick_is_ascii(&v->quick)) {
		v->text = chunks_valid_utf8(w->redactor->arena, v->text);
		if (v->text.p == NULL)
			w->rc = E_NOMEM;
	}
	if (w->rc != E_OK || never_changes(v->text))
		return WALK_KEPT;
	if (notes != NULL) {
		v->rem = notes->rem;
		v->has_len = notes->has_len;
		v->len = notes->len;
	}
	gone = run_reach(w, r, v);
	w->tally->limits += matcher_limit_hits(w->redactor->matcher) - hits;
	if (w->rc != E_OK || (!gone && !v->changed))
		return WALK_KEPT;
	write_notes(w, v);
	w->tally->removed += gone;
	w->tally->replaced += !gone;
	*ret = v->text;
	return gone ? WALK_REMOVED : WALK_CHANGED;
}

/* look: at the text, zeros when nobody did yet. */
static enum walk_end text_with(struct walk *w, struct quick *look, struct str text, struct str *ret)
{
	const struct meta_node *notes;
	const struct reach *r;
	struct redacted v;

	if (w->rc != E_OK || walk_top(w)->flag == PII_FALSE)
		return WALK_KEPT;
	r = reach(w);
	if (r->count == 0)
		return WALK_KEPT;
	if (look->bits == 0)
		quick_look(text, look);
	notes = walk_notes(w, false);
	v = (struct redacted){.text = text, .quick = *look};
	if ((notes == NULL || notes->rem.n == 0) && !may_act(w, r, &v))
		return WALK_KEPT;
	return run_text(w, r, &v, notes, ret);
}

enum walk_end walk_text(struct walk *w, struct str text, struct str *ret)
{
	struct quick look = {0};

	return text_with(w, &look, text, ret);
}

enum walk_end walk_node_text(struct walk *w, json_node n, struct str text, struct str *ret)
{
	if (n >= w->look_count)
		return walk_text(w, text, ret);
	return text_with(w, &w->looks[n], text, ret);
}

static void forget_look(struct walk *w, json_node n)
{
	if (n < w->look_count)
		w->looks[n] = (struct quick){0};
}

void walk_put_text(struct walk *w, json_node n, struct str text)
{
	forget_look(w, n);
	if (json_replace_string(w->d, n, text) != E_OK)
		w->rc = E_NOMEM;
}

/* The same key once more below the node itself, as text (pii.md 7, 8). */
void walk_original_value(struct walk *w)
{
	struct meta_node *notes = walk_notes(w, false);
	struct pii_state state = *walk_top(w);
	struct redacted v = {.text = STR_EMPTY};
	struct json_doc *d;
	struct str text;

	if (notes == NULL || notes->val.n == 0 || notes->visited)
		return;
	notes->visited = true;
	if (json_parse(&d, w->redactor->arena, notes->val, NULL, NULL) != E_OK) {
		notes->val = STR_EMPTY;
		w->meta->dirty = true;
		return;
	}
	if (json_type_of(d, json_root(d)) == JSON_TYPE_NUMBER || state.flag == PII_FALSE)
		return;
	text = json_text(d, json_root(d));
	v.text = chunks_valid_utf8(w->redactor->arena, text);
	state.types = TYPE_BIT(TYPE_STRING);
	if (state.key.p == NULL) {
		state.key = STR("");
		state.index = -1;
	}
	if (v.text.p == NULL || !walk_enter_virtual(w, state)) {
		notes->val = STR_EMPTY;
		w->meta->dirty = true;
		return;
	}
	if (json_type_of(d, json_root(d)) != JSON_TYPE_STRING || walk_rules(w, &v)) {
		notes->val = STR_EMPTY;
		w->meta->dirty = true;
	} else if (v.changed && json_replace_string(d, json_root(d), v.text) == E_OK) {
		notes->val = json_raw(d, json_root(d));
		w->meta->dirty = true;
	}
	walk_leave(w);
}

void walk_remove(struct walk *w, json_node n)
{
	struct meta_node *notes = walk_notes(w, false);

	if (notes != NULL)
		meta_drop_children(w->meta, notes);
	forget_look(w, n);
	if (json_replace_raw(w->d, n, w->strings_only ? STR("\"\"") : STR("null")) != E_OK)
		w->rc = E_NOMEM;
}

void walk_give_up(struct walk *w, json_node n, const char *why)
{
	/* A pass before this one took it out. */
	if (json_type_of(w->d, n) == JSON_TYPE_NULL)
		return;
	tell(w, str_of(why), REMARK_REMOVED);
	walk_remark(w, str_of(why), REMARK_REMOVED);
	w->tally->removed++;
	w->tally->limits++;
	walk_remove(w, n);
}
