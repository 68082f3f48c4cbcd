/* [project NAME] sections: which client key goes where. */
#include <ctype.h>
#include <stdlib.h>

#include "config/expand.h"
#include "config/loader.h"
#include "config/quote.h"
#include "config/shape.h"
#include "config/suggest.h"

static const char *const keys[] = {"key", "id", "dsn"};

static int no_memory(struct loader *l)
{
	return err_set(l->err, E_NOMEM, "no memory for the settings");
}

static bool is_project_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && strchr("-_.", s.p[i]) == NULL)
			return false;
	return s.n > 0;
}

static int fail(struct loader *l, const struct project_draft *d, const struct place *at,
	const char *key, const char *reason)
{
	return err_set(
		l->err, E_INVAL, "%s: project %s.%s: %s", at->text, d->project.name, key, reason);
}

int project_begin(struct loader *l, struct str name, const struct place *at)
{
	struct project_draft *d;
	char q[QUOTE_BYTES];

	if (!is_project_name(name))
		return err_set(l->err, E_INVAL,
			"%s: %s is no project name (write [project NAME] with letters, digits, "
			"\"-\", \"_\" and \".\")",
			at->text, quote(q, name));
	d = arena_calloc(l->a, 1, sizeof *d);
	if (d == NULL)
		return no_memory(l);
	d->project = (struct project){arena_cstr(l->a, name), "", "", ""};
	if (d->project.name == NULL)
		return no_memory(l);
	d->place = *at;
	*l->last_project = d;
	l->last_project = &d->next;
	l->project_count++;
	l->project = d;
	return E_OK;
}

static int unknown_key(struct loader *l, struct str key, const struct place *at)
{
	struct suggest near;

	suggest_init(&near, key);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		suggest_try(&near, keys[i]);
	if (near.best != NULL)
		return err_set(l->err, E_INVAL,
			"%s: project %s.%.*s: unknown key (did you mean %s?)", at->text,
			l->project->project.name, STR_ARG(key), near.best);
	return err_set(l->err, E_INVAL,
		"%s: project %s.%.*s: unknown key (a project has key, id and dsn)", at->text,
		l->project->project.name, STR_ARG(key));
}

/* Keys and DSNs are credentials: their text is not part of the reasons. */
static int check_value(struct loader *l, const char *key, struct str v)
{
	char q[QUOTE_BYTES];

	if (strcmp(key, "dsn") == 0)
		return shape_dsn(v, l->err);
	if (strcmp(key, "key") == 0 && !shape_is_key(v))
		return err_set(l->err, E_INVAL,
			"a client key has 1 to 64 letters, digits, \"-\" and \"_\" (try app)");
	if (strcmp(key, "id") == 0 && v.n > 0 && (!shape_is_digits(v) || v.n > 20))
		return err_set(l->err, E_INVAL,
			"%s is no project id (digits, or leave it empty for any)", quote(q, v));
	return E_OK;
}

int project_set(struct loader *l, struct str key, struct str raw, const struct place *at)
{
	struct project_draft *d = l->project;
	struct {
		const char **text;
		struct place *place;
	} fields[] = {{&d->project.key, &d->key_place}, {&d->project.id, &d->id_place},
		{&d->project.dsn, &d->dsn_place}};
	struct expansion x;
	size_t i = 0;
	int rc;

	while (i < 3 && !str_eq(key, str_of(keys[i])))
		i++;
	if (i == 3)
		return unknown_key(l, key, at);
	if (fields[i].place->text != NULL)
		return err_set(l->err, E_INVAL,
			"%s: project %s.%s: is set twice, first at %s (remove one)", at->text,
			d->project.name, keys[i], fields[i].place->text);
	rc = expand_value(l->a, l->from->env, raw, &x, l->err);
	if (rc == E_OK)
		rc = check_value(l, keys[i], x.text);
	if (rc != E_OK)
		return err_wrap(
			l->err, rc, "%s: project %s.%s", at->text, d->project.name, keys[i]);
	*fields[i].text = x.text.p;
	*fields[i].place = *at;
	return E_OK;
}

/* Sorted to find equal neighbours; among equals the one read first is first. */
struct sorted {
	const struct project_draft *d;
	size_t at;
};

static int by_order(const struct sorted *a, const struct sorted *b)
{
	return a->at < b->at ? -1 : a->at > b->at;
}

static int by_name(const void *va, const void *vb)
{
	const struct sorted *a = va;
	const struct sorted *b = vb;
	int c = strcmp(a->d->project.name, b->d->project.name);

	return c != 0 ? c : by_order(a, b);
}

static int by_client(const void *va, const void *vb)
{
	const struct sorted *a = va;
	const struct sorted *b = vb;
	int c = strcmp(a->d->project.key, b->d->project.key);

	if (c == 0)
		c = strcmp(a->d->project.id, b->d->project.id);
	return c != 0 ? c : by_order(a, b);
}

static int check_unique(struct loader *l, struct sorted *v)
{
	qsort(v, l->project_count, sizeof *v, by_name);
	for (size_t i = 1; i < l->project_count; i++)
		if (strcmp(v[i - 1].d->project.name, v[i].d->project.name) == 0)
			return err_set(l->err, E_INVAL,
				"%s: [project %s] is there already, first at %s (give it another "
				"name)",
				v[i].d->place.text, v[i].d->project.name, v[i - 1].d->place.text);
	qsort(v, l->project_count, sizeof *v, by_client);
	for (size_t i = 1; i < l->project_count; i++)
		if (strcmp(v[i - 1].d->project.key, v[i].d->project.key) == 0 &&
			strcmp(v[i - 1].d->project.id, v[i].d->project.id) == 0)
			return err_set(l->err, E_INVAL,
				"%s: project %s.key: the same key and id as project %s at %s "
				"(change key or id of one)",
				v[i].d->key_place.text, v[i].d->project.name,
				v[i - 1].d->project.name, v[i - 1].d->key_place.text);
	return E_OK;
}

static int check_complete(struct loader *l)
{
	for (const struct project_draft *d = l->first_project; d != NULL; d = d->next) {
		if (d->key_place.text == NULL)
			return fail(l, d, &d->place, "key",
				"is missing (the key in the client's DSN: http://KEY@HOST/ID)");
		if (d->dsn_place.text == NULL)
			return fail(l, d, &d->place, "dsn",
				"is missing (where its envelopes go: https://KEY@HOST/PROJECT)");
	}
	return E_OK;
}

int project_finish(struct loader *l)
{
	struct sorted *v;
	size_t n = 0;
	int rc;

	if (l->project_count == 0)
		return E_OK;
	v = arena_calloc(l->a, l->project_count, sizeof *v);
	l->s->projects = arena_calloc(l->a, l->project_count, sizeof *l->s->projects);
	if (v == NULL || l->s->projects == NULL)
		return no_memory(l);
	for (const struct project_draft *d = l->first_project; d != NULL; d = d->next, n++) {
		v[n] = (struct sorted){d, n};
		l->s->projects[n] = d->project;
	}
	l->s->project_count = n;
	rc = check_complete(l);
	return rc != E_OK ? rc : check_unique(l, v);
}
