#include "endpoint/bare.h"

#include <stdbool.h>

#include "base/err.h"

/* Bytes of the token at the front, 0 for none. */
static size_t token_bytes(struct str s)
{
	static const char *const tokens[] = {"NaN", "Infinity", "-Infinity"};

	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
		if (str_starts(s, str_of(tokens[i])))
			return str_of(tokens[i]).n;
	}
	return 0;
}

static void put(char *out, size_t *n, struct str s)
{
	memcpy(out + *n, s.p, s.n);
	*n += s.n;
}

int bare_to_null(struct str text, struct arena *a, struct str *ret)
{
	bool in_string = false;
	size_t i = 0, n = 0;
	char *out;

	if (text.n > SIZE_MAX / 2) /* "null" is a byte longer than "NaN" */
		return E_NOMEM;
	out = arena_alloc(a, text.n + text.n / 3 + 1);
	if (out == NULL)
		return E_NOMEM;
	while (i < text.n) {
		char c = text.p[i];
		size_t token = in_string ? 0 : token_bytes(str_from(text, i));

		if (token > 0) {
			put(out, &n, STR("null"));
			i += token;
			continue;
		}
		if (c == '"')
			in_string = !in_string;
		out[n++] = c;
		i++;
		if (in_string && c == '\\' && i < text.n)
			out[n++] = text.p[i++];
	}
	*ret = str_make(out, n);
	return E_OK;
}
