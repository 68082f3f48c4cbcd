#include "cli/post.h"

#include <string.h>

#include "cli/show.h"
#include "cli/talk.h"
#include "envelope/dsn.h"

#define POST_TIMEOUT_MS 60000

static bool copy(char *out, size_t size, struct str s)
{
	if (s.n >= size)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static int from_dsn(struct cli *c, const char *name, const char *text, struct post_as *as)
{
	struct err err = {E_OK, ""};
	struct dsn dsn;

	if (dsn_parse(str_of(text), &dsn, &err) != E_OK)
		return cli_fail(c, EX_USAGE, "%s: %s", name, err.text);
	if (!copy(as->key, sizeof as->key, dsn.key) ||
		!copy(as->project, sizeof as->project, dsn.project))
		return cli_fail(c, EX_USAGE, "%s: key or project is too long", name);
	return EX_OK;
}

int post_as_default(struct cli *c, struct post_as *as)
{
	static const char *const names[] = {"PICKET_DSN", "SENTRY_DSN"};
	const struct settings *s = c->settings;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *text = cli_env(c, names[i]);

		if (text != NULL)
			return from_dsn(c, names[i], text, as);
	}
	(void)copy(as->key, sizeof as->key, STR("picket"));
	(void)copy(as->project, sizeof as->project, STR("1"));
	/* Where only known keys are taken, a key of ours would be refused. */
	if (s->upstream.accept != ACCEPT_KNOWN || s->project_count == 0)
		return EX_OK;
	if (!copy(as->key, sizeof as->key, str_of(s->projects[0].key)))
		return cli_fail(
			c, EX_CONFIG, "the key of [project %s] is too long", s->projects[0].name);
	if (s->projects[0].id[0] != '\0' &&
		!copy(as->project, sizeof as->project, str_of(s->projects[0].id)))
		return cli_fail(
			c, EX_CONFIG, "the id of [project %s] is too long", s->projects[0].name);
	return EX_OK;
}

static int exit_of_status(int status)
{
	if (status >= 200 && status < 300)
		return EX_OK;
	if (status == 401 || status == 403)
		return EX_NOPERM;
	if (status == 429 || status >= 500)
		return EX_TEMPFAIL;
	return EX_DATAERR;
}

static int refused(struct cli *c, const struct http_answer *a)
{
	json_t *body = json_loadb(a->body.p != NULL ? a->body.p : "", a->body.n, 0, NULL);
	const char *detail = show_get_text(body, "detail");
	int code = exit_of_status(a->status);

	if (a->retry_after_s > 0)
		code = cli_fail(c, code, "refused with %d: %s (come back in %u s)", a->status,
			detail, (unsigned)a->retry_after_s);
	else
		code = cli_fail(c, code, "refused with %d: %s", a->status, detail);
	json_decref(body);
	return code;
}

static int post(struct cli *c, struct http_request *q, struct buf *answer)
{
	struct http_answer a;
	struct err err = {E_OK, ""};
	int code;

	if (talk_http(c, q, POST_TIMEOUT_MS, &a, &err) != E_OK) {
		code = talk_fail(c, &err);
	} else {
		buf_str(answer, buf_view(&a.body));
		code = exit_of_status(a.status) == EX_OK ? EX_OK : refused(c, &a);
	}
	http_answer_fini(&a);
	return code;
}

int post_envelope(struct cli *c, const struct post_as *as, struct str envelope, struct buf *answer)
{
	struct buf target, headers;
	struct http_request q = {.method = "POST", .body = envelope};
	const char *prefix = c->settings->listen.path_prefix;
	int code;

	buf_init(&target, 0);
	buf_init(&headers, 0);
	buf_printf(&target, "%s%s/api/%s/envelope/",
		prefix[0] != '\0' && prefix[0] != '/' ? "/" : "", prefix, as->project);
	buf_cstr(&headers, "Content-Type: application/x-sentry-envelope\r\n"
			   "User-Agent: picket-cli/" PICKET_VERSION "\r\n");
	if (as->key[0] != '\0')
		buf_printf(&headers,
			"X-Sentry-Auth: Sentry sentry_version=7, "
			"sentry_client=picket-cli/" PICKET_VERSION ", sentry_key=%s\r\n",
			as->key);
	buf_char(&target, '\0');
	buf_char(&headers, '\0');
	if (buf_ok(&target) && buf_ok(&headers)) {
		q.target = target.p;
		q.headers = headers.p;
		code = post(c, &q, answer);
	} else {
		code = cli_fail(c, EX_TEMPFAIL, "no memory");
	}
	buf_fini(&target);
	buf_fini(&headers);
	return code;
}
