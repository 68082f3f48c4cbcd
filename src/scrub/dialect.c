/* From the configuration's dialect to PCRE2's, one pass over the text. */
#include "scrub/dialect.h"

struct dialect {
	struct str s;
	size_t at;
	bool in_class;
	struct buf *out;
	struct err *err;
};

static int refuse(const struct dialect *d, const char *what)
{
	return err_set(d->err, E_SYNTAX, "%s at byte %zu of the pattern", what, d->at);
}

static int look(const struct dialect *d, size_t ahead)
{
	return d->at + ahead < d->s.n ? (unsigned char)d->s.p[d->at + ahead] : -1;
}

static void copy(struct dialect *d, size_t n)
{
	buf_str(d->out, str_first(str_from(d->s, d->at), n));
	d->at += n;
}

static bool is_hex(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* \u0000 and \U00000000: exactly so many hex digits, or any in braces. */
static int translate_point(struct dialect *d, size_t digits)
{
	if (look(d, 2) == '{') {
		buf_cstr(d->out, "\\x");
		d->at += 2;
		return E_OK;
	}
	for (size_t i = 0; i < digits; i++)
		if (!is_hex(look(d, 2 + i)))
			return refuse(d, "an escape without its hex digits");
	buf_cstr(d->out, "\\x{");
	d->at += 2;
	copy(d, digits);
	buf_char(d->out, '}');
	return E_OK;
}

static int translate_escape(struct dialect *d)
{
	static const char same[] = "dDsSwWpPxnrtaf";
	static const char outside[] = "bBAz";
	int c = look(d, 1);

	if (c == 'u' || c == 'U')
		return translate_point(d, c == 'u' ? 4 : 8);
	if (c == 'v') { /* one character here, a class there */
		buf_cstr(d->out, "\\x0b");
		d->at += 2;
		return E_OK;
	}
	if (c > 0 && c < 0x80 &&
		(strchr(same, c) != NULL || (!d->in_class && strchr(outside, c) != NULL))) {
		copy(d, 2);
		return E_OK;
	}
	if (c < 0x21 || c >= 0x7f || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z') || c == '<' || c == '>')
		return refuse(d, "an escape that is not supported");
	copy(d, 2);
	return E_OK;
}

/* [:alpha:] is ASCII in the dialect; with Unicode properties PCRE2 widens it. */
static int translate_posix(struct dialect *d)
{
	static const struct {
		const char *name;
		const char *set;
	} sets[] = {
		{"[:alpha:]", "A-Za-z"},
		{"[:digit:]", "0-9"},
		{"[:alnum:]", "A-Za-z0-9"},
		{"[:upper:]", "A-Z"},
		{"[:lower:]", "a-z"},
		{"[:space:]", "\\t\\n\\x0b\\f\\r "},
		{"[:blank:]", "\\t "},
		{"[:punct:]", "!-\\/:-@\\[-`{-~"},
		{"[:xdigit:]", "0-9A-Fa-f"},
		{"[:word:]", "0-9A-Za-z_"},
		{"[:cntrl:]", "\\x00-\\x1f\\x7f"},
		{"[:print:]", " -~"},
		{"[:graph:]", "!-~"},
		{"[:ascii:]", "\\x00-\\x7f"},
	};

	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		if (str_starts(str_from(d->s, d->at), str_of(sets[i].name))) {
			buf_cstr(d->out, sets[i].set);
			d->at += strlen(sets[i].name);
			return E_OK;
		}
	}
	return refuse(d, "a class inside a class");
}

static int translate_in_class(struct dialect *d)
{
	int c = look(d, 0);

	if (c == '[')
		return translate_posix(d);
	if ((c == '&' || c == '-' || c == '~') && look(d, 1) == c)
		return refuse(d, "a class operation");
	if (c == ']')
		d->in_class = false;
	copy(d, 1);
	return E_OK;
}

static void enter_class(struct dialect *d)
{
	d->in_class = true;
	copy(d, 1);
	if (look(d, 0) == '^')
		copy(d, 1);
	if (look(d, 0) == ']')
		copy(d, 1);
}

/* After "(?": a name, flags, or a plain group. Nothing else is understood. */
static int check_group(struct dialect *d)
{
	size_t at = 2;
	int c = look(d, at);

	if (c == 'P' && look(d, 3) == '<')
		return E_OK;
	if (c == '<' && look(d, 3) != '=' && look(d, 3) != '!')
		return E_OK;
	while (c == 'i' || c == 'm' || c == 's' || c == 'U' || c == 'x' || c == '-')
		c = look(d, ++at);
	if (c == ':' || (c == ')' && at > 2))
		return E_OK;
	return refuse(d, "a group that is not supported");
}

static int translate_outside(struct dialect *d)
{
	int c = look(d, 0);

	if (c == '[') {
		enter_class(d);
		return E_OK;
	}
	if (c == '(') {
		if (look(d, 1) == '*')
			return refuse(d, "a verb");
		if (look(d, 1) == '?') {
			int rc = check_group(d);

			if (rc != E_OK)
				return rc;
			copy(d, 2);
			return E_OK;
		}
	}
	if ((c == '*' || c == '+' || c == '?' || c == '}') && look(d, 1) == '+')
		return refuse(d, "a possessive repetition");
	copy(d, 1);
	return E_OK;
}

int dialect_translate(struct str source, struct buf *out, struct err *err)
{
	struct dialect d = {source, 0, false, out, err};
	int rc = E_OK;

	while (rc == E_OK && d.at < source.n) {
		if (look(&d, 0) == '\\')
			rc = translate_escape(&d);
		else
			rc = d.in_class ? translate_in_class(&d) : translate_outside(&d);
	}
	if (rc == E_OK && !buf_ok(out))
		rc = err_set(err, E_NOMEM, "no memory for a pattern");
	return rc;
}
