/* support.h - a request as ingest would hand it on. Include after cmocka.h. */
#ifndef PICKET_UNIT_ENDPOINT_SUPPORT_H
#define PICKET_UNIT_ENDPOINT_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>

#include "endpoint/fields.h"
#include "endpoint/take.h"

#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])
#define LIT(s)      str_make((s), sizeof(s) - 1)
#define EVENT_ID    "9ec79c33ec9942ab8353589fcb2e04dc"

struct asked {
	const char *method;  /* NULL: POST */
	const char *path;    /* "/api/42/store/" */
	const char *query;   /* NULL: none */
	const char *headers; /* NULL: none; lines */
	const char *client;  /* NULL: none */
	struct str body;
	uint64_t memory; /* 0: plenty */
};

struct taken {
	struct settings *settings;
	struct endpoint_request request;
	struct endpoint_work work;
	struct envelope *env;
	struct budget budget;
	struct err err;
	int rc;
};

static inline struct settings *plain_settings(const char *const *env)
{
	struct settings_source from = {"/dev/null", env, true};
	struct settings *s = NULL;
	struct err err = {0};

	if (settings_load(&s, &from, &err) != E_OK)
		fail_msg("settings: %s", err.text);
	return s;
}

static inline void taken_free(struct taken *t)
{
	envelope_free(t->env);
	settings_unref(t->settings);
}

/* As frame_run() does it, up to and with measuring. */
static inline int take_env(struct taken *t, const struct asked *a, const char *const *env)
{
	memset(t, 0, sizeof *t);
	t->settings = plain_settings(env);
	t->env = envelope_new();
	assert_non_null(t->env);
	t->env->adopted_body = malloc(a->body.n + 1);
	assert_non_null(t->env->adopted_body);
	if (a->body.n > 0)
		memcpy(t->env->adopted_body, a->body.p, a->body.n);
	if (a->client != NULL)
		t->env->from.client = str_of(a->client);
	budget_init(&t->budget, a->memory > 0 ? a->memory : 1u << 30);
	t->request.method = a->method != NULL ? str_of(a->method) : STR("POST");
	t->request.query = str_of(a->query);
	t->request.headers = str_of(a->headers);
	t->request.content_type = fields_get(t->request.headers, STR("content-type"));
	t->rc = endpoint_find(str_of(a->path), &t->request.path, &t->err);
	if (t->rc != E_OK)
		return t->rc;
	t->work = (struct endpoint_work){.request = &t->request,
		.settings = t->settings,
		.budget = &t->budget,
		.env = t->env,
		.body = str_make(t->env->adopted_body, a->body.n),
		.err = &t->err,
		.success = endpoint_success_of(t->request.path.endpoint)};
	t->rc = endpoint_take(&t->work);
	assert_int_equal(budget_used(&t->budget), t->work.extra_bytes);
	if (t->rc != E_OK || carried_is(&t->env->carried))
		return t->rc;
	t->rc = envelope_identify(t->env, &t->err);
	if (t->rc == E_OK)
		t->rc = envelope_measure(t->env, &t->env->invalid, &t->err);
	return t->rc;
}

static inline int take(struct taken *t, const struct asked *a)
{
	return take_env(t, a, NULL);
}

static inline void must_take(struct taken *t, const struct asked *a)
{
	if (take(t, a) != E_OK)
		fail_msg("%s: %s", a->path, t->err.text);
}

static inline void must_refuse(const struct asked *a, int rc)
{
	struct taken t;

	if (take(&t, a) != rc)
		fail_msg("%s?%s %.*s: %d %s, not %d", a->path, a->query != NULL ? a->query : "",
			STR_ARG(str_first(a->body, 80)), t.rc, t.err.text, rc);
	assert_true(t.err.text[0] != '\0');
	taken_free(&t);
}

static inline void assert_str_at(struct str got, const char *want, const char *file, int line)
{
	if (str_eq(got, str_of(want)))
		return;
	print_error("\"%.*s\", not \"%s\"\n", STR_ARG(got), want);
	_fail(file, line);
}
#define assert_str(got, want) assert_str_at((got), (want), __FILE__, __LINE__)

/* The envelope as it is written. */
static inline void assert_written(struct taken *t, const char *want)
{
	struct buf b = BUF_INIT;

	envelope_write_header(t->env, &b);
	buf_char(&b, '\n');
	envelope_write_items(t->env, &b);
	assert_true(buf_ok(&b));
	assert_str(buf_view(&b), want);
	buf_fini(&b);
}

#endif
