/* The journal of event lives: what "picket why" reads.
 *
 * All events of one commit are one value under an ever-growing number: keyed by
 * their random ids, each would rewrite a page of its own.
 *
 * An entry, little-endian: id 16, seq 8, wall_ms 8, what 1, class 1, why 1,
 * slots 1, status 2, attempts 2. Behind it come so many slots of the same size
 * with the text of "by", a zero, and that of "scrubbed", filled up with zeros. Who
 * does not know of slots reads them as entries of ids that nobody asks for.
 */
#include "spool/store.h"

/* Old entries go in small portions, so that no commit pays for many. */
#define TRIM_VALUES 64
/* Longer texts are cut. */
#define BY_MAX       160
#define SCRUBBED_MAX 160
#define SLOTS_MAX    ((BY_MAX + 1 + SCRUBBED_MAX + LIFE_BYTES - 1) / LIFE_BYTES)

static const char *const names[] = {
	[LIFE_STORED] = "stored",
	[LIFE_REFUSED] = "refused",
	[LIFE_SENT] = "sent",
	[LIFE_RETRY] = "retry",
	[LIFE_DROPPED] = "dropped",
	[LIFE_DEAD] = "dead",
	[LIFE_EVICTED] = "evicted",
	[LIFE_EXPIRED] = "expired",
};

const char *life_name(enum life_what w)
{
	return (size_t)w < sizeof names / sizeof *names ? names[w] : "unknown";
}

static void put_le(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get_le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

void journal_add(struct buf *lives, const struct life *l)
{
	uint8_t e[LIFE_BYTES * (1 + SLOTS_MAX)] = {0};
	struct str by = str_first(l->by, BY_MAX), scrubbed = str_first(l->scrubbed, SCRUBBED_MAX);
	size_t text_bytes = scrubbed.n > 0 ? by.n + 1 + scrubbed.n : by.n;
	size_t slots = (text_bytes + LIFE_BYTES - 1) / LIFE_BYTES;
	bool was_ok = buf_ok(lives);

	memcpy(e, l->event_id.b, 16);
	put_le(e + 16, l->seq, 8);
	put_le(e + 24, (uint64_t)l->wall_ms, 8);
	e[32] = (uint8_t)l->what;
	e[33] = (uint8_t)l->class;
	e[34] = (uint8_t)l->why;
	e[35] = (uint8_t)slots;
	if (by.n > 0)
		memcpy(e + LIFE_BYTES, by.p, by.n);
	if (scrubbed.n > 0)
		memcpy(e + LIFE_BYTES + by.n + 1, scrubbed.p, scrubbed.n);
	put_le(e + 36, l->status < 0 ? 0 : (uint64_t)l->status, 2);
	put_le(e + 38, l->attempts < UINT16_MAX ? l->attempts : UINT16_MAX, 2);
	buf_add(lives, e, LIFE_BYTES * (1 + slots));
	/* The journal is a convenience: without memory it misses entries. */
	if (was_ok)
		lives->failed = false;
}

size_t journal_entry_bytes(const uint8_t *p, size_t n)
{
	size_t bytes = (size_t)LIFE_BYTES * (1 + p[35]);

	return bytes <= n ? bytes : LIFE_BYTES; /* damaged: no text */
}

void journal_unpack(const uint8_t *p, size_t bytes, struct life *ret)
{
	struct str text = str_make((const char *)p + LIFE_BYTES, bytes - LIFE_BYTES);

	memset(ret, 0, sizeof *ret);
	memcpy(ret->event_id.b, p, 16);
	ret->seq = get_le(p + 16, 8);
	ret->wall_ms = (int64_t)get_le(p + 24, 8);
	ret->what = (enum life_what)p[32];
	ret->class = (enum item_class)p[33];
	ret->why = (enum drop_reason)p[34];
	ret->status = (int)get_le(p + 36, 2);
	ret->attempts = (uint32_t)get_le(p + 38, 2);
	(void)str_cut(&text, '\0', &ret->by);
	(void)str_cut(&text, '\0', &ret->scrubbed);
}

static int trim(struct work *w)
{
	struct totals *t = &w->st->totals;
	MDB_cursor *cur;
	MDB_val k, v;
	int rc;

	if (t->lives <= LIVES_MAX)
		return 0;
	rc = mdb_cursor_open(w->txn, w->st->env.seen, &cur);
	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < TRIM_VALUES && t->lives > LIVES_MAX; i++) {
		rc = mdb_cursor_get(cur, &k, &v, MDB_FIRST);
		if (rc != 0)
			break;
		t->lives -= v.mv_size / LIFE_BYTES < t->lives ? v.mv_size / LIFE_BYTES : t->lives;
		rc = mdb_cursor_del(cur, 0);
		if (rc != 0)
			break;
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int journal_save(struct work *w)
{
	struct totals *t = &w->st->totals;
	uint8_t key[8];
	MDB_val k = {sizeof key, key};
	MDB_val v = {w->b->lives.n, w->b->lives.p};
	int rc;

	if (w->b->lives.n == 0 || w->lean)
		return 0;
	put_be64(key, ++t->seen_next);
	rc = mdb_put(w->txn, w->st->env.seen, &k, &v, MDB_APPEND);
	if (rc != 0)
		return rc;
	t->lives += w->b->lives.n / LIFE_BYTES;
	return trim(w);
}
