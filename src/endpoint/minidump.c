/* Crash dumps (20.3).
 *
 *   take_minidump   a form, or the bare dump?
 *   from_dump       bare: an envelope of one attachment
 *   from_form       a form goes on as it is; with an id if it had none, so that
 *                   the answer tells the one that upstream will use
 *
 * xz and bzip2 cannot be looked into here: what says it is one of them is taken
 * at its word.
 */
#include <stdlib.h>

#include "endpoint/fields.h"
#include "endpoint/form_id.h"
#include "endpoint/make.h"
#include "endpoint/multipart.h"
#include "endpoint/unpack.h"

#define DUMP_FIELD STR("upload_file_minidump")
#define DUMP_HEADER                                                                                \
	STR("{\"type\":\"attachment\",\"filename\":\"Minidump\","                                  \
	    "\"attachment_type\":\"event.minidump\"}")

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD, PACKING_OPAQUE };

static enum packing packing_of(struct str s)
{
	if (str_starts(s, STR("\x1f\x8b")))
		return PACKING_GZIP;
	if (str_starts(s, STR("\x28\xb5\x2f\xfd")))
		return PACKING_ZSTD;
	if (str_starts(s, STR("\xfd"
			      "7zXZ")) ||
		str_starts(s, STR("BZh")))
		return PACKING_OPAQUE;
	return PACKING_NONE;
}

static enum encoding encoding_of(enum packing p)
{
	return p == PACKING_GZIP ? ENCODING_GZIP : ENCODING_ZSTD;
}

static bool is_dump(struct str s)
{
	return str_starts(s, STR("MDMP")) || str_starts(s, STR("PMDM"));
}

static int no_dump(struct endpoint_work *w)
{
	return make_malformed(w, "this is not a minidump");
}

/* --- bare ------------------------------------------------------------------- */

static int to_attachment(struct endpoint_work *w, struct str dump)
{
	struct event_id id;
	struct item *it;
	int rc = make_random_id(w, &id);

	if (rc == E_OK)
		rc = make_items(w, 1);
	if (rc != E_OK)
		return rc;
	it = make_item(w, ITEM_ATTACHMENT, DUMP_HEADER, dump);
	it->creates_event = true;
	it->carries_count = true;
	return make_event_id(w, &id);
}

/* Upstream unpacks on this path only. Its id will be another than the answer's. */
static int carry_opaque(struct endpoint_work *w)
{
	struct event_id id;
	int rc = make_random_id(w, &id);

	if (rc == E_OK)
		rc = make_carried(w, ITEM_UNREAL_REPORT, 1, STR("minidump/"), STR(""));
	return rc == E_OK ? make_event_id(w, &id) : rc;
}

static int from_dump(struct endpoint_work *w)
{
	enum packing p = packing_of(w->body);
	struct str dump = w->body;
	int rc = E_OK;

	if (p == PACKING_OPAQUE)
		return carry_opaque(w);
	if (p != PACKING_NONE)
		rc = unpack_body(w, encoding_of(p), w->body, w->settings->limits.attachment, &dump);
	if (rc == E_OK && !is_dump(dump))
		rc = no_dump(w);
	return rc == E_OK ? to_attachment(w, dump) : rc;
}

/* --- a form ----------------------------------------------------------------- */

static int check_packed(struct endpoint_work *w, enum packing p, struct str data)
{
	char first[4];
	size_t n = sizeof first;
	int rc = unpack_look(w, encoding_of(p), data, w->settings->limits.attachment, first, &n);

	if (rc != E_OK)
		return rc;
	return is_dump(str_make(first, n)) ? E_OK : no_dump(w);
}

static int check_dump(struct endpoint_work *w, struct str data)
{
	enum packing p = packing_of(data);

	if (p == PACKING_OPAQUE)
		return E_OK;
	if (p == PACKING_NONE)
		return is_dump(data) ? E_OK : no_dump(w);
	return check_packed(w, p, data);
}

/* Some crash reporters send a form within the form. */
static int check_nested(struct endpoint_work *w, struct str data)
{
	struct multipart m;
	struct part p;
	int rc = multipart_begin_nested(&m, data, w->env->arena, w->err);

	while (rc == E_OK) {
		rc = multipart_next(&m, &p, w->err);
		if (rc == E_OK && str_eq(p.name, DUMP_FIELD))
			return check_dump(w, p.data);
	}
	return rc == E_NOTFOUND ? no_dump(w) : rc;
}

static int check_file(struct endpoint_work *w, struct str data)
{
	return str_starts(data, STR("--")) ? check_nested(w, data) : check_dump(w, data);
}

struct form {
	struct form_id id;
	struct multipart parts;
	bool has_dump;
	size_t files;
};

static int read_form(struct endpoint_work *w, struct form *f)
{
	struct part p;
	int rc = multipart_begin(
		&f->parts, w->request->content_type, w->body, w->env->arena, w->err);

	while (rc == E_OK) {
		rc = multipart_next(&f->parts, &p, w->err);
		if (rc != E_OK)
			break;
		f->files += p.is_file;
		if (f->files > w->settings->limits.attachment_count)
			return err_set(w->err, E_TOOBIG, "too many attachments");
		if (str_eq(p.name, DUMP_FIELD)) {
			f->has_dump = true;
			rc = check_file(w, p.data);
		} else {
			form_id_read(&f->id, &p);
		}
	}
	return rc == E_NOTFOUND ? E_OK : rc;
}

/* The field that tells upstream the id, as one part of the form. */
static struct str id_field(struct arena *a, struct str delimiter, const struct event_id *id)
{
	struct buf b = BUF_INIT;
	char hex[EVENT_ID_HEX_BYTES];
	struct str field = STR_EMPTY;

	event_id_hex(id, hex);
	buf_str(&b, delimiter);
	buf_cstr(&b, "\r\nContent-Disposition: form-data; name=\"sentry[event_id]\"\r\n\r\n");
	buf_cstr(&b, hex);
	buf_cstr(&b, "\r\n");
	if (buf_ok(&b))
		field = arena_dup(a, buf_view(&b));
	buf_fini(&b);
	return field;
}

/* Puts the field in front of the closing line. The body may move. */
static int add_id(struct endpoint_work *w, const struct multipart *m, const struct event_id *id)
{
	struct arena *a = w->env->arena;
	struct str field = id_field(a, m->delimiter, id);
	size_t tail = w->body.n - m->close_at;
	bool adopted = w->env->adopted_body != NULL && w->env->adopted_body == w->body.p;
	char *p;

	if (field.p == NULL || w->body.n > SIZE_MAX - field.n)
		return make_no_memory(w);
	p = adopted ? realloc(w->env->adopted_body, w->body.n + field.n)
		    : arena_alloc(a, w->body.n + field.n);
	if (p == NULL)
		return make_no_memory(w);
	if (adopted)
		w->env->adopted_body = p;
	else
		memcpy(p, w->body.p, w->body.n);
	memmove(p + m->close_at + field.n, p + m->close_at, tail);
	memcpy(p + m->close_at, field.p, field.n);
	w->body = str_make(p, w->body.n + field.n);
	return E_OK;
}

static int from_form(struct endpoint_work *w)
{
	struct form f = {.has_dump = false};
	struct event_id id;
	int rc = read_form(w, &f);

	if (rc == E_OK && !f.has_dump)
		rc = make_malformed(w, "the form has no upload_file_minidump");
	if (rc == E_OK && !form_id_get(&f.id, w->env->arena, &id)) {
		rc = make_random_id(w, &id);
		if (rc == E_OK)
			rc = add_id(w, &f.parts, &id);
	}
	if (rc == E_OK)
		rc = make_carried(w, ITEM_UNREAL_REPORT, 1, STR("minidump/"), STR(""));
	return rc == E_OK ? make_event_id(w, &id) : rc;
}

int take_minidump(struct endpoint_work *w)
{
	if (w->body.n == 0)
		return make_malformed(w, "the body is empty");
	if (str_istarts(str_trim(w->request->content_type), STR("multipart/")))
		return from_form(w);
	return from_dump(w);
}
