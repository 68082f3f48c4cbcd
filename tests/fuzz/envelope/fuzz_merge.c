/* Two envelopes, with a byte 0xff between them: each is divided, both are merged if
 * they are of one kind. What comes out is what went in, written as upstream takes
 * it; envelopes of one stream are never refused. */
#include <stdlib.h>

#include "base/check.h"
#include "envelope/divide.h"
#include "envelope/merge.h"
#include "unit/envelope/conserve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small enough that inputs of a fuzzer reach them. */
static const struct item_limits tight = {.attachments = 64,
	.attachment_count = 3,
	.session_count = 2,
	.client_report_count = 2,
	.span_count = 2};

struct side {
	struct envelope *e;
	struct stream_key key;
	struct buf head, items;
};

static bool side_open(struct side *s, struct str body)
{
	struct quantities invalid;

	*s = (struct side){.e = envelope_new()};
	check(s->e != NULL);
	if (envelope_parse(s->e, body, NULL, NULL) != E_OK)
		return false;
	check(envelope_identify(s->e, NULL) == E_OK);
	check(envelope_measure(s->e, &invalid, NULL) == E_OK);
	check(stream_key_of(s->e, &s->key, NULL) == E_OK);
	envelope_write_header(s->e, &s->head);
	envelope_write_items(s->e, &s->items);
	return true;
}

static void side_close(struct side *s)
{
	envelope_free(s->e);
	buf_fini(&s->head);
	buf_fini(&s->items);
}

static void check_pieces(struct envelope *e)
{
	struct quantities sum = {{0}};
	struct envelope *pieces;
	size_t n, items = 0;

	if (envelope_divide(e, &tight, &pieces, &n, NULL) != E_OK)
		return;
	for (size_t k = 0; k < n; k++) {
		struct envelope *none;
		size_t one;

		items += pieces[k].item_count;
		quantities_merge(&sum, &pieces[k].held);
		check(envelope_divide(&pieces[k], &tight, &none, &one, NULL) == E_OK);
		check(one == 1 && none == &pieces[k]);
	}
	check(items == e->item_count);
	check(memcmp(&sum, &e->held, sizeof sum) == 0);
}

static int add(struct merger *m, const struct side *s, enum stream_kind kind)
{
	return merger_add(m, kind, buf_view(&s->head), buf_view(&s->items), NULL);
}

static void check_merged(struct merger *m, struct facts *in)
{
	struct buf head = BUF_INIT, items = BUF_INIT, again = BUF_INIT;
	struct quantities invalid;
	struct envelope *e = envelope_new();
	struct facts out = {0};

	check(e != NULL && merger_write(m, &head, &items, NULL) == E_OK);
	check(envelope_parse_stored(e, buf_view(&head), buf_view(&items), NULL) == E_OK);
	check(!e->has_event_id && !e->has_sent_at);
	check(envelope_measure(e, &invalid, NULL) == E_OK);
	check(quantities_empty(&invalid));
	envelope_write_items(e, &again);
	check(str_eq(buf_view(&again), buf_view(&items)));
	facts_of(&out, e);
	facts_check_same(in, &out);
	facts_fini(&out);
	envelope_free(e);
	buf_fini(&head);
	buf_fini(&items);
	buf_fini(&again);
}

static void check_merging(struct side *a, struct side *b)
{
	struct merge_limits limits = {20, 2000};
	struct facts in = {0};
	struct merger *m;
	int rc;

	check(merger_new(&m, &limits, NULL) == E_OK);
	rc = add(m, a, a->key.kind);
	check(rc == E_OK || rc == E_SYNTAX);
	if (rc == E_OK) {
		facts_of(&in, a->e);
		check_merged(m, &in);
		rc = add(m, b, a->key.kind);
		check(rc == E_OK || rc == E_TOOBIG || !stream_key_eq(&a->key, &b->key));
		if (rc == E_OK)
			facts_of(&in, b->e);
		check_merged(m, &in);
		/* A merger that was used is like a new one. */
		merger_clear(m);
		facts_fini(&in);
		check(add(m, a, a->key.kind) == E_OK);
		facts_of(&in, a->e);
		check_merged(m, &in);
	}
	facts_fini(&in);
	merger_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = str_make((const char *)data, size);
	size_t cut = str_find_char(body, (char)0xff);
	struct side a, b;
	bool both = side_open(&a, str_first(body, cut));

	both = side_open(&b, str_from(body, cut + 1)) && both;
	if (both && a.key.kind != STREAM_NONE)
		check_merging(&a, &b);
	if (both)
		check_pieces(b.e);
	side_close(&a);
	side_close(&b);
	return 0;
}
