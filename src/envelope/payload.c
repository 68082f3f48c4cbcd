/* Payloads as documents: indexed once, edited by whoever processes, written once. */
#include "envelope/envelope.h"

/* As many as counting allows (measure.c). */
#define PAYLOAD_NODES_MAX (UINT32_C(1) << 22)

struct json_doc *item_document(struct envelope *e, struct item *it)
{
	struct json_limits limits = {.max_nodes = PAYLOAD_NODES_MAX};

	if (it->document == NULL && !it->is_opaque &&
		json_parse(&it->document, e->arena, it->payload, &limits, NULL) != E_OK) {
		it->document = NULL;
		it->is_opaque = true;
	}
	return it->document;
}

static int settle(struct envelope *e, struct item *it)
{
	struct json_doc *d = it->document;
	struct buf out = BUF_INIT;
	struct str text = STR_EMPTY;

	if (d == NULL || !json_is_dirty(d, json_root(d)))
		return E_OK;
	json_write(d, json_root(d), &out);
	if (buf_ok(&out))
		text = arena_dup(e->arena, buf_view(&out));
	buf_fini(&out);
	if (text.p == NULL)
		return E_NOMEM;
	it->payload = text;
	it->document = NULL; /* its text is the old payload's */
	return E_OK;
}

int envelope_settle(struct envelope *e, struct err *err)
{
	for (size_t i = 0; i < e->item_count; i++) {
		if (settle(e, &e->items[i]) != E_OK)
			return err_set(err, E_NOMEM, "item %zu: no memory to edit", i + 1);
	}
	return E_OK;
}
