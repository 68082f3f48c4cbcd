/* What the loop asks the writer for, beside storing. */
#include "base/check.h"
#include "spool/inner.h"

/* Settlements that cannot be committed now wait in memory, but not without
 * bound. One that is given up is repeated after a restart: sent twice. */
#define OPS_MAX_BYTES (32u << 20)
/* A refusal is counted with one alike among so many that wait. */
#define ALIKE_MAX 32

static bool bounded(struct spool *s, size_t n)
{
	if (atomic_load(&s->in.op_bytes) + n <= OPS_MAX_BYTES)
		return true;
	if (!s->told_op_bound)
		log_line(s->log, LOG_ERROR, "settlement_given_up",
			log_cstr("why", err_name(s->shown.trouble)));
	s->told_op_bound = true;
	return false;
}

void spool_settle(struct spool *s, const struct settlement *st)
{
	uint8_t delivered[QUANTITIES_PACKED_MAX], dropped[QUANTITIES_PACKED_MAX];
	size_t delivered_n = quantities_pack(&st->delivered, delivered);
	size_t dropped_n = quantities_pack(&st->dropped, dropped);
	size_t text_n = strnlen(st->text, sizeof st->text);
	struct op *op = NULL;

	check(st->ref.class < CLASS_COUNT && st->why < DROP_COUNT);
	if (bounded(s, sizeof *op + delivered_n + dropped_n + text_n))
		op = op_new(OP_SETTLE, delivered_n + dropped_n + text_n);
	if (op == NULL) {
		spool_returned(&s->in, st->ref.seq);
		return;
	}
	op->u.settle.ref = st->ref;
	op->u.settle.end = st->end;
	/* What ends without a reason given is our own mistake. */
	op->u.settle.why = st->why == DROP_NONE ? DROP_INTERNAL_SDK_ERROR : st->why;
	op->u.settle.status = st->status;
	op->u.settle.attempts = st->attempts;
	op->u.settle.event_id = st->event_id;
	op->u.settle.reported = st->reported;
	op->u.settle.has_event_id = st->has_event_id;
	op->u.settle.delivered_n = (uint16_t)delivered_n;
	op->u.settle.dropped_n = (uint16_t)dropped_n;
	op->u.settle.text_n = (uint16_t)text_n;
	memcpy(op->data, delivered, delivered_n);
	memcpy(op->data + delivered_n, dropped, dropped_n);
	memcpy(op->data + delivered_n + dropped_n, st->text, text_n);
	inbox_op(s, op, st->end == SETTLE_KEEP ? RIDE_MS : SETTLE_MS);
}

void spool_lend(struct spool *s, const struct record_ref *ref)
{
	uv_mutex_lock(&s->in.mutex);
	(void)lent_add(&s->in.lent, ref->seq); /* without memory it may be evicted */
	uv_mutex_unlock(&s->in.mutex);
}

void spool_returned(void *inbox, uint64_t seq)
{
	struct inbox *in = inbox;

	uv_mutex_lock(&in->mutex);
	lent_remove(&in->lent, seq);
	uv_mutex_unlock(&in->mutex);
}

bool spool_is_lent(void *inbox, uint64_t seq)
{
	struct inbox *in = inbox;
	bool is;

	uv_mutex_lock(&in->mutex);
	is = lent_has(&in->lent, seq);
	uv_mutex_unlock(&in->mutex);
	return is;
}

/* True when one that waits took it up. */
static bool refused_alike(struct inbox *in, uint32_t lane, const struct quantities *q,
	enum drop_reason why, bool reported)
{
	unsigned n = 0;

	for (struct op *op = in->ops; op != NULL && n < ALIKE_MAX; op = op->next, n++) {
		if (op->kind == OP_REFUSED && op->u.refused.lane == lane &&
			op->u.refused.why == why && op->u.refused.reported == reported) {
			quantities_merge(&op->u.refused.q, q);
			return true;
		}
	}
	return false;
}

static void note_refused(struct inbox *in, const struct refusal *r)
{
	if (r->id != NULL)
		journal_add(&in->lives, &(struct life){.event_id = *r->id,
						.wall_ms = in->now.wall_ms,
						.what = LIFE_REFUSED,
						.why = r->why,
						.by = r->by});
}

void spool_refused(
	struct spool *s, struct str dsn, const struct quantities *q, const struct refusal *r)
{
	uint32_t lane = record_lane(dsn);
	struct op *op;
	bool taken;

	check(r->why > DROP_NONE && r->why < DROP_COUNT);
	uv_mutex_lock(&s->in.mutex);
	s->in.now = clock_now(s->clock);
	note_refused(&s->in, r);
	taken = refused_alike(&s->in, lane, q, r->why, r->reported);
	uv_mutex_unlock(&s->in.mutex);
	if (taken)
		return;
	op = op_new(OP_REFUSED, dsn.n);
	if (op == NULL)
		return; /* neither received nor dropped is counted */
	op->u.refused.lane = lane;
	op->u.refused.why = r->why;
	op->u.refused.reported = r->reported;
	op->u.refused.q = *q;
	if (dsn.n > 0)
		memcpy(op->data, dsn.p, dsn.n);
	inbox_op(s, op, RIDE_MS);
}

void spool_state_set(struct spool *s, struct str key, struct str value)
{
	struct op *op;

	check(key.n > 0 && key.n <= STATE_KEY_MAX);
	op = op_new(OP_STATE, 1 + key.n + value.n);
	if (op == NULL)
		return;
	op->u.state.key_n = (uint16_t)(1 + key.n);
	op->data[0] = 'x';
	memcpy(op->data + 1, key.p, key.n);
	if (value.n > 0)
		memcpy(op->data + 1 + key.n, value.p, value.n);
	inbox_op(s, op, RIDE_MS);
}
