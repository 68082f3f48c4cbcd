/* report.h - client reports: what was lost here, told to Sentry (protocol.md 15).
 *
 * A report counts (reason, category) pairs of one DSN.
 *
 * Owns     nothing; plain memory.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_REPORT_H
#define PICKET_ENVELOPE_REPORT_H

#include "base/buf.h"
#include "envelope/tally.h"

struct report {
	int64_t since_wall_s; /* earliest loss counted, 0 when empty */
	uint64_t lost[DROP_COUNT][CAT_COUNT];
};

bool report_empty(const struct report *r);
/* What an SDK would report for these quantities dropped (15.3); attachment_item
 * and the other categories are taken as counted. */
void report_add(struct report *r, enum drop_reason why, const struct quantities *q, int64_t wall_s);
void report_merge(struct report *r, const struct report *more);
void report_subtract(struct report *r, const struct report *less);

/* Writes one client_report item (header LF payload LF), nothing when *r is
 * empty. Never above 4 KiB: entries that do not fit stay in *r, those written
 * are moved out of it (P-085). *written is set to exactly what this item tells;
 * it is empty, and *r untouched, when out takes no more. The timestamp is never
 * ahead of now_wall_s (P-124). */
void report_write_item(
	struct report *r, struct report *written, int64_t now_wall_s, struct buf *out);

/* Packed form for the spool; bounded by REPORT_PACKED_MAX. */
#define REPORT_PACKED_MAX (16 + DROP_COUNT * CAT_COUNT * 12)
size_t report_pack(const struct report *r, uint8_t *out);
bool report_unpack(const uint8_t *p, size_t n, struct report *r);

#endif
