/* Entries of containers, one by one (sdk-semantics 4.5): what a predicate says is
 * gone goes, and the container is counted anew.
 *
 * Sampling draws an entry by its trace, so that what is kept of a trace is kept
 * together; an entry without one by its own bytes. A kept metric is told its
 * rate (P-132); for logs there is no place where upstream would look.
 */
#include "base/number.h"
#include "process/judge.h"

#define CLIENT_RATE STR("sentry.client_sample_rate")

/* What an entry of this type counts as. */
static void count_entry(enum item_type type, size_t bytes, struct quantities *q)
{
	switch (type) {
	case ITEM_LOG:
		quantities_add(q, CAT_LOG_ITEM, 1);
		quantities_add(q, CAT_LOG_BYTE, bytes);
		break;
	case ITEM_TRACE_METRIC:
		quantities_add(q, CAT_TRACE_METRIC, 1);
		quantities_add(q, CAT_TRACE_METRIC_BYTE, bytes);
		break;
	default:
		quantities_add(q, CAT_SPAN, 1);
		break;
	}
}

/* Of a container that lost every entry, all its bytes are counted. */
static int count_gone(struct work *w, struct item *it, size_t left, const struct quantities *gone,
	enum drop_reason why)
{
	struct quantities *dropped;

	if (quantities_empty(gone))
		return E_OK;
	dropped = work_dropped(w, why);
	if (dropped == NULL)
		return E_NOMEM;
	work_decided(w, why);
	if (left == 0)
		item_quantities(it, dropped);
	else
		quantities_merge(dropped, gone);
	return item_set_count(w->e, it, left);
}

static int drop_entries_of(
	struct work *w, struct item *it, entry_gone_fn *gone, void *arg, enum drop_reason why)
{
	struct json_doc *d = item_payload(w->e, it);
	struct quantities sum = {{0}};
	json_node items, next;

	if (d == NULL)
		return E_OK;
	items = json_get(d, json_root(d), STR("items"));
	for (json_node n = json_first(d, items); n != JSON_NONE; n = next) {
		next = json_next(d, n);
		if (!gone(arg, d, n))
			continue;
		count_entry(it->type, json_raw(d, n).n, &sum);
		if (json_remove(d, n) != E_OK)
			return E_NOMEM;
	}
	return count_gone(w, it, json_count(d, items), &sum, why);
}

static bool is_emptied(void *arg, const struct item *it)
{
	(void)arg;
	return it->is_container && it->entries == 0;
}

int work_drop_entries(
	struct work *w, enum item_type type, entry_gone_fn *gone, void *arg, enum drop_reason why)
{
	for (size_t i = 0; i < w->e->item_count; i++) {
		struct item *it = &w->e->items[i];

		if (it->type == type && it->is_container &&
			drop_entries_of(w, it, gone, arg, why) != E_OK)
			return work_no_memory(w);
	}
	(void)envelope_remove_if(w->e, is_emptied, NULL, NULL);
	return E_OK;
}

json_node entry_attributes(struct json_doc *d, json_node entry)
{
	json_node n = json_get(d, entry, STR("attributes"));

	if (json_type_of(d, n) == JSON_TYPE_OBJECT)
		return n;
	if (json_set_raw(d, entry, STR("attributes"), STR("{}")) != E_OK)
		return JSON_NONE;
	return json_get(d, entry, STR("attributes"));
}

/* --- sampling ---------------------------------------------------------------------- */

struct sampling {
	struct work *w;
	enum sampled_kind kind;
	struct item *it; /* that has the entries, for conditions */
	struct dsc dsc;
	bool tells;
	int rc;
};

static struct draw draw_of_entry(const struct sampling *s, struct json_doc *d, json_node entry)
{
	struct str text = json_text(d, json_get(d, entry, STR("trace_id")));
	struct dsc none = {.rate = 1.0};
	struct event_id id;
	struct draw draw;

	if (!event_id_parse(text, &id))
		return draw_of_text("", json_raw(d, entry));
	/* The header speaks of one trace only. */
	(void)draw_of_trace(
		s->dsc.has_trace_id && event_id_eq(&s->dsc.trace_id, &id) ? &s->dsc : &none, &id,
		NULL, &draw);
	return draw;
}

static double old_rate(struct json_doc *d, json_node attributes)
{
	json_node n = json_get(d, json_get(d, attributes, CLIENT_RATE), STR("value"));
	double v;

	return json_double(d, n, &v) && v > 0 && v <= 1 ? v : 1.0;
}

static int tell_entry(const struct sampling *s, struct json_doc *d, json_node entry, double rate)
{
	json_node attributes = entry_attributes(d, entry);
	char number[NUMBER_BYTES];
	struct str text;

	number_format(old_rate(d, attributes) * rate, number);
	text = arena_printf(s->w->e->arena, "{\"value\":%s,\"type\":\"double\"}", number);
	if (text.p == NULL || attributes == JSON_NONE)
		return E_NOMEM;
	return json_set_raw(d, attributes, CLIENT_RATE, text);
}

static bool is_drawn(void *arg, struct json_doc *d, json_node entry)
{
	struct sampling *s = arg;
	struct rated what = {.kind = s->kind, .it = s->it, .doc = d, .root = entry};
	double rate = rate_of(s->w, &what);

	if (!draw_is_below(draw_of_entry(s, d, entry), rate)) {
		work_decided(s->w, DROP_SAMPLE_RATE);
		return true;
	}
	if (s->tells && rate < 1 && s->rc == E_OK && json_type_of(d, entry) == JSON_TYPE_OBJECT)
		s->rc = tell_entry(s, d, entry, rate);
	return false;
}

static int sample_type(struct work *w, enum item_type type, enum sampled_kind kind)
{
	struct sampling s = {
		.w = w, .kind = kind, .it = work_find(w, type), .tells = kind == SAMPLED_METRIC};
	int rc;

	if (!w->j->is_sampled[kind] || s.it == NULL)
		return E_OK;
	dsc_read(w->e, &s.dsc);
	rc = work_drop_entries(w, type, is_drawn, &s, DROP_SAMPLE_RATE);
	return rc == E_OK && s.rc != E_OK ? work_no_memory(w) : rc;
}

int work_sample_entries(struct work *w)
{
	int rc = sample_type(w, ITEM_LOG, SAMPLED_LOG);

	return rc == E_OK ? sample_type(w, ITEM_TRACE_METRIC, SAMPLED_METRIC) : rc;
}
