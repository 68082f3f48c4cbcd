/* counters.h - figures of this process since it started.
 *
 * One row in COUNTERS makes the field, its name in /metrics and its help text.
 * What must survive a restart (the conservation law) is kept by the spool.
 *
 * Owns     nothing.
 * Threads  loop thread only.
 */
#ifndef PICKET_BASE_COUNTERS_H
#define PICKET_BASE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

/* COUNTER(field, kind, metric name, help) */
#define COUNTERS(COUNTER)                                                                          \
	COUNTER(connections, GAUGE, "picket_connections", "Client connections open now")           \
	COUNTER(connections_total, COUNT, "picket_connections_total",                              \
		"Client connections accepted")                                                     \
	COUNTER(connections_refused, COUNT, "picket_connections_refused_total",                    \
		"Client connections closed at once because of a limit")                            \
	COUNTER(requests, COUNT, "picket_requests_total", "Requests read from clients")            \
	COUNTER(request_bytes, COUNT, "picket_request_bytes_total",                                \
		"Body bytes read from clients")                                                    \
	COUNTER(answers_2xx, COUNT, "picket_answers_2xx_total", "Requests answered 2xx")           \
	COUNTER(answers_4xx, COUNT, "picket_answers_4xx_total", "Requests answered 4xx")           \
	COUNTER(answers_429, COUNT, "picket_answers_429_total", "Requests answered 429")           \
	COUNTER(answers_5xx, COUNT, "picket_answers_5xx_total", "Requests answered 5xx")           \
	COUNTER(datagrams, COUNT, "picket_datagrams_total", "Envelopes received as datagrams")     \
	COUNTER(datagrams_refused, COUNT, "picket_datagrams_refused_total",                        \
		"Datagrams that were no acceptable envelope")                                      \
	COUNTER(scrub_replaced, COUNT, "picket_scrub_replaced_total",                              \
		"Texts of which scrubbing replaced a part")                                        \
	COUNTER(scrub_removed, COUNT, "picket_scrub_removed_total",                                \
		"Values that scrubbing took out whole")                                            \
	COUNTER(scrub_limits, COUNT, "picket_scrub_limits_total",                                  \
		"Of these: because an expression or the depth met its limit")                      \
	COUNTER(scrub_items_dropped, COUNT, "picket_scrub_items_dropped_total",                    \
		"Items dropped because scrubbing could not read them")                             \
	COUNTER(scrub_opaque, COUNT, "picket_scrub_opaque_total",                                  \
		"Items passed because nobody here can look inside")                                \
	COUNTER(hook_calls, COUNT, "picket_hook_calls_total", "Calls of the operator's hooks")     \
	COUNTER(hook_errors, COUNT, "picket_hook_errors_total",                                    \
		"Calls of hooks that ended in an error or at a limit")                             \
	COUNTER(commits, COUNT, "picket_spool_commits_total", "Write transactions committed")      \
	COUNTER(commit_us, COUNT, "picket_spool_commit_microseconds_total",                        \
		"Time spent in write transactions")                                                \
	COUNTER(commit_errors, COUNT, "picket_spool_commit_errors_total",                          \
		"Write transactions that failed")                                                  \
	COUNTER(records_evicted, COUNT, "picket_spool_evicted_total",                              \
		"Records dropped to make room")                                                    \
	COUNTER(records_expired, COUNT, "picket_spool_expired_total",                              \
		"Records dropped because they were too old")                                       \
	COUNTER(records_corrupt, COUNT, "picket_spool_corrupt_total",                              \
		"Records set aside because they were damaged")                                     \
	COUNTER(upstream_requests, COUNT, "picket_upstream_requests_total",                        \
		"Requests sent upstream")                                                          \
	COUNTER(upstream_bytes, COUNT, "picket_upstream_bytes_total",                              \
		"Body bytes sent upstream, compressed")                                            \
	COUNTER(upstream_merged, COUNT, "picket_upstream_merged_total",                            \
		"Records sent together with others in one request")                                \
	COUNTER(upstream_2xx, COUNT, "picket_upstream_2xx_total", "Upstream answers 2xx")          \
	COUNTER(upstream_429, COUNT, "picket_upstream_429_total", "Upstream answers 429")          \
	COUNTER(upstream_4xx, COUNT, "picket_upstream_4xx_total", "Upstream answers 4xx but 429")  \
	COUNTER(upstream_5xx, COUNT, "picket_upstream_5xx_total", "Upstream answers 5xx")          \
	COUNTER(upstream_failures, COUNT, "picket_upstream_failures_total",                        \
		"Upstream requests that got no answer")                                            \
	COUNTER(upstream_in_flight, GAUGE, "picket_upstream_in_flight",                            \
		"Upstream requests without an answer yet")

struct counters {
#define COUNTER_FIELD(field, kind, name, help) uint64_t field;
	COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

enum counter_kind { COUNTER_COUNT, COUNTER_GAUGE };

struct counter_info {
	const char *name;
	const char *help;
	enum counter_kind kind;
	size_t offset; /* of a uint64_t in struct counters */
};

/* The table; *n rows. */
const struct counter_info *counters_table(size_t *n);
uint64_t counters_get(const struct counters *c, const struct counter_info *info);

#endif
