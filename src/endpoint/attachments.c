/* Attachments that come after their event (20.4): a form whose files become the
 * items of an envelope. Its plain fields say nothing that an item could. */
#include "endpoint/make.h"
#include "endpoint/multipart.h"

static void add_member(struct buf *b, const char *key, struct str value)
{
	if (value.n == 0)
		return;
	buf_printf(b, ",\"%s\":", key);
	buf_json_str(b, value);
}

static int add_file(struct endpoint_work *w, const struct part *p)
{
	struct buf b = BUF_INIT;
	struct str header = STR_EMPTY;

	buf_cstr(&b, "{\"type\":\"attachment\"");
	add_member(&b, "filename", p->filename);
	add_member(&b, "content_type", p->content_type);
	buf_char(&b, '}');
	if (buf_ok(&b))
		header = arena_dup(w->env->arena, buf_view(&b));
	buf_fini(&b);
	if (header.p == NULL)
		return make_no_memory(w);
	(void)make_item(w, ITEM_ATTACHMENT, header, p->data);
	return E_OK;
}

/* Twice over the form: items are an array of the right size. */
static int each_file(struct endpoint_work *w, size_t *count, bool add)
{
	struct multipart m;
	struct part p;
	int rc = multipart_begin(&m, w->request->content_type, w->body, w->env->arena, w->err);

	for (*count = 0; rc == E_OK;) {
		rc = multipart_next(&m, &p, w->err);
		if (rc != E_OK || !p.is_file)
			continue;
		++*count;
		if (add)
			rc = add_file(w, &p);
	}
	return rc == E_NOTFOUND ? E_OK : rc;
}

int take_attachments(struct endpoint_work *w)
{
	struct event_id id;
	size_t count;
	int rc = each_file(w, &count, false);

	if (rc == E_OK)
		rc = make_items(w, count);
	if (rc == E_OK)
		rc = each_file(w, &count, true);
	if (rc != E_OK)
		return rc;
	if (!event_id_parse(w->request->path.event_id, &id))
		return make_malformed(w, "the event id in the path is not a UUID");
	return make_event_id(w, &id);
}
