/* Carrying out what the loop asked for: settlements, refusals, sent reports,
 * foreign state, purges. */
#include <errno.h>

#include "spool/store.h"

/* Records of a purge in one transaction, so that puts do not wait long. */
#define PURGE_MAX 2048

/* --- settlements -------------------------------------------------------------- */

static void note_life(struct work *w, const struct op *op, enum life_what what)
{
	if (!op->u.settle.has_event_id)
		return;
	journal_add(&w->b->lives, &(struct life){.event_id = op->u.settle.event_id,
					  .wall_ms = w->b->now.wall_ms,
					  .what = what,
					  .class = op->u.settle.ref.class,
					  .seq = op->u.settle.ref.seq,
					  .status = op->u.settle.status,
					  .why = op->u.settle.why,
					  .attempts = op->u.settle.attempts});
}

static void at_most(struct quantities *q, const struct quantities *bound)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (q->of[c] > bound->of[c])
			q->of[c] = bound->of[c];
	}
}

/* The record says how much it held, the settlement how that is split. Whatever
 * the settlement leaves over is lost for a reason of our own, never in silence. */
static int split(struct work *w, const struct op *op, struct quantities *rest)
{
	struct quantities delivered = {{0}}, dropped = {{0}};
	const uint8_t *p = (const uint8_t *)op->data;
	int rc = E_OK;

	(void)quantities_unpack(p, op->u.settle.delivered_n, &delivered);
	(void)quantities_unpack(p + op->u.settle.delivered_n, op->u.settle.dropped_n, &dropped);
	at_most(&delivered, rest);
	quantities_subtract(rest, &delivered);
	at_most(&dropped, rest);
	quantities_subtract(rest, &dropped);
	at_most(&delivered, &w->st->totals.tally.held);
	tally_delivered(&w->st->totals.tally, &delivered);
	if (!quantities_empty(&dropped)) {
		rc = totals_drop(w, op->u.settle.ref.lane, &dropped, op->u.settle.why,
			op->u.settle.reported);
		note_life(w, op, LIFE_DROPPED);
	}
	if (!quantities_empty(&delivered) || quantities_empty(&dropped))
		note_life(w, op, LIFE_SENT);
	if (rc == E_OK && !quantities_empty(rest))
		rc = totals_drop(w, op->u.settle.ref.lane, rest, DROP_INTERNAL_SDK_ERROR, true);
	return rc;
}

static int bury(struct work *w, const struct op *op, struct str bytes, const struct quantities *q)
{
	struct str text = str_make(
		op->data + op->u.settle.delivered_n + op->u.settle.dropped_n, op->u.settle.text_n);
	int rc = dead_add(
		w, op->u.settle.ref.seq, op->u.settle.status, op->u.settle.why, text, bytes);

	if (op->u.settle.corrupt)
		w->b->corrupt++;
	note_life(w, op, LIFE_DEAD);
	if (rc == 0 && totals_drop(w, op->u.settle.ref.lane, q, op->u.settle.why,
			       op->u.settle.reported) != E_OK)
		rc = ENOMEM;
	return rc;
}

static int settle_record(struct work *w, const struct op *op, MDB_cursor *cur,
	const struct queue_key *k, struct str bytes)
{
	struct quantities held = {{0}};
	struct record r;
	int rc = 0;

	if (op->u.settle.end == SETTLE_KEEP) {
		note_life(w, op, LIFE_RETRY);
		return 0;
	}
	if (record_peek(bytes, &r, NULL) == E_OK)
		held = r.held;
	if (op->u.settle.end == SETTLE_DEAD)
		rc = bury(w, op, bytes, &held);
	else if (split(w, op, &held) != E_OK)
		rc = ENOMEM;
	return rc != 0 ? rc : queue_delete(w, op->u.settle.ref.class, cur, k);
}

static int apply_settle(struct work *w, const struct op *op)
{
	const struct record_ref *ref = &op->u.settle.ref;
	struct queue_key k;
	struct str bytes;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(w->txn, w->st->env.queue[ref->class], &cur);

	if (rc != 0)
		return rc;
	rc = queue_seek(cur, ref->seq, &k, &bytes);
	if (rc == 0 && k.seq == ref->seq)
		rc = settle_record(w, op, cur, &k, bytes);
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* --- the others ------------------------------------------------------------------ */

static int apply_refused(struct work *w, const struct op *op)
{
	struct str dsn = str_make(op->data, op->n);

	tally_refused(&w->st->totals.tally, &op->u.refused.q, op->u.refused.why);
	if (!op->u.refused.reported)
		return 0;
	if (lanes_get(w->st, op->u.refused.lane, dsn) == NULL)
		return ENOMEM;
	if (totals_report(w, op->u.refused.lane, &op->u.refused.q, op->u.refused.why) != E_OK)
		return ENOMEM;
	return 0;
}

static int apply_report_sent(struct work *w, const struct op *op)
{
	struct report r;

	if (report_unpack((const uint8_t *)op->data, op->n, &r))
		lane_report_sent(w->st, op->u.report.lane, &r);
	return 0;
}

static int apply_state(struct work *w, const struct op *op)
{
	size_t key_n = op->u.state.key_n;
	MDB_val k = {key_n, (void *)(uintptr_t)op->data};
	MDB_val v = {op->n - key_n, (void *)(uintptr_t)(op->data + key_n)};
	int rc;

	if (v.mv_size > 0)
		return mdb_put(w->txn, w->st->env.state, &k, &v, 0);
	rc = mdb_del(w->txn, w->st->env.state, &k, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int settle_apply(struct work *w, const struct op *op)
{
	w->changed = true;
	switch (op->kind) {
	case OP_SETTLE:
		return apply_settle(w, op);
	case OP_REFUSED:
		return apply_refused(w, op);
	case OP_REPORT_SENT:
		return apply_report_sent(w, op);
	case OP_STATE:
		return apply_state(w, op);
	}
	return 0;
}

/* --- purging ----------------------------------------------------------------------- */

static int purge_class(struct work *w, struct spool_purge *p, enum item_class c, unsigned *left)
{
	struct queue_key k = {0, 0, 0};
	struct str v;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(w->txn, w->st->env.queue[c], &cur);

	if (rc != 0)
		return rc;
	while (rc == 0 && *left > 0) {
		rc = queue_seek(cur, k.seq + 1, &k, &v);
		if (rc != 0 || (p->only_lane && k.lane != p->lane))
			continue;
		rc = queue_drop(w, c, cur, &k, v, LIFE_DROPPED);
		if (rc == 0) {
			p->purged++;
			--*left;
		}
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int purge_some(struct work *w, struct spool_purge *p, bool *done)
{
	unsigned left = PURGE_MAX;
	int rc = 0;

	for (unsigned c = 0; c < CLASS_COUNT && rc == 0; c++) {
		if (p->class < 0 || p->class == (int)c)
			rc = purge_class(w, p, (enum item_class)c, &left);
	}
	*done = rc == 0 && left > 0;
	return rc;
}
