/* [rule NAME] sections: kept as texts with their places, in the order of the
 * files. What they say is compiled by who runs them (rules/ruleset.h). */
#include "config/expand.h"
#include "config/loader.h"
#include "config/quote.h"
#include "config/suggest.h"

static const char *const keys[] = {"on", "when", "then"};

static int no_memory(struct loader *l)
{
	return err_set(l->err, E_NOMEM, "no memory for the settings");
}

static int check_name(struct loader *l, struct str name, const struct place *at)
{
	char q[QUOTE_BYTES];

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("-_.", c) != NULL;

		if (!plain || c == '\0')
			name.n = 0;
	}
	if (name.n > 0)
		return E_OK;
	return err_set(l->err, E_INVAL,
		"%s: %s is no rule name (write [rule NAME] with letters, digits, \"-\", \"_\" and "
		"\".\")",
		at->text, quote(q, name));
}

int rule_begin(struct loader *l, struct str name, const struct place *at)
{
	struct rule_draft *d;
	int rc = check_name(l, name, at);

	if (rc != E_OK)
		return rc;
	for (d = l->first_rule; d != NULL; d = d->next) {
		if (str_eq(name, str_of(d->rule.name)))
			return err_set(l->err, E_INVAL,
				"%s: [rule %.*s] is there already, first at %s (give it another "
				"name)",
				at->text, STR_ARG(name), d->rule.place);
	}
	d = arena_calloc(l->a, 1, sizeof *d);
	if (d == NULL)
		return no_memory(l);
	d->rule.name = arena_cstr(l->a, name);
	d->rule.place = at->text;
	if (d->rule.name == NULL)
		return no_memory(l);
	*(l->last_rule != NULL ? l->last_rule : &l->first_rule) = d;
	l->last_rule = &d->next;
	l->rule_count++;
	l->rule = d;
	return E_OK;
}

static int unknown_key(struct loader *l, struct str key, const struct place *at)
{
	struct suggest near;

	suggest_init(&near, key);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		suggest_try(&near, keys[i]);
	if (near.best != NULL)
		return err_set(l->err, E_INVAL, "%s: rule %s.%.*s: unknown key (did you mean %s?)",
			at->text, l->rule->rule.name, STR_ARG(key), near.best);
	return err_set(l->err, E_INVAL, "%s: rule %s.%.*s: unknown key (a rule has on, when, then)",
		at->text, l->rule->rule.name, STR_ARG(key));
}

static int keep_lines(struct loader *l, struct setting_text *t)
{
	struct setting_line *v = arena_calloc(l->a, l->lines_n, sizeof *v);

	if (v == NULL)
		return no_memory(l);
	memcpy(v, l->lines, l->lines_n * sizeof *v);
	t->lines = v;
	t->lines_n = l->lines_n;
	return E_OK;
}

int rule_set(struct loader *l, struct str key, struct str raw, const struct place *at)
{
	struct rule_setting *r = &l->rule->rule;
	struct setting_text *texts[] = {&r->on, &r->when, &r->then};
	struct expansion x;
	size_t i = 0;
	int rc;

	while (i < 3 && !str_eq(key, str_of(keys[i])))
		i++;
	if (i == 3)
		return unknown_key(l, key, at);
	if (texts[i]->text != NULL)
		return err_set(l->err, E_INVAL, "%s: rule %s.%s: is set twice (remove one)",
			at->text, r->name, keys[i]);
	rc = expand_value(l->a, l->from->env, raw, &x, l->err);
	if (rc != E_OK)
		return err_wrap(l->err, rc, "%s: rule %s.%s", at->text, r->name, keys[i]);
	texts[i]->text = x.text.p;
	texts[i]->file = l->file;
	texts[i]->is_secret = x.is_secret;
	return keep_lines(l, texts[i]);
}

int rule_finish(struct loader *l)
{
	size_t n = 0;

	if (l->rule_count == 0)
		return E_OK;
	l->s->rules = arena_calloc(l->a, l->rule_count, sizeof *l->s->rules);
	if (l->s->rules == NULL)
		return no_memory(l);
	for (const struct rule_draft *d = l->first_rule; d != NULL; d = d->next) {
		if (d->rule.then.text == NULL)
			return err_set(l->err, E_INVAL,
				"%s: rule %s.then: is missing (what the rule does)", d->rule.place,
				d->rule.name);
		l->s->rules[n++] = d->rule;
	}
	l->s->rule_count = n;
	return E_OK;
}
