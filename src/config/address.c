#include "config/address.h"

#include <arpa/inet.h>
#include <ctype.h>

#define HOST_MAX_BYTES 253u

static bool is_ipv6(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

static bool is_host(struct str s)
{
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		return is_ipv6(str_make(s.p + 1, s.n - 2));
	if (s.n == 0 || s.n > HOST_MAX_BYTES || s.p[0] == '-' || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && strchr("-._", s.p[i]) == NULL)
			return false;
	return true;
}

bool address_is_host_port(struct str s, enum address_port port)
{
	size_t bracket = s.n > 0 && s.p[0] == '[' ? str_find_char(s, ']') : 0;
	size_t colon = bracket + str_find_char(str_from(s, bracket), ':');
	uint64_t n;

	if (!is_host(str_first(s, colon)))
		return false;
	if (colon >= s.n)
		return port == ADDRESS_PORT_OPTIONAL;
	return str_to_u64(str_from(s, colon + 1), 65535, &n);
}
