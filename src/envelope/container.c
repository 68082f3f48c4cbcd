#include "envelope/container.h"

static bool says_auto(struct json_doc *d, json_node settings)
{
	if (json_type_of(d, settings) != JSON_TYPE_OBJECT)
		return settings != JSON_NONE;
	for (json_node n = json_first(d, settings); n != JSON_NONE; n = json_next(d, n)) {
		if (str_ieq(json_text(d, n), STR("auto")))
			return true;
	}
	return false;
}

static int take_member(struct json_doc *d, json_node n, struct container *c)
{
	struct str key = json_key(d, n);
	json_node *to;

	if (str_eq(key, STR("items")))
		to = &c->items;
	else if (str_eq(key, STR("version")))
		to = &c->version;
	else if (str_eq(key, STR("ingest_settings")))
		to = &c->settings;
	else
		return key.p == NULL ? E_NOMEM : E_SYNTAX;
	if (*to != JSON_NONE)
		return E_SYNTAX;
	*to = n;
	return E_OK;
}

int container_read(struct json_doc *d, struct container *ret)
{
	int64_t version = 0;
	struct str list;

	*ret = (struct container){.items = JSON_NONE};
	if (json_type_of(d, json_root(d)) != JSON_TYPE_OBJECT)
		return E_SYNTAX;
	for (json_node n = json_first(d, json_root(d)); n != JSON_NONE; n = json_next(d, n)) {
		int rc = take_member(d, n, ret);

		if (rc != E_OK)
			return rc;
	}
	if (json_type_of(d, ret->items) != JSON_TYPE_ARRAY)
		return E_SYNTAX;
	list = json_raw(d, ret->items);
	ret->entries = str_trim(str_make(list.p + 1, list.n - 2));
	ret->count = json_count(d, ret->items);
	ret->infers =
		!json_int(d, ret->version, &version) || version != 2 || says_auto(d, ret->settings);
	return E_OK;
}

bool container_trace(struct json_doc *d, const struct container *c, struct event_id *ret)
{
	bool any = false;

	for (json_node n = json_first(d, c->items); n != JSON_NONE; n = json_next(d, n)) {
		struct event_id id;

		if (!event_id_parse(json_text(d, json_get(d, n, STR("trace_id"))), &id))
			return false;
		if (any && !event_id_eq(&id, ret))
			return false;
		*ret = id;
		any = true;
	}
	return any;
}
