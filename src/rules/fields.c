/* Paths, compiled: the plain parts of all conditions form one tree. */
#include "rules/fields.h"

#include "rules/regex.h"

struct rule_fields *rule_fields_new(void)
{
	struct arena *a = arena_new(4096, 0);
	struct rule_fields *f = a != NULL ? arena_calloc(a, 1, sizeof *f) : NULL;

	if (f != NULL) {
		f->arena = a;
		f->cap = 64;
		f->v = arena_calloc(a, f->cap, sizeof *f->v);
	}
	if (f == NULL || f->v == NULL) {
		arena_free(a);
		return NULL;
	}
	f->n = 1;
	return f;
}

void rule_fields_free(struct rule_fields *f)
{
	if (f == NULL)
		return;
	rule_regex_free_all(f->regexes);
	arena_free(f->arena);
}

static bool same_step(const struct rule_step *a, const struct rule_step *b)
{
	return a->kind == b->kind && a->any_case == b->any_case && a->is_values == b->is_values &&
	       a->unwraps == b->unwraps && a->index == b->index && str_eq(a->key, b->key);
}

static bool grow(struct rule_fields *f)
{
	struct rule_field *v;

	if (f->n < f->cap)
		return true;
	v = f->cap < UINT32_MAX / 2 ? arena_calloc(f->arena, f->cap * 2, sizeof *v) : NULL;
	if (v == NULL)
		return false;
	memcpy(v, f->v, f->n * sizeof *v);
	f->v = v;
	f->cap *= 2;
	return true;
}

uint32_t fields_intern(struct rule_fields *f, uint32_t parent, const struct rule_step *step)
{
	for (uint32_t i = 1; i < f->n; i++) {
		if (f->v[i].parent == parent && same_step(&f->v[i].step, step))
			return i;
	}
	if (!grow(f))
		return UINT32_MAX;
	f->v[f->n] = (struct rule_field){parent, *step};
	return f->n++;
}

static bool key_is(const struct rule_path *p, size_t i, const char *key)
{
	return i < p->steps_n && p->steps[i].kind == STEP_KEY &&
	       str_eq(p->steps[i].key, str_of(key));
}

/* Interfaces whose list may stand without {"values": ...} around it. */
static bool is_wrapped_list(const struct rule_path *p, size_t i)
{
	return key_is(p, i, "exception") || key_is(p, i, "breadcrumbs") || key_is(p, i, "threads");
}

static void set_flags(struct rule_path *p)
{
	bool headers = false;

	for (size_t i = 0; i < p->steps_n; i++) {
		struct rule_step *s = &p->steps[i];

		s->any_case = headers && s->kind == STEP_KEY;
		headers = key_is(p, i, "headers") && i > 0 &&
			  (key_is(p, i - 1, "request") || key_is(p, i - 1, "response"));
		s->is_values = i > 0 && key_is(p, i, "values") && is_wrapped_list(p, i - 1);
		s->unwraps = i == 1 && p->steps_n == 2 && s->kind == STEP_KEY &&
			     key_is(p, 0, "attributes");
	}
}

int path_finish(struct rule_fields *f, struct rule_path *p)
{
	p->virtual = virtual_find(p->text);
	p->base = key_is(p, 0, "item")       ? BASE_ITEM
		  : key_is(p, 0, "envelope") ? BASE_ENVELOPE
					     : BASE_ROOT;
	set_flags(p);
	p->plain_n = 0;
	while (p->plain_n < p->steps_n && p->steps[p->plain_n].kind != STEP_EACH &&
		p->steps[p->plain_n].kind != STEP_DEEP)
		p->plain_n++;
	p->field = FIELD_ROOT;
	for (size_t i = 0; i < p->plain_n && p->base == BASE_ROOT; i++) {
		p->field = fields_intern(f, p->field, &p->steps[i]);
		if (p->field == UINT32_MAX)
			return E_NOMEM;
	}
	return E_OK;
}
