/* Visiting the parts of a document by the tables of schema.h.
 *
 * Parents first: a container is judged before its members. What does not have
 * the form its table expects is looked at like any free JSON, by every rule:
 * nothing passes because it is malformed.
 *
 * The functions call each other as deep as the document goes, at most
 * WALK_MAX_DEPTH states.
 */
#include "scrub/visit.h"

uint32_t walk_types_of(enum json_type t)
{
	switch (t) {
	case JSON_TYPE_STRING:
		return TYPE_BIT(TYPE_STRING);
	case JSON_TYPE_NUMBER:
		return TYPE_BIT(TYPE_NUMBER);
	case JSON_TYPE_BOOL:
		return TYPE_BIT(TYPE_BOOLEAN);
	case JSON_TYPE_ARRAY:
		return TYPE_BIT(TYPE_ARRAY);
	case JSON_TYPE_OBJECT:
		return TYPE_BIT(TYPE_OBJECT);
	case JSON_TYPE_MISSING:
	case JSON_TYPE_NULL:
		break;
	}
	return 0;
}

/* What the values of such a field count as. */
static uint32_t field_types(enum field_kind kind, enum json_type t)
{
	switch (kind) {
	case FIELD_LENIENT:
		return t == JSON_TYPE_NUMBER ? TYPE_BIT(TYPE_STRING) : walk_types_of(t);
	case FIELD_PAIRS:
	case FIELD_HEADERS:
	case FIELD_QUERY:
	case FIELD_COOKIES:
		return TYPE_BIT(TYPE_OBJECT); /* as a list, too */
	case FIELD_OBJECT:
	case FIELD_DATA:
	case FIELD_VALUES:
		return 0; /* its table says what it is */
	default:
		return walk_types_of(t);
	}
}

static bool is_container(enum json_type t)
{
	return t == JSON_TYPE_ARRAY || t == JSON_TYPE_OBJECT;
}

/* True: the value is gone. */
bool walk_judge_container(struct walk *w, json_node n)
{
	if (w->strings_only || !walk_rules(w, NULL))
		return w->rc != E_OK;
	w->tally->removed++;
	walk_remove(w, n);
	return true;
}

static void visit_text(struct walk *w, json_node n, enum json_type t)
{
	struct str text = t == JSON_TYPE_NUMBER ? json_raw(w->d, n) : json_text(w->d, n);
	struct str changed = STR_EMPTY;

	if (text.p == NULL) {
		w->rc = E_NOMEM;
		return;
	}
	switch (walk_node_text(w, n, text, &changed)) {
	case WALK_KEPT:
		break;
	case WALK_REMOVED:
		walk_remove(w, n);
		break;
	case WALK_CHANGED:
		walk_put_text(w, n, changed);
		break;
	}
}

/* The last part of a path stays: without it nothing can be symbolicated. */
static void visit_path(struct walk *w, json_node n)
{
	struct str text = json_text(w->d, n);
	struct str head = STR_EMPTY;
	struct buf joined = BUF_INIT;
	struct str whole;
	size_t cut = text.n;
	enum walk_end end;

	while (cut > 0 && text.p[cut - 1] != '/' && text.p[cut - 1] != '\\')
		cut--;
	if (cut == 0)
		return;
	end = walk_text(w, str_first(text, cut - 1), &head);
	if (end == WALK_KEPT)
		return;
	if (end == WALK_CHANGED)
		buf_str(&joined, head);
	buf_str(&joined, str_from(text, end == WALK_CHANGED ? cut - 1 : cut));
	whole = joined.n > 0 ? arena_dup(w->redactor->arena, buf_view(&joined)) : STR("");
	if (buf_ok(&joined) && whole.p != NULL)
		walk_put_text(w, n, whole);
	else
		w->rc = E_NOMEM;
	buf_fini(&joined);
}

bool walk_enter_member(
	struct walk *w, struct str key, struct str as, enum pii_flag flag, uint32_t types)
{
	struct pii_state state = {.key = as, .index = -1, .types = types, .flag = flag};

	return walk_enter(w, state, key);
}

static void visit_free(struct walk *w, json_node n, enum json_type t);

/* A member of free JSON. */
static void visit_free_member(struct walk *w, json_node n, struct str key)
{
	enum json_type t = json_type_of(w->d, n);

	if (!walk_enter_member(
		    w, key, key, walk_named_flag(w, key, walk_top(w)->flag), walk_types_of(t))) {
		walk_give_up(w, n, "picket:depth");
		return;
	}
	visit_free(w, n, t);
	walk_leave(w);
}

/* Every item is a pair of which the first is a string (pii.md 7, 5). */
bool walk_is_pair_list(const struct json_doc *d, json_node n)
{
	json_node first = json_first(d, n);

	for (json_node e = first; e != JSON_NONE; e = json_next(d, e))
		if (json_type_of(d, e) != JSON_TYPE_ARRAY || json_count(d, e) != 2 ||
			json_type_of(d, json_first(d, e)) != JSON_TYPE_STRING)
			return false;
	return first != JSON_NONE;
}

static void visit_pair(struct walk *w, json_node pair, int64_t index, enum field_kind kind)
{
	json_node key = json_first(w->d, pair);
	json_node value = json_next(w->d, key);
	enum json_type t = json_type_of(w->d, value);
	uint32_t types = walk_types_of(t);

	if (kind != FIELD_FREE)
		types = field_types(FIELD_LENIENT, t);
	if (!walk_enter_pair(w, json_text(w->d, key), index, types)) {
		walk_give_up(w, value, "picket:depth");
		return;
	}
	walk_top(w)->flag = walk_named_flag(w, walk_top(w)->key, walk_top(w)->flag);
	walk_value(w, value, kind, NULL);
	walk_leave(w);
}

static void visit_element(struct walk *w, json_node n, int64_t index)
{
	enum json_type t = json_type_of(w->d, n);

	if (!walk_enter_index(w, index, walk_types_of(t), walk_top(w)->flag)) {
		walk_give_up(w, n, "picket:depth");
		return;
	}
	visit_free(w, n, t);
	walk_leave(w);
}

/* OpenTelemetry's way to write members. The value is an object that names its
 * type: what is in it is what the key stands for. */
static bool visit_key_value(struct walk *w, json_node n)
{
	json_node key = json_get(w->d, n, STR("key"));
	json_node value = json_get(w->d, n, STR("value"));
	json_node inner = json_count(w->d, value) == 1 ? json_first(w->d, value) : value;
	struct str name = json_text(w->d, key);

	if (json_type_of(w->d, key) != JSON_TYPE_STRING || value == JSON_NONE ||
		json_count(w->d, n) != 2)
		return false;
	if (!walk_enter_member(
		    w, name, name, walk_top(w)->flag, walk_types_of(json_type_of(w->d, inner)))) {
		walk_give_up(w, value, "picket:depth");
		return true;
	}
	walk_free(w, inner);
	walk_leave(w);
	return true;
}

static void visit_free_array(struct walk *w, json_node n)
{
	bool pairs = !w->strings_only && walk_is_pair_list(w->d, n);
	int64_t index = 0;

	for (json_node e = json_first(w->d, n); e != JSON_NONE && w->rc == E_OK; index++) {
		json_node next = json_next(w->d, e);

		if (pairs)
			visit_pair(w, e, index, FIELD_FREE);
		else if (!w->otlp || !visit_key_value(w, e))
			visit_element(w, e, index);
		e = next;
	}
}

void walk_free_members(struct walk *w, json_node n)
{
	for (json_node m = json_first(w->d, n); m != JSON_NONE && w->rc == E_OK;) {
		json_node next = json_next(w->d, m);

		visit_free_member(w, m, json_key(w->d, m));
		m = next;
	}
}

static void visit_free(struct walk *w, json_node n, enum json_type t)
{
	walk_original(w);
	if ((walk_top(w)->flag == PII_FALSE && w->by_name == NAMES_MEAN_NOTHING) ||
		t == JSON_TYPE_NULL || t == JSON_TYPE_BOOL || w->rc != E_OK)
		return;
	if (t == JSON_TYPE_STRING) {
		visit_text(w, n, t);
		return;
	}
	if (walk_judge_container(w, n))
		return;
	if (t == JSON_TYPE_ARRAY)
		visit_free_array(w, n);
	if (t == JSON_TYPE_OBJECT)
		walk_free_members(w, n);
}

void walk_free(struct walk *w, json_node n)
{
	visit_free(w, n, json_type_of(w->d, n));
}

/* --- typed values ------------------------------------------------------------ */

/* A value that its table does not expect: every rule may look at it. */
void walk_unexpected(struct walk *w, json_node n)
{
	walk_top(w)->flag = PII_TRUE;
	walk_retype(w, walk_types_of(json_type_of(w->d, n)));
	walk_free(w, n);
}

static void visit_item(struct walk *w, json_node n, const struct schema *s)
{
	if (json_type_of(w->d, n) == JSON_TYPE_OBJECT)
		walk_value(w, n, FIELD_OBJECT, s);
	else if (json_type_of(w->d, n) != JSON_TYPE_NULL)
		walk_unexpected(w, n);
}

static void visit_list(struct walk *w, json_node n, const struct schema *s)
{
	int64_t index = 0;

	for (json_node e = json_first(w->d, n); e != JSON_NONE && w->rc == E_OK; index++) {
		json_node next = json_next(w->d, e);

		if (!walk_enter_index(w, index, s->types, walk_top(w)->flag)) {
			walk_give_up(w, e, "picket:depth");
		} else {
			visit_item(w, e, s);
			walk_leave(w);
		}
		e = next;
	}
}

static const struct pii_state values_state = {
	.key = {"values", 6}, .index = -1, .types = TYPE_BIT(TYPE_ARRAY), .flag = PII_FALSE};

/* One object alone stands for a list of one. */
static void visit_single(struct walk *w, json_node n, const struct schema *s)
{
	struct pii_state item = {.index = 0, .types = s->types, .flag = PII_FALSE};

	if (!walk_enter_virtual(w, item))
		return;
	walk_object(w, n, s);
	walk_leave(w);
}

static void visit_values(struct walk *w, json_node n, const struct schema *s)
{
	json_node values = json_get(w->d, n, STR("values"));
	bool is_list = json_type_of(w->d, n) == JSON_TYPE_ARRAY;
	bool entered = values != JSON_NONE ? walk_enter(w, values_state, STR("values"))
					   : walk_enter_virtual(w, values_state);

	if (!entered) {
		walk_give_up(w, n, "picket:depth");
		return;
	}
	if (is_list)
		visit_list(w, n, s);
	else if (values == JSON_NONE)
		visit_single(w, n, s);
	else if (json_type_of(w->d, values) == JSON_TYPE_ARRAY)
		visit_list(w, values, s);
	else
		walk_unexpected(w, values);
	walk_leave(w);
}

/* A "Cookie" header holds cookies: they are addressed as such, too. */
static void visit_cookie_header(struct walk *w, json_node n)
{
	struct pii_state own = *walk_top(w);
	struct str list = w->depth >= 2 ? w->states[w->depth - 2].key : STR_EMPTY;

	if (!str_ieq(own.key, STR("cookie")) || json_type_of(w->d, n) != JSON_TYPE_STRING ||
		list.p == NULL || w->rc != E_OK)
		return;
	walk_relabel(w, w->depth - 2, STR("cookies"), TYPE_BIT(TYPE_OBJECT));
	(void)walk_cookie_text(w, n);
	walk_relabel(w, w->depth - 2, list, TYPE_BIT(TYPE_OBJECT));
	walk_retype(w, own.types);
}

static void visit_pairs(struct walk *w, json_node n, enum field_kind kind)
{
	enum field_kind inner = kind == FIELD_HEADERS ? FIELD_HEADERS : FIELD_LENIENT;
	bool is_list = json_type_of(w->d, n) == JSON_TYPE_ARRAY;
	int64_t index = 0;

	for (json_node e = json_first(w->d, n); e != JSON_NONE && w->rc == E_OK; index++) {
		json_node next = json_next(w->d, e);
		json_node key = json_first(w->d, e);

		if (!is_list) {
			struct str name = json_key(w->d, e);

			if (walk_enter_member(w, name, name, walk_top(w)->flag,
				    field_types(FIELD_LENIENT, json_type_of(w->d, e)))) {
				walk_value(w, e, inner, NULL);
				walk_leave(w);
			} else {
				walk_give_up(w, e, "picket:depth");
			}
		} else if (json_count(w->d, e) == 2 &&
			   json_type_of(w->d, key) == JSON_TYPE_STRING) {
			visit_pair(w, e, index, inner);
		} else {
			visit_element(w, e, index);
		}
		e = next;
	}
}

/* What has no table cannot be of a kind that needs one. */
static bool fits(enum field_kind kind, enum json_type t, enum pii_flag flag, const struct schema *s)
{
	switch (kind) {
	case FIELD_OBJECT:
		return t == JSON_TYPE_OBJECT && s != NULL;
	case FIELD_CONTEXTS:
	case FIELD_DATA:
	case FIELD_ATTRIBUTES:
		return t == JSON_TYPE_OBJECT;
	case FIELD_LIST:
		return t == JSON_TYPE_ARRAY && s != NULL;
	case FIELD_VALUES:
		return is_container(t) && s != NULL;
	case FIELD_PAIRS:
		return is_container(t);
	case FIELD_QUERY:
	case FIELD_COOKIES:
		return is_container(t) || t == JSON_TYPE_STRING;
	case FIELD_TEXT:
	case FIELD_LENIENT:
	case FIELD_IP:
	case FIELD_PATH:
		return !is_container(t) || flag != PII_FALSE;
	case FIELD_FREE:
	case FIELD_BODY:
	case FIELD_HEADERS:
		break;
	}
	return true;
}

static void visit_scalar(struct walk *w, json_node n, enum field_kind kind, enum json_type t)
{
	if (kind == FIELD_PATH && t == JSON_TYPE_STRING)
		visit_path(w, n);
	else if (kind == FIELD_LENIENT && t == JSON_TYPE_NUMBER)
		visit_text(w, n, t);
	else
		visit_free(w, n, t);
}

static void visit_container(
	struct walk *w, json_node n, enum field_kind kind, const struct schema *s)
{
	if (walk_judge_container(w, n))
		return;
	switch (kind) {
	case FIELD_OBJECT:
		if ((s->types & TYPE_BIT(TYPE_USER)) != 0)
			walk_user(w, n, s);
		else
			walk_object(w, n, s);
		break;
	case FIELD_VALUES:
		visit_values(w, n, s);
		break;
	case FIELD_LIST:
		visit_list(w, n, s);
		break;
	case FIELD_CONTEXTS:
		walk_contexts(w, n);
		break;
	case FIELD_ATTRIBUTES:
		walk_attributes(w, n);
		break;
	case FIELD_QUERY:
		if (json_type_of(w->d, n) == JSON_TYPE_STRING)
			(void)walk_query_text(w, n);
		else
			visit_pairs(w, n, kind);
		break;
	case FIELD_COOKIES:
		if (json_type_of(w->d, n) == JSON_TYPE_STRING)
			(void)walk_cookie_text(w, n);
		else
			visit_pairs(w, n, kind);
		break;
	default:
		visit_pairs(w, n, kind);
		break;
	}
}

static void visit_value(
	struct walk *w, json_node n, enum json_type t, enum field_kind kind, const struct schema *s)
{
	walk_original(w);
	if (t == JSON_TYPE_NULL || w->rc != E_OK)
		return;
	if (!fits(kind, t, walk_top(w)->flag, s)) {
		walk_unexpected(w, n);
		return;
	}
	switch (kind) {
	case FIELD_FREE:
		visit_free(w, n, t);
		break;
	case FIELD_DATA:
		walk_data(w, n);
		break;
	case FIELD_TEXT:
	case FIELD_LENIENT:
	case FIELD_IP:
	case FIELD_PATH:
		visit_scalar(w, n, kind, t);
		break;
	case FIELD_BODY:
		if (t != JSON_TYPE_STRING || !walk_body_text(w, n))
			visit_free(w, n, t);
		break;
	case FIELD_HEADERS:
		if (is_container(t)) {
			visit_container(w, n, kind, s);
		} else {
			visit_scalar(w, n, FIELD_LENIENT, t);
			visit_cookie_header(w, n);
		}
		break;
	default:
		visit_container(w, n, kind, s);
		break;
	}
}

void walk_value(struct walk *w, json_node n, enum field_kind kind, const struct schema *s)
{
	visit_value(w, n, json_type_of(w->d, n), kind, s);
}

/* A legacy "message" may be the text itself. */
static bool visit_message(struct walk *w, json_node n, const struct field *f)
{
	struct pii_state text = {.key = STR("formatted"),
		.index = -1,
		.types = TYPE_BIT(TYPE_MESSAGE) | TYPE_BIT(TYPE_STRING),
		.flag = PII_TRUE};

	if (f->as == NULL || f->schema == NULL ||
		(f->schema->types & TYPE_BIT(TYPE_LOGENTRY)) == 0 ||
		json_type_of(w->d, n) != JSON_TYPE_STRING || !walk_enter_virtual(w, text))
		return false;
	walk_free(w, n);
	walk_leave(w);
	return true;
}

/* Most members are never scrubbed, and nothing in them is: no need to go there. */
static bool is_left_alone(
	const struct walk *w, enum field_kind kind, enum pii_flag flag, enum json_type t)
{
	if (flag != PII_FALSE || w->meta->first_value != NULL || w->redactor->no_quick)
		return false;
	return (kind == FIELD_FREE && w->by_name == NAMES_MEAN_NOTHING) ||
	       (kind == FIELD_TEXT && !is_container(t));
}

static void visit_member(struct walk *w, json_node n, struct str key, const struct schema *s)
{
	const struct field *f = schema_field(s, key);
	enum json_type t = json_type_of(w->d, n);
	enum field_kind kind = f != NULL ? f->kind : FIELD_FREE;
	enum pii_flag flag =
		f != NULL ? walk_deepen(w, f->flag, f->deep) : walk_deepen(w, s->other, true);
	uint32_t types = field_types(kind, t);

	if (is_left_alone(w, kind, flag, t))
		return;
	if (f != NULL)
		types |= f->types |
			 (f->schema != NULL && kind == FIELD_OBJECT ? f->schema->types : 0);
	if (!walk_enter_member(
		    w, key, f != NULL && f->as != NULL ? str_of(f->as) : key, flag, types)) {
		walk_give_up(w, n, "picket:depth");
		return;
	}
	if (f == NULL || !visit_message(w, n, f))
		visit_value(w, n, t, kind, f != NULL ? f->schema : NULL);
	if ((s->types & TYPE_BIT(TYPE_HTTP)) != 0 && str_eq(key, STR("url")))
		walk_url_query(w, n);
	walk_leave(w);
}

void walk_object(struct walk *w, json_node n, const struct schema *s)
{
	for (json_node m = json_first(w->d, n); m != JSON_NONE && w->rc == E_OK;) {
		json_node next = json_next(w->d, m);
		struct str key = json_key(w->d, m);

		if (n != w->root || !str_eq(key, STR("_meta")))
			visit_member(w, m, key, s);
		m = next;
	}
}
