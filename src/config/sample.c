/* [sample NAME] sections: kept as texts with their places, in the order of the
 * files. What they say is compiled by who samples. */
#include "config/expand.h"
#include "config/loader.h"
#include "config/quote.h"
#include "config/suggest.h"

static const char *const keys[] = {"on", "when", "rate", "scope"};
#define KEYS (sizeof keys / sizeof keys[0])

static int no_memory(struct loader *l)
{
	return err_set(l->err, E_NOMEM, "no memory for the settings");
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.'))
			return false;
	}
	return s.n > 0;
}

int sample_begin(struct loader *l, struct str name, const struct place *at)
{
	struct sample_draft *d;
	char q[QUOTE_BYTES];

	if (!is_name(name))
		return err_set(l->err, E_INVAL,
			"%s: %s is no name (write [sample NAME] with letters, digits, \"-\", "
			"\"_\" and \".\")",
			at->text, quote(q, name));
	for (d = l->first_sample; d != NULL; d = d->next)
		if (str_eq(name, str_of(d->sample.name)))
			return err_set(l->err, E_INVAL,
				"%s: [sample %.*s] is there already, first at %s (give it another "
				"name)",
				at->text, STR_ARG(name), d->sample.where);
	d = arena_calloc(l->a, 1, sizeof *d);
	if (d == NULL)
		return no_memory(l);
	d->sample.name = arena_cstr(l->a, name);
	d->sample.where = at->text;
	if (d->sample.name == NULL)
		return no_memory(l);
	*(l->last_sample != NULL ? l->last_sample : &l->first_sample) = d;
	l->last_sample = &d->next;
	l->sample_count++;
	l->sample = d;
	return E_OK;
}

static int unknown_key(struct loader *l, struct str key, const struct place *at)
{
	const char *name = l->sample->sample.name;
	struct suggest near;

	suggest_init(&near, key);
	for (size_t i = 0; i < KEYS; i++)
		suggest_try(&near, keys[i]);
	if (near.best != NULL)
		return err_set(l->err, E_INVAL,
			"%s: sample %s.%.*s: unknown key (did you mean %s?)", at->text, name,
			STR_ARG(key), near.best);
	return err_set(l->err, E_INVAL,
		"%s: sample %s.%.*s: unknown key (a sample has on, when, rate, scope)", at->text,
		name, STR_ARG(key));
}

int sample_set(struct loader *l, struct str key, struct str raw, const struct place *at)
{
	struct sample_setting *s = &l->sample->sample;
	struct setting_said *said[KEYS] = {&s->on, &s->when, &s->rate, &s->scope};
	struct expansion x;
	size_t i = 0;
	int rc;

	while (i < KEYS && !str_eq(key, str_of(keys[i])))
		i++;
	if (i == KEYS)
		return unknown_key(l, key, at);
	if (said[i]->text != NULL)
		return err_set(l->err, E_INVAL,
			"%s: sample %s.%s: is set twice, first at %s (remove one)", at->text,
			s->name, keys[i], said[i]->where);
	rc = expand_value(l->a, l->from->env, raw, &x, l->err);
	if (rc != E_OK)
		return err_wrap(l->err, rc, "%s: sample %s.%s", at->text, s->name, keys[i]);
	said[i]->text = arena_cstr(l->a, x.text);
	said[i]->where = at->text;
	return said[i]->text != NULL ? E_OK : no_memory(l);
}

int sample_finish(struct loader *l)
{
	size_t n = 0;

	l->s->samples = arena_calloc(l->a, l->sample_count, sizeof *l->s->samples);
	if (l->s->samples == NULL)
		return no_memory(l);
	for (const struct sample_draft *d = l->first_sample; d != NULL; d = d->next) {
		if (d->sample.on.text == NULL || d->sample.rate.text == NULL)
			return err_set(l->err, E_INVAL, "%s: sample %s.%s: is missing (%s)",
				d->sample.where, d->sample.name,
				d->sample.on.text == NULL ? "on" : "rate",
				d->sample.on.text == NULL ? "what it is about: event, "
							    "transaction, ..."
							  : "0 to 1, or inherit");
		l->s->samples[n++] = d->sample;
	}
	l->s->sample_count = n;
	return E_OK;
}
