#include "config/expand.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/file.h"
#include "config/quote.h"

#define FILE_MAX_BYTES  65536u
#define VALUE_MAX_BYTES ((size_t)1024 * 1024)

struct expander {
	struct arena *a;
	const char *const *env;
	struct buf out;
	bool is_secret;
	struct err *err;
};

const char *env_get(const char *const *env, struct str name)
{
	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, name.p, name.n) == 0 && (*env)[name.n] == '=')
			return *env + name.n + 1;
	return NULL;
}

static bool is_name(struct str s)
{
	if (s.n == 0 || isdigit((unsigned char)s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_')
			return false;
	return true;
}

static int expand_file(struct expander *x, struct str path)
{
	char *name = arena_cstr(x->a, path);
	size_t start = x->out.n;
	int rc;

	if (name == NULL)
		return err_set(x->err, E_NOMEM, "no memory");
	rc = file_read_soon(name, FILE_MAX_BYTES, &x->out, x->err);
	if (rc != E_OK)
		return rc;
	if (memchr(x->out.p + start, '\0', x->out.n - start) != NULL)
		return err_set(x->err, E_INVAL, "%s: holds a NUL byte", name);
	/* Files made by editors and "echo" end in a line end that is no part of the secret. */
	while (x->out.n > start &&
		(x->out.p[x->out.n - 1] == '\n' || x->out.p[x->out.n - 1] == '\r'))
		x->out.n--;
	x->is_secret = true;
	return E_OK;
}

static int expand_variable(struct expander *x, struct str what)
{
	size_t cut = str_find(what, STR(":-"));
	struct str name = str_first(what, cut);
	bool has_default = cut < what.n;
	char q[QUOTE_BYTES];
	const char *v;

	if (!is_name(name))
		return err_set(x->err, E_INVAL,
			"%s in ${ } is no variable (write ${NAME}, ${NAME:-default} or "
			"${file:/path}; ${$}{ for a literal ${)",
			/* What follows a colon may be a password in the wrong place. */
			quote(q, str_first(what, str_find_char(what, ':'))));
	v = env_get(x->env, name);
	if (v != NULL && (*v != '\0' || !has_default)) {
		buf_cstr(&x->out, v);
		return E_OK;
	}
	if (!has_default)
		return err_set(x->err, E_INVAL,
			"the variable %.*s is not set (set it, or write ${%.*s:-default})",
			STR_ARG(name), STR_ARG(name));
	what = str_from(what, cut + 2);
	if (str_find(what, STR("${")) < what.n)
		return err_set(x->err, E_INVAL, "expansions do not nest");
	buf_str(&x->out, what);
	return E_OK;
}

static int expand_one(struct expander *x, struct str what)
{
	if (what.n == 1 && strchr("$;#", what.p[0]) != NULL) {
		buf_char(&x->out, what.p[0]);
		return E_OK;
	}
	if (str_starts(what, STR("file:")))
		return expand_file(x, str_from(what, 5));
	return expand_variable(x, what);
}

static int expand_all(struct expander *x, struct str raw)
{
	while (raw.n > 0) {
		size_t at = str_find(raw, STR("${"));
		size_t end;
		int rc;

		buf_str(&x->out, str_first(raw, at));
		raw = str_from(raw, at);
		if (raw.n == 0)
			break;
		end = str_find_char(raw, '}');
		if (end == raw.n)
			return err_set(x->err, E_INVAL,
				"${ has no } behind it (write ${$}{ for a literal ${)");
		rc = expand_one(x, str_make(raw.p + 2, end - 2));
		if (rc != E_OK)
			return rc;
		raw = str_from(raw, end + 1);
	}
	if (!buf_ok(&x->out))
		return err_set(x->err, E_TOOBIG,
			"the value does not fit into memory (at most %zu KiB)",
			VALUE_MAX_BYTES / 1024);
	if (!str_is_utf8(buf_view(&x->out)))
		return err_set(x->err, E_INVAL, "the value is not UTF-8 text");
	return E_OK;
}

int expand_value(struct arena *a, const char *const *env, struct str raw, struct expansion *ret,
	struct err *err)
{
	struct expander x = {a, env, BUF_INIT, false, err};
	int rc;

	x.out.max = VALUE_MAX_BYTES;
	rc = expand_all(&x, raw);
	if (rc == E_OK) {
		ret->text = arena_dup(a, str_trim(buf_view(&x.out)));
		ret->is_secret = x.is_secret;
		if (ret->text.p == NULL)
			rc = err_set(err, E_NOMEM, "no memory");
	}
	buf_fini(&x.out);
	return rc;
}
