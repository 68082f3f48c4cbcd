#include "envelope/dsn.h"

#include <stdio.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes that may stand in a header or a URL without quoting. Commas, quotes and
 * equal signs would break the auth header that keys are written into. */
static bool is_plain(char c)
{
	return is_digit(c) || is_letter(c) || (c != '\0' && strchr("-._~%!*+$:", c) != NULL);
}

static bool all_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_plain(s.p[i]))
			return false;
	}
	return true;
}

static int take_scheme(struct str *rest, struct dsn *d, struct err *err)
{
	if (str_istarts(*rest, STR("https://"))) {
		d->https = true;
		*rest = str_from(*rest, sizeof "https://" - 1);
	} else if (str_istarts(*rest, STR("http://"))) {
		d->https = false;
		*rest = str_from(*rest, sizeof "http://" - 1);
	} else {
		return err_set(err, E_SYNTAX, "the scheme is neither http:// nor https://");
	}
	d->port = d->https ? 443 : 80;
	return E_OK;
}

static int take_user(struct str user, struct dsn *d, struct err *err)
{
	size_t colon = str_find_char(user, ':');

	d->key = str_first(user, colon);
	d->secret = colon < user.n ? str_from(user, colon + 1) : STR_EMPTY;
	if (d->key.n == 0)
		return err_set(err, E_SYNTAX, "the public key (before @) is missing");
	if (!all_plain(d->key) || !all_plain(d->secret))
		return err_set(err, E_SYNTAX, "the key (before @) has a character no key has");
	return E_OK;
}

static bool host_is_good(struct str host)
{
	bool bracketed = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';

	if (bracketed)
		host = str_make(host.p + 1, host.n - 2);
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if (!is_digit(c) && !is_letter(c) && c != '.' && c != '-' && c != '_' &&
			!(bracketed && (c == ':' || c == '%')))
			return false;
	}
	return host.n > 0;
}

static int take_host(struct str s, struct dsn *d, struct err *err)
{
	size_t colon, host_end = 0;
	uint64_t port;

	if (s.n > 0 && s.p[0] == '[')
		host_end = str_find_char(s, ']');
	colon = host_end + str_find_char(str_from(s, host_end), ':');
	d->host = str_first(s, colon);
	if (d->host.n == 0)
		return err_set(err, E_SYNTAX, "the host is missing");
	if (!host_is_good(d->host))
		return err_set(err, E_SYNTAX, "the host is not a host name or address");
	if (colon + 1 >= s.n)
		return E_OK; /* "host:" is tolerated, as URLs allow it */
	if (!str_to_u64(str_from(s, colon + 1), UINT16_MAX, &port) || port == 0)
		return err_set(err, E_SYNTAX, "the port of the host is not 1 to 65535");
	d->port = (uint16_t)port;
	return E_OK;
}

static struct str without_trailing_slashes(struct str s)
{
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

static int take_prefix(struct str path, struct dsn *d, struct err *err)
{
	d->prefix = without_trailing_slashes(path);
	for (size_t i = 0; i < d->prefix.n; i++) {
		if (!is_plain(d->prefix.p[i]) && d->prefix.p[i] != '/')
			return err_set(err, E_SYNTAX,
				"the path before the project has a character that needs escaping");
	}
	return E_OK;
}

static int take_project(struct str *path, struct dsn *d, struct err *err)
{
	struct str s = without_trailing_slashes(*path);
	size_t at = s.n;
	uint64_t id;

	while (at > 0 && s.p[at - 1] != '/')
		at--;
	d->project = str_from(s, at);
	if (d->project.n == 0)
		return err_set(err, E_SYNTAX, "the project id at the end is missing");
	if (!str_to_u64(d->project, UINT64_MAX, &id) || id == 0)
		return err_set(err, E_SYNTAX, "the project id at the end is not a number");
	*path = str_first(s, at);
	return E_OK;
}

/* Cuts "user@host/path" into its three; *user.p is NULL without an @. */
static void cut_authority(struct str rest, struct str *user, struct str *host, struct str *path)
{
	size_t slash = str_find_char(rest, '/');
	struct str authority = str_first(rest, slash);
	size_t at = authority.n;

	*path = str_from(rest, slash);
	while (at > 0 && authority.p[at - 1] != '@')
		at--;
	*user = at > 0 ? str_first(authority, at - 1) : STR_EMPTY;
	*host = str_from(authority, at);
}

int dsn_parse(struct str text, struct dsn *ret, struct err *err)
{
	struct str rest = str_trim(text), user, host, path;
	struct dsn d = {0};
	int rc;

	rc = take_scheme(&rest, &d, err);
	if (rc != E_OK)
		return rc;
	cut_authority(rest, &user, &host, &path);
	rc = take_user(user, &d, err);
	if (rc == E_OK)
		rc = take_host(host, &d, err);
	if (rc == E_OK)
		rc = take_project(&path, &d, err);
	if (rc == E_OK)
		rc = take_prefix(path, &d, err);
	if (rc == E_OK)
		*ret = d;
	return rc;
}

int dsn_parse_base(struct str url, struct dsn *ret, struct err *err)
{
	struct str rest = str_trim(url), user, host, path;
	struct dsn d = {0};
	int rc;

	rc = take_scheme(&rest, &d, err);
	if (rc != E_OK)
		return rc;
	cut_authority(rest, &user, &host, &path);
	if (user.p != NULL)
		return err_set(err, E_SYNTAX, "a URL without a key is needed, this is a DSN");
	rc = take_host(host, &d, err);
	if (rc == E_OK)
		rc = take_prefix(path, &d, err);
	if (rc == E_OK)
		*ret = d;
	return rc;
}

/* "scheme://" user "host[:port]" prefix tail. */
static struct str format_url(const struct dsn *d, struct arena *a, struct str user, struct str tail)
{
	const char *scheme = d->https ? "https" : "http";
	const char *at = user.n > 0 ? "@" : "";
	char port[sizeof ":65535"] = "";

	if (d->port != (d->https ? 443 : 80))
		(void)snprintf(port, sizeof port, ":%u", (unsigned)d->port);
	return arena_printf(a, "%s://%.*s%s%.*s%s%.*s%.*s", scheme, STR_ARG(user), at,
		STR_ARG(d->host), port, STR_ARG(d->prefix), STR_ARG(tail));
}

struct str dsn_base_url(const struct dsn *d, struct arena *a)
{
	return format_url(d, a, STR_EMPTY, STR_EMPTY);
}

struct str dsn_endpoint_url(const struct dsn *d, struct str endpoint, struct arena *a)
{
	struct str tail =
		arena_printf(a, "/api/%.*s/%.*s/", STR_ARG(d->project), STR_ARG(endpoint));

	return tail.p != NULL ? format_url(d, a, STR_EMPTY, tail) : STR_EMPTY;
}

struct str dsn_format(const struct dsn *d, struct arena *a)
{
	struct str tail = arena_printf(a, "/%.*s", STR_ARG(d->project));

	return tail.p != NULL ? format_url(d, a, d->key, tail) : STR_EMPTY;
}

bool dsn_key_is_local(struct str key)
{
	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];

		if (!is_digit(c) && !is_letter(c) && c != '_' && c != '-')
			return false;
	}
	return key.n >= 1 && key.n <= 64;
}

bool dsn_key_is_sentry(struct str key)
{
	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
			return false;
	}
	return key.n == 32;
}
