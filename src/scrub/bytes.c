/* Overwriting what rules find in bytes. */
#include "scrub/bytes.h"

#include <stdlib.h>

#include "scrub/sha1.h"

#define FILL       '*'
#define MAX_RANGES (1u << 20)

struct range {
	size_t from;
	size_t to;
};

struct ranges {
	struct range *list;
	size_t n;
	size_t cap;
	bool all; /* a limit was met: everything goes */
};

static int add_range(struct ranges *l, size_t from, size_t to)
{
	if (from == to || l->all)
		return E_OK;
	if (l->n == MAX_RANGES) {
		l->all = true;
		return E_OK;
	}
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
		struct range *grown = realloc(l->list, cap * sizeof *grown);

		if (grown == NULL)
			return E_NOMEM;
		l->list = grown;
		l->cap = cap;
	}
	l->list[l->n++] = (struct range){from, to};
	return E_OK;
}

static int find_ranges(struct matcher *m, const struct probe *p, struct str subject, bool bytes,
	struct ranges *out)
{
	struct match_iter it;
	enum match_end end;
	int rc = E_OK;

	match_begin(&it, m, p->pattern, subject, bytes);
	while (rc == E_OK && (end = match_next(&it)) != MATCH_NONE) {
		if (end == MATCH_LIMIT || (p->whole && bytes)) {
			out->all |= end == MATCH_LIMIT || it.of[0].to > it.of[0].from;
			if (end == MATCH_LIMIT)
				return E_OK;
			continue;
		}
		for (uint32_t g = 0; rc == E_OK && g < it.groups; g++)
			if (it.of[g].taken && (p->whole ? g == 0 : (p->groups >> g & 1) != 0))
				rc = add_range(out, it.of[g].from, it.of[g].to);
	}
	return rc;
}

/* What stands in for the bytes of p; the rest is filled. */
static struct str replacement(
	struct run *r, const struct redaction *how, struct str piece, char hex[SHA1_HEX])
{
	if (how->method == METHOD_REPLACE)
		return how->text;
	if (how->method != METHOD_HASH)
		return STR_EMPTY;
	sha1_hmac_hex(r->redactor.hash_key, piece, hex);
	return str_make(hex, SHA1_HEX);
}

static void overwrite(struct run *r, const struct redaction *how, char *p, size_t n)
{
	char hex[SHA1_HEX];
	struct str text = replacement(r, how, str_make(p, n), hex);
	size_t used = text.n < n ? text.n : n;

	if (used > 0)
		memcpy(p, text.p, used);
	memset(p + used, FILL, n - used);
}

/* One code point of well-formed UTF-8. */
static uint32_t point_at(struct str s, size_t *at)
{
	unsigned char c = (unsigned char)s.p[*at];
	size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	uint32_t v = more == 0 ? c : c & (0x3fu >> more);

	for (size_t i = 1; i <= more && *at + i < s.n; i++)
		v = v << 6 | ((unsigned char)s.p[*at + i] & 0x3fu);
	*at += more + 1;
	return v;
}

static void put_unit(char *p, uint32_t u)
{
	p[0] = (char)(u & 0xff);
	p[1] = (char)(u >> 8);
}

static void overwrite_wide(struct run *r, const struct redaction *how, char *p, size_t n)
{
	char hex[SHA1_HEX];
	struct str text = replacement(r, how, str_make(p, n), hex);
	size_t at = 0;
	size_t out = 0;

	while (at < text.n) {
		uint32_t c = point_at(text, &at);
		size_t need = c >= 0x10000 ? 4 : 2;

		if (n - out < need)
			break;
		if (need == 4) {
			put_unit(p + out, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(p + out + 2, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			put_unit(p + out, c);
		}
		out += need;
	}
	for (; out + 1 < n; out += 2)
		put_unit(p + out, FILL);
}

/* Offset in UTF-16 of an offset in the same text as UTF-8, going on from *at
 * and *wide. */
static size_t widen(struct str text, size_t to, size_t *at, size_t *wide)
{
	while (*at < to)
		*wide += point_at(text, at) >= 0x10000 ? 4 : 2;
	return *wide;
}

static int scrub_segment(struct run *r, const struct rule *rule, const struct probe *p, char *data,
	size_t n, bool *changed)
{
	struct arena *scratch = arena_new(0, 0); /* each rule decodes it again */
	struct str text = scratch != NULL ? utf16_decode(scratch, data, n) : STR_EMPTY;
	struct ranges found = {NULL, 0, 0, false};
	size_t at = 0;
	size_t wide = 0;
	int rc;

	if (text.p == NULL) {
		arena_free(scratch);
		return E_NOMEM;
	}
	rc = find_ranges(r->redactor.matcher, p, text, false, &found);
	if (found.all)
		overwrite_wide(r, &(struct redaction){METHOD_MASK, STR_EMPTY}, data, n);
	for (size_t i = 0; rc == E_OK && !found.all && i < found.n; i++) {
		size_t from = widen(text, found.list[i].from, &at, &wide);
		size_t to = widen(text, found.list[i].to, &at, &wide);

		overwrite_wide(r, &rule->redaction, data + from, to - from);
	}
	*changed |= found.all || found.n > 0;
	free(found.list);
	arena_free(scratch);
	return rc;
}

static int scrub_wide(struct run *r, const struct rule *rule, const struct probe *p, char *data,
	size_t n, size_t min, bool *changed)
{
	size_t at = 0;
	size_t from;
	size_t to;
	int rc = E_OK;

	while (rc == E_OK && utf16_run(data, n, min, &at, &from, &to))
		rc = scrub_segment(r, rule, p, data + from, to - from, changed);
	return rc;
}

/* The parts between what was overwritten, from even offsets on. */
static int scrub_gaps(struct run *r, const struct rule *rule, const struct probe *p, char *data,
	size_t n, const struct ranges *done, bool *changed)
{
	size_t at = 0;
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i <= done->n; i++) {
		size_t end = i < done->n ? done->list[i].from : n;

		if (end > at)
			rc = scrub_wide(r, rule, p, data + at, end - at, UTF16_MIN_CHARS, changed);
		if (i < done->n && done->list[i].to > at)
			at = done->list[i].to + (done->list[i].to & 1);
	}
	return rc;
}

static int run_probe(struct run *r, const struct rule *rule, const struct probe *p,
	enum bytes_as as, char *data, size_t n, bool *changed)
{
	struct ranges found = {NULL, 0, 0, false};
	int rc = E_OK;

	if (as == BYTES_WIDE)
		return scrub_wide(r, rule, p, data, n, 1, changed);
	if (as != BYTES_UTF16)
		rc = find_ranges(r->redactor.matcher, p, str_make(data, n), true, &found);
	if (rc == E_OK && found.all)
		overwrite(r, &rule->redaction, data, n);
	for (size_t i = 0; rc == E_OK && !found.all && i < found.n; i++)
		overwrite(r, &rule->redaction, data + found.list[i].from,
			found.list[i].to - found.list[i].from);
	*changed |= found.all || found.n > 0;
	if (rc == E_OK && !found.all && as != BYTES_UTF8)
		rc = scrub_gaps(r, rule, p, data, n, &found, changed);
	free(found.list);
	return rc;
}

/* A person asked what was done: the file, or the part of it. */
static void tell(
	const struct run *r, const struct rule *rule, const struct pii_state *states, size_t depth)
{
	static const char letters[] = {
		[METHOD_DEFAULT] = REMARK_REMOVED,
		[METHOD_REMOVE] = REMARK_REMOVED,
		[METHOD_REPLACE] = REMARK_SUBSTITUTED,
		[METHOD_MASK] = REMARK_MASKED,
		[METHOD_HASH] = REMARK_HASHED,
	};
	struct buf path = BUF_INIT;

	if (r->tally->seen == NULL)
		return;
	buf_cstr(&path, "attachments");
	for (size_t i = 2; i < depth; i++) {
		if (states[i].key.n > 0)
			buf_char(&path, '.');
		buf_str(&path, states[i].key);
	}
	if (!r->tally->seen(r->tally->seen_arg, buf_ok(&path) ? buf_view(&path) : STR_EMPTY,
		    rule->origin, letters[rule->redaction.method]))
		r->tally->seen = NULL;
	buf_fini(&path);
}

static int run_rule(struct run *r, const struct rule *rule, struct rule_work *work,
	const struct pii_state *states, size_t depth, enum bytes_as as, char *data, size_t n,
	bool *changed)
{
	bool by_this = false;
	int rc = E_OK;

	for (size_t j = 0; rc == E_OK && j < rule->probe_count; j++)
		rc = run_probe(r, rule, &rule->probes[j], as, data, n, &by_this);
	if (work != NULL) {
		work->runs++;
		work->hits += by_this;
	}
	if (by_this)
		tell(r, rule, states, depth);
	*changed |= by_this;
	return rc;
}

bool bytes_selected(const struct piiconf *c, const struct pii_state *states, size_t depth)
{
	size_t count;
	const struct application *apps = piiconf_applications(c, &count);

	for (size_t i = 0; i < count; i++)
		if (selector_matches(apps[i].selector, states, depth))
			return true;
	return false;
}

int bytes_scrub(struct run *r, const struct piiconf *c, const struct pii_state *states,
	size_t depth, enum bytes_as as, char *data, size_t n, bool *changed)
{
	size_t count;
	const struct application *apps = piiconf_applications(c, &count);
	struct rule_work *work = run_work(r, c);
	int rc = E_OK;

	for (size_t i = 0; i < count; i++) {
		if (!selector_matches(apps[i].selector, states, depth))
			continue;
		for (size_t k = 0; k < apps[i].rule_count; k++) {
			const struct rule *rule = &apps[i].rules[k];

			rc = run_rule(r, rule, work != NULL ? &work[rule->figure] : NULL, states,
				depth, as, data, n, changed);
			if (rc != E_OK)
				return rc;
		}
	}
	return rc;
}
