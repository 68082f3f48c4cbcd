#include "forward/gather.h"

#include <stdlib.h>

/* Clocks that differ more are different senders (protocol.md 11.1). */
#define OFFSET_MAX_MS 60000

void gatherer_init(struct gatherer *g, struct build_order *order)
{
	memset(g, 0, sizeof *g);
	g->order = order;
	buf_init(&g->plain, 0);
}

void gatherer_fini(struct gatherer *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		merger_free(g->of[i].merger);
		buf_fini(&g->of[i].first);
	}
	buf_fini(&g->plain);
}

static int64_t offset_of(const struct record *r)
{
	return r->has_sent_at ? r->sent_at_us / 1000 - r->received_wall_ms : 0;
}

static bool is_same_stream(const struct gathering *a, const struct record *r)
{
	int64_t apart_ms = a->offset_ms - offset_of(r);

	return a->key.kind == r->stream.kind && a->key.hash[0] == r->stream.hash[0] &&
	       a->key.hash[1] == r->stream.hash[1] && apart_ms <= OFFSET_MAX_MS &&
	       apart_ms >= -OFFSET_MAX_MS;
}

static struct gathering *gathering_find(struct gatherer *g, const struct record *r)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (!g->of[i].is_full && is_same_stream(&g->of[i], r))
			return &g->of[i];
	}
	return NULL;
}

/* Its share of the budget is held by the request. */
static bool budget_more(const struct gatherer *g, struct request *r, const struct record *record)
{
	uint64_t need = record->items_bytes * 3 + 2 * sizeof(struct cargo);

	if (!budget_take(g->order->budget, need))
		return false;
	r->built.budget_bytes += need;
	return true;
}

/* cargo grows in powers of two. */
static struct cargo *cargo_add(struct request *r)
{
	unsigned n = r->cargo_count;
	struct cargo *more;

	if ((n & (n - 1)) != 0)
		return &r->cargo[r->cargo_count++];
	more = malloc(2 * n * sizeof *more);
	if (more == NULL)
		return NULL;
	memcpy(more, r->cargo, n * sizeof *more);
	if (r->cargo != &r->own)
		free(r->cargo);
	r->cargo = more;
	return &r->cargo[r->cargo_count++];
}

static void cargo_fill(
	struct cargo *c, const struct record *r, const struct retry *from, struct str held)
{
	memset(c, 0, sizeof *c);
	c->from = *from;
	c->has_event_id = r->has_event_id;
	c->event_id = r->event_id;
	c->held_n = (uint8_t)held.n;
	memcpy(c->held, held.p, held.n);
}

static int gathering_add(struct gatherer *g, struct gathering *a, const struct record *record)
{
	int rc;

	buf_clear(&g->plain);
	rc = record_items(record, &g->plain, NULL);
	if (rc == E_OK)
		rc = merger_add(
			a->merger, record->stream.kind, record->header, buf_view(&g->plain), NULL);
	return rc == E_SYNTAX ? E_INVAL : rc;
}

static int gathering_start(struct gatherer *g, struct str bytes, const struct record *record,
	const struct retry *from, struct str held, struct request *r)
{
	const struct settings *s = g->order->settings;
	struct merge_limits limits = {s->batch.max_items, s->batch.max_bytes};
	struct gathering *a = &g->of[g->n];
	int rc;

	memset(a, 0, sizeof *a);
	buf_init(&a->first, 0);
	rc = merger_new(&a->merger, &limits, NULL);
	if (rc != E_OK)
		return rc;
	rc = gathering_add(g, a, record);
	buf_str(&a->first, bytes);
	if (!buf_ok(&a->first) || rc == E_NOMEM) {
		merger_free(a->merger);
		buf_fini(&a->first);
		return E_NOMEM;
	}
	/* Whatever is wrong with it, it goes alone, and is what its client sent. */
	a->is_full = a->refused = rc != E_OK;
	a->r = r;
	a->key = record->stream;
	a->offset_ms = offset_of(record);
	cargo_fill(&r->cargo[0], record, from, held);
	g->n++;
	return E_OK;
}

static int gathering_join(struct gatherer *g, struct gathering *a, const struct record *record,
	const struct retry *from, struct str held)
{
	struct cargo *c;
	int rc;

	if (!budget_more(g, a->r, record))
		return E_NOMEM;
	c = cargo_add(a->r);
	if (c == NULL)
		return E_NOMEM;
	rc = gathering_add(g, a, record);
	if (rc != E_OK) {
		a->r->cargo_count--;
		a->is_full = rc == E_TOOBIG;
		return rc;
	}
	cargo_fill(c, record, from, held);
	return E_OK;
}

static bool may_join(const struct gatherer *g, const struct record *r, const struct retry *from)
{
	return r->stream.kind != STREAM_NONE && from->part == PART_ALL &&
	       (from->flags & (RETRY_GZIP | RETRY_SPLIT | RETRY_ALONE)) == 0 &&
	       (g->order->limits & stream_gates(r->stream.kind)) == 0 &&
	       g->order->limits != RATELIMIT_ALL && str_eq(r->dsn, g->order->dsn);
}

int gather_record(struct gatherer *g, struct str bytes, const struct record *record,
	const struct retry *from, struct request *request, bool *took_request)
{
	uint8_t packed[QUANTITIES_PACKED_MAX];
	struct str held = str_make((const char *)packed, quantities_pack(&record->held, packed));
	struct gathering *a;
	int rc = E_TOOBIG;

	*took_request = false;
	if (!may_join(g, record, from) || held.n > CARGO_HELD_MAX)
		return E_INVAL;
	a = gathering_find(g, record);
	if (a != NULL)
		rc = gathering_join(g, a, record, from, held);
	if (rc != E_TOOBIG)
		return rc;
	if (request == NULL || g->n == LOAD_MAX)
		return E_NOTFOUND;
	if (!budget_more(g, request, record))
		return E_NOMEM;
	rc = gathering_start(g, bytes, record, from, held, request);
	*took_request = rc == E_OK;
	return rc;
}

/* --- building ------------------------------------------------------------------ */

static int build_one(struct gatherer *g, struct gathering *a, struct report *report,
	struct report *written, struct build_scratch *s)
{
	struct built *b = &a->r->built;
	struct record first;
	int rc;

	if (a->r->cargo_count == 1) {
		/* Building takes its own share of the budget. */
		budget_give(g->order->budget, b->budget_bytes);
		b->budget_bytes = 0;
		return build_record(
			g->order, buf_view(&a->first), PART_ALL, report, written, s, b, NULL);
	}
	rc = record_unpack(buf_view(&a->first), &first, NULL);
	if (rc == E_OK)
		rc = build_merged(g->order, &first, a->merger, report, written, s, b, NULL);
	return rc;
}

void gather_build(
	struct gatherer *g, struct report *report, struct report **written, struct build_scratch *s)
{
	for (unsigned i = 0; i < g->n; i++) {
		struct gathering *a = &g->of[i];
		struct built *b = &a->r->built;
		bool may_carry = *written != NULL;
		int rc = build_one(g, a, may_carry ? report : NULL, *written, s);

		if (b->has_report) {
			a->r->report = *written;
			*written = NULL;
		}
		if (rc != E_OK)
			b->result = BUILD_AGAIN;
	}
}
