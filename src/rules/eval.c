/* Deciding: from test to test, until one says true or false. */
#include "rules/program.h"
#include "rules/scope.h"

enum test_result { TEST_NO, TEST_YES, TEST_UNKNOWN };

static bool same_number(struct rule_value *a, struct rule_value *b)
{
	if (a->is_whole && b->is_whole)
		return a->whole == b->whole;
	return a->number == b->number;
}

/* A text that is no number is simply another value than one. */
static enum test_result equals_number(const struct rule_value *v, const struct rule_value *want)
{
	struct rule_value a = *v, b = *want;

	if (v->type != VALUE_NUMBER && v->type != VALUE_TEXT)
		return TEST_UNKNOWN;
	if (!rule_value_read_number(&b))
		return TEST_UNKNOWN;
	return rule_value_read_number(&a) && same_number(&a, &b) ? TEST_YES : TEST_NO;
}

static enum test_result equals(
	const struct rule_value *v, const struct rule_value *want, bool any_case)
{
	struct str a, b;

	if (want->type == VALUE_NUMBER)
		return equals_number(v, want);
	if (v->type == VALUE_NUMBER && v->text.p == NULL)
		return equals_number(want, v); /* worked out: has no spelling */
	if (!rule_value_as_text(v, &a) || !rule_value_as_text(want, &b))
		return TEST_UNKNOWN;
	/* DSC and tags hold "true" where others hold true. */
	return text_eq(a, b, any_case || want->type == VALUE_BOOL) ? TEST_YES : TEST_NO;
}

static bool order_holds(enum rule_op op, int c)
{
	switch (op) {
	case OP_LT:
		return c < 0;
	case OP_LE:
		return c <= 0;
	case OP_GT:
		return c > 0;
	default:
		return c >= 0;
	}
}

static enum test_result ordered(
	enum rule_op op, const struct rule_value *v, const struct rule_value *want)
{
	struct rule_value a = *v, b = *want;
	struct str s, t;
	int c;

	if (rule_value_read_number(&a) && rule_value_read_number(&b)) {
		if (a.is_whole && b.is_whole)
			c = a.whole < b.whole ? -1 : a.whole > b.whole;
		else
			c = a.number < b.number ? -1 : a.number > b.number;
		return order_holds(op, c) ? TEST_YES : TEST_NO;
	}
	if (v->type != VALUE_TEXT || want->type != VALUE_TEXT)
		return TEST_UNKNOWN;
	s = v->text;
	t = want->text;
	c = memcmp(s.p, t.p, s.n < t.n ? s.n : t.n);
	if (c == 0)
		c = s.n < t.n ? -1 : s.n > t.n;
	return order_holds(op, c) ? TEST_YES : TEST_NO;
}

static enum test_result text_test(const struct rule_test *t, const struct rule_operand *right,
	struct rule_scope *s, struct str a, struct str b)
{
	bool is_address, has;
	enum regex_end m;

	switch (t->op) {
	case OP_CONTAINS:
		return text_contains(a, b, t->any_case) ? TEST_YES : TEST_NO;
	case OP_STARTS:
		return text_starts(a, b, t->any_case) ? TEST_YES : TEST_NO;
	case OP_ENDS:
		return text_ends(a, b, t->any_case) ? TEST_YES : TEST_NO;
	case OP_GLOB:
		return text_glob(b, a, t->any_case) ? TEST_YES : TEST_NO;
	case OP_CIDR:
		has = network_has(&right->network, a, &is_address);
		return !is_address ? TEST_UNKNOWN : has ? TEST_YES : TEST_NO;
	default:
		m = rule_regex_match(right->regex, s, a, 0, NULL);
		return m == REGEX_LIMIT ? TEST_UNKNOWN : m == REGEX_FOUND ? TEST_YES : TEST_NO;
	}
}

/* "contains" asks a list for an element. */
static enum test_result list_contains(
	const struct rule_test *t, const struct rule_value *list, const struct rule_value *want)
{
	struct json_doc *d = list->doc;

	for (json_node n = json_first(d, list->node); n != JSON_NONE; n = json_next(d, n)) {
		struct rule_value v = rule_value_at(d, n);

		if (equals(&v, want, t->any_case) == TEST_YES)
			return TEST_YES;
	}
	return TEST_NO;
}

static enum test_result test_one(const struct rule_test *t, const struct rule_operand *right,
	struct rule_scope *s, const struct rule_value *v, const struct rule_value *want)
{
	struct str a, b = STR_EMPTY;
	enum test_result eq;

	switch (t->op) {
	case OP_EQ:
	case OP_IN:
		return equals(v, want, t->any_case);
	case OP_NE:
	case OP_NOT_IN:
		eq = equals(v, want, t->any_case);
		return eq == TEST_UNKNOWN ? eq : eq == TEST_NO ? TEST_YES : TEST_NO;
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
		return ordered(t->op, v, want);
	default:
		break;
	}
	if (t->op == OP_CONTAINS && v->type == VALUE_ARRAY && v->node != JSON_NONE)
		return list_contains(t, v, want);
	if (!rule_value_as_text(v, &a))
		return TEST_UNKNOWN;
	if (t->op != OP_MATCHES && t->op != OP_CIDR && !rule_value_as_text(want, &b))
		return TEST_UNKNOWN;
	return text_test(t, right, s, a, b);
}

/* null on the right: is there anything? */
static enum test_result test_null(const struct rule_test *t, const struct rule_value *v)
{
	bool is_null = v->type <= VALUE_NULL;

	return is_null == (t->op == OP_EQ || t->op == OP_IN) ? TEST_YES : TEST_NO;
}

struct judging {
	const struct rule_test *test;
	const struct rule_fields *fields;
	enum test_result result; /* so far, as the quantifier has it */
	bool found;              /* some value was there */
	bool unknown;            /* some value was of the wrong type */
};

struct against {
	const struct rule_test *test;
	const struct rule_operand *right;
	const struct rule_value *left;
	enum test_result result;
};

static bool against_each(void *arg, struct rule_scope *s, const struct rule_value *want)
{
	struct against *a = arg;
	enum test_result one = TEST_UNKNOWN;

	if (want->type > VALUE_NULL)
		one = test_one(a->test, a->right, s, a->left, want);
	if (one != TEST_UNKNOWN)
		a->result = one;
	return one == TEST_YES;
}

/* One value against one operand. */
static enum test_result test_value(const struct judging *j, const struct rule_operand *right,
	struct rule_scope *s, const struct rule_value *v)
{
	struct against a = {j->test, right, v, TEST_UNKNOWN};

	if (j->test->op == OP_MATCHES)
		return test_one(j->test, right, s, v, NULL);
	if (!right->is_path && right->value.type == VALUE_NULL)
		return test_null(j->test, v);
	if (v->type <= VALUE_NULL)
		return TEST_UNKNOWN;
	if (!right->is_path)
		return test_one(j->test, right, s, v, &right->value);
	(void)path_values(&right->path, j->fields, s, against_each, &a);
	return a.result;
}

/* One value against all operands: any of them, for "not in" none. */
static enum test_result test_list(
	const struct judging *j, struct rule_scope *s, const struct rule_value *v)
{
	bool negated = j->test->op == OP_NOT_IN;
	enum test_result result = TEST_UNKNOWN;

	for (size_t i = 0; i < j->test->right_n; i++) {
		enum test_result one = test_value(j, &j->test->right[i], s, v);

		if (one == (negated ? TEST_NO : TEST_YES))
			return one;
		if (one != TEST_UNKNOWN)
			result = one;
	}
	return result;
}

/* lower() and length(). False: the function is not for this type. */
static bool apply_function(const struct rule_test *t, struct rule_scope *s, struct rule_value *v)
{
	struct str text;

	if (t->function == FN_NONE)
		return true;
	if (t->function == FN_LOWER) {
		if (!rule_value_as_text(v, &text))
			return false;
		*v = rule_value_text(text_lower(s->arena, str_first(text, REGEX_SUBJECT_MAX)));
		return v->type != VALUE_MISSING;
	}
	if (v->type == VALUE_TEXT) {
		*v = rule_value_number((double)text_length(v->text));
		return true;
	}
	if ((v->type != VALUE_ARRAY && v->type != VALUE_OBJECT) || v->node == JSON_NONE)
		return false;
	*v = rule_value_number((double)json_count(v->doc, v->node));
	return true;
}

/* True ends the walk. */
static bool judge_value(void *arg, struct rule_scope *s, const struct rule_value *given)
{
	struct judging *j = arg;
	struct rule_value v = *given;
	enum test_result one = TEST_UNKNOWN;

	if (v.type > VALUE_NULL) {
		j->found = true;
		if (j->test->op == OP_EXISTS || j->test->op == OP_MISSING)
			return true;
	}
	if (v.type <= VALUE_NULL || apply_function(j->test, s, &v))
		one = test_list(j, s, &v);
	if (one == TEST_UNKNOWN && v.type > VALUE_NULL)
		j->unknown = true;
	if (j->test->quantifier == QUANT_ALL) {
		j->result = one == TEST_YES ? TEST_YES : TEST_NO;
		return one != TEST_YES;
	}
	if (one == TEST_YES)
		j->result = TEST_YES;
	return one == TEST_YES;
}

static bool run_test(const struct rule_test *t, const struct rule_fields *f, struct rule_scope *s)
{
	struct judging j = {t, f, TEST_NO, false, false};
	bool is_true;

	if (t->has_constant)
		(void)judge_value(&j, s, &t->constant);
	else
		(void)path_values(&t->left, f, s, judge_value, &j);
	if (t->op == OP_EXISTS || t->op == OP_MISSING)
		return j.found == (t->op == OP_EXISTS);
	is_true = (j.result == TEST_YES) != (t->quantifier == QUANT_NONE);
	if (!is_true && !j.found)
		s->missing++;
	else if (j.unknown && j.result != TEST_YES)
		s->errors++;
	return is_true;
}

int condition_eval(const struct condition *c, struct rule_scope *s)
{
	uint32_t at = c->entry;

	/* Jumps go to lower indexes only (parse.c), so this ends. */
	while (at < JUMP_FALSE) {
		const struct rule_instruction *i = &c->code[at];

		at = run_test(&i->test, c->fields, s) ? i->if_true : i->if_false;
	}
	return at == JUMP_TRUE ? CONDITION_TRUE : CONDITION_FALSE;
}

static bool name_covers(struct str name, struct str path)
{
	if (str_ends(name, STR(".*")))
		return str_starts(path, str_first(name, name.n - 1));
	return str_eq(name, path);
}

static bool path_is_among(const struct rule_path *p, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (name_covers(str_of(names[i]), p->text))
			return true;
	}
	return false;
}

bool condition_reads_only(const struct condition *c, const char *const *names, size_t n)
{
	for (uint32_t i = 0; i < c->n; i++) {
		const struct rule_test *t = &c->code[i].test;

		if (!t->has_constant && !path_is_among(&t->left, names, n))
			return false;
		for (size_t k = 0; k < t->right_n; k++) {
			if (t->right[k].is_path && !path_is_among(&t->right[k].path, names, n))
				return false;
		}
	}
	return true;
}
