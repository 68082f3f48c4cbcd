/* The envelope of a test case, as a client would send it. */
#include "cli/rule_case.h"

#include "envelope/header.h"

/* Of envelopes that need an id and tell none, so that sampling draws the same
 * number each time. */
#define EVENT_ID "11111111111111111111111111111111"

static void put_raw(struct buf *out, struct json_doc *d, json_node n)
{
	json_write(d, n, out);
}

static void put_payload(struct json_doc *d, const struct case_item *it, struct buf *out)
{
	bool is_text = json_type_of(d, it->input) == JSON_TYPE_STRING;

	if (it->form == CASE_ENTRY)
		buf_cstr(out, "{\"items\":[");
	else if (it->form == CASE_BREADCRUMB)
		buf_cstr(out, "{\"breadcrumbs\":{\"values\":[");
	if (it->form == CASE_ITEM && is_text)
		buf_str(out, json_text(d, it->input));
	else
		put_raw(out, d, it->input);
	if (it->form == CASE_ENTRY)
		buf_cstr(out, "]}");
	else if (it->form == CASE_BREADCRUMB)
		buf_cstr(out, "]}}");
}

/* Members that the case gives, but for those in not. */
static void put_members(struct json_doc *d, json_node object, const char * not, struct buf *out)
{
	for (json_node m = json_first(d, object); m != JSON_NONE; m = json_next(d, m)) {
		struct str key = json_key(d, m);

		if (str_eq(key, STR("type")) || str_eq(key, str_of(not )))
			continue;
		buf_char(out, ',');
		buf_json_str(out, key);
		buf_char(out, ':');
		json_write_compact(d, m, out);
	}
}

static bool is_whole_container(struct json_doc *d, const struct case_item *it)
{
	return container_type(item_type_parse(it->type)).n > 0 &&
	       json_get(d, it->headers, STR("content_type")) == JSON_NONE;
}

static void put_item(struct json_doc *d, const struct case_item *it, struct buf *out)
{
	struct buf payload = BUF_INIT;

	put_payload(d, it, &payload);
	buf_cstr(out, "{\"type\":");
	buf_json_str(out, it->type);
	put_members(d, it->headers, "length", out);
	if (is_whole_container(d, it)) {
		size_t n = it->form == CASE_ENTRY
				   ? 1
				   : json_count(d, json_get(d, it->input, STR("items")));

		buf_printf(out, ",\"item_count\":%zu,\"content_type\":", n);
		buf_json_str(out, container_type(item_type_parse(it->type)));
	}
	buf_printf(out, ",\"length\":%zu}\n", payload.n);
	buf_str(out, buf_view(&payload));
	buf_char(out, '\n');
	out->failed = out->failed || !buf_ok(&payload);
	buf_fini(&payload);
}

static bool needs_id(struct json_doc *d, const struct rule_case *c)
{
	if (json_get(d, c->headers, STR("event_id")) != JSON_NONE)
		return false;
	for (size_t i = 0; i < c->items_n; i++) {
		const struct case_item *it = &c->items[i];

		if (it->form == CASE_ITEM && json_get(d, it->input, STR("event_id")) != JSON_NONE)
			return false;
	}
	for (size_t i = 0; i < c->items_n; i++) {
		if (item_type_needs_event(item_type_parse(c->items[i].type)))
			return true;
	}
	return false;
}

int case_write(struct case_file *f, const struct rule_case *c, struct buf *out)
{
	struct buf header = BUF_INIT;

	put_members(f->d, c->headers, "", &header);
	buf_char(out, '{');
	buf_str(out, str_from(buf_view(&header), 1)); /* without its first comma */
	if (needs_id(f->d, c)) {
		buf_cstr(out, header.n > 0 ? "," : "");
		buf_cstr(out, "\"event_id\":\"" EVENT_ID "\"");
	}
	buf_cstr(out, "}\n");
	for (size_t i = 0; i < c->items_n; i++)
		put_item(f->d, &c->items[i], out);
	out->failed = out->failed || !buf_ok(&header);
	buf_fini(&header);
	return buf_ok(out) ? E_OK : E_NOMEM;
}
