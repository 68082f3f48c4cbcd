#include "endpoint/query.h"

#include "base/encoding.h"

struct str query_decode(struct str s, bool plus_is_blank, struct arena *a)
{
	char *out;

	if (str_find_char(s, '%') == s.n && (!plus_is_blank || str_find_char(s, '+') == s.n))
		return s.p != NULL ? s : STR("");
	out = arena_alloc(a, s.n);
	return out != NULL ? str_make(out, percent_decode(s, plus_is_blank, out)) : STR_EMPTY;
}

/* Cuts the next "name=value" off; *name is decoded. */
static int next(struct str *rest, struct arena *a, struct str *piece, struct str *name)
{
	if (!str_cut(rest, '&', piece))
		return E_NOTFOUND;
	*name = query_decode(str_first(*piece, str_find_char(*piece, '=')), true, a);
	return name->p != NULL ? E_OK : E_NOMEM;
}

int query_find(struct str query, struct str name, struct arena *a, struct str *ret)
{
	struct str piece, got;
	int rc;

	while ((rc = next(&query, a, &piece, &got)) == E_OK) {
		if (str_eq(got, name)) {
			*ret = str_from(piece, str_find_char(piece, '=') + 1);
			return E_OK;
		}
	}
	return rc;
}

int query_value(struct str query, struct str name, struct arena *a, struct str *ret)
{
	int rc = query_find(query, name, a, ret);

	if (rc == E_NOTFOUND)
		*ret = STR("");
	if (rc != E_OK)
		return rc == E_NOTFOUND ? E_OK : rc;
	*ret = query_decode(*ret, true, a);
	return ret->p != NULL ? E_OK : E_NOMEM;
}

int query_filter(struct str query, query_keep_fn *keep, struct arena *a, struct str *ret)
{
	char *out = arena_alloc(a, query.n + 1);
	struct str rest = query, piece, name;
	size_t n = 0;
	int rc;

	*ret = STR("");
	if (out == NULL)
		return E_NOMEM;
	while ((rc = next(&rest, a, &piece, &name)) == E_OK) {
		if (piece.n == 0 || !keep(name))
			continue;
		if (n > 0)
			out[n++] = '&';
		memcpy(out + n, piece.p, piece.n);
		n += piece.n;
	}
	*ret = str_make(out, n);
	return rc == E_NOTFOUND ? E_OK : rc;
}

bool query_is_no_credential(struct str name)
{
	static const char *const names[] = {"sentry_key", "sentry_secret", "sentry_version",
		"sentry_client", "sentry_timestamp"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (str_eq(name, str_of(names[i])))
			return false;
	}
	return true;
}
