#include "endpoint/endpoint.h"

enum limit { LIMIT_ENVELOPE, LIMIT_STORE, LIMIT_OTLP, LIMIT_REQUEST };

static const struct {
	const char *methods;
	enum endpoint_success success;
	enum limit limit;
	unsigned flags;
} endpoints[ENDPOINT_COUNT] = {
#define ENDPOINT_ROW(id, methods, success, limit, flags)                                           \
	[ENDPOINT_##id] = {(methods), SUCCESS_##success, LIMIT_##limit, (flags)},
	ENDPOINTS(ENDPOINT_ROW)
#undef ENDPOINT_ROW
};

bool endpoint_takes_data(enum endpoint e)
{
	return endpoints[e].methods != NULL;
}

const char *endpoint_methods(enum endpoint e)
{
	return endpoints[e].methods;
}

bool endpoint_takes_method(enum endpoint e, struct str method)
{
	struct str rest = str_of(endpoints[e].methods), one;

	while (str_cut(&rest, ',', &one)) {
		if (str_eq(str_trim(one), method))
			return true;
	}
	return false;
}

bool endpoint_has(enum endpoint e, unsigned flag)
{
	return (endpoints[e].flags & flag) != 0;
}

enum endpoint_success endpoint_success_of(enum endpoint e)
{
	return endpoints[e].success;
}

uint64_t endpoint_limit(enum endpoint e, const struct settings *s, const char **name)
{
	switch (endpoints[e].limit) {
	case LIMIT_STORE:
		*name = "limits.store";
		return s->limits.store;
	case LIMIT_OTLP:
		*name = "limits.otlp";
		return s->limits.otlp;
	case LIMIT_REQUEST:
		*name = "limits.request";
		return s->limits.request;
	case LIMIT_ENVELOPE:
		break;
	}
	*name = "limits.envelope";
	return s->limits.envelope;
}

static struct str without_slashes(struct str s)
{
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

static bool is_of_envelopes(struct str path)
{
	static const struct str name = {"envelope", sizeof "envelope" - 1};

	path = without_slashes(path);
	if (!str_ends(path, name))
		return false;
	path.n -= name.n;
	if (path.n == 0 || path.p[path.n - 1] != '/')
		return false;
	path = without_slashes(path); /* the project is before it */
	return path.n > 0 && path.p[path.n - 1] >= '0' && path.p[path.n - 1] <= '9';
}

bool endpoint_wants_headers(struct str target)
{
	return !is_of_envelopes(str_first(target, str_find_char(target, '?'))) &&
	       str_find(target, STR("/api/")) < target.n;
}
