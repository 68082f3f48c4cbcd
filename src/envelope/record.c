/* The packed form, all numbers little-endian:
 *
 *    0  u32  magic
 *    4  u16  version
 *    6  u8   class
 *    7  u8   encoding
 *    8  u32  crc32 of everything but itself
 *   12  u32  bytes of the whole record
 *   16  i64  received_wall_ms
 *   24  i64  sent_at_us
 *   32  u64  items_bytes
 *   40  i64  peer_uid
 *   48  i64  peer_pid
 *   56  16   event_id
 *   72  u8   flags
 *   73  u64  boot_id            since version 2
 *   81  i64  received_mono_ms   since version 2
 *   89  u8   body_encoding      since version 3
 *   90  u8   stream.kind        since version 3
 *   91  16   stream.hash        since version 3
 *
 * and then, each with a u32 of its bytes in front: dsn, quantities, header, key,
 * secret, project, client, protocol (since version 2), user_agent, origin,
 * forwarded_for, with FLAG_CARRIED method, path, query and headers, and items.
 * The items come last, so that a look at the rest does not touch their pages.
 */
#include "envelope/record.h"

#include <zlib.h>

#define RECORD_MAGIC   UINT32_C(0x43524b50) /* "PKRC" */
#define RECORD_VERSION 3

#define AT_CRC    8
#define AT_LENGTH 12
#define AFTER_CRC 12

/* The most a header line may be: the largest limits.header, and its LF. */
#define HEADER_LINE_MAX (UINT64_C(16) * 1024 * 1024 + 1)

#define FLAG_SENT_AT  1u
#define FLAG_EVENT_ID 2u
#define FLAG_CARRIED  4u
#define FLAG_ENCODED  8u

uint32_t record_lane(struct str dsn)
{
	uint32_t h = UINT32_C(2166136261); /* FNV-1a: fixed, as other processes use it too */

	for (size_t i = 0; i < dsn.n; i++)
		h = (h ^ (uint8_t)dsn.p[i]) * UINT32_C(16777619);
	return h;
}

static void put_uint(struct buf *out, uint64_t v, size_t bytes)
{
	char b[8];

	for (size_t i = 0; i < bytes; i++)
		b[i] = (char)(v >> 8 * i & 0xff);
	buf_add(out, b, bytes);
}

static void put_field(struct buf *out, struct str s)
{
	if (s.n > UINT32_MAX) {
		out->failed = true;
		return;
	}
	put_uint(out, s.n, 4);
	buf_str(out, s);
}

static void set_u32(char *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (char)(v >> 8 * i & 0xff);
}

static uint32_t checksum(struct str record)
{
	uLong crc = crc32_z(0L, (const Bytef *)record.p, AT_CRC);

	return (uint32_t)crc32_z(crc, (const Bytef *)record.p + AFTER_CRC, record.n - AFTER_CRC);
}

static unsigned flags_of(const struct record *r)
{
	return (r->has_sent_at ? FLAG_SENT_AT : 0u) | (r->has_event_id ? FLAG_EVENT_ID : 0u) |
	       (carried_is(&r->carried) ? FLAG_CARRIED : 0u) |
	       (r->carried.was_encoded ? FLAG_ENCODED : 0u);
}

static void put_numbers(const struct record *r, struct buf *out)
{
	put_uint(out, RECORD_MAGIC, 4);
	put_uint(out, RECORD_VERSION, 2);
	put_uint(out, r->class, 1);
	put_uint(out, r->encoding, 1);
	put_uint(out, 0, 4); /* checksum and length are known at the end */
	put_uint(out, 0, 4);
	put_uint(out, (uint64_t)r->received_wall_ms, 8);
	put_uint(out, (uint64_t)r->sent_at_us, 8);
	put_uint(out, r->items_bytes, 8);
	put_uint(out, (uint64_t)r->from.peer_uid, 8);
	put_uint(out, (uint64_t)r->from.peer_pid, 8);
	buf_add(out, r->event_id.b, sizeof r->event_id.b);
	put_uint(out, flags_of(r), 1);
	put_uint(out, r->boot_id, 8);
	put_uint(out, (uint64_t)r->received_mono_ms, 8);
	put_uint(out, r->body_encoding, 1);
	put_uint(out, r->stream.kind, 1);
	put_uint(out, r->stream.hash[0], 8);
	put_uint(out, r->stream.hash[1], 8);
}

void record_pack(const struct record *r, struct buf *out)
{
	uint8_t packed[QUANTITIES_PACKED_MAX];
	size_t start = out->n;
	struct str whole;

	put_numbers(r, out);
	put_field(out, r->dsn);
	put_field(out, str_make((const char *)packed, quantities_pack(&r->held, packed)));
	put_field(out, r->header);
	put_field(out, r->from.key);
	put_field(out, r->from.secret);
	put_field(out, r->from.project);
	put_field(out, r->from.client);
	put_field(out, r->from.protocol);
	put_field(out, r->from.user_agent);
	put_field(out, r->from.origin);
	put_field(out, r->from.forwarded_for);
	if (carried_is(&r->carried)) {
		put_field(out, r->carried.method);
		put_field(out, r->carried.path);
		put_field(out, r->carried.query);
		put_field(out, r->carried.headers);
	}
	put_field(out, r->items);
	if (!buf_ok(out))
		return;
	whole = str_make(out->p + start, out->n - start);
	if (whole.n > UINT32_MAX) {
		out->failed = true;
		return;
	}
	set_u32(out->p + start + AT_LENGTH, (uint32_t)whole.n);
	set_u32(out->p + start + AT_CRC, checksum(whole));
}

/* Reads from the front; once something is missing, everything is. */
struct reader {
	struct str rest;
	bool failed;
};

static struct str take(struct reader *in, size_t n)
{
	struct str s;

	if (in->failed || in->rest.n < n) {
		in->failed = true;
		return STR_EMPTY;
	}
	s = str_first(in->rest, n);
	in->rest = str_from(in->rest, n);
	return s;
}

static uint64_t take_uint(struct reader *in, size_t bytes)
{
	struct str s = take(in, bytes);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v |= (uint64_t)(uint8_t)s.p[i] << 8 * i;
	return v;
}

static struct str take_field(struct reader *in)
{
	return take(in, (size_t)take_uint(in, 4));
}

static void take_stream(struct reader *in, struct record *r)
{
	r->body_encoding = (enum encoding)take_uint(in, 1);
	r->stream.kind = (enum stream_kind)take_uint(in, 1);
	r->stream.hash[0] = take_uint(in, 8);
	r->stream.hash[1] = take_uint(in, 8);
}

/* Returns the flags. */
static unsigned take_numbers(struct reader *in, struct record *r, unsigned version)
{
	struct str id;
	unsigned flags;

	r->received_wall_ms = (int64_t)take_uint(in, 8);
	r->sent_at_us = (int64_t)take_uint(in, 8);
	r->items_bytes = take_uint(in, 8);
	r->from.peer_uid = (int64_t)take_uint(in, 8);
	r->from.peer_pid = (int64_t)take_uint(in, 8);
	id = take(in, sizeof r->event_id.b);
	if (id.n == sizeof r->event_id.b)
		memcpy(r->event_id.b, id.p, id.n);
	flags = (unsigned)take_uint(in, 1);
	r->has_sent_at = (flags & FLAG_SENT_AT) != 0;
	r->has_event_id = (flags & FLAG_EVENT_ID) != 0;
	if (version >= 2) {
		r->boot_id = take_uint(in, 8);
		r->received_mono_ms = (int64_t)take_uint(in, 8);
	}
	if (version >= 3)
		take_stream(in, r);
	/* Without a boot id the monotonic time is not to be trusted: boot 0 never
	 * equals the boot that now runs. */
	r->from.received.wall_ms = r->received_wall_ms;
	r->from.received.mono_ms = r->received_mono_ms;
	return flags;
}

static void take_carried(struct reader *in, struct carried *c, unsigned flags)
{
	c->method = take_field(in);
	c->path = take_field(in);
	c->query = take_field(in);
	c->headers = take_field(in);
	c->was_encoded = (flags & FLAG_ENCODED) != 0;
	in->failed = in->failed || c->method.n == 0;
}

static bool take_fields(struct reader *in, struct record *r, unsigned version, unsigned flags)
{
	struct str packed;

	r->dsn = take_field(in);
	packed = take_field(in);
	r->header = take_field(in);
	r->from.key = take_field(in);
	r->from.secret = take_field(in);
	r->from.project = take_field(in);
	r->from.client = take_field(in);
	r->from.protocol = version >= 2 ? take_field(in) : STR("7");
	r->from.user_agent = take_field(in);
	r->from.origin = take_field(in);
	r->from.forwarded_for = take_field(in);
	if (version >= 3 && (flags & FLAG_CARRIED) != 0)
		take_carried(in, &r->carried, flags);
	r->items = take_field(in);
	return !in->failed && in->rest.n == 0 &&
	       quantities_unpack((const uint8_t *)packed.p, packed.n, &r->held);
}

static int unpack(struct str bytes, bool check_sum, struct record *r, struct err *err)
{
	struct reader in = {bytes, false};
	unsigned version, class, encoding, flags;
	uint64_t crc, length;

	memset(r, 0, sizeof *r);
	if (take_uint(&in, 4) != RECORD_MAGIC)
		return err_set(err, E_CORRUPT, "record: not a record of picket");
	version = (unsigned)take_uint(&in, 2);
	if (version > RECORD_VERSION)
		return err_set(err, E_UNSUPPORTED, "record: version %u is newer than %d", version,
			RECORD_VERSION);
	class = (unsigned)take_uint(&in, 1);
	encoding = (unsigned)take_uint(&in, 1);
	crc = take_uint(&in, 4);
	length = take_uint(&in, 4);
	if (in.failed || version == 0 || length != bytes.n)
		return err_set(err, E_CORRUPT, "record: cut short or damaged");
	if (check_sum && checksum(bytes) != crc)
		return err_set(err, E_CORRUPT, "record: checksum does not match");
	r->class = (enum item_class) class;
	r->encoding = (enum record_encoding)encoding;
	flags = take_numbers(&in, r, version);
	if (!take_fields(&in, r, version, flags) || class >= CLASS_COUNT ||
		encoding > RECORD_BODY || r->body_encoding > ENCODING_ZSTD ||
		r->stream.kind >= STREAM_KIND_COUNT)
		return err_set(err, E_CORRUPT, "record: a field is damaged");
	return E_OK;
}

int record_unpack(struct str bytes, struct record *ret, struct err *err)
{
	return unpack(bytes, true, ret, err);
}

int record_peek(struct str bytes, struct record *ret, struct err *err)
{
	return unpack(bytes, false, ret, err);
}

/* The client's body: the items begin behind its first line. */
static int body_items(const struct record *r, struct buf *out, struct err *err)
{
	struct buf body = BUF_INIT;
	struct str items;
	int rc = decode_all(
		r->body_encoding, r->items, r->items_bytes + HEADER_LINE_MAX, &body, err);

	if (rc == E_OK) {
		items = str_from(buf_view(&body), str_find_char(buf_view(&body), '\n') + 1);
		if (items.n != r->items_bytes)
			rc = err_set(err, E_SYNTAX, "record: the body is not what was stored");
		else
			buf_str(out, items);
	}
	buf_fini(&body);
	return rc;
}

int record_items(const struct record *r, struct buf *out, struct err *err)
{
	int rc = E_OK;

	switch (r->encoding) {
	case RECORD_IDENTITY:
		buf_str(out, r->items);
		break;
	case RECORD_ZSTD:
		rc = decode_all(ENCODING_ZSTD, r->items, r->items_bytes, out, err);
		break;
	case RECORD_BODY:
		rc = body_items(r, out, err);
		break;
	}
	if (rc == E_OK && !buf_ok(out))
		rc = err_set(err, E_NOMEM, "no memory for the items of a record");
	return rc;
}
