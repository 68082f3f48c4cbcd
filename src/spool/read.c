/* Reading what is stored: any thread, each call in a read transaction of its
 * own. */
#include "spool/inner.h"

/* Pages read through the map stay in this process's memory; so many at most. */
#define READ_RELEASE_BYTES (1u << 20)

struct reading {
	struct store *st;
	MDB_txn *txn;
	MDB_cursor *cur;
	uint64_t bytes;
};

static int reading_begin(struct reading *r, struct spool *s, struct err *err)
{
	int rc;

	*r = (struct reading){.st = &s->store};
	uv_mutex_lock(&s->store.door);
	uv_rwlock_rdlock(&s->store.guard);
	uv_mutex_unlock(&s->store.door);
	if (s->store.env.mdb == NULL) {
		uv_rwlock_rdunlock(&s->store.guard);
		return err_set(err, E_IO, "spool %s: not open", s->store.dir);
	}
	rc = mdb_txn_begin(s->store.env.mdb, NULL, MDB_RDONLY, &r->txn);
	if (rc != 0) {
		uv_rwlock_rdunlock(&s->store.guard);
		return err_set(err, env_error(rc), "spool %s: %s", s->store.dir, mdb_strerror(rc));
	}
	return E_OK;
}

static int reading_open(struct reading *r, MDB_dbi dbi)
{
	if (r->cur != NULL)
		mdb_cursor_close(r->cur);
	r->cur = NULL;
	return mdb_cursor_open(r->txn, dbi, &r->cur);
}

/* rc: LMDB's; running out of records is no failure. */
static int reading_end(struct reading *r, int rc, struct err *err)
{
	struct store *st = r->st;

	if (r->cur != NULL)
		mdb_cursor_close(r->cur);
	mdb_txn_abort(r->txn);
	if (atomic_fetch_add(&st->read_bytes, r->bytes) + r->bytes > READ_RELEASE_BYTES) {
		atomic_store(&st->read_bytes, 0);
		env_release_pages(st);
	}
	uv_rwlock_rdunlock(&st->guard);
	if (rc == 0 || rc == MDB_NOTFOUND)
		return E_OK;
	return err_set(err, env_error(rc), "spool %s: %s", st->dir, mdb_strerror(rc));
}

/* --- records ---------------------------------------------------------------------- */

/* A record that is damaged, or from a later version, is set aside; the queue
 * goes on. */
static bool is_whole(struct spool *s, const struct record_ref *ref, struct str bytes)
{
	static const char text[] = "damaged record";
	struct record r;
	struct op *op;

	if (record_unpack(bytes, &r, NULL) == E_OK)
		return true;
	op = op_new(OP_SETTLE, sizeof text - 1);
	if (op != NULL) {
		op->u.settle.ref = *ref;
		op->u.settle.end = SETTLE_DEAD;
		op->u.settle.why = DROP_INTERNAL_SDK_ERROR;
		op->u.settle.reported = true;
		op->u.settle.corrupt = true;
		op->u.settle.text_n = sizeof text - 1;
		memcpy(op->data, text, sizeof text - 1);
		inbox_push(&s->in, op, SETTLE_MS);
	}
	return false;
}

static int scan_start(
	struct reading *r, const struct record_want *want, struct queue_key *k, struct str *bytes)
{
	MDB_val key, v;
	int rc;

	if (want->exact_seq != 0)
		return queue_seek(r->cur, want->exact_seq, k, bytes);
	if (!want->newest_first)
		return queue_seek(r->cur, want->after_seq + 1, k, bytes);
	rc = want->before_seq == 0 ? MDB_NOTFOUND : queue_seek(r->cur, want->before_seq, k, bytes);
	rc = mdb_cursor_get(r->cur, &key, &v, rc == 0 ? MDB_PREV : MDB_LAST);
	if (rc == 0 && !queue_key_read(&key, k))
		return MDB_CORRUPTED;
	*bytes = rc == 0 ? str_make(v.mv_data, v.mv_size) : STR_EMPTY;
	return rc;
}

static int scan_next(struct reading *r, bool newest_first, struct queue_key *k, struct str *bytes)
{
	MDB_val key, v;
	int rc = mdb_cursor_get(r->cur, &key, &v, newest_first ? MDB_PREV : MDB_NEXT);

	if (rc != 0)
		return rc;
	*bytes = str_make(v.mv_data, v.mv_size);
	return queue_key_read(&key, k) ? 0 : MDB_CORRUPTED;
}

static int scan(struct spool *s, struct reading *r, const struct record_want *want, unsigned max,
	record_fn *each, void *arg)
{
	struct queue_key k;
	struct str bytes;
	int rc = scan_start(r, want, &k, &bytes);

	while (rc == 0 && max > 0) {
		struct record_ref ref = {want->lane, want->class, k.seq};

		if (want->exact_seq != 0 && k.seq != want->exact_seq)
			break;
		if (k.lane == want->lane) {
			r->bytes += bytes.n;
			if (is_whole(s, &ref, bytes)) {
				max--;
				if (!each(arg, k.seq, bytes))
					break;
			}
		}
		if (want->exact_seq != 0)
			break;
		rc = scan_next(r, want->newest_first, &k, &bytes);
	}
	return rc;
}

int spool_scan(struct spool *s, const struct record_want *want, unsigned max, record_fn *each,
	void *arg, struct err *err)
{
	struct reading r;
	int rc = reading_begin(&r, s, err);

	if (rc != E_OK)
		return rc;
	rc = reading_open(&r, s->store.env.queue[want->class]);
	if (rc == 0)
		rc = scan(s, &r, want, max, each, arg);
	return reading_end(&r, rc, err);
}

int spool_list(struct spool *s, unsigned max, spool_list_fn *each, void *arg, struct err *err)
{
	struct reading r;
	struct queue_key k;
	struct str bytes;
	bool goes_on = true;
	int rc = reading_begin(&r, s, err);

	if (rc != E_OK)
		return rc;
	for (unsigned c = 0; c < CLASS_COUNT && goes_on && (rc == 0 || rc == MDB_NOTFOUND); c++) {
		rc = reading_open(&r, s->store.env.queue[c]);
		if (rc == 0)
			rc = queue_seek(r.cur, 0, &k, &bytes);
		while (rc == 0 && goes_on) {
			struct record_ref ref = {k.lane, (enum item_class)c, k.seq};

			goes_on = max > 0 && each(arg, &ref, bytes);
			max -= max > 0;
			r.bytes += bytes.n;
			if (goes_on)
				rc = scan_next(&r, false, &k, &bytes);
		}
	}
	return reading_end(&r, rc, err);
}

/* --- the others ---------------------------------------------------------------------- */

int spool_dead(struct spool *s, uint64_t seq, unsigned max, spool_dead_fn *each, void *arg,
	struct err *err)
{
	struct reading r;
	int rc = reading_begin(&r, s, err);

	if (rc != E_OK)
		return rc;
	rc = reading_open(&r, s->store.env.dead);
	if (rc == 0)
		rc = dead_each(r.cur, seq, max, each, arg);
	if (rc == MDB_NOTFOUND) {
		(void)reading_end(&r, 0, NULL);
		return err_set(err, E_NOTFOUND, "no dead letter %llu", (unsigned long long)seq);
	}
	return reading_end(&r, rc, err);
}

int spool_why(struct spool *s, const struct event_id *id,
	void (*each)(void *arg, const struct life *l), void *arg, struct err *err)
{
	struct reading r;
	MDB_val k, v;
	size_t found = 0;
	int rc = reading_begin(&r, s, err);

	if (rc != E_OK)
		return rc;
	rc = reading_open(&r, s->store.env.seen);
	while (rc == 0 && (rc = mdb_cursor_get(r.cur, &k, &v, MDB_NEXT)) == 0) {
		const uint8_t *p = v.mv_data;

		for (size_t at = 0, n; at + LIFE_BYTES <= v.mv_size; at += n) {
			struct life l;

			n = journal_entry_bytes(p + at, v.mv_size - at);
			if (memcmp(p + at, id->b, sizeof id->b) != 0)
				continue;
			journal_unpack(p + at, n, &l);
			each(arg, &l);
			found++;
		}
		r.bytes += v.mv_size;
	}
	rc = reading_end(&r, rc, err);
	if (rc == E_OK && found == 0)
		rc = err_set(err, E_NOTFOUND, "no such event id in the journal");
	return rc;
}

int spool_state_each(struct spool *s, void (*each)(void *arg, struct str key, struct str value),
	void *arg, struct err *err)
{
	struct reading r;
	char first[] = "x";
	MDB_val k = {1, first}, v;
	int rc = reading_begin(&r, s, err);

	if (rc != E_OK)
		return rc;
	rc = reading_open(&r, s->store.env.state);
	if (rc == 0)
		rc = mdb_cursor_get(r.cur, &k, &v, MDB_SET_RANGE);
	while (rc == 0) {
		struct str key = str_make(k.mv_data, k.mv_size);

		if (key.n > 1 && key.p[0] == 'x')
			each(arg, str_from(key, 1), str_make(v.mv_data, v.mv_size));
		rc = mdb_cursor_get(r.cur, &k, &v, MDB_NEXT);
	}
	return reading_end(&r, rc, err);
}
