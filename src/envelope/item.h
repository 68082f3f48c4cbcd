/* item.h - item types: payload kind, event binding, priority class, category.
 *
 * One row in ITEM_TYPES per type of protocol.md 9.1. What a type counts as is
 * told by item_quantities(), which limits stop it by item_gates().
 *
 * Owns     nothing: views into the envelope's body or arena.
 * Threads  as its envelope.
 */
#ifndef PICKET_ENVELOPE_ITEM_H
#define PICKET_ENVELOPE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "envelope/quantity.h"
#include "json/json.h"

/* Priority classes of the spool (design 8); the lower goes first and is
 * evicted last. An envelope has the class of its most urgent item. */
enum item_class {
	CLASS_CHECK_IN, /* check-in and session */
	CLASS_ERROR,
	CLASS_TRACE,     /* transaction, span and profile */
	CLASS_TELEMETRY, /* log and metric */
	CLASS_BULK,      /* replay and attachment-only */
	CLASS_COUNT
};
const char *item_class_name(enum item_class c);

/* ITEM_TYPE(id, name, binds to an event, class) */
#define ITEM_TYPES(ITEM_TYPE)                                                                      \
	ITEM_TYPE(EVENT, "event", true, CLASS_ERROR)                                               \
	ITEM_TYPE(TRANSACTION, "transaction", true, CLASS_TRACE)                                   \
	ITEM_TYPE(FEEDBACK, "feedback", true, CLASS_ERROR)                                         \
	ITEM_TYPE(USER_REPORT, "user_report", true, CLASS_ERROR)                                   \
	ITEM_TYPE(ATTACHMENT, "attachment", true, CLASS_BULK)                                      \
	ITEM_TYPE(SESSION, "session", false, CLASS_CHECK_IN)                                       \
	ITEM_TYPE(SESSIONS, "sessions", false, CLASS_CHECK_IN)                                     \
	ITEM_TYPE(LOG, "log", false, CLASS_TELEMETRY)                                              \
	ITEM_TYPE(TRACE_METRIC, "trace_metric", false, CLASS_TELEMETRY)                            \
	ITEM_TYPE(SPAN, "span", false, CLASS_TRACE)                                                \
	ITEM_TYPE(PROFILE, "profile", true, CLASS_TRACE)                                           \
	ITEM_TYPE(PROFILE_CHUNK, "profile_chunk", false, CLASS_TRACE)                              \
	ITEM_TYPE(PROFILE_CHUNK_UI, "profile_chunk_ui", false, CLASS_TRACE)                        \
	ITEM_TYPE(REPLAY_EVENT, "replay_event", true, CLASS_BULK)                                  \
	ITEM_TYPE(REPLAY_RECORDING, "replay_recording", false, CLASS_BULK)                         \
	ITEM_TYPE(REPLAY_VIDEO, "replay_video", false, CLASS_BULK)                                 \
	ITEM_TYPE(CHECK_IN, "check_in", false, CLASS_CHECK_IN)                                     \
	ITEM_TYPE(CLIENT_REPORT, "client_report", false, CLASS_TELEMETRY)                          \
	ITEM_TYPE(STATSD, "statsd", false, CLASS_TELEMETRY)                                        \
	ITEM_TYPE(METRIC_BUCKETS, "metric_buckets", false, CLASS_TELEMETRY)                        \
	ITEM_TYPE(SECURITY, "security", true, CLASS_ERROR)                                         \
	ITEM_TYPE(RAW_SECURITY, "raw_security", true, CLASS_ERROR)                                 \
	ITEM_TYPE(UNREAL_REPORT, "unreal_report", true, CLASS_ERROR)                               \
	ITEM_TYPE(FORM_DATA, "form_data", true, CLASS_ERROR)                                       \
	ITEM_TYPE(NEL, "nel", false, CLASS_TELEMETRY)

/* What only carried requests are (carried.h): counted like spans and logs, but
 * their payload is no container. No name in an envelope means them, and theirs
 * are never written. */
#define ITEM_CARRIED_TYPES(ITEM_TYPE)                                                              \
	ITEM_TYPE(OTLP_SPANS, "otlp_spans", false, CLASS_TRACE)                                    \
	ITEM_TYPE(OTLP_LOGS, "otlp_logs", false, CLASS_TELEMETRY)

enum item_type {
	ITEM_UNKNOWN,
#define ITEM_ENUM(id, name, bound, class) ITEM_##id,
	ITEM_TYPES(ITEM_ENUM) ITEM_CARRIED_TYPES(ITEM_ENUM)
#undef ITEM_ENUM
		ITEM_TYPE_COUNT
};

/* Decides the category of a profile chunk (9.1). */
enum item_platform { PLATFORM_UNKNOWN, PLATFORM_BACKEND, PLATFORM_UI };
enum item_platform item_platform_of(struct str platform);

struct item {
	enum item_type type;
	struct str type_name;    /* as the client wrote it */
	struct str header_text;  /* the JSON object as received */
	struct json_doc *header; /* NULL until item_header() (envelope.h) made it */
	struct str payload;      /* replaceable: "length" is written to fit it */
	uint64_t entries;        /* by envelope_measure(): entries of a container, spans of
				  * a transaction, sum of a sessions item; else 1. Of a
				  * carried request: by whoever made it */
	bool creates_event;      /* minidump and other event-creating attachments (8) */
	bool is_container;       /* span v2, log, trace_metric with their content type */
	bool is_reference;       /* attachment that names a file stored elsewhere */
	bool is_trace_bound;     /* trace attachment: bound to a trace, not to an event */
	bool is_span_bound;      /* trace attachment with a span_id */
	bool carries_count;      /* what its envelope counts once (the replay, the event that
				  * attachments create) is counted on this item */
	bool is_compact;         /* header_text has no blanks between its tokens */
	bool has_declared;
	bool has_content_type; /* its header has one */
	bool has_others;       /* and more: not type, length, or a container's item_count */
	enum item_platform platform;
	uint64_t declared;  /* header's item_count, span_count or attachment_length */
	uint32_t length_at; /* value of "length" in header_text: offset */
	uint32_t length_n;  /* and bytes, 0 when there is none */

	struct json_doc *document; /* NULL until item_payload() (envelope.h) made it */
	bool is_opaque;            /* it found no JSON */
};

enum item_type item_type_parse(struct str name);
const char *item_type_name(enum item_type t);
bool item_type_needs_event(enum item_type t);
/* Types that picket does not know wait with telemetry. */
enum item_class item_type_class(enum item_type t);

/* The same for one item: a minidump is an error, a trace attachment needs no
 * event. */
bool item_needs_event(const struct item *it);
enum item_class item_class_of(const struct item *it);

/* Which of the active limits stop this item, as a bit set of categories
 * (UINT64_C(1) << CAT_x; section 12, column "gate"). Zero: only an all-categories limit
 * does. What is bound to a stopped event goes with it: see
 * envelope_remove_limited(). */
uint64_t item_gates(const struct item *it);

/* Adds what this item counts as (9.1, 15.3) to *q. */
void item_quantities(const struct item *it, struct quantities *q);

/* Counts and sizes of section 9.3, in bytes of decoded payload; 0 is no limit. */
struct item_limits {
	uint64_t event, attachment, attachments, attachment_count;
	uint64_t replay, session, session_count, client_report, client_report_count;
	uint64_t profile, check_in, statsd, metric_buckets;
	uint64_t log, trace_metric, span, span_count;
};

#endif
