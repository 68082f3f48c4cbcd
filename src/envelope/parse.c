/* Framing: protocol.md 6.2, in its order.
 *
 *   envelope_parse       header line, then items until the end
 *   frame_plain_header   the usual line: index it
 *   frame_header         any other: find its end, index, and the byte after it
 *   frame_payload        by length, or to the next LF
 *
 * Item headers but the first, which is the only one of most envelopes, are
 * indexed in a scratch arena that is renewed now and then, so that 100000 items
 * cost no more memory than their views.
 */
#include <stdlib.h>

#include "envelope/dsn.h"
#include "envelope/envelope.h"
#include "envelope/header.h"

#define MAX_ITEMS        100000u
#define MAX_HEADER_BYTES ((size_t)64 * 1024)
#define MAX_HEADER_DEPTH 64u
#define MAX_HEADER_NODES 16384u
#define SMALL_ITEMS      8u
#define SCRATCH_BYTES    ((size_t)64 * 1024)
#define SCRATCH_FIRST    ((size_t)16 * 1024)

struct framing {
	struct envelope *e;
	struct envelope_limits limits;
	struct str body;
	size_t at;
	struct arena *scratch;
	struct item small[SMALL_ITEMS];
	struct item *items; /* small, or malloc'd */
	size_t count;
	size_t room;
	bool has_event; /* an item that is the event itself */
	bool has_replay;
	struct err *err;
};

static void skip_blanks(struct framing *f)
{
	while (f->at < f->body.n && str_is_blank(f->body.p[f->at]))
		f->at++;
}

/* Which header this is about, for sentences: 0 is the envelope's own. */
static int fault(struct framing *f, int rc, const char *what)
{
	if (f->items == NULL)
		return err_set(f->err, rc, "envelope header: %s", what);
	return err_set(f->err, rc, "item %zu at byte %zu: %s", f->count + 1, f->at, what);
}

static struct json_limits header_limits(const struct framing *f)
{
	return (struct json_limits){.max_depth = f->limits.max_header_depth,
		.max_nodes = MAX_HEADER_NODES,
		.max_bytes = f->limits.max_header_bytes};
}

/* Headers as nearly all clients write them: one line, printable ASCII, no blank.
 * If that is JSON as a whole, its end needs no looking for, nothing in its
 * strings can be wrong and it is compact. False says nothing about rest. */
static bool frame_plain_header(struct framing *f, struct str rest, struct arena *a,
	struct json_doc **doc, struct header_extent *extent)
{
	struct str line = str_first(rest, str_find_char(rest, '\n'));
	struct json_limits limits = header_limits(f);

	if (line.n > f->limits.max_header_bytes || !header_is_plain(line) ||
		json_parse(doc, a, line, &limits, NULL) != E_OK)
		return false;
	*extent = (struct header_extent){line.n, true};
	return true;
}

/* Takes the object at f->at, and the LF that has to follow it. */
static int frame_header(
	struct framing *f, struct arena *a, struct json_doc **doc, struct header_extent *extent)
{
	struct str rest = str_from(f->body, f->at), text;
	struct json_limits limits = header_limits(f);
	int rc;

	if (rest.n == 0 || rest.p[0] != '{')
		return fault(f, E_SYNTAX, "a header is a JSON object");
	if (frame_plain_header(f, rest, a, doc, extent))
		return E_OK;
	rc = header_scan(str_first(rest, f->limits.max_header_bytes), extent);
	if (rc == E_NOTFOUND && rest.n > f->limits.max_header_bytes)
		return fault(f, E_TOOBIG, "the header is too long");
	if (rc != E_OK)
		return fault(f, E_SYNTAX, "the header is not JSON");
	text = str_first(rest, extent->n);
	if (extent->n < rest.n && rest.p[extent->n] != '\n')
		return fault(f, E_SYNTAX, "a byte that is not LF follows the header");
	if (!str_is_utf8(text))
		return fault(f, E_SYNTAX, "the header is not UTF-8");
	rc = json_parse(doc, a, text, &limits, NULL);
	if (rc == E_SYNTAX)
		return fault(f, rc, "the header is not JSON");
	if (rc != E_OK)
		return fault(f, rc, rc == E_TOOBIG ? "the header is too deep" : "no memory");
	return E_OK;
}

/* --- items ---------------------------------------------------------------- */

static int frame_payload(struct framing *f, struct item *it, const struct header_length *length)
{
	struct str rest;

	/* Just past the header's LF, or the end. */
	f->at += it->header_text.n + 1;
	if (f->at > f->body.n)
		f->at = f->body.n;
	rest = str_from(f->body, f->at);
	if (!length->given) {
		it->payload = str_first(rest, str_find_char(rest, '\n'));
	} else {
		if (length->bytes > rest.n)
			return fault(f, E_SYNTAX, "length is more than what is left");
		it->payload = str_first(rest, (size_t)length->bytes);
		if (it->payload.n < rest.n && rest.p[it->payload.n] != '\n')
			return fault(f, E_SYNTAX, "a byte that is not LF follows the payload");
	}
	f->at += it->payload.n + 1;
	return E_OK;
}

static bool is_replay(enum item_type t)
{
	return t == ITEM_REPLAY_EVENT || t == ITEM_REPLAY_RECORDING || t == ITEM_REPLAY_VIDEO;
}

/* Decides on which items replays are counted. The first recording and the first
 * video belong to the first replay_event, and so on (divide.h): each such set
 * counts once. */
static void settle_replays(struct framing *f)
{
	size_t events = 0, recordings = 0, recording = 0, video = 0;

	for (size_t i = 0; i < f->count; i++) {
		events += f->items[i].type == ITEM_REPLAY_EVENT;
		recordings += f->items[i].type == ITEM_REPLAY_RECORDING;
	}
	if (recordings < events)
		recordings = events;
	for (size_t i = 0; i < f->count; i++) {
		struct item *it = &f->items[i];

		if (it->type == ITEM_REPLAY_EVENT)
			it->carries_count = true;
		else if (it->type == ITEM_REPLAY_RECORDING)
			it->carries_count = recording++ >= events;
		else if (it->type == ITEM_REPLAY_VIDEO)
			it->carries_count = video++ >= recordings;
	}
}

/* Likewise for the event that attachments create: on the first of them, unless
 * the envelope has the event itself. */
static void settle_counts(struct framing *f)
{
	bool event_counted = f->has_event;

	for (size_t i = 0; i < f->count && !event_counted; i++) {
		if (f->items[i].creates_event)
			f->items[i].carries_count = event_counted = true;
	}
	if (f->has_replay)
		settle_replays(f);
}

static int items_grow(struct framing *f)
{
	struct item *more;
	size_t room = f->room * 2;

	if (f->count < f->room)
		return E_OK;
	if (f->items == f->small) {
		more = malloc(room * sizeof *more);
		if (more != NULL)
			memcpy(more, f->small, sizeof f->small);
	} else {
		more = realloc(f->items, room * sizeof *more);
	}
	if (more == NULL)
		return fault(f, E_NOMEM, "no memory");
	f->items = more;
	f->room = room;
	return E_OK;
}

/* Where the next item's header is indexed; NULL: no memory. */
static struct arena *header_arena(struct framing *f)
{
	if (f->count == 0)
		return f->e->arena;
	if (f->scratch != NULL && arena_bytes(f->scratch) < SCRATCH_BYTES)
		return f->scratch;
	arena_free(f->scratch);
	f->scratch = arena_new(SCRATCH_FIRST, 0);
	return f->scratch;
}

static int frame_item(struct framing *f, struct item *it)
{
	struct header_extent extent = {0, true};
	struct header_length length;
	const char *what = NULL;
	struct json_doc *d = NULL;
	struct arena *a = header_arena(f);
	int rc;

	memset(it, 0, sizeof *it);
	it->entries = 1;
	if (a == NULL)
		return fault(f, E_NOMEM, "no memory");
	rc = frame_header(f, a, &d, &extent);
	if (rc != E_OK)
		return rc;
	it->header_text = str_make(f->body.p + f->at, extent.n);
	it->is_compact = extent.is_compact;
	rc = header_read_item(it, f->e->arena, d, &length, &what);
	if (rc != E_OK)
		return fault(f, rc, what);
	return frame_payload(f, it, &length);
}

static int frame_items(struct framing *f)
{
	int rc;

	for (;;) {
		struct item *it;

		skip_blanks(f);
		if (f->at >= f->body.n)
			return E_OK;
		if (f->count >= f->limits.max_items)
			return fault(f, E_TOOBIG, "too many items");
		rc = items_grow(f);
		if (rc != E_OK)
			return rc;
		it = &f->items[f->count];
		rc = frame_item(f, it);
		if (rc != E_OK)
			return rc;
		f->count++;
		f->has_replay = f->has_replay || is_replay(it->type);
		f->has_event = f->has_event || it->type == ITEM_EVENT ||
			       it->type == ITEM_TRANSACTION || it->type == ITEM_UNREAL_REPORT;
	}
}

/* The views move to the arena in one piece of the right size. */
static int keep_items(struct framing *f)
{
	struct envelope *e = f->e;

	settle_counts(f);
	e->items = arena_calloc(e->arena, f->count, sizeof *e->items);
	if (e->items == NULL)
		return fault(f, E_NOMEM, "no memory");
	memcpy(e->items, f->items, f->count * sizeof *e->items);
	e->item_count = f->count;
	return E_OK;
}

static void set_limits(struct envelope_limits *to, const struct envelope_limits *from)
{
	if (from != NULL)
		*to = *from;
	if (to->max_items == 0)
		to->max_items = MAX_ITEMS;
	if (to->max_header_bytes == 0)
		to->max_header_bytes = MAX_HEADER_BYTES;
	if (to->max_header_depth == 0)
		to->max_header_depth = MAX_HEADER_DEPTH;
}

/* Field by field: clearing small would cost more than all of a small envelope's
 * framing. */
static void framing_init(struct framing *f, struct envelope *e, struct err *err)
{
	f->e = e;
	f->limits = (struct envelope_limits){0};
	f->body = e->body;
	f->at = 0;
	f->scratch = NULL;
	f->items = NULL;
	f->count = 0;
	f->room = SMALL_ITEMS;
	f->has_event = f->has_replay = false;
	f->err = err;
}

/* The header line at f->at. */
static int frame_head(struct framing *f, size_t *end)
{
	struct header_extent extent = {0, true};
	const char *what = NULL;
	int rc = frame_header(f, f->e->arena, &f->e->header, &extent);

	if (rc != E_OK)
		return rc;
	f->e->header_text = str_make(f->body.p + f->at, extent.n);
	f->e->header_is_compact = extent.is_compact;
	*end = f->at + extent.n + 1;
	rc = header_read_envelope(f->e, &what);
	return rc == E_OK ? E_OK : fault(f, rc, what);
}

static int frame_rest(struct framing *f)
{
	int rc;

	f->items = f->small;
	rc = frame_items(f);
	if (rc == E_OK)
		rc = keep_items(f);
	if (f->items != f->small)
		free(f->items);
	arena_free(f->scratch);
	return rc;
}

int envelope_parse(
	struct envelope *e, struct str body, const struct envelope_limits *limits, struct err *err)
{
	struct framing f;
	size_t end;
	int rc;

	e->body = body;
	framing_init(&f, e, err);
	set_limits(&f.limits, limits);
	skip_blanks(&f);
	rc = frame_head(&f, &end);
	if (rc != E_OK)
		return rc;
	f.at = end;
	return frame_rest(&f);
}

int envelope_parse_stored(struct envelope *e, struct str header, struct str items, struct err *err)
{
	struct framing f;
	/* It was within the limits when it was taken in. */
	const struct envelope_limits any = {
		.max_items = SIZE_MAX, .max_header_bytes = SIZE_MAX, .max_header_depth = 1000};
	size_t end;
	int rc;

	e->body = header;
	framing_init(&f, e, err);
	set_limits(&f.limits, &any);
	rc = frame_head(&f, &end);
	if (rc == E_OK && end <= header.n)
		rc = fault(&f, E_SYNTAX, "more than one line");
	if (rc != E_OK)
		return rc;
	e->body = f.body = items;
	f.at = 0;
	return frame_rest(&f);
}

int envelope_peek_dsn(struct str body, struct arena *a, struct str *dsn, struct err *err)
{
	struct str line = str_first(body, str_find_char(body, '\n'));
	struct json_limits limits = {.max_depth = MAX_HEADER_DEPTH, .max_nodes = MAX_HEADER_NODES};
	struct json_doc *d;
	struct dsn parts;
	json_node n;
	int rc;

	*dsn = STR_EMPTY;
	if (line.n > MAX_HEADER_BYTES)
		return err_set(err, E_TOOBIG, "envelope header: the header is too long");
	rc = json_parse(&d, a, line, &limits, NULL);
	if (rc == E_NOMEM)
		return err_set(err, rc, "envelope header: no memory");
	if (rc != E_OK || json_type_of(d, json_root(d)) != JSON_TYPE_OBJECT)
		return err_set(
			err, E_UNAUTHORIZED, "envelope header: not a JSON object on one line");
	n = json_get(d, json_root(d), STR("dsn"));
	*dsn = json_text(d, n);
	if (dsn->p == NULL && json_type_of(d, n) == JSON_TYPE_STRING)
		return err_set(err, E_NOMEM, "envelope header: no memory");
	if (dsn->n == 0)
		return err_set(
			err, E_UNAUTHORIZED, "no credentials, and no dsn in the envelope header");
	if (dsn_parse(*dsn, &parts, err) != E_OK) {
		*dsn = STR_EMPTY;
		return err_wrap(err, E_UNAUTHORIZED, "envelope header: dsn");
	}
	return E_OK;
}
