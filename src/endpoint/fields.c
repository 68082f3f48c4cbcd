#include "endpoint/fields.h"

#include "base/err.h"

/* Cuts the next line into name and value. */
static bool next_line(struct str *rest, struct str *line, struct str *name, struct str *value)
{
	size_t colon;

	if (!str_cut(rest, '\n', line))
		return false;
	colon = str_find_char(*line, ':');
	*name = str_first(*line, colon);
	*value = str_trim(str_from(*line, colon + 1));
	return true;
}

struct str fields_get(struct str lines, struct str name)
{
	struct str line, got, value;

	while (next_line(&lines, &line, &got, &value)) {
		if (str_ieq(got, name))
			return value;
	}
	return STR_EMPTY;
}

/* What no carried request has, by name or by the beginning of its name. */
static const char *const kept_back[] = {
	/* of this connection, or written anew */
	"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
	"http2-settings", "expect", "host", "content-length", "content-type", "content-encoding",
	"accept-encoding",
	/* who the client is */
	"user-agent", "origin", "referer", "forwarded", "via", "x-real-ip", "true-client-ip",
	"cf-connecting-ip", "x-client-ip", "x-cluster-client-ip", "x-vercel-forwarded-for",
	"x-sentry-forwarded-for",
	/* secrets */
	"authorization", "authentication", "cookie", "cookie2", "x-sentry-auth", "x-api-key",
	"api-key", "x-auth-token"};
static const char *const kept_back_families[] = {"proxy-", "x-forwarded-", "x-sentry-relay-"};

static bool goes_on(struct str name, struct str connection)
{
	struct str one;

	for (size_t i = 0; i < sizeof kept_back / sizeof kept_back[0]; i++) {
		if (str_ieq(name, str_of(kept_back[i])))
			return false;
	}
	for (size_t i = 0; i < sizeof kept_back_families / sizeof kept_back_families[0]; i++) {
		if (str_istarts(name, str_of(kept_back_families[i])))
			return false;
	}
	while (str_cut(&connection, ',', &one)) { /* what it names ends with it */
		if (str_ieq(name, str_trim(one)))
			return false;
	}
	return name.n > 0;
}

int fields_filter(struct str lines, struct arena *a, struct str *ret)
{
	struct str connection = fields_get(lines, STR("connection"));
	struct str rest = lines, line, name, value;
	char *out = arena_alloc(a, lines.n + 1);
	size_t n = 0;

	*ret = STR("");
	if (out == NULL)
		return E_NOMEM;
	while (next_line(&rest, &line, &name, &value)) {
		if (name.n == line.n || !goes_on(name, connection))
			continue;
		memcpy(out + n, line.p, line.n);
		n += line.n;
		out[n++] = '\n';
	}
	*ret = str_make(out, n);
	return E_OK;
}

/* --- values ----------------------------------------------------------------- */

bool media_is(struct str content_type, struct str type)
{
	return str_ieq(str_trim(str_first(content_type, str_find_char(content_type, ';'))), type);
}

/* Cuts "...;" off the front, heeding quotes. */
static struct str cut_parameter(struct str *rest)
{
	bool quoted = false;
	struct str piece;
	size_t i;

	for (i = 0; i < rest->n; i++) {
		char c = rest->p[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == ';' && !quoted)
			break;
	}
	piece = str_first(*rest, i);
	*rest = i < rest->n ? str_from(*rest, i + 1) : STR_EMPTY;
	return piece;
}

static int unquote(struct str s, struct arena *a, struct str *ret)
{
	char *out;
	size_t n = 0;

	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"') {
		*ret = s.p != NULL ? s : STR("");
		return E_OK;
	}
	s = str_make(s.p + 1, s.n - 2);
	*ret = s;
	if (str_find_char(s, '\\') == s.n)
		return E_OK;
	out = arena_alloc(a, s.n);
	if (out == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < s.n; i++) {
		/* Only a quote or a backslash is escaped: file names of Windows
		 * come with their backslashes bare. */
		if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
			i++;
		out[n++] = s.p[i];
	}
	*ret = str_make(out, n);
	return E_OK;
}

int media_parameter(struct str value, struct str name, struct arena *a, struct str *ret)
{
	struct str rest = value;

	*ret = STR_EMPTY;
	(void)cut_parameter(&rest); /* the value itself */
	while (rest.n > 0) {
		struct str piece = str_trim(cut_parameter(&rest));
		size_t eq = str_find_char(piece, '=');

		if (eq < piece.n && str_ieq(str_trim(str_first(piece, eq)), name))
			return unquote(str_trim(str_from(piece, eq + 1)), a, ret);
	}
	return E_OK;
}
