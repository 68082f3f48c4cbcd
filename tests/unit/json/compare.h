/* compare.h - is this document what jansson says, or what another one says?
 * Used by the property test and the fuzzer. */
#ifndef PICKET_TESTS_JSON_COMPARE_H
#define PICKET_TESTS_JSON_COMPARE_H

#include <jansson.h>
#include <string.h>

#include "json/json.h"

static inline bool same_number(const struct json_doc *d, json_node n, const json_t *j)
{
	int64_t i = 0;
	double x = 0;

	if (json_is_integer(j))
		return json_int(d, n, &i) && i == json_integer_value(j);
	return !json_int(d, n, &i) && json_double(d, n, &x) && x == json_real_value(j);
}

static inline bool same_scalar(struct json_doc *d, json_node n, const json_t *j)
{
	struct str s;

	switch (json_type_of(d, n)) {
	case JSON_TYPE_NULL:
		return json_is_null(j);
	case JSON_TYPE_BOOL:
		return json_is_boolean(j) && json_bool(d, n, false) == json_is_true(j);
	case JSON_TYPE_NUMBER:
		return json_is_number(j) && same_number(d, n, j);
	case JSON_TYPE_STRING:
		s = json_text(d, n);
		return json_is_string(j) && s.p != NULL &&
		       str_eq(s, str_make(json_string_value(j), json_string_length(j)));
	default:
		return false;
	}
}

/* The member that jansson keeps of several with the same key. */
static inline json_node last_of_key(struct json_doc *d, json_node object, struct str key)
{
	json_node n, found = JSON_NONE;

	for (n = json_first(d, object); n != JSON_NONE; n = json_next(d, n)) {
		if (!str_eq(json_key(d, n), key))
			continue;
		if (found == JSON_NONE && json_get(d, object, key) != n)
			return JSON_NONE; /* json_get finds the first, or is wrong */
		found = n;
	}
	return found;
}

/* Recursive: jansson's own nesting bounds it. */
static inline bool same_as_jansson(struct json_doc *d, json_node n, json_t *j)
{
	const char *key;
	json_node c;
	json_t *v;
	size_t i;

	if (json_is_array(j)) {
		if (json_type_of(d, n) != JSON_TYPE_ARRAY || json_count(d, n) != json_array_size(j))
			return false;
		for (i = 0, c = json_first(d, n); c != JSON_NONE; c = json_next(d, c))
			if (!same_as_jansson(d, c, json_array_get(j, i++)))
				return false;
		return true;
	}
	if (!json_is_object(j))
		return same_scalar(d, n, j);
	if (json_type_of(d, n) != JSON_TYPE_OBJECT || json_count(d, n) < json_object_size(j) ||
		(json_count(d, n) > 0 && json_object_size(j) == 0))
		return false;
	json_object_foreach(j, key, v)
	{
		c = last_of_key(d, n, str_of(key));
		if (c == JSON_NONE || !same_as_jansson(d, c, v))
			return false;
	}
	return true;
}

static inline bool same_node(struct json_doc *d, json_node n, struct json_doc *e, json_node m)
{
	enum json_type type = json_type_of(d, n);

	if (type != json_type_of(e, m) || !str_eq(json_key(d, n), json_key(e, m)))
		return false;
	if (type == JSON_TYPE_STRING)
		return str_eq(json_text(d, n), json_text(e, m));
	return type >= JSON_TYPE_ARRAY || str_eq(json_raw(d, n), json_raw(e, m));
}

/* Both documents hold the same values in the same order. */
static inline bool same_documents(struct json_doc *d, struct json_doc *e)
{
	json_node n = json_root(d), m = json_root(e);

	while (same_node(d, n, e, m)) {
		json_node down = json_first(d, n), down2 = json_first(e, m);

		if ((down == JSON_NONE) != (down2 == JSON_NONE))
			return false;
		if (down != JSON_NONE) {
			n = down;
			m = down2;
			continue;
		}
		while (n != json_root(d) && json_next(d, n) == JSON_NONE) {
			if (m == json_root(e) || json_next(e, m) != JSON_NONE)
				return false;
			n = json_parent(d, n);
			m = json_parent(e, m);
		}
		if (n == json_root(d))
			return m == json_root(e);
		n = json_next(d, n);
		m = json_next(e, m);
	}
	return false;
}

#endif
