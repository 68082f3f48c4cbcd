#include "ingest/address.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_loopback4(const struct in_addr *a)
{
	return ntohl(a->s_addr) >> 24 == 127;
}

static void peer_of_ip4(const struct in_addr *a, struct peer *ret)
{
	ret->is_remote = !is_loopback4(a);
	if (inet_ntop(AF_INET, a, ret->text, sizeof ret->text) == NULL)
		ret->text[0] = '\0';
}

void peer_of_address(const struct sockaddr *sa, socklen_t n, struct peer *ret)
{
	*ret = (struct peer){.uid = -1, .pid = -1};
	if (sa->sa_family == AF_INET && n >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof in);
		peer_of_ip4(&in.sin_addr, ret);
	} else if (sa->sa_family == AF_INET6 && n >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof in6);
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			struct in_addr in;

			memcpy(&in, &in6.sin6_addr.s6_addr[12], sizeof in);
			peer_of_ip4(&in, ret);
			return;
		}
		ret->is_remote = !IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
		if (inet_ntop(AF_INET6, &in6.sin6_addr, ret->text, sizeof ret->text) == NULL)
			ret->text[0] = '\0';
	}
	if (ret->text[0] == '\0')
		ret->is_remote = false;
}

void peer_of_unix(int fd, struct peer *ret)
{
	struct ucred cred;
	socklen_t n = sizeof cred;

	*ret = (struct peer){.is_unix = true, .uid = -1, .pid = -1};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
		return;
	ret->uid = (int64_t)cred.uid;
	ret->pid = (int64_t)cred.pid;
}

static struct str first_usable(const struct forwarded *f)
{
	const struct str in_order[] = {f->cf_connecting_ip, f->vercel_forwarded_for,
		f->sentry_forwarded_for, f->forwarded_for};

	for (size_t i = 0; i < sizeof in_order / sizeof in_order[0]; i++) {
		struct str value = str_trim(in_order[i]);

		if (value.n > 0)
			return value;
	}
	return STR_EMPTY;
}

bool address_chain(
	const struct forwarded *f, const struct peer *peer, struct arena *a, struct str *ret)
{
	struct str value = first_usable(f);

	*ret = STR_EMPTY;
	if (value.n == 0 && !peer->is_remote)
		return true;
	if (value.n == 0)
		*ret = arena_dup(a, str_of(peer->text));
	else if (!peer->is_remote)
		*ret = arena_dup(a, value);
	else
		*ret = arena_printf(a, "%.*s, %s", STR_ARG(value), peer->text);
	return ret->p != NULL;
}
