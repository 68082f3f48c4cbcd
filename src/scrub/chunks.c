/* Running patterns over text that was redacted before. */
#include "scrub/chunks.h"

#include <stdlib.h>

#include "scrub/sha1.h"

struct chunk {
	struct str text;
	const struct remark *remark; /* NULL: plain text */
};

struct chunk_list {
	struct chunk *list;
	size_t n;
	size_t cap;
};

static int add_chunk(
	struct arena *a, struct chunk_list *l, struct str text, const struct remark *remark)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 8 : 2 * l->cap;
		struct chunk *grown = arena_calloc(a, cap, sizeof *grown);

		if (grown == NULL)
			return E_NOMEM;
		if (l->n > 0)
			memcpy(grown, l->list, l->n * sizeof *grown);
		l->list = grown;
		l->cap = cap;
	}
	l->list[l->n++] = (struct chunk){text, remark};
	return E_OK;
}

static bool is_boundary(struct str s, size_t at)
{
	return at == s.n || (at < s.n && ((unsigned char)s.p[at] & 0xc0) != 0x80);
}

static int split(struct arena *a, const struct redacted *v, struct chunk_list *out)
{
	size_t at = 0;
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < v->rem.n; i++) {
		const struct remark *r = &v->rem.list[i];
		size_t from = r->from > at ? r->from : at;

		if (!r->ranged)
			continue;
		if (r->to < from || !is_boundary(v->text, from) || !is_boundary(v->text, r->to))
			break;
		if (from > at)
			rc = add_chunk(a, out, str_first(str_from(v->text, at), from - at), NULL);
		if (rc == E_OK)
			rc = add_chunk(a, out, str_first(str_from(v->text, from), r->to - from), r);
		at = r->to;
	}
	if (rc == E_OK && at < v->text.n)
		rc = add_chunk(a, out, str_from(v->text, at), NULL);
	return rc;
}

/* The text that patterns see, and whether any of it is not redacted yet. */
static struct str search_text(struct arena *a, const struct chunk_list *l, bool *has_text)
{
	size_t room = 0;
	size_t n = 0;
	char *p;

	for (size_t i = 0; i < l->n; i++)
		room += l->list[i].remark != NULL ? 1 : l->list[i].text.n;
	p = arena_alloc(a, room + 1);
	if (p == NULL)
		return STR_EMPTY;
	*has_text = false;
	for (size_t i = 0; i < l->n; i++) {
		struct str t = l->list[i].text;

		if (l->list[i].remark != NULL) {
			p[n++] = '\0';
			continue;
		}
		*has_text = true;
		for (size_t k = 0; k < t.n; k++)
			if (t.p[k] != '\0')
				p[n++] = t.p[k];
	}
	return str_make(p, n);
}

size_t chunks_count_points(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

struct str chunks_redaction(
	struct redactor *k, const struct redaction *how, struct str piece, char *letter)
{
	char *p;
	size_t n;

	switch (how->method) {
	case METHOD_REPLACE:
		*letter = REMARK_SUBSTITUTED;
		return how->text.p != NULL ? how->text : STR("");
	case METHOD_MASK:
		*letter = REMARK_MASKED;
		n = chunks_count_points(piece);
		p = arena_alloc(k->arena, n + 1);
		if (p != NULL)
			memset(p, '*', n);
		return str_make(p, p != NULL ? n : 0);
	case METHOD_HASH:
		*letter = REMARK_HASHED;
		p = arena_alloc(k->arena, SHA1_HEX);
		if (p != NULL)
			sha1_hmac_hex(k->hash_key, piece, p);
		return str_make(p, p != NULL ? SHA1_HEX : 0);
	case METHOD_DEFAULT:
	case METHOD_REMOVE:
		break;
	}
	*letter = REMARK_REMOVED;
	return STR("");
}

static int add_redaction(
	struct redactor *k, const struct rule *r, struct str piece, struct chunk_list *out)
{
	struct remark *remark = arena_calloc(k->arena, 1, sizeof *remark);
	struct str text;

	if (remark == NULL)
		return E_NOMEM;
	text = chunks_redaction(k, &r->redaction, piece, &remark->letter);
	if (text.p == NULL)
		return E_NOMEM;
	remark->rule = r->origin;
	return add_chunk(k->arena, out, text, remark);
}

/* Walks the redactions of the old list along with the search text. */
struct source {
	const struct chunk_list *old;
	size_t next; /* chunk that may hold the next redaction */
	struct str search;
	size_t at;
};

static const struct chunk *next_old(struct source *s)
{
	while (s->next < s->old->n && s->old->list[s->next].remark == NULL)
		s->next++;
	return s->next < s->old->n ? &s->old->list[s->next++] : NULL;
}

/* The search text up to to, with the redactions in it put back. */
static int add_between(struct redactor *k, struct source *s, size_t to, struct chunk_list *out)
{
	int rc = E_OK;

	while (rc == E_OK && s->at < to) {
		struct str rest = str_first(str_from(s->search, s->at), to - s->at);
		size_t n = str_find_char(rest, '\0');

		if (n > 0)
			rc = add_chunk(k->arena, out, str_first(rest, n), NULL);
		if (rc == E_OK && n < rest.n) {
			const struct chunk *old = next_old(s);

			if (old != NULL)
				rc = add_chunk(k->arena, out, old->text, old->remark);
			n++;
		}
		s->at += n;
	}
	return rc;
}

/* Passes over a piece that is replaced; redactions in it are lost with it. */
static void skip_to(struct source *s, size_t to)
{
	for (; s->at < to; s->at++)
		if (s->search.p[s->at] == '\0')
			(void)next_old(s);
}

static int replace_groups(struct redactor *k, const struct rule *r, uint64_t groups,
	const struct match_iter *it, struct source *s, struct chunk_list *out)
{
	int rc = E_OK;

	for (uint32_t g = 0; rc == E_OK && g < it->groups; g++) {
		const struct span_of *o = &it->of[g];

		if ((groups >> g & 1) == 0 || !o->taken || o->from < s->at)
			continue;
		rc = add_between(k, s, o->from, out);
		if (rc == E_OK)
			rc = add_redaction(
				k, r, str_make(s->search.p + o->from, o->to - o->from), out);
		skip_to(s, o->to);
	}
	return rc;
}

/* Puts the chunks together. Nothing changes when the text comes out the same. */
static int join(struct arena *a, const struct chunk_list *l, struct redacted *v)
{
	struct remarks rem = {NULL, 0, 0};
	size_t total = 0;
	size_t at = 0;
	char *p;

	for (size_t i = 0; i < l->n; i++)
		total += l->list[i].text.n;
	p = arena_alloc(a, total + 1);
	if (p == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < l->n; i++) {
		const struct chunk *c = &l->list[i];

		if (c->text.n > 0)
			memcpy(p + at, c->text.p, c->text.n);
		if (c->remark != NULL) {
			struct remark r = {
				c->remark->rule, c->remark->letter, true, at, at + c->text.n};

			if (remarks_add(a, &rem, &r) != E_OK)
				return E_NOMEM;
		}
		at += c->text.n;
	}
	if (str_eq(str_make(p, at), v->text))
		return E_OK;
	if (!v->has_len)
		v->len = chunks_count_points(v->text);
	v->has_len = v->changed = true;
	v->quick = (struct quick){0};
	v->text = str_make(p, at);
	v->rem = rem;
	return E_OK;
}

/* Over the limit what was found so far does not count: all of it goes. */
static int apply_matches(struct redactor *k, const struct rule *r, const struct probe *p,
	const struct pattern *pattern, struct source *s, struct chunk_list *out, bool *found)
{
	struct match_iter it;
	enum match_end end;
	int rc = E_OK;

	match_begin(&it, k->matcher, pattern, s->search, false);
	end = match_next(&it);
	*found = end != MATCH_NONE;
	while (rc == E_OK && end == MATCH_FOUND && !p->whole) {
		rc = replace_groups(k, r, p->groups, &it, s, out);
		end = match_next(&it);
	}
	if (rc != E_OK || !*found)
		return rc;
	if (end != MATCH_NONE) { /* a whole value, or a limit */
		out->n = 0;
		return add_redaction(k, r, s->search, out);
	}
	return add_between(k, s, s->search.n, out);
}

static bool has_ranges(const struct remarks *rem)
{
	for (size_t i = 0; i < rem->n; i++)
		if (rem->list[i].ranged)
			return true;
	return false;
}

int chunks_apply(struct redactor *k, const struct rule *r, const struct probe *p,
	const struct pattern *as_anything, struct redacted *v)
{
	const struct pattern *pattern = as_anything != NULL ? as_anything : p->pattern;
	struct chunk_list old = {NULL, 0, 0};
	struct chunk_list out = {NULL, 0, 0};
	struct source s = {.old = &old, .search = v->text};
	struct quick quick;
	bool has_text = true;
	bool found;
	int rc;

	if (v->quick.bits == 0)
		quick_look(v->text, &v->quick);
	quick = v->quick;
	if (has_ranges(&v->rem) || !quick_is_plain(&quick)) {
		rc = split(k->arena, v, &old);
		s.search = rc == E_OK ? search_text(k->arena, &old, &has_text) : STR_EMPTY;
		if (s.search.p == NULL)
			return E_NOMEM;
		if (!has_text)
			return E_OK;
		quick_look(s.search, &quick);
	}
	if (as_anything == NULL && !k->no_quick && !quick_may_match(&quick, p->id))
		return E_OK;
	rc = apply_matches(k, r, p, pattern, &s, &out, &found);
	return rc == E_OK && found ? join(k->arena, &out, v) : rc;
}

struct str chunks_valid_utf8(struct arena *a, struct str s)
{
	size_t n = 0;
	char *p;

	if (s.p == NULL || str_is_utf8(s))
		return s.p != NULL ? s : STR("");
	p = arena_alloc(a, 3 * s.n + 1);
	if (p == NULL)
		return STR_EMPTY;
	for (size_t i = 0; i < s.n;) {
		unsigned char c = (unsigned char)s.p[i];
		size_t more = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

		if (i + more <= s.n && str_is_utf8(str_make(s.p + i, more))) {
			memcpy(p + n, s.p + i, more);
			n += more;
			i += more;
			continue;
		}
		p[n++] = '\xef';
		p[n++] = '\xbf';
		p[n++] = '\xbd';
		/* a lone surrogate is three bytes and one character */
		i += c == 0xed && i + 3 <= s.n ? 3 : 1;
	}
	return str_make(p, n);
}
