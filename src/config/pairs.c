/* [tags] and [class_set]: sections whose keys are the user's own. */
#include <ctype.h>

#include "config/expand.h"
#include "config/loader.h"
#include "config/quote.h"

#define TAG_VALUE_MAX 200u /* what upstream keeps */

static int no_memory(struct loader *l)
{
	return err_set(l->err, E_NOMEM, "no memory for the settings");
}

bool pairs_section(struct str section, enum pairs_kind *ret)
{
	static const char *const names[PAIRS_COUNT] = {
		[PAIRS_TAGS] = "tags", [PAIRS_CLASS_SETS] = "class_set"};

	for (int i = 0; i < PAIRS_COUNT; i++) {
		if (str_eq(section, str_of(names[i]))) {
			*ret = (enum pairs_kind)i;
			return true;
		}
	}
	return false;
}

static int check_name(struct loader *l, enum pairs_kind kind, struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!isalnum((unsigned char)name.p[i]) && strchr("-_.", name.p[i]) == NULL)
			return err_set(l->err, E_INVAL,
				"is no name of a %s (letters, digits, \"-\", \"_\" and \".\")",
				kind == PAIRS_TAGS ? "tag" : "class set");
	return E_OK;
}

/* The words of a class set may go over several lines, a tag may not. */
static int check_value(struct loader *l, enum pairs_kind kind, struct str v, char *text)
{
	char q[QUOTE_BYTES];

	if (v.n == 0)
		return err_set(l->err, E_INVAL, "is empty (remove it)");
	for (size_t i = 0; i < v.n; i++) {
		bool line_end = text[i] == '\n' || text[i] == '\r';

		if (line_end && kind == PAIRS_CLASS_SETS)
			text[i] = ' ';
		else if (line_end || ((unsigned char)text[i] < 0x20 && text[i] != '\t'))
			return err_set(l->err, E_INVAL,
				"%s goes over several lines or holds a "
				"control character",
				quote(q, v));
	}
	if (kind == PAIRS_TAGS && v.n > TAG_VALUE_MAX)
		return err_set(
			l->err, E_INVAL, "%s is longer than %u bytes", quote(q, v), TAG_VALUE_MAX);
	return E_OK;
}

static struct pair_draft *pair_find(const struct loader *l, enum pairs_kind kind, struct str name)
{
	for (struct pair_draft *d = l->pairs[kind].first; d != NULL; d = d->next)
		if (str_eq(name, str_of(d->pair.name)))
			return d;
	return NULL;
}

static struct pair_draft *pair_add(struct loader *l, enum pairs_kind kind, struct str name)
{
	struct pair_drafts *list = &l->pairs[kind];
	struct pair_draft *d = arena_calloc(l->a, 1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->pair.name = arena_cstr(l->a, name);
	if (d->pair.name == NULL)
		return NULL;
	if (list->last != NULL)
		list->last->next = d;
	else
		list->first = d;
	list->last = d;
	list->n++;
	return d;
}

int pairs_set(struct loader *l, struct str name, struct str raw, const struct place *at)
{
	const char *section = l->pairs_kind == PAIRS_TAGS ? "tags" : "class_set";
	struct pair_draft *d = pair_find(l, l->pairs_kind, name);
	struct expansion x;
	char *text;
	int rc;

	if (d != NULL && d->place.file == at->file)
		return err_set(l->err, E_INVAL,
			"%s: %s.%.*s: is set twice, first at %s (remove one)", at->text, section,
			STR_ARG(name), d->place.text);
	rc = check_name(l, l->pairs_kind, name);
	if (rc == E_OK)
		rc = expand_value(l->a, l->from->env, raw, &x, l->err);
	if (rc == E_OK) {
		text = arena_cstr(l->a, str_trim(x.text));
		rc = text == NULL ? no_memory(l)
				  : check_value(l, l->pairs_kind, str_of(text), text);
	}
	if (rc != E_OK)
		return apply_fail(l, rc, at, section, name);
	if (d == NULL)
		d = pair_add(l, l->pairs_kind, name);
	if (d == NULL)
		return no_memory(l);
	d->place = *at;
	d->pair.value = text;
	d->pair.where = at->text;
	return E_OK;
}

static int finish(struct loader *l, enum pairs_kind kind, struct setting_pairs *ret)
{
	ret->v = arena_calloc(l->a, l->pairs[kind].n, sizeof *ret->v);
	if (ret->v == NULL)
		return no_memory(l);
	for (const struct pair_draft *d = l->pairs[kind].first; d != NULL; d = d->next)
		ret->v[ret->n++] = d->pair;
	return E_OK;
}

int pairs_finish(struct loader *l)
{
	int rc = finish(l, PAIRS_TAGS, &l->s->tags);

	return rc != E_OK ? rc : finish(l, PAIRS_CLASS_SETS, &l->s->class_sets);
}
