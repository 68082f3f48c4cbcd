/* support.h - jansson for what tests expect, the scrubber for what is. */
#ifndef PICKET_TESTS_SCRUB_SUPPORT_H
#define PICKET_TESTS_SCRUB_SUPPORT_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "scrub/scrubber.h"

static inline struct str text_of(const json_t *v)
{
	return str_make(json_string_value(v), json_string_length(v));
}

static inline struct str dumped(struct arena *a, const json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	struct str s;

	assert_non_null(text);
	s = arena_dup(a, str_of(text));
	free(text);
	return s;
}

static inline struct derive_settings settings_of(struct arena *a, const json_t *v)
{
	struct derive_settings s = {0};
	struct err err;

	if (v != NULL && derive_read(&s, dumped(a, v), a, &err) != E_OK)
		fail_msg("settings: %s", err.text);
	return s;
}

/* A missing member equals null. */
static inline bool same(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *v;

	if (a == NULL)
		a = json_null();
	if (b == NULL)
		b = json_null();
	if (json_is_object(a) && json_is_object(b)) {
		json_object_foreach((json_t *)(uintptr_t)a, key,
			v) if (!same(v, json_object_get(b, key))) return false;
		json_object_foreach((json_t *)(uintptr_t)b, key,
			v) if (!same(json_object_get(a, key), v)) return false;
		return true;
	}
	if (json_is_array(a) && json_is_array(b)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		for (size_t i = 0; i < json_array_size(a); i++)
			if (!same(json_array_get(a, i), json_array_get(b, i)))
				return false;
		return true;
	}
	return json_equal(a, b);
}

#endif
