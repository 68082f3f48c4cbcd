/* Text with named parts: cookies, query strings, forms, JSON in a string.
 *
 * The parts are visited as if they were members; what changes is put back in
 * its place, so that the text keeps its form. Ranges of remarks are those of
 * the text as it is written.
 */
#include "base/encoding.h"
#include "scrub/walk.h"

#define MAX_PARTS 1024

struct part {
	size_t name_from, name_to; /* equal: it has none */
	size_t from, to;           /* its value */
};

struct parts {
	struct part *list;
	size_t n;
	char separator; /* between parts */
	bool encoded;   /* + and %xx */
};

static struct str slice(struct str s, size_t from, size_t to)
{
	return str_first(str_from(s, from), to - from);
}

static void trim_range(struct str s, size_t *from, size_t *to)
{
	while (*from < *to && (s.p[*from] == ' ' || s.p[*from] == '\t'))
		(*from)++;
	while (*from < *to && (s.p[*to - 1] == ' ' || s.p[*to - 1] == '\t'))
		(*to)--;
}

static bool add_part(struct walk *w, struct parts *ps, struct str s, size_t from, size_t to)
{
	size_t equals = from + str_find_char(slice(s, from, to), '=');
	struct part *p = &ps->list[ps->n];

	if (ps->n == MAX_PARTS)
		return false;
	*p = (struct part){from, equals, equals < to ? equals + 1 : to, to};
	if (!ps->encoded) {
		trim_range(s, &p->name_from, &p->name_to);
		trim_range(s, &p->from, &p->to);
	}
	if (!ps->encoded && equals == to) { /* no cookie, but text all the same */
		*p = (struct part){from, from, from, to};
		ps->n++;
		return w->rc == E_OK;
	}
	ps->n += p->name_to > p->name_from || p->to > p->from;
	return w->rc == E_OK;
}

/* False: more parts than anyone means. */
static bool find_parts(struct walk *w, struct parts *ps, struct str s, size_t from, size_t to)
{
	size_t most = 2;

	for (size_t i = from; i < to && most <= MAX_PARTS; i++)
		most += s.p[i] == ps->separator;
	ps->list = arena_calloc(w->redactor->arena, most, sizeof *ps->list);
	if (ps->list == NULL) {
		w->rc = E_NOMEM;
		return false;
	}
	while (from <= to) {
		size_t end = from + str_find_char(slice(s, from, to), ps->separator);

		if (end > from && !add_part(w, ps, s, from, end))
			return false;
		from = end + 1;
	}
	return true;
}

static struct str decoded(struct walk *w, const struct parts *ps, struct str raw)
{
	char *p;
	size_t n;

	if (!ps->encoded ||
		(memchr(raw.p, '%', raw.n) == NULL && memchr(raw.p, '+', raw.n) == NULL))
		return chunks_valid_utf8(w->redactor->arena, raw);
	p = arena_alloc(w->redactor->arena, raw.n + 1);
	if (p == NULL)
		return STR_EMPTY;
	n = percent_decode(raw, true, p);
	return chunks_valid_utf8(w->redactor->arena, str_make(p, n));
}

/* Writes text so that it stays one part; true when that is the text itself. */
static bool write_encoded(const struct parts *ps, struct str text, struct buf *out)
{
	bool same = true;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool plain = c > ' ' && c < 0x7f && strchr("%+&;#=", c) == NULL;

		if (ps->encoded && !plain) {
			buf_printf(out, "%%%02X", c);
			same = false;
		} else if (!ps->encoded && c == (unsigned char)ps->separator) {
			buf_char(out, ' ');
		} else {
			buf_char(out, (char)c);
		}
	}
	return same;
}

/* What is put together while the parts are looked at. */
struct composed {
	struct buf text;
	struct remarks rem;
	bool changed;
};

static void add_remark(struct walk *w, struct composed *c, struct remark r)
{
	if (remarks_add(w->redactor->arena, &c->rem, &r) != E_OK)
		w->rc = E_NOMEM;
}

/* Old remarks that lie within a piece go with it, moved by where it now begins. */
static void keep_remarks(struct walk *w, struct composed *c, const struct remarks *old, size_t from,
	size_t to, size_t now_at)
{
	for (size_t i = 0; i < old->n; i++) {
		struct remark r = old->list[i];

		if (!r.ranged || r.from < from || r.to > to || (r.from == to && from != to))
			continue;
		r.to = r.to - from + now_at;
		r.from = r.from - from + now_at;
		add_remark(w, c, r);
	}
}

static void put_part(struct walk *w, const struct parts *ps, struct composed *c,
	const struct redacted *v, bool gone)
{
	size_t at = c->text.n;
	bool same = gone || write_encoded(ps, v->text, &c->text);

	for (size_t i = 0; i < v->rem.n; i++) {
		struct remark r = v->rem.list[i];

		if (gone && r.ranged)
			continue;
		if (gone || !same || !r.ranged) {
			r.from = 0;
			r.to = c->text.n - at;
		}
		r.ranged = true;
		r.from += at;
		r.to += at;
		add_remark(w, c, r);
		if (!same)
			break; /* one for all of it */
	}
	c->changed = true;
}

/* Runs the rules on one part. */
static void visit_part(struct walk *w, const struct parts *ps, const struct part *p,
	struct str whole, const struct remarks *old, struct composed *c)
{
	struct str raw = slice(whole, p->from, p->to);
	struct redacted v = {.text = decoded(w, ps, raw)};
	struct pii_state state = *walk_top(w);
	struct composed inner = {.text = BUF_INIT};
	bool gone = false;

	state.index = -1;
	state.types = TYPE_BIT(TYPE_STRING);
	state.key = decoded(w, ps, slice(whole, p->name_from, p->name_to));
	if (v.text.p == NULL || state.key.p == NULL || !walk_enter_virtual(w, state)) {
		w->rc = E_NOMEM;
		return;
	}
	if (str_eq(v.text, raw)) {
		keep_remarks(w, &inner, old, p->from, p->to, 0);
		v.rem = inner.rem;
	}
	if (v.text.n > 0 && !str_eq(v.text, STR("true")) && !str_eq(v.text, STR("false")) &&
		!str_eq(v.text, STR("null")) && !str_eq(v.text, STR("undefined")))
		gone = walk_rules(w, &v);
	walk_leave(w);
	if (gone || v.changed) {
		put_part(w, ps, c, &v, gone);
		w->tally->replaced++;
	} else {
		keep_remarks(w, c, old, p->from, p->to, c->text.n);
		buf_str(&c->text, raw);
	}
}

static void set_text(struct walk *w, json_node n, struct str old, struct composed *c)
{
	struct meta_node *notes = walk_notes(w, true);
	struct str text =
		c->text.n > 0 ? arena_dup(w->redactor->arena, buf_view(&c->text)) : STR("");

	if (notes != NULL && text.p != NULL && buf_ok(&c->text))
		walk_put_text(w, n, text);
	else
		w->rc = E_NOMEM;
	if (w->rc != E_OK)
		return;
	if (!notes->has_len)
		notes->len = chunks_count_points(old);
	notes->has_len = true;
	notes->rem = c->rem;
	w->meta->dirty = true;
}

static void visit_parts(struct walk *w, json_node n, struct str text, const struct parts *ps)
{
	const struct meta_node *notes = walk_notes(w, false);
	struct remarks old = notes != NULL ? notes->rem : (struct remarks){NULL, 0, 0};
	struct composed c = {.text = BUF_INIT};
	size_t at = 0;

	for (size_t i = 0; i < ps->n && w->rc == E_OK; i++) {
		const struct part *p = &ps->list[i];

		keep_remarks(w, &c, &old, at, p->from > at ? p->from - 1 : at, c.text.n);
		buf_str(&c.text, slice(text, at, p->from));
		visit_part(w, ps, p, text, &old, &c);
		at = p->to;
	}
	buf_str(&c.text, str_from(text, at));
	if (c.changed && w->rc == E_OK)
		set_text(w, n, text, &c);
	buf_fini(&c.text);
}

/* As one string, when it cannot be taken apart. */
static void visit_whole(struct walk *w, json_node n)
{
	struct str changed = STR_EMPTY;
	enum walk_end end;

	walk_retype(w, TYPE_BIT(TYPE_STRING));
	end = walk_text(w, json_text(w->d, n), &changed);
	if (end == WALK_REMOVED)
		walk_remove(w, n);
	else if (end == WALK_CHANGED)
		walk_put_text(w, n, changed);
}

static bool visit_as(struct walk *w, json_node n, struct parts *ps, size_t from, size_t to)
{
	struct str text = json_text(w->d, n);

	if (walk_top(w)->flag == PII_FALSE || w->rc != E_OK)
		return true;
	if (text.p == NULL)
		w->rc = E_NOMEM;
	else if (find_parts(w, ps, text, from, to))
		visit_parts(w, n, text, ps);
	else if (w->rc == E_OK)
		visit_whole(w, n);
	return true;
}

bool walk_cookie_text(struct walk *w, json_node n)
{
	struct parts ps = {.separator = ';', .encoded = false};

	return visit_as(w, n, &ps, 0, json_text(w->d, n).n);
}

bool walk_query_text(struct walk *w, json_node n)
{
	struct parts ps = {.separator = '&', .encoded = true};
	struct str text = json_text(w->d, n);

	return visit_as(w, n, &ps, text.n > 0 && text.p[0] == '?' ? 1 : 0, text.n);
}

/* The receiver cuts query and fragment off an address before it scrubs. */
void walk_url_query(struct walk *w, json_node n)
{
	struct parts ps = {.separator = '&', .encoded = true};
	struct pii_state own = *walk_top(w);
	struct str text = json_text(w->d, n);
	size_t hash = str_find_char(text, '#');
	size_t query = str_find_char(text, '?');

	if (json_type_of(w->d, n) != JSON_TYPE_STRING || w->rc != E_OK)
		return;
	walk_top(w)->flag = PII_TRUE;
	if (query < hash) {
		walk_relabel(w, w->depth - 1, STR("query_string"), TYPE_BIT(TYPE_OBJECT));
		(void)visit_as(w, n, &ps, query + 1, hash);
	}
	*walk_top(w) = own;
}

/* --- bodies -------------------------------------------------------------------- */

/* Each rule that did something inside is named once, without a place: the
 * notes cannot point into the string. */
static void collect_notes(struct walk *w, const struct meta_node *from, struct remarks *seen)
{
	for (size_t i = 0; i < from->rem.n; i++) {
		struct remark r = {
			.rule = from->rem.list[i].rule, .letter = from->rem.list[i].letter};
		bool known = false;

		for (size_t k = 0; k < seen->n; k++)
			known |= seen->list[k].letter == r.letter &&
				 str_eq(seen->list[k].rule, r.rule);
		if (!known && remarks_add(w->redactor->arena, seen, &r) != E_OK)
			w->rc = E_NOMEM;
	}
	for (const struct meta_node *c = from->first; c != NULL; c = c->next)
		collect_notes(w, c, seen); /* as deep as the walk went */
}

/* All of it went. */
static void remove_outer(struct walk *w, json_node n, const struct meta *notes)
{
	for (size_t i = 0; i < notes->root->rem.n; i++)
		walk_remark(w, notes->root->rem.list[i].rule, notes->root->rem.list[i].letter);
	walk_remove(w, n);
}

static void put_inner(struct walk *w, json_node n, struct str old, struct json_doc *inner,
	const struct meta *notes)
{
	struct composed c = {.text = BUF_INIT};

	json_write(inner, json_root(inner), &c.text);
	collect_notes(w, notes->root, &c.rem);
	if (w->rc == E_OK)
		set_text(w, n, old, &c);
	buf_fini(&c.text);
}

static void visit_inner(struct walk *w, json_node n, struct json_doc *inner)
{
	struct json_doc *outer = w->d;
	struct meta *outer_notes = w->meta;
	struct walk_level level = w->levels[w->depth - 1];
	size_t look_count = w->look_count;
	struct meta notes;

	if (meta_read(&notes, w->redactor->arena, inner, JSON_NONE) != E_OK) {
		w->rc = E_NOMEM;
		return;
	}
	w->d = inner;
	w->look_count = 0; /* they are of the outer one's nodes */
	w->meta = &notes;
	w->levels[w->depth - 1] = (struct walk_level){.node = notes.root};
	walk_value(w, json_root(inner), FIELD_FREE, NULL);
	w->d = outer;
	w->look_count = look_count;
	w->meta = outer_notes;
	w->levels[w->depth - 1] = level;
	if (w->rc != E_OK || !json_is_dirty(inner, json_root(inner)))
		return;
	if (json_type_of(inner, json_root(inner)) == JSON_TYPE_NULL)
		remove_outer(w, n, &notes);
	else
		put_inner(w, n, json_text(outer, n), inner, &notes);
}

static bool is_form(struct str s)
{
	size_t equals = str_find_char(s, '=');

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80 || s.p[i] == '\n')
			return false;
	return equals > 0 && equals + 1 < s.n;
}

bool walk_body_text(struct walk *w, json_node n)
{
	static const struct json_limits limits = {WALK_MAX_DEPTH, 1u << 20, 0};
	struct str text = json_text(w->d, n);
	struct str trimmed = str_trim(text);
	struct parts ps = {.separator = '&', .encoded = true};
	struct json_doc *inner;

	if (trimmed.n > 0 && (trimmed.p[0] == '{' || trimmed.p[0] == '[') &&
		json_parse(&inner, w->redactor->arena, text, &limits, NULL) == E_OK) {
		walk_retype(w, TYPE_BIT(trimmed.p[0] == '{' ? TYPE_OBJECT : TYPE_ARRAY));
		visit_inner(w, n, inner);
		return true;
	}
	if (!is_form(text))
		return false;
	walk_retype(w, TYPE_BIT(TYPE_OBJECT));
	return visit_as(w, n, &ps, 0, text.n);
}
