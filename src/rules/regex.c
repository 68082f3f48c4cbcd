#include "rules/regex.h"

#include "rules/scope.h"

#define PATTERN_MAX ((size_t)16 * 1024)

/* About 10 ms of backtracking. */
static const struct regex_limits limits = {
	.steps = 200000, .depth = 2000, .heap_kib = 1024, .groups = REGEX_GROUPS};

struct rule_regex {
	struct regex *code;
	struct rule_regex *next;
};

int rule_regex_compile(struct rule_fields *f, struct str pattern, bool any_case,
	const struct rule_regex **ret, size_t *at, struct err *err)
{
	struct rule_regex *r = arena_calloc(f->arena, 1, sizeof *r);
	struct err why = {0};
	int rc;

	*at = 0;
	if (r == NULL)
		return err_set(err, E_NOMEM, "no memory for a regular expression");
	if (pattern.n > PATTERN_MAX)
		return err_set(err, E_SYNTAX, "the regular expression is longer than 16 KiB");
	rc = regex_new(&r->code, pattern, any_case ? REGEX_CASELESS : 0, at, &why);
	if (rc != E_OK)
		return err_set(err, rc, "the regular expression is wrong: %s", why.text);
	r->next = f->regexes;
	f->regexes = r;
	*ret = r;
	return E_OK;
}

void rule_regex_free_all(struct rule_regex *first)
{
	for (struct rule_regex *r = first; r != NULL; r = r->next)
		regex_free(r->code);
}

unsigned rule_regex_groups(const struct rule_regex *r)
{
	return regex_groups(r->code);
}

int rule_regex_group(const struct rule_regex *r, struct str name)
{
	return regex_group_named(r->code, name);
}

static struct regex_matcher *matcher_of(struct rule_scope *s)
{
	struct rule_cache *c = scope_cache(s);

	if (c != NULL && c->match == NULL)
		c->match = regex_matcher_new(&limits, s->arena);
	return c != NULL ? c->match : NULL;
}

static void copy_groups(const struct regex_matcher *m, size_t *groups)
{
	for (uint32_t i = 0; i < REGEX_GROUPS; i++)
		if (!regex_group(m, i, &groups[2 * i], &groups[2 * i + 1]))
			groups[2 * i] = groups[2 * i + 1] = SIZE_MAX;
}

enum regex_end rule_regex_match(const struct rule_regex *r, struct rule_scope *s,
	struct str subject, size_t from, size_t *groups)
{
	struct regex_matcher *m = matcher_of(s);
	enum regex_end end;

	if (m == NULL)
		return REGEX_LIMIT;
	end = regex_search(r->code, m, str_first(subject, REGEX_SUBJECT_MAX), from);
	if (end == REGEX_FOUND && groups != NULL)
		copy_groups(m, groups);
	return end;
}
