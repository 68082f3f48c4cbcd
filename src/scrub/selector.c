/* Reading, printing and ordering selectors. Matching is in selector_match.c. */
#include "scrub/selector.h"

#include <stdlib.h>

#include "scrub/selector_node.h"

#define MAX_DEPTH 32
#define MAX_PARTS 4096

static const struct {
	const char *name;
	enum value_type type;
} type_names[] = {
	/* The first name of a type is the one that is printed. */
	{"string", TYPE_STRING},
	{"binary", TYPE_BINARY},
	{"number", TYPE_NUMBER},
	{"boolean", TYPE_BOOLEAN},
	{"bool", TYPE_BOOLEAN},
	{"datetime", TYPE_DATETIME},
	{"array", TYPE_ARRAY},
	{"list", TYPE_ARRAY},
	{"object", TYPE_OBJECT},
	{"event", TYPE_EVENT},
	{"attachments", TYPE_ATTACHMENTS},
	{"replay", TYPE_REPLAY},
	{"error", TYPE_ERROR},
	{"exception", TYPE_ERROR},
	{"stack", TYPE_STACK},
	{"stacktrace", TYPE_STACK},
	{"frame", TYPE_FRAME},
	{"http", TYPE_HTTP},
	{"request", TYPE_HTTP},
	{"user", TYPE_USER},
	{"logentry", TYPE_LOGENTRY},
	{"message", TYPE_MESSAGE},
	{"thread", TYPE_THREAD},
	{"breadcrumb", TYPE_BREADCRUMB},
	{"log", TYPE_LOG},
	{"trace_metric", TYPE_TRACE_METRIC},
	{"span", TYPE_SPAN},
	{"sdk", TYPE_SDK},
	{"minidump", TYPE_MINIDUMP},
	{"heap_memory", TYPE_HEAP_MEMORY},
	{"stack_memory", TYPE_STACK_MEMORY},
};

#define TYPE_NAMES (sizeof type_names / sizeof type_names[0])

const char *value_type_name(enum value_type t)
{
	for (size_t i = 0; i < TYPE_NAMES; i++)
		if (type_names[i].type == t)
			return type_names[i].name;
	return "";
}

bool value_type_parse(struct str name, enum value_type *ret)
{
	for (size_t i = 0; i < TYPE_NAMES; i++) {
		if (str_eq(name, str_of(type_names[i].name))) {
			*ret = type_names[i].type;
			return true;
		}
	}
	return false;
}

struct reader {
	struct str text;
	size_t at;
	struct err *err;
};

static int fail(struct reader *r, int rc, const char *what)
{
	return err_set(r->err, rc, "%s at byte %zu of selector \"%.*s\"", what, r->at,
		STR_ARG(str_first(r->text, 200)));
}

static int peek(const struct reader *r)
{
	return r->at < r->text.n ? (unsigned char)r->text.p[r->at] : -1;
}

static void skip_blanks(struct reader *r)
{
	while (peek(r) == ' ')
		r->at++;
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

void selector_free(struct selector *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		selector_free(s->parts[i]); /* as deep as it was read */
	for (size_t i = 0; i < s->item_count; i++)
		free((void *)(uintptr_t)s->items[i].key.p);
	free(s->parts);
	free(s->items);
	free(s);
}

/* Takes part, also when it fails. */
static int add_part(struct selector *s, struct selector *part)
{
	struct selector **grown;

	if (s->count >= MAX_PARTS) {
		selector_free(part);
		return E_TOOBIG;
	}
	grown = realloc(s->parts, (s->count + 1) * sizeof(void *));
	if (grown == NULL) {
		selector_free(part);
		return E_NOMEM;
	}
	s->parts = grown;
	s->parts[s->count++] = part;
	return E_OK;
}

/* A key in quotes: two of them stand for one. */
static int read_quoted(struct reader *r, struct str *ret)
{
	size_t n = 0;
	char *key = malloc(r->text.n - r->at + 1);

	if (key == NULL)
		return fail(r, E_NOMEM, "no memory");
	for (r->at++; r->at < r->text.n; r->at++) {
		char c = r->text.p[r->at];

		if (c == '\'') {
			r->at++;
			if (peek(r) != '\'')
				break;
		}
		key[n++] = c;
	}
	if (n == 0 || r->text.p[r->at - 1] != '\'') {
		free(key);
		return fail(r, E_SYNTAX, n == 0 ? "empty key" : "no closing quote");
	}
	*ret = str_make(key, n);
	return E_OK;
}

static struct str take_while(struct reader *r, bool (*is)(int))
{
	size_t from = r->at;

	while (is(peek(r)))
		r->at++;
	return str_make(r->text.p + from, r->at - from);
}

static bool is_type_char(int c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_key_char(int c)
{
	return is_letter(c) || is_digit(c) || c == '-';
}

static int read_bare_key(struct reader *r, struct str *ret)
{
	struct str word = take_while(r, is_key_char);
	char *key = malloc(word.n);

	if (key == NULL)
		return fail(r, E_NOMEM, "no memory");
	memcpy(key, word.p, word.n);
	*ret = str_make(key, word.n);
	return E_OK;
}

static int read_index(struct reader *r, int64_t *ret)
{
	uint64_t v;

	if (!str_to_u64(take_while(r, is_digit), INT32_MAX, &v))
		return fail(r, E_SYNTAX, "an index out of range");
	if (is_key_char(peek(r)))
		return fail(r, E_SYNTAX, "a key that begins with a digit needs quotes");
	*ret = (int64_t)v;
	return E_OK;
}

static int read_item(struct reader *r, struct path_item *it)
{
	int c = peek(r);

	*it = (struct path_item){.kind = SEL_KEY};
	if (c == '$') {
		it->kind = SEL_TYPE;
		r->at++;
		return value_type_parse(take_while(r, is_type_char), &it->type)
			       ? E_OK
			       : fail(r, E_SYNTAX, "unknown value type before");
	}
	if (c == '*') {
		r->at++;
		it->kind = peek(r) == '*' ? SEL_DEEP : SEL_ANY;
		r->at += it->kind == SEL_DEEP;
		return E_OK;
	}
	if (is_digit(c)) {
		it->kind = SEL_INDEX;
		return read_index(r, &it->index);
	}
	if (c == '\'')
		return read_quoted(r, &it->key);
	return is_letter(c) ? read_bare_key(r, &it->key)
			    : fail(r, E_SYNTAX, "a key, index, $type, * or ** is missing");
}

static int add_item(struct reader *r, struct selector *s)
{
	struct path_item *grown;

	if (s->item_count >= SELECTOR_MAX_ITEMS)
		return fail(r, E_TOOBIG, "too many path items");
	grown = realloc(s->items, (s->item_count + 1) * sizeof *grown);
	if (grown == NULL)
		return fail(r, E_NOMEM, "no memory");
	s->items = grown;
	return read_item(r, &s->items[s->item_count++]);
}

static int check_path(struct reader *r, struct selector *s)
{
	size_t deep = 0;

	for (size_t i = 0; i < s->item_count; i++)
		deep += s->items[i].kind == SEL_DEEP;
	if (deep > 1)
		return fail(r, E_SYNTAX, "more than one ** in a path");
	if (s->item_count == 1 && s->items[0].kind == SEL_ANY)
		return fail(r, E_SYNTAX, "a path of only one *");
	return E_OK;
}

static int read_path(struct reader *r, struct selector **ret)
{
	struct selector *s = calloc(1, sizeof *s);
	int rc;

	if (s == NULL)
		return fail(r, E_NOMEM, "no memory");
	s->kind = SELECTOR_PATH;
	for (;;) {
		size_t end;

		rc = add_item(r, s);
		end = r->at;
		if (rc != E_OK)
			break;
		skip_blanks(r);
		if (peek(r) != '.') {
			r->at = end;
			rc = check_path(r, s);
			break;
		}
		r->at++;
		skip_blanks(r);
	}
	if (rc != E_OK) {
		selector_free(s);
		return rc;
	}
	*ret = s;
	return E_OK;
}

static int read_or(struct reader *r, unsigned depth, struct selector **ret);

static int read_group(struct reader *r, unsigned depth, struct selector **ret)
{
	int rc;

	if (peek(r) != '(')
		return read_path(r, ret);
	r->at++;
	rc = read_or(r, depth + 1, ret);
	if (rc != E_OK)
		return rc;
	skip_blanks(r);
	if (peek(r) != ')') {
		selector_free(*ret);
		*ret = NULL;
		return fail(r, E_SYNTAX, "no closing parenthesis");
	}
	r->at++;
	return E_OK;
}

static int read_unary(struct reader *r, unsigned depth, struct selector **ret)
{
	struct selector *s;
	struct selector *inner = NULL;
	int rc;

	skip_blanks(r);
	if (peek(r) != '!' && peek(r) != '~')
		return read_group(r, depth, ret);
	r->at++;
	skip_blanks(r);
	rc = read_group(r, depth, &inner);
	if (rc != E_OK)
		return rc;
	s = calloc(1, sizeof *s);
	if (s == NULL) {
		selector_free(inner);
		*ret = NULL;
		return fail(r, E_NOMEM, "no memory");
	}
	s->kind = SELECTOR_NOT;
	rc = add_part(s, inner);
	if (rc != E_OK) {
		selector_free(s);
		return fail(r, rc, "no memory");
	}
	*ret = s;
	return E_OK;
}

static bool take_operator(struct reader *r, char op)
{
	size_t from = r->at;

	skip_blanks(r);
	if (peek(r) != op) {
		r->at = from;
		return false;
	}
	r->at++;
	if (peek(r) == op)
		r->at++;
	return true;
}

/* first is taken. Reads the rest of a chain, whose first operator is behind us. */
static int read_chain(struct reader *r, unsigned depth, char op, struct selector *first,
	int (*next)(struct reader *, unsigned, struct selector **), struct selector **ret)
{
	struct selector *s = calloc(1, sizeof *s);
	struct selector *part = NULL;
	int rc;

	*ret = NULL;
	if (s == NULL) {
		selector_free(first);
		return fail(r, E_NOMEM, "no memory");
	}
	s->kind = op == '&' ? SELECTOR_AND : SELECTOR_OR;
	rc = add_part(s, first);
	while (rc == E_OK) {
		rc = next(r, depth, &part);
		if (rc != E_OK)
			break;
		rc = add_part(s, part);
		if (rc != E_OK)
			rc = fail(r, rc, "too many parts");
		else if (!take_operator(r, op))
			break;
	}
	if (rc != E_OK) {
		selector_free(s);
		return rc;
	}
	*ret = s;
	return E_OK;
}

static int read_and(struct reader *r, unsigned depth, struct selector **ret)
{
	int rc = read_unary(r, depth, ret);

	if (rc != E_OK || !take_operator(r, '&'))
		return rc;
	return read_chain(r, depth, '&', *ret, read_unary, ret);
}

static int read_or(struct reader *r, unsigned depth, struct selector **ret)
{
	int rc;

	if (depth > MAX_DEPTH)
		return fail(r, E_TOOBIG, "too many parentheses");
	rc = read_and(r, depth, ret);
	if (rc != E_OK || !take_operator(r, '|'))
		return rc;
	return read_chain(r, depth, '|', *ret, read_and, ret);
}

static int read_all(struct str text, struct selector **ret, struct err *err)
{
	struct reader r = {text, 0, err};
	int rc = read_or(&r, 0, ret);

	if (rc != E_OK) {
		*ret = NULL;
		return rc;
	}
	skip_blanks(&r);
	if (r.at < text.n) {
		selector_free(*ret);
		*ret = NULL;
		return fail(&r, E_SYNTAX, "unexpected text");
	}
	return E_OK;
}

/* Words of old configurations, as the whole of a selector. */
static const struct {
	const char *word;
	const char *means;
} old_words[] = {
	{"freeform", "$string"},
	{"email", "$string"},
	{"sensitive", "$string"},
	{"text", "$string"},
	{"databag", "$object"},
	{"container", "$object"},
};

static const char *old_meaning(struct str text)
{
	for (size_t i = 0; i < sizeof old_words / sizeof old_words[0]; i++)
		if (str_eq(text, str_of(old_words[i].word)))
			return old_words[i].means;
	return NULL;
}

int selector_parse(struct selector **ret, struct str text, struct err *err)
{
	const char *means = old_meaning(text);

	*ret = NULL;
	return read_all(means != NULL ? str_of(means) : text, ret, err);
}

static bool key_is_bare(struct str key)
{
	if (!is_letter((unsigned char)key.p[0]))
		return false;
	for (size_t i = 0; i < key.n; i++)
		if (!is_key_char((unsigned char)key.p[i]))
			return false;
	return true;
}

static void print_key(struct str key, bool alone, struct buf *out)
{
	if (key_is_bare(key) && !(alone && old_meaning(key) != NULL)) {
		buf_str(out, key);
		return;
	}
	buf_char(out, '\'');
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '\'')
			buf_char(out, '\'');
		buf_char(out, key.p[i]);
	}
	buf_char(out, '\'');
}

static void print_path(const struct selector *s, struct buf *out)
{
	for (size_t i = 0; i < s->item_count; i++) {
		const struct path_item *it = &s->items[i];

		if (i > 0)
			buf_char(out, '.');
		switch (it->kind) {
		case SEL_TYPE:
			buf_printf(out, "$%s", value_type_name(it->type));
			break;
		case SEL_INDEX:
			buf_printf(out, "%lld", (long long)it->index);
			break;
		case SEL_KEY:
			print_key(it->key, s->item_count == 1, out);
			break;
		case SEL_ANY:
			buf_char(out, '*');
			break;
		case SEL_DEEP:
			buf_cstr(out, "**");
			break;
		}
	}
}

static bool needs_parens(enum selector_kind outer, enum selector_kind inner)
{
	if (outer == SELECTOR_NOT)
		return inner != SELECTOR_PATH;
	return outer == SELECTOR_AND && inner == SELECTOR_OR;
}

void selector_print(const struct selector *s, struct buf *out)
{
	if (s->kind == SELECTOR_PATH) {
		print_path(s, out);
		return;
	}
	if (s->kind == SELECTOR_NOT)
		buf_char(out, '!');
	for (size_t i = 0; i < s->count; i++) {
		bool parens = needs_parens(s->kind, s->parts[i]->kind);

		if (i > 0)
			buf_cstr(out, s->kind == SELECTOR_AND ? " && " : " || ");
		if (parens)
			buf_char(out, '(');
		selector_print(s->parts[i], out); /* as deep as it was read */
		if (parens)
			buf_char(out, ')');
	}
}

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_keys(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : compare_numbers((int64_t)a.n, (int64_t)b.n);
}

static int compare_items(const struct path_item *a, const struct path_item *b)
{
	if (a->kind != b->kind)
		return compare_numbers(a->kind, b->kind);
	switch (a->kind) {
	case SEL_TYPE:
		return compare_numbers(a->type, b->type);
	case SEL_INDEX:
		return compare_numbers(a->index, b->index);
	case SEL_KEY:
		return compare_keys(a->key, b->key);
	case SEL_ANY:
	case SEL_DEEP:
		break;
	}
	return 0;
}

int selector_compare(const struct selector *a, const struct selector *b)
{
	if (a->kind != b->kind)
		return compare_numbers(a->kind, b->kind);
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		int c = selector_compare(a->parts[i], b->parts[i]); /* as deep as read */

		if (c != 0)
			return c;
	}
	for (size_t i = 0; i < a->item_count && i < b->item_count; i++) {
		int c = compare_items(&a->items[i], &b->items[i]);

		if (c != 0)
			return c;
	}
	return compare_numbers(
		(int64_t)(a->count + a->item_count), (int64_t)(b->count + b->item_count));
}
