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

/* --- pointing at itself ----------------------------------------------------------- */

static bool is_loopback_name(struct str host)
{
	return str_ieq(host, STR("localhost")) || str_starts(host, STR("127.")) ||
	       str_eq(host, STR("[::1]"));
}

static bool is_any_address(struct str host)
{
	return str_eq(host, STR("0.0.0.0")) || str_eq(host, STR("[::]"));
}

/* host:port, "80" when there is no port. */
static void cut_port(struct str authority, struct str *host, struct str *port)
{
	size_t bracket =
		authority.n > 0 && authority.p[0] == '[' ? str_find_char(authority, ']') : 0;
	size_t colon = bracket + str_find_char(str_from(authority, bracket), ':');

	*host = str_first(authority, colon);
	*port = str_from(authority, colon + 1);
	if (port->n == 0)
		*port = STR("80");
}

/* Whether what is sent to this URL would come in again at listen.http, which
 * speaks no TLS. */
static bool is_own(const struct settings *s, const char *url)
{
	struct str rest = str_of(url), host, port, own_host, own_port;
	size_t at;

	if (!str_istarts(rest, STR("http://")) || strcmp(s->listen.http, "off") == 0)
		return false;
	rest = str_from(rest, 7);
	rest = str_first(rest, str_find_char(rest, '/'));
	at = str_find_char(rest, '@');
	cut_port(at < rest.n ? str_from(rest, at + 1) : rest, &host, &port);
	cut_port(str_of(s->listen.http), &own_host, &own_port);
	if (!str_eq(port, own_port) || str_eq(own_port, STR("0")))
		return false;
	return str_ieq(host, own_host) ||
	       (is_loopback_name(host) && (is_loopback_name(own_host) || is_any_address(own_host)));
}

static int check_loop(struct loader *l)
{
	static const char reason[] = "is this daemon's own listen.http: what it sends would come "
				     "back to it (give the DSN that Sentry shows for the project)";
	const struct settings *s = l->s;

	if (is_own(s, s->upstream.dsn))
		return fail(l, "upstream", "dsn", reason);
	if (is_own(s, s->upstream.url))
		return fail(l, "upstream", "url", reason);
	for (size_t i = 0; i < s->project_count; i++) {
		if (is_own(s, s->projects[i].dsn))
			return err_set(l->err, E_INVAL, "%s%sproject %s.dsn: %s",
				l->from->file != NULL ? l->from->file : "",
				l->from->file != NULL ? ": " : "", s->projects[i].name, reason);
	}
	return E_OK;
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
		rc = check_loop(l);
	if (rc == E_OK)
		rc = check_retry(l);
	return rc;
}
