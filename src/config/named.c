#include "config/named.h"

#include <stdlib.h>
#include <string.h>

#include "config/expand.h"
#include "config/quote.h"
#include "config/suggest.h"

static const struct named_kind *const kinds[NAMED_KINDS] = {
	&project_kind, &sample_kind, &rule_kind};

static int no_memory(struct loader *l)
{
	return err_set(l->err, E_NOMEM, "no memory for the settings");
}

static size_t key_count(const struct named_kind *k)
{
	size_t n = 0;

	while (n < NAMED_KEYS_MAX && k->keys[n].name != NULL)
		n++;
	return n;
}

/* --- a section begins --------------------------------------------------------------- */

static bool is_of_kind(struct str header, struct str word, struct str *name)
{
	if (!str_starts(header, word) ||
		(header.n > word.n && header.p[word.n] != ' ' && header.p[word.n] != '\t'))
		return false;
	*name = str_trim(str_from(header, word.n));
	return true;
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

static int begin(struct loader *l, size_t kind, struct str name, const struct place *at)
{
	struct named_list *list = &l->named[kind];
	struct named *d;
	char q[QUOTE_BYTES];

	if (!is_name(name))
		return err_set(l->err, E_INVAL,
			"%s: %s is no %s name (write [%s NAME] with letters, digits, \"-\", \"_\" "
			"and \".\")",
			at->text, quote(q, name), kinds[kind]->word, kinds[kind]->word);
	d = arena_calloc(l->a, 1, sizeof *d);
	if (d == NULL)
		return no_memory(l);
	d->name = arena_cstr(l->a, name);
	if (d->name == NULL)
		return no_memory(l);
	d->place = *at;
	if (list->last != NULL)
		list->last->next = d;
	else
		list->first = d;
	list->last = d;
	list->n++;
	l->kind = kinds[kind];
	l->in = d;
	return E_OK;
}

int named_begin(struct loader *l, struct str header, const struct place *at, bool *taken)
{
	struct str name;

	*taken = false;
	for (size_t k = 0; k < NAMED_KINDS && !*taken; k++) {
		*taken = is_of_kind(header, str_of(kinds[k]->word), &name);
		if (*taken)
			return begin(l, k, name, at);
	}
	return E_OK;
}

/* --- its keys ------------------------------------------------------------------------ */

static int unknown_key(struct loader *l, struct str key, const struct place *at)
{
	const struct named_kind *k = l->kind;
	struct buf all = BUF_INIT;
	struct suggest near;
	int rc;

	suggest_init(&near, key);
	for (size_t i = 0; i < key_count(k); i++) {
		suggest_try(&near, k->keys[i].name);
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", k->keys[i].name);
	}
	if (near.best != NULL)
		rc = err_set(l->err, E_INVAL, "%s: %s %s.%.*s: unknown key (did you mean %s?)",
			at->text, k->word, l->in->name, STR_ARG(key), near.best);
	else
		rc = err_set(l->err, E_INVAL, "%s: %s %s.%.*s: unknown key (a %s has %.*s)",
			at->text, k->word, l->in->name, STR_ARG(key), k->word,
			STR_ARG(buf_view(&all)));
	buf_fini(&all);
	return rc;
}

static int keep_value(
	struct loader *l, struct setting_text *t, const struct expansion *x, const struct place *at)
{
	struct setting_line *v = arena_calloc(l->a, l->lines_n, sizeof *v);

	t->text = arena_cstr(l->a, x->text);
	if (v == NULL || t->text == NULL)
		return no_memory(l);
	if (l->lines_n > 0)
		memcpy(v, l->lines, l->lines_n * sizeof *v);
	t->lines = v;
	t->lines_n = l->lines_n;
	t->file = l->file;
	t->place = at->text;
	t->is_secret = x->is_secret;
	return E_OK;
}

int named_set(struct loader *l, struct str key, struct str raw, const struct place *at)
{
	const struct named_kind *k = l->kind;
	struct setting_text *t;
	struct expansion x;
	size_t i = 0, n = key_count(k);
	int rc;

	while (i < n && !str_eq(key, str_of(k->keys[i].name)))
		i++;
	if (i == n)
		return unknown_key(l, key, at);
	t = &l->in->v[i];
	if (t->text != NULL)
		return err_set(l->err, E_INVAL,
			"%s: %s %s.%s: is set twice, first at %s (remove one)", at->text, k->word,
			l->in->name, k->keys[i].name, t->place);
	rc = expand_value(l->a, l->from->env, raw, &x, l->err);
	if (rc == E_OK && k->check != NULL)
		rc = k->check(l, k->keys[i].name, x.text);
	if (rc != E_OK)
		return err_wrap(l->err, rc, "%s: %s %s.%s", at->text, k->word, l->in->name,
			k->keys[i].name);
	return keep_value(l, t, &x, at);
}

/* --- all of a kind ------------------------------------------------------------------- */

/* Sorted to find equal neighbours; among equals the one read first is first. */
struct sorted {
	const struct named *d;
	size_t at;
};

static int by_name(const void *va, const void *vb)
{
	const struct sorted *a = va;
	const struct sorted *b = vb;
	int c = strcmp(a->d->name, b->d->name);

	if (c != 0)
		return c;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int check_names(struct loader *l, const struct named_kind *k, const struct named_list *list)
{
	struct sorted *v = arena_calloc(l->a, list->n, sizeof *v);
	size_t n = 0;

	if (v == NULL)
		return no_memory(l);
	for (const struct named *d = list->first; d != NULL; d = d->next, n++)
		v[n] = (struct sorted){d, n};
	qsort(v, n, sizeof *v, by_name);
	for (size_t i = 1; i < n; i++)
		if (strcmp(v[i - 1].d->name, v[i].d->name) == 0)
			return err_set(l->err, E_INVAL,
				"%s: [%s %s] is there already, first at %s (give it another name)",
				v[i].d->place.text, k->word, v[i].d->name, v[i - 1].d->place.text);
	return E_OK;
}

static int check_complete(
	struct loader *l, const struct named_kind *k, const struct named_list *list)
{
	for (const struct named *d = list->first; d != NULL; d = d->next)
		for (size_t i = 0; i < key_count(k); i++)
			if (k->keys[i].missing != NULL && d->v[i].text == NULL)
				return err_set(l->err, E_INVAL, "%s: %s %s.%s: is missing (%s)",
					d->place.text, k->word, d->name, k->keys[i].name,
					k->keys[i].missing);
	return E_OK;
}

int named_finish(struct loader *l)
{
	int rc = E_OK;

	for (size_t k = 0; k < NAMED_KINDS && rc == E_OK; k++) {
		const struct named_list *list = &l->named[k];

		if (list->n == 0)
			continue;
		rc = check_names(l, kinds[k], list);
		if (rc == E_OK)
			rc = check_complete(l, kinds[k], list);
		if (rc == E_OK)
			rc = kinds[k]->finish(l, list->first, list->n);
	}
	return rc;
}
