/* view.h - what can be seen of the daemon, as plain facts.
 *
 * daemon/ fills a view from its parts; ops/ turns it into /status, /metrics and
 * the dashboard's data without knowing the parts.
 *
 * Owns     nothing; views into the daemon, valid until the loop runs again.
 * Threads  loop thread.
 */
#ifndef PICKET_OPS_VIEW_H
#define PICKET_OPS_VIEW_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/counters.h"
#include "base/str.h"
#include "envelope/item.h"
#include "envelope/tally.h"

struct view_upstream {
	struct str host;
	const char *state; /* up, failing, outage, recovering */
	int64_t since_s;
	int64_t next_try_s; /* from now; 0 when nothing is waited for */
	unsigned in_flight;
	int last_status;
	const char *last_error; /* "" when none */
};

struct view_limit {
	struct str host, project;
	uint64_t categories; /* bit set, UINT64_MAX for all */
	uint32_t left_s;
	const char *reason;
};

struct view_lane {
	struct str host, project;
	uint64_t records[CLASS_COUNT];
	uint64_t bytes[CLASS_COUNT];
};

struct view_rule { /* what a [rule NAME] did since it was loaded */
	const char *name;
	uint64_t hits, misses, dropped, errors, time_us;
};

struct view_scrub { /* what a rule of scrubbing did since it was loaded */
	const char *pass;
	struct str rule;
	uint64_t runs, hits, time_us;
};

struct view_count { /* of "count NAME" in rules */
	const char *name;
	uint64_t n;
};

struct view_local { /* --dev: an envelope that ended here */
	int64_t wall_ms;
	struct str types, title, event_id, project;
};

struct view {
	const char *version;
	int64_t uptime_s;
	int64_t started_wall_s; /* UNIX time; 0 when unknown */
	int64_t pid;
	bool ready;
	const char *not_ready_why; /* "" when ready */
	bool held;
	bool dev;
	/* spool */
	uint64_t records, bytes, max_bytes, file_bytes;
	uint64_t class_records[CLASS_COUNT], class_bytes[CLASS_COUNT];
	int64_t oldest_age_s;
	uint64_t dead_records, dead_bytes;
	const char *trouble; /* "" when none */
	uint64_t memory_used, memory_limit;
	const struct tally *tally;
	const struct counters *counters;
	const struct view_upstream *upstreams;
	size_t upstream_count;
	const struct view_limit *limits;
	size_t limit_count;
	const struct view_lane *lanes;
	size_t lane_count;
	const struct view_rule *rules;
	size_t rule_count;
	const struct view_count *counts;
	size_t count_count;
	const struct view_scrub *scrubs;
	size_t scrub_count;
	const struct view_local *local;
	size_t local_count;
};

/* GET /status: one JSON object. */
void status_write(const struct view *v, struct buf *out);
/* GET /metrics: Prometheus text format 0.0.4. */
void metrics_write(const struct view *v, struct buf *out);
/* GET /: one self-contained page that polls /status; figures only. */
void dashboard_write(struct buf *out);

#endif
