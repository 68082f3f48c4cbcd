/* Reading a form.
 *
 *   multipart_begin   boundary, then past the first delimiter
 *   multipart_next    headers of the part, then data up to the next delimiter
 */
#include "endpoint/multipart.h"

#include "base/encoding.h"
#include "endpoint/fields.h"

#define BOUNDARY_MAX     70u /* RFC 2046 5.1.1 */
#define PARTS_MAX        4096u
#define PART_HEADERS_MAX ((size_t)16 * 1024)

static int malformed(struct err *err, const char *what)
{
	return err_set(err, E_SYNTAX, "multipart body: %s", what);
}

/* Past the end of the delimiter's line, which find_delimiter() has seen. */
static void skip_line_end(struct multipart *m)
{
	struct str rest = str_from(m->body, m->at);
	size_t n = str_find_char(rest, '\n');

	m->has_crlf = n > 0 && rest.p[n - 1] == '\r';
	m->at += n + 1;
}

/* What may stand behind a boundary on its line. */
static bool ends_line(struct str rest)
{
	size_t i = 0;

	if (str_starts(rest, STR("--")))
		return true;
	while (i < rest.n && (rest.p[i] == ' ' || rest.p[i] == '\t' || rest.p[i] == '\r'))
		i++;
	return i < rest.n && rest.p[i] == '\n';
}

/* The next delimiter, which is a line of its own, at or after from; body.n:
 * none. The boundary may begin a longer one of a form inside. */
static size_t find_delimiter(const struct multipart *m, size_t from)
{
	while (from < m->body.n) {
		const char *hit =
			memmem(m->body.p + from, m->body.n - from, m->delimiter.p, m->delimiter.n);
		size_t at;

		if (hit == NULL)
			break;
		at = (size_t)(hit - m->body.p);
		if ((at == 0 || m->body.p[at - 1] == '\n') &&
			ends_line(str_from(m->body, at + m->delimiter.n)))
			return at;
		from = at + 1;
	}
	return m->body.n;
}

static int begin(struct multipart *m, struct err *err)
{
	size_t at;

	if (m->delimiter.n < 3 || m->delimiter.n > BOUNDARY_MAX + 2)
		return malformed(err, "no usable boundary");
	at = find_delimiter(m, 0);
	if (at == m->body.n)
		return malformed(err, "the boundary does not occur");
	m->at = at + m->delimiter.n;
	return E_OK;
}

int multipart_begin(struct multipart *m, struct str content_type, struct str body, struct arena *a,
	struct err *err)
{
	struct str boundary;
	char *delimiter;

	*m = (struct multipart){.body = body, .arena = a};
	if (media_parameter(content_type, STR("boundary"), a, &boundary) != E_OK)
		return err_set(err, E_NOMEM, "no memory for a form");
	if (boundary.n > BOUNDARY_MAX)
		return malformed(err, "no usable boundary");
	delimiter = arena_alloc(a, boundary.n + 2);
	if (delimiter == NULL)
		return err_set(err, E_NOMEM, "no memory for a form");
	delimiter[0] = delimiter[1] = '-';
	if (boundary.n > 0)
		memcpy(delimiter + 2, boundary.p, boundary.n);
	m->delimiter = str_make(delimiter, boundary.n + 2);
	return begin(m, err);
}

int multipart_begin_nested(struct multipart *m, struct str body, struct arena *a, struct err *err)
{
	*m = (struct multipart){.body = body, .arena = a};
	m->delimiter = str_trim(str_first(body, str_find_char(body, '\n')));
	if (!str_starts(m->delimiter, STR("--")))
		return malformed(err, "no boundary on the first line");
	return begin(m, err);
}

/* Browsers send a path in place of a name, or used to. */
static struct str base_name(struct str s)
{
	for (size_t i = s.p != NULL ? s.n : 0; i > 0; i--) {
		if (s.p[i - 1] == '/' || s.p[i - 1] == '\\')
			return str_from(s, i);
	}
	return s;
}

/* RFC 5987: charset'language'text. */
static struct str extended_value(struct str s, struct arena *a)
{
	struct str rest = s, piece;
	char *out;

	if (!str_cut(&rest, '\'', &piece) || !str_cut(&rest, '\'', &piece))
		return s;
	out = arena_alloc(a, rest.n + 1);
	return out != NULL ? str_make(out, percent_decode(rest, false, out)) : STR_EMPTY;
}

static int read_disposition(struct multipart *m, struct str value, struct part *p)
{
	struct str extended = STR_EMPTY;
	int rc = media_parameter(value, STR("name"), m->arena, &p->name);

	if (rc == E_OK)
		rc = media_parameter(value, STR("filename"), m->arena, &p->filename);
	if (rc == E_OK)
		rc = media_parameter(value, STR("filename*"), m->arena, &extended);
	if (rc == E_OK && extended.p != NULL) {
		p->filename = extended_value(extended, m->arena);
		rc = p->filename.p != NULL ? E_OK : E_NOMEM;
	}
	p->is_file = p->filename.p != NULL;
	p->filename = base_name(p->filename);
	return rc;
}

static int read_header(struct multipart *m, struct str line, struct part *p, struct err *err)
{
	size_t colon = str_find_char(line, ':');
	struct str name = str_trim(str_first(line, colon));
	struct str value = str_trim(str_from(line, colon + 1));

	if (colon == line.n)
		return malformed(err, "a header without a colon");
	if (str_ieq(name, STR("content-type")))
		p->content_type = value;
	if (!str_ieq(name, STR("content-disposition")))
		return E_OK;
	return read_disposition(m, value, p) == E_OK
		       ? E_OK
		       : err_set(err, E_NOMEM, "no memory for a form");
}

/* Up to and past the empty line. */
static int read_headers(struct multipart *m, struct part *p, struct err *err)
{
	struct str rest = str_first(str_from(m->body, m->at), PART_HEADERS_MAX), line;
	size_t all = rest.n;
	int rc = E_OK;

	while (rc == E_OK && str_cut(&rest, '\n', &line) && rest.p != NULL) {
		line = str_trim(line);
		if (line.n == 0) {
			m->at += all - rest.n;
			return E_OK;
		}
		rc = read_header(m, line, p, err);
	}
	if (rc != E_OK)
		return rc;
	if (all == PART_HEADERS_MAX)
		return err_set(err, E_TOOBIG, "multipart body: headers of a part too long");
	return malformed(err, "it ends inside a part's headers");
}

int multipart_next(struct multipart *m, struct part *ret, struct err *err)
{
	size_t start, end;
	int rc;

	*ret = (struct part){.is_file = false};
	if (str_starts(str_from(m->body, m->at), STR("--"))) {
		m->close_at = m->at - m->delimiter.n;
		return E_NOTFOUND;
	}
	if (++m->parts > PARTS_MAX)
		return err_set(err, E_TOOBIG, "multipart body: too many parts");
	skip_line_end(m);
	rc = read_headers(m, ret, err);
	if (rc != E_OK)
		return rc;
	start = m->at;
	end = find_delimiter(m, start);
	if (end == m->body.n)
		return malformed(err, "it ends without its closing boundary");
	m->at = end + m->delimiter.n;
	if (end > start) /* the line end before a delimiter is part of it */
		end--;
	if (m->has_crlf && end > start && m->body.p[end - 1] == '\r')
		end--;
	ret->data = str_make(m->body.p + start, end - start);
	return E_OK;
}
