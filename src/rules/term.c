#include "rules/term.h"

#include "rules/scope.h"

/* --- templates ------------------------------------------------------------ */

/* The group named at text.p[at], which is a "$"; *end is past it. -1: none. */
static int group_at(const struct rule_regex *re, struct str text, size_t at, size_t *end)
{
	size_t i = at + 1;
	int n = 0;

	if (i < text.n && text.p[i] == '{') {
		struct str name = str_from(text, i + 1);

		name = str_first(name, str_find_char(name, '}'));
		*end = i + name.n + 2;
		return *end <= text.n ? rule_regex_group(re, name) : -1;
	}
	while (i < text.n && i < at + 3 && text.p[i] >= '0' && text.p[i] <= '9')
		n = n * 10 + (text.p[i++] - '0');
	*end = i;
	return i > at + 1 && (unsigned)n <= rule_regex_groups(re) ? n : -1;
}

int template_check(struct reader *r, const struct rule_regex *re, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t end;

		if (text.p[i] != '$')
			continue;
		if (i + 1 < text.n && text.p[i + 1] == '$') {
			i++;
			continue;
		}
		if (group_at(re, text, i, &end) < 0 ||
			group_at(re, text, i, &end) >= (int)REGEX_GROUPS)
			return reader_fail(r, r->at > 0 ? r->at - 1 : 0,
				"\"%.*s\" names a group that the expression does not have ($$ is "
				"a plain $)",
				STR_ARG(str_first(str_from(text, i), 20)));
		i = end - 1;
	}
	return E_OK;
}

void template_fill(const struct rule_regex *re, struct str text, struct str subject,
	const size_t *groups, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t end;
		int g;

		if (text.p[i] != '$') {
			buf_char(out, text.p[i]);
			continue;
		}
		if (i + 1 < text.n && text.p[i + 1] == '$') {
			buf_char(out, '$');
			i++;
			continue;
		}
		g = group_at(re, text, i, &end);
		if (g >= 0 && g < (int)REGEX_GROUPS && groups[2 * g] != SIZE_MAX)
			buf_add(out, subject.p + groups[2 * g], groups[2 * g + 1] - groups[2 * g]);
		i = end - 1;
	}
}

/* --- reading -------------------------------------------------------------- */

static struct str quoted(struct arena *a, struct str s)
{
	struct buf b = BUF_INIT;
	struct str text = STR_EMPTY;

	buf_json_str(&b, s);
	if (buf_ok(&b))
		text = arena_dup(a, buf_view(&b));
	buf_fini(&b);
	return text;
}

static struct str raw_of(struct arena *a, const struct rule_value *v)
{
	switch (v->type) {
	case VALUE_TEXT:
		return quoted(a, v->text);
	case VALUE_NUMBER:
		if (v->text.p != NULL)
			return v->text;
		return v->is_whole ? arena_printf(a, "%lld", (long long)v->whole)
				   : arena_printf(a, "%.17g", v->number);
	case VALUE_BOOL:
		return v->flag ? STR("true") : STR("false");
	default:
		return STR("null");
	}
}

/* Numbers are written as JSON has them: no leading zeros. */
static int check_number(struct reader *r, const struct rule_term *t, size_t start)
{
	struct json_doc *d;

	if (t->value.type == VALUE_NUMBER &&
		json_parse(&d, r->fields->arena, t->raw, NULL, NULL) != E_OK)
		return reader_fail(r, start, "JSON has no such number");
	return E_OK;
}

static int read_object(struct reader *r, struct rule_term *ret)
{
	struct json_doc *d;
	struct err why = {0};
	size_t used = 0;

	if (json_parse_first(&d, r->fields->arena, str_from(r->text, r->at), NULL, &used, &why) !=
		E_OK)
		return reader_fail(r, r->at, "not a JSON object: %s", why.text);
	ret->raw = arena_dup(r->fields->arena, str_make(r->text.p + r->at, used));
	ret->value.type = VALUE_OBJECT;
	r->at += used;
	return ret->raw.p != NULL ? E_OK : reader_no_memory(r);
}

static int read_extract(struct reader *r, struct rule_term *ret)
{
	int rc = reader_path(r, &ret->path);

	ret->kind = TERM_EXTRACT;
	if (rc == E_OK)
		rc = reader_need_char(r, ",", "\",\" and a regular expression");
	if (rc == E_OK)
		rc = reader_regex(r, false, &ret->regex);
	if (rc == E_OK && reader_char(r, ",")) {
		rc = reader_text(r, "a text with $1", &ret->template);
		if (rc == E_OK)
			rc = template_check(r, ret->regex, ret->template);
	}
	return rc == E_OK ? reader_need_char(r, ")", "\")\"") : rc;
}

int reader_term_list(struct reader *r, struct rule_term *ret)
{
	size_t cap = 0;
	int rc;

	*ret = (struct rule_term){.kind = TERM_LIST};
	ret->value.type = VALUE_ARRAY;
	if (!reader_char(r, "["))
		return reader_expected(r, "a list: [\"a\", PATH]");
	if (reader_char(r, "]"))
		return E_OK;
	if (++r->depth > RULE_DEPTH_MAX)
		return reader_fail(r, r->at, "nested deeper than %u", RULE_DEPTH_MAX);
	do {
		if (ret->list_n == cap) {
			struct rule_term *more =
				arena_calloc(r->fields->arena, cap * 2 + 4, sizeof *more);

			if (more == NULL)
				return reader_no_memory(r);
			if (cap > 0)
				memcpy(more, ret->list, cap * sizeof *more);
			ret->list = more;
			cap = cap * 2 + 4;
		}
		rc = reader_term(r, &ret->list[ret->list_n]);
		if (rc != E_OK)
			return rc;
		ret->list_n++;
	} while (reader_char(r, ","));
	r->depth--;
	return reader_need_char(r, "]", "\",\" or \"]\"");
}

static bool reader_function(struct reader *r, const char *word)
{
	size_t start = r->at;

	if (reader_word(r, word) && reader_char(r, "("))
		return true;
	r->at = start;
	return false;
}

int reader_term(struct reader *r, struct rule_term *ret)
{
	bool taken;
	size_t start;
	int rc;

	memset(ret, 0, sizeof *ret);
	reader_blanks(r);
	start = r->at;
	if (r->at < r->text.n && r->text.p[r->at] == '[')
		return reader_term_list(r, ret);
	if (r->at < r->text.n && r->text.p[r->at] == '{')
		return read_object(r, ret);
	rc = reader_literal(r, &ret->value, &taken);
	if (rc != E_OK)
		return rc;
	if (taken) {
		ret->raw = raw_of(r->fields->arena, &ret->value);
		return ret->raw.p != NULL ? check_number(r, ret, start) : reader_no_memory(r);
	}
	if (reader_function(r, "extract"))
		return read_extract(r, ret);
	ret->kind = TERM_PATH;
	if (reader_function(r, "lower")) {
		ret->kind = TERM_LOWER;
		rc = reader_path(r, &ret->path);
		return rc == E_OK ? reader_need_char(r, ")", "\")\"") : rc;
	}
	if (!reader_at_path(r))
		return reader_expected(r, "a value");
	return reader_path(r, &ret->path);
}

/* --- evaluating ----------------------------------------------------------- */

static bool take_first(void *arg, struct rule_scope *s, const struct rule_value *v)
{
	(void)s;
	if (v->type <= VALUE_NULL)
		return false;
	*(struct rule_value *)arg = *v;
	return true;
}

static bool path_value(const struct rule_term *t, const struct rule_fields *f, struct rule_scope *s,
	struct rule_value *ret)
{
	return path_values(&t->path, f, s, take_first, ret);
}

static bool extracted(const struct rule_term *t, const struct rule_fields *f, struct rule_scope *s,
	struct str *ret)
{
	size_t groups[2 * REGEX_GROUPS];
	struct rule_value v;
	struct buf out = BUF_INIT;
	struct str text;
	enum regex_end m;
	unsigned g;

	if (!path_value(t, f, s, &v) || !rule_value_as_text(&v, &text))
		return false;
	m = rule_regex_match(t->regex, s, text, 0, groups);
	if (m == REGEX_LIMIT)
		s->errors++;
	if (m != REGEX_FOUND)
		return false;
	if (t->template.p == NULL) {
		g = rule_regex_groups(t->regex) > 0 ? 1 : 0;
		if (groups[2 * g] == SIZE_MAX)
			return false;
		*ret = str_make(text.p + groups[2 * g], groups[2 * g + 1] - groups[2 * g]);
		return true;
	}
	template_fill(t->regex, t->template, text, groups, &out);
	*ret = buf_ok(&out) ? arena_dup(s->arena, buf_view(&out)) : STR_EMPTY;
	buf_fini(&out);
	return ret->p != NULL;
}

bool term_text(const struct rule_term *t, const struct rule_fields *f, struct rule_scope *s,
	struct str *ret)
{
	struct rule_value v = t->value;

	if (t->kind == TERM_LIST)
		return false;
	if (t->kind == TERM_EXTRACT)
		return extracted(t, f, s, ret);
	if (t->kind != TERM_RAW && !path_value(t, f, s, &v))
		return false;
	if (v.type == VALUE_NUMBER && v.text.p == NULL) {
		*ret = raw_of(s->arena, &v);
		return ret->p != NULL;
	}
	if (!rule_value_as_text(&v, ret))
		return false;
	if (t->kind == TERM_LOWER)
		*ret = text_lower(s->arena, *ret);
	return ret->p != NULL;
}

static bool value_raw(struct rule_scope *s, const struct rule_value *v, struct str *ret)
{
	struct buf b = BUF_INIT;

	if (v->node == JSON_NONE) {
		*ret = raw_of(s->arena, v);
		return ret->p != NULL;
	}
	json_write_compact(v->doc, v->node, &b);
	*ret = buf_ok(&b) ? arena_dup(s->arena, buf_view(&b)) : STR_EMPTY;
	buf_fini(&b);
	return ret->n > 0;
}

static bool list_raw(const struct rule_term *t, const struct rule_fields *f, struct rule_scope *s,
	struct str *ret)
{
	struct buf b = BUF_INIT;
	struct str one;

	buf_char(&b, '[');
	for (size_t i = 0; i < t->list_n; i++) {
		if (!term_raw(&t->list[i], f, s, &one))
			continue;
		if (b.n > 1)
			buf_char(&b, ',');
		buf_str(&b, one);
	}
	buf_char(&b, ']');
	*ret = buf_ok(&b) ? arena_dup(s->arena, buf_view(&b)) : STR_EMPTY;
	buf_fini(&b);
	return ret->p != NULL;
}

/* Lists in lists recurse as deep as they are written, which is bounded. */
bool term_raw(const struct rule_term *t, const struct rule_fields *f, struct rule_scope *s,
	struct str *ret)
{
	struct rule_value v;
	struct str text;

	switch (t->kind) {
	case TERM_RAW:
		*ret = t->raw;
		return true;
	case TERM_LIST:
		return list_raw(t, f, s, ret);
	case TERM_PATH:
		return path_value(t, f, s, &v) && value_raw(s, &v, ret);
	case TERM_LOWER:
	case TERM_EXTRACT:
		break;
	}
	if (!term_text(t, f, s, &text))
		return false;
	*ret = quoted(s->arena, text);
	return ret->p != NULL;
}
