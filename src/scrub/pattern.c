/* PCRE2 behind pattern.h. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "scrub/pattern.h"

#include <pcre2.h>
#include <stdlib.h>

#include "scrub/dialect.h"

#define JIT_STACK_FIRST (32 * 1024)
#define JIT_STACK_MAX   (1024 * 1024)
/* Backtracks one search may take: far beyond what honest text needs, some
 * milliseconds for hostile text. Long subjects have as many more starts. */
#define LIMIT_BASE     200000
#define LIMIT_PER_BYTE 10
#define LIMIT_DEPTH    5000
#define HEAP_LIMIT_KIB 4096
/* After so many searches over the limit the rest is not even tried. */
#define HITS_MAX 32

struct pattern {
	pcre2_code *text;
	pcre2_code *bytes; /* NULL: has no meaning on bytes */
};

struct matcher {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint32_t limit;
	unsigned hits;
};

static int compile_one(pcre2_code **ret, struct str s, uint32_t options, struct err *err)
{
	pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
	PCRE2_SIZE at = 0;
	int code = 0;

	*ret = NULL;
	if (cc == NULL)
		return err_set(err, E_NOMEM, "no memory for a pattern");
	(void)pcre2_set_newline(cc, PCRE2_NEWLINE_LF);
	(void)pcre2_set_parens_nest_limit(cc, 100);
	*ret = pcre2_compile((PCRE2_SPTR)s.p, s.n, options, &code, &at, cc);
	pcre2_compile_context_free(cc);
	if (*ret == NULL) {
		PCRE2_UCHAR text[128];

		(void)pcre2_get_error_message(code, text, sizeof text);
		return err_set(
			err, E_SYNTAX, "%s at byte %zu of the pattern", (char *)text, (size_t)at);
	}
	/* Without JIT (no executable memory) the interpreter does the same, slower. */
	(void)pcre2_jit_compile(*ret, PCRE2_JIT_COMPLETE);
	return E_OK;
}

static int check_groups(const pcre2_code *code, struct err *err)
{
	uint32_t n = 0;

	(void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &n);
	return n < PATTERN_MAX_GROUPS ? E_OK : err_set(err, E_TOOBIG, "too many groups");
}

static int pattern_compile(struct pattern *p, struct str s, unsigned flags, struct err *err)
{
	uint32_t caseless = (flags & PATTERN_CASELESS) != 0 ? PCRE2_CASELESS : 0;
	int rc = compile_one(&p->text, s,
		PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | caseless,
		err);

	if (rc == E_OK)
		rc = check_groups(p->text, err);
	if (rc == E_OK && compile_one(&p->bytes, s, PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | caseless,
				  NULL) == E_NOMEM)
		rc = err_set(err, E_NOMEM, "no memory for a pattern");
	return rc;
}

int pattern_new(struct pattern **ret, struct str source, unsigned flags, struct err *err)
{
	struct buf own = BUF_INIT;
	struct pattern *p;
	int rc = E_OK;

	*ret = NULL;
	if (source.n > PATTERN_MAX_BYTES)
		return err_set(
			err, E_TOOBIG, "the pattern is longer than %d bytes", PATTERN_MAX_BYTES);
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_set(err, E_NOMEM, "no memory for a pattern");
	if ((flags & PATTERN_NATIVE) != 0)
		buf_str(&own, source);
	else
		rc = dialect_translate(source, &own, err);
	if (rc == E_OK)
		rc = buf_ok(&own)
			     ? pattern_compile(p, own.n > 0 ? buf_view(&own) : STR(""), flags, err)
			     : err_set(err, E_NOMEM, "no memory for a pattern");
	buf_fini(&own);
	if (rc != E_OK) {
		pattern_free(p);
		return rc;
	}
	*ret = p;
	return E_OK;
}

void pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	pcre2_code_free(p->text);
	pcre2_code_free(p->bytes);
	free(p);
}

void matcher_free(struct matcher *m)
{
	if (m == NULL)
		return;
	pcre2_match_data_free(m->data);
	pcre2_match_context_free(m->context);
	pcre2_jit_stack_free(m->stack);
	free(m);
}

int matcher_new(struct matcher **ret, uint32_t match_limit)
{
	struct matcher *m = calloc(1, sizeof *m);

	*ret = NULL;
	if (m == NULL)
		return E_NOMEM;
	m->limit = match_limit;
	m->data = pcre2_match_data_create(PATTERN_MAX_GROUPS, NULL);
	m->context = pcre2_match_context_create(NULL);
	if (m->data == NULL || m->context == NULL) {
		matcher_free(m);
		return E_NOMEM;
	}
	(void)pcre2_set_depth_limit(m->context, LIMIT_DEPTH);
	(void)pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
	*ret = m;
	return E_OK;
}

unsigned matcher_limit_hits(const struct matcher *m)
{
	return m->hits;
}

void match_begin(struct match_iter *it, struct matcher *m, const struct pattern *p,
	struct str subject, bool bytes)
{
	uint64_t limit =
		m->limit != 0 ? m->limit : LIMIT_BASE + LIMIT_PER_BYTE * (uint64_t)subject.n;

	it->m = m;
	it->p = p;
	it->subject = subject.p != NULL ? subject : STR("");
	it->bytes = bytes;
	it->at = 0;
	it->last_end = SIZE_MAX;
	it->groups = 0;
	(void)pcre2_set_match_limit(m->context, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX);
}

/* Compiled patterns begin with 32 KiB of our own stack; few need more. */
static bool more_stack(struct matcher *m)
{
	if (m->stack != NULL)
		return false;
	m->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
	if (m->stack == NULL)
		return false;
	pcre2_jit_stack_assign(m->context, NULL, m->stack);
	return true;
}

static enum match_end search(struct match_iter *it)
{
	const pcre2_code *code = it->bytes ? it->p->bytes : it->p->text;
	const PCRE2_SIZE *ov;
	int rc;

	if (code == NULL)
		return MATCH_NONE;
	if (it->m->hits >= HITS_MAX)
		return MATCH_LIMIT;
	do {
		rc = pcre2_match(code, (PCRE2_SPTR)it->subject.p, it->subject.n, it->at,
			it->bytes ? 0 : PCRE2_NO_UTF_CHECK, it->m->data, it->m->context);
	} while (rc == PCRE2_ERROR_JIT_STACKLIMIT && more_stack(it->m));
	if (rc == PCRE2_ERROR_NOMATCH)
		return MATCH_NONE;
	if (rc <= 0) {
		it->m->hits++;
		return MATCH_LIMIT;
	}
	ov = pcre2_get_ovector_pointer(it->m->data);
	it->groups = (uint32_t)rc;
	for (uint32_t i = 0; i < it->groups; i++)
		it->of[i] = (struct span_of){ov[2 * i], ov[2 * i + 1], ov[2 * i] != PCRE2_UNSET};
	return MATCH_FOUND;
}

static size_t next_char(const struct match_iter *it, size_t at)
{
	at++;
	while (!it->bytes && at < it->subject.n &&
		((unsigned char)it->subject.p[at] & 0xc0) == 0x80)
		at++;
	return at;
}

enum match_end match_next(struct match_iter *it)
{
	while (it->at <= it->subject.n) {
		enum match_end end = search(it);

		if (end != MATCH_FOUND)
			return end;
		if (it->of[0].from == it->of[0].to && it->of[0].to == it->last_end) {
			it->at = next_char(it, it->at);
			continue;
		}
		it->last_end = it->at = it->of[0].to;
		return MATCH_FOUND;
	}
	return MATCH_NONE;
}

enum match_end pattern_find(struct matcher *m, const struct pattern *p, struct str subject)
{
	struct match_iter it;

	match_begin(&it, m, p, subject, false);
	return search(&it);
}
