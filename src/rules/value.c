/* Values, and when a text stands for a number. */
#include "rules/value.h"

#include <math.h>
#include <stdlib.h>

struct rule_value rule_value_at(struct json_doc *d, json_node n)
{
	struct rule_value v = {.type = VALUE_MISSING, .doc = d, .node = n};

	if (d == NULL)
		return v;
	switch (json_type_of(d, n)) {
	case JSON_TYPE_MISSING:
		break;
	case JSON_TYPE_NULL:
		v.type = VALUE_NULL;
		break;
	case JSON_TYPE_BOOL:
		v.type = VALUE_BOOL;
		v.flag = json_bool(d, n, false);
		break;
	case JSON_TYPE_NUMBER:
		v.type = VALUE_NUMBER;
		v.text = json_raw(d, n);
		break;
	case JSON_TYPE_STRING:
		v.text = json_text(d, n);
		/* Without memory for its escapes it is as good as not there. */
		v.type = v.text.p != NULL ? VALUE_TEXT : VALUE_MISSING;
		break;
	case JSON_TYPE_ARRAY:
		v.type = VALUE_ARRAY;
		break;
	case JSON_TYPE_OBJECT:
		v.type = VALUE_OBJECT;
		break;
	}
	return v;
}

struct rule_value rule_value_text(struct str s)
{
	return (struct rule_value){.type = s.p != NULL ? VALUE_TEXT : VALUE_MISSING, .text = s};
}

struct rule_value rule_value_number(double n)
{
	struct rule_value v = {.type = VALUE_NUMBER, .is_read = true, .number = n};

	if (n == floor(n) && fabs(n) < 9007199254740992.0) {
		v.is_whole = true;
		v.whole = (int64_t)n;
	}
	return v;
}

struct rule_value rule_value_bool(bool b)
{
	return (struct rule_value){.type = VALUE_BOOL, .flag = b};
}

#define NUMBER_TEXT_MAX 64u

static bool read_whole(struct str s, int64_t *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (!str_to_u64(negative ? str_from(s, 1) : s, INT64_MAX, &v))
		return false;
	*ret = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

bool rule_value_read_number(struct rule_value *v)
{
	char text[NUMBER_TEXT_MAX + 1], *end;
	struct str s = v->text;

	if (v->is_read)
		return true;
	if (v->type != VALUE_NUMBER && v->type != VALUE_TEXT)
		return false;
	/* strtod also takes blanks, hexadecimal and names: those are texts. */
	if (s.n == 0 || s.n > NUMBER_TEXT_MAX || strchr("-0123456789", s.p[0]) == NULL)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0' || strchr("-+.eE0123456789", s.p[i]) == NULL)
			return false;
	}
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	v->number = strtod(text, &end);
	if (*end != '\0')
		return false;
	v->is_whole = read_whole(s, &v->whole);
	v->is_read = true;
	return true;
}

bool rule_value_as_text(const struct rule_value *v, struct str *ret)
{
	switch (v->type) {
	case VALUE_TEXT:
		*ret = v->text;
		return true;
	case VALUE_NUMBER:
		*ret = v->text;
		return v->text.p != NULL;
	case VALUE_BOOL:
		*ret = v->flag ? STR("true") : STR("false");
		return true;
	default:
		return false;
	}
}
