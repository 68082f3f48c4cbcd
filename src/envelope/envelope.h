/* envelope.h - the wire format: one header line and items (protocol.md 6-10).
 *
 * Parsing makes views into the decoded body; nothing is copied and no payload
 * is touched. Writing emits the normative form of 6.4 with payload bytes as
 * they came.
 *
 * Owns     struct envelope owns its arena; everything in it goes at once.
 * Threads  one at a time; an envelope is handed from stage to stage.
 * Fails    E_SYNTAX   malformed: err says what and where (answer 400)
 *          E_TOOBIG   beyond a limit (answer 413)
 *          E_NOMEM
 */
#ifndef PICKET_ENVELOPE_ENVELOPE_H
#define PICKET_ENVELOPE_ENVELOPE_H

#include "base/id.h"
#include "envelope/carried.h"
#include "envelope/codec.h"
#include "envelope/item.h"
#include "envelope/quantity.h"
#include "envelope/sender.h"
#include "json/json.h"

struct envelope {
	struct arena *arena;
	struct str body;        /* decoded; lives in the arena or is adopted (below) */
	void *adopted_body;     /* malloc'd bytes that envelope_free() releases */
	struct str header_text; /* first line, without its LF */
	bool header_is_compact; /* no blanks between its tokens */
	struct str wire;        /* body as the client compressed it, while it may go on so */
	enum encoding wire_encoding;
	struct json_doc *header;
	bool has_event_id;
	struct event_id event_id; /* header's; envelope_identify() fills a missing one */
	bool has_sent_at;
	int64_t sent_at_us;   /* UNIX microseconds, as the client said */
	struct str dsn;       /* "" when absent */
	struct str trace_key; /* trace.public_key, "" when absent */
	struct item *items;   /* array in the arena */
	size_t item_count;
	struct sender from;
	struct carried carried;    /* method "" for an envelope proper */
	struct item_limits limits; /* what it was checked against, and is divided by */
	struct quantities held;    /* filled by envelope_measure() */
	struct quantities invalid; /* what envelope_measure() took out; callers pass &e->invalid */
};

struct envelope_limits {
	size_t max_items;          /* 0: the default of 100000 */
	size_t max_header_bytes;   /* each envelope or item header; 0: 64 KiB */
	uint32_t max_header_depth; /* 0: 64 */
};

/* An empty envelope with its arena. NULL: no memory. */
struct envelope *envelope_new(void);
/* NULL is fine. */
void envelope_free(struct envelope *e);

/* Frames body. The bytes are borrowed: they live in e->arena or are adopted. */
int envelope_parse(
	struct envelope *e, struct str body, const struct envelope_limits *limits, struct err *err);

/* The same for what a record keeps apart: a header line and an items block,
 * both borrowed. Limits were checked when it was taken in. */
int envelope_parse_stored(struct envelope *e, struct str header, struct str items, struct err *err);

/* Only the first line: for credentials in the envelope header (4.4, form 6).
 * *dsn is a view into arena memory or body and is a well-formed DSN.
 * E_UNAUTHORIZED when the line is no JSON object, has no dsn or a bad one. */
int envelope_peek_dsn(struct str body, struct arena *a, struct str *dsn, struct err *err);

/* Makes sure that an envelope which needs an event id has one, in this order:
 * header, payload of the event-like item, a new random one. Writes it into the
 * header (P-055 to P-057). Envelopes that need none are left alone. */
int envelope_identify(struct envelope *e, struct err *err);

/* Reads as much of the payloads as counting needs (span counts, session sums,
 * container entries), corrects a wrong item_count (section 10), removes
 * containers that cannot be read and returns their quantities in *invalid
 * (P-067, P-069), and fills e->held. */
int envelope_measure(struct envelope *e, struct quantities *invalid, struct err *err);

/* Checks the sizes of section 9.3, as far as no dividing cures them (divide.h): an
 * item that is too large by itself, or too much that creates one event. E_TOOBIG
 * names the first offence. */
int envelope_check_limits(
	const struct envelope *e, const struct item_limits *limits, struct err *err);

/* Header edits, all kept in e->header. value is copied. E_OK or E_NOMEM. */
int envelope_set_header_string(struct envelope *e, struct str key, struct str value);
/* Fine when there is no such key. */
int envelope_delete_header(struct envelope *e, struct str key);

/* The header of one item as a document, indexed on first use, to be read and
 * edited. NULL: no memory. "length" is kept right by the writer. */
struct json_doc *item_header(struct envelope *e, struct item *it);

/* The payload of one item as a document, indexed on first use, to be read and
 * edited. NULL: it is not JSON, or no memory. What was edited is part of the
 * payload after item_settle(); the document is gone then. */
struct json_doc *item_payload(struct envelope *e, struct item *it);
int item_settle(struct envelope *e, struct item *it);
/* Settles all items and fills e->held anew. E_OK or E_NOMEM. */
int envelope_settle(struct envelope *e, struct err *err);
/* After entries of a container or spans of a transaction went: entries and,
 * where the item's header tells them, item_count or span_count become n. */
int item_set_count(struct envelope *e, struct item *it, uint64_t n);

/* Priority class: that of the most urgent item. */
enum item_class envelope_class(const struct envelope *e);
/* True when some item has to have an event id. */
bool envelope_needs_event_id(const struct envelope *e);

/* Takes one item out; its quantities are subtracted from e->held. */
void envelope_remove_item(struct envelope *e, size_t index);
/* Takes out all items for which gone() is true, in one pass, likewise. Adds
 * their quantities to *removed (may be NULL). Returns how many went. */
typedef bool envelope_gone_fn(void *arg, const struct item *it);
size_t envelope_remove_if(
	struct envelope *e, envelope_gone_fn *gone, void *arg, struct quantities *removed);
/* Takes out what the active limits stop: limits is a bit set of categories, or
 * UINT64_MAX for all (RATELIMIT_ALL). What is bound to a stopped event or
 * transaction goes with it (section 12). Client reports stay always (13.3). */
size_t envelope_remove_limited(struct envelope *e, uint64_t limits, struct quantities *removed);

/* True when body is byte for byte what writing header and items would give:
 * it came in the normative form (6.4), and nothing was edited or taken out. */
bool envelope_is_as_received(const struct envelope *e);

/* The header as one compact line, without LF. */
void envelope_write_header(struct envelope *e, struct buf *out);
/* All items: header LF payload LF each (6.4). */
void envelope_write_items(struct envelope *e, struct buf *out);
/* A stored header line (one without sent_at) with sent_at put in front. */
void envelope_write_sent_at(struct str header, int64_t sent_at_us, struct buf *out);
/* Upper bound of what envelope_write_items() writes, for sizing. */
size_t envelope_items_bytes(const struct envelope *e);

#endif
