/* Dead letters: records that nobody will take, kept for a look.
 *
 * Value: wall_ms 8, status 2, why 1, text bytes 1, text, record. Numbers are
 * big-endian. Bounded by dead_bytes; the oldest goes first.
 */
#include <stdlib.h>

#include "spool/store.h"

#define HEAD_BYTES 12

static int dead_value(const MDB_val *v, struct dead_letter *ret)
{
	const uint8_t *p = v->mv_data;
	size_t text_n;

	if (v->mv_size < HEAD_BYTES || (size_t)HEAD_BYTES + p[11] > v->mv_size)
		return E_CORRUPT;
	text_n = p[11];
	ret->wall_ms = (int64_t)get_be64(p);
	ret->status = p[8] << 8 | p[9];
	ret->why = (enum drop_reason)p[10];
	ret->text = str_make((const char *)p + HEAD_BYTES, text_n);
	ret->bytes =
		str_make((const char *)p + HEAD_BYTES + text_n, v->mv_size - HEAD_BYTES - text_n);
	return E_OK;
}

int dead_trim(struct work *w)
{
	struct totals *t = &w->st->totals;
	MDB_cursor *cur;
	MDB_val k, v;
	int rc;

	if (t->dead_bytes <= w->st->limits.dead_bytes)
		return 0;
	rc = mdb_cursor_open(w->txn, w->st->env.dead, &cur);
	if (rc != 0)
		return rc;
	while (t->dead_bytes > w->st->limits.dead_bytes) {
		uint64_t cost;

		rc = mdb_cursor_get(cur, &k, &v, MDB_FIRST);
		if (rc != 0)
			break;
		cost = queue_cost(v.mv_size);
		t->dead_bytes -= cost < t->dead_bytes ? cost : t->dead_bytes;
		t->dead_records -= t->dead_records > 0;
		rc = mdb_cursor_del(cur, 0);
		if (rc != 0)
			break;
	}
	mdb_cursor_close(cur);
	if (rc == MDB_NOTFOUND)
		t->dead_bytes = t->dead_records = 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int dead_add(struct work *w, uint64_t seq, int status, enum drop_reason why, struct str text,
	struct str bytes)
{
	struct totals *t = &w->st->totals;
	uint8_t key[8];
	MDB_val k = {sizeof key, key}, v;
	uint8_t *p;
	int rc;

	text = str_first(text, UINT8_MAX);
	v = (MDB_val){HEAD_BYTES + text.n + bytes.n, NULL};
	if (w->lean || queue_cost(v.mv_size) > w->st->limits.dead_bytes)
		return 0;
	p = malloc(v.mv_size); /* bytes may lie in a page that the put moves */
	if (p == NULL)
		return 0;
	put_be64(key, seq);
	put_be64(p, (uint64_t)w->b->now.wall_ms);
	p[8] = (uint8_t)((unsigned)status >> 8);
	p[9] = (uint8_t)status;
	p[10] = (uint8_t)why;
	p[11] = (uint8_t)text.n;
	if (text.n > 0)
		memcpy(p + HEAD_BYTES, text.p, text.n);
	if (bytes.n > 0)
		memcpy(p + HEAD_BYTES + text.n, bytes.p, bytes.n);
	v.mv_data = p;
	rc = mdb_put(w->txn, w->st->env.dead, &k, &v, 0);
	free(p);
	if (rc != 0)
		return rc;
	t->dead_records++;
	t->dead_bytes += queue_cost(v.mv_size);
	return dead_trim(w);
}

int dead_each(MDB_cursor *cur, uint64_t seq, unsigned max, spool_dead_fn *each, void *arg)
{
	uint8_t key[8];
	MDB_val k = {sizeof key, key}, v;
	int rc;

	put_be64(key, seq);
	rc = mdb_cursor_get(cur, &k, &v, seq != 0 ? MDB_SET_KEY : MDB_FIRST);
	for (unsigned n = 0; rc == 0 && n < max; n++) {
		struct dead_letter d = {0};

		d.seq = k.mv_size == sizeof key ? get_be64(k.mv_data) : 0;
		if (dead_value(&v, &d) == E_OK && !each(arg, &d))
			return 0;
		if (seq != 0)
			return 0;
		rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND && seq == 0 ? 0 : rc;
}
