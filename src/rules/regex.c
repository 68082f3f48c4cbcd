/* PCRE2: compiled for the machine where it can be, always bounded. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules/regex.h"

#include <pcre2.h>

#include "rules/scope.h"

#define PATTERN_MAX    ((size_t)16 * 1024)
#define MATCH_LIMIT_N  200000u /* about 10 ms of backtracking */
#define DEPTH_LIMIT_N  2000u
#define HEAP_LIMIT_KIB 1024u

struct rule_regex {
	pcre2_code *code;
	unsigned groups;
	struct rule_regex *next;
};

/* What matching needs, once per scope. */
struct matcher {
	pcre2_match_context *limits;
	pcre2_match_data *data;
};

int rule_regex_compile(struct rule_fields *f, struct str pattern, bool any_case,
	const struct rule_regex **ret, size_t *at, struct err *err)
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
			   (any_case ? PCRE2_CASELESS : 0);
	struct rule_regex *r = arena_calloc(f->arena, 1, sizeof *r);
	char reason[160] = "";
	int code = 0;

	*at = 0;
	if (r == NULL)
		return err_set(err, E_NOMEM, "no memory for a regular expression");
	if (pattern.n > PATTERN_MAX)
		return err_set(err, E_SYNTAX, "the regular expression is longer than 16 KiB");
	r->code = pcre2_compile((PCRE2_SPTR)(pattern.p != NULL ? pattern.p : ""), pattern.n,
		options, &code, at, NULL);
	if (r->code == NULL) {
		(void)pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
		return err_set(err, E_SYNTAX, "the regular expression is wrong: %s", reason);
	}
	r->next = f->regexes;
	f->regexes = r;
	(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it: slower */
	(void)pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
	*ret = r;
	return E_OK;
}

void rule_regex_free_all(struct rule_regex *first)
{
	for (struct rule_regex *r = first; r != NULL; r = r->next)
		pcre2_code_free(r->code);
}

unsigned rule_regex_groups(const struct rule_regex *r)
{
	return r->groups;
}

int rule_regex_group(const struct rule_regex *r, struct str name)
{
	char text[64];
	int n;

	if (name.n >= sizeof text)
		return -1;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	n = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)text);
	return n > 0 ? n : -1;
}

static void *from_arena(size_t n, void *arena)
{
	return arena_alloc(arena, n);
}

static void to_arena(void *p, void *arena)
{
	(void)p;
	(void)arena;
}

static struct matcher *make_matcher(struct arena *a)
{
	pcre2_general_context *g = pcre2_general_context_create(from_arena, to_arena, a);
	struct matcher *m = arena_calloc(a, 1, sizeof *m);

	if (g == NULL || m == NULL)
		return NULL;
	m->limits = pcre2_match_context_create(g);
	m->data = pcre2_match_data_create(REGEX_GROUPS, g);
	if (m->limits == NULL || m->data == NULL)
		return NULL;
	(void)pcre2_set_match_limit(m->limits, MATCH_LIMIT_N);
	(void)pcre2_set_depth_limit(m->limits, DEPTH_LIMIT_N);
	(void)pcre2_set_heap_limit(m->limits, HEAP_LIMIT_KIB);
	return m;
}

static struct matcher *matcher_of(struct rule_scope *s)
{
	struct rule_cache *c = scope_cache(s);

	if (c != NULL && c->match == NULL)
		c->match = make_matcher(s->arena);
	return c != NULL ? c->match : NULL;
}

static void copy_groups(const struct matcher *m, int n, size_t *groups)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(m->data);
	unsigned have = n > 0 ? (unsigned)n : REGEX_GROUPS; /* 0: more than there is room for */

	for (unsigned i = 0; i < 2 * REGEX_GROUPS; i++)
		groups[i] = i < 2 * have && v[i] != PCRE2_UNSET ? v[i] : SIZE_MAX;
}

enum rule_match rule_regex_match(const struct rule_regex *r, struct rule_scope *s,
	struct str subject, size_t from, size_t *groups)
{
	struct matcher *m = matcher_of(s);
	PCRE2_SPTR text = (PCRE2_SPTR)(subject.p != NULL ? subject.p : "");
	size_t n = subject.n < REGEX_SUBJECT_MAX ? subject.n : REGEX_SUBJECT_MAX;
	int rc;

	if (m == NULL)
		return MATCH_LIMIT;
	if (from > n)
		return MATCH_NO;
	rc = pcre2_match(r->code, text, n, from, 0, m->data, m->limits);
	/* The machine code has 32 KiB of stack; the other way has a heap. */
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(r->code, text, n, from, PCRE2_NO_JIT, m->data, m->limits);
	if (rc == PCRE2_ERROR_NOMATCH)
		return MATCH_NO;
	if (rc < 0)
		return MATCH_LIMIT;
	if (groups != NULL)
		copy_groups(m, rc, groups);
	return MATCH_YES;
}
