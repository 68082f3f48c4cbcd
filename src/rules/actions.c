/* Reading "then": actions, one a line or separated by ; */
#include "rules/action.h"

#include <math.h>

#include "config/suggest.h"

#define KIND(k)  (1u << RULE_##k)
#define ALL      ((1u << RULE_KIND_COUNT) - 1)
#define ELEMENTS (KIND(BREADCRUMB) | KIND(SPAN) | KIND(LOG) | KIND(METRIC))
#define EVENTS   (KIND(EVENT) | KIND(TRANSACTION) | KIND(FEEDBACK) | KIND(REPLAY))
#define PAYLOADS (ALL & ~KIND(ATTACHMENT))
#define TAGGED   (EVENTS | KIND(SPAN) | KIND(LOG) | KIND(METRIC) | KIND(OTHER))
#define LEVELLED (EVENTS | KIND(BREADCRUMB) | KIND(LOG) | KIND(OTHER))
#define WHOLE    (ALL & ~ELEMENTS)

typedef int action_reader(struct reader *r, struct rule_action *a);

static int read_nothing(struct reader *r, struct rule_action *a)
{
	(void)r;
	(void)a;
	return E_OK;
}

/* drop, or with the reason that clients reports give: drop event_processor */
static int read_drop(struct reader *r, struct rule_action *a)
{
	size_t at = r->at;
	struct str word;

	a->reason = DROP_BEFORE_SEND;
	while (at < r->text.n && (r->text.p[at] == ' ' || r->text.p[at] == '\t'))
		at++;
	if (at == r->text.n || strchr("\n\r;", r->text.p[at]) != NULL)
		return E_OK;
	word = reader_peek(r);
	if (!drop_parse(word, &a->reason))
		return reader_expected(r, "a reason such as event_processor, \";\" or a new line");
	r->at += word.n;
	return E_OK;
}

static int read_sample(struct reader *r, struct rule_action *a)
{
	struct rule_value v;
	size_t start;
	int rc;

	reader_blanks(r);
	start = r->at;
	rc = reader_number(r, &v);
	if (rc != E_OK)
		return rc;
	if (!(v.number >= 0 && v.number <= 1))
		return reader_fail(r, start, "a rate is between 0 and 1");
	a->rate = v.number;
	return E_OK;
}

static int read_count(struct reader *r, const char *what, uint64_t max, uint64_t *ret)
{
	struct rule_value v;
	size_t start;
	int rc;

	reader_blanks(r);
	start = r->at;
	rc = reader_number(r, &v);
	if (rc != E_OK)
		return rc;
	if (v.number < 1 || v.number > (double)max || v.number != floor(v.number))
		return reader_fail(r, start, "%s is a whole number from 1 to %llu", what,
			(unsigned long long)max);
	*ret = (uint64_t)v.number;
	return E_OK;
}

static int need_word(struct reader *r, const char *word)
{
	char what[32] = "\"";

	if (reader_word(r, word))
		return E_OK;
	(void)strncat(what, word, sizeof what - 3);
	(void)strncat(what, "\"", 2);
	return reader_expected(r, what);
}

static int read_by(struct reader *r, struct rule_action *a)
{
	enum { BY_MAX = 8 };
	int rc = reader_need_char(r, "(", "\"(\" and paths");

	a->by = arena_calloc(r->fields->arena, BY_MAX, sizeof *a->by);
	if (a->by == NULL)
		return reader_no_memory(r);
	while (rc == E_OK) {
		if (a->by_n == BY_MAX)
			return reader_fail(r, r->at, "a key has at most %d paths", BY_MAX);
		if (!reader_at_path(r))
			return reader_expected(r, "a path");
		rc = reader_path(r, &a->by[a->by_n++]);
		if (rc == E_OK && !reader_char(r, ","))
			return reader_need_char(r, ")", "\",\" or \")\"");
	}
	return rc;
}

/* limit 10 per 1m by (PATH, ...) */
static int read_limit(struct reader *r, struct rule_action *a)
{
	int rc = read_count(r, "a limit", 1000000000, &a->n);

	if (rc == E_OK)
		rc = need_word(r, "per");
	if (rc == E_OK)
		rc = read_count(r, "a period", 365ull * 86400 * 1000, &a->period_ms);
	if (rc == E_OK && reader_word(r, "by"))
		rc = read_by(r, a);
	return rc;
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("_-.", c) != NULL;
}

/* A name, with quotes or without. */
static int read_name(struct reader *r, const char *what, struct str *ret)
{
	size_t end;

	reader_blanks(r);
	if (r->at < r->text.n && (r->text.p[r->at] == '"' || r->text.p[r->at] == '\''))
		return reader_text(r, what, ret);
	end = r->at;
	while (end < r->text.n && r->text.p[end] != '\0' && is_name_byte(r->text.p[end]))
		end++;
	if (end == r->at)
		return reader_expected(r, what);
	*ret = arena_dup(r->fields->arena, str_make(r->text.p + r->at, end - r->at));
	r->at = end;
	return ret->p != NULL ? E_OK : reader_no_memory(r);
}

static int read_project(struct reader *r, struct rule_action *a)
{
	return read_name(r, "the name of a [project]", &a->text);
}

static int read_log(struct reader *r, struct rule_action *a)
{
	return reader_text(r, "a text in quotes", &a->text);
}

static int read_counter(struct reader *r, struct rule_action *a)
{
	return read_name(r, "a name to count under", &a->text);
}

/* --- edits ---------------------------------------------------------------- */

static bool is_editable(enum rule_virtual v)
{
	return v == VIRTUAL_NONE || v == VIRTUAL_MESSAGE || v == VIRTUAL_EXC_TYPE ||
	       v == VIRTUAL_EXC_VALUE || v == VIRTUAL_EXC_MODULE || v == VIRTUAL_VALUE ||
	       v == VIRTUAL_SDK_NAME || v == VIRTUAL_SDK_VERSION;
}

static int read_path(struct reader *r, struct rule_path *p)
{
	size_t start;
	int rc;

	if (!reader_at_path(r))
		return reader_expected(r, "a path");
	start = r->at;
	rc = reader_path(r, p);
	if (rc != E_OK)
		return rc;
	if (!is_editable(p->virtual))
		return reader_fail(
			r, start, "%.*s is worked out and cannot be changed", STR_ARG(p->text));
	if (p->base != BASE_ROOT)
		return reader_fail(r, start, "headers cannot be changed");
	return E_OK;
}

/* A place that may have to be made: keys below what exists. */
static int read_place(struct reader *r, struct rule_path *p)
{
	size_t start;
	int rc;

	reader_blanks(r);
	start = r->at;
	rc = read_path(r, p);
	if (rc != E_OK)
		return rc;
	if (p->steps[p->steps_n - 1].kind == STEP_DEEP)
		return reader_fail(r, start, "** names no place to write to");
	return E_OK;
}

static int read_where(struct reader *r, struct rule_action *a)
{
	return reader_word(r, "where") ? reader_condition(r, &a->where) : E_OK;
}

static int read_set(struct reader *r, struct rule_action *a)
{
	int rc = read_place(r, &a->path);

	if (rc == E_OK)
		rc = reader_need_char(r, "=", "\"=\"");
	if (rc == E_OK)
		rc = reader_term(r, &a->term);
	return rc == E_OK ? read_where(r, a) : rc;
}

static int read_paths(struct reader *r, struct rule_action *a)
{
	int rc = read_path(r, &a->path);

	return rc == E_OK ? read_where(r, a) : rc;
}

static int read_rename(struct reader *r, struct rule_action *a)
{
	size_t start = r->at;
	int rc = read_path(r, &a->path);

	if (rc == E_OK)
		rc = need_word(r, "to");
	if (rc == E_OK)
		rc = read_place(r, &a->to);
	if (rc == E_OK && (a->path.plain_n != a->path.steps_n || a->to.plain_n != a->to.steps_n))
		return reader_fail(r, start, "rename takes plain paths without [*]");
	return rc;
}

static int read_replace(struct reader *r, struct rule_action *a)
{
	int rc = read_path(r, &a->path);

	if (rc == E_OK)
		rc = reader_regex(r, false, &a->regex);
	if (rc == E_OK)
		rc = need_word(r, "with");
	if (rc == E_OK)
		rc = reader_text(r, "a text with $1", &a->text);
	if (rc == E_OK)
		rc = template_check(r, a->regex, a->text);
	return rc == E_OK ? read_where(r, a) : rc;
}

static int read_redact(struct reader *r, struct rule_action *a)
{
	int rc = read_path(r, &a->path);

	a->text = STR("[Filtered]");
	if (rc == E_OK && reader_word(r, "as"))
		rc = reader_text(r, "a text in quotes", &a->text);
	return rc == E_OK ? read_where(r, a) : rc;
}

static int read_hash(struct reader *r, struct rule_action *a)
{
	int rc = read_path(r, &a->path);

	if (rc == E_OK && reader_word(r, "with"))
		rc = reader_text(r, "a key in quotes", &a->text);
	return rc == E_OK ? read_where(r, a) : rc;
}

static int read_truncate(struct reader *r, struct rule_action *a)
{
	int rc = read_path(r, &a->path);

	if (rc == E_OK)
		rc = need_word(r, "to");
	if (rc == E_OK)
		rc = read_count(r, "a length", UINT32_MAX, &a->n);
	if (rc == E_OK && a->n < 4)
		return reader_fail(r, r->at - 1, "four bytes are the least: one and three dots");
	return rc == E_OK ? read_where(r, a) : rc;
}

static int read_params(struct reader *r, struct rule_action *a)
{
	struct rule_operand *v;
	size_t start;
	int rc = read_path(r, &a->path);

	reader_blanks(r);
	start = r->at;
	if (rc == E_OK)
		rc = reader_list(r, false, "a name in quotes", &v, &a->names_n);
	if (rc != E_OK)
		return rc;
	a->names = arena_calloc(r->fields->arena, a->names_n, sizeof *a->names);
	if (a->names == NULL)
		return reader_no_memory(r);
	for (size_t i = 0; i < a->names_n; i++) {
		if (v[i].is_path || v[i].value.type != VALUE_TEXT)
			return reader_fail(r, start, "scrub_params needs names in quotes");
		a->names[i] = v[i].value.text;
	}
	return read_where(r, a);
}

static int read_remove_elements(struct reader *r, struct rule_action *a)
{
	int rc = read_path(r, &a->path);

	if (rc == E_OK && !str_eq(reader_peek(r), STR("where")))
		return reader_expected(r, "\"where\" and a condition");
	return rc == E_OK ? read_where(r, a) : rc;
}

static int read_tag(struct reader *r, struct rule_action *a)
{
	int rc = read_name(r, "the name of a tag", &a->text);

	if (rc == E_OK)
		rc = reader_need_char(r, "=", "\"=\"");
	return rc == E_OK ? reader_term(r, &a->term) : rc;
}

static int read_fingerprint(struct reader *r, struct rule_action *a)
{
	int rc = E_OK;

	a->adds = reader_char(r, "+=");
	if (!a->adds)
		rc = reader_need_char(r, "=", "\"=\" or \"+=\"");
	return rc == E_OK ? reader_term_list(r, &a->term) : rc;
}

static int read_level(struct reader *r, struct rule_action *a)
{
	static const char *const levels[] = {
		"fatal", "error", "warning", "warn", "info", "debug", "trace"};
	size_t start;
	int rc = reader_need_char(r, "=", "\"=\"");

	reader_blanks(r);
	start = r->at;
	if (rc == E_OK)
		rc = reader_term(r, &a->term);
	if (rc != E_OK || a->term.kind != TERM_RAW)
		return rc;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (a->term.value.type == VALUE_TEXT &&
			str_eq(a->term.value.text, str_of(levels[i])))
			return E_OK;
	}
	return reader_fail(
		r, start, "a level is \"fatal\", \"error\", \"warning\", \"info\" or \"debug\"");
}

static int read_in_app(struct reader *r, struct rule_action *a)
{
	int rc = read_path(r, &a->path);

	if (rc == E_OK)
		rc = reader_need_char(r, "=", "\"=\"");
	if (rc != E_OK)
		return rc;
	a->flag = reader_word(r, "true");
	if (!a->flag && !reader_word(r, "false"))
		return reader_expected(r, "true or false");
	return read_where(r, a);
}

static const struct {
	const char *name;
	action_reader *read;
	uint32_t kinds;
} rows[ACTION_KIND_COUNT] = {
	[ACTION_DROP] = {"drop", read_drop, ALL},
	[ACTION_KEEP] = {"keep", read_nothing, ALL},
	[ACTION_SAMPLE] = {"sample", read_sample, ALL},
	[ACTION_LIMIT] = {"limit", read_limit, ALL},
	[ACTION_ROUTE] = {"route", read_project, WHOLE},
	[ACTION_DUPLICATE] = {"duplicate", read_project, WHOLE},
	[ACTION_LOG] = {"log", read_log, ALL},
	[ACTION_COUNT] = {"count", read_counter, ALL},
	[ACTION_SET] = {"set", read_set, PAYLOADS},
	[ACTION_SET_DEFAULT] = {"set_default", read_set, PAYLOADS},
	[ACTION_DELETE] = {"delete", read_paths, PAYLOADS},
	[ACTION_RENAME] = {"rename", read_rename, PAYLOADS},
	[ACTION_APPEND] = {"append", read_set, PAYLOADS},
	[ACTION_REPLACE] = {"replace", read_replace, PAYLOADS},
	[ACTION_REDACT] = {"redact", read_redact, PAYLOADS},
	[ACTION_HASH] = {"hash", read_hash, PAYLOADS},
	[ACTION_MASK] = {"mask", read_paths, PAYLOADS},
	[ACTION_TRUNCATE] = {"truncate", read_truncate, PAYLOADS},
	[ACTION_STRIP_QUERY] = {"strip_query", read_paths, PAYLOADS},
	[ACTION_SCRUB_PARAMS] = {"scrub_params", read_params, PAYLOADS},
	[ACTION_REMOVE_ELEMENTS] = {"remove_elements", read_remove_elements, PAYLOADS},
	[ACTION_TAG] = {"tag", read_tag, TAGGED},
	[ACTION_FINGERPRINT] = {"fingerprint", read_fingerprint, EVENTS | KIND(OTHER)},
	[ACTION_LEVEL] = {"level", read_level, LEVELLED},
	[ACTION_IN_APP] = {"in_app", read_in_app, EVENTS | KIND(OTHER)},
};

const char *action_name(enum action_kind k)
{
	return (unsigned)k < ACTION_KIND_COUNT ? rows[k].name : "";
}

static int unknown_action(struct reader *r, struct str word)
{
	struct suggest near;

	if (word.n == 0)
		return reader_expected(r, "an action");
	suggest_init(&near, word);
	for (unsigned k = 0; k < ACTION_KIND_COUNT; k++)
		suggest_try(&near, rows[k].name);
	if (near.best != NULL)
		return reader_fail(r, r->at, "\"%.*s\" is no action (did you mean %s?)",
			STR_ARG(word), near.best);
	return reader_fail(
		r, r->at, "\"%.*s\" is no action (picket-rules(5) lists them)", STR_ARG(word));
}

static int read_action(struct reader *r, uint32_t kinds, struct rule_action *a)
{
	struct str word = reader_peek(r);
	unsigned k = 0;

	while (k < ACTION_KIND_COUNT && !str_eq(word, str_of(rows[k].name)))
		k++;
	if (k == ACTION_KIND_COUNT)
		return unknown_action(r, word);
	if ((rows[k].kinds & kinds) == 0)
		return reader_fail(r, r->at, "%s is not for what this rule is on", rows[k].name);
	r->at += word.n;
	a->kind = (enum action_kind)k;
	return rows[k].read(r, a);
}

/* Past a ";" or the end of the line. False: something else stands there. The
 * blanks may have been read already, by who looked for more of the action. */
static bool next_action(struct reader *r)
{
	size_t back;
	bool is_new;

	reader_blanks(r);
	back = r->at;
	while (back > 0 && strchr(" \t\r", r->text.p[back - 1]) != NULL)
		back--;
	is_new = back > 0 && r->text.p[back - 1] == '\n';
	while (reader_char(r, ";"))
		is_new = true;
	return is_new || reader_end(r);
}

int reader_actions(struct reader *r, uint32_t kinds, struct rule_actions *ret)
{
	size_t cap = 0;
	int rc;

	*ret = (struct rule_actions){NULL, 0, false};
	do {
		if (ret->n == cap) {
			struct rule_action *more =
				arena_calloc(r->fields->arena, cap * 2 + 4, sizeof *more);

			if (more == NULL)
				return reader_no_memory(r);
			if (cap > 0)
				memcpy(more, ret->v, cap * sizeof *more);
			ret->v = more;
			cap = cap * 2 + 4;
		}
		rc = read_action(r, kinds, &ret->v[ret->n]);
		if (rc != E_OK)
			return rc;
		ret->edits = ret->edits || ret->v[ret->n].kind >= ACTION_SET;
		ret->n++;
		if (!next_action(r))
			return reader_expected(r, "\";\" or a new line behind the action");
	} while (!reader_end(r));
	return E_OK;
}
