/* Payloads as documents: indexed when somebody looks inside, written when
 * somebody changed something. */
#include "envelope/envelope.h"

/* As measure.c: more than the largest payload of 9.3 can have. */
#define PAYLOAD_NODES_MAX (UINT32_C(1) << 22)

struct json_doc *item_payload(struct envelope *e, struct item *it)
{
	struct json_limits limits = {.max_nodes = PAYLOAD_NODES_MAX};
	int rc;

	if (it->document != NULL || it->is_opaque)
		return it->document;
	rc = json_parse(&it->document, e->arena, it->payload, &limits, NULL);
	if (rc != E_OK)
		it->document = NULL;
	it->is_opaque = rc != E_OK && rc != E_NOMEM;
	return it->document;
}

static int write_payload(struct envelope *e, struct item *it)
{
	struct buf b = BUF_INIT;

	json_write(it->document, json_root(it->document), &b);
	if (buf_ok(&b))
		it->payload = arena_dup(e->arena, buf_view(&b));
	buf_fini(&b);
	it->document = NULL;
	return b.failed || it->payload.p == NULL ? E_NOMEM : E_OK;
}

int item_settle(struct envelope *e, struct item *it)
{
	if (it->document == NULL || !json_is_dirty(it->document, json_root(it->document)))
		return E_OK;
	return write_payload(e, it);
}

int envelope_settle(struct envelope *e, struct err *err)
{
	memset(&e->held, 0, sizeof e->held);
	for (size_t i = 0; i < e->item_count; i++) {
		if (item_settle(e, &e->items[i]) != E_OK)
			return err_set(err, E_NOMEM, "no memory to write item %zu", i + 1);
		item_quantities(&e->items[i], &e->held);
	}
	return E_OK;
}

int item_set_count(struct envelope *e, struct item *it, uint64_t n)
{
	struct str key = it->type == ITEM_TRANSACTION ? STR("span_count") : STR("item_count");
	struct json_doc *d;
	struct str text;

	it->entries = n;
	if (!it->has_declared && !it->is_container)
		return E_OK; /* nobody asked for it to be told */
	d = item_header(e, it);
	text = arena_printf(e->arena, "%llu", (unsigned long long)n);
	if (d == NULL || text.p == NULL)
		return E_NOMEM;
	it->has_declared = true;
	it->declared = n;
	return json_set_raw(d, json_root(d), key, text);
}
