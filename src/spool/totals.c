/* Totals and lanes: loaded at open, changed in the transaction that makes them
 * true, read again from disk when that transaction fails. */
#include <stdlib.h>

#include "base/check.h"
#include "envelope/leb.h"
#include "spool/store.h"

#define TOTALS_MAX_BYTES (256 + (3 + DROP_COUNT) * (QUANTITIES_PACKED_MAX + 4))
#define LANE_KEY_BYTES   5

static const uint8_t totals_key[] = {'t'};

/* --- lanes in memory -------------------------------------------------------- */

static size_t lane_index(const struct lanes *l, uint32_t lane)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->v[mid]->lane < lane)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct lane *lanes_find(const struct store *st, uint32_t lane)
{
	size_t i = lane_index(&st->lanes, lane);

	return i < st->lanes.n && st->lanes.v[i]->lane == lane ? st->lanes.v[i] : NULL;
}

static struct lane *lane_new(uint32_t lane, struct str dsn)
{
	struct lane *n = calloc(1, sizeof *n);
	char *text = malloc(dsn.n + 1);

	if (n == NULL || text == NULL) {
		free(n);
		free(text);
		return NULL;
	}
	if (dsn.n > 0)
		memcpy(text, dsn.p, dsn.n);
	n->lane = lane;
	n->dsn = str_make(text, dsn.n);
	return n;
}

static void lane_free(struct lane *n)
{
	free((void *)(uintptr_t)n->dsn.p);
	free(n->report);
	free(n);
}

struct lane *lanes_get(struct store *st, uint32_t lane, struct str dsn)
{
	struct lanes *l = &st->lanes;
	size_t i = lane_index(l, lane);
	struct lane *n;

	if (i < l->n && l->v[i]->lane == lane)
		return l->v[i];
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 16 : l->cap * 2;
		struct lane **v = realloc(l->v, cap * sizeof(void *));

		if (v == NULL)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	n = lane_new(lane, dsn);
	if (n == NULL)
		return NULL;
	memmove(l->v + i + 1, l->v + i, (l->n - i) * sizeof(void *));
	l->v[i] = n;
	l->n++;
	return n;
}

static void lanes_remove(struct lanes *l, size_t i)
{
	lane_free(l->v[i]);
	l->n--;
	memmove(l->v + i, l->v + i + 1, (l->n - i) * sizeof(void *));
}

void lanes_free(struct lanes *l)
{
	while (l->n > 0)
		lane_free(l->v[--l->n]);
	free(l->v);
	memset(l, 0, sizeof *l);
}

static bool lane_has_records(const struct lane *n)
{
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		if (n->records[c] != 0)
			return true;
	}
	return false;
}

static bool lane_is_empty(const struct lane *n)
{
	return !lane_has_records(n) && n->report == NULL;
}

/* --- reports ----------------------------------------------------------------- */

static struct report *lane_report(struct store *st, struct lane *n)
{
	if (n->report == NULL && st->lanes.with_report < REPORT_LANES_MAX) {
		n->report = calloc(1, sizeof *n->report);
		if (n->report != NULL)
			st->lanes.with_report++;
	}
	return n->report;
}

static void lane_drop_report(struct store *st, struct lane *n)
{
	if (n->report == NULL)
		return;
	free(n->report);
	n->report = NULL;
	st->lanes.with_report--;
}

int lane_report_sent(struct store *st, uint32_t lane, const struct report *r)
{
	struct lane *n = lanes_find(st, lane);

	if (n == NULL || n->report == NULL)
		return E_OK;
	report_subtract(n->report, r);
	n->report_dirty = true;
	return E_OK;
}

static struct loss *batch_loss(struct batch *b, uint32_t lane, enum drop_reason why)
{
	struct loss *l;

	for (size_t i = 0; i < b->loss_n; i++) {
		if (b->losses[i].lane == lane && b->losses[i].why == why)
			return &b->losses[i];
	}
	if (b->loss_n == b->loss_cap) {
		size_t cap = b->loss_cap == 0 ? 8 : b->loss_cap * 2;
		struct loss *v = realloc(b->losses, cap * sizeof(struct loss));

		if (v == NULL)
			return NULL;
		b->losses = v;
		b->loss_cap = cap;
	}
	l = &b->losses[b->loss_n++];
	memset(l, 0, sizeof *l);
	l->lane = lane;
	l->why = why;
	return l;
}

int totals_report(struct work *w, uint32_t lane, const struct quantities *q, enum drop_reason why)
{
	struct lane *n = lanes_find(w->st, lane);
	struct report *r = n != NULL ? lane_report(w->st, n) : NULL;
	struct loss *l;

	if (r == NULL || quantities_empty(q))
		return E_OK; /* counted, but Sentry will not hear of it */
	l = batch_loss(w->b, lane, why);
	if (l == NULL)
		return E_NOMEM;
	quantities_merge(&l->q, q);
	report_add(r, why, q, w->b->now.wall_ms / 1000);
	n->report_dirty = true;
	return E_OK;
}

/* --- the law ------------------------------------------------------------------ */

static void at_most(struct quantities *q, const struct quantities *bound)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (q->of[c] > bound->of[c])
			q->of[c] = bound->of[c];
	}
}

int totals_drop(struct work *w, uint32_t lane, const struct quantities *q, enum drop_reason why,
	bool reported)
{
	struct tally *t = &w->st->totals.tally;
	struct quantities some = *q;

	at_most(&some, &t->held);
	tally_dropped(t, &some, why);
	return reported ? totals_report(w, lane, &some, why) : E_OK;
}

void totals_reconcile(struct work *w)
{
	struct tally *t = &w->st->totals.tally;
	struct quantities rest = t->held;

	if (queue_records(&w->st->totals) == 0 && !quantities_empty(&rest))
		tally_dropped(t, &rest, DROP_INTERNAL_SDK_ERROR);
}

/* --- packing ------------------------------------------------------------------ */

static size_t pack_quantities(uint8_t *out, unsigned slot, const struct quantities *q)
{
	size_t n;

	if (quantities_empty(q))
		return 0;
	n = quantities_pack(q, out + 3);
	out[0] = (uint8_t)slot;
	out[1] = (uint8_t)n;
	out[2] = (uint8_t)(n >> 8);
	return n + 3;
}

/* Slots of quantities: 0 received, 1 delivered, 2 held, 3.. dropped by reason. */
static struct quantities *slot_of(struct tally *t, unsigned slot)
{
	if (slot == 0)
		return &t->received;
	if (slot == 1)
		return &t->delivered;
	if (slot == 2)
		return &t->held;
	return slot < 3 + DROP_COUNT ? &t->dropped[slot - 3] : NULL;
}

static size_t totals_pack(struct totals *t, uint8_t *out)
{
	size_t n = 0;

	n += leb_put(out + n, t->seq);
	n += leb_put(out + n, t->dead_records);
	n += leb_put(out + n, t->dead_bytes);
	n += leb_put(out + n, t->seen_next);
	n += leb_put(out + n, t->lives);
	n += leb_put(out + n, CLASS_COUNT);
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		n += leb_put(out + n, t->records[c]);
		n += leb_put(out + n, t->bytes[c]);
	}
	for (unsigned slot = 0; slot < 3 + DROP_COUNT; slot++)
		n += pack_quantities(out + n, slot, slot_of(&t->tally, slot));
	return n;
}

static bool unpack_tally(const uint8_t *p, size_t n, size_t at, struct tally *t)
{
	while (at < n) {
		struct quantities *q;
		size_t bytes;

		if (n - at < 3)
			return false;
		q = slot_of(t, p[at]);
		bytes = p[at + 1] | (size_t)p[at + 2] << 8;
		at += 3;
		if (q == NULL || bytes > n - at || !quantities_unpack(p + at, bytes, q))
			return false;
		at += bytes;
	}
	return true;
}

static bool totals_unpack(const uint8_t *p, size_t n, struct totals *t)
{
	uint64_t classes;
	size_t at = 0;

	memset(t, 0, sizeof *t);
	if (!leb_get(p, n, &at, &t->seq) || !leb_get(p, n, &at, &t->dead_records) ||
		!leb_get(p, n, &at, &t->dead_bytes) || !leb_get(p, n, &at, &t->seen_next) ||
		!leb_get(p, n, &at, &t->lives) || !leb_get(p, n, &at, &classes) ||
		classes != CLASS_COUNT)
		return false;
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		if (!leb_get(p, n, &at, &t->records[c]) || !leb_get(p, n, &at, &t->bytes[c]))
			return false;
	}
	return unpack_tally(p, n, at, &t->tally);
}

static bool lane_unpack(const uint8_t *p, size_t n, struct lane *l, size_t *dsn_at)
{
	size_t at = 0;

	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		if (!leb_get(p, n, &at, &l->records[c]) || !leb_get(p, n, &at, &l->bytes[c]))
			return false;
	}
	*dsn_at = at;
	return true;
}

static void lane_key(uint8_t out[LANE_KEY_BYTES], char kind, uint32_t lane)
{
	out[0] = (uint8_t)kind;
	put_be32(out + 1, lane);
}

/* --- loading ------------------------------------------------------------------- */

static int load_lane(struct store *st, uint32_t lane, const MDB_val *v)
{
	struct lane counts;
	struct lane *n;
	size_t dsn_at;

	if (!lane_unpack(v->mv_data, v->mv_size, &counts, &dsn_at))
		return E_CORRUPT;
	n = lanes_get(st, lane, str_make((const char *)v->mv_data + dsn_at, v->mv_size - dsn_at));
	if (n == NULL)
		return E_NOMEM;
	memcpy(n->records, counts.records, sizeof n->records);
	memcpy(n->bytes, counts.bytes, sizeof n->bytes);
	return E_OK;
}

/* "l" sorts before "r": the lane is there. */
static int load_report(struct store *st, uint32_t lane, const MDB_val *v)
{
	struct lane *n = lanes_find(st, lane);
	struct report *r = n != NULL ? lane_report(st, n) : NULL;

	if (r == NULL)
		return E_OK;
	return report_unpack(v->mv_data, v->mv_size, r) ? E_OK : E_CORRUPT;
}

static int load_pair(struct store *st, const MDB_val *k, const MDB_val *v)
{
	const uint8_t *p = k->mv_data;

	if (k->mv_size == sizeof totals_key && p[0] == totals_key[0])
		return totals_unpack(v->mv_data, v->mv_size, &st->totals) ? E_OK : E_CORRUPT;
	if (k->mv_size != LANE_KEY_BYTES)
		return E_OK;
	if (p[0] == 'l')
		return load_lane(st, get_be32(p + 1), v);
	if (p[0] == 'r')
		return load_report(st, get_be32(p + 1), v);
	return E_OK;
}

/* Lanes stay where they are, so that a load after a failed transaction needs
 * no memory but what that transaction freed. */
static void forget(struct store *st)
{
	memset(&st->totals, 0, sizeof st->totals);
	for (size_t i = 0; i < st->lanes.n; i++) {
		struct lane *n = st->lanes.v[i];

		memset(n->records, 0, sizeof n->records);
		memset(n->bytes, 0, sizeof n->bytes);
		lane_drop_report(st, n);
		n->dirty = n->report_dirty = false;
	}
}

int totals_load(struct store *st, MDB_txn *txn, struct err *err)
{
	MDB_cursor *cur;
	MDB_val k, v;
	int rc, found;

	forget(st);
	rc = mdb_cursor_open(txn, st->env.state, &cur);
	if (rc != 0)
		return err_set(err, env_error(rc), "totals: %s", mdb_strerror(rc));
	rc = E_OK;
	while (rc == E_OK && (found = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) != MDB_NOTFOUND)
		rc = found == 0 ? load_pair(st, &k, &v) : env_error(found);
	mdb_cursor_close(cur);
	return rc == E_OK ? E_OK : err_set(err, rc, "totals: %s", err_name(rc));
}

/* --- saving --------------------------------------------------------------------- */

static int save_lane(struct work *w, struct lane *n)
{
	uint8_t key[LANE_KEY_BYTES];
	uint8_t counts[2 * CLASS_COUNT * LEB_MAX_BYTES];
	MDB_val k = {sizeof key, key}, v;
	size_t at = 0;
	int rc;

	lane_key(key, 'l', n->lane);
	if (lane_is_empty(n)) {
		rc = mdb_del(w->txn, w->st->env.state, &k, NULL);
		return rc == MDB_NOTFOUND ? 0 : rc;
	}
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		at += leb_put(counts + at, n->records[c]);
		at += leb_put(counts + at, n->bytes[c]);
	}
	v = (MDB_val){at + n->dsn.n, NULL};
	rc = mdb_put(w->txn, w->st->env.state, &k, &v, MDB_RESERVE);
	if (rc != 0)
		return rc;
	memcpy(v.mv_data, counts, at);
	memcpy((char *)v.mv_data + at, n->dsn.p, n->dsn.n);
	return 0;
}

static int save_report(struct work *w, struct lane *n)
{
	uint8_t key[LANE_KEY_BYTES], packed[REPORT_PACKED_MAX];
	MDB_val k = {sizeof key, key}, v;
	int rc;

	lane_key(key, 'r', n->lane);
	if (n->report != NULL && report_empty(n->report)) {
		lane_drop_report(w->st, n);
		n->dirty = true; /* it may be empty now */
	}
	if (n->report == NULL) {
		rc = mdb_del(w->txn, w->st->env.state, &k, NULL);
		return rc == MDB_NOTFOUND ? 0 : rc;
	}
	v = (MDB_val){report_pack(n->report, packed), packed};
	return mdb_put(w->txn, w->st->env.state, &k, &v, 0);
}

int totals_save(struct work *w)
{
	struct store *st = w->st;
	uint8_t packed[TOTALS_MAX_BYTES];
	MDB_val k = {sizeof totals_key, (void *)(uintptr_t)totals_key}, v;
	int rc = 0;

	for (size_t i = 0; i < st->lanes.n && rc == 0; i++) {
		struct lane *n = st->lanes.v[i];

		if (n->report_dirty)
			rc = save_report(w, n);
		if (rc == 0 && (n->dirty || n->report_dirty))
			rc = save_lane(w, n);
	}
	if (rc != 0)
		return rc;
	v = (MDB_val){totals_pack(&st->totals, packed), packed};
	return mdb_put(w->txn, st->env.state, &k, &v, 0);
}

/* --- telling the loop ------------------------------------------------------------ */

static void publish(struct batch *b, struct lane *n, struct lane_change *to)
{
	memset(to, 0, sizeof *to);
	to->lane = n->lane;
	to->gone = lane_is_empty(n);
	memcpy(to->records, n->records, sizeof to->records);
	memcpy(to->bytes, n->bytes, sizeof to->bytes);
	if (!n->told && !to->gone) {
		char *text = malloc(n->dsn.n + 1);

		if (text == NULL)
			return; /* told next time it changes */
		memcpy(text, n->dsn.p, n->dsn.n);
		to->dsn = str_make(text, n->dsn.n);
		n->told = true;
	}
	b->change_n++;
}

void lanes_publish(struct store *st, struct batch *b)
{
	size_t changed = 0;

	for (size_t i = 0; i < st->lanes.n; i++)
		changed += st->lanes.v[i]->dirty || st->lanes.v[i]->report_dirty;
	check(b->changes == NULL); /* once for a batch */
	b->changes = changed > 0 ? malloc(changed * sizeof *b->changes) : NULL;
	for (size_t i = st->lanes.n; i-- > 0;) {
		struct lane *n = st->lanes.v[i];

		if (b->changes != NULL && (n->dirty || n->report_dirty)) {
			publish(b, n, &b->changes[b->change_n]);
			n->dirty = n->report_dirty = false;
		}
		if (lane_is_empty(n) && !n->dirty)
			lanes_remove(&st->lanes, i);
	}
}
