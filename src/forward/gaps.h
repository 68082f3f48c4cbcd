/* gaps.h - which stretches of a queue have not been read yet.
 *
 * Sequence numbers only grow, so what is unread is a stretch at the top that
 * is open to new records, and, when the newest go first, a few closed ones
 * below it that newer records jumped over. Reading only remembers these: a
 * record is never read twice by scanning, whether or not it is gone from disk.
 *
 * Pure. Bounded: when all slots are used, the open stretch waits until a
 * closed one is read to its end.
 *
 * Owns     nothing.
 * Threads  loop thread.
 */
#ifndef PICKET_FORWARD_GAPS_H
#define PICKET_FORWARD_GAPS_H

#include "envelope/settlement.h"

#define GAPS_MAX 8

/* Unread: low < seq < high. */
struct gap {
	uint64_t low, high; /* high UINT64_MAX: open */
};

struct gaps {
	struct gap v[GAPS_MAX]; /* rising; the last one is the open one */
	unsigned n;
	bool may_have;     /* something may be in the open one */
	bool stored_since; /* told so while a scan was running */
	bool is_scanning;
};

/* What one scan covers and found. */
struct gap_scan {
	unsigned index;
	bool newest_first;
	uint64_t low, high; /* a seq outside ends the scan */
	uint64_t min, max;  /* seen; 0 when nothing was */
	bool is_exhausted;  /* nothing is left in the gap */
};

void gaps_init(struct gaps *g);
/* A record was stored. */
void gaps_note(struct gaps *g);
bool gaps_has_work(const struct gaps *g);
/* True when a scan may start: fills *scan and the cursor of *want. */
bool gaps_begin(struct gaps *g, bool newest_first, struct gap_scan *scan, struct record_want *want);
/* Worker: false when seq lies outside; the scan is then exhausted. */
bool gap_scan_takes(struct gap_scan *scan, uint64_t seq);
void gap_scan_saw(struct gap_scan *scan, uint64_t seq);
void gaps_end(struct gaps *g, const struct gap_scan *scan);

#endif
