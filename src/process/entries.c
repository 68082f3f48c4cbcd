/* Sampling inside containers: logs and trace metrics, one by one (4.5).
 *
 * An entry is drawn by its trace, so that what is kept of a trace is kept
 * together; an entry without one by its own bytes. A kept metric is told its
 * rate (P-132); for logs there is no place where upstream would look.
 */
#include "process/judge.h"

#include "base/number.h"

#define CLIENT_RATE STR("sentry.client_sample_rate")

struct sampling {
	struct work *w;
	struct json_doc *d;
	struct dsc dsc;
	double rate;
};

static struct draw draw_of_entry(const struct sampling *s, json_node entry)
{
	struct str text = json_text(s->d, json_get(s->d, entry, STR("trace_id")));
	struct dsc none = {.rate = 1.0};
	struct event_id id;
	struct draw draw;

	if (!event_id_parse(text, &id))
		return draw_of_text("", json_raw(s->d, entry));
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

static int tell_entry(const struct sampling *s, json_node entry)
{
	struct json_doc *d = s->d;
	json_node attributes = json_get(d, entry, STR("attributes"));
	char number[NUMBER_BYTES];
	struct str text;
	int rc;

	if (json_type_of(d, attributes) != JSON_TYPE_OBJECT) {
		rc = json_set_raw(d, entry, STR("attributes"), STR("{}"));
		if (rc != E_OK)
			return rc;
		attributes = json_get(d, entry, STR("attributes"));
	}
	number_format(old_rate(d, attributes) * s->rate, number);
	text = arena_printf(s->w->e->arena, "{\"value\":%s,\"type\":\"double\"}", number);
	if (text.p == NULL)
		return E_NOMEM;
	return json_set_raw(d, attributes, CLIENT_RATE, text);
}

/* Removes what is drawn to go; *gone counts it in loss units. */
static int draw_entries(
	const struct sampling *s, json_node items, enum sampled_kind kind, struct quantities *gone)
{
	json_node next;

	for (json_node n = json_first(s->d, items); n != JSON_NONE; n = next) {
		int rc = E_OK;

		next = json_next(s->d, n);
		if (draw_is_below(draw_of_entry(s, n), s->rate)) {
			if (kind == SAMPLED_METRIC)
				rc = tell_entry(s, n);
		} else {
			quantities_add(
				gone, kind == SAMPLED_LOG ? CAT_LOG_ITEM : CAT_TRACE_METRIC, 1);
			quantities_add(gone,
				kind == SAMPLED_LOG ? CAT_LOG_BYTE : CAT_TRACE_METRIC_BYTE,
				json_raw(s->d, n).n);
			rc = json_remove(s->d, n);
		}
		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

/* Of a container that lost every entry, all its bytes are counted. */
static int count_gone(struct work *w, struct item *it, size_t left, const struct quantities *gone)
{
	struct quantities *dropped;

	if (quantities_empty(gone))
		return E_OK;
	dropped = work_dropped(w, DROP_SAMPLE_RATE);
	if (dropped == NULL)
		return E_NOMEM;
	if (left == 0)
		item_quantities(it, dropped);
	else
		quantities_merge(dropped, gone);
	return item_set_count(w->e, it, left);
}

static int sample_entries(struct work *w, struct item *it, enum sampled_kind kind)
{
	struct sampling s = {.w = w, .d = item_payload(w->e, it), .rate = w->j->rate[kind]};
	struct quantities gone = {{0}};
	json_node items;
	int rc;

	if (s.d == NULL)
		return E_OK;
	items = json_get(s.d, json_root(s.d), STR("items"));
	dsc_read(w->e, &s.dsc);
	rc = draw_entries(&s, items, kind, &gone);
	if (rc == E_OK)
		rc = count_gone(w, it, json_count(s.d, items), &gone);
	return rc == E_OK ? E_OK : work_no_memory(w);
}

static bool is_emptied(void *arg, const struct item *it)
{
	(void)arg;
	return (it->type == ITEM_LOG || it->type == ITEM_TRACE_METRIC) && it->entries == 0;
}

int work_sample_entries(struct work *w)
{
	const double *rate = w->j->rate;
	int rc = E_OK;

	if (rate[SAMPLED_LOG] >= 1 && rate[SAMPLED_METRIC] >= 1)
		return E_OK;
	for (size_t i = 0; i < w->e->item_count && rc == E_OK; i++) {
		struct item *it = &w->e->items[i];

		if (it->type == ITEM_LOG && rate[SAMPLED_LOG] < 1)
			rc = sample_entries(w, it, SAMPLED_LOG);
		else if (it->type == ITEM_TRACE_METRIC && rate[SAMPLED_METRIC] < 1)
			rc = sample_entries(w, it, SAMPLED_METRIC);
	}
	(void)envelope_remove_if(w->e, is_emptied, NULL, NULL);
	return rc;
}
