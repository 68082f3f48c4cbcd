#include "config/shape.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/address.h"
#include "config/header_shape.h"
#include "config/quote.h"

/* Names of users and groups come with all their members. */
#define NSS_MAX_BYTES 1048576u

/* What a check works on. */
struct subject {
	void *field;
	struct str text; /* of a TEXT, PATH or SECRET */
	struct str shown;
	struct arena *a;
	struct err *err;
};

static int fail(const struct subject *s, const char *what)
{
	char q[QUOTE_BYTES];

	return err_set(s->err, E_INVAL, "%s %s", quote(q, s->shown), what);
}

static int check_http(struct subject *s)
{
	if (str_eq(s->text, STR("off")) || address_is_host_port(s->text, ADDRESS_PORT_NEEDED))
		return E_OK;
	return fail(s, "is not HOST:PORT (try 127.0.0.1:4690, [::1]:4690, or off)");
}

static int check_socket(struct subject *s)
{
	if (s->text.n >= sizeof((struct sockaddr_un *)NULL)->sun_path)
		return fail(s, "is too long for a Unix socket (at most 107 bytes)");
	return E_OK;
}

static int check_socket_or_off(struct subject *s)
{
	if (s->text.n == 0)
		return fail(s, "names no socket (write off for none)");
	return check_socket(s);
}

/* "off" reads well beside the other sockets; the rest of picket knows "". */
static int check_datagram_socket(struct subject *s)
{
	if (str_eq(s->text, STR("off")))
		*(const char **)s->field = "";
	return check_socket(s);
}

static int check_dir(struct subject *s)
{
	if (s->text.n == 0)
		return fail(s, "names no directory (try /var/lib/picket)");
	return E_OK;
}

static int check_group(struct subject *s)
{
	struct group group;
	struct group *found = NULL;
	char *buf;
	int rc;

	if (s->text.n == 0)
		return E_OK;
	buf = malloc(NSS_MAX_BYTES);
	if (buf == NULL)
		return err_set(s->err, E_NOMEM, "no memory");
	rc = getgrnam_r(s->text.p, &group, buf, NSS_MAX_BYTES, &found);
	free(buf);
	if (rc != 0 || found == NULL)
		return fail(s, "is no group of this machine (see getent group)");
	return E_OK;
}

/* The user id of a name or number; not known when there is no such user. */
static int resolve_uid(const char *name, uint64_t *ret, bool *is_known)
{
	struct passwd user;
	struct passwd *found = NULL;
	char *buf;

	/* (uid_t)-1 stands for "no user" in system calls. */
	*is_known = str_to_u64(str_of(name), UINT32_MAX - 1, ret);
	if (*is_known || shape_is_digits(str_of(name)))
		return E_OK;
	buf = malloc(NSS_MAX_BYTES);
	if (buf == NULL)
		return E_NOMEM;
	*is_known = getpwnam_r(name, &user, buf, NSS_MAX_BYTES, &found) == 0 && found != NULL;
	free(buf);
	if (*is_known)
		*ret = user.pw_uid;
	return E_OK;
}

static int check_uids(struct subject *s)
{
	struct str_list *l = s->field;
	bool is_known;
	uint64_t uid = 0;

	for (size_t i = 0; i < l->n; i++) {
		int rc = resolve_uid(l->v[i], &uid, &is_known);

		s->shown = str_of(l->v[i]);
		if (rc == E_OK && !is_known)
			return fail(s, "is no user of this machine (see getent passwd)");
		l->v[i] = arena_printf(s->a, "%u", (unsigned)uid).p;
		if (rc != E_OK || l->v[i] == NULL)
			return err_set(s->err, E_NOMEM, "no memory");
	}
	return E_OK;
}

static int check_origins(struct subject *s)
{
	const struct str_list *l = s->field;

	for (size_t i = 0; i < l->n; i++) {
		struct str o = str_of(l->v[i]);
		size_t at = str_find(o, STR("://"));

		s->shown = o;
		if (str_eq(o, STR("*")) || str_eq(o, STR("null")))
			continue;
		if (at == 0 || at == o.n ||
			!address_is_host_port(str_from(o, at + 3), ADDRESS_PORT_OPTIONAL))
			return fail(s, "is no origin (try https://app.example.com, or *)");
	}
	return E_OK;
}

static int check_hosts(struct subject *s)
{
	const struct str_list *l = s->field;

	for (size_t i = 0; i < l->n; i++) {
		s->shown = str_of(l->v[i]);
		if (!str_eq(s->shown, STR("*")) &&
			!address_is_host_port(s->shown, ADDRESS_PORT_OPTIONAL))
			return fail(s, "is no host name (try relay.example.com, or *)");
	}
	return E_OK;
}

static int check_prefix(struct subject *s)
{
	if (s->text.n == 0)
		return E_OK;
	if (s->text.p[0] != '/' || s->text.p[s->text.n - 1] == '/')
		return fail(s, "does not start with / or ends with one (try /sentry)");
	for (size_t i = 0; i < s->text.n; i++)
		if (strchr(" \t?#%", s->text.p[i]) != NULL)
			return fail(s, "has a blank, a query or a % in it (try /sentry)");
	return E_OK;
}

static int check_dsn(struct subject *s)
{
	return s->text.n > 0 ? shape_dsn(s->text, s->err) : E_OK;
}

/* SCHEME://HOST[:PORT] and what follows it. */
static bool is_url(struct str s, struct str *scheme, struct str *authority, struct str *path)
{
	size_t at = str_find(s, STR("://"));
	struct str rest = str_from(s, at + 3);

	if (at == s.n || str_find_char(s, ' ') < s.n || str_find_char(s, '\t') < s.n)
		return false;
	*scheme = str_first(s, at);
	*authority = str_first(rest, str_find_char(rest, '/'));
	*path = str_from(rest, authority->n);
	return true;
}

static int check_url(struct subject *s)
{
	struct str scheme;
	struct str authority;
	struct str path;

	if (s->text.n == 0)
		return E_OK;
	/* Not shown: it is a key, or a password. */
	if (str_find_char(s->text, '@') < s->text.n)
		return err_set(s->err, E_INVAL,
			"the URL has a user or key in it (a DSN goes into upstream.dsn)");
	if (!is_url(s->text, &scheme, &authority, &path) ||
		(!str_ieq(scheme, STR("https")) && !str_ieq(scheme, STR("http"))))
		return fail(s, "is no https:// or http:// URL (try https://sentry.example.com)");
	if (!address_is_host_port(authority, ADDRESS_PORT_OPTIONAL))
		return fail(s, "has no host that can be (try https://sentry.example.com)");
	if (str_find_char(path, '?') < path.n || str_find_char(path, '#') < path.n)
		return fail(s, "has a query or fragment (leave it out)");
	return E_OK;
}

static int check_proxy(struct subject *s)
{
	static const char *const schemes[] = {
		"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
	struct str scheme;
	struct str authority;
	struct str path;
	size_t at;

	if (s->text.n == 0 || str_eq(s->text, STR("off")))
		return E_OK;
	if (is_url(s->text, &scheme, &authority, &path))
		for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
			if (!str_ieq(scheme, str_of(schemes[i])))
				continue;
			at = str_find_char(authority, '@');
			if (at < authority.n)
				authority = str_from(authority, at + 1);
			if (address_is_host_port(authority, ADDRESS_PORT_OPTIONAL))
				return E_OK;
		}
	/* It may hold a password: not shown. */
	return err_set(s->err, E_INVAL,
		"the value is no proxy URL (try http://proxy.example.com:3128, or off)");
}

static int check_readable(struct subject *s)
{
	char q[QUOTE_BYTES];

	if (s->text.n == 0 || access(s->text.p, R_OK) == 0)
		return E_OK;
	return err_set(
		s->err, E_INVAL, "%s cannot be read: %s", quote(q, s->shown), strerror(errno));
}

static int check_headers(struct subject *s)
{
	const struct str_list *l = s->field;

	for (size_t i = 0; i < l->n; i++) {
		int rc = shape_header(str_of(l->v[i]), s->err);

		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

static const struct {
	const char *section;
	const char *key;
	int (*check)(struct subject *s);
} checks[] = {
	{"listen", "http", check_http},
	{"listen", "unix", check_socket_or_off},
	{"listen", "unixgram", check_datagram_socket},
	{"listen", "unix_group", check_group},
	{"listen", "allow_uid", check_uids},
	{"listen", "allow_origin", check_origins},
	{"listen", "allow_host", check_hosts},
	{"listen", "path_prefix", check_prefix},
	{"control", "unix", check_socket_or_off},
	{"upstream", "dsn", check_dsn},
	{"upstream", "url", check_url},
	{"upstream", "ca_file", check_readable},
	{"upstream", "client_cert", check_readable},
	{"upstream", "client_key", check_readable},
	{"upstream", "proxy", check_proxy},
	{"upstream", "header", check_headers},
	{"spool", "dir", check_dir},
};

int shape_check(const struct setting_info *info, void *field, struct str shown, struct arena *a,
	struct err *err)
{
	struct subject s = {.field = field, .shown = shown, .a = a, .err = err};

	if (info->type == SETTING_TEXT || info->type == SETTING_PATH ||
		info->type == SETTING_SECRET)
		s.text = str_of(*(const char **)field);
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (strcmp(checks[i].section, info->section) == 0 &&
			strcmp(checks[i].key, info->key) == 0)
			return checks[i].check(&s);
	return E_OK;
}
