/* record.h - one envelope as it lies on disk.
 *
 * A record holds all that sending needs: where to, the sender's facts, the
 * header line, and the items as one block that is usually compressed. It has a
 * format version and a checksum over everything; a record that fails either
 * is E_CORRUPT and is set aside.
 *
 * Version 3 is written. Version 2 (without stream and carried) and version 1
 * (also without boot_id, received_mono_ms and from.protocol) are read.
 *
 * Owns     nothing: pack writes into a caller's buffer, unpack makes views.
 * Threads  any.
 */
#ifndef PICKET_ENVELOPE_RECORD_H
#define PICKET_ENVELOPE_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "envelope/carried.h"
#include "envelope/codec.h"
#include "envelope/item.h"
#include "envelope/quantity.h"
#include "envelope/sender.h"
#include "envelope/stream.h"

enum record_encoding {
	RECORD_IDENTITY,
	RECORD_ZSTD, /* a frame of codec_zstd() */
	RECORD_BODY  /* the client's whole body as it came: header line and items */
};

struct record {
	enum item_class class;
	struct str dsn; /* upstream DSN this goes to, as dsn_format() writes it */
	struct sender from;
	int64_t received_wall_ms;
	int64_t received_mono_ms; /* valid only in the boot named here */
	uint64_t boot_id;         /* 0: not known, then it equals no boot, not even boot 0 */
	bool has_sent_at;
	int64_t sent_at_us; /* as the client said, before ageing (17) */
	bool has_event_id;
	struct event_id event_id;
	struct quantities held;
	struct str header;        /* envelope header line without sent_at and LF */
	struct stream_key stream; /* what it may be merged with */
	struct carried carried;   /* method "": an envelope */
	enum record_encoding encoding;
	enum encoding body_encoding; /* RECORD_BODY: the client's Content-Encoding */
	uint64_t items_bytes;        /* decoded size of items */
	struct str items;            /* items block, encoded as told */
};

/* Scheduling lane: a hash of the upstream DSN, the same in every process. */
uint32_t record_lane(struct str dsn);

/* Appends the items block in the clear. E_SYNTAX when it cannot be decoded,
 * E_NOMEM. */
int record_items(const struct record *r, struct buf *out, struct err *err);

/* Appends the packed record. */
void record_pack(const struct record *r, struct buf *out);

/* Views into bytes. E_CORRUPT on a bad checksum, E_UNSUPPORTED on a version
 * newer than this build reads; older versions are read. */
int record_unpack(struct str bytes, struct record *ret, struct err *err);
/* Only class, dsn, quantities, event id and times, without the checksum pass:
 * for eviction and listing. */
int record_peek(struct str bytes, struct record *ret, struct err *err);

#endif
