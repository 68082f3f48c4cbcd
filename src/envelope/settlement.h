/* settlement.h - how the stay of a stored record ended, or what is wanted next.
 *
 * These plain structs pass between sending and spool, which do not know each
 * other; daemon/pipeline.c carries them.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_SETTLEMENT_H
#define PICKET_ENVELOPE_SETTLEMENT_H

#include "base/err.h"
#include "base/id.h"
#include "envelope/drop.h"
#include "envelope/item.h"
#include "envelope/quantity.h"

/* One record in the spool. */
struct record_ref {
	uint32_t lane;
	enum item_class class;
	uint64_t seq;
};

enum settle_end {
	SETTLE_REMOVE, /* the record goes; its quantities are split as told */
	SETTLE_DEAD,   /* it goes to the dead letters; everything counts as dropped */
	SETTLE_KEEP    /* it stays; attempts and the last trouble are noted */
};

struct settlement {
	struct record_ref ref;
	enum settle_end end;
	struct quantities delivered; /* held to delivered */
	struct quantities dropped;   /* held to dropped, for why */
	enum drop_reason why;
	bool reported; /* also count what was dropped in a client report */
	int status;    /* HTTP status, 0 when there was no answer */
	uint32_t attempts;
	bool has_event_id;
	struct event_id event_id;
	char text[96]; /* one line for "why" and the dead letter; no client text */
};

/* Which stored records of one lane and class to look at next. */
struct record_want {
	uint32_t lane;
	enum item_class class;
	bool newest_first;
	uint64_t after_seq;  /* oldest first: only greater ones; 0: from the start */
	uint64_t before_seq; /* newest first: only smaller ones; 0: from the end */
	uint64_t exact_seq;  /* not 0: this one record */
};

/* bytes is a packed record, valid during the call only. Returns false to stop. */
typedef bool record_fn(void *arg, uint64_t seq, struct str bytes);

#endif
