#include "scrub/pattern.h"

#include <stdlib.h>

#include "base/regex.h"
#include "scrub/dialect.h"

/* Backtracks one search may take: far beyond what honest text needs, some
 * milliseconds for hostile text. Long subjects have as many more starts. */
#define LIMIT_BASE     200000
#define LIMIT_PER_BYTE 10
/* After so many searches over the limit the rest is not even tried. */
#define HITS_MAX 32

static const struct regex_limits limits = {
	.steps = LIMIT_BASE, .depth = 5000, .heap_kib = 4096, .groups = PATTERN_MAX_GROUPS};

struct pattern {
	struct regex *text;
	struct regex *bytes; /* NULL: has no meaning on bytes */
};

struct matcher {
	struct regex_matcher *regex;
	uint32_t limit;
	unsigned hits;
};

static int compile_text(struct pattern *p, struct str s, unsigned flags, struct err *err)
{
	struct err reason = {0};
	size_t at;
	int rc = regex_new(
		&p->text, s, REGEX_UNICODE | REGEX_END_ONLY | REGEX_UTF8 | flags, &at, &reason);

	if (rc == E_SYNTAX)
		return err_set(err, rc, "%s at byte %zu of the pattern", reason.text, at);
	if (rc != E_OK)
		return err_set(err, rc, "%s", reason.text);
	return regex_groups(p->text) < PATTERN_MAX_GROUPS
		       ? E_OK
		       : err_set(err, E_TOOBIG, "too many groups");
}

static int pattern_compile(struct pattern *p, struct str s, unsigned flags, struct err *err)
{
	unsigned caseless = (flags & PATTERN_CASELESS) != 0 ? REGEX_CASELESS : 0;
	int rc = compile_text(p, s, caseless, err);
	size_t at;

	if (rc == E_OK &&
		regex_new(&p->bytes, s, REGEX_BYTES | REGEX_DOTALL | REGEX_END_ONLY | caseless, &at,
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
	regex_free(p->text);
	regex_free(p->bytes);
	free(p);
}

void matcher_free(struct matcher *m)
{
	if (m == NULL)
		return;
	regex_matcher_free(m->regex);
	free(m);
}

int matcher_new(struct matcher **ret, uint32_t match_limit)
{
	struct matcher *m = calloc(1, sizeof *m);

	*ret = NULL;
	if (m == NULL)
		return E_NOMEM;
	m->limit = match_limit;
	m->regex = regex_matcher_new(&limits, NULL);
	if (m->regex == NULL) {
		matcher_free(m);
		return E_NOMEM;
	}
	*ret = m;
	return E_OK;
}

void matcher_reset(struct matcher *m)
{
	m->hits = 0;
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
	it->subject = subject;
	it->bytes = bytes;
	it->at = 0;
	it->last_end = SIZE_MAX;
	it->groups = 0;
	regex_matcher_steps(m->regex, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX);
}

static enum match_end search(struct match_iter *it)
{
	const struct regex *r = it->bytes ? it->p->bytes : it->p->text;
	struct matcher *m = it->m;
	enum regex_end end;

	if (r == NULL)
		return MATCH_NONE;
	if (m->hits >= HITS_MAX)
		return MATCH_LIMIT;
	end = regex_search(r, m->regex, it->subject, it->at);
	if (end == REGEX_LIMIT)
		m->hits++;
	if (end != REGEX_FOUND)
		return end == REGEX_NONE ? MATCH_NONE : MATCH_LIMIT;
	it->groups = regex_told(m->regex);
	for (uint32_t i = 0; i < it->groups; i++)
		it->of[i].taken = regex_group(m->regex, i, &it->of[i].from, &it->of[i].to);
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
