/* From the text of a condition to its program.
 *
 *   reader_condition   or  ->  and  ->  not, ( )  ->  test
 *   emit               the tree to a row of tests, last one first: each is
 *                      then told where to go on before it is written
 *
 * Both recurse as deep as parentheses and "not" are nested, which is bounded.
 */
#include "rules/reader.h"

#include "config/suggest.h"

enum tree_kind { TREE_TEST, TREE_AND, TREE_OR, TREE_NOT };

struct tree {
	enum tree_kind kind;
	struct rule_test *test;
	struct tree *first, *next; /* children; of NOT one */
	size_t n;                  /* tests in it */
	struct str needle;
};

static int read_or(struct reader *r, struct tree **ret);

/* --- tests ---------------------------------------------------------------- */

static const struct {
	const char *word;
	enum rule_op op;
	bool any_case;
} words[] = {{"in", OP_IN, false}, {"iin", OP_IN, true}, {"contains", OP_CONTAINS, false},
	{"icontains", OP_CONTAINS, true}, {"startswith", OP_STARTS, false},
	{"istartswith", OP_STARTS, true}, {"endswith", OP_ENDS, false},
	{"iendswith", OP_ENDS, true}, {"glob", OP_GLOB, false}, {"iglob", OP_GLOB, true},
	{"matches", OP_MATCHES, false}, {"imatches", OP_MATCHES, true}, {"cidr", OP_CIDR, false}};

static const struct {
	const char *sign;
	enum rule_op op;
} signs[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE}, {">=", OP_GE}, {"=", OP_EQ}, {"<", OP_LT},
	{">", OP_GT}};

#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

static int no_operator(struct reader *r)
{
	struct str word = reader_peek(r);
	struct suggest near;

	suggest_init(&near, word);
	for (size_t i = 0; i < COUNT_OF(words); i++)
		suggest_try(&near, words[i].word);
	if (word.n > 0 && near.best != NULL)
		return reader_fail(r, r->at, "\"%.*s\" is no operator (did you mean %s?)",
			STR_ARG(word), near.best);
	return reader_expected(r, "an operator (=, !=, <, in, contains, matches, ...)");
}

static int read_operator(struct reader *r, struct rule_test *t)
{
	for (size_t i = 0; i < COUNT_OF(signs); i++) {
		if (reader_char(r, signs[i].sign)) {
			t->op = signs[i].op;
			return E_OK;
		}
	}
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (reader_word(r, words[i].word)) {
			t->op = words[i].op;
			t->any_case = words[i].any_case;
			return E_OK;
		}
	}
	if (!reader_word(r, "not"))
		return no_operator(r);
	t->op = OP_NOT_IN;
	if (reader_word(r, "in"))
		return E_OK;
	t->any_case = true;
	return reader_word(r, "iin") ? E_OK : reader_expected(r, "\"in\" behind \"not\"");
}

static int read_regexes(struct reader *r, struct rule_test *t)
{
	bool open = reader_char(r, "(");
	struct rule_operand *v = NULL;
	size_t cap = 0;
	int rc;

	do {
		if (v == NULL || t->right_n == cap) {
			v = arena_calloc(r->fields->arena, cap * 2 + 1, sizeof *v);
			if (v == NULL)
				return reader_no_memory(r);
			if (t->right_n > 0)
				memcpy(v, t->right, t->right_n * sizeof *v);
			t->right = v;
			cap = cap * 2 + 1;
		}
		rc = reader_regex(r, t->any_case, &v[t->right_n++].regex);
		if (rc != E_OK)
			return rc;
	} while (open && reader_char(r, ","));
	return open ? reader_need_char(r, ")", "\",\" or \")\" in the list") : E_OK;
}

static int check_networks(struct reader *r, struct rule_test *t, size_t start)
{
	for (size_t i = 0; i < t->right_n; i++) {
		struct rule_operand *o = &t->right[i];

		if (o->is_path || o->value.type != VALUE_TEXT ||
			!network_parse(o->value.text, &o->network))
			return reader_fail(r, start,
				"cidr needs networks such as \"10.0.0.0/8\" or \"fe80::/10\"");
	}
	return E_OK;
}

/* Text that has upper-case letters is never lower(...). */
static int check_lower(struct reader *r, const struct rule_test *t, size_t start)
{
	for (size_t i = 0; t->function == FN_LOWER && i < t->right_n; i++) {
		struct str s = t->right[i].value.text;

		for (size_t k = 0; !t->right[i].is_path && k < s.n; k++) {
			if (s.p[k] >= 'A' && s.p[k] <= 'Z')
				return reader_fail(r, start,
					"lower() is never \"%.*s\" (write that in lower case)",
					STR_ARG(s));
		}
	}
	return E_OK;
}

static bool takes_texts(enum rule_op op)
{
	return op == OP_CONTAINS || op == OP_STARTS || op == OP_ENDS || op == OP_GLOB ||
	       op == OP_CIDR;
}

static int check_types(struct reader *r, const struct rule_test *t, size_t start)
{
	for (size_t i = 0; i < t->right_n; i++) {
		const struct rule_operand *o = &t->right[i];
		bool orders = t->op >= OP_LT && t->op <= OP_GE;

		if (o->is_path)
			continue;
		if (t->op == OP_GLOB && o->value.type != VALUE_TEXT)
			return reader_fail(r, start, "glob needs a pattern in quotes");
		if (orders && o->value.type != VALUE_NUMBER && o->value.type != VALUE_TEXT)
			return reader_fail(r, start, "only numbers and texts have an order");
		if (takes_texts(t->op) && o->value.type == VALUE_NULL)
			return reader_fail(r, start, "null is no text");
		if (t->function == FN_LENGTH && o->value.type != VALUE_NUMBER)
			return reader_fail(r, start, "a length is a number");
	}
	return E_OK;
}

static int read_right(struct reader *r, struct rule_test *t)
{
	bool list = t->op == OP_IN || t->op == OP_NOT_IN;
	size_t start;
	int rc;

	reader_blanks(r);
	start = r->at;
	if (t->function == FN_LENGTH && t->op > OP_NOT_IN)
		return reader_fail(r, start, "a length can only be compared");
	if (t->op == OP_MATCHES)
		return read_regexes(r, t);
	if (list || takes_texts(t->op)) {
		rc = reader_list(r, !list, "a value", &t->right, &t->right_n);
	} else {
		t->right = arena_calloc(r->fields->arena, 1, sizeof *t->right);
		if (t->right == NULL)
			return reader_no_memory(r);
		t->right_n = 1;
		rc = reader_operand(r, "a value", t->right);
	}
	if (rc == E_OK && t->op == OP_CIDR)
		rc = check_networks(r, t, start);
	if (rc == E_OK)
		rc = check_lower(r, t, start);
	return rc == E_OK ? check_types(r, t, start) : rc;
}

/* The word and the "(" behind it. */
static bool reader_call(struct reader *r, const char *word)
{
	size_t start = r->at;

	if (reader_word(r, word) && reader_char(r, "("))
		return true;
	r->at = start;
	return false;
}

/* A text or number on the left: what ${VAR} has put there. */
static int read_constant(struct reader *r, struct rule_test *t)
{
	int rc = reader_literal(r, &t->constant, &t->has_constant);

	if (rc == E_OK && !t->has_constant)
		return reader_expected(r, "a path, a test or (");
	return rc;
}

static int read_left(struct reader *r, struct rule_test *t)
{
	unsigned open = 0;
	int rc;

	if (reader_call(r, "any"))
		open++;
	else if (reader_call(r, "all"))
		t->quantifier = QUANT_ALL, open++;
	else if (reader_call(r, "none"))
		t->quantifier = QUANT_NONE, open++;
	if (reader_call(r, "lower"))
		t->function = FN_LOWER, open++;
	else if (reader_call(r, "length"))
		t->function = FN_LENGTH, open++;
	if (open == 0 && !reader_at_path(r) && !reader_end(r))
		return read_constant(r, t);
	if (!reader_at_path(r))
		return reader_expected(r, "a path, a test or (");
	rc = reader_path(r, &t->left);
	while (rc == E_OK && open-- > 0)
		rc = reader_need_char(r, ")", "\")\" behind the path");
	return rc;
}

/* exists(P), missing(P). */
static int read_existence(struct reader *r, struct rule_test *t, enum rule_op op)
{
	int rc;

	t->op = op;
	if (!reader_at_path(r))
		return reader_expected(r, "a path");
	rc = reader_path(r, &t->left);
	return rc == E_OK ? reader_need_char(r, ")", "\")\" behind the path") : rc;
}

/* Bytes that stand in JSON text as they are, or as \u and four digits. */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || strchr("\"\\/", s.p[i]) != NULL)
			return false;
	}
	return true;
}

/* What must be in the raw text for the test to be true. */
static struct str needle_of(const struct rule_test *t)
{
	bool fixed = t->op == OP_EQ || t->op == OP_CONTAINS || t->op == OP_STARTS ||
		     t->op == OP_ENDS || t->op == OP_IN;

	if (!fixed || t->any_case || t->has_constant || t->function != FN_NONE ||
		t->quantifier == QUANT_NONE || t->right_n != 1 || t->right[0].is_path ||
		t->left.base != BASE_ROOT)
		return STR_EMPTY;
	if (t->left.virtual != VIRTUAL_NONE && t->left.virtual != VIRTUAL_EXC_TYPE &&
		t->left.virtual != VIRTUAL_EXC_VALUE && t->left.virtual != VIRTUAL_MESSAGE)
		return STR_EMPTY;
	if (t->right[0].value.type != VALUE_TEXT || !is_plain(t->right[0].value.text))
		return STR_EMPTY;
	return t->right[0].value.text;
}

static struct tree *new_tree(struct reader *r, enum tree_kind kind)
{
	struct tree *t = arena_calloc(r->fields->arena, 1, sizeof *t);

	if (t == NULL)
		(void)reader_no_memory(r);
	else
		t->kind = kind;
	return t;
}

static int read_test(struct reader *r, struct tree **ret)
{
	struct tree *n = new_tree(r, TREE_TEST);
	int rc;

	if (n == NULL)
		return E_NOMEM;
	n->test = arena_calloc(r->fields->arena, 1, sizeof *n->test);
	if (n->test == NULL)
		return reader_no_memory(r);
	*ret = n;
	n->n = 1;
	if (reader_call(r, "exists"))
		return read_existence(r, n->test, OP_EXISTS);
	if (reader_call(r, "missing"))
		return read_existence(r, n->test, OP_MISSING);
	rc = read_left(r, n->test);
	if (rc == E_OK)
		rc = read_operator(r, n->test);
	if (rc == E_OK)
		rc = read_right(r, n->test);
	if (rc == E_OK)
		n->needle = needle_of(n->test);
	return rc;
}

/* --- and, or, not --------------------------------------------------------- */

static int read_unary(struct reader *r, struct tree **ret)
{
	bool negated = false;
	struct tree *n;
	int rc;

	if (r->depth >= RULE_DEPTH_MAX) {
		r->bad = r->at;
		return err_set(r->err, E_TOOBIG, "nested deeper than %u", RULE_DEPTH_MAX);
	}
	r->depth++;
	while (reader_word(r, "not"))
		negated = !negated;
	if (reader_char(r, "(")) {
		rc = read_or(r, ret);
		if (rc == E_OK)
			rc = reader_need_char(r, ")", "\"and\", \"or\" or \")\"");
	} else {
		rc = read_test(r, ret);
	}
	r->depth--;
	if (rc != E_OK || !negated)
		return rc;
	n = new_tree(r, TREE_NOT);
	if (n == NULL)
		return E_NOMEM;
	n->first = *ret;
	n->n = (*ret)->n;
	*ret = n;
	return E_OK;
}

/* One or more of what read() reads, with word between them. */
static int read_row(struct reader *r, enum tree_kind kind, const char *word,
	int (*read)(struct reader *, struct tree **), struct tree **ret)
{
	struct tree *row = NULL, **end, *one = NULL;
	int rc = read(r, &one);

	*ret = one;
	if (rc != E_OK || !str_eq(reader_peek(r), str_of(word)))
		return rc;
	row = new_tree(r, kind);
	if (row == NULL)
		return E_NOMEM;
	*ret = row;
	end = &row->first;
	for (;;) {
		*end = one;
		end = &one->next;
		row->n += one->n;
		if (kind == TREE_AND && one->needle.n > row->needle.n)
			row->needle = one->needle;
		if (!reader_word(r, word))
			return E_OK;
		rc = read(r, &one);
		if (rc != E_OK)
			return rc;
	}
}

static int read_and(struct reader *r, struct tree **ret)
{
	return read_row(r, TREE_AND, "and", read_unary, ret);
}

static int read_or(struct reader *r, struct tree **ret)
{
	return read_row(r, TREE_OR, "or", read_and, ret);
}

/* --- the program ---------------------------------------------------------- */

static uint32_t emit(struct condition *c, const struct tree *n, uint32_t yes, uint32_t no);

/* Children are kept first to last and written last to first. */
static struct tree *reversed(struct tree *first)
{
	struct tree *done = NULL;

	while (first != NULL) {
		struct tree *next = first->next;

		first->next = done;
		done = first;
		first = next;
	}
	return done;
}

static uint32_t emit_row(struct condition *c, const struct tree *row, uint32_t yes, uint32_t no)
{
	uint32_t entry = 0;
	bool is_last = true;

	for (const struct tree *n = reversed(row->first); n != NULL; n = n->next) {
		if (row->kind == TREE_AND)
			entry = emit(c, n, is_last ? yes : entry, no);
		else
			entry = emit(c, n, yes, is_last ? no : entry);
		is_last = false;
	}
	return entry;
}

static uint32_t emit(struct condition *c, const struct tree *n, uint32_t yes, uint32_t no)
{
	switch (n->kind) {
	case TREE_NOT:
		return emit(c, n->first, no, yes);
	case TREE_AND:
	case TREE_OR:
		return emit_row(c, n, yes, no);
	case TREE_TEST:
		break;
	}
	c->code[c->n] = (struct rule_instruction){*n->test, yes, no};
	return c->n++;
}

int reader_condition(struct reader *r, struct condition **ret)
{
	struct condition *c = arena_calloc(r->fields->arena, 1, sizeof *c);
	struct tree *top;
	int rc;

	if (c == NULL)
		return reader_no_memory(r);
	rc = read_or(r, &top);
	if (rc != E_OK)
		return rc;
	c->fields = r->fields;
	c->needle = top->needle;
	c->code = arena_calloc(r->fields->arena, top->n, sizeof *c->code);
	if (c->code == NULL)
		return reader_no_memory(r);
	c->entry = emit(c, top, JUMP_TRUE, JUMP_FALSE);
	*ret = c;
	return E_OK;
}

static int parse_all(struct reader *r, struct condition **ret)
{
	int rc;

	if (r->text.n > RULE_TEXT_MAX)
		return err_set(
			r->err, E_TOOBIG, "a condition longer than %zu KiB", RULE_TEXT_MAX / 1024);
	rc = reader_condition(r, ret);
	if (rc == E_OK && !reader_end(r))
		rc = reader_expected(r, "\"and\", \"or\" or the end");
	return rc == E_OK || rc == E_NOMEM ? rc : reader_explain(r, rc);
}

int condition_parse_in(
	struct condition **ret, struct rule_fields *f, struct str text, struct err *err)
{
	struct err own = {0};
	struct reader r = {.fields = f, .text = text, .err = err != NULL ? err : &own};

	return parse_all(&r, ret);
}

int condition_parse(struct condition **ret, struct str text, struct err *err)
{
	struct rule_fields *f = rule_fields_new();
	int rc;

	if (f == NULL)
		return err_set(err, E_NOMEM, "no memory for a condition");
	rc = condition_parse_in(ret, f, text, err);
	if (rc == E_OK)
		(*ret)->owns_fields = true;
	else
		rule_fields_free(f);
	return rc;
}

void condition_free(struct condition *c)
{
	if (c != NULL && c->owns_fields)
		rule_fields_free(c->fields);
}
