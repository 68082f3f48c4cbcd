/* From names to rules that run: aliases followed, order made (pii.md 2.1). */
#include <stdlib.h>

#include "scrub/piiconf_inner.h"

#define MAX_NESTING 32
#define MAX_LEAVES  8192
#define MAX_VISITS  65536

static bool find_def(const struct piiconf *c, struct str name, struct rule_def *ret)
{
	for (size_t i = 0; i < c->def_count; i++) {
		if (str_eq(c->defs[i].name, name)) {
			*ret = c->defs[i];
			return true;
		}
	}
	return builtin_rule(name, ret);
}

/* Depth of a rule: one more than that of its deepest inner rule. In a loop it
 * grows without end. */
int piiconf_check_loops(const struct piiconf *c, struct err *err)
{
	uint8_t *depth = calloc(c->def_count + 1, 1);
	bool changed = true;

	if (depth == NULL)
		return err_set(err, E_NOMEM, "no memory");
	while (changed) {
		changed = false;
		for (size_t i = 0; i < c->def_count; i++) {
			uint8_t deepest = 0;

			for (size_t k = 0; k < c->defs[i].inner_count; k++)
				for (size_t j = 0; j < c->def_count; j++)
					if (str_eq(c->defs[j].name, c->defs[i].inner[k]) &&
						depth[j] + 1 > deepest)
						deepest = (uint8_t)(depth[j] + 1);
			if (deepest <= depth[i])
				continue;
			depth[i] = deepest;
			changed = true;
			if (deepest > MAX_NESTING) {
				const struct rule_def *d = &c->defs[i];

				free(depth);
				return err_set(err, E_INVAL,
					"rule \"%.*s\": line %u, column %u: leads back to itself",
					STR_ARG(str_first(d->name, 100)), d->line, d->column);
			}
		}
	}
	free(depth);
	return E_OK;
}

struct collector {
	struct piiconf *c;
	struct rule *leaves;
	size_t count;
	size_t cap;
	size_t visits; /* groups in groups in groups: bounded */
	struct err *err;
};

/* What an outer rule with hideInner passes down. */
struct outer {
	bool hides;
	struct str origin;
	struct redaction redaction;
};

static bool has_leaf(const struct collector *k, struct str name)
{
	for (size_t i = 0; i < k->count; i++)
		if (str_eq(k->leaves[i].name, name))
			return true;
	return false;
}

static int add_leaf(struct collector *k, const struct rule_def *def, struct str origin)
{
	struct rule *r;

	if (k->count == k->cap) {
		size_t cap = k->cap == 0 ? 16 : 2 * k->cap;
		struct rule *grown =
			cap <= MAX_LEAVES ? realloc(k->leaves, cap * sizeof *grown) : NULL;

		if (grown == NULL)
			return err_set(k->err, cap <= MAX_LEAVES ? E_NOMEM : E_TOOBIG,
				"too many rules in one application");
		k->leaves = grown;
		k->cap = cap;
	}
	r = &k->leaves[k->count++];
	*r = (struct rule){.name = def->name, .origin = origin};
	rule_prepare(r, def, k->c->set);
	return E_OK;
}

static int collect(struct collector *k, struct str name, const struct outer *outer)
{
	struct rule_def def;
	struct outer passed;
	int rc = E_OK;

	if (++k->visits > MAX_VISITS)
		return err_set(k->err, E_TOOBIG, "too many rules in one application");
	if (!find_def(k->c, name, &def))
		return piiconf_warn(k->c, "there is no rule", name);
	if (has_leaf(k, def.name))
		return E_OK;
	if (outer->hides && outer->redaction.method != METHOD_DEFAULT)
		def.redaction = outer->redaction;
	passed.hides = def.hide_inner;
	passed.origin = outer->hides ? outer->origin : def.name;
	passed.redaction = def.redaction;
	if (def.type != RULE_MULTIPLE && def.type != RULE_ALIAS)
		return add_leaf(k, &def, passed.origin);
	for (size_t i = 0; rc == E_OK && i < def.inner_count; i++)
		rc = collect(k, def.inner[i], &passed); /* loops were refused: MAX_NESTING deep */
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct rule *ra = a;
	const struct rule *rb = b;
	size_t n = ra->name.n < rb->name.n ? ra->name.n : rb->name.n;
	int c = n > 0 ? memcmp(ra->name.p, rb->name.p, n) : 0;

	return c != 0 ? c : (ra->name.n > rb->name.n) - (ra->name.n < rb->name.n);
}

int piiconf_collect(struct piiconf *c, struct application *app, json_node names, struct err *err)
{
	static const struct outer none = {false, {NULL, 0}, {METHOD_DEFAULT, {NULL, 0}}};
	struct collector k = {.c = c, .err = err};
	int rc = E_OK;

	for (json_node e = json_first(c->doc, names); rc == E_OK && e != JSON_NONE;
		e = json_next(c->doc, e))
		rc = collect(&k, json_text(c->doc, e), &none);
	if (rc == E_OK && k.count > 0) {
		qsort(k.leaves, k.count, sizeof *k.leaves, by_name);
		app->rules = arena_alloc(c->arena, k.count * sizeof *app->rules);
		if (app->rules == NULL)
			rc = err_set(err, E_NOMEM, "no memory");
		else
			memcpy(app->rules, k.leaves, k.count * sizeof *app->rules);
		app->rule_count = rc == E_OK ? k.count : 0;
	}
	free(k.leaves);
	return rc;
}

static int by_selector(const void *a, const void *b)
{
	const struct application *x = a;
	const struct application *y = b;

	return selector_compare(x->selector, y->selector);
}

/* Two texts of one selector: their rules run as if written in one place, which
 * sorting by selector gives. */
void piiconf_sort(struct piiconf *c)
{
	if (c->app_count > 1)
		qsort(c->apps, c->app_count, sizeof *c->apps, by_selector);
}
