/* Dividing, in the order in which places are given:
 *
 *   place_events       one each; a second one whose payload tells another id takes
 *                      it along, with its replay's recording and video
 *   place_bound        profiles to their transactions, event-creating attachments
 *                      to the event
 *   place_containers   one each
 *   place_rest         everything else where there is room, event's attachments
 *                      from the event's piece on
 *   cut                pieces as envelopes
 *
 * A place is looked for from the piece on where the last one of that group went:
 * so items of a group keep their order, and no piece is looked at twice.
 */
#include "envelope/divide.h"

#include "envelope/bounds.h"
#include "envelope/header.h"

#define NOWHERE UINT32_MAX

/* For how many things a cursor is kept: each group, and attachments by what they
 * are bound to. */
enum { CURSOR_SPAN_BOUND = BOUND_COUNT, CURSOR_FREE_ATTACHMENT, CURSOR_COUNT };

struct room {
	uint32_t count[BOUND_COUNT];
	uint64_t bytes[BOUND_COUNT];
	size_t items;
	bool is_foreign; /* holds an event that is not the header's */
	bool has_own_id; /* and tells another id */
	struct event_id id;
};

struct dividing {
	struct envelope *e;
	struct bound table[BOUND_COUNT];
	struct room *rooms;
	uint32_t n, cap;
	uint32_t *place; /* of each item */
	uint32_t cursor[CURSOR_COUNT];
	size_t owner; /* the event that the header is about; item_count: none */
	size_t maker; /* the one that event-creating attachments go with; likewise */
	int rc;
};

static const struct item *item_at(const struct dividing *d, size_t i)
{
	return &d->e->items[i];
}

/* --- rooms --------------------------------------------------------------------- */

static struct room *room_add(struct dividing *d)
{
	struct room *more;

	if (d->n == DIVIDE_PIECES_MAX) {
		d->rc = E_TOOBIG;
		return NULL;
	}
	if (d->n == d->cap) {
		d->cap = d->cap > 0 ? d->cap * 2 : 4;
		more = arena_calloc(d->e->arena, d->cap, sizeof *more);
		if (more == NULL) {
			d->rc = E_NOMEM;
			return NULL;
		}
		if (d->n > 0)
			memcpy(more, d->rooms, d->n * sizeof *more);
		d->rooms = more;
	}
	return &d->rooms[d->n++];
}

static bool room_has(const struct dividing *d, const struct room *r, const struct item *it)
{
	enum bound_group g = bound_group_of(it);
	const struct bound *b = &d->table[g];

	return !bound_exceeded(r->count[g] + 1, b->count) &&
	       !bound_exceeded(r->bytes[g] + it->payload.n, b->all);
}

static void put(struct dividing *d, size_t i, uint32_t place)
{
	enum bound_group g = bound_group_of(item_at(d, i));
	struct room *r = &d->rooms[place];

	r->count[g]++;
	r->bytes[g] += item_at(d, i)->payload.n;
	r->items++;
	d->place[i] = place;
}

/* The first room from the cursor on that takes it, or a new one. of_event: only
 * where the event id is the header's and no other event stands. */
static void put_from(struct dividing *d, size_t i, unsigned cursor, bool of_event)
{
	uint32_t at = d->cursor[cursor];

	while (at < d->n && (!room_has(d, &d->rooms[at], item_at(d, i)) ||
				    (of_event && d->rooms[at].is_foreign)))
		at++;
	if (at == d->n && room_add(d) == NULL)
		return;
	d->cursor[cursor] = at;
	put(d, i, at);
}

/* --- events -------------------------------------------------------------------- */

static bool makes_event(enum item_type t)
{
	return t == ITEM_EVENT || t == ITEM_TRANSACTION;
}

/* The event whose payload tells the header's id; else the first error or
 * transaction; else the first of all. */
static void find_owner(struct dividing *d)
{
	size_t none = d->e->item_count, first = none, same = none;
	struct event_id id;

	d->maker = none;
	for (size_t i = 0; i < none; i++) {
		const struct item *it = item_at(d, i);

		if (bound_group_of(it) != BOUND_EVENT)
			continue;
		if (first == none)
			first = i;
		if (d->maker == none && makes_event(it->type))
			d->maker = i;
		if (same == none && payload_event_id(it->payload, &id) &&
			event_id_eq(&id, &d->e->event_id))
			same = i;
	}
	d->owner = same != none ? same : d->maker != none ? d->maker : first;
	if (d->maker == none || (d->owner < none && makes_event(item_at(d, d->owner)->type)))
		d->maker = d->owner;
}

static void put_event(struct dividing *d, size_t i)
{
	struct event_id id;
	struct room *r;

	put_from(d, i, BOUND_EVENT, false);
	if (d->rc != E_OK || i == d->owner)
		return;
	r = &d->rooms[d->place[i]];
	r->is_foreign = true;
	r->has_own_id =
		payload_event_id(item_at(d, i)->payload, &id) && !event_id_eq(&id, &d->e->event_id);
	if (r->has_own_id)
		r->id = id;
}

/* The next item of a type after *at; false when there is none. */
static bool next_of(const struct dividing *d, enum item_type type, size_t *at)
{
	while (*at < d->e->item_count && item_at(d, *at)->type != type)
		(*at)++;
	return *at < d->e->item_count;
}

static void put_with(struct dividing *d, enum item_type type, size_t *at, size_t event)
{
	if (!next_of(d, type, at))
		return;
	put(d, *at, d->place[event]);
	(*at)++;
}

/* The first recording and the first video go with the first replay_event, and so
 * on; a profile likewise with its transaction. */
static void place_events(struct dividing *d)
{
	size_t recording = 0, video = 0, profile = 0;

	for (size_t i = 0; i < d->e->item_count && d->rc == E_OK; i++) {
		const struct item *it = item_at(d, i);

		if (bound_group_of(it) != BOUND_EVENT)
			continue;
		put_event(d, i);
		if (d->rc != E_OK)
			return;
		if (it->type == ITEM_REPLAY_EVENT) {
			put_with(d, ITEM_REPLAY_RECORDING, &recording, i);
			put_with(d, ITEM_REPLAY_VIDEO, &video, i);
		}
		if (it->type == ITEM_TRANSACTION)
			put_with(d, ITEM_PROFILE, &profile, i);
	}
}

/* --- what is bound ------------------------------------------------------------- */

/* Never apart: a minidump alone would be another event. */
static void place_makers(struct dividing *d)
{
	uint32_t at = d->maker < d->e->item_count ? d->place[d->maker] : 0;

	for (size_t i = 0; i < d->e->item_count && d->rc == E_OK; i++) {
		if (!bound_makes_event(item_at(d, i)))
			continue;
		if (d->n == 0 && room_add(d) == NULL)
			return;
		put(d, i, at);
	}
}

static void place_containers(struct dividing *d)
{
	for (size_t i = 0; i < d->e->item_count && d->rc == E_OK; i++) {
		if (bound_group_of(item_at(d, i)) != BOUND_SPANS)
			continue;
		put_from(d, i, BOUND_SPANS, false);
		if (d->rc == E_OK && d->cursor[CURSOR_SPAN_BOUND] == NOWHERE)
			d->cursor[CURSOR_SPAN_BOUND] = d->place[i];
	}
	if (d->cursor[CURSOR_SPAN_BOUND] == NOWHERE)
		d->cursor[CURSOR_SPAN_BOUND] = 0;
}

static unsigned cursor_of(const struct item *it)
{
	if (it->type != ITEM_ATTACHMENT || !it->is_trace_bound)
		return bound_group_of(it);
	return it->is_span_bound ? CURSOR_SPAN_BOUND : CURSOR_FREE_ATTACHMENT;
}

/* A recording without its replay_event has no id but the header's. */
static bool is_of_event(const struct item *it)
{
	return item_needs_event(it) || it->type == ITEM_REPLAY_RECORDING ||
	       it->type == ITEM_REPLAY_VIDEO;
}

static void place_rest(struct dividing *d)
{
	if (d->owner < d->e->item_count)
		d->cursor[BOUND_ATTACHMENT] = d->place[d->owner];
	for (size_t i = 0; i < d->e->item_count && d->rc == E_OK; i++) {
		const struct item *it = item_at(d, i);

		if (d->place[i] == NOWHERE)
			put_from(d, i, cursor_of(it), is_of_event(it));
	}
}

/* --- cutting ------------------------------------------------------------------- */

/* The header once more, with the id of its event. */
static int head_own(struct envelope *piece, const struct room *r)
{
	char hex[EVENT_ID_HEX_BYTES];
	struct buf text = BUF_INIT;
	int rc = E_NOMEM;

	event_id_hex(&r->id, hex);
	piece->event_id = r->id;
	envelope_write_header(piece, &text);
	if (buf_ok(&text)) {
		piece->header_text = arena_dup(piece->arena, buf_view(&text));
		if (piece->header_text.p != NULL)
			rc = json_parse(
				&piece->header, piece->arena, piece->header_text, NULL, NULL);
	}
	buf_fini(&text);
	if (rc == E_OK)
		rc = envelope_set_header_string(piece, STR("event_id"), str_of(hex));
	return rc;
}

static int piece_init(struct envelope *piece, const struct envelope *e, const struct room *r)
{
	*piece = *e;
	piece->adopted_body = NULL; /* e's */
	piece->item_count = 0;
	memset(&piece->held, 0, sizeof piece->held);
	memset(&piece->invalid, 0, sizeof piece->invalid);
	piece->items = arena_calloc(e->arena, r->items, sizeof *piece->items);
	if (piece->items == NULL)
		return E_NOMEM;
	return r->has_own_id ? head_own(piece, r) : E_OK;
}

static int cut(struct dividing *d, struct envelope **pieces, size_t *n)
{
	struct envelope *array = arena_calloc(d->e->arena, d->n, sizeof *array);

	if (array == NULL)
		return E_NOMEM;
	for (uint32_t k = 0; k < d->n; k++) {
		if (piece_init(&array[k], d->e, &d->rooms[k]) != E_OK)
			return E_NOMEM;
	}
	for (size_t i = 0; i < d->e->item_count; i++) {
		struct envelope *piece = &array[d->place[i]];

		piece->items[piece->item_count++] = d->e->items[i];
		item_quantities(&d->e->items[i], &piece->held);
	}
	array[0].invalid = d->e->invalid;
	*pieces = array;
	*n = d->n;
	return E_OK;
}

/* --- dividing ------------------------------------------------------------------ */

/* The usual envelope is within all counts and sums. */
static bool is_one(const struct envelope *e, const struct bound *table)
{
	uint64_t count[BOUND_COUNT] = {0}, bytes[BOUND_COUNT] = {0};

	for (size_t i = 0; i < e->item_count; i++) {
		enum bound_group g = bound_group_of(&e->items[i]);

		if (bound_exceeded(++count[g], table[g].count) ||
			bound_exceeded(bytes[g] += e->items[i].payload.n, table[g].all))
			return false;
	}
	return true;
}

static int divide(struct dividing *d)
{
	size_t count = d->e->item_count;

	d->place = arena_alloc(d->e->arena, count * sizeof *d->place);
	if (d->place == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < count; i++)
		d->place[i] = NOWHERE;
	d->cursor[CURSOR_SPAN_BOUND] = NOWHERE;
	find_owner(d);
	place_events(d);
	if (d->rc == E_OK)
		place_makers(d);
	if (d->rc == E_OK)
		place_containers(d);
	if (d->rc == E_OK)
		place_rest(d);
	return d->rc;
}

int envelope_divide(struct envelope *e, const struct item_limits *l, struct envelope **pieces,
	size_t *n, struct err *err)
{
	struct dividing d = {.e = e};
	int rc = envelope_check_limits(e, l, err);

	*pieces = e;
	*n = 1;
	if (rc != E_OK)
		return rc;
	bounds_of(l, d.table);
	if (is_one(e, d.table))
		return E_OK;
	rc = divide(&d);
	if (rc == E_OK)
		rc = cut(&d, pieces, n);
	if (rc == E_TOOBIG)
		return err_set(err, rc, "more than %u envelopes in one", DIVIDE_PIECES_MAX);
	return rc == E_OK ? E_OK : err_set(err, rc, "no memory to divide an envelope");
}
