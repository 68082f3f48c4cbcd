/* Events the old way (20.1): JSON, or that in base64, or that packed by zlib.
 *
 *   take_store    where the text is, as what it is sent on
 *   store_text    undo base64 and zlib
 *   store_doc     read it; old Python clients write NaN where JSON has null
 */
#include "base/encoding.h"
#include "endpoint/bare.h"
#include "endpoint/make.h"
#include "endpoint/query.h"
#include "endpoint/unpack.h"

static bool is_json(struct str s)
{
	return s.n > 0 && s.p[0] == '{';
}

static int store_text(struct endpoint_work *w, struct str in, struct str *ret)
{
	char *out;
	size_t n;

	*ret = str_trim(in);
	if (is_json(*ret))
		return E_OK;
	if (ret->n == 0)
		return make_malformed(w, "the body is empty");
	out = arena_alloc(w->env->arena, ret->n / 4 * 3 + 3);
	if (out == NULL)
		return make_no_memory(w);
	if (!base64_decode(*ret, out, &n))
		return make_malformed(w, "the event is neither JSON nor base64");
	*ret = str_make(out, n);
	if (is_json(*ret))
		return E_OK;
	return unpack_body(w, ENCODING_DEFLATE, *ret, w->settings->limits.event, ret);
}

/* Clients that write their floats bare. */
static bool writes_bare_floats(const struct sender *from)
{
	struct str name = from->client.n > 0 ? from->client : from->user_agent;

	return str_istarts(name, STR("raven-python/")) ||
	       str_istarts(name, STR("sentry-python/")) || str_istarts(name, STR("sentry.python/"));
}

/* A document of its own: the event's text is not edited through it. */
static int read_doc(struct endpoint_work *w, struct arena *a, struct str text, struct json_doc **d)
{
	static const struct json_limits limits = {.max_nodes = 1u << 20};
	int rc = json_parse(d, a, text, &limits, NULL);

	if (rc == E_NOMEM)
		return make_no_memory(w);
	return rc == E_OK && json_type_of(*d, json_root(*d)) == JSON_TYPE_OBJECT
		       ? E_OK
		       : make_malformed(w, "the event is not a JSON object");
}

static int store_doc(
	struct endpoint_work *w, struct arena *a, struct str *text, struct json_doc **d)
{
	int rc = read_doc(w, a, *text, d);

	if (rc != E_SYNTAX || !writes_bare_floats(&w->env->from))
		return rc;
	if (bare_to_null(*text, w->env->arena, text) != E_OK)
		return make_no_memory(w);
	return read_doc(w, a, *text, d);
}

/* Security events of this path stay events: items of that type are Relay's to
 * write (20.2), and the type that counts stands in the payload. */
static enum item_type item_type_of(struct str type)
{
	if (str_eq(type, STR("transaction")))
		return ITEM_TRANSACTION;
	return str_eq(type, STR("feedback")) ? ITEM_FEEDBACK : ITEM_EVENT;
}

static struct str header_of(enum item_type type)
{
	switch (type) {
	case ITEM_TRANSACTION:
		return STR("{\"type\":\"transaction\"}");
	case ITEM_FEEDBACK:
		return STR("{\"type\":\"feedback\"}");
	default:
		return STR("{\"type\":\"event\"}");
	}
}

static int to_envelope(struct endpoint_work *w, struct json_doc *d, struct str text)
{
	json_node root = json_root(d), id = json_get(d, root, STR("event_id"));
	enum item_type type = item_type_of(json_text(d, json_get(d, root, STR("type"))));
	enum json_type id_type = json_type_of(d, id);
	struct event_id parsed;
	int rc;

	if (id_type != JSON_TYPE_MISSING && id_type != JSON_TYPE_NULL &&
		!event_id_parse(json_text(d, id), &parsed))
		return make_malformed(w, "event_id is not a UUID");
	rc = make_items(w, 1);
	if (rc == E_OK)
		(void)make_item(w, type, header_of(type), text);
	return rc; /* the id is found in the payload, or made, like any other */
}

static int from_text(struct endpoint_work *w, struct str in)
{
	struct str text;
	struct json_doc *d = NULL;
	struct arena *a;
	int rc = store_text(w, in, &text);

	if (rc != E_OK)
		return rc;
	a = arena_new(text.n / 2 + 1024, 0);
	rc = a != NULL ? store_doc(w, a, &text, &d) : make_no_memory(w);
	if (rc == E_OK)
		rc = to_envelope(w, d, text);
	arena_free(a);
	return rc;
}

/* A pixel: everything is in the query. + is part of base64, but of JSON it is a
 * blank that was sent as one. */
static int from_query(struct endpoint_work *w)
{
	struct arena *a = w->env->arena;
	struct str raw, text;
	int rc = query_find(w->request->query, STR("sentry_data"), a, &raw);

	if (rc == E_NOTFOUND)
		return make_malformed(w, "the query has no sentry_data");
	text = rc == E_OK ? query_decode(raw, true, a) : STR_EMPTY;
	if (text.p != NULL && !is_json(str_trim(text)))
		text = query_decode(raw, false, a);
	return text.p != NULL ? from_text(w, text) : make_no_memory(w);
}

int take_store(struct endpoint_work *w)
{
	if (!str_eq(w->request->method, STR("GET")))
		return from_text(w, w->body);
	w->success = SUCCESS_GIF;
	return from_query(w);
}
