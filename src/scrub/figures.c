#include "scrub/figures.h"

#include <stdlib.h>
#include <string.h>

#include "scrub/piiconf.h"

struct row {
	struct str rule;
	_Atomic uint64_t runs, hits, ns;
};

struct figures {
	size_t count;
	struct row rows[];
};

/* --- rows ----------------------------------------------------------------------- */

struct entry {
	struct rule *rule;
};

static int by_origin(const void *a, const void *b)
{
	const struct str *x = &((const struct entry *)a)->rule->origin;
	const struct str *y = &((const struct entry *)b)->rule->origin;
	size_t n = x->n < y->n ? x->n : y->n;
	int c = n > 0 ? memcmp(x->p, y->p, n) : 0;

	return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static size_t list_rules(struct application *apps, size_t app_count, struct entry *list)
{
	size_t n = 0;

	for (size_t i = 0; i < app_count; i++)
		for (size_t k = 0; k < apps[i].rule_count; k++, n++)
			if (list != NULL)
				list[n].rule = &apps[i].rules[k];
	return n;
}

int figures_new(struct figures **ret, struct application *apps, size_t app_count)
{
	size_t n = list_rules(apps, app_count, NULL);
	struct entry *list = calloc(n + 1, sizeof *list);
	struct figures *f = calloc(1, sizeof *f + n * sizeof f->rows[0]);

	*ret = NULL;
	if (list == NULL || f == NULL) {
		free(list);
		free(f);
		return E_NOMEM;
	}
	(void)list_rules(apps, app_count, list);
	qsort(list, n, sizeof *list, by_origin);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !str_eq(list[i].rule->origin, list[i - 1].rule->origin))
			f->rows[f->count++].rule = list[i].rule->origin;
		list[i].rule->figure = (uint32_t)f->count - 1;
	}
	free(list);
	*ret = f;
	return E_OK;
}

void figures_free(struct figures *f)
{
	free(f);
}

/* --- counting ---------------------------------------------------------------------- */

bool figures_is_timed(_Atomic uint64_t *runs)
{
	return atomic_fetch_add_explicit(runs, 1, memory_order_relaxed) % FIGURES_TIMED_EVERY == 0;
}

struct rule_work *figures_begin(const struct figures *f, struct arena *a)
{
	return f != NULL ? arena_calloc(a, f->count + 1, sizeof(struct rule_work)) : NULL;
}

size_t figures_count(const struct figures *f)
{
	return f != NULL ? f->count : 0;
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
	if (n > 0)
		(void)atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void figures_end(struct figures *f, const struct rule_work *work)
{
	for (size_t i = 0; work != NULL && i < f->count; i++) {
		add(&f->rows[i].runs, work[i].runs);
		add(&f->rows[i].hits, work[i].hits);
		add(&f->rows[i].ns, work[i].ns * FIGURES_TIMED_EVERY);
	}
}

static uint64_t read_figure(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

bool figures_get(const struct figures *f, size_t i, struct rule_figures *ret)
{
	if (f == NULL || i >= f->count)
		return false;
	*ret = (struct rule_figures){f->rows[i].rule, read_figure(&f->rows[i].runs),
		read_figure(&f->rows[i].hits), read_figure(&f->rows[i].ns)};
	return true;
}
