/* merging.h - parts and what becomes of them. Include after support.h. */
#ifndef PICKET_UNIT_ENVELOPE_MERGING_H
#define PICKET_UNIT_ENVELOPE_MERGING_H

#include "envelope/merge.h"

#define LOGS    "\"content_type\":\"application/vnd.sentry.items.log+json\""
#define METRICS "\"content_type\":\"application/vnd.sentry.items.trace-metric+json\""
#define SPANS   "\"content_type\":\"application/vnd.sentry.items.span.v2+json\""
#define T1      "11111111111111111111111111111111"
#define T2      "22222222222222222222222222222222"

static const struct merge_limits merge_any = {1000, 1024 * 1024};

static inline struct merger *new_merger(const struct merge_limits *l)
{
	struct merger *m;

	assert_int_equal(merger_new(&m, l, NULL), E_OK);
	return m;
}

/* An items block of one item, length included. */
static inline char *item(const char *header, const char *payload)
{
	char *text = NULL;

	assert_true(
		asprintf(&text, "{%s,\"length\":%zu}\n%s\n", header, strlen(payload), payload) > 0);
	return text;
}

static inline int add(struct merger *m, enum stream_kind kind, const char *head,
	const char *item_head, const char *payload)
{
	char *items = item(item_head, payload);
	int rc = merger_add(m, kind, str_of(head), str_of(items), NULL);

	memset(items, 'x', strlen(items)); /* only lent */
	free(items);
	return rc;
}

static inline void expect_merged(
	struct merger *m, const char *head, const char *item_head, const char *payload)
{
	struct buf header = BUF_INIT, items = BUF_INIT;
	char *want = item(item_head, payload);

	assert_int_equal(merger_write(m, &header, &items, NULL), E_OK);
	assert_str(buf_view(&header), head);
	assert_str(buf_view(&items), want);
	free(want);
	buf_fini(&header);
	buf_fini(&items);
}

/* Items as an items block tells them, for those of several items. */
static inline void expect_items(struct merger *m, const char *const *want, size_t n)
{
	struct buf header = BUF_INIT, items = BUF_INIT;
	struct envelope *e = envelope_new();

	assert_int_equal(merger_write(m, &header, &items, NULL), E_OK);
	assert_int_equal(envelope_parse_stored(e, buf_view(&header), buf_view(&items), NULL), E_OK);
	assert_int_equal(e->item_count, n);
	for (size_t i = 0; i < n; i++)
		assert_str(e->items[i].payload, want[i]);
	envelope_free(e);
	buf_fini(&header);
	buf_fini(&items);
}

#endif
