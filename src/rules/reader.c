/* Words, texts, numbers and paths. */
#include "rules/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void reader_place(struct str text, size_t offset, unsigned *line, unsigned *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset && i < text.n; i++) {
		if (text.p[i] == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
			(*column)++;
		}
	}
}

int reader_explain(const struct reader *r, int rc)
{
	unsigned line, column;

	reader_place(r->text, r->bad, &line, &column);
	if (str_find_char(r->text, '\n') < r->text.n)
		return err_wrap(r->err, rc, "line %u, column %u", line, column);
	return err_wrap(r->err, rc, "column %u", column);
}

int reader_fail(struct reader *r, size_t at, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	r->bad = at;
	return err_set(r->err, E_SYNTAX, "%s", text);
}

int reader_no_memory(struct reader *r)
{
	return err_set(r->err, E_NOMEM, "no memory for a rule");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
	return is_word_start(c) || (c >= '0' && c <= '9');
}

/* Keys as they are mostly written: also my-tag, $os and @timestamp. */
static bool is_key(char c)
{
	return is_word(c) || c == '-' || c == '$' || c == '@' || ((unsigned char)c & 0x80) != 0;
}

static char here(const struct reader *r)
{
	if (r->at >= r->text.n)
		return '\0';
	return r->text.p[r->at];
}

void reader_blanks(struct reader *r)
{
	while (r->at < r->text.n && is_blank(r->text.p[r->at]))
		r->at++;
}

bool reader_end(struct reader *r)
{
	reader_blanks(r);
	return r->at == r->text.n;
}

struct str reader_peek(struct reader *r)
{
	size_t end;

	reader_blanks(r);
	end = r->at;
	if (end == r->text.n || !is_word_start(r->text.p[end]))
		return STR_EMPTY;
	while (end < r->text.n && is_word(r->text.p[end]))
		end++;
	return str_make(r->text.p + r->at, end - r->at);
}

int reader_expected(struct reader *r, const char *what)
{
	struct str rest;
	size_t n = 0;

	if (reader_end(r))
		return reader_fail(r, r->text.n, "expected %s, but here the text ends", what);
	rest = str_from(r->text, r->at);
	while (n < rest.n && n < 40 && (n == 0 || is_key(rest.p[n])))
		n++;
	return reader_fail(r, r->at, "expected %s, not \"%.*s\"", what, (int)n, rest.p);
}

bool reader_word(struct reader *r, const char *word)
{
	if (!str_eq(reader_peek(r), str_of(word)))
		return false;
	r->at += strlen(word);
	return true;
}

bool reader_char(struct reader *r, const char *chars)
{
	struct str want = str_of(chars);

	reader_blanks(r);
	if (!str_starts(str_from(r->text, r->at), want))
		return false;
	r->at += want.n;
	return true;
}

int reader_need_char(struct reader *r, const char *c, const char *what)
{
	return reader_char(r, c) ? E_OK : reader_expected(r, what);
}

/* --- texts ---------------------------------------------------------------- */

static size_t text_end(const struct reader *r, char quote)
{
	size_t i = r->at + 1;

	while (i < r->text.n && r->text.p[i] != quote)
		i += r->text.p[i] == '\\' && quote == '"' && i + 1 < r->text.n ? 2 : 1;
	return i;
}

/* \d and its like stay as they are: most texts with a backslash are regular
 * expressions. */
static struct str unescape(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (out == NULL)
		return STR_EMPTY;
	for (size_t i = 0; i < s.n; i++) {
		const char *known = "\"\\nrt", *means = "\"\\\n\r\t", *at = NULL;

		if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] != '\0')
			at = strchr(known, s.p[i + 1]);
		out[n++] = s.p[i];
		if (at != NULL) {
			out[n - 1] = means[at - known];
			i++;
		}
	}
	out[n] = '\0';
	return str_make(out, n);
}

int reader_text(struct reader *r, const char *what, struct str *ret)
{
	struct str inside;
	size_t end;
	char quote;

	reader_blanks(r);
	quote = here(r);
	if (quote != '"' && quote != '\'')
		return reader_expected(r, what);
	end = text_end(r, quote);
	if (end >= r->text.n)
		return reader_fail(r, r->at, "the text has no closing %c", quote);
	inside = str_make(r->text.p + r->at + 1, end - r->at - 1);
	*ret = quote == '"' ? unescape(r->fields->arena, inside)
			    : arena_dup(r->fields->arena, inside);
	r->at = end + 1;
	return ret->p != NULL ? E_OK : reader_no_memory(r);
}

/* --- numbers -------------------------------------------------------------- */

static const struct {
	const char *name;
	double factor; /* times in milliseconds, sizes in bytes */
} units[] = {{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 36e5}, {"d", 864e5}, {"K", 1024.0},
	{"M", 1048576.0}, {"G", 1073741824.0}};

static bool is_digit_at(const struct reader *r, size_t at)
{
	return at < r->text.n && r->text.p[at] >= '0' && r->text.p[at] <= '9';
}

bool reader_at_number(struct reader *r)
{
	reader_blanks(r);
	return is_digit_at(r, r->at) || (here(r) == '-' && is_digit_at(r, r->at + 1));
}

static size_t digits(const struct reader *r, size_t at)
{
	while (is_digit_at(r, at))
		at++;
	return at;
}

static size_t number_end(const struct reader *r)
{
	size_t end = digits(r, r->at + (here(r) == '-'));

	if (end < r->text.n && r->text.p[end] == '.' && is_digit_at(r, end + 1))
		end = digits(r, end + 1);
	if (end < r->text.n && (r->text.p[end] == 'e' || r->text.p[end] == 'E')) {
		size_t sign = end + 1;

		if (sign < r->text.n && (r->text.p[sign] == '-' || r->text.p[sign] == '+'))
			sign++;
		if (is_digit_at(r, sign))
			end = digits(r, sign);
	}
	return end;
}

int reader_number(struct reader *r, struct rule_value *ret)
{
	size_t start, end;
	struct str unit;

	if (!reader_at_number(r))
		return reader_expected(r, "a number");
	start = r->at;
	end = number_end(r);
	*ret = (struct rule_value){.type = VALUE_NUMBER,
		.text = arena_dup(r->fields->arena, str_make(r->text.p + start, end - start))};
	if (ret->text.p == NULL)
		return reader_no_memory(r);
	if (!rule_value_read_number(ret))
		return reader_fail(r, start, "the number is too long");
	r->at = end;
	while (end < r->text.n && is_key(r->text.p[end]))
		end++;
	unit = str_make(r->text.p + r->at, end - r->at);
	if (unit.n == 0)
		return E_OK;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (str_eq(unit, str_of(units[i].name))) {
			*ret = rule_value_number(ret->number * units[i].factor);
			r->at = end;
			return E_OK;
		}
	}
	return reader_fail(r, r->at,
		"\"%.*s\" is no unit (ms, s, m, h, d for times; K, M, G for sizes)", STR_ARG(unit));
}

int reader_literal(struct reader *r, struct rule_value *ret, bool *taken)
{
	struct str text = STR_EMPTY;
	char c;
	int rc;

	*taken = true;
	if (reader_at_number(r))
		return reader_number(r, ret);
	c = here(r);
	if (c == '"' || c == '\'') {
		rc = reader_text(r, "a text", &text);
		*ret = rule_value_text(text);
		return rc;
	}
	*ret = (struct rule_value){.type = VALUE_NULL};
	if (reader_word(r, "null"))
		return E_OK;
	*ret = rule_value_bool(true);
	if (reader_word(r, "true"))
		return E_OK;
	*ret = rule_value_bool(false);
	if (reader_word(r, "false"))
		return E_OK;
	*taken = false;
	return E_OK;
}

bool reader_at_path(struct reader *r)
{
	return reader_peek(r).n > 0 || here(r) == '[' ||
	       str_starts(str_from(r->text, r->at), STR("**"));
}

int reader_operand(struct reader *r, const char *what, struct rule_operand *ret)
{
	bool taken;
	int rc;

	memset(ret, 0, sizeof *ret);
	rc = reader_literal(r, &ret->value, &taken);
	if (rc != E_OK || taken)
		return rc;
	if (!reader_at_path(r))
		return reader_expected(r, what);
	ret->is_path = true;
	return reader_path(r, &ret->path);
}

int reader_list(
	struct reader *r, bool alone, const char *what, struct rule_operand **ret, size_t *n)
{
	struct rule_operand *v = NULL;
	size_t cap = 0;
	bool open = reader_char(r, "(");
	int rc;

	*n = 0;
	if (!open && !alone)
		return reader_expected(r, "a list: (\"a\", \"b\")");
	do {
		if (*n == cap) {
			struct rule_operand *more =
				arena_calloc(r->fields->arena, cap * 2 + 1, sizeof *more);

			if (more == NULL)
				return reader_no_memory(r);
			if (v != NULL)
				memcpy(more, v, *n * sizeof *v);
			v = more;
			cap = cap * 2 + 1;
		}
		rc = reader_operand(r, what, &v[(*n)++]);
		if (rc != E_OK)
			return rc;
	} while (open && reader_char(r, ","));
	*ret = v;
	return open ? reader_need_char(r, ")", "\",\" or \")\" in the list") : E_OK;
}

int reader_regex(struct reader *r, bool any_case, const struct rule_regex **ret)
{
	struct str pattern = STR_EMPTY;
	size_t start, at;
	int rc;

	reader_blanks(r);
	start = r->at;
	rc = reader_text(r, "a regular expression in quotes", &pattern);
	if (rc != E_OK)
		return rc;
	rc = rule_regex_compile(r->fields, pattern, any_case, ret, &at, r->err);
	/* Escapes in front may shift it by a few; inside the quotes it stays. */
	r->bad = start + 1 + at < r->at ? start + 1 + at : r->at - 1;
	return rc;
}

/* --- paths ---------------------------------------------------------------- */

struct path_reader {
	struct rule_step steps[PATH_STEPS_MAX];
	size_t n;
	unsigned each;
};

static int add_step(struct reader *r, struct path_reader *p, struct rule_step step)
{
	if (p->n == PATH_STEPS_MAX)
		return reader_fail(r, r->at, "the path has more than %u steps", PATH_STEPS_MAX);
	if (step.kind == STEP_EACH && ++p->each > PATH_EACH_MAX)
		return reader_fail(r, r->at, "the path has more than %u [*]", PATH_EACH_MAX);
	p->steps[p->n++] = step;
	return E_OK;
}

static int read_key(struct reader *r, struct path_reader *p)
{
	struct rule_step step = {.kind = STEP_KEY};
	size_t start = r->at;
	int rc;

	if (here(r) == '"' || here(r) == '\'') {
		rc = reader_text(r, "a key", &step.key);
		return rc == E_OK ? add_step(r, p, step) : rc;
	}
	if (str_starts(str_from(r->text, r->at), STR("**"))) {
		r->at += 2;
		return add_step(r, p, (struct rule_step){.kind = STEP_DEEP});
	}
	while (r->at < r->text.n && is_key(r->text.p[r->at]))
		r->at++;
	if (r->at == start)
		return reader_expected(r, "a key (put quotes around one with other characters)");
	step.key = arena_dup(r->fields->arena, str_make(r->text.p + start, r->at - start));
	return step.key.p != NULL ? add_step(r, p, step) : reader_no_memory(r);
}

static int read_index(struct reader *r, struct path_reader *p)
{
	struct rule_step step = {.kind = STEP_EACH};
	uint64_t index;
	size_t end;
	int rc = E_OK;

	if (reader_char(r, "*")) {
		rc = add_step(r, p, step);
	} else if (here(r) == '"' || here(r) == '\'') {
		rc = read_key(r, p);
	} else if (reader_at_number(r)) {
		bool negative = here(r) == '-';

		r->at += negative;
		end = digits(r, r->at);
		if (!str_to_u64(str_make(r->text.p + r->at, end - r->at), UINT32_MAX, &index))
			return reader_fail(r, r->at, "no list is that long");
		r->at = end;
		step.kind = STEP_INDEX;
		step.index = negative ? -(int64_t)index : (int64_t)index;
		rc = add_step(r, p, step);
	} else {
		return reader_expected(r, "a number, * or \"key\" between [ and ]");
	}
	return rc == E_OK ? reader_need_char(r, "]", "\"]\"") : rc;
}

static int read_steps(struct reader *r, struct path_reader *p)
{
	int rc = E_OK;

	if (here(r) != '[')
		rc = read_key(r, p);
	while (rc == E_OK && (here(r) == '.' || here(r) == '[')) {
		bool deep = p->n > 0 && p->steps[p->n - 1].kind == STEP_DEEP;

		if (deep)
			return reader_fail(r, r->at, "nothing can stand behind ** in a path");
		if (r->text.p[r->at++] == '[')
			rc = read_index(r, p);
		else
			rc = read_key(r, p);
	}
	return rc;
}

int reader_path(struct reader *r, struct rule_path *ret)
{
	struct path_reader p = {.n = 0};
	size_t start;
	int rc;

	reader_blanks(r);
	start = r->at;
	rc = read_steps(r, &p);
	if (rc != E_OK)
		return rc;
	*ret = (struct rule_path){.steps_n = p.n};
	ret->text = arena_dup(r->fields->arena, str_make(r->text.p + start, r->at - start));
	ret->steps = arena_calloc(r->fields->arena, p.n, sizeof *ret->steps);
	if (ret->text.p == NULL || ret->steps == NULL)
		return reader_no_memory(r);
	memcpy(ret->steps, p.steps, p.n * sizeof *ret->steps);
	return path_finish(r->fields, ret) == E_OK ? E_OK : reader_no_memory(r);
}
