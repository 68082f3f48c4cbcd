/* merge_report.h - client reports summed (protocol.md 11.3, 15.1), for the files of
 * this room.
 *
 * Reports of one hour become one, of the earliest timestamp; quantities are
 * summed by list, reason and category. A report that says anything else is passed
 * on as it came. No item grows above 4 KiB: what is left goes on in a further one
 * (P-085).
 *
 * Owns     copies of all it keeps.
 * Threads  one at a time.
 */
#ifndef PICKET_ENVELOPE_MERGE_REPORT_H
#define PICKET_ENVELOPE_MERGE_REPORT_H

#include "envelope/keymap.h"
#include "envelope/merge_part.h"

struct merge_reports {
	struct keymap keys; /* hour, list, reason, category: number in entries */
	struct report_entry *entries;
	size_t entries_cap;
	struct report_hour *hours;
	size_t hours_n, hours_cap;
	struct buf texts;   /* raw texts of the entries */
	struct buf as_came; /* whole items */
	size_t as_came_n;
	uint64_t quantity; /* of all entries together */
};

void merge_reports_init(struct merge_reports *m, const struct siphash_key *seed);
void merge_reports_fini(struct merge_reports *m);
void merge_reports_clear(struct merge_reports *m);

/* Makes room for the client reports of a part. E_TOOBIG, E_NOMEM. */
int merge_reports_plan(struct merge_reports *m, struct part *p);
void merge_reports_take(struct merge_reports *m, struct part *p);
void merge_reports_write(const struct merge_reports *m, struct buf *out);

/* The hour that a report is about, MERGE_REPORT_NO_HOUR when it does not say. */
#define MERGE_REPORT_NO_HOUR INT64_MIN
int64_t merge_report_hour(struct json_doc *d);

#endif
