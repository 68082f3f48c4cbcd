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

/* An envelope's dump has to be unpacked, and upstream unpacks on this path: so
 * the dump goes on as a form, which can tell its id. The id is random, so that
 * it serves as the boundary too. */
static int carry_opaque(struct endpoint_work *w)
{
	struct arena *a = w->env->arena;
	char hex[EVENT_ID_HEX_BYTES];
	struct event_id id;
	struct str front, back;
	int rc = make_random_id(w, &id);

	if (rc != E_OK)
		return rc;
	event_id_hex(&id, hex);
	front = arena_printf(a,
		"--%s\r\nContent-Disposition: form-data; name=\"sentry[event_id]\"\r\n\r\n%s\r\n"
		"--%s\r\nContent-Disposition: form-data; name=\"upload_file_minidump\"; "
		"filename=\"Minidump\"\r\n\r\n",
		hex, hex, hex);
	back = arena_printf(a, "\r\n--%s--\r\n", hex);
	w->content_type = arena_printf(a, "multipart/form-data; boundary=%s", hex);
	if (front.p == NULL || back.p == NULL || w->content_type.p == NULL)
		return make_no_memory(w);
	rc = make_insert(w, 0, front);
	if (rc == E_OK)
		rc = make_insert(w, w->body.n, back);
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

/* Tells upstream the id: a field in front of the closing line. */
static int add_id(struct endpoint_work *w, const struct multipart *m, const struct event_id *id)
{
	struct buf b = BUF_INIT;
	char hex[EVENT_ID_HEX_BYTES];
	int rc;

	event_id_hex(id, hex);
	buf_str(&b, m->delimiter);
	buf_cstr(&b, "\r\nContent-Disposition: form-data; name=\"sentry[event_id]\"\r\n\r\n");
	buf_cstr(&b, hex);
	buf_cstr(&b, "\r\n");
	rc = buf_ok(&b) ? make_insert(w, m->close_at, buf_view(&b)) : make_no_memory(w);
	buf_fini(&b);
	return rc;
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
