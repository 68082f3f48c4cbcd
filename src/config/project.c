/* [project NAME] sections: which client key goes where. */
#include <stdlib.h>
#include <string.h>

#include "config/named.h"
#include "config/quote.h"
#include "config/shape.h"

enum { KEY, ID, DSN };

/* Keys and DSNs are credentials: their text is not part of the reasons. */
static int check(struct loader *l, const char *key, struct str v)
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

/* Sorted to find equal neighbours; among equals the one read first is first. */
struct sorted {
	const struct named *d;
	const struct project *project;
};

static int by_client(const void *va, const void *vb)
{
	const struct sorted *a = va;
	const struct sorted *b = vb;
	int c = strcmp(a->project->key, b->project->key);

	if (c == 0)
		c = strcmp(a->project->id, b->project->id);
	if (c != 0)
		return c;
	return a->project < b->project ? -1 : a->project > b->project;
}

static int check_clients(struct loader *l, struct sorted *v, size_t n)
{
	qsort(v, n, sizeof *v, by_client);
	for (size_t i = 1; i < n; i++)
		if (strcmp(v[i - 1].project->key, v[i].project->key) == 0 &&
			strcmp(v[i - 1].project->id, v[i].project->id) == 0)
			return err_set(l->err, E_INVAL,
				"%s: project %s.key: the same key and id as project %s at %s "
				"(change key or id of one)",
				v[i].d->v[KEY].place, v[i].d->name, v[i - 1].d->name,
				v[i - 1].d->v[KEY].place);
	return E_OK;
}

static int finish(struct loader *l, const struct named *first, size_t n)
{
	struct sorted *v = arena_calloc(l->a, n, sizeof *v);
	struct project *to = arena_calloc(l->a, n, sizeof *to);

	if (v == NULL || to == NULL)
		return err_set(l->err, E_NOMEM, "no memory for the settings");
	l->s->projects = to;
	l->s->project_count = n;
	for (size_t i = 0; first != NULL; first = first->next, i++) {
		to[i] = (struct project){
			.name = first->name,
			.key = first->v[KEY].text,
			.id = first->v[ID].text != NULL ? first->v[ID].text : "",
			.dsn = first->v[DSN].text,
		};
		v[i] = (struct sorted){first, &to[i]};
	}
	return check_clients(l, v, n);
}

const struct named_kind project_kind = {
	.word = "project",
	.keys = {[KEY] = {"key", "the key in the client's DSN: http://KEY@HOST/ID"},
		[ID] = {"id", NULL},
		[DSN] = {"dsn", "where its envelopes go: https://KEY@HOST/PROJECT"}},
	.check = check,
	.finish = finish,
};
