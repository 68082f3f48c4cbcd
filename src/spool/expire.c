/* Too old: records past max_age, and check-ins past their own, shorter one.
 *
 * Only the oldest record of a class is looked at; what it was born at, on the
 * monotonic clock, is remembered until another one is the oldest. So no clock
 * that jumps ages anything, and nothing wakes up before something is due.
 */
#include "spool/store.h"

/* In one transaction, so that puts do not wait for a long pass. */
#define EXPIRE_MAX 1024
#define LOOK_MAX   4096

static int64_t due_after(int64_t born_mono_ms, int64_t max_age_ms)
{
	return max_age_ms > INT64_MAX / 2 ? INT64_MAX : born_mono_ms + max_age_ms;
}

/* Nothing but a check-in: sessions and events beside it stay of use. */
static bool is_check_in(const struct quantities *q)
{
	struct quantities rest = *q;

	rest.of[CAT_MONITOR] = 0;
	return q->of[CAT_MONITOR] > 0 && quantities_empty(&rest);
}

void expire_reset(struct store *st)
{
	st->check_in_seq = 0;
	st->check_in_due_mono_ms = INT64_MIN;
}

static void check_in_from(struct store *st, uint64_t seq, int64_t born_mono_ms)
{
	st->check_in_seq = seq;
	st->check_in_due_mono_ms = due_after(born_mono_ms, st->limits.check_in_max_age_ms);
}

void expire_note(struct work *w, const struct spool_put *p)
{
	if (p->class == CLASS_CHECK_IN && w->st->check_in_due_mono_ms == INT64_MAX &&
		is_check_in(&p->held))
		check_in_from(w->st, p->seq, w->b->now.mono_ms);
}

/* A check-in that was passed over while it was being sent came back. */
void expire_returned(struct store *st, const struct record_ref *ref)
{
	if (ref->class == CLASS_CHECK_IN && ref->seq < st->check_in_seq) {
		st->check_in_seq = ref->seq;
		st->check_in_due_mono_ms = INT64_MIN;
	}
}

int64_t expire_next_due(const struct store *st)
{
	int64_t due = st->check_in_due_mono_ms;

	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		int64_t d = due_after(st->heads[c].born_mono_ms, st->limits.max_age_ms);

		if (st->heads[c].seq != 0 && d < due)
			due = d;
	}
	return due;
}

/* --- heads ------------------------------------------------------------------------ */

static int look_at_head(struct work *w, enum item_class c)
{
	struct store *st = w->st;
	struct queue_key k;
	struct record r;
	struct str v;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(w->txn, st->env.queue[c], &cur);

	if (rc != 0)
		return rc;
	rc = queue_seek(cur, 0, &k, &v);
	if (rc == MDB_NOTFOUND) {
		st->heads[c].seq = 0;
		rc = 0;
	} else if (rc == 0 && k.seq != st->heads[c].seq) {
		int64_t age =
			record_peek(v, &r, NULL) == E_OK ? age_ms(&st->frame, &r, w->b->now) : 0;

		st->heads[c] = (struct head){k.seq, w->b->now.mono_ms - age};
	}
	mdb_cursor_close(cur);
	return rc;
}

int heads_refresh(struct work *w)
{
	int rc = 0;

	for (unsigned c = 0; c < CLASS_COUNT && rc == 0; c++) {
		if (w->st->class_touched[c])
			rc = look_at_head(w, (enum item_class)c);
		w->st->class_touched[c] = false;
	}
	return rc;
}

/* --- passes ------------------------------------------------------------------------ */

static int expire_class(struct work *w, enum item_class c)
{
	struct store *st = w->st;
	struct queue_key k = {0, 0, 0};
	struct record r;
	struct str v;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(w->txn, st->env.queue[c], &cur);

	if (rc != 0)
		return rc;
	for (unsigned n = 0; rc == 0; n++) {
		rc = queue_seek(cur, k.seq + 1, &k, &v);
		if (rc != 0 || (record_peek(v, &r, NULL) == E_OK &&
				       age_ms(&st->frame, &r, w->b->now) < st->limits.max_age_ms))
			break;
		if (n == EXPIRE_MAX) {
			w->b->more = true;
			break;
		}
		if (!st->is_lent(st->lent_arg, k.seq))
			rc = queue_drop(w, c, cur, &k, v, LIFE_EXPIRED);
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Goes over each record of the class once; what it meets next is due next. */
static int expire_check_ins(struct work *w)
{
	struct store *st = w->st;
	struct queue_key k = {0, 0, 0};
	struct record r;
	struct str v;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(w->txn, st->env.queue[CLASS_CHECK_IN], &cur);

	if (rc != 0)
		return rc;
	for (unsigned n = 0; rc == 0; n++) {
		rc = queue_seek(cur, st->check_in_seq, &k, &v);
		if (rc != 0)
			break;
		if (n == LOOK_MAX) {
			w->b->more = true;
			break;
		}
		if (record_peek(v, &r, NULL) == E_OK && is_check_in(&r.held)) {
			int64_t age = age_ms(&st->frame, &r, w->b->now);

			if (age < st->limits.check_in_max_age_ms) {
				check_in_from(st, k.seq, w->b->now.mono_ms - age);
				break;
			}
			if (!st->is_lent(st->lent_arg, k.seq))
				rc = queue_drop(w, CLASS_CHECK_IN, cur, &k, v, LIFE_EXPIRED);
		}
		st->check_in_seq = k.seq + 1;
	}
	mdb_cursor_close(cur);
	if (rc == MDB_NOTFOUND) {
		st->check_in_due_mono_ms = INT64_MAX;
		rc = 0;
	}
	return rc;
}

int expire_due(struct work *w)
{
	struct store *st = w->st;
	int64_t now = w->b->now.mono_ms;
	int rc = heads_refresh(w);

	for (unsigned c = 0; c < CLASS_COUNT && rc == 0; c++) {
		if (st->heads[c].seq != 0 &&
			due_after(st->heads[c].born_mono_ms, st->limits.max_age_ms) <= now)
			rc = expire_class(w, (enum item_class)c);
	}
	if (rc == 0 && st->check_in_due_mono_ms <= now)
		rc = expire_check_ins(w);
	return rc;
}
