#include "forward/build.h"

#include "base/timefmt.h"
#include "envelope/dsn.h"
#include "envelope/envelope.h"
#include "forward/lines.h"
#include "forward/part.h"

/* Below this a compressed body saves no packet. */
#define COMPRESS_MIN_BYTES 1024u
#define REPORT_ROOM_BYTES  8192u

void built_init(struct built *b, struct facts *facts)
{
	memset(b, 0, sizeof *b);
	b->facts = facts;
	buf_init(&b->body, 0);
	buf_init(&b->lines, 0);
	buf_init(&b->url, 0);
}

static void buf_shrink(struct buf *b, size_t keep_bytes)
{
	if (b->cap > keep_bytes)
		buf_fini(b);
	else
		buf_clear(b);
}

void built_clear(struct built *b, struct budget *budget, size_t keep_bytes)
{
	if (b->budget_bytes > 0)
		budget_give(budget, b->budget_bytes);
	b->budget_bytes = 0;
	buf_shrink(&b->body, keep_bytes);
	buf_shrink(&b->lines, keep_bytes);
	buf_shrink(&b->url, keep_bytes);
	memset(b->method, 0, sizeof b->method);
	b->line_count = 0;
	b->is_zstd = false;
	b->is_brotli = false;
	b->has_report = false;
	b->sent_at_offset = 0;
	memset(b->facts, 0, sizeof *b->facts);
}

void built_fini(struct built *b, struct budget *budget)
{
	built_clear(b, budget, 0);
	buf_fini(&b->body);
	buf_fini(&b->lines);
	buf_fini(&b->url);
}

void build_scratch_fini(struct build_scratch *s)
{
	buf_fini(&s->head);
	buf_fini(&s->plain);
	buf_fini(&s->packed);
	buf_fini(&s->header);
	buf_fini(&s->own);
}

/* --- body ------------------------------------------------------------------- */

/* Remembers where the time lies in the clear, so that a request which waits for
 * its turn need not be built anew. gzip leaves what it cannot compress in the
 * clear, too, but ends in a checksum of it. */
static void sent_at_find(struct built *b, enum encoding encoding, int64_t sent_at_us)
{
	char text[RFC3339_BYTES];
	struct str start = str_first(buf_view(&b->body), 128);
	size_t at;

	rfc3339_format(sent_at_us, text);
	at = str_find(start, str_of(text));
	b->sent_at_us = sent_at_us;
	b->sent_at_offset = at < start.n && encoding != ENCODING_GZIP ? at : 0;
}

bool built_set_sent_at(struct built *b, int64_t sent_at_us)
{
	char text[RFC3339_BYTES];

	if (b->sent_at_offset == 0)
		return false;
	rfc3339_format(sent_at_us, text);
	memcpy(b->body.p + b->sent_at_offset, text, strlen(text));
	b->sent_at_us = sent_at_us;
	return true;
}

static bool is_smaller(size_t packed, size_t plain)
{
	return packed < plain - plain / 16;
}

static int body_zstd(
	const struct build_order *o, struct build_scratch *s, struct built *b, struct err *err)
{
	int rc;

	buf_clear(&s->packed);
	rc = codec_zstd(o->codecs, buf_view(&s->plain), &s->packed, err);
	if (rc != E_OK || !is_smaller(s->packed.n, s->plain.n))
		return rc;
	b->is_zstd = true;
	return codec_zstd_splice(buf_view(&s->head), buf_view(&s->packed), &b->body, err);
}

/* s->plain holds the items in the clear. */
static int body_from_plain(const struct build_order *o, struct build_scratch *s, struct built *b,
	enum encoding *encoding, struct err *err)
{
	size_t plain_bytes = s->head.n + s->plain.n;
	int rc;

	*encoding = ENCODING_IDENTITY;
	if (plain_bytes >= COMPRESS_MIN_BYTES && o->compression == COMPRESSION_ZSTD) {
		rc = body_zstd(o, s, b, err);
		if (rc != E_OK || b->is_zstd) {
			*encoding = ENCODING_ZSTD;
			return rc;
		}
	}
	if (plain_bytes >= COMPRESS_MIN_BYTES && o->compression == COMPRESSION_GZIP) {
		buf_str(&s->head, buf_view(&s->plain));
		if (!buf_ok(&s->head))
			return err_set(err, E_NOMEM, "no memory for a request body");
		*encoding = ENCODING_GZIP;
		return codec_gzip(o->codecs, buf_view(&s->head), &b->body, err);
	}
	buf_str(&b->body, buf_view(&s->head));
	buf_str(&b->body, buf_view(&s->plain));
	return E_OK;
}

static int plain_items(const struct record *r, struct build_scratch *s, struct err *err)
{
	buf_clear(&s->plain);
	return record_items(r, &s->plain, err);
}

/* The client's time, grown older as the record did (17). */
static int64_t sent_at_now(const struct build_order *o, const struct record *r)
{
	int64_t then_us = r->has_sent_at ? r->sent_at_us : r->received_wall_ms * 1000;

	return then_us + age_ms(&o->frame, r, o->now) * 1000;
}

/* Own losses as an item of their own, in s->own. */
static void own_write(const struct build_order *o, struct report *report, struct report *written,
	struct build_scratch *s, struct built *b)
{
	buf_clear(&s->own);
	if (report != NULL)
		report_write_item(report, written, o->now.wall_ms / 1000, &s->own);
	b->has_report = s->own.n > 0;
}

/* The header line, and behind it what is in s->own. */
static void head_write(struct str header, int64_t sent_at_us, struct build_scratch *s)
{
	buf_clear(&s->head);
	envelope_write_sent_at(header, sent_at_us, &s->head);
	buf_char(&s->head, '\n');
	buf_str(&s->head, buf_view(&s->own));
	if (!buf_ok(&s->own))
		s->head.failed = true;
}

/* How old a client's sent_at may be and still be true to the second. */
#define PASS_AGE_MS 1000

/* Whether the body goes on as the client compressed it: nothing in it would
 * change, not even its time, and upstream reads that compression. */
static bool passes(const struct build_order *o, const struct record *r, const struct built *b)
{
	if (r->encoding != RECORD_BODY || b->has_report || !r->has_sent_at ||
		age_ms(&o->frame, r, o->now) >= PASS_AGE_MS)
		return false;
	switch (r->body_encoding) {
	case ENCODING_GZIP:
		return o->compression != COMPRESSION_NONE;
	case ENCODING_BROTLI:
	case ENCODING_ZSTD:
		return o->compression == COMPRESSION_ZSTD;
	case ENCODING_IDENTITY:
	case ENCODING_DEFLATE:
		break;
	}
	return false;
}

/* is_edited: the items are in s->plain already. */
static int body_write(const struct build_order *o, const struct record *r, bool is_edited,
	struct build_scratch *s, struct built *b, struct err *err)
{
	bool is_passed = !is_edited && passes(o, r, b);
	enum encoding encoding = ENCODING_ZSTD;
	int rc = E_OK;

	if (is_passed) {
		encoding = r->body_encoding;
		b->is_zstd = encoding == ENCODING_ZSTD;
		b->is_brotli = encoding == ENCODING_BROTLI;
		buf_str(&b->body, r->items);
	} else if (!is_edited && r->encoding == RECORD_ZSTD && o->compression == COMPRESSION_ZSTD) {
		b->is_zstd = true;
		rc = codec_zstd_splice(buf_view(&s->head), r->items, &b->body, err);
	} else {
		if (!is_edited)
			rc = plain_items(r, s, err);
		if (rc == E_OK)
			rc = body_from_plain(o, s, b, &encoding, err);
	}
	if (rc != E_OK)
		return rc;
	lines_envelope(o, &r->from, encoding, b);
	if (!buf_ok(&b->body) || !buf_ok(&b->lines))
		return err_set(err, E_NOMEM, "no memory for a request");
	if (!is_passed) /* the client's bytes are not ours to write into */
		sent_at_find(b, encoding, sent_at_now(o, r));
	return E_OK;
}

/* --- a carried request -------------------------------------------------------- */

/* The payload of the only item in s->plain; its header stays here. */
static struct str carried_body(const struct build_scratch *s)
{
	struct str items = buf_view(&s->plain);
	struct str body = str_from(items, str_find_char(items, '\n') + 1);

	return str_first(body, body.n > 0 ? body.n - 1 : 0);
}

/* Compressed only if the client did so too: endpoints differ in what they take. */
static int carried_write(const struct build_order *o, const struct record *r, bool is_edited,
	struct build_scratch *s, struct built *b, struct err *err)
{
	enum encoding encoding = ENCODING_IDENTITY;
	struct str body;
	int rc = is_edited ? E_OK : plain_items(r, s, err);

	if (rc != E_OK)
		return rc;
	body = carried_body(s);
	if (r->carried.was_encoded && o->compression != COMPRESSION_NONE &&
		body.n >= COMPRESS_MIN_BYTES) {
		b->is_zstd = o->compression == COMPRESSION_ZSTD;
		encoding = b->is_zstd ? ENCODING_ZSTD : ENCODING_GZIP;
		rc = b->is_zstd ? codec_zstd(o->codecs, body, &b->body, err)
				: codec_gzip(o->codecs, body, &b->body, err);
	} else {
		buf_str(&b->body, body);
	}
	lines_carried(o, r, encoding, b);
	if (rc == E_OK && (!buf_ok(&b->body) || !buf_ok(&b->lines) || !buf_ok(&b->url)))
		rc = err_set(err, E_NOMEM, "no memory for a request");
	return rc;
}

/* --- the record ------------------------------------------------------------- */

/* The most that building holds at a time. */
static bool budget_for(const struct build_order *o, const struct record *r, size_t bytes,
	bool decodes, struct built *b)
{
	uint64_t need = bytes + REPORT_ROOM_BYTES;

	if (decodes || o->compression != COMPRESSION_ZSTD || carried_is(&r->carried) ||
		r->encoding == RECORD_BODY)
		need += r->items_bytes * 2;
	if (budget_take(o->budget, need))
		b->budget_bytes = need;
	return b->budget_bytes > 0 || o->no_budget;
}

/* From here on only the request itself is held. */
static void budget_trim(const struct build_order *o, struct built *b)
{
	uint64_t need = b->body.cap + b->lines.cap + b->url.cap;

	if (b->budget_bytes <= need)
		return;
	budget_give(o->budget, b->budget_bytes - need);
	b->budget_bytes = need;
}

static int record_bad(struct str bytes, int rc, struct built *b)
{
	struct record r;

	b->result = rc == E_UNSUPPORTED ? BUILD_NEWER : BUILD_CORRUPT;
	if (record_peek(bytes, &r, NULL) == E_OK) {
		b->facts->held = r.held;
		b->facts->has_event_id = r.has_event_id;
		b->facts->event_id = r.event_id;
	}
	return E_OK;
}

static int record_edit(const struct build_order *o, const struct record *r, enum build_part part,
	struct build_scratch *s, struct built *b, bool *is_edited, struct err *err)
{
	int rc = plain_items(r, s, err);

	if (rc == E_OK)
		rc = part_take(r, part, o->limits, o->hold, s, b, is_edited, err);
	return rc;
}

int build_record(const struct build_order *o, struct str bytes, enum build_part part,
	struct report *report, struct report *written, struct build_scratch *s, struct built *b,
	struct err *err)
{
	bool decodes = o->limits != 0 || part != PART_ALL, is_edited = false;
	struct record r;
	int rc = record_unpack(bytes, &r, err);

	if (rc != E_OK)
		return rc == E_NOMEM ? rc : record_bad(bytes, rc, b);
	b->result = BUILD_FOREIGN;
	if (!str_eq(r.dsn, o->dsn))
		return E_OK;
	if (!budget_for(o, &r, bytes.n, decodes, b))
		return err_set(err, E_NOMEM, "the memory budget is used up");
	b->result = BUILD_READY;
	b->facts->has_event_id = r.has_event_id;
	b->facts->event_id = r.event_id;
	b->facts->held = r.held;
	b->facts->part = r.held;
	if (decodes)
		rc = record_edit(o, &r, part, s, b, &is_edited, err);
	if (rc == E_OK && b->result == BUILD_READY && carried_is(&r.carried)) {
		rc = carried_write(o, &r, is_edited, s, b, err);
	} else if (rc == E_OK && b->result == BUILD_READY) {
		own_write(o, report, written, s, b);
		head_write(r.header, sent_at_now(o, &r), s);
		rc = body_write(o, &r, is_edited, s, b, err);
	}
	/* The checksum held, so that what cannot be decoded was stored so. */
	if (rc != E_OK && rc != E_NOMEM)
		rc = record_bad(bytes, rc, b);
	budget_trim(o, b);
	return rc;
}

int build_merged(const struct build_order *o, const struct record *first, struct merger *m,
	struct report *report, struct report *written, struct build_scratch *s, struct built *b,
	struct err *err)
{
	int rc;

	own_write(o, report, written, s, b);
	/* Own losses and those that clients tell are one item where that may be. */
	if (first->stream.kind == STREAM_CLIENT_REPORT && b->has_report && buf_ok(&s->own) &&
		merger_add(m, STREAM_CLIENT_REPORT, first->header, buf_view(&s->own), NULL) == E_OK)
		buf_clear(&s->own);
	buf_clear(&s->header);
	buf_clear(&s->plain);
	rc = merger_write(m, &s->header, &s->plain, err);
	if (rc != E_OK)
		return rc;
	b->result = BUILD_READY;
	head_write(buf_view(&s->header), sent_at_now(o, first), s);
	rc = body_write(o, first, true, s, b, err);
	budget_trim(o, b);
	return rc;
}

int build_report(const struct build_order *o, struct report *report, struct report *written,
	struct build_scratch *s, struct built *b, struct err *err)
{
	struct sender from = {.peer_uid = -1, .peer_pid = -1};

	b->result = BUILD_READY;
	own_write(o, report, written, s, b);
	head_write(STR("{}"), o->now.wall_ms * 1000, s);
	if (!b->has_report)
		return err_set(err, E_NOTFOUND, "the client report is empty");
	buf_str(&b->body, buf_view(&s->head));
	lines_envelope(o, &from, ENCODING_IDENTITY, b);
	if (!buf_ok(&b->body) || !buf_ok(&b->lines) || !buf_ok(&s->head))
		return err_set(err, E_NOMEM, "no memory for a client report");
	return E_OK;
}
