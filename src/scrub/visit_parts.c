/* The user, contexts and attributes: parts with a form of their own. */
#include <arpa/inet.h>

#include "scrub/visit.h"

static bool ip_is_valid(struct walk *w, json_node n)
{
	struct str text = json_text(w->d, n);
	char own[64];
	unsigned char out[16];

	if (json_type_of(w->d, n) == JSON_TYPE_MISSING || json_type_of(w->d, n) == JSON_TYPE_NULL ||
		str_eq(text, STR("{{auto}}")))
		return true;
	if (text.n == 0 || text.n >= sizeof own)
		return false;
	memcpy(own, text.p, text.n);
	own[text.n] = '\0';
	return inet_pton(AF_INET, own, out) == 1 || inet_pton(AF_INET6, own, out) == 1;
}

static bool is_set(struct walk *w, json_node user, struct str name)
{
	enum json_type t = json_type_of(w->d, json_get(w->d, user, name));

	return t != JSON_TYPE_MISSING && t != JSON_TYPE_NULL;
}

/* A redacted address identifies the user when nothing else does (pii.md 7, 7). */
static void move_ip(struct walk *w, json_node user)
{
	json_node ip = json_get(w->d, user, STR("ip_address"));
	struct meta_node *notes = walk_notes(w, true);
	struct meta_node *from =
		notes != NULL ? meta_child(w->meta, notes, STR("ip_address")) : NULL;
	struct meta_node *to = notes != NULL ? meta_child(w->meta, notes, STR("id")) : NULL;
	struct remark gone = {.rule = STR("pii:ip_address"), .letter = REMARK_REMOVED};

	if (from == NULL || to == NULL) {
		w->rc = E_NOMEM;
		return;
	}
	meta_move(w->meta, from, to);
	if (json_set_string(w->d, user, STR("id"), json_text(w->d, ip)) != E_OK ||
		json_replace_raw(w->d, ip, STR("null")) != E_OK ||
		meta_add_remark(w->meta, from, &gone) != E_OK)
		w->rc = E_NOMEM;
}

void walk_user(struct walk *w, json_node n, const struct schema *s)
{
	json_node ip = json_get(w->d, n, STR("ip_address"));
	bool was_valid = ip_is_valid(w, ip);

	walk_object(w, n, s);
	ip = json_get(w->d, n, STR("ip_address"));
	if (w->rc == E_OK && was_valid && !ip_is_valid(w, ip) && !is_set(w, n, STR("id")) &&
		!is_set(w, n, STR("username")) && !is_set(w, n, STR("email")))
		move_ip(w, n);
}

static void visit_context(struct walk *w, json_node n, struct str name)
{
	struct str type = json_text(w->d, json_get(w->d, n, STR("type")));
	const struct schema *s = schema_context(type.n > 0 ? type : name);

	if (json_type_of(w->d, n) == JSON_TYPE_OBJECT && s != NULL)
		walk_value(w, n, FIELD_OBJECT, s);
	else if (json_type_of(w->d, n) != JSON_TYPE_NULL)
		walk_unexpected(w, n);
}

void walk_contexts(struct walk *w, json_node n)
{
	for (json_node m = json_first(w->d, n); m != JSON_NONE && w->rc == E_OK;) {
		json_node next = json_next(w->d, m);
		struct str key = json_key(w->d, m);

		if (!walk_enter_member(
			    w, key, key, PII_FALSE, walk_types_of(json_type_of(w->d, m)))) {
			walk_give_up(w, m, "picket:depth");
		} else {
			visit_context(w, m, key);
			walk_leave(w);
		}
		m = next;
	}
}

enum pii_flag walk_deepen(const struct walk *w, enum pii_flag flag, bool deep)
{
	return w->deep && deep && flag == PII_MAYBE ? PII_TRUE : flag;
}

enum pii_flag walk_named_flag(const struct walk *w, struct str key, enum pii_flag inherited)
{
	enum pii_flag flag = inherited;

	if (w->by_name == NAMES_MEAN_NOTHING)
		return inherited;
	if (!schema_convention(key, &flag))
		return w->by_name == NAMES_OR_TRUE ? PII_TRUE : inherited;
	return walk_deepen(w, flag,
		!str_starts(key, STR("code.")) && !str_starts(key, STR("sentry.")) &&
			!str_starts(key, STR("gen_ai.usage.")));
}

/* A value below a name of the conventions. */
static void visit_named(struct walk *w, json_node n)
{
	enum naming was = w->by_name;

	w->by_name = NAMES_OR_PARENT;
	walk_free(w, n);
	w->by_name = was;
}

void walk_data(struct walk *w, json_node n)
{
	enum naming was = w->by_name;

	if (walk_judge_container(w, n))
		return;
	walk_top(w)->flag = PII_TRUE; /* what members inherit */
	w->by_name = NAMES_OR_TRUE;
	walk_free_members(w, n);
	w->by_name = was;
}

static enum pii_flag attribute_flag(struct walk *w, struct str name)
{
	enum naming was = w->by_name;
	enum pii_flag flag;

	w->by_name = NAMES_OR_PARENT;
	flag = walk_named_flag(w, name, PII_TRUE);
	w->by_name = was;
	return flag;
}

/* The object of one attribute: its text is below "value". */
static void visit_attribute_object(struct walk *w, json_node n, struct str name)
{
	if (walk_judge_container(w, n))
		return;
	for (json_node m = json_first(w->d, n); m != JSON_NONE && w->rc == E_OK;) {
		json_node next = json_next(w->d, m);
		struct str key = json_key(w->d, m);
		enum pii_flag flag =
			str_eq(key, STR("value")) ? attribute_flag(w, name) : PII_FALSE;

		if (!walk_enter_member(w, key, key, flag, walk_types_of(json_type_of(w->d, m)))) {
			walk_give_up(w, m, "picket:depth");
		} else {
			visit_named(w, m);
			walk_leave(w);
		}
		m = next;
	}
}

static void visit_attribute(struct walk *w, json_node n)
{
	struct str key = json_key(w->d, n);
	json_node value = json_get(w->d, n, STR("value"));
	bool as_value = w->attributes == ATTRIBUTES_AS_VALUES && value != JSON_NONE;
	enum pii_flag flag = as_value ? attribute_flag(w, key) : walk_top(w)->flag;

	if (!walk_enter_member(
		    w, key, key, flag, walk_types_of(json_type_of(w->d, as_value ? value : n)))) {
		walk_give_up(w, n, "picket:depth");
		return;
	}
	if (as_value) {
		w->levels[w->depth - 1].segment[1] = STR("value");
		w->levels[w->depth - 1].segments = 2;
		visit_named(w, value);
	} else if (json_type_of(w->d, n) == JSON_TYPE_OBJECT) {
		walk_original(w);
		visit_attribute_object(w, n, key);
	} else if (json_type_of(w->d, n) != JSON_TYPE_NULL) {
		walk_unexpected(w, n);
	}
	walk_leave(w);
}

void walk_attributes(struct walk *w, json_node n)
{
	for (json_node m = json_first(w->d, n); m != JSON_NONE && w->rc == E_OK;) {
		json_node next = json_next(w->d, m);

		if (n != w->root || !str_eq(json_key(w->d, m), STR("_meta")))
			visit_attribute(w, m);
		m = next;
	}
}
