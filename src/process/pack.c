#include "process/pack.h"

#include "base/timefmt.h"

/* Below this zstd saves less than its frame and block headers cost. */
#define COMPRESS_FROM_BYTES 256u

/* In the very form we write (protocol.md 17): "2026-01-01T00:00:00.000000Z". */
static bool sent_at_is_ours(const struct envelope *e)
{
	struct str text =
		json_raw(e->header, json_get(e->header, json_root(e->header), STR("sent_at")));

	return text.n == RFC3339_BYTES + 1 && text.p[20] == '.' && text.p[text.n - 2] == 'Z';
}

/* The client's own compression is as good as ours, and done. */
static bool keeps_wire(const struct envelope *e)
{
	return e->wire.n > 0 && e->has_sent_at && sent_at_is_ours(e) &&
	       e->wire.n < e->body.n - e->body.n / 10 && !carried_is(&e->carried) &&
	       envelope_is_as_received(e);
}

static void wire_keep(const struct envelope *e, struct record *r)
{
	r->items = e->wire;
	r->encoding = RECORD_BODY;
	r->body_encoding = e->wire_encoding;
	r->items_bytes = e->body.n - e->header_text.n - 1;
}

/* Compresses what is worth it; *items is a view into raw or zstd. */
static int items_encode(struct envelope *e, struct codec_pool *codecs, struct buf *raw,
	struct buf *zstd, struct record *r, struct err *err)
{
	int rc;

	if (buf_reserve(raw, envelope_items_bytes(e)) == NULL)
		return err_set(err, E_NOMEM, "no memory to store an envelope");
	envelope_write_items(e, raw);
	if (!buf_ok(raw))
		return err_set(err, E_NOMEM, "no memory to store an envelope");
	r->items_bytes = raw->n;
	r->items = buf_view(raw);
	r->encoding = RECORD_IDENTITY;
	if (raw->n < COMPRESS_FROM_BYTES)
		return E_OK;
	rc = codec_zstd(codecs, buf_view(raw), zstd, err);
	if (rc != E_OK)
		return rc;
	if (zstd->n < raw->n - raw->n / 10) {
		r->items = buf_view(zstd);
		r->encoding = RECORD_ZSTD;
	}
	return E_OK;
}

/* The header without sent_at: that is written anew at each attempt to send. */
static int header_encode(struct envelope *e, struct buf *out, struct err *err)
{
	json_node sent_at = json_get(e->header, json_root(e->header), STR("sent_at"));

	if (sent_at != JSON_NONE && json_remove(e->header, sent_at) != E_OK)
		return err_set(err, E_NOMEM, "no memory to store an envelope");
	envelope_write_header(e, out);
	if (!buf_ok(out))
		return err_set(err, E_NOMEM, "no memory to store an envelope");
	return E_OK;
}

static uint64_t entries_of(const struct envelope *e)
{
	uint64_t n = 0;

	for (size_t i = 0; i < e->item_count; i++)
		n += e->items[i].entries;
	return n;
}

int pack_envelope(struct envelope *e, const struct route *r, struct codec_pool *codecs,
	uint64_t boot_id, struct packed *ret, struct err *err)
{
	struct buf raw = BUF_INIT, zstd = BUF_INIT, header = BUF_INIT;
	struct record rec = {.class = envelope_class(e),
		.dsn = r->text,
		.from = e->from,
		.received_wall_ms = e->from.received.wall_ms,
		.received_mono_ms = e->from.received.mono_ms,
		.boot_id = boot_id,
		.has_sent_at = e->has_sent_at,
		.sent_at_us = e->sent_at_us,
		.has_event_id = e->has_event_id,
		.event_id = e->event_id,
		.held = e->held,
		.carried = e->carried};
	bool is_kept = keeps_wire(e); /* before the header is edited */
	int rc;

	*ret = (struct packed){.bytes = BUF_INIT, .dsn = BUF_INIT, .class = rec.class};
	if (r->key_changed)
		rec.from.secret = STR_EMPTY; /* another project's secret is nobody's business */
	rc = stream_key_of(e, &rec.stream, err);
	if (rc == E_OK)
		rc = header_encode(e, &header, err);
	if (rc == E_OK && is_kept)
		wire_keep(e, &rec);
	else if (rc == E_OK)
		rc = items_encode(e, codecs, &raw, &zstd, &rec, err);
	if (rc == E_OK) {
		ret->may_merge = rec.stream.kind != STREAM_NONE;
		ret->entries = entries_of(e);
		ret->items_bytes = rec.items_bytes;
		rec.header = buf_view(&header);
		record_pack(&rec, &ret->bytes);
		buf_str(&ret->dsn, r->text);
		if (!buf_ok(&ret->bytes) || !buf_ok(&ret->dsn))
			rc = err_set(err, E_NOMEM, "no memory to store an envelope");
	}
	buf_fini(&raw);
	buf_fini(&zstd);
	buf_fini(&header);
	if (rc != E_OK)
		packed_fini(ret);
	return rc;
}

void packed_fini(struct packed *p)
{
	buf_fini(&p->bytes);
	buf_fini(&p->dsn);
}
