#include "envelope/merge_sessions.h"

#include <inttypes.h>
#include <stdlib.h>

#include "envelope/canonical.h"

#define ITEMS_MAX      100u /* of an envelope (9.3) */
#define AGGREGATES_MAX 100u /* of an item */
#define COUNTER_MAX    UINT32_MAX
#define KEY_HEAD_BYTES 16

static const char *const counters[] = {"exited", "errored", "crashed", "abnormal", "unhandled"};
#define COUNTERS (sizeof counters / sizeof counters[0])

/* A run of merge_sessions.texts. */
struct extent {
	size_t at, n;
};

struct aggregate {
	size_t next;        /* of its group, 1 + number; 0: none */
	struct extent text; /* as it came */
	struct extent started, did;
	unsigned present; /* bit i: counters[i] */
	bool is_sum;      /* of several: its own text does not tell it any more */
	uint32_t of[COUNTERS];
};

struct session_group {
	struct extent attrs; /* raw; empty when absent */
	size_t first, last;  /* as next */
};

struct session_piece {
	bool is_group;
	size_t group;        /* its number */
	struct extent whole; /* else: an item */
};

void merge_sessions_init(struct merge_sessions *m, const struct siphash_key *seed)
{
	*m = (struct merge_sessions){.texts = BUF_INIT, .one = BUF_INIT};
	keymap_init(&m->attrs, seed);
	keymap_init(&m->moments, seed);
}

void merge_sessions_fini(struct merge_sessions *m)
{
	keymap_fini(&m->attrs);
	keymap_fini(&m->moments);
	free(m->moment_of);
	free(m->groups);
	free(m->aggregates);
	free(m->pieces);
	buf_fini(&m->texts);
	buf_fini(&m->one);
}

void merge_sessions_clear(struct merge_sessions *m)
{
	keymap_clear(&m->attrs);
	keymap_clear(&m->moments);
	m->aggregates_n = m->pieces_n = m->updates = 0;
	buf_clear(&m->texts);
}

/* --- reading ------------------------------------------------------------------- */

struct moment {
	struct str started, did; /* raw; did is empty when absent */
	unsigned present;
	uint32_t of[COUNTERS];
};

static unsigned counter_of(struct str key)
{
	unsigned i = 0;

	while (i < COUNTERS && !str_eq(key, str_of(counters[i])))
		i++;
	return i;
}

/* A string without escapes, or a number: equal values are equal bytes. */
static bool read_scalar(const struct json_doc *d, json_node n, struct str *ret)
{
	enum json_type type = json_type_of(d, n);

	if (ret->n > 0 || (type != JSON_TYPE_STRING && type != JSON_TYPE_NUMBER))
		return false;
	*ret = json_raw(d, n);
	return str_find_char(*ret, '\\') == ret->n;
}

static bool read_counter(const struct json_doc *d, json_node n, unsigned i, struct moment *m)
{
	uint64_t v;

	if ((m->present & 1u << i) != 0 || json_type_of(d, n) != JSON_TYPE_NUMBER ||
		!str_to_u64(json_raw(d, n), COUNTER_MAX, &v))
		return false;
	m->present |= 1u << i;
	m->of[i] = (uint32_t)v;
	return true;
}

/* False for an aggregate that says more than sums can tell. */
static bool read_moment(struct json_doc *d, json_node aggregate, struct moment *ret)
{
	*ret = (struct moment){.present = 0};
	if (json_type_of(d, aggregate) != JSON_TYPE_OBJECT)
		return false;
	for (json_node n = json_first(d, aggregate); n != JSON_NONE; n = json_next(d, n)) {
		struct str key = json_key(d, n);
		unsigned i = counter_of(key);
		bool ok;

		if (i < COUNTERS)
			ok = read_counter(d, n, i, ret);
		else if (str_eq(key, STR("started")))
			ok = read_scalar(d, n, &ret->started);
		else
			ok = str_eq(key, STR("did")) && read_scalar(d, n, &ret->did);
		if (!ok)
			return false;
	}
	return ret->started.n > 0;
}

/* --- plan ---------------------------------------------------------------------- */

struct sessions_plan {
	size_t pieces, groups, aggregates;
	size_t bytes, attrs_bytes;
};

/* Says under which attrs the item's aggregates are summed; is_summed stays false
 * when they are not. E_OK or E_NOMEM. */
static int plan_group(struct merge_sessions *m, struct part *p, size_t i)
{
	struct part_item *of = &p->of[i];
	struct item *it = &p->e->items[i];
	struct json_doc *d = item_payload(p->e, it);
	json_node attrs = JSON_NONE, list = JSON_NONE;
	int rc;

	if (d == NULL || json_type_of(d, json_root(d)) != JSON_TYPE_OBJECT ||
		!part_item_is_plain(p, it))
		return E_OK;
	for (json_node n = json_first(d, json_root(d)); n != JSON_NONE; n = json_next(d, n)) {
		struct str key = json_key(d, n);
		json_node *to = str_eq(key, STR("attrs")) ? &attrs : &list;

		if (*to != JSON_NONE || (to == &list && !str_eq(key, STR("aggregates"))))
			return E_OK;
		*to = n;
	}
	if (json_type_of(d, list) != JSON_TYPE_ARRAY)
		return E_OK;
	buf_clear(&m->one);
	rc = canonical_write(d, attrs, &m->one);
	if (rc != E_OK)
		return rc == E_NOMEM ? rc : E_OK;
	of->group = arena_dup(p->e->arena, buf_view(&m->one));
	of->is_summed = true;
	return of->group.p != NULL ? E_OK : E_NOMEM;
}

static int plan_item(struct merge_sessions *m, struct part *p, size_t i, struct sessions_plan *x)
{
	struct item *it = &p->e->items[i];
	int rc = it->type == ITEM_SESSIONS ? plan_group(m, p, i) : E_OK;

	if (rc != E_OK)
		return rc;
	x->pieces++;
	x->bytes += part_item_bytes(p, it);
	if (p->of[i].is_summed) {
		struct json_doc *d = item_payload(p->e, it);

		x->groups++;
		x->attrs_bytes += p->of[i].group.n;
		x->aggregates += json_count(d, json_get(d, json_root(d), STR("aggregates")));
	}
	return E_OK;
}

static int reserve(struct merge_sessions *m, const struct sessions_plan *x)
{
	void *moments = m->moment_of, *groups = m->groups, *aggregates = m->aggregates,
	     *pieces = m->pieces;
	int rc = array_reserve(
		&moments, &m->moment_cap, m->moments.n, x->aggregates, sizeof *m->moment_of);

	m->moment_of = moments;
	if (rc == E_OK)
		rc = array_reserve(
			&groups, &m->groups_cap, m->attrs.n, x->groups, sizeof *m->groups);
	m->groups = groups;
	if (rc == E_OK)
		rc = array_reserve(&aggregates, &m->aggregates_cap, m->aggregates_n, x->aggregates,
			sizeof *m->aggregates);
	m->aggregates = aggregates;
	if (rc == E_OK)
		rc = array_reserve(
			&pieces, &m->pieces_cap, m->pieces_n, x->pieces, sizeof *m->pieces);
	m->pieces = pieces;
	if (rc == E_OK)
		rc = keymap_reserve(&m->attrs, x->groups, x->attrs_bytes);
	if (rc == E_OK)
		rc = keymap_reserve(
			&m->moments, x->aggregates, x->bytes + x->aggregates * KEY_HEAD_BYTES);
	buf_clear(&m->one);
	if (rc == E_OK)
		rc = text_reserve(&m->one, x->bytes + KEY_HEAD_BYTES);
	return rc == E_OK ? text_reserve(&m->texts, x->bytes) : rc;
}

int merge_sessions_plan(struct merge_sessions *m, struct part *p, const struct merge_limits *limits)
{
	struct sessions_plan x = {0};
	size_t aggregates;

	for (size_t i = 0; i < p->e->item_count; i++) {
		enum item_type type = p->e->items[i].type;
		int rc = E_OK;

		if (type == ITEM_SESSION || type == ITEM_SESSIONS)
			rc = plan_item(m, p, i, &x);
		if (rc != E_OK)
			return rc;
	}
	aggregates = m->aggregates_n + x.aggregates;
	if (m->pieces_n + x.pieces + aggregates / AGGREGATES_MAX > ITEMS_MAX)
		return E_TOOBIG;
	if (!p->is_first && (m->updates + x.pieces + aggregates > limits->max_items ||
				    m->texts.n + x.bytes > limits->max_bytes))
		return E_TOOBIG;
	return reserve(m, &x);
}

/* --- take ---------------------------------------------------------------------- */

static struct extent keep(struct merge_sessions *m, struct str text)
{
	struct extent x = {m->texts.n, text.n};

	buf_str(&m->texts, text);
	return x;
}

static void take_as_came(struct merge_sessions *m, struct part *p, struct item *it)
{
	struct session_piece *piece = &m->pieces[m->pieces_n++];
	size_t at = m->texts.n;

	part_item_write(p, it, &m->texts);
	*piece = (struct session_piece){.whole = {at, m->texts.n - at}};
	m->updates++;
}

static size_t take_group(struct merge_sessions *m, struct str canonical, struct str attrs)
{
	size_t known = m->attrs.n, number = keymap_number(&m->attrs, canonical);

	if (number == known) {
		m->groups[number] = (struct session_group){.attrs = keep(m, attrs)};
		m->pieces[m->pieces_n++] =
			(struct session_piece){.is_group = true, .group = number};
	}
	return number;
}

static struct aggregate *append(struct merge_sessions *m, size_t group, struct str text)
{
	struct session_group *g = &m->groups[group];
	struct aggregate *a = &m->aggregates[m->aggregates_n++];

	*a = (struct aggregate){.text = keep(m, text)};
	if (g->first == 0)
		g->first = m->aggregates_n;
	else
		m->aggregates[g->last - 1].next = m->aggregates_n;
	g->last = m->aggregates_n;
	return a;
}

/* Where part lies in the copy of text. */
static struct extent inside(const struct aggregate *a, struct str text, struct str part)
{
	if (part.n == 0)
		return (struct extent){0, 0};
	return (struct extent){a->text.at + (size_t)(part.p - text.p), part.n};
}

static bool sums_up(const struct aggregate *a, const struct moment *moment)
{
	for (unsigned i = 0; i < COUNTERS; i++) {
		if (moment->of[i] > COUNTER_MAX - a->of[i])
			return false;
	}
	return true;
}

/* group, length of started; then both texts. */
static struct str moment_key(struct merge_sessions *m, size_t group, const struct moment *moment)
{
	uint64_t head[2] = {group, moment->started.n};

	buf_clear(&m->one);
	buf_add(&m->one, head, sizeof head);
	buf_str(&m->one, moment->started);
	buf_str(&m->one, moment->did);
	return buf_view(&m->one);
}

static void take_moment(
	struct merge_sessions *m, size_t group, struct str text, const struct moment *moment)
{
	size_t known = m->moments.n;
	size_t number = keymap_number(&m->moments, moment_key(m, group, moment));
	struct aggregate *a = number < known ? &m->aggregates[m->moment_of[number]] : NULL;

	if (a != NULL && sums_up(a, moment)) {
		for (unsigned i = 0; i < COUNTERS; i++)
			a->of[i] += moment->of[i];
		a->present |= moment->present;
		a->is_sum = true;
		return;
	}
	a = append(m, group, text); /* a sum beyond 32 bits goes on in another */
	a->started = inside(a, text, moment->started);
	a->did = inside(a, text, moment->did);
	a->present = moment->present;
	memcpy(a->of, moment->of, sizeof a->of);
	m->moment_of[number] = m->aggregates_n - 1;
}

static void take_aggregates(
	struct merge_sessions *m, struct json_doc *d, const struct part_item *of)
{
	struct str attrs = json_raw(d, json_get(d, json_root(d), STR("attrs")));
	size_t group = take_group(m, of->group, attrs);
	json_node list = json_get(d, json_root(d), STR("aggregates"));

	for (json_node n = json_first(d, list); n != JSON_NONE; n = json_next(d, n)) {
		struct moment moment;

		if (read_moment(d, n, &moment))
			take_moment(m, group, json_raw(d, n), &moment);
		else
			(void)append(m, group, json_raw(d, n));
	}
}

void merge_sessions_take(struct merge_sessions *m, struct part *p)
{
	for (size_t i = 0; i < p->e->item_count; i++) {
		struct item *it = &p->e->items[i];

		if (it->type != ITEM_SESSION && it->type != ITEM_SESSIONS)
			continue;
		if (p->of[i].is_summed)
			take_aggregates(m, item_payload(p->e, it), &p->of[i]);
		else
			take_as_came(m, p, it);
	}
}

/* --- writing ------------------------------------------------------------------- */

static struct str text_at(const struct merge_sessions *m, struct extent x)
{
	return x.n > 0 ? str_make(m->texts.p + x.at, x.n) : STR_EMPTY;
}

static void put_aggregate(
	const struct merge_sessions *m, const struct aggregate *a, struct buf *out)
{
	if (!a->is_sum) {
		buf_str(out, text_at(m, a->text));
		return;
	}
	buf_cstr(out, "{\"started\":");
	buf_str(out, text_at(m, a->started));
	if (a->did.n > 0) {
		buf_cstr(out, ",\"did\":");
		buf_str(out, text_at(m, a->did));
	}
	for (unsigned i = 0; i < COUNTERS; i++) {
		if ((a->present & 1u << i) != 0)
			buf_printf(out, ",\"%s\":%" PRIu32, counters[i], a->of[i]);
	}
	buf_char(out, '}');
}

/* One item; returns the aggregate that the next one begins with. */
static size_t put_item(
	const struct merge_sessions *m, const struct session_group *g, size_t at, struct buf *out)
{
	struct buf payload = BUF_INIT;

	buf_cstr(&payload, "{\"aggregates\":[");
	for (unsigned i = 0; i < AGGREGATES_MAX && at != 0; i++) {
		if (i > 0)
			buf_char(&payload, ',');
		put_aggregate(m, &m->aggregates[at - 1], &payload);
		at = m->aggregates[at - 1].next;
	}
	buf_char(&payload, ']');
	if (g->attrs.n > 0) {
		buf_cstr(&payload, ",\"attrs\":");
		buf_str(&payload, text_at(m, g->attrs));
	}
	buf_char(&payload, '}');
	if (buf_ok(&payload) && payload.p != NULL) {
		buf_printf(out, "{\"type\":\"sessions\",\"length\":%zu}\n", payload.n);
		buf_str(out, buf_view(&payload));
		buf_char(out, '\n');
	} else {
		out->failed = true;
	}
	buf_fini(&payload);
	return at;
}

void merge_sessions_write(const struct merge_sessions *m, struct buf *out)
{
	for (size_t i = 0; i < m->pieces_n; i++) {
		const struct session_piece *piece = &m->pieces[i];
		size_t at = 0;

		if (!piece->is_group) {
			buf_str(out, text_at(m, piece->whole));
			continue;
		}
		at = m->groups[piece->group].first;
		do
			at = put_item(m, &m->groups[piece->group], at, out);
		while (at != 0);
	}
}
