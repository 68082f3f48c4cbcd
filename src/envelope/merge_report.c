#include "envelope/merge_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timefmt.h"

#define ITEM_BYTES     4000       /* of payload: with its header line below 4 KiB */
#define ENTRY_BYTES    1024       /* of reason and category; what has more goes as it came */
#define QUANTITY_MAX   UINT32_MAX /* upstream reads 32 bits */
#define KEY_HEAD_BYTES 24
/* What stands around the texts of an entry: names, quantity, a list's name and
 * the end of the item. */
#define ENTRY_FRAME_BYTES 128u

/* With these an envelope of reports stays well below 100 items and 100 KiB (9.3),
 * a report of our own included: an item that is not its hour's last is at least
 * 2800 bytes of BYTES_MAX. */
#define BYTES_MAX        (64u * 1024)
#define AS_CAME_MAX      40u
#define HOURS_MAX        12u
#define QUANTITY_SUM_MAX (UINT64_C(8) * QUANTITY_MAX)
#define STAMP_BYTES      64u

static const char *const lists[] = {
	"discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events"};
#define LISTS (sizeof lists / sizeof lists[0])

/* Texts are named by where they lie in texts. */
struct report_entry {
	size_t next; /* number of the next entry of the hour, 0: none; 1 is the first */
	unsigned list;
	size_t reason_at, reason_n;
	size_t category_at, category_n;
	uint64_t sum;
};

struct report_hour {
	int64_t hour;
	int64_t stamp_us; /* earliest */
	size_t stamp_at, stamp_n;
	size_t first, last; /* entries, as next */
};

void merge_reports_init(struct merge_reports *m, const struct siphash_key *seed)
{
	*m = (struct merge_reports){.texts = BUF_INIT, .as_came = BUF_INIT};
	keymap_init(&m->keys, seed);
}

void merge_reports_fini(struct merge_reports *m)
{
	keymap_fini(&m->keys);
	free(m->entries);
	free(m->hours);
	buf_fini(&m->texts);
	buf_fini(&m->as_came);
}

void merge_reports_clear(struct merge_reports *m)
{
	keymap_clear(&m->keys);
	m->hours_n = 0;
	m->as_came_n = 0;
	m->quantity = 0;
	buf_clear(&m->texts);
	buf_clear(&m->as_came);
}

/* --- reading ------------------------------------------------------------------- */

struct stamp {
	struct str raw; /* "" when absent */
	int64_t us;
	int64_t hour;
};

static bool read_stamp(struct json_doc *d, json_node n, struct stamp *ret)
{
	double seconds = 0;

	*ret = (struct stamp){json_raw(d, n), 0, MERGE_REPORT_NO_HOUR};
	if (ret->raw.n > STAMP_BYTES)
		return false;
	switch (json_type_of(d, n)) {
	case JSON_TYPE_MISSING:
		return true;
	case JSON_TYPE_NUMBER:
		(void)json_double(d, n, &seconds);
		if (!(fabs(seconds) < 1e11))
			return false;
		ret->us = (int64_t)floor(seconds * 1e6);
		break;
	case JSON_TYPE_STRING:
		if (!rfc3339_parse(json_text(d, n), &ret->us))
			return false;
		break;
	default:
		return false;
	}
	ret->hour = (int64_t)floor((double)ret->us / 3.6e9);
	return true;
}

int64_t merge_report_hour(struct json_doc *d)
{
	struct stamp stamp;

	if (d == NULL || !read_stamp(d, json_get(d, json_root(d), STR("timestamp")), &stamp))
		return MERGE_REPORT_NO_HOUR;
	return stamp.hour;
}

struct loss {
	struct str reason, category; /* raw, without their quotes */
	uint64_t quantity;
};

/* What stands between the quotes of a string of plain characters: equal strings
 * are then equal bytes. */
static bool plain_text(const struct json_doc *d, json_node n, struct str *ret)
{
	struct str raw = json_raw(d, n);

	if (json_type_of(d, n) != JSON_TYPE_STRING)
		return false;
	*ret = str_make(raw.p + 1, raw.n - 2);
	for (size_t i = 0; i < ret->n; i++) {
		if (ret->p[i] == '\\' || (unsigned char)ret->p[i] < ' ')
			return false;
	}
	return true;
}

static bool read_loss(struct json_doc *d, json_node entry, struct loss *ret)
{
	unsigned seen = 0;

	if (json_type_of(d, entry) != JSON_TYPE_OBJECT)
		return false;
	for (json_node n = json_first(d, entry); n != JSON_NONE; n = json_next(d, n)) {
		struct str key = json_key(d, n);
		unsigned bit;

		if (str_eq(key, STR("reason")) && plain_text(d, n, &ret->reason))
			bit = 1;
		else if (str_eq(key, STR("category")) && plain_text(d, n, &ret->category))
			bit = 2;
		else if (str_eq(key, STR("quantity")) &&
			 str_to_u64(json_raw(d, n), QUANTITY_MAX, &ret->quantity))
			bit = 4;
		else
			return false;
		if ((seen & bit) != 0)
			return false;
		seen |= bit;
	}
	return seen == 7 && ret->reason.n + ret->category.n <= ENTRY_BYTES;
}

static unsigned list_of(struct str key)
{
	unsigned i = 0;

	while (i < LISTS && !str_eq(key, str_of(lists[i])))
		i++;
	return i;
}

/* What a part brings at most. */
struct extent {
	size_t entries, bytes;
	size_t as_came, as_came_bytes;
	uint64_t quantity;
	size_t hours; /* new ones */
	int64_t hour[HOURS_MAX];
};

static bool is_list_summed(struct json_doc *d, json_node list, struct extent *x)
{
	struct loss loss;

	if (json_type_of(d, list) != JSON_TYPE_ARRAY)
		return false;
	for (json_node n = json_first(d, list); n != JSON_NONE; n = json_next(d, n)) {
		if (!read_loss(d, n, &loss))
			return false;
		x->entries++;
		x->bytes += loss.reason.n + loss.category.n;
		x->quantity += loss.quantity;
	}
	return true;
}

/* True when the report says nothing that its sum would not say. */
static bool is_summed(struct part *p, size_t i, struct extent *x, int64_t *hour)
{
	struct item *it = &p->e->items[i];
	struct json_doc *d = item_payload(p->e, it);
	bool seen[LISTS + 1] = {false};
	struct stamp stamp;

	*hour = MERGE_REPORT_NO_HOUR;
	if (d == NULL || json_type_of(d, json_root(d)) != JSON_TYPE_OBJECT ||
		!part_item_is_plain(p, it))
		return false;
	for (json_node n = json_first(d, json_root(d)); n != JSON_NONE; n = json_next(d, n)) {
		unsigned list = list_of(json_key(d, n));

		if (seen[list])
			return false;
		seen[list] = true;
		if (list < LISTS ? !is_list_summed(d, n, x)
				 : !str_eq(json_key(d, n), STR("timestamp")) ||
					   !read_stamp(d, n, &stamp))
			return false;
		if (list == LISTS) {
			x->bytes += stamp.raw.n;
			*hour = stamp.hour;
		}
	}
	return true;
}

/* --- plan ---------------------------------------------------------------------- */

static struct report_hour *hour_find(const struct merge_reports *m, int64_t hour)
{
	for (size_t i = 0; i < m->hours_n; i++) {
		if (m->hours[i].hour == hour)
			return &m->hours[i];
	}
	return NULL;
}

static int note_hour(const struct merge_reports *m, struct extent *x, int64_t hour)
{
	if (hour_find(m, hour) != NULL)
		return E_OK;
	for (size_t i = 0; i < x->hours; i++) {
		if (x->hour[i] == hour)
			return E_OK;
	}
	if (m->hours_n + x->hours == HOURS_MAX)
		return E_TOOBIG;
	x->hour[x->hours++] = hour;
	return E_OK;
}

static int plan_item(struct merge_reports *m, struct part *p, size_t i, struct extent *x)
{
	struct extent one = *x;
	int64_t hour;

	p->of[i].is_summed = is_summed(p, i, &one, &hour);
	if (!p->of[i].is_summed) {
		x->as_came++;
		x->as_came_bytes += part_item_bytes(p, &p->e->items[i]);
		return E_OK;
	}
	*x = one;
	return note_hour(m, x, hour);
}

static int reserve(struct merge_reports *m, const struct extent *x)
{
	void *entries = m->entries, *hours = m->hours;
	int rc =
		array_reserve(&entries, &m->entries_cap, m->keys.n, x->entries, sizeof *m->entries);

	m->entries = entries;
	if (rc == E_OK)
		rc = array_reserve(&hours, &m->hours_cap, m->hours_n, x->hours, sizeof *m->hours);
	m->hours = hours;
	if (rc == E_OK)
		rc = keymap_reserve(&m->keys, x->entries, x->bytes + x->entries * KEY_HEAD_BYTES);
	if (rc == E_OK)
		rc = text_reserve(&m->texts, x->bytes);
	return rc == E_OK ? text_reserve(&m->as_came, x->as_came_bytes) : rc;
}

int merge_reports_plan(struct merge_reports *m, struct part *p)
{
	struct extent x = {.entries = 0};

	for (size_t i = 0; i < p->e->item_count; i++) {
		int rc = E_OK;

		if (p->e->items[i].type == ITEM_CLIENT_REPORT)
			rc = plan_item(m, p, i, &x);
		if (rc != E_OK)
			return rc;
	}
	if (m->as_came_n + x.as_came > AS_CAME_MAX || m->quantity + x.quantity > QUANTITY_SUM_MAX ||
		m->as_came.n + x.as_came_bytes + m->texts.n + x.bytes +
				(m->keys.n + x.entries) * ENTRY_FRAME_BYTES >
			BYTES_MAX)
		return E_TOOBIG;
	return reserve(m, &x);
}

/* --- take ---------------------------------------------------------------------- */

static size_t keep_text(struct merge_reports *m, struct str text)
{
	size_t at = m->texts.n;

	buf_str(&m->texts, text);
	return at;
}

static struct report_hour *take_hour(struct merge_reports *m, const struct stamp *stamp)
{
	struct report_hour *h = hour_find(m, stamp->hour);

	if (h == NULL) {
		h = &m->hours[m->hours_n++];
		*h = (struct report_hour){.hour = stamp->hour, .stamp_us = INT64_MAX};
	}
	if (stamp->us < h->stamp_us) {
		h->stamp_us = stamp->us;
		h->stamp_at = keep_text(m, stamp->raw);
		h->stamp_n = stamp->raw.n;
	}
	return h;
}

/* hour, list, length of the reason; then both texts. */
static struct str entry_key(char *key, int64_t hour, unsigned list, const struct loss *loss)
{
	uint64_t head[3] = {(uint64_t)hour, list, loss->reason.n};
	char *to = key;

	memcpy(to, head, sizeof head);
	to += sizeof head;
	memcpy(to, loss->reason.p, loss->reason.n);
	to += loss->reason.n;
	memcpy(to, loss->category.p, loss->category.n);
	return str_make(key, sizeof head + loss->reason.n + loss->category.n);
}

static void take_loss(
	struct merge_reports *m, struct report_hour *h, unsigned list, const struct loss *loss)
{
	char key[KEY_HEAD_BYTES + ENTRY_BYTES];
	size_t known = m->keys.n;
	size_t number = keymap_number(&m->keys, entry_key(key, h->hour, list, loss));
	struct report_entry *e = &m->entries[number];

	if (number == known) {
		*e = (struct report_entry){
			.list = list, .reason_n = loss->reason.n, .category_n = loss->category.n};
		e->reason_at = keep_text(m, loss->reason);
		e->category_at = keep_text(m, loss->category);
		if (h->first == 0)
			h->first = number + 1;
		else
			m->entries[h->last - 1].next = number + 1;
		h->last = number + 1;
	}
	e->sum += loss->quantity;
	m->quantity += loss->quantity;
}

static void take_report(struct merge_reports *m, struct json_doc *d)
{
	struct report_hour *h;
	struct stamp stamp;
	struct loss loss;

	(void)read_stamp(d, json_get(d, json_root(d), STR("timestamp")), &stamp);
	h = take_hour(m, &stamp);
	for (json_node n = json_first(d, json_root(d)); n != JSON_NONE; n = json_next(d, n)) {
		unsigned list = list_of(json_key(d, n));

		for (json_node x = list < LISTS ? json_first(d, n) : JSON_NONE; x != JSON_NONE;
			x = json_next(d, x)) {
			if (read_loss(d, x, &loss))
				take_loss(m, h, list, &loss);
		}
	}
}

void merge_reports_take(struct merge_reports *m, struct part *p)
{
	for (size_t i = 0; i < p->e->item_count; i++) {
		struct item *it = &p->e->items[i];

		if (it->type != ITEM_CLIENT_REPORT)
			continue;
		if (p->of[i].is_summed) {
			take_report(m, item_payload(p->e, it));
		} else {
			part_item_write(p, it, &m->as_came);
			m->as_came_n++;
		}
	}
}

/* --- writing ------------------------------------------------------------------- */

struct report_out {
	const struct merge_reports *m;
	const struct report_hour *hour;
	struct buf *to;
	char text[ITEM_BYTES];
	size_t n;
	unsigned list; /* that is open; LISTS: none yet */
};

static void item_begin(struct report_out *o)
{
	struct str stamp = str_make(o->m->texts.p + o->hour->stamp_at, o->hour->stamp_n);
	int n = 0;

	if (stamp.n > 0)
		n = snprintf(
			o->text, sizeof o->text, "{\"timestamp\":%.*s,", (int)stamp.n, stamp.p);
	else
		n = snprintf(o->text, sizeof o->text, "{");
	o->n = (size_t)n;
	o->list = LISTS;
}

static void item_end(struct report_out *o)
{
	if (o->list == LISTS)
		o->n += (size_t)snprintf(
			o->text + o->n, sizeof o->text - o->n, "\"discarded_events\":[");
	o->text[o->n++] = ']';
	o->text[o->n++] = '}';
	buf_printf(o->to, "{\"type\":\"client_report\",\"length\":%zu}\n", o->n);
	buf_add(o->to, o->text, o->n);
	buf_char(o->to, '\n');
}

static void put_loss(struct report_out *o, const struct report_entry *e, uint64_t quantity)
{
	const char *texts = o->m->texts.p;
	bool opens = o->list != e->list;
	char list[64] = "";

	if (opens)
		(void)snprintf(list, sizeof list, "%s\"%s\":[", o->list == LISTS ? "" : "],",
			lists[e->list]);
	o->n += (size_t)snprintf(o->text + o->n, sizeof o->text - o->n,
		"%s{\"reason\":\"%.*s\",\"category\":\"%.*s\",\"quantity\":%" PRIu64 "}",
		opens ? list : ",", (int)e->reason_n, texts + e->reason_at, (int)e->category_n,
		texts + e->category_at, quantity);
	o->list = e->list;
}

static void write_entry(struct report_out *o, const struct report_entry *e)
{
	uint64_t left = e->sum;

	do {
		uint64_t quantity = left < QUANTITY_MAX ? left : QUANTITY_MAX;

		if (o->n + e->reason_n + e->category_n + ENTRY_FRAME_BYTES > sizeof o->text) {
			item_end(o);
			item_begin(o);
		}
		put_loss(o, e, quantity);
		left -= quantity;
	} while (left > 0);
}

static void write_hour(struct report_out *o)
{
	item_begin(o);
	for (unsigned list = 0; list < LISTS; list++) {
		for (size_t i = o->hour->first; i != 0; i = o->m->entries[i - 1].next) {
			if (o->m->entries[i - 1].list == list)
				write_entry(o, &o->m->entries[i - 1]);
		}
	}
	item_end(o);
}

void merge_reports_write(const struct merge_reports *m, struct buf *out)
{
	struct report_out o = {.m = m, .to = out};

	for (size_t i = 0; i < m->hours_n; i++) {
		o.hour = &m->hours[i];
		write_hour(&o);
	}
	buf_str(out, buf_view(&m->as_came));
}
