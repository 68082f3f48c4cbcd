/* Depth and breadth of what applications put in: extra, breadcrumbs, request
 * data and local variables (sdk-semantics 7.3).
 *
 * What lies too deep becomes the text of itself, what is too broad loses its
 * last elements. Runs after scrubbing, so that no text is made of what a rule
 * would have taken out.
 */
#include "process/event.h"

static int to_text(struct event *ev, struct place *p)
{
	json_node n = p->at[p->n - 1].node;
	struct buf b = BUF_INIT;
	struct str text;
	int rc;

	json_write_compact(ev->d, n, &b);
	text = arena_dup(ev->w->e->arena, buf_view(&b));
	rc = buf_ok(&b) && text.p != NULL ? json_replace_string(ev->d, n, text) : E_NOMEM;
	buf_fini(&b);
	return rc == E_OK ? note_place(&ev->notes, p, 0, STR("[\"!limit\",\"x\"]")) : rc;
}

static int to_breadth(struct event *ev, struct place *p, uint64_t max)
{
	json_node container = p->at[p->n - 1].node, n, next;
	uint64_t count = json_count(ev->d, container);
	int rc;

	if (count <= max)
		return E_OK;
	rc = note_place(&ev->notes, p, count, STR_EMPTY);
	n = json_first(ev->d, container);
	for (uint64_t i = 0; n != JSON_NONE && rc == E_OK; i++, n = next) {
		next = json_next(ev->d, n);
		if (i >= max)
			rc = json_remove(ev->d, n);
	}
	return rc;
}

/* The walk ends where p began: base nodes are above the bag. */
static int trim_bag(struct event *ev, struct place *p)
{
	const struct settings *s = ev->w->j->settings;
	uint64_t max_depth = s->event.max_depth, max_breadth = s->event.max_breadth;
	size_t base = p->n - 1;
	bool more = true;
	int rc = E_OK;

	while (more && rc == E_OK) {
		json_node n = p->at[p->n - 1].node;
		enum json_type type = json_type_of(ev->d, n);
		bool is_container = type == JSON_TYPE_OBJECT || type == JSON_TYPE_ARRAY;
		bool into = is_container;

		if (is_container && max_depth > 0 && p->n - base > max_depth) {
			rc = to_text(ev, p);
			into = false;
		} else if (is_container && max_breadth > 0) {
			rc = to_breadth(ev, p, max_breadth);
		}
		if (rc == E_OK)
			more = place_next(ev->d, p, base + 1, into);
	}
	return rc;
}

static int trim_member(struct event *ev, struct place *p, json_node holder, const char *key)
{
	json_node n = json_get(ev->d, holder, str_of(key));
	size_t before = p->n;
	int rc = E_OK;

	if (n != JSON_NONE && place_push(p, n, 0))
		rc = trim_bag(ev, p);
	p->n = before;
	return rc;
}

/* Each element of a list below p: itself, or what each() does with it. */
static int each_element(struct event *ev, struct place *p, json_node list,
	int (*each)(struct event *ev, struct place *p))
{
	size_t before = p->n;
	uint64_t index = 0;
	int rc = E_OK;

	if (json_type_of(ev->d, list) != JSON_TYPE_ARRAY || !place_push(p, list, 0))
		return E_OK;
	for (json_node n = json_first(ev->d, list); n != JSON_NONE && rc == E_OK;
		n = json_next(ev->d, n), index++) {
		if (!place_push(p, n, index))
			break;
		rc = each(ev, p);
		p->n = before + 1;
	}
	p->n = before;
	return rc;
}

static int trim_frame(struct event *ev, struct place *p)
{
	return trim_member(ev, p, p->at[p->n - 1].node, "vars");
}

static int trim_trace(struct event *ev, struct place *p)
{
	json_node trace = json_get(ev->d, p->at[p->n - 1].node, STR("stacktrace"));
	size_t before = p->n;
	int rc = E_OK;

	if (trace != JSON_NONE && place_push(p, trace, 0))
		rc = each_element(ev, p, json_get(ev->d, trace, STR("frames")), trim_frame);
	p->n = before;
	return rc;
}

/* A list with or without "values" around it. */
static int each_value(struct event *ev, struct place *p, const char *key,
	int (*each)(struct event *ev, struct place *p))
{
	json_node n = json_get(ev->d, ev->root, str_of(key));
	size_t before = p->n;
	int rc = E_OK;

	if (json_type_of(ev->d, n) == JSON_TYPE_ARRAY)
		return each_element(ev, p, n, each);
	if (n != JSON_NONE && place_push(p, n, 0))
		rc = each_element(ev, p, json_get(ev->d, n, STR("values")), each);
	p->n = before;
	return rc;
}

int event_bags(struct event *ev)
{
	struct place p = {0};
	json_node request = json_get(ev->d, ev->root, STR("request"));
	int rc = trim_member(ev, &p, ev->root, "extra");

	if (rc == E_OK)
		rc = each_value(ev, &p, "breadcrumbs", trim_bag);
	if (rc == E_OK)
		rc = each_value(ev, &p, "exception", trim_trace);
	if (rc == E_OK)
		rc = each_value(ev, &p, "threads", trim_trace);
	if (rc == E_OK && request != JSON_NONE && place_push(&p, request, 0))
		rc = trim_member(ev, &p, request, "data");
	return rc;
}
