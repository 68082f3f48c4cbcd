/* limits.h - the rate limits in force for one DSN (protocol.md 13).
 *
 * Pure: answers and times in, a bit set of stopped categories out. Ends are
 * monotonic inside and wall-clock when they are stored.
 *
 * Owns     nothing; plain memory.
 * Threads  loop thread.
 */
#ifndef PICKET_FORWARD_LIMITS_H
#define PICKET_FORWARD_LIMITS_H

#include "base/clock.h"
#include "envelope/ratelimit.h"

struct limit {
	int64_t until_mono_ms; /* 0: never was limited */
	enum ratelimit_scope scope;
	char reason[RATELIMIT_TEXT_BYTES];
};

struct limits {
	struct limit of[CAT_COUNT];
	struct limit all;
	bool is_used; /* some limit was set at some time */
};

/* One entry of a header. A shorter limit never shortens one in force (P-093).
 * True when something changed. */
bool limits_set(struct limits *l, const struct ratelimit *limit, int64_t now_mono_ms);

/* Everything an answer says about limits: the header on any status, else
 * Retry-After on a 429, else 60 s (P-087, P-095). NULL: the header was absent. */
bool limits_answer(struct limits *l, int status, const char *rate_limits, const char *retry_after,
	struct instant now);

/* Bit set of what is stopped now; RATELIMIT_ALL when everything is. */
uint64_t limits_active(const struct limits *l, int64_t now_mono_ms);
/* The first moment after now at which fewer are stopped; INT64_MAX: none is. */
int64_t limits_next_end(const struct limits *l, int64_t now_mono_ms);

/* Calls each() once per group of categories that end together with the same
 * scope and reason. */
void limits_each(const struct limits *l, int64_t now_mono_ms, ratelimit_fn *each, void *arg);

/* For [state]: text with wall-clock ends. Nothing is written when no limit is
 * in force. */
void limits_pack(const struct limits *l, struct instant now, struct buf *out);
/* Lines that cannot be read are skipped. What is left is at most 24 h, so that
 * a wall clock that jumped back cannot stop a DSN for long. */
void limits_unpack(struct limits *l, struct str text, struct instant now);

#endif
