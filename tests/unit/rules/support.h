/* support.h - what the tests of this room share. Include after cmocka.h. */
#ifndef PICKET_UNIT_RULES_SUPPORT_H
#define PICKET_UNIT_RULES_SUPPORT_H

#include "rules/condition.h"

#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

/* 2026-11-24T00:00:00Z */
#define NOW_MS INT64_C(1795478400000)

struct bench {
	struct arena *arena;
	struct rule_scope scope;
};

static inline struct bench bench_of(enum rule_kind kind, const char *json)
{
	struct bench b = {.arena = arena_new(4096, 0)};
	struct json_doc *d = NULL;
	struct err err = {0};

	assert_non_null(b.arena);
	rule_scope_init(&b.scope, b.arena, (struct instant){1000, NOW_MS});
	if (json_parse(&d, b.arena, str_of(json), NULL, &err) != E_OK)
		fail_msg("%s: %s", json, err.text);
	rule_scope_enter(&b.scope, kind, d, JSON_NONE);
	return b;
}

static inline void bench_fini(struct bench *b)
{
	arena_free(b->arena);
}

static inline struct condition *parsed(const char *text)
{
	struct condition *c = NULL;
	struct err err = {0};

	if (condition_parse(&c, str_of(text), &err) != E_OK)
		fail_msg("%s: %s", text, err.text);
	return c;
}

static inline int holds(enum rule_kind kind, const char *text, const char *json)
{
	struct bench b = bench_of(kind, json);
	struct condition *c = parsed(text);
	int r = condition_eval(c, &b.scope);

	condition_free(c);
	bench_fini(&b);
	return r;
}

#endif
