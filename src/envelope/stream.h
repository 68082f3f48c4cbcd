/* stream.h - which envelopes may be merged into one (protocol.md 11.1).
 *
 * Owns     nothing; plain memory.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_STREAM_H
#define PICKET_ENVELOPE_STREAM_H

#include <stdint.h>

enum stream_kind {
	STREAM_NONE,
	STREAM_LOG,
	STREAM_TRACE_METRIC,
	STREAM_SPAN,
	STREAM_SESSION,
	STREAM_CLIENT_REPORT,
	STREAM_STATSD,
	STREAM_METRIC_BUCKETS,
	STREAM_KIND_COUNT
};

struct stream_key {
	enum stream_kind kind;
	uint64_t hash[2];
};

#endif
