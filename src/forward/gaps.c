#include "forward/gaps.h"

#include "base/check.h"

void gaps_init(struct gaps *g)
{
	memset(g, 0, sizeof *g);
	g->v[0] = (struct gap){0, UINT64_MAX};
	g->n = 1;
}

void gaps_note(struct gaps *g)
{
	g->may_have = true;
	g->stored_since = true;
}

bool gaps_has_work(const struct gaps *g)
{
	return g->may_have || g->n > 1;
}

static unsigned gap_choose(const struct gaps *g, bool newest_first)
{
	if (!newest_first)
		return 0;
	/* The open gap splits in two when it is read from its end. */
	if (g->may_have && g->n < GAPS_MAX)
		return g->n - 1;
	return g->n > 1 ? g->n - 2 : 0;
}

bool gaps_begin(struct gaps *g, bool newest_first, struct gap_scan *scan, struct record_want *want)
{
	const struct gap *gap;

	if (g->is_scanning || !gaps_has_work(g))
		return false;
	memset(scan, 0, sizeof *scan);
	scan->index = gap_choose(g, newest_first);
	gap = &g->v[scan->index];
	scan->newest_first = newest_first;
	scan->low = gap->low;
	scan->high = gap->high;
	want->newest_first = newest_first;
	want->exact_seq = 0;
	want->after_seq = newest_first ? 0 : gap->low;
	want->before_seq = newest_first && gap->high != UINT64_MAX ? gap->high : 0;
	g->is_scanning = true;
	g->stored_since = false;
	return true;
}

bool gap_scan_takes(struct gap_scan *scan, uint64_t seq)
{
	if (seq > scan->low && seq < scan->high)
		return true;
	scan->is_exhausted = true;
	return false;
}

void gap_scan_saw(struct gap_scan *scan, uint64_t seq)
{
	if (scan->min == 0 || seq < scan->min)
		scan->min = seq;
	if (seq > scan->max)
		scan->max = seq;
}

static void gap_remove(struct gaps *g, unsigned index)
{
	memmove(&g->v[index], &g->v[index + 1], (g->n - index - 1) * sizeof g->v[0]);
	g->n--;
}

/* The open gap read from its end: what is below the records seen becomes a
 * closed gap, what comes above them the open one. */
static void gap_split(struct gaps *g, const struct gap_scan *scan)
{
	struct gap *open = &g->v[g->n - 1];

	if (scan->max == 0)
		return;
	if (!scan->is_exhausted && scan->min > open->low + 1) {
		check(g->n < GAPS_MAX);
		open->high = scan->min;
		g->n++;
		open++;
		open->high = UINT64_MAX;
	}
	open->low = scan->max;
}

void gaps_end(struct gaps *g, const struct gap_scan *scan)
{
	bool is_open = scan->index == g->n - 1;
	struct gap *gap = &g->v[scan->index];

	check(g->is_scanning && scan->index < g->n);
	g->is_scanning = false;
	if (is_open && scan->newest_first) {
		gap_split(g, scan);
		/* The rest of what was there is in a closed gap now, unless
		 * nothing was read at all. */
		g->may_have = g->stored_since || (scan->max == 0 && !scan->is_exhausted);
		return;
	}
	if (scan->max != 0 && scan->newest_first)
		gap->high = scan->min;
	else if (scan->max != 0)
		gap->low = scan->max;
	if (is_open)
		g->may_have = g->stored_since || !scan->is_exhausted;
	else if (scan->is_exhausted)
		gap_remove(g, scan->index);
}
