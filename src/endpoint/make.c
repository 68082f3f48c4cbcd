#include "endpoint/make.h"

#include <stdlib.h>

#include "endpoint/fields.h"
#include "endpoint/query.h"

int make_no_memory(struct endpoint_work *w)
{
	return err_set(w->err, E_NOMEM, "no memory for the request");
}

int make_malformed(struct endpoint_work *w, const char *what)
{
	return err_set(w->err, E_SYNTAX, "%s", what);
}

int make_check_media(struct endpoint_work *w, const char *const *types)
{
	for (; *types != NULL; types++) {
		if (media_is(w->request->content_type, str_of(*types)))
			return E_OK;
	}
	return err_set(
		w->err, E_UNSUPPORTED, "this path does not take the Content-Type it was sent");
}

int make_insert(struct endpoint_work *w, size_t at, struct str text)
{
	struct envelope *e = w->env;
	bool adopted = e->adopted_body != NULL && e->adopted_body == w->body.p;
	char *p;

	if (w->body.n > SIZE_MAX - text.n)
		return make_no_memory(w);
	p = adopted ? realloc(e->adopted_body, w->body.n + text.n)
		    : arena_alloc(e->arena, w->body.n + text.n);
	if (p == NULL)
		return make_no_memory(w);
	if (adopted)
		e->adopted_body = p;
	else
		memcpy(p, w->body.p, w->body.n);
	memmove(p + at + text.n, p + at, w->body.n - at);
	memcpy(p + at, text.p, text.n);
	w->body = str_make(p, w->body.n + text.n);
	return E_OK;
}

int make_items(struct endpoint_work *w, size_t room)
{
	struct envelope *e = w->env;

	e->body = w->body;
	e->header_text = STR("{}");
	if (json_parse(&e->header, e->arena, e->header_text, NULL, NULL) != E_OK)
		return make_no_memory(w);
	e->items = arena_calloc(e->arena, room > 0 ? room : 1, sizeof *e->items);
	e->item_count = 0;
	return e->items != NULL ? E_OK : make_no_memory(w);
}

struct item *make_item(
	struct endpoint_work *w, enum item_type type, struct str header, struct str payload)
{
	struct item *it = &w->env->items[w->env->item_count++];

	it->type = type;
	it->type_name = str_of(item_type_name(type));
	it->header_text = header;
	it->is_compact = true;
	it->payload = payload;
	it->entries = 1;
	return it;
}

int make_event_id(struct endpoint_work *w, const struct event_id *id)
{
	char hex[EVENT_ID_HEX_BYTES];

	event_id_hex(id, hex);
	w->env->has_event_id = true;
	w->env->event_id = *id;
	return envelope_set_header_string(w->env, STR("event_id"), str_of(hex)) == E_OK
		       ? E_OK
		       : make_no_memory(w);
}

int make_random_id(struct endpoint_work *w, struct event_id *ret)
{
	return event_id_random(ret) ? E_OK
				    : err_set(w->err, E_IO, "no random numbers for an event id");
}

/* Clients' bytes are copied, not printed: a NUL among them ends nothing. */
static int carry_headers(struct endpoint_work *w, struct str *ret)
{
	struct str type = w->content_type.n > 0 ? w->content_type : w->request->content_type;
	struct str others = STR_EMPTY;
	struct buf b = BUF_INIT;

	if (endpoint_has(w->request->path.endpoint, ENDPOINT_HEADERS) &&
		fields_filter(w->request->headers, w->env->arena, &others) != E_OK)
		return make_no_memory(w);
	if (type.n > 0) {
		buf_str(&b, STR("Content-Type: "));
		buf_str(&b, type);
		buf_char(&b, '\n');
	}
	buf_str(&b, others);
	*ret = buf_ok(&b) ? arena_dup(w->env->arena, buf_view(&b)) : STR_EMPTY;
	buf_fini(&b);
	return ret->p != NULL ? E_OK : make_no_memory(w);
}

int make_carried(struct endpoint_work *w, enum item_type type, uint64_t entries, struct str path,
	struct str query)
{
	struct carried *c = &w->env->carried;
	struct item *it;
	struct str name;
	int rc = make_items(w, 1);

	if (rc == E_OK)
		rc = carry_headers(w, &c->headers);
	if (rc != E_OK)
		return rc;
	c->method = w->request->method;
	c->path = path;
	c->query = query;
	c->was_encoded = w->request->was_encoded;
	name = arena_printf(w->env->arena, "{\"type\":\"%s\"}", item_type_name(type));
	if (name.p == NULL)
		return make_no_memory(w);
	it = make_item(w, type, name, w->body);
	it->entries = entries;
	item_quantities(it, &w->env->held);
	return E_OK;
}

bool endpoint_is_envelope(const struct endpoint_request *r)
{
	return r->path.endpoint == ENDPOINT_ENVELOPE || r->path.endpoint == ENDPOINT_STREAM ||
	       (r->path.endpoint == ENDPOINT_STORE &&
		       media_is(r->content_type, STR("application/x-sentry-envelope")));
}

int endpoint_take(struct endpoint_work *w)
{
	static int (*const takers[ENDPOINT_COUNT])(struct endpoint_work *) = {
		[ENDPOINT_STORE] = take_store,
		[ENDPOINT_SECURITY] = take_security,
		[ENDPOINT_NEL] = take_nel,
		[ENDPOINT_MINIDUMP] = take_minidump,
		[ENDPOINT_ATTACHMENTS] = take_attachments,
		[ENDPOINT_UNREAL] = take_unreal,
		[ENDPOINT_CRON] = take_cron,
		[ENDPOINT_OTLP_TRACES] = take_otlp,
		[ENDPOINT_OTLP_LOGS] = take_otlp,
		[ENDPOINT_VERCEL] = take_other,
		[ENDPOINT_HEROKU] = take_other,
		[ENDPOINT_PLAYSTATION] = take_playstation,
		[ENDPOINT_OTHER] = take_other,
	};

	return takers[w->request->path.endpoint](w);
}
