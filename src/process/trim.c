/* What is cut away from an event: breadcrumbs, spans, request bodies
 * (sdk-semantics 7.1, 7.4, 7.8). */
#include "process/event.h"

#define SMALL_BYTES  1000u
#define MEDIUM_BYTES 10000u

/* The newest are kept; that is the end of the list. */
static int trim_breadcrumbs(struct event *ev, uint64_t max)
{
	struct values v = event_values(ev->d, ev->root, "breadcrumbs");
	uint64_t count = json_count(ev->d, v.list);
	bool is_bare = v.list == json_get(ev->d, ev->root, STR("breadcrumbs"));
	json_node n = json_first(ev->d, v.list), next;
	int rc = E_OK;

	if (count <= max)
		return E_OK;
	for (uint64_t i = 0; i < count - max && rc == E_OK; i++, n = next) {
		next = json_next(ev->d, n);
		rc = json_remove(ev->d, n);
	}
	if (rc == E_OK)
		rc = note_shift(
			&ev->notes, is_bare ? "breadcrumbs" : "breadcrumbs.values", count - max);
	return rc == E_OK ? note_path(&ev->notes, "breadcrumbs", count, STR_EMPTY) : rc;
}

static int remove_after(struct json_doc *d, json_node n)
{
	json_node next;
	int rc = E_OK;

	for (n = json_next(d, n); n != JSON_NONE && rc == E_OK; n = next) {
		next = json_next(d, n);
		rc = json_remove(d, n);
	}
	return rc;
}

/* SDKs tell spans beyond their bound as buffer_overflow (sdk-semantics 12). */
static int trim_spans(struct event *ev, uint64_t max)
{
	json_node spans = json_get(ev->d, ev->root, STR("spans")), last;
	uint64_t count = json_count(ev->d, spans);
	struct quantities *dropped;
	int rc;

	if (json_type_of(ev->d, spans) != JSON_TYPE_ARRAY || count <= max)
		return E_OK;
	work_by(ev->w, "event", "max_spans");
	work_decided(ev->w, DROP_BUFFER_OVERFLOW);
	dropped = work_dropped(ev->w, DROP_BUFFER_OVERFLOW);
	last = json_at(ev->d, spans, (int64_t)max - 1);
	if (dropped == NULL || last == JSON_NONE)
		return E_NOMEM;
	rc = remove_after(ev->d, last);
	if (rc == E_OK)
		rc = note_path(&ev->notes, "spans", count, STR_EMPTY);
	/* The header's count was believed when this was received. */
	if (rc == E_OK && ev->it->entries > max) {
		quantities_add(dropped, CAT_SPAN, ev->it->entries - max);
		rc = item_set_count(ev->w->e, ev->it, max);
	}
	return rc;
}

/* Header names in any case, in an object or a list of pairs (T24). */
static uint64_t content_length(struct event *ev, json_node request)
{
	json_node headers = json_get(ev->d, request, STR("headers"));
	uint64_t bytes = 0;

	for (json_node n = json_first(ev->d, headers); n != JSON_NONE; n = json_next(ev->d, n)) {
		bool is_pair = json_type_of(ev->d, headers) == JSON_TYPE_ARRAY;
		struct str name =
			is_pair ? json_text(ev->d, json_at(ev->d, n, 0)) : json_key(ev->d, n);
		json_node value = is_pair ? json_at(ev->d, n, 1) : n;

		if (str_ieq(name, STR("content-length")))
			(void)str_to_u64(json_type_of(ev->d, value) == JSON_TYPE_STRING
						 ? str_trim(json_text(ev->d, value))
						 : json_raw(ev->d, value),
				UINT64_MAX, &bytes);
	}
	return bytes;
}

static uint64_t body_bytes(struct event *ev, json_node request, json_node data)
{
	uint64_t told = content_length(ev, request), is;

	is = json_type_of(ev->d, data) == JSON_TYPE_STRING ? json_text(ev->d, data).n
							   : json_raw(ev->d, data).n;
	return told > is ? told : is;
}

static int trim_body(struct event *ev, int size)
{
	json_node request = json_get(ev->d, ev->root, STR("request"));
	json_node data = json_get(ev->d, request, STR("data"));
	enum json_type type = json_type_of(ev->d, data);
	uint64_t max = size == BODY_SMALL ? SMALL_BYTES : size == BODY_MEDIUM ? MEDIUM_BYTES : 0;
	int rc;

	if (type == JSON_TYPE_MISSING || type == JSON_TYPE_NULL)
		return E_OK;
	if (type == JSON_TYPE_STRING && json_text(ev->d, data).n == 0)
		return E_OK;
	if (size != BODY_NEVER && body_bytes(ev, request, data) <= max)
		return E_OK;
	rc = json_replace_string(ev->d, data, STR(""));
	return rc == E_OK ? note_path(&ev->notes, "request.data", 0, STR("[\"!config\",\"x\"]"))
			  : rc;
}

int event_trim(struct event *ev)
{
	const struct settings *s = ev->w->j->settings;
	int rc = E_OK;

	if (s->event.max_breadcrumbs > 0)
		rc = trim_breadcrumbs(ev, s->event.max_breadcrumbs);
	if (rc == E_OK && s->event.max_spans > 0 && ev->it->type == ITEM_TRANSACTION)
		rc = trim_spans(ev, s->event.max_spans);
	if (rc == E_OK && s->event.max_request_body_size != BODY_ALWAYS)
		rc = trim_body(ev, s->event.max_request_body_size);
	return rc;
}
