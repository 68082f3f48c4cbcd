#include "process/event.h"

bool event_open(struct event *ev, struct work *w, struct item *it)
{
	if (it == NULL)
		return false;
	*ev = (struct event){.w = w, .it = it, .d = item_payload(w->e, it)};
	if (ev->d == NULL)
		return false;
	ev->root = json_root(ev->d);
	ev->notes = (struct notes){ev->d, w->e->arena, 0};
	return json_type_of(ev->d, ev->root) == JSON_TYPE_OBJECT;
}

struct values event_values(struct json_doc *d, json_node root, const char *key)
{
	json_node n = json_get(d, root, str_of(key));
	struct values v = {JSON_NONE, JSON_NONE};

	if (json_type_of(d, n) == JSON_TYPE_ARRAY)
		v.list = n;
	else if (json_type_of(d, json_get(d, n, STR("values"))) == JSON_TYPE_ARRAY)
		v.list = json_get(d, n, STR("values"));
	else if (json_type_of(d, n) == JSON_TYPE_OBJECT)
		v.single = n;
	return v;
}

json_node values_first(const struct json_doc *d, const struct values *v)
{
	return v->list != JSON_NONE ? json_first(d, v->list) : v->single;
}

json_node values_next(const struct json_doc *d, const struct values *v, json_node n)
{
	return v->list != JSON_NONE ? json_next(d, n) : JSON_NONE;
}

static int each_frame_of(struct event *ev, json_node holder, frame_fn *each)
{
	json_node frames = json_find(ev->d, holder, "stacktrace.frames");
	int rc = E_OK;

	if (json_type_of(ev->d, frames) != JSON_TYPE_ARRAY)
		return E_OK;
	for (json_node f = json_first(ev->d, frames); f != JSON_NONE && rc == E_OK;
		f = json_next(ev->d, f))
		if (json_type_of(ev->d, f) == JSON_TYPE_OBJECT)
			rc = each(ev, f);
	return rc;
}

int event_each_frame(struct event *ev, frame_fn *each)
{
	static const char *const lists[] = {"exception", "threads"};
	int rc = each_frame_of(ev, ev->root, each);

	for (size_t i = 0; i < sizeof lists / sizeof lists[0] && rc == E_OK; i++) {
		struct values v = event_values(ev->d, ev->root, lists[i]);

		for (json_node n = values_first(ev->d, &v); n != JSON_NONE && rc == E_OK;
			n = values_next(ev->d, &v, n))
			rc = each_frame_of(ev, n, each);
	}
	return rc;
}
