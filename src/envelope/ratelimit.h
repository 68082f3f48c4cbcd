/* ratelimit.h - X-Sentry-Rate-Limits and Retry-After, as facts (protocol.md 13).
 *
 * Pure: header text and a time in, limits out.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_RATELIMIT_H
#define PICKET_ENVELOPE_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "envelope/category.h"

#define RATELIMIT_MAX_SECONDS 86400 /* 13.2, rule 4 */
#define RATELIMIT_TEXT_BYTES  32

enum ratelimit_scope { SCOPE_OTHER, SCOPE_ORGANIZATION, SCOPE_PROJECT, SCOPE_KEY };

struct ratelimit {
	uint64_t categories; /* bit set; RATELIMIT_ALL for every category */
	uint32_t seconds;    /* rounded up, at most RATELIMIT_MAX_SECONDS */
	enum ratelimit_scope scope;
	char reason[RATELIMIT_TEXT_BYTES]; /* "" when none; cut when longer */
};
#define RATELIMIT_ALL UINT64_MAX

/* Parses the joined header. Calls each() for every entry that limits something
 * known; entries with only unknown categories, bad numbers or foreign
 * metric_bucket namespaces are skipped (P-088 to P-092). Returns the number of
 * entries given to each(). *was_present tells whether any entry at all was
 * well formed, so that Retry-After is ignored (13.2, rule 1). */
typedef void ratelimit_fn(void *arg, const struct ratelimit *limit);
unsigned ratelimit_parse(struct str header, ratelimit_fn *each, void *arg, bool *was_present);

/* Seconds to wait from a Retry-After value: delta-seconds (rounded up) or an
 * HTTP date, judged against wall_s. False when neither. At most
 * RATELIMIT_MAX_SECONDS; 0 for a date that has passed. */
bool ratelimit_retry_after(struct str value, int64_t wall_s, uint32_t *seconds);

/* Appends "seconds:cat;cat:scope[:reason]", with ", " before it when out is
 * not empty. Integers only, never 0 (P-100); an unknown scope becomes "key". */
void ratelimit_write(struct buf *out, const struct ratelimit *limit);

#endif
