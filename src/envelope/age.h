/* age.h - how long a record has been with us (protocol.md 17, design 12.11).
 *
 * Monotonic time is used while the boot is the one the record was stored in.
 * For a record of another boot the wall clocks are compared once, as they stood
 * when this process started, and monotonic time is added from there: a clock
 * that is stepped while the daemon runs changes nothing. Never negative.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_AGE_H
#define PICKET_ENVELOPE_AGE_H

#include "base/clock.h"
#include "envelope/record.h"

struct age_frame {
	uint64_t boot_id;     /* of this boot */
	struct instant start; /* of this process */
};

int64_t age_ms(const struct age_frame *f, const struct record *r, struct instant now);

#endif
