/* The queues: storing at the end, taking out anywhere, making room. */
#include <errno.h>

#include "spool/store.h"

#define PAGE_BYTES 4096
/* LMDB keeps values up to about half a page inside the tree and gives larger
 * ones whole pages of their own. */
#define INLINE_MAX  2000
#define NODE_BYTES  (8 + 2 + QUEUE_KEY_BYTES)
#define PAGE_HEADER 16
/* Deletions after which pages of the map are given back: about 8 MiB. */
#define RELEASE_EVERY 128

void queue_key_write(uint8_t out[QUEUE_KEY_BYTES], struct queue_key k)
{
	put_be64(out, k.seq);
	put_be32(out + 8, k.lane);
	put_be32(out + 12, k.size);
}

bool queue_key_read(const MDB_val *v, struct queue_key *ret)
{
	const uint8_t *p = v->mv_data;

	if (v->mv_size != QUEUE_KEY_BYTES)
		return false;
	ret->seq = get_be64(p);
	ret->lane = get_be32(p + 8);
	ret->size = get_be32(p + 12);
	return true;
}

uint64_t queue_cost(uint64_t record_bytes)
{
	if (record_bytes <= INLINE_MAX)
		return record_bytes + NODE_BYTES;
	return NODE_BYTES + 8 +
	       (record_bytes + PAGE_HEADER + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

uint64_t queue_records(const struct totals *t)
{
	uint64_t n = 0;

	for (unsigned c = 0; c < CLASS_COUNT; c++)
		n += t->records[c];
	return n;
}

uint64_t queue_bytes(const struct totals *t)
{
	uint64_t n = 0;

	for (unsigned c = 0; c < CLASS_COUNT; c++)
		n += t->bytes[c];
	return n;
}

/* --- one record in, one record out ------------------------------------------- */

static void count_in(struct work *w, struct lane *n, enum item_class c, uint64_t cost)
{
	struct totals *t = &w->st->totals;

	t->records[c]++;
	t->bytes[c] += cost;
	n->records[c]++;
	n->bytes[c] += cost;
	n->dirty = true;
	w->st->class_touched[c] = true;
	w->changed = true;
}

static void less(uint64_t *figure, uint64_t n)
{
	*figure -= n < *figure ? n : *figure;
}

static void count_out(struct work *w, uint32_t lane, enum item_class c, uint64_t cost)
{
	struct totals *t = &w->st->totals;
	struct lane *n = lanes_find(w->st, lane);

	less(&t->records[c], 1);
	less(&t->bytes[c], cost);
	if (n != NULL) {
		less(&n->records[c], 1);
		less(&n->bytes[c], cost);
		n->dirty = true;
	}
	w->st->class_touched[c] = true;
	w->changed = true;
}

int queue_append(struct work *w, struct spool_put *p)
{
	struct store *st = w->st;
	struct queue_key key = {++st->totals.seq, record_lane(p->dsn), (uint32_t)p->bytes.n};
	struct lane *n = lanes_get(st, key.lane, p->dsn);
	uint8_t packed[QUEUE_KEY_BYTES];
	MDB_val k = {sizeof packed, packed};
	MDB_val v = {p->bytes.n, (void *)(uintptr_t)p->bytes.p};
	int rc;

	if (n == NULL)
		return ENOMEM;
	queue_key_write(packed, key);
	rc = mdb_put(w->txn, st->env.queue[p->class], &k, &v, MDB_APPEND);
	if (rc != 0)
		return rc;
	p->seq = key.seq;
	count_in(w, n, p->class, queue_cost(p->bytes.n));
	tally_stored(&st->totals.tally, &p->held);
	expire_note(w, p);
	if (p->has_event_id)
		journal_add(&w->b->lives, &(struct life){.event_id = p->event_id,
						  .wall_ms = w->b->now.wall_ms,
						  .what = LIFE_STORED,
						  .class = p->class,
						  .seq = p->seq,
						  .by = p->by,
						  .scrubbed = p->scrubbed});
	return 0;
}

int queue_delete(struct work *w, enum item_class c, MDB_cursor *at, const struct queue_key *k)
{
	int rc = mdb_cursor_del(at, 0);

	if (rc == 0)
		count_out(w, k->lane, c, queue_cost(k->size));
	/* Each deletion looks at a page, and the kernel maps its neighbours. */
	if (++w->deleted % RELEASE_EVERY == 0)
		env_release_pages(w->st);
	return rc;
}

int queue_seek(MDB_cursor *cur, uint64_t seq, struct queue_key *k, struct str *bytes)
{
	uint8_t packed[QUEUE_KEY_BYTES];
	MDB_val key = {sizeof packed, packed}, v;
	int rc;

	queue_key_write(packed, (struct queue_key){seq, 0, 0});
	rc = mdb_cursor_get(cur, &key, &v, MDB_SET_RANGE);
	if (rc == 0 && !queue_key_read(&key, k))
		rc = MDB_CORRUPTED;
	if (rc == 0)
		*bytes = str_make(v.mv_data, v.mv_size);
	return rc;
}

/* --- dropping ------------------------------------------------------------------ */

static void note_life(struct work *w, const struct record *r, const struct queue_key *k,
	enum item_class c, enum life_what what)
{
	if (!r->has_event_id)
		return;
	journal_add(&w->b->lives, &(struct life){.event_id = r->event_id,
					  .wall_ms = w->b->now.wall_ms,
					  .what = what,
					  .class = c,
					  .seq = k->seq,
					  .why = DROP_CACHE_OVERFLOW});
}

int queue_drop(struct work *w, enum item_class c, MDB_cursor *at, const struct queue_key *k,
	struct str bytes, enum life_what what)
{
	struct record r;
	int rc = 0;

	if (record_peek(bytes, &r, NULL) != E_OK) {
		/* How much it held cannot be known: totals_reconcile(). */
		w->b->corrupt++;
		rc = dead_add(w, k->seq, 0, DROP_INTERNAL_SDK_ERROR, STR("damaged record"), bytes);
	} else {
		note_life(w, &r, k, c, what);
		if (totals_drop(w, k->lane, &r.held, DROP_CACHE_OVERFLOW, true) != E_OK)
			rc = ENOMEM;
		if (what == LIFE_EVICTED)
			w->b->evicted++;
		else if (what == LIFE_EXPIRED)
			w->b->expired++;
	}
	return rc != 0 ? rc : queue_delete(w, c, at, k);
}

/* --- making room ---------------------------------------------------------------- */

static int evict_class(struct work *w, enum item_class c, uint64_t target_bytes)
{
	struct queue_key k = {0, 0, 0};
	struct str v;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(w->txn, w->st->env.queue[c], &cur);

	if (rc != 0)
		return rc;
	while (rc == 0 && queue_bytes(&w->st->totals) > target_bytes) {
		rc = queue_seek(cur, k.seq + 1, &k, &v);
		if (rc == 0 && !w->st->is_lent(w->st->lent_arg, k.seq))
			rc = queue_drop(w, c, cur, &k, v, LIFE_EVICTED);
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int queue_evict(struct work *w, enum item_class incoming, uint64_t target_bytes)
{
	int rc = 0;

	for (unsigned c = CLASS_COUNT; c-- > (unsigned)incoming && rc == 0;)
		rc = evict_class(w, (enum item_class)c, target_bytes);
	return rc;
}

int queue_make_room(struct work *w, enum item_class incoming, uint64_t bytes)
{
	const struct totals *t = &w->st->totals;
	uint64_t max = w->st->limits.max_bytes, staying = 0;
	int rc;

	if (bytes <= max && queue_bytes(t) <= max - bytes)
		return 0;
	/* Nothing goes for a put that will not fit all the same. */
	for (unsigned c = 0; c < (unsigned)incoming; c++)
		staying += t->bytes[c];
	if (w->st->limits.refuse_when_full || bytes > max || staying > max - bytes)
		return ENOSPC;
	rc = queue_evict(w, incoming, max - bytes);
	if (rc == 0 && queue_bytes(t) > max - bytes)
		rc = ENOSPC; /* what is left is being sent just now */
	return rc;
}
