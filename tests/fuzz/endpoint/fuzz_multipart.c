/* A form: first line is its Content-Type, the rest its body. The same bytes are
 * also read as a form inside a form and as MessagePack. */
#include "base/check.h"
#include "endpoint/msgpack.h"
#include "endpoint/multipart.h"

static bool is_within(struct str s, struct str whole)
{
	return s.n == 0 || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

static void read_all(struct multipart *m, struct err *err)
{
	struct str body = m->body;
	struct part p;
	size_t end = 0;
	int rc;

	while ((rc = multipart_next(m, &p, err)) == E_OK) {
		check(is_within(p.data, body) && is_within(p.content_type, body));
		check(str_find_char(p.filename, '/') == p.filename.n);
		check(p.is_file || p.filename.n == 0);
		check((size_t)(p.data.p - body.p) >= end); /* parts do not overlap */
		end = (size_t)(p.data.p - body.p) + p.data.n;
		check(m->at <= body.n);
	}
	check(rc == E_NOTFOUND || err->text[0] != '\0');
	if (rc == E_NOTFOUND)
		check(m->close_at >= end && str_starts(str_from(body, m->close_at), m->delimiter));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make((const char *)data, size), type = STR_EMPTY;
	struct arena *a = arena_new(1024, 0);
	struct err err = {0};
	struct multipart m;
	struct str text;

	check(a != NULL);
	(void)str_cut(&rest, '\n', &type);
	if (multipart_begin(&m, type, rest, a, &err) == E_OK)
		read_all(&m, &err);
	else
		check(err.text[0] != '\0');
	if (multipart_begin_nested(&m, rest, a, &err) == E_OK)
		read_all(&m, &err);
	text = msgpack_text(rest, STR("event_id"));
	check(is_within(text, rest));
	arena_free(a);
	return 0;
}
