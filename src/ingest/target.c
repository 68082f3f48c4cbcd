#include "ingest/target.h"

/* "http://host[:port]/path" is how requests to proxies look; RFC 9112 3.2.2
 * has servers accept it. */
static int cut_authority(struct str *raw, struct target *t, struct err *err)
{
	struct str rest;
	size_t n;

	if (str_istarts(*raw, STR("http://")))
		rest = str_from(*raw, 7);
	else if (str_istarts(*raw, STR("https://")))
		rest = str_from(*raw, 8);
	else
		return err_set(err, E_SYNTAX, "the request target must be a path");
	for (n = 0; n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#'; n++)
		;
	t->host = str_first(rest, n);
	*raw = str_from(rest, n);
	if (t->host.n == 0)
		return err_set(err, E_SYNTAX, "the request target has no host");
	return E_OK;
}

static struct str fold_slashes(struct str path)
{
	char *to = (char *)(uintptr_t)path.p; /* the caller's memory is writable */
	size_t n = str_find(path, STR("//"));

	for (size_t i = n; i < path.n; i++) {
		if (path.p[i] == '/' && n > 0 && to[n - 1] == '/')
			continue;
		to[n++] = path.p[i];
	}
	return str_make(path.p, n);
}

static struct str trim_slashes(struct str s)
{
	while (s.n > 0 && s.p[0] == '/')
		s = str_from(s, 1);
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

static struct str cut_prefix(struct str path, struct str prefix)
{
	prefix = trim_slashes(prefix);
	if (path.p == NULL || prefix.n == 0 || path.n <= prefix.n + 1)
		return path;
	if (!str_starts(str_from(path, 1), prefix) || path.p[prefix.n + 1] != '/')
		return path;
	return str_from(path, prefix.n + 1);
}

int target_parse(struct str raw, struct str prefix, struct target *ret, struct err *err)
{
	size_t end;
	int rc;

	*ret = (struct target){.at = {.endpoint = ENDPOINT_NONE}};
	if (str_eq(raw, STR("*"))) {
		ret->at.endpoint = ENDPOINT_SERVER;
		ret->path = raw;
		return E_OK;
	}
	if (raw.n == 0 || raw.p[0] != '/') {
		rc = cut_authority(&raw, ret, err);
		if (rc != E_OK)
			return rc;
	}
	raw = str_first(raw, str_find_char(raw, '#'));
	end = str_find_char(raw, '?');
	ret->query = str_from(raw, end + 1);
	ret->path = cut_prefix(fold_slashes(str_first(raw, end)), prefix);
	if (ret->path.n == 0)
		ret->path = STR("/");
	return endpoint_find(ret->path, &ret->at, err);
}
