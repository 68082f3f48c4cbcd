/* What one write transaction does.
 *
 *   ops      settlements, refusals, sent reports, foreign state
 *   purge    a portion
 *   expire   what is too old by now
 *   puts     in order, each making room for itself
 *   journal, totals, commit
 *
 * Disk trouble: the transaction is undone and done again without the puts, so
 * that what is stored can still be settled; the puts fail. If that fails too,
 * all but the puts waits for a later batch. Every answer follows the commit.
 */
#include <errno.h>
#include <stdlib.h>

#include "spool/fault.h"
#include "spool/store.h"

#define OPS_MAX 8192
/* So much work in one transaction dirties pages by the dozen. */
#define LADEN_BY 16
/* While nothing can be stored, this often a put may try. */
#define TRY_EVERY_US 250000
/* What a put of usual size needs; when there is room for it, storing goes on. */
#define PROBE_BYTES (UINT64_C(64) << 10)

void puts_add(struct puts *l, struct spool_put *p)
{
	p->next = NULL;
	if (l->last != NULL)
		l->last->next = p;
	else
		l->first = p;
	l->last = p;
	l->n++;
}

void puts_move(struct puts *to, struct puts *from)
{
	if (from->first == NULL)
		return;
	if (to->last != NULL)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	to->n += from->n;
	*from = (struct puts){NULL, NULL, 0};
}

bool store_has_work(const struct store *st)
{
	return st->ops != NULL || st->purges != NULL || st->lives.n > 0;
}

/* --- inside the transaction --------------------------------------------------- */

static int do_ops(struct work *w, size_t *applied)
{
	int rc = 0;

	*applied = 0;
	for (struct op *op = w->st->ops; op != NULL && rc == 0; op = op->next) {
		if (*applied == OPS_MAX) {
			w->b->more = true;
			break;
		}
		rc = settle_apply(w, op);
		++*applied;
	}
	if (rc == 0 && w->st->lives.n > 0) {
		buf_str(&w->b->lives, buf_view(&w->st->lives));
		w->b->lives.failed = false;
		w->changed = true;
	}
	return rc;
}

static int do_purge(struct work *w, bool *purged)
{
	int rc;

	*purged = false;
	if (w->st->purges == NULL)
		return 0;
	rc = purge_some(w, w->st->purges, purged);
	if (rc == 0 && (!*purged || w->st->purges->next != NULL))
		w->b->more = true;
	return rc;
}

static int do_puts(struct work *w)
{
	struct puts stored = {NULL, NULL, 0}, all = w->b->puts;
	int rc = 0;

	for (struct spool_put *p = all.first, *next; p != NULL; p = next) {
		next = p->next;
		if (rc == 0) {
			rc = queue_make_room(w, p->class, queue_cost(p->bytes.n));
			if (rc == ENOSPC) {
				puts_add(&w->b->refused, p);
				rc = 0;
				continue;
			}
		}
		if (rc == 0)
			rc = queue_append(w, p);
		puts_add(&stored, p);
	}
	w->b->puts = stored;
	return rc;
}

struct progress {
	size_t ops;
	bool purged;
};

static int do_all(struct work *w, bool with_puts, uint64_t evict_bytes, struct progress *done)
{
	uint64_t held;
	int rc = do_ops(w, &done->ops);

	if (rc == 0)
		rc = do_purge(w, &done->purged);
	if (rc == 0)
		rc = expire_due(w);
	held = queue_bytes(&w->st->totals);
	if (rc == 0 && evict_bytes > 0)
		rc = queue_evict(
			w, w->b->puts.first->class, held > evict_bytes ? held - evict_bytes : 0);
	if (rc == 0 && with_puts)
		rc = do_puts(w);
	fault_point("after_puts");
	if (rc == 0)
		rc = heads_refresh(w);
	if (rc == 0)
		rc = dead_trim(w);
	if (rc == 0 && w->changed) {
		totals_reconcile(w);
		rc = journal_save(w);
	}
	return rc == 0 && w->changed ? totals_save(w) : rc;
}

/* --- around the transaction ----------------------------------------------------- */

static void forget_results(struct batch *b)
{
	puts_move(&b->puts, &b->refused);
	b->lives.n = 0;
	b->loss_n = 0;
	b->evicted = b->expired = b->corrupt = 0;
	b->more = false;
}

static void ops_free(struct store *st, size_t n)
{
	while (n-- > 0) {
		struct op *op = st->ops;

		st->ops = op->next;
		if (op->kind == OP_SETTLE) {
			st->returned(st->lent_arg, op->u.settle.ref.seq);
			if (op->u.settle.end == SETTLE_KEEP)
				expire_returned(st, &op->u.settle.ref);
		}
		atomic_fetch_sub(st->op_bytes, sizeof *op + op->n);
		free(op);
		st->op_n--;
	}
	if (st->ops == NULL)
		st->ops_tail = &st->ops;
}

static void keep_results(struct store *st, struct batch *b, const struct progress *done)
{
	ops_free(st, done->ops);
	st->lives.n = 0;
	if (done->purged) {
		struct spool_purge *p = st->purges;

		st->purges = p->next;
		if (st->purges == NULL)
			st->purges_tail = &st->purges;
		p->next = b->purges;
		b->purges = p;
	}
	lanes_publish(st, b);
}

static int reload(struct store *st)
{
	MDB_txn *txn;
	int rc;

	if (st->env.mdb == NULL)
		return env_reopen(st);
	rc = mdb_txn_begin(st->env.mdb, NULL, MDB_RDONLY, &txn);
	if (rc == MDB_PANIC)
		return env_reopen(st);
	if (rc != 0)
		return env_error(rc);
	rc = totals_load(st, txn, NULL);
	mdb_txn_abort(txn);
	return rc;
}

/* Returns LMDB's code or an errno. */
static int transact(struct work *w, bool with_puts, uint64_t evict_bytes, struct progress *done)
{
	int rc;

	fault_point("before_txn");
	rc = mdb_txn_begin(w->st->env.mdb, NULL, 0, &w->txn);
	if (rc != 0)
		return rc;
	rc = do_all(w, with_puts, evict_bytes, done);
	if (rc != 0 || !w->changed) {
		mdb_txn_abort(w->txn);
		return rc;
	}
	fault_point("before_commit");
	rc = mdb_txn_commit(w->txn);
	fault_point("after_commit");
	return rc;
}

struct how {
	bool with_puts, lean, force;
	uint64_t evict_bytes;
};

/* One attempt. E_OK, or everything is as it was before. */
static int attempt_once(struct store *st, struct batch *b, const struct how *how, bool *map_full)
{
	struct work w = {.st = st, .b = b, .lean = how->lean, .changed = how->force};
	struct progress done = {0, false};
	struct head heads[CLASS_COUNT];
	uint64_t check_in_seq = st->check_in_seq;
	int64_t check_in_due = st->check_in_due_mono_ms, start_us = clock_mono_us();
	uint64_t purged = st->purges != NULL ? st->purges->purged : 0;
	int rc;

	if (st->env.mdb == NULL || st->stale) {
		rc = reload(st);
		st->stale = rc != E_OK;
		if (rc != E_OK)
			return rc;
	}
	rc = env_widen(st);
	if (rc != E_OK)
		return rc;
	memcpy(heads, st->heads, sizeof heads);
	rc = transact(&w, how->with_puts, how->evict_bytes, &done);
	b->commit_us += (uint64_t)(clock_mono_us() - start_us);
	if (rc == 0) {
		b->commits += w.changed;
		st->unsynced |= w.changed && st->durability == SPOOL_ASYNC;
		keep_results(st, b, &done);
		return E_OK;
	}
	b->commit_errors++;
	*map_full = rc == MDB_MAP_FULL || rc == MDB_TXN_FULL;
	forget_results(b);
	memcpy(st->heads, heads, sizeof heads);
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		st->class_touched[c] = true;
	st->check_in_seq = check_in_seq;
	st->check_in_due_mono_ms = check_in_due;
	if (st->purges != NULL)
		st->purges->purged = purged;
	st->stale = reload(st) != E_OK;
	return env_error(rc);
}

/* An attempt; when it finds the file damaged, another one with a fresh file. */
static int attempt(struct store *st, struct batch *b, const struct how *how, bool *map_full)
{
	struct how fresh = *how;
	int rc = attempt_once(st, b, how, map_full);

	if (rc != E_CORRUPT || store_replace(st, b) != E_OK)
		return rc;
	fresh.force = true; /* the totals are only in memory */
	return attempt_once(st, b, &fresh, map_full);
}

/* --- trouble ---------------------------------------------------------------------- */

static void set_trouble(struct store *st, const struct batch *b, int rc)
{
	if (st->trouble == E_OK)
		st->trouble_since_wall_ms = b->now.wall_ms;
	st->trouble = rc;
}

static uint64_t puts_cost(const struct puts *l)
{
	uint64_t n = 0;

	for (const struct spool_put *p = l->first; p != NULL; p = p->next)
		n += queue_cost(p->bytes.n);
	return n;
}

static int store_puts(struct store *st, struct batch *b, bool *map_full)
{
	struct how how = {.with_puts = true};
	int rc = E_OK;

	if (st->trouble != E_OK && clock_mono_us() - st->tried_us < TRY_EVERY_US)
		return st->trouble;
	st->tried_us = clock_mono_us();
	if (st->env.mdb != NULL)
		rc = env_make_room(st, puts_cost(&b->puts), map_full);
	if (rc == E_OK)
		rc = attempt(st, b, &how, map_full);
	if (rc == E_OK)
		st->trouble = E_OK;
	else if (!*map_full && rc != E_NOMEM)
		set_trouble(st, b, rc);
	return rc;
}

static void settle_only(struct store *st, struct batch *b, bool map_full)
{
	struct how how = {.with_puts = false};
	bool ignored;
	int rc;

	if (map_full && !st->limits.refuse_when_full && b->puts.first != NULL)
		how.evict_bytes = 2 * puts_cost(&b->puts);
	rc = attempt(st, b, &how, &ignored);
	if (rc == E_OK)
		return;
	how = (struct how){.lean = true};
	rc = attempt(st, b, &how, &ignored);
	if (rc != E_OK)
		set_trouble(st, b, rc);
}

void batch_run(struct store *st, struct batch *b)
{
	bool map_full = false, has_puts = b->puts.first != NULL; /* refused ones leave the list */

	b->rc = E_OK;
	st->env.is_laden = st->env.is_laden || b->puts.n + st->op_n >= LADEN_BY;
	if (has_puts)
		b->rc = store_puts(st, b, &map_full);
	if (!has_puts || b->rc != E_OK)
		settle_only(st, b, map_full);
	env_release_pages(st);
	store_show(st, &b->shown);
	fault_point("before_answer");
}

void batch_probe(struct store *st, struct batch *b)
{
	struct how how = {.force = true};
	bool map_full = false;
	int rc = E_OK;

	if (st->env.mdb != NULL)
		rc = env_make_room(st, PROBE_BYTES, &map_full);
	if (rc == E_OK || map_full)
		rc = attempt(st, b, &how, &map_full);
	if (rc == E_OK)
		st->trouble = E_OK;
	else
		set_trouble(st, b, rc);
	store_show(st, &b->shown);
}

void batch_sync(struct store *st)
{
	if (st->unsynced && st->env.mdb != NULL && mdb_env_sync(st->env.mdb, 1) == 0)
		st->unsynced = false;
}

void store_show(const struct store *st, struct snapshot *ret)
{
	const struct totals *t = &st->totals;

	memset(ret, 0, sizeof *ret);
	ret->is_true = !st->stale;
	ret->tally = t->tally;
	memcpy(ret->records, t->records, sizeof ret->records);
	memcpy(ret->bytes, t->bytes, sizeof ret->bytes);
	ret->dead_records = t->dead_records;
	ret->dead_bytes = t->dead_bytes;
	ret->file_bytes = st->env.file_bytes;
	ret->oldest_born_mono_ms = INT64_MAX;
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		if (st->heads[c].seq != 0 && st->heads[c].born_mono_ms < ret->oldest_born_mono_ms)
			ret->oldest_born_mono_ms = st->heads[c].born_mono_ms;
	}
	ret->due_mono_ms = expire_next_due(st);
	ret->trouble = st->trouble;
	ret->trouble_since_wall_ms = st->trouble_since_wall_ms;
}

void batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->change_n; i++)
		free((void *)(uintptr_t)b->changes[i].dsn.p);
	free(b->changes);
	free(b->losses);
	buf_fini(&b->lives);
	free(b);
}
