/* build.h - one stored record becomes the body and the headers of a request.
 *
 * sent_at is aged, items that a limit stops are taken out, a client report may
 * ride along, and the body gets the encoding its host takes (protocol.md 13.3,
 * 14.1, 15.4, 17). The usual record is passed on as it lies on disk: its zstd
 * frame is spliced behind the header line and never decompressed.
 *
 * Pure: touches its arguments only.
 *
 * Owns     a struct built owns its buffers and gives its bytes back to the budget.
 * Threads  worker; a built thing is handed over whole.
 * Fails    E_NOMEM  no memory, or the budget is used up: try again later
 */
#ifndef PICKET_FORWARD_BUILD_H
#define PICKET_FORWARD_BUILD_H

#include "base/budget.h"
#include "config/settings.h"
#include "envelope/age.h"
#include "envelope/codec.h"
#include "envelope/merge.h"
#include "envelope/record.h"
#include "envelope/report.h"

#define BUILD_LINES         16 /* of ours; configured ones come on top, up to the same number */
#define BUILD_CARRIED_LINES 64 /* ours and a carried request's, whose client had more to say */

/* What is the same for all records of one lane. */
struct build_order {
	struct str dsn;     /* of the lane; other records are not ours */
	struct str key;     /* its public key */
	struct str api_url; /* "https://host/api/{project}/" */
	enum setting_compression compression;
	uint64_t limits; /* bit set of what is stopped now */
	bool hold;       /* limited records wait instead of being cut */
	bool no_budget;  /* go on even when the budget is used up */
	struct age_frame frame;
	struct instant now;
	struct codec_pool *codecs;
	struct budget *budget;
	const struct settings *settings;
};

enum build_part { PART_ALL, PART_FIRST, PART_SECOND };

enum build_result {
	BUILD_READY,
	BUILD_FOREIGN, /* of another DSN with the same lane number */
	BUILD_LIMITED, /* nothing is left of it: dropped has it all */
	BUILD_HELD,    /* has to wait for the end of a limit */
	BUILD_WHOLE,   /* was to be split and cannot be */
	BUILD_AGAIN,   /* no memory for it now */
	BUILD_CORRUPT,
	BUILD_NEWER /* a format this build does not read: left alone */
};

/* What settling needs to know of a record. */
struct facts {
	bool has_event_id;
	struct event_id event_id;
	struct quantities held;    /* of the whole record */
	struct quantities part;    /* of the part that was asked for; held for all of it */
	struct quantities dropped; /* taken out of it because of limits */
};

struct built {
	enum build_result result;
	struct facts *facts; /* the caller's */
	struct buf body;
	struct buf lines; /* header lines, each ended by a NUL */
	unsigned line_count;
	struct buf url;          /* of a carried request, ended by a NUL; else empty */
	char method[24];         /* likewise; "" is POST */
	bool is_zstd, is_brotli; /* how the body is compressed */
	bool has_report;         /* the report given was put in, as far as it fits */
	size_t sent_at_offset;   /* of the time's text in body; 0: it is compressed */
	int64_t sent_at_us;
	uint64_t budget_bytes;
};

/* Memory that building needs between its steps; kept from record to record. */
struct build_scratch {
	struct buf head, plain, packed, header, own;
};

void built_init(struct built *b, struct facts *facts);
/* Gives the bytes back; keeps buffers up to keep_bytes for the next use. */
void built_clear(struct built *b, struct budget *budget, size_t keep_bytes);
void built_fini(struct built *b, struct budget *budget);
void build_scratch_fini(struct build_scratch *s);

/* bytes is a packed record. report (may be NULL): what is to ride along; what
 * went in is moved to *written. */
int build_record(const struct build_order *o, struct str bytes, enum build_part part,
	struct report *report, struct report *written, struct build_scratch *s, struct built *b,
	struct err *err);

/* What m has merged, sent as first was to be sent. */
int build_merged(const struct build_order *o, const struct record *first, struct merger *m,
	struct report *report, struct report *written, struct build_scratch *s, struct built *b,
	struct err *err);

/* An envelope of nothing but a client report. */
int build_report(const struct build_order *o, struct report *report, struct report *written,
	struct build_scratch *s, struct built *b, struct err *err);

/* Writes a later time over the one in body. False when it is compressed. */
bool built_set_sent_at(struct built *b, int64_t sent_at_us);

#endif
