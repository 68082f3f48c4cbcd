/* Edits of texts. Each makes a new text of an old one, or leaves it alone. */
#include "rules/action.h"

#include "base/encoding.h"
#include "rules/digest.h"
#include "rules/meta.h"
#include "rules/scope.h"

#define FILTERED STR("[Filtered]")

/* True when out has the new text. */
typedef bool text_edit(
	const struct rule_action *a, struct acting *w, struct str s, struct buf *out);

static bool edit_replace(
	const struct rule_action *a, struct acting *w, struct str s, struct buf *out)
{
	size_t groups[2 * REGEX_GROUPS], at = 0, from = 0;
	enum regex_end m = REGEX_NONE;
	bool any = false;

	/* A limit in the middle leaves the whole text as it was. */
	while (from <= s.n &&
		(m = rule_regex_match(a->regex, w->s, s, from, groups)) == REGEX_FOUND) {
		any = true;
		buf_add(out, s.p + at, groups[0] > at ? groups[0] - at : 0);
		template_fill(a->regex, a->text, s, groups, out);
		at = groups[1] > at ? groups[1] : at;
		from = groups[1] > from ? groups[1] : from + 1;
		while (from < s.n && ((unsigned char)s.p[from] & 0xc0) == 0x80)
			from++;
	}
	if (m == REGEX_LIMIT)
		w->trouble++;
	if (!any || m == REGEX_LIMIT)
		return false;
	buf_str(out, str_from(s, at));
	return true;
}

static bool edit_hash(const struct rule_action *a, struct acting *w, struct str s, struct buf *out)
{
	char hex[DIGEST_HEX_BYTES];

	(void)w;
	digest_hex(a->text, s, hex);
	buf_cstr(out, hex);
	return true;
}

static bool edit_mask(const struct rule_action *a, struct acting *w, struct str s, struct buf *out)
{
	(void)a;
	(void)w;
	for (uint64_t n = text_length(s); n > 0; n--)
		buf_char(out, '*');
	return true;
}

/* At most n bytes with the dots, no broken character at the end (7.2). */
static bool edit_truncate(
	const struct rule_action *a, struct acting *w, struct str s, struct buf *out)
{
	size_t end = (size_t)a->n - 3;

	(void)w;
	if (s.n <= a->n)
		return false;
	while (end > 0 && ((unsigned char)s.p[end] & 0xc0) == 0x80)
		end--;
	buf_add(out, s.p, end);
	buf_cstr(out, "...");
	return true;
}

static bool edit_strip_query(
	const struct rule_action *a, struct acting *w, struct str s, struct buf *out)
{
	size_t end = str_find_char(s, '?'), hash = str_find_char(s, '#');

	(void)a;
	(void)w;
	if (hash < end)
		end = hash;
	if (end == s.n)
		return false;
	buf_str(out, str_first(s, end));
	return true;
}

/* --- parameters ----------------------------------------------------------- */

static bool is_named(const struct rule_action *a, struct str key)
{
	for (size_t i = 0; i < a->names_n; i++) {
		if (text_glob(a->names[i], key, true))
			return true;
	}
	return false;
}

static bool is_param_named(const struct rule_action *a, struct str encoded)
{
	char decoded[256];

	if (encoded.n > sizeof decoded)
		return is_named(a, encoded);
	return is_named(a, str_make(decoded, percent_decode(encoded, true, decoded)));
}

static bool scrub_query(const struct rule_action *a, struct str query, struct buf *out)
{
	struct str piece;
	bool any = false;

	while (str_cut(&query, '&', &piece)) {
		size_t eq = str_find_char(piece, '=');

		if (eq < piece.n && is_param_named(a, str_first(piece, eq))) {
			buf_str(out, str_first(piece, eq + 1));
			buf_str(out, FILTERED);
			any = true;
		} else {
			buf_str(out, piece);
		}
		if (query.p != NULL)
			buf_char(out, '&');
	}
	return any;
}

/* A URL, or a query alone. */
static bool edit_scrub_params(
	const struct rule_action *a, struct acting *w, struct str s, struct buf *out)
{
	size_t mark = str_find_char(s, '?');
	size_t start = mark < s.n ? mark + 1 : 0;
	size_t end = start + str_find_char(str_from(s, start), '#');
	bool any;

	(void)w;
	if (mark == s.n && str_find(s, STR("://")) < s.n)
		return false;
	buf_str(out, str_first(s, start));
	any = scrub_query(a, str_make(s.p + start, end - start), out);
	buf_str(out, str_from(s, end));
	return any;
}

/* The key that names n: a member's, or the first of a pair. */
static struct str name_of(struct json_doc *d, json_node n)
{
	json_node parent = json_parent(d, n), first;

	if (json_type_of(d, parent) == JSON_TYPE_OBJECT)
		return json_key(d, n);
	first = json_first(d, parent);
	if (first == n || json_next(d, first) != n || json_next(d, n) != JSON_NONE)
		return STR_EMPTY;
	return json_text(d, first);
}

static json_node after(const struct json_doc *d, json_node n, json_node top)
{
	json_node next = JSON_NONE;

	while (n != top && next == JSON_NONE) {
		next = json_next(d, n);
		n = json_parent(d, n);
		if (n == JSON_NONE)
			break;
	}
	return next;
}

/* Whatever stands under one of the names, at any depth. */
static int scrub_members(const struct rule_action *a, struct acting *w, json_node top)
{
	struct json_doc *d = w->s->doc;
	json_node n = json_first(d, top);
	int rc = E_OK;

	while (n != JSON_NONE && rc == E_OK) {
		struct str name = name_of(d, n);
		bool hit =
			name.p != NULL && json_type_of(d, n) != JSON_TYPE_NULL && is_named(a, name);
		json_node next = JSON_NONE;

		if (hit)
			rc = json_replace_string(d, n, FILTERED);
		else
			next = json_first(d, n);
		n = next != JSON_NONE ? next : after(d, n, top);
	}
	return rc;
}

/* --- all of them ---------------------------------------------------------- */

static text_edit *edit_of(enum action_kind k)
{
	switch (k) {
	case ACTION_REPLACE:
		return edit_replace;
	case ACTION_HASH:
		return edit_hash;
	case ACTION_MASK:
		return edit_mask;
	case ACTION_TRUNCATE:
		return edit_truncate;
	case ACTION_STRIP_QUERY:
		return edit_strip_query;
	default:
		return edit_scrub_params;
	}
}

static bool has_meta(const struct rule_scope *s)
{
	return s->root == JSON_NONE || s->root == json_root(s->doc)
		       ? s->kind == RULE_EVENT || s->kind == RULE_TRANSACTION
		       : s->kind == RULE_BREADCRUMB;
}

static int edit_one(const struct rule_action *a, struct acting *w, json_node n)
{
	struct json_doc *d = w->s->doc;
	struct rule_value v = rule_value_at(d, n);
	struct buf out = BUF_INIT;
	struct str text;
	int rc = E_OK;

	if (v.type <= VALUE_NULL || v.type == VALUE_BOOL)
		return E_OK;
	if (a->kind == ACTION_SCRUB_PARAMS && v.type >= VALUE_ARRAY)
		return scrub_members(a, w, n);
	/* Numbers have no parts; only hashing and masking hide them. */
	if (!rule_value_as_text(&v, &text) ||
		(v.type == VALUE_NUMBER && a->kind != ACTION_HASH && a->kind != ACTION_MASK)) {
		w->trouble += v.type >= VALUE_ARRAY;
		return E_OK;
	}
	if (edit_of(a->kind)(a, w, text, &out)) {
		rc = buf_ok(&out) ? json_replace_string(d, n, buf_view(&out)) : E_NOMEM;
		if (rc == E_OK && a->kind == ACTION_TRUNCATE && has_meta(w->s))
			rc = meta_cut(d, w->s->arena, n, text.n, (size_t)a->n);
	}
	buf_fini(&out);
	return rc;
}

static int redact_one(const struct rule_action *a, struct acting *w, json_node n)
{
	struct json_doc *d = w->s->doc;
	int rc;

	if (json_type_of(d, n) == JSON_TYPE_NULL)
		return E_OK;
	rc = json_replace_string(d, n, a->text);
	if (rc == E_OK && has_meta(w->s))
		rc = meta_filtered(d, w->s->arena, n);
	return rc;
}

int act_text(const struct rule_action *a, struct acting *w)
{
	bool deep = a->path.steps_n > 0 && a->path.steps[a->path.steps_n - 1].kind == STEP_DEEP;
	struct places p;
	int rc = action_places(a, w, &p);

	/* Last first: texts before the container of theirs that scrub_params may put
	 * something else in place of. */
	for (size_t i = p.n; i > 0 && rc == E_OK; i--) {
		uint32_t trouble = w->trouble;

		if (a->kind == ACTION_REDACT)
			rc = redact_one(a, w, p.v[i - 1]);
		else
			rc = edit_one(a, w, p.v[i - 1]);
		if (rc != E_NOMEM && rc != E_OK) {
			w->trouble++;
			rc = E_OK;
		}
		if (deep)
			w->trouble = trouble; /* ** meets what is no text, and means the rest */
	}
	rule_scope_edited(w->s);
	return rc;
}
