/* stream.h - which envelopes may be merged with which (protocol.md 11.1, 11.2).
 *
 * An envelope of one kind of telemetry belongs to a stream; those of one lane
 * with equal keys may become one (merge.h). Nothing that merging would lose is
 * let in: an envelope with a member or a header that the merged one has no
 * place for goes alone.
 *
 * Not in the key, the caller compares them: upstream, project and public key,
 * and the clock's offset (sent_at against the time of receipt, 60 s).
 *
 * Owns     nothing.
 * Threads  any; touches the envelope given.
 * Fails    E_NOMEM
 */
#ifndef PICKET_ENVELOPE_STREAM_H
#define PICKET_ENVELOPE_STREAM_H

#include "envelope/envelope.h"

enum stream_kind {
	STREAM_NONE, /* goes alone */
	STREAM_LOG,
	STREAM_TRACE_METRIC,
	STREAM_SPAN, /* of one trace */
	STREAM_SESSION,
	STREAM_CLIENT_REPORT, /* nothing else in it, of one hour */
	STREAM_STATSD,
	STREAM_METRIC_BUCKETS,
	STREAM_KIND_COUNT
};

const char *stream_kind_name(enum stream_kind k);

struct stream_key {
	enum stream_kind kind;
	uint64_t hash[2];
};

static inline bool stream_key_eq(const struct stream_key *a, const struct stream_key *b)
{
	return a->kind == b->kind && a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1];
}

/* Of an envelope that was measured and routed. */
int stream_key_of(struct envelope *e, struct stream_key *ret, struct err *err);

/* Categories whose limits stop items of that kind: only what none of them stops
 * now may be merged. Client reports beside are stopped by none. */
uint64_t stream_gates(enum stream_kind k);

#endif
