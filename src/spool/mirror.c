/* The loop's picture: lanes, pending client reports, totals; as of the last batch
 * that was answered. */
#include <stdlib.h>

#include "spool/inner.h"

static size_t index_of(const struct spool *s, uint32_t lane)
{
	size_t low = 0, high = s->lane_n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->lanes[mid]->shown.lane < lane)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct mirror *find(const struct spool *s, uint32_t lane)
{
	size_t i = index_of(s, lane);

	return i < s->lane_n && s->lanes[i]->shown.lane == lane ? s->lanes[i] : NULL;
}

static void mirror_free(struct mirror *m)
{
	free((void *)(uintptr_t)m->shown.dsn.p);
	free(m->pending);
	free(m);
}

/* Takes dsn. NULL: no memory, dsn is freed. */
static struct mirror *add(struct spool *s, uint32_t lane, struct str dsn)
{
	struct mirror *m = calloc(1, sizeof *m);
	size_t i = index_of(s, lane);

	if (m != NULL && s->lane_n == s->lane_cap) {
		size_t cap = s->lane_cap == 0 ? 16 : s->lane_cap * 2;
		struct mirror **v = realloc(s->lanes, cap * sizeof(void *));

		if (v == NULL) {
			free(m);
			m = NULL;
		} else {
			s->lanes = v;
			s->lane_cap = cap;
		}
	}
	if (m == NULL) {
		free((void *)(uintptr_t)dsn.p);
		return NULL;
	}
	m->shown.lane = lane;
	m->shown.dsn = dsn;
	memmove(s->lanes + i + 1, s->lanes + i, (s->lane_n - i) * sizeof(void *));
	s->lanes[i] = m;
	s->lane_n++;
	return m;
}

static void take_away(struct spool *s, uint32_t lane)
{
	size_t i = index_of(s, lane);

	mirror_free(s->lanes[i]);
	s->lane_n--;
	memmove(s->lanes + i, s->lanes + i + 1, (s->lane_n - i) * sizeof(void *));
}

static struct report *pending(struct mirror *m)
{
	if (m->pending == NULL)
		m->pending = calloc(1, sizeof *m->pending);
	return m->pending;
}

/* --- following the writer ------------------------------------------------------------ */

int mirror_load(struct spool *s)
{
	const struct lanes *l = &s->store.lanes;

	for (size_t i = 0; i < l->n; i++) {
		struct lane *n = l->v[i];
		char *text = malloc(n->dsn.n + 1);
		struct mirror *m;

		if (text == NULL)
			return E_NOMEM;
		memcpy(text, n->dsn.p, n->dsn.n);
		m = add(s, n->lane, str_make(text, n->dsn.n));
		if (m == NULL || (n->report != NULL && pending(m) == NULL))
			return E_NOMEM;
		memcpy(m->shown.records, n->records, sizeof n->records);
		memcpy(m->shown.bytes, n->bytes, sizeof n->bytes);
		if (n->report != NULL)
			*m->pending = *n->report;
		n->told = true;
	}
	store_show(&s->store, &s->shown);
	return E_OK;
}

static void apply_change(struct spool *s, struct lane_change *c)
{
	struct mirror *m = find(s, c->lane);

	if (m == NULL && c->dsn.p != NULL) {
		m = add(s, c->lane, c->dsn);
		c->dsn = STR_EMPTY;
	}
	if (m == NULL)
		return;
	memcpy(m->shown.records, c->records, sizeof c->records);
	memcpy(m->shown.bytes, c->bytes, sizeof c->bytes);
	if (c->gone)
		take_away(s, c->lane);
}

void mirror_apply(struct spool *s, const struct batch *b)
{
	if (b->shown.is_true) {
		s->shown = b->shown;
	} else {
		s->shown.trouble = b->shown.trouble;
		s->shown.trouble_since_wall_ms = b->shown.trouble_since_wall_ms;
	}
	for (size_t i = 0; i < b->change_n; i++)
		apply_change(s, &b->changes[i]);
	for (size_t i = 0; i < b->loss_n; i++) {
		const struct loss *l = &b->losses[i];
		struct mirror *m = find(s, l->lane);

		if (m == NULL || pending(m) == NULL)
			continue;
		report_add(m->pending, l->why, &l->q, b->now.wall_ms / 1000);
		if (s->lost != NULL)
			s->lost(s->lost_arg, m->shown.dsn);
	}
}

void mirror_fini(struct spool *s)
{
	while (s->lane_n > 0)
		mirror_free(s->lanes[--s->lane_n]);
	free(s->lanes);
	s->lanes = NULL;
}

/* --- lanes and reports ----------------------------------------------------------------- */

const struct spool_lane *spool_lane(const struct spool *s, size_t index)
{
	return index < s->lane_n ? &s->lanes[index]->shown : NULL;
}

void spool_report_take(struct spool *s, uint32_t lane, struct report *r)
{
	struct mirror *m = find(s, lane);

	memset(r, 0, sizeof *r);
	if (m == NULL || m->pending == NULL)
		return;
	*r = *m->pending;
	free(m->pending);
	m->pending = NULL;
}

void spool_report_return(struct spool *s, uint32_t lane, const struct report *r)
{
	struct mirror *m = find(s, lane);

	if (m != NULL && !report_empty(r) && pending(m) != NULL)
		report_merge(m->pending, r);
}

void spool_report_sent(struct spool *s, uint32_t lane, const struct report *r)
{
	uint8_t packed[REPORT_PACKED_MAX];
	size_t n;
	struct op *op;

	if (report_empty(r))
		return;
	n = report_pack(r, packed);
	op = op_new(OP_REPORT_SENT, n);
	if (op == NULL)
		return; /* told twice after a restart */
	op->u.report.lane = lane;
	memcpy(op->data, packed, n);
	inbox_op(s, op, RIDE_MS);
}

bool spool_report_pending(const struct spool *s, uint32_t lane)
{
	const struct mirror *m = find(s, lane);

	return m != NULL && m->pending != NULL && !report_empty(m->pending);
}
