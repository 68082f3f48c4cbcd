#include "envelope/merge_part.h"

#include "envelope/share.h"

int part_open(struct part *p, enum stream_kind kind, struct str header, struct str items)
{
	int rc;

	*p = (struct part){.e = envelope_new()};
	if (p->e == NULL)
		return E_NOMEM;
	rc = envelope_parse_stored(p->e, header, items, NULL);
	if (rc != E_OK)
		return rc == E_NOMEM ? rc : E_SYNTAX;
	if (share_kind(p->e, &p->main) != kind)
		return E_SYNTAX;
	p->of = arena_calloc(p->e->arena, p->e->item_count, sizeof *p->of);
	return p->of != NULL ? E_OK : E_NOMEM;
}

void part_close(struct part *p)
{
	envelope_free(p->e);
	*p = (struct part){.e = NULL};
}

bool part_item_is_plain(struct part *p, struct item *it)
{
	struct json_doc *d;
	json_node content;

	if (it->has_others)
		return false;
	if (!it->has_content_type)
		return true;
	d = item_header(p->e, it);
	content = d != NULL ? json_get(d, json_root(d), STR("content_type")) : JSON_NONE;
	return str_ieq(json_text(d, content), STR("application/json"));
}

static struct envelope alone(const struct part *p, struct item *it)
{
	return (struct envelope){.arena = p->e->arena, .items = it, .item_count = 1};
}

void part_item_write(struct part *p, struct item *it, struct buf *out)
{
	struct envelope e = alone(p, it);

	envelope_write_items(&e, out);
}

size_t part_item_bytes(const struct part *p, struct item *it)
{
	struct envelope e = alone(p, it);

	return envelope_items_bytes(&e);
}
