/* The shape of a DSN. Reading it for use is the envelope room's; here a wrong
 * one is refused at startup, with a reason that never shows the key. */
#include <ctype.h>

#include "config/address.h"
#include "config/shape.h"

#define EXAMPLE "a DSN is https://KEY@HOST/PROJECT"

static int fault(struct err *err, const char *what)
{
	return err_set(err, E_INVAL, "the DSN %s (" EXAMPLE ")", what);
}

bool shape_is_key(struct str s)
{
	if (s.n == 0 || s.n > 64)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
			return false;
	return true;
}

bool shape_is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static int check_user(struct str user, struct err *err)
{
	struct str key = str_first(user, str_find_char(user, ':'));
	struct str secret = str_from(user, key.n + 1);

	if (key.n == 0)
		return fault(err, "has no key");
	if (!shape_is_key(key) || (secret.n > 0 && !shape_is_key(secret)))
		return fault(err, "has a key with characters that keys do not have");
	return E_OK;
}

static int check_path(struct str path, struct err *err)
{
	struct str project;
	uint64_t n;

	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	project = path;
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/') {
			project = str_from(path, i);
			break;
		}
	if (project.n == 0)
		return fault(err, "has no project");
	if (!str_to_u64(project, UINT64_MAX, &n) || n == 0)
		return fault(err, "has a project that is not a number from 1 on");
	return E_OK;
}

int shape_dsn(struct str dsn, struct err *err)
{
	size_t scheme = str_find(dsn, STR("://"));
	struct str rest = str_from(dsn, scheme + 3);
	struct str authority = str_first(rest, str_find_char(rest, '/'));
	size_t at = str_find_char(authority, '@');
	int rc;

	if (!str_ieq(str_first(dsn, scheme), STR("https")) &&
		!str_ieq(str_first(dsn, scheme), STR("http")))
		return fault(err, "does not start with https:// or http://");
	for (size_t i = 0; i < rest.n; i++)
		if (isspace((unsigned char)rest.p[i]) || strchr("?#\\", rest.p[i]) != NULL)
			return fault(err, "has a blank, a query or a fragment");
	if (at == authority.n)
		return fault(err, "has no key");
	rc = check_user(str_first(authority, at), err);
	if (rc != E_OK)
		return rc;
	authority = str_from(authority, at + 1);
	if (authority.n == 0 || authority.p[0] == ':')
		return fault(err, "has no host");
	if (!address_is_host_port(authority, ADDRESS_PORT_OPTIONAL))
		return fault(err, "has a host or port that cannot be");
	return check_path(str_from(rest, str_find_char(rest, '/') + 1), err);
}
