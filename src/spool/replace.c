/* An environment that turns out damaged while it is in use.
 *
 * It is renamed aside and a fresh one begun, so that storing goes on: what was in
 * it is counted as lost, and a person is told. Opening does the same with one
 * that cannot be opened (env_open_or_replace).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "spool/store.h"

int env_set_aside(struct store *st, int64_t wall_ms)
{
	char aside[512];
	int n;

	(void)snprintf(st->quarantined, sizeof st->quarantined, "spool.broken-%" PRId64, wall_ms);
	n = snprintf(aside, sizeof aside, "%s/%s", st->dir, st->quarantined);
	if (n < 0 || (size_t)n >= sizeof aside)
		return E_TOOBIG;
	return rename(st->path, aside) == 0 ? E_OK : err_from_errno(errno);
}

/* The counts go on from what they were; only what was held is gone. */
static void carry_over(struct store *st, const struct totals *old)
{
	struct quantities held = old->tally.held;

	st->totals.tally = old->tally;
	st->totals.seq = old->seq;
	tally_dropped(&st->totals.tally, &held, DROP_INTERNAL_SDK_ERROR);
	for (size_t i = 0; i < st->lanes.n; i++)
		st->lanes.v[i]->dirty = true;
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		st->heads[c].seq = 0;
		st->class_touched[c] = true;
	}
	expire_reset(st);
}

int store_replace(struct store *st, struct batch *b)
{
	struct totals old = st->totals;
	int rc;

	env_lock(st);
	env_close(st);
	rc = env_set_aside(st, b->now.wall_ms);
	if (rc == E_OK)
		rc = env_open(st, NULL);
	env_unlock(st);
	st->stale = rc != E_OK;
	if (rc != E_OK)
		return rc;
	carry_over(st, &old);
	(void)snprintf(b->quarantined, sizeof b->quarantined, "%s", st->quarantined);
	return E_OK;
}
