/* Reading the JSON of a PII configuration. Following aliases and ordering is in
 * piiconf_compile.c.
 */
#include "scrub/piiconf_inner.h"

#include <stdlib.h>

#include "scrub/derive.h"

#define MAX_RULES 1000

/* Line and column of a node, both from 1. */
void piiconf_place(const struct piiconf *c, json_node n, uint32_t *line, uint32_t *column)
{
	const char *at = json_raw(c->doc, n).p;

	*line = *column = 1;
	for (const char *p = c->text.p; p < at; p++) {
		(*column)++;
		if (*p == '\n') {
			(*line)++;
			*column = 1;
		}
	}
}

static int fail_at(const struct piiconf *c, json_node n, struct err *err, int rc, const char *what,
	struct str of)
{
	uint32_t line;
	uint32_t column;

	piiconf_place(c, n, &line, &column);
	return err_set(err, rc, "line %u, column %u: %s%s%.*s%s", line, column, what,
		of.n > 0 ? " \"" : "", STR_ARG(str_first(of, 100)), of.n > 0 ? "\"" : "");
}

int piiconf_warn(struct piiconf *c, const char *what, struct str of)
{
	struct str text = arena_printf(c->arena, "%s \"%.*s\"", what, STR_ARG(str_first(of, 200)));

	if (text.p == NULL)
		return E_NOMEM;
	if (c->warning_count < PIICONF_MAX_WARNINGS)
		c->warnings[c->warning_count++] = text.p;
	return E_OK;
}

static bool one_of(struct str s, const char *const *names)
{
	for (; *names != NULL; names++)
		if (str_eq(s, str_of(*names)))
			return true;
	return false;
}

static bool is_absent(const struct piiconf *c, json_node n)
{
	enum json_type t = json_type_of(c->doc, n);

	return t == JSON_TYPE_MISSING || t == JSON_TYPE_NULL;
}

/* Every member is named in one of the lists and stands there once. Those of
 * without are allowed and warned about. */
static int check_members(struct piiconf *c, json_node object, const char *const *known,
	const char *const *without, struct err *err)
{
	if (json_type_of(c->doc, object) != JSON_TYPE_OBJECT)
		return fail_at(c, object, err, E_INVAL, "not an object", STR_EMPTY);
	for (json_node n = json_first(c->doc, object); n != JSON_NONE; n = json_next(c->doc, n)) {
		struct str key = json_key(c->doc, n);

		if (known != NULL && !one_of(key, known)) {
			if (without == NULL || !one_of(key, without))
				return fail_at(c, n, err, E_UNSUPPORTED, "unknown member", key);
			if (piiconf_warn(c, "this member has no effect:", key) != E_OK)
				return err_set(err, E_NOMEM, "no memory");
		}
		if (json_get(c->doc, object, key) != n)
			return fail_at(c, n, err, E_INVAL, "twice the member", key);
	}
	return E_OK;
}

static int read_redaction(struct piiconf *c, json_node n, struct redaction *ret, struct err *err)
{
	static const char *const known[] = {"method", "text", NULL};
	static const char *const without[] = {
		"maskChar", "charsToIgnore", "range", "algorithm", "key", NULL};
	json_node method;
	json_node text;
	int rc;

	*ret = (struct redaction){METHOD_DEFAULT, STR_EMPTY};
	if (is_absent(c, n))
		return E_OK;
	rc = check_members(c, n, known, without, err);
	if (rc != E_OK)
		return rc;
	method = json_get(c->doc, n, STR("method"));
	if (!is_absent(c, method) && !method_parse(json_text(c->doc, method), &ret->method))
		return fail_at(c, method, err, E_UNSUPPORTED, "unknown redaction method",
			json_text(c->doc, method));
	text = json_get(c->doc, n, STR("text"));
	if (!is_absent(c, text) && json_type_of(c->doc, text) != JSON_TYPE_STRING)
		return fail_at(c, text, err, E_INVAL, "text is not a string", STR_EMPTY);
	ret->text = is_absent(c, text) ? STR("[Filtered]") : json_text(c->doc, text);
	if (!str_is_utf8(ret->text))
		return fail_at(c, text, err, E_INVAL, "text is not Unicode", STR_EMPTY);
	return E_OK;
}

static int read_groups(struct piiconf *c, json_node n, uint64_t *ret, struct err *err)
{
	*ret = 1;
	if (is_absent(c, n))
		return E_OK;
	if (json_type_of(c->doc, n) != JSON_TYPE_ARRAY)
		return fail_at(c, n, err, E_INVAL, "replaceGroups is not a list", STR_EMPTY);
	*ret = 0;
	for (json_node g = json_first(c->doc, n); g != JSON_NONE; g = json_next(c->doc, g)) {
		int64_t v;

		if (!json_int(c->doc, g, &v) || v < 0 || v >= PATTERN_MAX_GROUPS)
			return fail_at(
				c, g, err, E_INVAL, "not a group number", json_raw(c->doc, g));
		*ret |= UINT64_C(1) << v;
	}
	return E_OK;
}

/* What quick.h knows about the patterns of deep scrubbing. */
static enum pattern_id own_id(const struct piiconf *c, struct str name)
{
	if (!c->own || !str_starts(name, STR("deep-")))
		return PAT_CUSTOM;
	return str_eq(name, STR("deep-keys"))    ? PAT_DEEP_KEYS
	       : str_eq(name, STR("deep-pairs")) ? PAT_DEEP_PAIRS
						 : PAT_DEEP_HEADER;
}

static int read_pattern(
	struct piiconf *c, struct rule_def *def, json_node n, bool caseless, struct err *err)
{
	struct str source = json_text(c->doc, n);
	struct pattern *p;
	int rc;

	if (json_type_of(c->doc, n) != JSON_TYPE_STRING)
		return fail_at(
			c, n, err, E_INVAL, "a pattern is missing or not a string", STR_EMPTY);
	if (!str_is_utf8(source))
		return fail_at(c, n, err, E_INVAL, "the pattern is not Unicode", STR_EMPTY);
	rc = pattern_new(&p, source, caseless ? PATTERN_CASELESS : 0, err);
	if (rc != E_OK) {
		uint32_t line;
		uint32_t column;

		piiconf_place(c, n, &line, &column);
		return err_wrap(err, rc, "line %u, column %u", line, column);
	}
	c->patterns[c->pattern_count++] = p;
	def->custom = p;
	def->custom_id = own_id(c, def->name);
	return E_OK;
}

static int read_inner(struct piiconf *c, struct rule_def *def, json_node n, struct err *err)
{
	bool is_list = def->type == RULE_MULTIPLE;
	size_t count = is_list ? json_count(c->doc, n) : 1;
	struct str *names = arena_calloc(c->arena, count + 1, sizeof *names);
	size_t i = 0;

	if (names == NULL)
		return err_set(err, E_NOMEM, "no memory");
	if (is_list && json_type_of(c->doc, n) != JSON_TYPE_ARRAY)
		return fail_at(c, n, err, E_INVAL, "rules is missing or not a list", STR_EMPTY);
	for (json_node e = is_list ? json_first(c->doc, n) : n; e != JSON_NONE && i < count;
		e = json_next(c->doc, e)) {
		if (json_type_of(c->doc, e) != JSON_TYPE_STRING)
			return fail_at(
				c, e, err, E_INVAL, "not the name of a rule", json_raw(c->doc, e));
		names[i++] = json_text(c->doc, e);
	}
	if (i < count)
		return fail_at(
			c, json_root(c->doc), err, E_INVAL, "the inner rule is missing", STR_EMPTY);
	def->inner = names;
	def->inner_count = count;
	return E_OK;
}

static const char *const *members_of(enum rule_type t)
{
	static const char *const plain[] = {"type", "redaction", NULL};
	static const char *const pattern[] = {
		"type", "redaction", "pattern", "replaceGroups", NULL};
	static const char *const pair[] = {"type", "redaction", "keyPattern", NULL};
	static const char *const multiple[] = {"type", "redaction", "rules", "hideInner", NULL};
	static const char *const alias[] = {"type", "redaction", "rule", "hideInner", NULL};

	switch (t) {
	case RULE_PATTERN:
		return pattern;
	case RULE_REDACT_KEY:
	case RULE_REDACT_PAIR:
		return pair;
	case RULE_MULTIPLE:
		return multiple;
	case RULE_ALIAS:
		return alias;
	default:
		return plain;
	}
}

static int read_by_type(struct piiconf *c, struct rule_def *def, json_node n, struct err *err)
{
	bool no_case = c->own && str_eq(def->name, STR(DERIVE_STRIP_FIELDS));
	json_node hide = json_get(c->doc, n, STR("hideInner"));
	int rc;

	if (def->type == RULE_PATTERN) {
		rc = read_groups(c, json_get(c->doc, n, STR("replaceGroups")), &def->groups, err);
		if (rc != E_OK)
			return rc;
		return read_pattern(c, def, json_get(c->doc, n, STR("pattern")), no_case, err);
	}
	if (def->type == RULE_REDACT_PAIR || def->type == RULE_REDACT_KEY)
		return read_pattern(c, def, json_get(c->doc, n, STR("keyPattern")), no_case, err);
	if (def->type != RULE_MULTIPLE && def->type != RULE_ALIAS)
		return E_OK;
	if (!is_absent(c, hide) && json_type_of(c->doc, hide) != JSON_TYPE_BOOL)
		return fail_at(c, hide, err, E_INVAL, "hideInner is not true or false", STR_EMPTY);
	def->hide_inner = json_bool(c->doc, hide, false);
	return read_inner(c, def,
		json_get(c->doc, n, def->type == RULE_ALIAS ? STR("rule") : STR("rules")), err);
}

static bool parse_type(const struct piiconf *c, struct str name, enum rule_type *ret)
{
	*ret = RULE_REDACT_KEY;
	return (c->own && str_eq(name, STR("redact_key"))) || rule_type_parse(name, ret);
}

static int read_rule(struct piiconf *c, struct rule_def *def, json_node n, struct err *err)
{
	json_node type = json_get(c->doc, n, STR("type"));
	int rc;

	piiconf_place(c, n, &def->line, &def->column);
	if (json_type_of(c->doc, n) != JSON_TYPE_OBJECT)
		return fail_at(c, n, err, E_INVAL, "not an object", STR_EMPTY);
	if (!parse_type(c, json_text(c->doc, type), &def->type))
		return fail_at(c, type != JSON_NONE ? type : n, err, E_UNSUPPORTED,
			type != JSON_NONE ? "unknown rule type" : "no rule type",
			json_text(c->doc, type));
	rc = check_members(c, n, members_of(def->type), NULL, err);
	if (rc == E_OK)
		rc = read_redaction(c, json_get(c->doc, n, STR("redaction")), &def->redaction, err);
	return rc == E_OK ? read_by_type(c, def, n, err) : rc;
}

static int read_rules(struct piiconf *c, json_node rules, struct err *err)
{
	size_t count = json_count(c->doc, rules);
	int rc;

	if (is_absent(c, rules))
		return E_OK;
	rc = check_members(c, rules, NULL, NULL, err);
	if (rc != E_OK)
		return err_wrap(err, rc, "rules");
	if (count > MAX_RULES)
		return err_set(err, E_TOOBIG, "more than %d rules", MAX_RULES);
	c->defs = arena_calloc(c->arena, count + 1, sizeof *c->defs);
	c->patterns = arena_calloc(c->arena, count + 1, sizeof(void *));
	if (c->defs == NULL || c->patterns == NULL)
		return err_set(err, E_NOMEM, "no memory");
	for (json_node n = json_first(c->doc, rules); n != JSON_NONE; n = json_next(c->doc, n)) {
		struct rule_def *def = &c->defs[c->def_count++];

		def->name = json_key(c->doc, n);
		rc = read_rule(c, def, n, err);
		if (rc != E_OK)
			return err_wrap(
				err, rc, "rule \"%.*s\"", STR_ARG(str_first(def->name, 100)));
	}
	return E_OK;
}

static int read_application(
	struct piiconf *c, struct application *app, json_node n, struct err *err)
{
	int rc = selector_parse(&app->selector, json_key(c->doc, n), err);

	if (rc != E_OK)
		return rc;
	if (json_type_of(c->doc, n) != JSON_TYPE_ARRAY)
		return fail_at(c, n, err, E_INVAL, "not a list of rule names", STR_EMPTY);
	for (json_node e = json_first(c->doc, n); e != JSON_NONE; e = json_next(c->doc, e)) {
		if (json_type_of(c->doc, e) != JSON_TYPE_STRING)
			return fail_at(
				c, e, err, E_INVAL, "not the name of a rule", json_raw(c->doc, e));
	}
	return piiconf_collect(c, app, n, err);
}

static int read_applications(struct piiconf *c, json_node apps, struct err *err)
{
	size_t count = json_count(c->doc, apps);
	int rc;

	if (is_absent(c, apps))
		return E_OK;
	rc = check_members(c, apps, NULL, NULL, err);
	if (rc != E_OK)
		return err_wrap(err, rc, "applications");
	c->apps = arena_calloc(c->arena, count + 1, sizeof *c->apps);
	if (c->apps == NULL)
		return err_set(err, E_NOMEM, "no memory");
	for (json_node n = json_first(c->doc, apps); n != JSON_NONE; n = json_next(c->doc, n)) {
		rc = read_application(c, &c->apps[c->app_count++], n, err);
		if (rc != E_OK) {
			uint32_t line;
			uint32_t column;

			piiconf_place(c, n, &line, &column);
			return err_wrap(err, rc, "application at line %u, column %u", line, column);
		}
	}
	piiconf_sort(c);
	return E_OK;
}

static int read_config(struct piiconf *c, struct err *err)
{
	static const char *const known[] = {"rules", "vars", "applications", NULL};
	static const char *const none[] = {NULL};
	static const char *const vars_without[] = {"hashKey", NULL};
	json_node root = json_root(c->doc);
	json_node vars;
	int rc = check_members(c, root, known, NULL, err);

	if (rc != E_OK)
		return rc;
	vars = json_get(c->doc, root, STR("vars"));
	if (!is_absent(c, vars))
		rc = check_members(c, vars, none, vars_without, err);
	if (rc != E_OK)
		return err_wrap(err, rc, "vars");
	rc = read_rules(c, json_get(c->doc, root, STR("rules")), err);
	if (rc == E_OK)
		rc = piiconf_check_loops(c, err);
	return rc == E_OK ? read_applications(c, json_get(c->doc, root, STR("applications")), err)
			  : rc;
}

int piiconf_load(struct piiconf **ret, struct str json, const struct pattern_set *set, bool own,
	struct err *err)
{
	static const struct json_limits limits = {64, 200000, PIICONF_MAX_BYTES};
	struct piiconf *c = calloc(1, sizeof *c);
	int rc;

	*ret = NULL;
	if (c == NULL)
		return err_set(err, E_NOMEM, "no memory");
	c->set = set;
	c->own = own;
	c->arena = arena_new(16384, 0);
	c->text = c->arena != NULL ? arena_dup(c->arena, json) : STR_EMPTY;
	if (c->text.p == NULL) {
		piiconf_free(c);
		return err_set(err, E_NOMEM, "no memory");
	}
	rc = json_parse(&c->doc, c->arena, c->text, &limits, err);
	if (rc == E_OK)
		rc = read_config(c, err);
	if (rc == E_OK && figures_new(&c->figures, c->apps, c->app_count) != E_OK)
		rc = err_set(err, E_NOMEM, "no memory");
	if (rc != E_OK) {
		piiconf_free(c);
		return rc;
	}
	*ret = c;
	return E_OK;
}

void piiconf_free(struct piiconf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->app_count; i++)
		selector_free(c->apps[i].selector);
	for (size_t i = 0; i < c->pattern_count; i++)
		pattern_free(c->patterns[i]);
	figures_free(c->figures);
	arena_free(c->arena);
	free(c);
}

const struct application *piiconf_applications(const struct piiconf *c, size_t *count)
{
	*count = c->app_count;
	return c->apps;
}

struct figures *piiconf_figures(const struct piiconf *c)
{
	return c != NULL ? c->figures : NULL;
}

const char *piiconf_warning(const struct piiconf *c, size_t i)
{
	return i < c->warning_count ? c->warnings[i] : NULL;
}
