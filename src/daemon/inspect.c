#include "daemon/inspect.h"

#include "base/encoding.h"
#include "base/timefmt.h"
#include "envelope/codec.h"
#include "envelope/dsn.h"
#include "envelope/record.h"
#include "ops/jsonout.h"

/* An answer is held in memory whole, outside [limits] memory. */
#define MAX_LINES_BYTES    (48u << 20)
#define MAX_ENVELOPE_BYTES (32u << 20)

static bool goes_on(const struct inspect *i)
{
	return buf_ok(&i->lines) && !atomic_load(i->cancelled);
}

/* --- rendering ------------------------------------------------------------- */

static void begin_line(struct inspect *i, struct jsonout *j)
{
	if (i->found++ > 0)
		buf_char(&i->lines, '\n');
	*j = (struct jsonout){&i->lines, false};
	jsonout_open(j, NULL, '{');
}

static void write_time(struct jsonout *j, int64_t wall_ms)
{
	char text[RFC3339_BYTES];

	rfc3339_format(wall_ms * 1000, text);
	jsonout_int(j, "wall_ms", wall_ms);
	jsonout_cstr(j, "time", text);
}

static void write_target(struct jsonout *j, struct str text)
{
	struct dsn dsn;

	/* Never the key: host and project say enough. */
	if (dsn_parse(text, &dsn, NULL) != E_OK)
		return;
	jsonout_str(j, "host", dsn.host);
	jsonout_str(j, "project", dsn.project);
}

static void write_held(struct jsonout *j, const struct quantities *q)
{
	jsonout_open(j, "items", '{');
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (q->of[c] != 0)
			jsonout_uint(j, category_name((enum category)c), q->of[c]);
	}
	jsonout_close(j, '}');
}

/* What is known of a packed record without reading its items. */
static void write_record(struct jsonout *j, const struct record *r, uint64_t packed_bytes)
{
	char id[EVENT_ID_HEX_BYTES];

	jsonout_cstr(j, "class", item_class_name(r->class));
	if (r->has_event_id) {
		event_id_hex(&r->event_id, id);
		jsonout_cstr(j, "event_id", id);
	}
	write_target(j, r->dsn);
	jsonout_uint(j, "bytes", packed_bytes);
	write_held(j, &r->held);
}

/* --- payloads -------------------------------------------------------------- */

/* Header line and items as they would be sent, but for sent_at. */
static int read_envelope(const struct record *r, struct buf *text, struct err *err)
{
	if (r->items_bytes > MAX_ENVELOPE_BYTES)
		return err_set(err, E_TOOBIG, "the envelope has %llu bytes, more than can be shown",
			(unsigned long long)r->items_bytes);
	buf_str(text, r->header);
	buf_char(text, '\n');
	return record_items(r, text, err);
}

static void write_envelope(struct inspect *i, struct jsonout *j, struct str bytes)
{
	struct record r;
	struct buf text;

	buf_init(&text, 0);
	i->rc = record_unpack(bytes, &r, &i->err);
	if (i->rc == E_OK)
		i->rc = read_envelope(&r, &text, &i->err);
	if (i->rc == E_OK && !buf_ok(&text))
		i->rc = err_set(&i->err, E_NOMEM, "no memory for the envelope");
	if (i->rc == E_OK) {
		jsonout_str(j, "client", r.from.client);
		buf_cstr(&i->lines, ",\"envelope\":\"");
		base64_encode(buf_view(&text), &i->lines);
		buf_char(&i->lines, '"');
	}
	buf_fini(&text);
}

/* --- why ------------------------------------------------------------------- */

static bool is_loss(enum life_what what)
{
	return what != LIFE_STORED && what != LIFE_SENT && what != LIFE_RETRY;
}

/* The same word as in the totals. */
static const char *name_of(enum life_what what)
{
	return what == LIFE_SENT ? "delivered" : life_name(what);
}

static void each_life(void *arg, const struct life *l)
{
	struct inspect *i = arg;
	struct jsonout j;

	begin_line(i, &j);
	jsonout_cstr(&j, "what", name_of(l->what));
	write_time(&j, l->wall_ms);
	jsonout_cstr(&j, "class", item_class_name(l->class));
	jsonout_uint(&j, "seq", l->seq);
	jsonout_int(&j, "status", l->status);
	jsonout_cstr(&j, "reason", is_loss(l->what) ? drop_name(l->why) : "");
	jsonout_uint(&j, "attempts", l->attempts);
	if (l->by.n > 0)
		jsonout_str(&j, is_loss(l->what) ? "by" : "rules", l->by);
	if (l->scrubbed.n > 0)
		jsonout_str(&j, "scrubbed", l->scrubbed);
	jsonout_close(&j, '}');
}

/* --- the queue ------------------------------------------------------------- */

static void write_stored(
	struct inspect *i, struct jsonout *j, const struct record_ref *ref, struct str bytes)
{
	struct record r;

	begin_line(i, j);
	jsonout_uint(j, "seq", ref->seq);
	if (record_peek(bytes, &r, NULL) == E_OK) {
		write_time(j, r.received_wall_ms);
		write_record(j, &r, bytes.n);
	} else {
		jsonout_cstr(j, "class", item_class_name(ref->class));
		jsonout_uint(j, "bytes", bytes.n);
		jsonout_bool(j, "damaged", true);
	}
}

static bool each_stored(void *arg, const struct record_ref *ref, struct str bytes)
{
	struct inspect *i = arg;
	struct jsonout j;

	if (i->class >= 0 && (int)ref->class != i->class)
		return goes_on(i);
	write_stored(i, &j, ref, bytes);
	jsonout_close(&j, '}');
	return i->found < i->max && goes_on(i);
}

static bool each_until_seq(void *arg, const struct record_ref *ref, struct str bytes)
{
	struct inspect *i = arg;
	struct jsonout j;

	if (ref->seq != i->seq)
		return goes_on(i);
	write_stored(i, &j, ref, bytes);
	write_envelope(i, &j, bytes);
	jsonout_close(&j, '}');
	return false;
}

/* --- dead letters ---------------------------------------------------------- */

static bool each_dead(void *arg, const struct dead_letter *d)
{
	struct inspect *i = arg;
	struct jsonout j;
	struct record r;
	bool is_readable = record_peek(d->bytes, &r, NULL) == E_OK;

	if (i->class >= 0 && !(is_readable && (int)r.class == i->class))
		return goes_on(i);
	begin_line(i, &j);
	jsonout_uint(&j, "seq", d->seq);
	write_time(&j, d->wall_ms);
	jsonout_int(&j, "status", d->status);
	jsonout_cstr(&j, "reason", drop_name(d->why));
	jsonout_str(&j, "text", d->text);
	if (is_readable)
		write_record(&j, &r, d->bytes.n);
	else
		jsonout_uint(&j, "bytes", d->bytes.n);
	if (i->what == INSPECT_DEAD_SHOW)
		write_envelope(i, &j, d->bytes);
	jsonout_close(&j, '}');
	return i->found < i->max && goes_on(i);
}

/* --- the work -------------------------------------------------------------- */

static int look(struct inspect *i)
{
	switch (i->what) {
	case INSPECT_WHY:
		return spool_why(i->spool, &i->event_id, each_life, i, &i->err);
	case INSPECT_SPOOL_LS:
		return spool_list(i->spool, UINT32_MAX, each_stored, i, &i->err);
	case INSPECT_SPOOL_SHOW:
		return spool_list(i->spool, UINT32_MAX, each_until_seq, i, &i->err);
	case INSPECT_DEAD_LS:
		return spool_dead(i->spool, 0, UINT32_MAX, each_dead, i, &i->err);
	case INSPECT_DEAD_SHOW:
		return spool_dead(i->spool, i->seq, 1, each_dead, i, &i->err);
	}
	return err_set(&i->err, E_INVAL, "nothing to look for");
}

static void inspect_work(uv_work_t *w)
{
	struct inspect *i = w->data;
	bool is_one = i->what != INSPECT_SPOOL_LS && i->what != INSPECT_DEAD_LS;
	int rc = look(i);

	if (i->rc == E_OK)
		i->rc = rc;
	if (atomic_load(i->cancelled))
		i->rc = err_set(&i->err, E_CANCELED, "the daemon is ending");
	if (i->rc == E_OK && !buf_ok(&i->lines))
		i->rc = err_set(&i->err, E_TOOBIG, "the answer is too large: ask for fewer");
	if (i->rc == E_OK && is_one && i->found == 0)
		i->rc = err_set(&i->err, E_NOTFOUND, "there is no such %s",
			i->what == INSPECT_WHY ? "event id in the journal" : "envelope");
}

static void inspect_done(uv_work_t *w, int status)
{
	struct inspect *i = w->data;

	if (status != 0)
		i->rc = err_set(&i->err, E_CANCELED, "the daemon is ending");
	i->done(i);
}

int inspect_start(struct inspect *i, uv_loop_t *loop)
{
	i->rc = E_OK;
	i->found = 0;
	buf_init(&i->lines, MAX_LINES_BYTES);
	i->work.data = i;
	if (uv_queue_work(loop, &i->work, inspect_work, inspect_done) != 0)
		return E_NOMEM;
	return E_OK;
}

void inspect_fini(struct inspect *i)
{
	buf_fini(&i->lines);
}
