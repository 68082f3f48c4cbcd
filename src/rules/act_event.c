/* Edits that know what an event is: tags, fingerprint, level, in_app. */
#include "rules/action.h"

#include "rules/meta.h"
#include "rules/scope.h"

static struct str quoted(struct arena *a, struct str s)
{
	struct buf b = BUF_INIT;
	struct str text;

	buf_json_str(&b, s);
	text = buf_ok(&b) ? arena_dup(a, buf_view(&b)) : STR_EMPTY;
	buf_fini(&b);
	return text;
}

static int finished(struct acting *w, int rc)
{
	rule_scope_edited(w->s);
	if (rc != E_OK && rc != E_NOMEM) {
		w->trouble++;
		rc = E_OK;
	}
	return rc;
}

/* Logs, metrics and spans in containers have attributes instead of tags. */
static bool has_attributes(const struct rule_scope *s)
{
	return s->kind == RULE_LOG || s->kind == RULE_METRIC ||
	       (s->kind == RULE_SPAN && s->item != NULL && s->item->is_container);
}

static int tag_pair(struct acting *w, json_node tags, struct str name, struct str raw)
{
	struct rule_step step = {.kind = STEP_KEY, .key = name};
	struct json_doc *d = w->s->doc;
	json_node old = step_into(d, tags, &step);
	struct str key = quoted(w->s->arena, name);
	struct str pair;

	if (old != JSON_NONE)
		return json_replace_raw(d, old, raw);
	pair = key.p != NULL ? arena_printf(w->s->arena, "[%.*s,%.*s]", STR_ARG(key), STR_ARG(raw))
			     : STR_EMPTY;
	return pair.p != NULL ? json_append_raw(d, tags, pair) : E_NOMEM;
}

int act_tag(const struct rule_action *a, struct acting *w)
{
	struct rule_scope *s = w->s;
	bool attributes = has_attributes(s);
	struct str keys[2] = {attributes ? STR("attributes") : STR("tags"), a->text};
	struct str text, raw;
	json_node tags;

	if (!term_text(&a->term, w->fields, s, &text))
		return E_OK;
	raw = quoted(s->arena, text);
	if (attributes && raw.p != NULL)
		raw = arena_printf(s->arena, "{\"value\":%.*s,\"type\":\"string\"}", STR_ARG(raw));
	if (raw.p == NULL)
		return E_NOMEM;
	tags = json_get(s->doc, scope_root(s), keys[0]);
	if (json_type_of(s->doc, tags) == JSON_TYPE_ARRAY)
		return finished(w, tag_pair(w, tags, a->text, raw));
	return finished(w, keys_set(s->doc, s->arena, scope_root(s), keys, 2, raw));
}

/* The list of texts; parts that do not exist are left out. */
static int fingerprint_parts(const struct rule_action *a, struct acting *w, struct buf *out)
{
	struct str text;

	for (size_t i = 0; i < a->term.list_n; i++) {
		if (!term_text(&a->term.list[i], w->fields, w->s, &text))
			continue;
		if (out->n > 0)
			buf_char(out, ',');
		buf_json_str(out, text);
	}
	return buf_ok(out) ? E_OK : E_NOMEM;
}

int act_fingerprint(const struct rule_action *a, struct acting *w)
{
	struct rule_scope *s = w->s;
	json_node old = json_get(s->doc, scope_root(s), STR("fingerprint"));
	struct buf parts = BUF_INIT, list = BUF_INIT;
	struct str raw;
	int rc = fingerprint_parts(a, w, &parts);

	buf_char(&list, '[');
	if (a->adds && json_count(s->doc, old) > 0) {
		for (json_node n = json_first(s->doc, old); n != JSON_NONE;
			n = json_next(s->doc, n)) {
			json_write(s->doc, n, &list);
			buf_char(&list, ',');
		}
	} else if (a->adds) {
		buf_cstr(&list, "\"{{ default }}\","); /* what an absent one means */
	}
	buf_str(&list, buf_view(&parts));
	buf_char(&list, ']');
	if (rc == E_OK && parts.n > 0) {
		raw = buf_ok(&list) ? arena_dup(s->arena, buf_view(&list)) : STR_EMPTY;
		rc = raw.p != NULL ? json_set_raw(s->doc, scope_root(s), STR("fingerprint"), raw)
				   : E_NOMEM;
	}
	buf_fini(&parts);
	buf_fini(&list);
	return finished(w, rc);
}

int act_level(const struct rule_action *a, struct acting *w)
{
	struct rule_scope *s = w->s;
	struct str text;

	if (!term_text(&a->term, w->fields, s, &text))
		return E_OK;
	return finished(w, json_set_string(s->doc, scope_root(s), STR("level"), text));
}

int act_in_app(const struct rule_action *a, struct acting *w)
{
	struct json_doc *d = w->s->doc;
	struct places p;
	int rc = action_places(a, w, &p);

	for (size_t i = 0; i < p.n && rc == E_OK; i++)
		rc = finished(w, json_set_raw(d, p.v[i], STR("in_app"),
					 a->flag ? STR("true") : STR("false")));
	return rc;
}

/* Elements of one list, or members of one object. */
static int remove_from(const struct rule_action *a, struct acting *w, json_node list)
{
	struct rule_scope *s = w->s;
	json_node root = s->root, n, next;
	size_t before = json_count(s->doc, list), removed = 0;
	int rc = E_OK;

	for (n = json_first(s->doc, list); n != JSON_NONE && rc == E_OK; n = next) {
		next = json_next(s->doc, n);
		rule_scope_enter(s, s->kind, s->doc, n);
		s->key = json_key(s->doc, n);
		if (condition_eval(a->where, s) == CONDITION_TRUE) {
			rc = json_remove(s->doc, n);
			removed++;
		}
	}
	rule_scope_enter(s, s->kind, s->doc, root);
	if (rc == E_OK && removed > 0 && (s->kind == RULE_EVENT || s->kind == RULE_TRANSACTION) &&
		json_type_of(s->doc, list) == JSON_TYPE_ARRAY)
		rc = meta_list_length(s->doc, s->arena, list, before);
	return finished(w, rc);
}

int act_remove_elements(const struct rule_action *a, struct acting *w)
{
	struct str key = w->s->key;
	struct places p;
	int rc = action_places(a, w, &p);

	for (size_t i = 0; i < p.n && rc == E_OK; i++) {
		enum json_type t = json_type_of(w->s->doc, p.v[i]);

		if (t == JSON_TYPE_ARRAY || t == JSON_TYPE_OBJECT)
			rc = remove_from(a, w, p.v[i]);
		else if (t > JSON_TYPE_NULL)
			w->trouble++;
	}
	w->s->key = key;
	return rc;
}

int action_edit(const struct rule_action *a, struct acting *w)
{
	if (w->s->doc == NULL)
		return E_OK;
	switch (a->kind) {
	case ACTION_SET:
	case ACTION_SET_DEFAULT:
		return act_set(a, w);
	case ACTION_DELETE:
		return act_delete(a, w);
	case ACTION_RENAME:
		return act_rename(a, w);
	case ACTION_APPEND:
		return act_append(a, w);
	case ACTION_REMOVE_ELEMENTS:
		return act_remove_elements(a, w);
	case ACTION_TAG:
		return act_tag(a, w);
	case ACTION_FINGERPRINT:
		return act_fingerprint(a, w);
	case ACTION_LEVEL:
		return act_level(a, w);
	case ACTION_IN_APP:
		return act_in_app(a, w);
	default:
		return act_text(a, w);
	}
}
