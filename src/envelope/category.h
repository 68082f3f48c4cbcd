/* category.h - Sentry's data categories: the unit of limits and of counting.
 *
 * One row in CATEGORIES makes number and name (protocol.md 12). Numbers are
 * stored: new rows go to the end.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_CATEGORY_H
#define PICKET_ENVELOPE_CATEGORY_H

#include <stdbool.h>

#include "base/str.h"

#define CATEGORIES(CATEGORY)                                                                       \
	CATEGORY(DEFAULT, "default")                                                               \
	CATEGORY(ERROR, "error")                                                                   \
	CATEGORY(TRANSACTION, "transaction")                                                       \
	CATEGORY(SECURITY, "security")                                                             \
	CATEGORY(ATTACHMENT, "attachment")                                                         \
	CATEGORY(SESSION, "session")                                                               \
	CATEGORY(PROFILE, "profile")                                                               \
	CATEGORY(REPLAY, "replay")                                                                 \
	CATEGORY(TRANSACTION_PROCESSED, "transaction_processed")                                   \
	CATEGORY(TRANSACTION_INDEXED, "transaction_indexed")                                       \
	CATEGORY(MONITOR, "monitor")                                                               \
	CATEGORY(PROFILE_INDEXED, "profile_indexed")                                               \
	CATEGORY(SPAN, "span")                                                                     \
	CATEGORY(MONITOR_SEAT, "monitor_seat")                                                     \
	CATEGORY(FEEDBACK, "feedback")                                                             \
	CATEGORY(METRIC_BUCKET, "metric_bucket")                                                   \
	CATEGORY(SPAN_INDEXED, "span_indexed")                                                     \
	CATEGORY(PROFILE_DURATION, "profile_duration")                                             \
	CATEGORY(PROFILE_CHUNK, "profile_chunk")                                                   \
	CATEGORY(METRIC_SECOND, "metric_second")                                                   \
	CATEGORY(REPLAY_VIDEO, "replay_video")                                                     \
	CATEGORY(UPTIME, "uptime")                                                                 \
	CATEGORY(ATTACHMENT_ITEM, "attachment_item")                                               \
	CATEGORY(LOG_ITEM, "log_item")                                                             \
	CATEGORY(LOG_BYTE, "log_byte")                                                             \
	CATEGORY(PROFILE_DURATION_UI, "profile_duration_ui")                                       \
	CATEGORY(PROFILE_CHUNK_UI, "profile_chunk_ui")                                             \
	CATEGORY(SEER_AUTOFIX, "seer_autofix")                                                     \
	CATEGORY(SEER_SCANNER, "seer_scanner")                                                     \
	CATEGORY(PREVENT_USER, "prevent_user")                                                     \
	CATEGORY(PREVENT_REVIEW, "prevent_review")                                                 \
	CATEGORY(SIZE_ANALYSIS, "size_analysis")                                                   \
	CATEGORY(INSTALLABLE_BUILD, "installable_build")                                           \
	CATEGORY(TRACE_METRIC, "trace_metric")                                                     \
	CATEGORY(SEER_USER, "seer_user")                                                           \
	CATEGORY(PROFILE_BACKEND, "profile_backend")                                               \
	CATEGORY(PROFILE_UI, "profile_ui")                                                         \
	CATEGORY(TRACE_METRIC_BYTE, "trace_metric_byte")

enum category {
#define CATEGORY_ENUM(id, name) CAT_##id,
	CATEGORIES(CATEGORY_ENUM)
#undef CATEGORY_ENUM
		CAT_COUNT
};

const char *category_name(enum category c);
/* Also reads the alias user_report_v2 (feedback). */
bool category_parse(struct str name, enum category *ret);

#endif
