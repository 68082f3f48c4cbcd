/* id.h - event ids: UUIDs as Sentry spells them (protocol.md 1).
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_BASE_ID_H
#define PICKET_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct event_id {
	uint8_t b[16];
};

#define EVENT_ID_HEX_BYTES  33 /* 32 digits and a NUL */
#define EVENT_ID_UUID_BYTES 37 /* with dashes, and a NUL */

/* 32 hex digits or the dashed form, any case. */
bool event_id_parse(struct str s, struct event_id *ret);
void event_id_hex(const struct event_id *id, char out[EVENT_ID_HEX_BYTES]);
void event_id_uuid(const struct event_id *id, char out[EVENT_ID_UUID_BYTES]);
bool event_id_eq(const struct event_id *a, const struct event_id *b);
bool event_id_is_zero(const struct event_id *id);
/* A version 4 UUID from the kernel's generator. False if the kernel refuses. */
bool event_id_random(struct event_id *ret);

#endif
