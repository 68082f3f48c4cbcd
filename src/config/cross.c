/* What keys must be together. The sentence names the place of the key that a
 * person would change. */
#include "config/loader.h"

static bool is_off(const char *path)
{
	return *path == '\0' || strcmp(path, "off") == 0;
}

/* A key that stands nowhere is still to blame: then the sentence begins with
 * the key, or with the file that should have it. */
static int fail(struct loader *l, const char *section, const char *key, const char *reason)
{
	const struct place *at = apply_place(l, section, key);
	const char *where = at->text != NULL ? at->text : l->from->file;

	if (where == NULL)
		return err_set(l->err, E_INVAL, "%s.%s: %s", section, key, reason);
	return err_set(l->err, E_INVAL, "%s: %s.%s: %s", where, section, key, reason);
}

static int check_listeners(struct loader *l)
{
	const struct settings *s = l->s;

	if (strcmp(s->listen.http, "off") == 0 && is_off(s->listen.unix) &&
		is_off(s->listen.unixgram))
		return fail(l, "listen", "http",
			"every listener is off (set http, unix or unixgram in [listen])");
	if (!is_off(s->listen.unix) && strcmp(s->listen.unix, s->listen.unixgram) == 0)
		return fail(l, "listen", "unixgram",
			"is the same socket as listen.unix (give it another path)");
	if (is_off(s->control.unix))
		return E_OK;
	if (strcmp(s->control.unix, s->listen.unix) == 0 ||
		strcmp(s->control.unix, s->listen.unixgram) == 0)
		return fail(l, "control", "unix",
			"is the same socket as one in [listen] (give it another path)");
	return E_OK;
}

static int check_upstream(struct loader *l)
{
	const struct settings *s = l->s;

	if (s->upstream.accept == ACCEPT_KNOWN && s->project_count == 0)
		return fail(l, "upstream", "accept",
			"\"known\" lets nobody in without a [project NAME] (add one, or accept = "
			"any)");
	if (*s->upstream.client_key != '\0' && *s->upstream.client_cert == '\0')
		return fail(
			l, "upstream", "client_key", "has no certificate (set client_cert too)");
	if (l->from->dev || *s->upstream.dsn != '\0' || *s->upstream.url != '\0' ||
		s->project_count > 0)
		return E_OK;
	return fail(l, "upstream", "dsn",
		"no upstream is set (set dsn or url in [upstream], add a [project NAME], set "
		"SENTRY_DSN, or start with --dev)");
}

static int check_retry(struct loader *l)
{
	bool max_is_set = apply_place(l, "retry", "max")->text != NULL;

	if (l->s->retry.min <= l->s->retry.max)
		return E_OK;
	return fail(l, "retry", max_is_set ? "max" : "min",
		"retry.min is longer than retry.max (make min the shorter one)");
}

int cross_check(struct loader *l)
{
	int rc = check_listeners(l);

	if (rc == E_OK)
		rc = check_upstream(l);
	if (rc == E_OK)
		rc = check_retry(l);
	return rc;
}
