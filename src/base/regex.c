#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/regex.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define NESTED_PARENTHESES_MAX 100
/* Machine code begins with 32 KiB of the thread's own stack; few need more. */
#define STACK_FIRST_BYTES ((size_t)32 * 1024)
#define STACK_MAX_BYTES   ((size_t)1024 * 1024)

struct regex {
	pcre2_code *code;
	uint32_t search_options;
	uint32_t groups;
};

struct regex_matcher {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack; /* NULL until some expression needs it */
	bool in_arena;
	uint32_t groups, told;
};

static uint32_t compile_options(unsigned flags)
{
	static const struct {
		unsigned flag;
		uint32_t option;
	} known[] = {
		{REGEX_CASELESS, PCRE2_CASELESS},
		{REGEX_MULTILINE, PCRE2_MULTILINE},
		{REGEX_DOTALL, PCRE2_DOTALL},
		{REGEX_EXTENDED, PCRE2_EXTENDED},
		{REGEX_UNICODE, PCRE2_UCP},
		{REGEX_END_ONLY, PCRE2_DOLLAR_ENDONLY},
	};
	uint32_t options = 0;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if ((flags & known[i].flag) != 0)
			options |= known[i].option;
	if ((flags & REGEX_BYTES) != 0)
		return options;
	if ((flags & REGEX_UTF8) == 0)
		options |= PCRE2_MATCH_INVALID_UTF;
	return options | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
}

static int compile(
	struct regex *r, struct str pattern, uint32_t options, size_t *at, struct err *err)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR reason[160] = "";
	int code = 0;

	if (context == NULL)
		return err_set(err, E_NOMEM, "no memory for a regular expression");
	(void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	(void)pcre2_set_parens_nest_limit(context, NESTED_PARENTHESES_MAX);
	r->code = pcre2_compile((PCRE2_SPTR)(pattern.p != NULL ? pattern.p : ""), pattern.n,
		options, &code, at, context);
	pcre2_compile_context_free(context);
	if (r->code == NULL) {
		(void)pcre2_get_error_message(code, reason, sizeof reason);
		return err_set(err, code == PCRE2_ERROR_NOMEMORY ? E_NOMEM : E_SYNTAX, "%s",
			(char *)reason);
	}
	(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	(void)pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
	return E_OK;
}

int regex_new(struct regex **ret, struct str pattern, unsigned flags, size_t *at, struct err *err)
{
	struct regex *r = calloc(1, sizeof *r);
	int rc;

	*ret = NULL;
	*at = 0;
	if (r == NULL)
		return err_set(err, E_NOMEM, "no memory for a regular expression");
	r->search_options = (flags & REGEX_UTF8) != 0 ? PCRE2_NO_UTF_CHECK : 0;
	rc = compile(r, pattern, compile_options(flags), at, err);
	if (rc == E_OK)
		*ret = r;
	else
		regex_free(r);
	return rc;
}

void regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_code_free(r->code);
	free(r);
}

unsigned regex_groups(const struct regex *r)
{
	return r->groups;
}

int regex_group_named(const struct regex *r, struct str name)
{
	char text[64];
	int n;

	if (name.n >= sizeof text)
		return -1;
	if (name.n > 0)
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

static bool make_parts(struct regex_matcher *m, const struct regex_limits *limits, struct arena *a)
{
	pcre2_general_context *g = NULL;

	if (a != NULL) {
		g = pcre2_general_context_create(from_arena, to_arena, a);
		if (g == NULL)
			return false;
	}
	m->in_arena = a != NULL;
	m->groups = limits->groups;
	m->context = pcre2_match_context_create(g);
	m->data = pcre2_match_data_create(limits->groups, g);
	if (m->context == NULL || m->data == NULL)
		return false;
	(void)pcre2_set_match_limit(m->context, limits->steps);
	(void)pcre2_set_depth_limit(m->context, limits->depth);
	(void)pcre2_set_heap_limit(m->context, limits->heap_kib);
	return true;
}

struct regex_matcher *regex_matcher_new(const struct regex_limits *limits, struct arena *a)
{
	struct regex_matcher *m = a != NULL ? arena_calloc(a, 1, sizeof *m) : calloc(1, sizeof *m);

	if (m != NULL && !make_parts(m, limits, a)) {
		regex_matcher_free(m);
		return NULL;
	}
	return m;
}

void regex_matcher_free(struct regex_matcher *m)
{
	if (m == NULL || m->in_arena)
		return;
	pcre2_match_data_free(m->data);
	pcre2_match_context_free(m->context);
	pcre2_jit_stack_free(m->stack);
	free(m);
}

void regex_matcher_steps(struct regex_matcher *m, uint32_t steps)
{
	(void)pcre2_set_match_limit(m->context, steps);
}

/* An arena cannot hold a stack, which is mapped memory. */
static bool more_stack(struct regex_matcher *m)
{
	if (m->stack != NULL || m->in_arena)
		return false;
	m->stack = pcre2_jit_stack_create(STACK_FIRST_BYTES, STACK_MAX_BYTES, NULL);
	if (m->stack == NULL)
		return false;
	pcre2_jit_stack_assign(m->context, NULL, m->stack);
	return true;
}

enum regex_end regex_search(
	const struct regex *r, struct regex_matcher *m, struct str subject, size_t from)
{
	PCRE2_SPTR text = (PCRE2_SPTR)(subject.p != NULL ? subject.p : "");
	uint32_t options = r->search_options;
	int rc;

	if (from > subject.n)
		return REGEX_NONE;
	do {
		rc = pcre2_match(r->code, text, subject.n, from, options, m->data, m->context);
	} while (rc == PCRE2_ERROR_JIT_STACKLIMIT && more_stack(m));
	/* What its stack cannot hold, interpreting has a bounded heap for. */
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(r->code, text, subject.n, from, options | PCRE2_NO_JIT, m->data,
			m->context);
	if (rc == PCRE2_ERROR_NOMATCH)
		return REGEX_NONE;
	if (rc < 0)
		return REGEX_LIMIT;
	m->told = rc > 0 ? (uint32_t)rc : m->groups; /* 0: more than there is room for */
	return REGEX_FOUND;
}

uint32_t regex_told(const struct regex_matcher *m)
{
	return m->told;
}

bool regex_group(const struct regex_matcher *m, uint32_t i, size_t *from, size_t *to)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(m->data);

	if (i >= m->told || v[2 * (size_t)i] == PCRE2_UNSET)
		return false;
	*from = v[2 * (size_t)i];
	*to = v[2 * (size_t)i + 1];
	return true;
}
