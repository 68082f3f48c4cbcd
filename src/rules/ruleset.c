/* From settings to rules. */
#include "rules/rule.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/siphash.h"
#include "config/suggest.h"

/* A place in a value as "FILE:LINE:COLUMN". */
static void place_text(const struct setting_text *t, size_t offset, char *out, size_t n)
{
	unsigned line, column;

	reader_place(str_of(t->text), offset, &line, &column);
	if (t->lines == NULL || line > t->lines_n) {
		(void)snprintf(out, n, "%s", t->place);
		return;
	}
	(void)snprintf(out, n, "%s:%u:%u", t->file, t->lines[line - 1].line,
		t->lines[line - 1].column + column - 1);
}

static int fail_at(const struct rule_setting *s, const struct setting_text *t, const char *key,
	size_t offset, int rc, struct err *err)
{
	char place[256];

	if (rc == E_NOMEM)
		return rc;
	place_text(t, offset, place, sizeof place);
	(void)err_wrap(err, E_INVAL, "%s: rule %s.%s", place, s->name, key);
	if (err != NULL)
		err->code = E_INVAL;
	return E_INVAL;
}

/* --- on ------------------------------------------------------------------- */

static int unknown_kind(struct reader *r, struct str word)
{
	struct suggest near;

	if (word.n == 0)
		return reader_expected(r, "event, transaction, breadcrumb, span, log, ... or any");
	suggest_init(&near, word);
	for (unsigned k = 0; k < RULE_KIND_COUNT; k++)
		suggest_try(&near, rule_kind_name((enum rule_kind)k));
	if (near.best != NULL)
		return reader_fail(r, r->at,
			"\"%.*s\" is nothing a rule can be on (did you mean %s?)", STR_ARG(word),
			near.best);
	return reader_fail(r, r->at, "\"%.*s\" is nothing a rule can be on", STR_ARG(word));
}

static int read_on(struct reader *r, struct rule *rule)
{
	while (!reader_end(r)) {
		struct str word = reader_peek(r);
		enum rule_kind k;

		if (!rule_kind_parse(word, &k))
			return unknown_kind(r, word);
		r->at += word.n;
		(void)reader_char(r, ",");
		if (k == RULE_OTHER)
			rule->kinds = (1u << RULE_KIND_COUNT) - 1 - (1u << RULE_BREADCRUMB);
		else if (k != RULE_BREADCRUMB)
			rule->kinds |= 1u << k;
		if (k == RULE_BREADCRUMB || k == RULE_SPAN)
			rule->parts |= 1u << k;
	}
	return rule->kinds | rule->parts ? E_OK : unknown_kind(r, STR_EMPTY);
}

/* --- one rule ------------------------------------------------------------- */

static int read_then(struct reader *r, struct rule *rule)
{
	return reader_actions(r, rule->kinds | rule->parts, &rule->then);
}

static int read_when(struct reader *r, struct rule *rule)
{
	int rc = reader_condition(r, &rule->when);

	if (rc == E_OK && !reader_end(r))
		rc = reader_expected(r, "\"and\", \"or\" or the end");
	return rc;
}

static int read_part(struct ruleset *rs, struct rule *rule, const struct rule_setting *s,
	const struct setting_text *t, const char *key, int (*read)(struct reader *, struct rule *),
	struct err *err)
{
	struct reader r = {.fields = rs->fields, .text = str_of(t->text), .err = err};
	int rc = E_OK;

	if (t->text == NULL)
		return E_OK;
	if (r.text.n > RULE_TEXT_MAX)
		rc = err_set(err, E_TOOBIG, "is longer than %zu KiB", RULE_TEXT_MAX / 1024);
	if (rc == E_OK)
		rc = read(&r, rule);
	return rc == E_OK ? E_OK : fail_at(s, t, key, r.bad, rc, err);
}

static const struct siphash_key name_key = {
	UINT64_C(0x7069636b65742e72), UINT64_C(0x756c65732e696473)};

static int read_rule(
	struct ruleset *rs, struct rule *rule, const struct rule_setting *s, struct err *err)
{
	int rc;

	rule->name = arena_cstr(rs->fields->arena, str_of(s->name));
	if (rule->name == NULL)
		return err_set(err, E_NOMEM, "no memory for the rules");
	rule->id = siphash(&name_key, str_of(s->name));
	rc = read_part(rs, rule, s, &s->on, "on", read_on, err);
	if (s->on.text == NULL)
		rule->kinds = 1u << RULE_EVENT; /* a rule without a type means event (5.3) */
	if (rc == E_OK)
		rc = read_part(rs, rule, s, &s->when, "when", read_when, err);
	if (rc == E_OK)
		rc = read_part(rs, rule, s, &s->then, "then", read_then, err);
	rs->kinds |= rule->kinds;
	rs->parts |= rule->parts;
	return rc;
}

/* --- what spans rules ----------------------------------------------------- */

static bool has_project(const struct settings *s, struct str name)
{
	for (size_t i = 0; i < s->project_count; i++) {
		if (str_eq(name, str_of(s->projects[i].name)))
			return true;
	}
	return false;
}

static int check_projects(const struct rule *rule, const struct rule_setting *text,
	const struct settings *s, struct err *err)
{
	for (size_t i = 0; i < rule->then.n; i++) {
		const struct rule_action *a = &rule->then.v[i];

		if ((a->kind != ACTION_ROUTE && a->kind != ACTION_DUPLICATE) ||
			has_project(s, a->text))
			continue;
		(void)err_set(err, E_INVAL, "there is no [project %.*s]", STR_ARG(a->text));
		return fail_at(text, &text->then, "then",
			str_find(str_of(text->then.text), a->text), E_INVAL, err);
	}
	return E_OK;
}

static uint32_t counter_of(struct ruleset *rs, struct str name)
{
	for (size_t i = 0; i < rs->counters_n; i++) {
		if (str_eq(name, str_of(rs->counters[i].name)))
			return (uint32_t)i;
	}
	rs->counters[rs->counters_n].name = name.p; /* arena texts end in NUL */
	return (uint32_t)rs->counters_n++;
}

static int number_counters(struct ruleset *rs, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < rs->n; i++)
		n += rs->v[i].then.n;
	rs->counters = arena_calloc(rs->fields->arena, n, sizeof *rs->counters);
	if (rs->counters == NULL)
		return err_set(err, E_NOMEM, "no memory for the rules");
	for (size_t i = 0; i < rs->n; i++) {
		for (size_t k = 0; k < rs->v[i].then.n; k++) {
			struct rule_action *a = &rs->v[i].then.v[k];

			if (a->kind == ACTION_COUNT)
				a->counter = counter_of(rs, a->text);
		}
	}
	return E_OK;
}

static int load(struct ruleset *rs, const struct settings *s, struct err *err)
{
	int rc = E_OK;

	rs->v = arena_calloc(rs->fields->arena, s->rule_count, sizeof *rs->v);
	if (rs->v == NULL)
		return err_set(err, E_NOMEM, "no memory for the rules");
	for (size_t i = 0; i < s->rule_count && rc == E_OK; i++) {
		rc = read_rule(rs, &rs->v[i], &s->rules[i], err);
		if (rc == E_OK)
			rc = check_projects(&rs->v[i], &s->rules[i], s, err);
		rs->n++;
	}
	return rc == E_OK ? number_counters(rs, err) : rc;
}

int ruleset_load(struct ruleset **ret, const struct settings *s, struct err *err)
{
	struct rule_fields *f = rule_fields_new();
	struct ruleset *rs = f != NULL ? arena_calloc(f->arena, 1, sizeof *rs) : NULL;
	struct err own;
	int rc;

	if (rs == NULL) {
		rule_fields_free(f);
		return err_set(err, E_NOMEM, "no memory for the rules");
	}
	rs->fields = f;
	rc = load(rs, s, err != NULL ? err : &own);
	if (rc == E_OK)
		*ret = rs;
	else
		ruleset_free(rs);
	return rc;
}

void ruleset_free(struct ruleset *rs)
{
	if (rs != NULL)
		rule_fields_free(rs->fields); /* rs lives in their arena too */
}

bool ruleset_is_on(const struct ruleset *rs, enum rule_kind kind)
{
	bool has_parts = kind == RULE_EVENT || kind == RULE_TRANSACTION;

	return (rs->kinds & 1u << kind) != 0 || (has_parts && rs->parts != 0);
}

size_t ruleset_count(const struct ruleset *rs)
{
	return rs != NULL ? rs->n : 0;
}

size_t ruleset_actions(const struct ruleset *rs, size_t rule)
{
	return rs->v[rule].then.n;
}

void ruleset_stats(const struct ruleset *rs, size_t rule, struct rule_stats *ret)
{
	const struct rule *r = &rs->v[rule];

	*ret = (struct rule_stats){
		.name = r->name,
		.hits = atomic_load(&r->hits),
		.misses = atomic_load(&r->misses),
		.dropped = atomic_load(&r->dropped),
		.missing = atomic_load(&r->missing),
		.errors = atomic_load(&r->errors),
		.time_ns = atomic_load(&r->time_ns),
	};
}

bool ruleset_counter(const struct ruleset *rs, size_t i, const char **name, uint64_t *n)
{
	if (rs == NULL || i >= rs->counters_n)
		return false;
	*name = rs->counters[i].name;
	*n = atomic_load(&rs->counters[i].n);
	return true;
}
