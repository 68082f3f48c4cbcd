/* drop.h - the names of every way an item can end undelivered.
 *
 * The names are the reasons Sentry accepts in client reports (protocol.md
 * 15.2); no other may be used. Numbers are stored: new rows go to the end.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_DROP_H
#define PICKET_ENVELOPE_DROP_H

#include <stdbool.h>

#include "base/str.h"

#define DROP_REASONS(REASON)                                                                       \
	REASON(QUEUE_OVERFLOW, "queue_overflow")                                                   \
	REASON(CACHE_OVERFLOW, "cache_overflow")                                                   \
	REASON(BUFFER_OVERFLOW, "buffer_overflow")                                                 \
	REASON(RATELIMIT_BACKOFF, "ratelimit_backoff")                                             \
	REASON(NETWORK_ERROR, "network_error")                                                     \
	REASON(SAMPLE_RATE, "sample_rate")                                                         \
	REASON(BEFORE_SEND, "before_send")                                                         \
	REASON(EVENT_PROCESSOR, "event_processor")                                                 \
	REASON(IGNORED, "ignored")                                                                 \
	REASON(SEND_ERROR, "send_error")                                                           \
	REASON(INTERNAL_SDK_ERROR, "internal_sdk_error")                                           \
	REASON(INVALID, "invalid")                                                                 \
	REASON(BACKPRESSURE, "backpressure")

enum drop_reason {
	DROP_NONE,
#define DROP_ENUM(id, name) DROP_##id,
	DROP_REASONS(DROP_ENUM)
#undef DROP_ENUM
		DROP_COUNT
};

/* "" for DROP_NONE. */
const char *drop_name(enum drop_reason r);
bool drop_parse(struct str name, enum drop_reason *ret);

#endif
