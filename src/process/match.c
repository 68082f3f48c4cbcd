#include "process/match.h"

#include <stdio.h>

#include "base/regex.h"
#include "config/quote.h"
#include "config/suggest.h"
#include "process/class_sets.h"
#include "rules/text.h"

#define SUBJECT_MAX ((size_t)64 * 1024)

static const struct regex_limits limits = {
	.steps = 200000, .depth = 2000, .heap_kib = 1024, .groups = 1};

static int refuse(struct err *err, struct str entry, const char *why)
{
	char q[QUOTE_BYTES];

	return err_set(err, E_INVAL, "%s %s", quote(q, entry), why);
}

/* --- regular expressions --------------------------------------------------------- */

static bool read_flags(struct str letters, unsigned *flags)
{
	*flags = 0;
	for (size_t i = 0; i < letters.n; i++) {
		switch (letters.p[i]) {
		case 'i':
			*flags |= REGEX_CASELESS;
			break;
		case 'm':
			*flags |= REGEX_MULTILINE;
			break;
		case 's':
			*flags |= REGEX_DOTALL;
			break;
		case 'x':
			*flags |= REGEX_EXTENDED;
			break;
		default:
			return false;
		}
	}
	return true;
}

/* "/text/flags": where the text ends, or 0 when this is none. */
static size_t expression_end(struct str entry, unsigned *flags)
{
	size_t end = entry.n;

	if (entry.n < 3 || entry.p[0] != '/')
		return 0;
	while (end > 1 && entry.p[end - 1] != '/')
		end--;
	if (end <= 2 || !read_flags(str_from(entry, end), flags))
		return 0;
	return end - 1;
}

static int compile_regex(
	struct pattern *p, struct str entry, struct str text, unsigned flags, struct err *err)
{
	struct err reason = {0};
	char why[220];
	size_t at;
	int rc = regex_new(&p->regex, text, flags, &at, &reason);

	if (rc == E_OK || rc == E_NOMEM)
		return rc == E_OK ? rc : err_set(err, rc, "%s", reason.text);
	(void)snprintf(why, sizeof why, "is no regular expression: %.160s at column %zu",
		reason.text, at + 2);
	return refuse(err, entry, why);
}

/* What meets a limit is no match (design 12.7). */
static bool regex_matches(const struct regex *r, struct str s)
{
	struct regex_matcher *m = regex_matcher_new(&limits, NULL);
	bool found = m != NULL && regex_search(r, m, str_first(s, SUBJECT_MAX), 0) == REGEX_FOUND;

	regex_matcher_free(m);
	return found;
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
	unsigned flags = 0;
	size_t end = syntax->regexes ? expression_end(entry, &flags) : 0;

	if (end > 0) {
		p->kind = PATTERN_REGEX;
		return compile_regex(p, entry, str_from(str_first(entry, end), 1), flags, err);
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
