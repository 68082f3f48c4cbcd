#include "config/header_shape.h"

#include <ctype.h>

#include "config/quote.h"

/* Set by picket or libcurl for each request, or a way around the DSN
 * (protocol.md 14): a second copy would contradict the first. */
static const char *const reserved[] = {
	"Authorization",
	"Connection",
	"Content-Encoding",
	"Content-Length",
	"Content-Type",
	"Cookie",
	"Expect",
	"Host",
	"Keep-Alive",
	"Proxy-Authenticate",
	"Proxy-Authorization",
	"Proxy-Connection",
	"TE",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
	"X-Sentry-Auth",
};

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) &&
			(s.p[i] == '\0' || strchr("!#$%&'*+-.^_`|~", s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

int shape_header(struct str line, struct err *err)
{
	struct str name = str_first(line, str_find_char(line, ':'));
	struct str value = str_trim(str_from(line, name.n + 1));
	char q[QUOTE_BYTES];

	if (name.n == line.n)
		return err_set(
			err, E_INVAL, "a line has no colon (write \"Name: value\", one a line)");
	if (!is_token(name))
		return err_set(err, E_INVAL, "%s is no header name (write \"Name: value\")",
			quote(q, name));
	if (value.n == 0)
		return err_set(err, E_INVAL, "the header %s has no value (write \"Name: value\")",
			quote(q, name));
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char)value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7f)
			return err_set(err, E_INVAL, "the header %s holds a control character",
				quote(q, name));
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (str_ieq(name, str_of(reserved[i])))
			return err_set(err, E_INVAL,
				"the header %s belongs to picket or the connection (leave it out)",
				quote(q, name));
	return E_OK;
}
