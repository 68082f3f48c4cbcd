/* GET /status: the view as one JSON object.
 *
 * Figures that are zero are left out only where the names are many (totals by
 * category and reason); all other keys are always there, so that a reader may
 * rely on them. Nothing here comes out of a payload but the titles of the local
 * view, which exists with --dev only.
 */
#include "ops/jsonout.h"
#include "ops/view.h"

static void write_figures(struct jsonout *j, const char *key, uint64_t records, uint64_t bytes)
{
	jsonout_open(j, key, '{');
	jsonout_uint(j, "records", records);
	jsonout_uint(j, "bytes", bytes);
	jsonout_close(j, '}');
}

static void write_classes(struct jsonout *j, const uint64_t *records, const uint64_t *bytes)
{
	jsonout_open(j, "classes", '{');
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		write_figures(j, item_class_name((enum item_class)c), records[c], bytes[c]);
	jsonout_close(j, '}');
}

static void write_spool(struct jsonout *j, const struct view *v)
{
	jsonout_open(j, "spool", '{');
	jsonout_uint(j, "records", v->records);
	jsonout_uint(j, "bytes", v->bytes);
	jsonout_uint(j, "max_bytes", v->max_bytes);
	jsonout_uint(j, "file_bytes", v->file_bytes);
	jsonout_int(j, "oldest_age_s", v->oldest_age_s);
	jsonout_cstr(j, "trouble", v->trouble);
	write_classes(j, v->class_records, v->class_bytes);
	write_figures(j, "dead", v->dead_records, v->dead_bytes);
	jsonout_close(j, '}');
}

static void write_quantities(struct jsonout *j, const char *key, const struct quantities *q)
{
	jsonout_open(j, key, '{');
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (q->of[c] != 0)
			jsonout_uint(j, category_name((enum category)c), q->of[c]);
	}
	jsonout_close(j, '}');
}

static void write_totals(struct jsonout *j, const struct tally *t)
{
	jsonout_open(j, "totals", '{');
	write_quantities(j, "received", &t->received);
	write_quantities(j, "delivered", &t->delivered);
	jsonout_open(j, "dropped", '{');
	for (unsigned r = DROP_NONE + 1; r < DROP_COUNT; r++) {
		if (!quantities_empty(&t->dropped[r]))
			write_quantities(j, drop_name((enum drop_reason)r), &t->dropped[r]);
	}
	jsonout_close(j, '}');
	write_quantities(j, "held", &t->held);
	jsonout_close(j, '}');
}

static void write_upstreams(struct jsonout *j, const struct view *v)
{
	jsonout_open(j, "upstreams", '[');
	for (size_t i = 0; i < v->upstream_count; i++) {
		const struct view_upstream *u = &v->upstreams[i];

		jsonout_open(j, NULL, '{');
		jsonout_str(j, "host", u->host);
		jsonout_cstr(j, "state", u->state);
		jsonout_int(j, "since_s", u->since_s);
		jsonout_int(j, "next_try_s", u->next_try_s);
		jsonout_uint(j, "in_flight", u->in_flight);
		jsonout_int(j, "last_status", u->last_status);
		jsonout_cstr(j, "last_error", u->last_error);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void write_categories(struct jsonout *j, uint64_t categories)
{
	jsonout_open(j, "categories", '[');
	if (categories == UINT64_MAX) {
		jsonout_cstr(j, NULL, "all");
	} else {
		for (unsigned c = 0; c < CAT_COUNT; c++) {
			if ((categories >> c & 1) != 0)
				jsonout_cstr(j, NULL, category_name((enum category)c));
		}
	}
	jsonout_close(j, ']');
}

static void write_limits(struct jsonout *j, const struct view *v)
{
	jsonout_open(j, "limits", '[');
	for (size_t i = 0; i < v->limit_count; i++) {
		const struct view_limit *l = &v->limits[i];

		jsonout_open(j, NULL, '{');
		jsonout_str(j, "host", l->host);
		jsonout_str(j, "project", l->project);
		write_categories(j, l->categories);
		jsonout_uint(j, "left_s", l->left_s);
		jsonout_cstr(j, "reason", l->reason);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void write_lanes(struct jsonout *j, const struct view *v)
{
	jsonout_open(j, "lanes", '[');
	for (size_t i = 0; i < v->lane_count; i++) {
		const struct view_lane *l = &v->lanes[i];

		jsonout_open(j, NULL, '{');
		jsonout_str(j, "host", l->host);
		jsonout_str(j, "project", l->project);
		write_classes(j, l->records, l->bytes);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void write_rules(struct jsonout *j, const struct view *v)
{
	jsonout_open(j, "rules", '[');
	for (size_t i = 0; i < v->rule_count; i++) {
		const struct view_rule *r = &v->rules[i];

		jsonout_open(j, NULL, '{');
		jsonout_cstr(j, "name", r->name);
		jsonout_uint(j, "hits", r->hits);
		jsonout_uint(j, "misses", r->misses);
		jsonout_uint(j, "dropped", r->dropped);
		jsonout_uint(j, "errors", r->errors);
		jsonout_uint(j, "time_us", r->time_us);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
	jsonout_open(j, "counts", '{');
	for (size_t i = 0; i < v->count_count; i++)
		jsonout_uint(j, v->counts[i].name, v->counts[i].n);
	jsonout_close(j, '}');
}

static void write_scrubs(struct jsonout *j, const struct view *v)
{
	jsonout_open(j, "scrub_rules", '[');
	for (size_t i = 0; i < v->scrub_count; i++) {
		const struct view_scrub *s = &v->scrubs[i];

		jsonout_open(j, NULL, '{');
		jsonout_cstr(j, "pass", s->pass);
		jsonout_str(j, "rule", s->rule);
		jsonout_uint(j, "runs", s->runs);
		jsonout_uint(j, "hits", s->hits);
		jsonout_uint(j, "time_us", s->time_us);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void write_counters(struct jsonout *j, const struct counters *c)
{
	size_t n;
	const struct counter_info *rows = counters_table(&n);

	jsonout_open(j, "counters", '{');
	for (size_t i = 0; c != NULL && i < n; i++)
		jsonout_uint(j, rows[i].name, counters_get(c, &rows[i]));
	jsonout_close(j, '}');
}

static void write_local(struct jsonout *j, const struct view *v)
{
	jsonout_open(j, "local", '[');
	for (size_t i = 0; i < v->local_count; i++) {
		const struct view_local *l = &v->local[i];

		jsonout_open(j, NULL, '{');
		jsonout_int(j, "wall_ms", l->wall_ms);
		jsonout_str(j, "event_id", l->event_id);
		jsonout_str(j, "types", l->types);
		jsonout_str(j, "title", l->title);
		jsonout_str(j, "project", l->project);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

void status_write(const struct view *v, struct buf *out)
{
	struct jsonout j = {out, false};

	jsonout_open(&j, NULL, '{');
	jsonout_cstr(&j, "version", v->version);
	jsonout_int(&j, "uptime_s", v->uptime_s);
	jsonout_int(&j, "pid", v->pid);
	jsonout_bool(&j, "ready", v->ready);
	jsonout_cstr(&j, "not_ready_why", v->not_ready_why);
	jsonout_bool(&j, "held", v->held);
	jsonout_bool(&j, "dev", v->dev);
	write_spool(&j, v);
	if (v->tally != NULL)
		write_totals(&j, v->tally);
	jsonout_open(&j, "memory", '{');
	jsonout_uint(&j, "used", v->memory_used);
	jsonout_uint(&j, "limit", v->memory_limit);
	jsonout_close(&j, '}');
	write_upstreams(&j, v);
	write_limits(&j, v);
	write_lanes(&j, v);
	write_rules(&j, v);
	write_scrubs(&j, v);
	write_counters(&j, v->counters);
	if (v->dev)
		write_local(&j, v);
	jsonout_close(&j, '}');
}
