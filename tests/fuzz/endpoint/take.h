/* take.h - a fuzzer's request through the room, and what must hold after it. */
#ifndef PICKET_FUZZ_ENDPOINT_TAKE_H
#define PICKET_FUZZ_ENDPOINT_TAKE_H

#include <stdlib.h>

#include "base/check.h"
#include "endpoint/fields.h"
#include "endpoint/take.h"

static inline const struct settings *fuzz_settings(void)
{
	static const char *const env[] = {
		"PICKET_LIMITS_EVENT=64K", "PICKET_LIMITS_ATTACHMENT=256K", NULL};
	static const struct settings_source from = {"/dev/null", env, true};
	static struct settings *loaded;
	struct err err;

	if (loaded == NULL)
		check(settings_load(&loaded, &from, &err) == E_OK);
	return loaded;
}

static inline void check_carried(const struct envelope *env)
{
	const struct carried *c = &env->carried;
	struct str rest = c->headers, line;

	check(env->item_count == 1 && c->path.n > 0);
	check(str_find(c->query, STR("sentry_key=")) == c->query.n ||
		c->query.p[str_find(c->query, STR("sentry_key=")) - 1] != '&');
	while (str_cut(&rest, '\n', &line)) {
		check(!str_istarts(line, STR("cookie:")) && !str_istarts(line, STR("host:")));
		check(line.n == 0 || str_find_char(line, ':') < line.n);
	}
}

/* Envelopes can be written and read again, with as many items. */
static inline void check_envelope(struct envelope *env)
{
	struct quantities invalid;
	struct envelope *again = envelope_new();
	struct buf b = BUF_INIT;
	struct err err;
	size_t items = env->item_count;

	check(again != NULL);
	check(envelope_identify(env, &err) == E_OK);
	check(envelope_measure(env, &invalid, &err) == E_OK);
	check(env->item_count == items);
	envelope_write_header(env, &b);
	buf_char(&b, '\n');
	envelope_write_items(env, &b);
	check(buf_ok(&b));
	check(envelope_parse(again, buf_view(&b), NULL, &err) == E_OK);
	check(again->item_count == items);
	envelope_free(again);
	buf_fini(&b);
}

/* headers: lines, the Content-Type among them. */
static inline void fuzz_take(const char *method, struct str path, struct str query,
	struct str headers, struct str body, const char *client)
{
	struct endpoint_request request = {.method = str_of(method), .query = query};
	struct envelope *env = envelope_new();
	struct budget budget;
	struct err err = {0};
	struct endpoint_work w = {.request = &request,
		.settings = fuzz_settings(),
		.budget = &budget,
		.env = env,
		.err = &err};
	int rc;

	check(env != NULL);
	budget_init(&budget, 1u << 20);
	env->adopted_body = malloc(body.n + 1);
	check(env->adopted_body != NULL);
	if (body.n > 0)
		memcpy(env->adopted_body, body.p, body.n);
	w.body = str_make(env->adopted_body, body.n);
	env->from.client = str_of(client);
	request.headers = headers;
	request.content_type = fields_get(headers, STR("content-type"));
	rc = endpoint_find(path, &request.path, &err);
	if (rc == E_OK && endpoint_takes_data(request.path.endpoint) &&
		!endpoint_is_envelope(&request)) {
		w.success = endpoint_success_of(request.path.endpoint);
		rc = endpoint_take(&w);
		check(budget_used(&budget) == w.extra_bytes);
		if (rc == E_OK && carried_is(&env->carried))
			check_carried(env);
		else if (rc == E_OK)
			check_envelope(env);
	}
	check(rc == E_OK || err.text[0] != '\0');
	envelope_free(env);
}

#endif
