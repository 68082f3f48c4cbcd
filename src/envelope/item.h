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

enum item_type {
	ITEM_UNKNOWN,
#define ITEM_ENUM(id, name, bound, class) ITEM_##id,
	ITEM_TYPES(ITEM_ENUM)
#undef ITEM_ENUM
		ITEM_TYPE_COUNT
};

struct item {
	enum item_type type;
	struct str type_name;   /* as the client wrote it */
	struct str header_text; /* as received */
	struct json_doc *header;
	struct str payload;
	uint64_t entries;   /* by envelope_measure(): entries of a container, spans of a
			     * transaction, sum of a sessions item; else 1 */
	bool creates_event; /* minidump and other event-creating attachments (8) */
	bool is_container;  /* span v2, log, trace_metric */
};

enum item_type item_type_parse(struct str name);
const char *item_type_name(enum item_type t);
bool item_type_needs_event(enum item_type t);
enum item_class item_type_class(enum item_type t);

/* Which of the active limits stop this item, as a bit set of categories
 * (UINT64_C(1) << CAT_x; section 12, column "gate"). Zero: only an all-categories limit
 * does. */
uint64_t item_gates(const struct item *it);

/* Adds what this item counts as (9.1, 15.3) to *q. */
void item_quantities(const struct item *it, struct quantities *q);

/* Counts and sizes of section 9.3, in bytes of decoded payload. */
struct item_limits {
	uint64_t event, attachment, attachments, attachment_count;
	uint64_t replay, session, session_count, client_report, client_report_count;
	uint64_t profile, check_in, statsd, metric_buckets;
	uint64_t log, trace_metric, span, span_count;
};

#endif
