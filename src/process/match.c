#define PCRE2_CODE_UNIT_WIDTH 8
#include "process/match.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/quote.h"
#include "config/suggest.h"
#include "process/class_sets.h"
#include "rules/text.h"

#define SUBJECT_MAX    ((size_t)64 * 1024)
#define MATCH_LIMIT_N  200000u
#define DEPTH_LIMIT_N  2000u
#define HEAP_LIMIT_KIB 1024u

struct pattern_regex {
	pcre2_code *code;
	pcre2_match_context *limits;
};

static int refuse(struct err *err, struct str entry, const char *why)
{
	char q[QUOTE_BYTES];

	return err_set(err, E_INVAL, "%s %s", quote(q, entry), why);
}

/* --- regular expressions --------------------------------------------------------- */

static bool read_flags(struct str flags, uint32_t *options)
{
	*options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
	for (size_t i = 0; i < flags.n; i++) {
		switch (flags.p[i]) {
		case 'i':
			*options |= PCRE2_CASELESS;
			break;
		case 'm':
			*options |= PCRE2_MULTILINE;
			break;
		case 's':
			*options |= PCRE2_DOTALL;
			break;
		case 'x':
			*options |= PCRE2_EXTENDED;
			break;
		default:
			return false;
		}
	}
	return true;
}

/* "/text/flags": where the text ends, or 0 when this is none. */
static size_t regex_end(struct str entry, uint32_t *options)
{
	size_t end = entry.n;

	if (entry.n < 3 || entry.p[0] != '/')
		return 0;
	while (end > 1 && entry.p[end - 1] != '/')
		end--;
	if (end <= 2 || !read_flags(str_from(entry, end), options))
		return 0;
	return end - 1;
}

static void regex_free(struct pattern_regex *r)
{
	if (r == NULL)
		return;
	pcre2_match_context_free(r->limits);
	pcre2_code_free(r->code);
	free(r);
}

static int regex_compile(
	struct pattern *p, struct str entry, struct str text, uint32_t options, struct err *err)
{
	char reason[160] = "", why[220];
	struct pattern_regex *r = calloc(1, sizeof *r);
	size_t at = 0;
	int code = 0;

	if (r == NULL)
		return err_set(err, E_NOMEM, "no memory for a regular expression");
	p->regex = r;
	r->limits = pcre2_match_context_create(NULL);
	if (r->limits == NULL)
		return err_set(err, E_NOMEM, "no memory for a regular expression");
	r->code = pcre2_compile((PCRE2_SPTR)text.p, text.n, options, &code, &at, NULL);
	if (r->code == NULL) {
		(void)pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
		(void)snprintf(why, sizeof why, "is no regular expression: %s at column %zu",
			reason, at + 2);
		return refuse(err, entry, why);
	}
	(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it: slower */
	(void)pcre2_set_match_limit(r->limits, MATCH_LIMIT_N);
	(void)pcre2_set_depth_limit(r->limits, DEPTH_LIMIT_N);
	(void)pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KIB);
	return E_OK;
}

/* What meets a limit is no match (design 12.7). */
static bool regex_matches(const struct pattern_regex *r, struct str s)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	size_t n = s.n < SUBJECT_MAX ? s.n : SUBJECT_MAX;
	PCRE2_SPTR text = (PCRE2_SPTR)(s.p != NULL ? s.p : "");
	int rc;

	if (data == NULL)
		return false;
	rc = pcre2_match(r->code, text, n, 0, 0, data, r->limits);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(r->code, text, n, 0, PCRE2_NO_JIT, data, r->limits);
	pcre2_match_data_free(data);
	return rc >= 0;
}

/* --- globs --------------------------------------------------------------------------- */

static bool is_glob(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '*' || s.p[i] == '?' || s.p[i] == '[')
			return true;
	return false;
}

/* --- class sets ------------------------------------------------------------------------ */

static int find_set(struct pattern *p, struct arena *a, struct str entry, struct str name,
	const struct settings *s, struct err *err)
{
	struct suggest near;
	const char *words = NULL, *known;
	char why[128];

	suggest_init(&near, name);
	for (size_t i = 0; (known = class_set_name(i)) != NULL; i++) {
		suggest_try(&near, known);
		if (str_eq(name, str_of(known)))
			words = class_set_words(i);
	}
	for (size_t i = 0; i < s->class_sets.n; i++) { /* the user's own win */
		suggest_try(&near, s->class_sets.v[i].name);
		if (str_eq(name, str_of(s->class_sets.v[i].name)))
			words = s->class_sets.v[i].value;
	}
	if (words != NULL)
		return class_set_split(str_of(words), a, &p->set) == E_OK
			       ? E_OK
			       : err_set(err, E_NOMEM, "no memory for a class set");
	if (near.best == NULL)
		return refuse(err, entry, "is no class set (add it to [class_set])");
	(void)snprintf(why, sizeof why, "is no class set (did you mean class:%s?)", near.best);
	return refuse(err, entry, why);
}

/* --- lists -------------------------------------------------------------------------------- */

static int compile_one(struct pattern *p, struct arena *a, struct str entry,
	const struct pattern_syntax *syntax, struct err *err)
{
	uint32_t options = 0;
	size_t end = syntax->regexes ? regex_end(entry, &options) : 0;

	if (end > 0) {
		p->kind = PATTERN_REGEX;
		return regex_compile(p, entry, str_from(str_first(entry, end), 1), options, err);
	}
	if (syntax->sets != NULL && str_starts(entry, STR("class:"))) {
		p->kind = PATTERN_SET;
		return find_set(p, a, entry, str_trim(str_from(entry, 6)), syntax->sets, err);
	}
	p->text = entry;
	if (entry.n > 0 && entry.p[0] == '~') {
		p->kind = PATTERN_TEXT;
		p->text = str_from(entry, 1);
		return p->text.n > 0 ? E_OK : refuse(err, entry, "looks for nothing");
	}
	p->kind = syntax->globs && is_glob(entry) ? PATTERN_GLOB : syntax->bare;
	return E_OK;
}

int patterns_compile(struct patterns *ret, struct arena *a, const struct str_list *from,
	const struct pattern_syntax *syntax, struct err *err)
{
	int rc = E_OK;

	ret->v = arena_calloc(a, from->n, sizeof *ret->v);
	if (ret->v == NULL)
		return err_set(err, E_NOMEM, "no memory for the settings");
	ret->n = from->n;
	for (size_t i = 0; i < from->n && rc == E_OK; i++)
		rc = compile_one(&ret->v[i], a, str_of(from->v[i]), syntax, err);
	return rc;
}

void patterns_fini(struct patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		regex_free(p->v[i].regex);
	p->n = 0;
}

bool pattern_matches(const struct pattern *p, struct str s)
{
	switch (p->kind) {
	case PATTERN_NAME:
		return str_eq(s, p->text);
	case PATTERN_GLOB:
		return text_glob(p->text, s, false);
	case PATTERN_TEXT:
		return str_find(s, p->text) < s.n;
	case PATTERN_REGEX:
		return regex_matches(p->regex, s);
	case PATTERN_SET:
		for (size_t i = 0; i < p->set.n; i++)
			if (str_eq(s, str_of(p->set.v[i])))
				return true;
		break;
	}
	return false;
}

bool patterns_match(const struct patterns *p, struct str s)
{
	for (size_t i = 0; i < p->n; i++)
		if (pattern_matches(&p->v[i], s))
			return true;
	return false;
}
