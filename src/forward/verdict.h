/* verdict.h - what an answer, or none, means for what was sent (protocol.md 14.2).
 *
 * Pure: one table.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_FORWARD_VERDICT_H
#define PICKET_FORWARD_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "envelope/drop.h"

/* Answers that blame the request are repeated this often before it is given up:
 * 500 is often a passing fault, and rarely a record that can never pass. */
#define VERDICT_ATTEMPTS 5

enum verdict_kind {
	VERDICT_DELIVERED,
	VERDICT_LIMITED, /* answered 429: gone, and not counted by us */
	VERDICT_RETRY,   /* until it is too old */
	VERDICT_GZIP,    /* again at once, without zstd */
	VERDICT_SPLIT,   /* again in two parts */
	VERDICT_DEAD,
	VERDICT_CANCELED /* nothing is known; it stays */
};

struct attempt {
	int rc; /* of the exchange */
	int status;
	uint32_t number; /* of this attempt, from 1 */
	bool is_brotli;  /* likewise, a client's own */
	bool is_zstd;
	bool zstd_is_fine; /* this host took zstd before */
	bool was_split;
};

struct verdict {
	enum verdict_kind kind;
	bool host_is_away;    /* network class: nobody useful answered */
	bool host_is_unwell;  /* answered, but with a fault of its own */
	bool lane_is_refused; /* the DSN is not taken: no use to hurry on */
};

struct verdict verdict_of(const struct attempt *a);
const char *verdict_name(enum verdict_kind k);

#endif
