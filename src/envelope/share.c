#include "envelope/share.h"

#include "envelope/canonical.h"

static enum stream_kind item_kind(const struct item *it)
{
	switch (it->type) {
	case ITEM_LOG:
		return it->is_container ? STREAM_LOG : STREAM_NONE;
	case ITEM_TRACE_METRIC:
		return it->is_container ? STREAM_TRACE_METRIC : STREAM_NONE;
	case ITEM_SPAN:
		return it->is_container ? STREAM_SPAN : STREAM_NONE;
	case ITEM_SESSION:
	case ITEM_SESSIONS:
		return STREAM_SESSION;
	case ITEM_STATSD:
		return STREAM_STATSD;
	case ITEM_METRIC_BUCKETS:
		return STREAM_METRIC_BUCKETS;
	case ITEM_CLIENT_REPORT:
		return STREAM_CLIENT_REPORT;
	default:
		return STREAM_NONE;
	}
}

enum stream_kind share_kind(const struct envelope *e, struct item **main)
{
	enum stream_kind kind = e->item_count > 0 ? STREAM_CLIENT_REPORT : STREAM_NONE;

	*main = NULL;
	for (size_t i = 0; i < e->item_count; i++) {
		enum stream_kind k = item_kind(&e->items[i]);

		if (k == STREAM_CLIENT_REPORT)
			continue;
		if (k == STREAM_NONE || (kind != STREAM_CLIENT_REPORT && k != kind))
			return STREAM_NONE;
		kind = k;
		if (k == STREAM_SESSION)
			continue;
		if (*main != NULL)
			return STREAM_NONE; /* one each: such an envelope is to be divided */
		*main = &e->items[i];
	}
	return kind;
}

int share_header(struct envelope *e, enum stream_kind k, struct buf *out)
{
	const struct str without[] = {STR("event_id"), STR("sent_at"), STR("dsn"), STR("trace")};
	size_t count = sizeof without / sizeof without[0];

	if (e->header == NULL)
		return E_SYNTAX;
	if (k == STREAM_SPAN)
		count--;
	return canonical_write_without(e->header, json_root(e->header), without, count, out);
}

int share_item_header(struct envelope *e, struct item *it, struct buf *out)
{
	struct json_doc *d;

	if (it->has_others)
		return E_SYNTAX;
	/* A container's content type is the one it has to be. */
	if (it->is_container || !it->has_content_type)
		return E_OK;
	d = item_header(e, it);
	if (d == NULL)
		return E_NOMEM;
	return canonical_write(d, json_get(d, json_root(d), STR("content_type")), out);
}

/* Spans are of one trace, which the header must not contradict. */
static int share_trace(
	struct envelope *e, struct json_doc *d, const struct container *c, struct buf *out)
{
	json_node trace = json_get(e->header, json_root(e->header), STR("trace"));
	struct event_id id, told;
	struct str text;

	if (!container_trace(d, c, &id))
		return E_SYNTAX;
	buf_add(out, id.b, sizeof id.b);
	if (json_type_of(e->header, trace) <= JSON_TYPE_NULL)
		return E_OK;
	text = json_text(e->header, json_get(e->header, trace, STR("trace_id")));
	return event_id_parse(text, &told) && event_id_eq(&id, &told) ? E_OK : E_SYNTAX;
}

int share_container(struct envelope *e, enum stream_kind k, struct json_doc *d, struct container *c,
	struct buf *out)
{
	int rc = container_read(d, c);

	if (rc == E_OK)
		rc = canonical_write(d, c->version, out);
	if (rc == E_OK)
		rc = canonical_write(d, c->settings, out);
	if (rc == E_OK && k == STREAM_SPAN)
		rc = share_trace(e, d, c, out);
	return rc;
}
