#include "ingest/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* "name:port", "[v6]:port": without port and brackets, without the dot that
 * ends a full name. Empty when it is neither. */
static struct str host_name(struct str host)
{
	size_t end;

	if (host.n > 0 && host.p[0] == '[') {
		end = str_find_char(host, ']');
		if (end == host.n || (end + 1 < host.n && host.p[end + 1] != ':'))
			return STR_EMPTY;
		return str_make(host.p + 1, end - 1);
	}
	host = str_first(host, str_find_char(host, ':'));
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

static bool is_loopback(struct str name)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;

	if (str_ieq(name, STR("localhost")))
		return true;
	if (name.n > 10 && str_ieq(str_from(name, name.n - 10), STR(".localhost")))
		return true;
	if (name.n == 0 || name.n >= sizeof text || memchr(name.p, '\0', name.n) != NULL)
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool guard_host(struct str host, const struct str_list *allow_host)
{
	struct str name = host_name(host);

	for (size_t i = 0; i < allow_host->n; i++) {
		struct str allowed = str_of(allow_host->v[i]);

		if (str_eq(allowed, STR("*")))
			return true;
		if (host.n > 0 && (str_ieq(allowed, host) || str_ieq(host_name(allowed), name)))
			return true;
	}
	return is_loopback(name);
}

bool guard_origin(struct str origin, const struct str_list *allow_origin, bool *any)
{
	bool listed = false;

	*any = false;
	for (size_t i = 0; i < allow_origin->n; i++) {
		struct str allowed = str_of(allow_origin->v[i]);

		if (str_eq(allowed, STR("*")))
			*any = true;
		else if (str_ieq(allowed, origin))
			listed = true;
	}
	return listed || *any;
}

static int find_uid(struct str name, int64_t *ret, struct err *err)
{
	const struct passwd *pw;
	uint64_t number;
	char text[256];

	if (str_to_u64(name, UINT32_MAX, &number)) {
		*ret = (int64_t)number;
		return E_OK;
	}
	if (name.n == 0 || name.n >= sizeof text)
		return err_set(err, E_INVAL, "listen.allow_uid: a user's name has 1 to %zu bytes",
			sizeof text - 1);
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	pw = getpwnam(text);
	if (pw == NULL)
		return err_set(err, E_INVAL, "listen.allow_uid: there is no user \"%s\"", text);
	*ret = (int64_t)pw->pw_uid;
	return E_OK;
}

int guard_uids_init(struct guard_uids *g, const struct str_list *allow_uid, struct err *err)
{
	int rc = E_OK;

	*g = (struct guard_uids){.all = allow_uid->n == 0};
	if (g->all)
		return E_OK;
	g->v = calloc(allow_uid->n, sizeof *g->v);
	if (g->v == NULL)
		return err_set(err, E_NOMEM, "no memory for listen.allow_uid");
	while (rc == E_OK && g->n < allow_uid->n) {
		rc = find_uid(str_of(allow_uid->v[g->n]), &g->v[g->n], err);
		if (rc == E_OK)
			g->n++;
	}
	if (rc != E_OK)
		guard_uids_fini(g);
	return rc;
}

void guard_uids_fini(struct guard_uids *g)
{
	free(g->v);
	*g = (struct guard_uids){.all = false};
}

bool guard_uid(const struct guard_uids *g, int64_t uid)
{
	if (g->all)
		return true;
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i] == uid)
			return true;
	}
	return false;
}
