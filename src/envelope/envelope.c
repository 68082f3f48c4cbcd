/* Life and edits of an envelope. */
#include "envelope/envelope.h"

#include <stdlib.h>

#define FIRST_ARENA_BYTES 4096u

struct envelope *envelope_new(void)
{
	struct arena *a = arena_new(FIRST_ARENA_BYTES, 0);
	struct envelope *e = a != NULL ? arena_calloc(a, 1, sizeof *e) : NULL;

	if (e == NULL) {
		arena_free(a);
		return NULL;
	}
	e->arena = a;
	e->from.peer_uid = e->from.peer_pid = -1;
	return e;
}

void envelope_free(struct envelope *e)
{
	if (e == NULL)
		return;
	free(e->adopted_body);
	arena_free(e->arena); /* e itself lives in it */
}

/* An envelope made here rather than parsed has no header yet. */
static int need_header(struct envelope *e)
{
	if (e->header != NULL)
		return E_OK;
	e->header_text = STR("{}");
	return json_parse(&e->header, e->arena, e->header_text, NULL, NULL);
}

int envelope_set_header_string(struct envelope *e, struct str key, struct str value)
{
	struct str k = arena_dup(e->arena, key), v = arena_dup(e->arena, value);
	int rc = need_header(e);

	if (rc != E_OK)
		return rc;
	if (k.p == NULL || v.p == NULL)
		return E_NOMEM;
	return json_set_string(e->header, json_root(e->header), k, v);
}

int envelope_delete_header(struct envelope *e, struct str key)
{
	json_node n;

	if (e->header == NULL)
		return E_OK;
	/* Unknown keys may stand more than once. */
	while ((n = json_get(e->header, json_root(e->header), key)) != JSON_NONE) {
		int rc = json_remove(e->header, n);

		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

struct json_doc *item_header(struct envelope *e, struct item *it)
{
	if (it->header == NULL &&
		json_parse(&it->header, e->arena, it->header_text, NULL, NULL) != E_OK)
		it->header = NULL;
	return it->header;
}

enum item_class envelope_class(const struct envelope *e)
{
	enum item_class best = CLASS_BULK;

	for (size_t i = 0; i < e->item_count; i++) {
		enum item_class c = item_class_of(&e->items[i]);

		if (c < best)
			best = c;
	}
	return best;
}

bool envelope_needs_event_id(const struct envelope *e)
{
	for (size_t i = 0; i < e->item_count; i++) {
		if (item_needs_event(&e->items[i]))
			return true;
	}
	return false;
}

size_t envelope_remove_if(
	struct envelope *e, envelope_gone_fn *gone, void *arg, struct quantities *removed)
{
	struct quantities sum = {{0}};
	size_t kept = 0, n;

	for (size_t i = 0; i < e->item_count; i++) {
		if (gone(arg, &e->items[i])) {
			item_quantities(&e->items[i], &sum);
			continue;
		}
		if (kept != i)
			e->items[kept] = e->items[i];
		kept++;
	}
	n = e->item_count - kept;
	e->item_count = kept;
	quantities_subtract(&e->held, &sum);
	if (removed != NULL)
		quantities_merge(removed, &sum);
	return n;
}

static bool is_this(void *arg, const struct item *it)
{
	return it == arg;
}

void envelope_remove_item(struct envelope *e, size_t index)
{
	if (index < e->item_count)
		(void)envelope_remove_if(e, is_this, &e->items[index], NULL);
}

struct limited {
	uint64_t limits;
	bool event_stopped;
};

static bool is_stopped(const struct limited *l, const struct item *it)
{
	if (it->type == ITEM_CLIENT_REPORT)
		return false;
	return l->limits == UINT64_MAX || (item_gates(it) & l->limits) != 0;
}

/* What stands for the event itself, so that the rest is bound to it. */
static bool is_the_event(const struct item *it)
{
	return it->type == ITEM_EVENT || it->type == ITEM_TRANSACTION ||
	       it->type == ITEM_UNREAL_REPORT || it->type == ITEM_FEEDBACK ||
	       (it->creates_event && it->carries_count);
}

static bool is_limited(void *arg, const struct item *it)
{
	const struct limited *l = arg;

	return is_stopped(l, it) || (l->event_stopped && item_needs_event(it));
}

size_t envelope_remove_limited(struct envelope *e, uint64_t limits, struct quantities *removed)
{
	struct limited l = {limits, false};

	for (size_t i = 0; i < e->item_count && limits != 0; i++) {
		const struct item *it = &e->items[i];

		if (is_the_event(it) && is_stopped(&l, it))
			l.event_stopped = true;
	}
	return limits != 0 ? envelope_remove_if(e, is_limited, &l, removed) : 0;
}
