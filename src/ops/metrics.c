/* GET /metrics: the view in Prometheus text format 0.0.4.
 *
 * A series may appear once only in an exposition, or the scrape fails as a
 * whole. Lanes and limits that look the same from outside (same host and
 * project, another key) are therefore summed, or the longest is told.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "ops/view.h"

static void write_family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Backslash, quote and line feed are all that the format escapes. A control
 * character or a byte that is not UTF-8 would make the whole page unreadable. */
static void write_label_value(struct buf *out, struct str s)
{
	bool is_text = str_is_utf8(s);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\\' || c == '"')
			buf_char(out, '\\');
		if (c == '\n')
			buf_cstr(out, "\\n");
		else if (c < 0x20 || (c >= 0x80 && !is_text))
			buf_char(out, '?');
		else
			buf_char(out, (char)c);
	}
}

/* One more label of the series being written; first opens the braces. */
static void write_label(struct buf *out, bool first, const char *name, struct str value)
{
	buf_char(out, first ? '{' : ',');
	buf_cstr(out, name);
	buf_cstr(out, "=\"");
	write_label_value(out, value);
	buf_char(out, '"');
}

static void write_value(struct buf *out, uint64_t v)
{
	buf_printf(out, "} %" PRIu64 "\n", v);
}

static void write_plain(
	struct buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
	write_family(out, name, type, help);
	buf_printf(out, "%s %" PRIu64 "\n", name, v);
}

static uint64_t not_negative(int64_t v)
{
	return v > 0 ? (uint64_t)v : 0;
}

/* --- the conservation law --- */

static void write_state(struct buf *out, const char *state, const struct quantities *q)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (q->of[c] == 0)
			continue;
		buf_cstr(out, "picket_items_total");
		write_label(out, true, "state", str_of(state));
		write_label(out, false, "category", str_of(category_name((enum category)c)));
		write_value(out, q->of[c]);
	}
}

static void write_dropped(struct buf *out, const struct tally *t)
{
	write_family(out, "picket_items_dropped_total", "counter",
		"Items that ended undelivered, by reason");
	for (unsigned r = DROP_NONE + 1; r < DROP_COUNT; r++) {
		for (unsigned c = 0; c < CAT_COUNT; c++) {
			if (t->dropped[r].of[c] == 0)
				continue;
			buf_cstr(out, "picket_items_dropped_total");
			write_label(out, true, "reason", str_of(drop_name((enum drop_reason)r)));
			write_label(
				out, false, "category", str_of(category_name((enum category)c)));
			write_value(out, t->dropped[r].of[c]);
		}
	}
}

static void write_tally(struct buf *out, const struct tally *t)
{
	write_family(out, "picket_items_total", "counter",
		"Items received from clients and delivered upstream; kept over restarts");
	write_state(out, "received", &t->received);
	write_state(out, "delivered", &t->delivered);
	write_dropped(out, t);
	write_family(out, "picket_items_held", "gauge", "Items waiting in the spool");
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (t->held.of[c] == 0)
			continue;
		buf_cstr(out, "picket_items_held");
		write_label(out, true, "category", str_of(category_name((enum category)c)));
		write_value(out, t->held.of[c]);
	}
}

/* --- the spool --- */

static void write_by_class(
	struct buf *out, const char *name, const char *help, const uint64_t *of_class)
{
	write_family(out, name, "gauge", help);
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		buf_cstr(out, name);
		write_label(out, true, "class", str_of(item_class_name((enum item_class)c)));
		write_value(out, of_class[c]);
	}
}

static void write_spool(struct buf *out, const struct view *v)
{
	write_by_class(out, "picket_spool_records", "Envelopes waiting, by priority class",
		v->class_records);
	write_by_class(out, "picket_spool_bytes", "Bytes of envelopes waiting, by priority class",
		v->class_bytes);
	write_plain(
		out, "picket_spool_max_bytes", "gauge", "Bytes the spool may hold", v->max_bytes);
	write_plain(out, "picket_spool_file_bytes", "gauge", "Bytes the spool takes on disk",
		v->file_bytes);
	write_plain(out, "picket_spool_oldest_age_seconds", "gauge",
		"Age of the oldest envelope waiting", not_negative(v->oldest_age_s));
	write_plain(out, "picket_spool_writable", "gauge",
		"1 while envelopes can be stored, 0 while the disk refuses",
		v->trouble == NULL || v->trouble[0] == '\0');
	write_plain(out, "picket_dead_letters", "gauge", "Undeliverable envelopes kept for a look",
		v->dead_records);
	write_plain(out, "picket_dead_letter_bytes", "gauge",
		"Bytes of undeliverable envelopes kept", v->dead_bytes);
}

static bool is_same_lane(const struct view_lane *a, const struct view_lane *b)
{
	return str_eq(a->host, b->host) && str_eq(a->project, b->project);
}

static uint64_t lane_records(const struct view_lane *l)
{
	uint64_t n = 0;

	for (unsigned c = 0; c < CLASS_COUNT; c++)
		n += l->records[c];
	return n;
}

static void write_lanes(struct buf *out, const struct view *v)
{
	write_family(
		out, "picket_project_records", "gauge", "Envelopes waiting, by upstream project");
	for (size_t i = 0; i < v->lane_count; i++) {
		uint64_t records = lane_records(&v->lanes[i]);
		bool told = false;

		for (size_t k = 0; k < i && !told; k++)
			told = is_same_lane(&v->lanes[k], &v->lanes[i]);
		if (told)
			continue;
		for (size_t k = i + 1; k < v->lane_count; k++) {
			if (is_same_lane(&v->lanes[k], &v->lanes[i]))
				records += lane_records(&v->lanes[k]);
		}
		buf_cstr(out, "picket_project_records");
		write_label(out, true, "host", v->lanes[i].host);
		write_label(out, false, "project", v->lanes[i].project);
		write_value(out, records);
	}
}

/* --- upstream --- */

static void write_host_states(struct buf *out, const struct view *v)
{
	static const char *const states[] = {"up", "failing", "outage", "recovering"};

	write_family(out, "picket_upstream_state", "gauge", "1 for the state an upstream is in");
	for (size_t i = 0; i < v->upstream_count; i++) {
		for (size_t s = 0; s < sizeof states / sizeof states[0]; s++) {
			buf_cstr(out, "picket_upstream_state");
			write_label(out, true, "host", v->upstreams[i].host);
			write_label(out, false, "state", str_of(states[s]));
			write_value(out, strcmp(v->upstreams[i].state, states[s]) == 0);
		}
	}
}

static void write_host_gauge(struct buf *out, const char *name, struct str host, uint64_t value)
{
	buf_cstr(out, name);
	write_label(out, true, "host", host);
	write_value(out, value);
}

static void write_hosts(struct buf *out, const struct view *v)
{
	write_host_states(out, v);
	write_family(out, "picket_upstream_next_try_seconds", "gauge",
		"Time until an upstream is tried again, 0 when nothing is waited for");
	for (size_t i = 0; i < v->upstream_count; i++)
		write_host_gauge(out, "picket_upstream_next_try_seconds", v->upstreams[i].host,
			not_negative(v->upstreams[i].next_try_s));
	write_family(out, "picket_upstream_host_in_flight", "gauge",
		"Requests without an answer yet, by upstream");
	for (size_t i = 0; i < v->upstream_count; i++)
		write_host_gauge(out, "picket_upstream_host_in_flight", v->upstreams[i].host,
			v->upstreams[i].in_flight);
}

/* Bit CAT_COUNT stands for "all": a limit without a category. */
static bool limits_category(const struct view_limit *l, unsigned bit)
{
	if (bit == CAT_COUNT)
		return l->categories == UINT64_MAX;
	return l->categories != UINT64_MAX && (l->categories >> bit & 1) != 0;
}

static bool is_same_limit(const struct view_limit *a, const struct view_limit *b, unsigned bit)
{
	return limits_category(b, bit) && str_eq(a->host, b->host) &&
	       str_eq(a->project, b->project);
}

static void write_limit(struct buf *out, const struct view *v, size_t i, unsigned bit)
{
	const struct view_limit *l = &v->limits[i];
	uint32_t left_s = l->left_s;

	for (size_t k = 0; k < i; k++) {
		if (is_same_limit(l, &v->limits[k], bit))
			return;
	}
	for (size_t k = i + 1; k < v->limit_count; k++) {
		if (is_same_limit(l, &v->limits[k], bit) && v->limits[k].left_s > left_s)
			left_s = v->limits[k].left_s;
	}
	buf_cstr(out, "picket_rate_limit_seconds");
	write_label(out, true, "host", l->host);
	write_label(out, false, "project", l->project);
	write_label(out, false, "category",
		bit == CAT_COUNT ? STR("all") : str_of(category_name((enum category)bit)));
	write_value(out, left_s);
}

static void write_limits(struct buf *out, const struct view *v)
{
	write_family(out, "picket_rate_limit_seconds", "gauge",
		"Time left of the rate limits in force, by category");
	for (size_t i = 0; i < v->limit_count; i++) {
		for (unsigned bit = 0; bit <= CAT_COUNT; bit++) {
			if (limits_category(&v->limits[i], bit))
				write_limit(out, v, i, bit);
		}
	}
}

/* --- rules --- */

static void write_rule_family(
	struct buf *out, const struct view *v, const char *name, const char *help, size_t offset)
{
	write_family(out, name, "counter", help);
	for (size_t i = 0; i < v->rule_count; i++) {
		uint64_t value;

		memcpy(&value, (const char *)&v->rules[i] + offset, sizeof value);
		buf_cstr(out, name);
		write_label(out, true, "rule", str_of(v->rules[i].name));
		write_value(out, value);
	}
}

/* Since the rules were loaded: a reload begins anew. */
static void write_rules(struct buf *out, const struct view *v)
{
	write_rule_family(out, v, "picket_rule_hits_total", "Times a rule was true",
		offsetof(struct view_rule, hits));
	write_rule_family(out, v, "picket_rule_misses_total", "Times a rule was false",
		offsetof(struct view_rule, misses));
	write_rule_family(out, v, "picket_rule_dropped_total", "What a rule dropped",
		offsetof(struct view_rule, dropped));
	write_rule_family(out, v, "picket_rule_errors_total",
		"Tests and edits of a rule that met the wrong type or a limit",
		offsetof(struct view_rule, errors));
	write_rule_family(out, v, "picket_rule_microseconds_total",
		"Time spent on the condition of a rule, measured for one judgement in 16",
		offsetof(struct view_rule, time_us));
	write_family(
		out, "picket_rule_count_total", "counter", "What \"count NAME\" of rules counted");
	for (size_t i = 0; i < v->count_count; i++) {
		buf_cstr(out, "picket_rule_count_total");
		write_label(out, true, "name", str_of(v->counts[i].name));
		write_value(out, v->counts[i].n);
	}
}

static void write_scrub_family(
	struct buf *out, const struct view *v, const char *name, const char *help, size_t offset)
{
	write_family(out, name, "counter", help);
	for (size_t i = 0; i < v->scrub_count; i++) {
		uint64_t value;

		memcpy(&value, (const char *)&v->scrubs[i] + offset, sizeof value);
		buf_cstr(out, name);
		write_label(out, true, "pass", str_of(v->scrubs[i].pass));
		write_label(out, false, "rule", v->scrubs[i].rule);
		write_value(out, value);
	}
}

static void write_scrubs(struct buf *out, const struct view *v)
{
	write_scrub_family(out, v, "picket_scrub_rule_runs_total",
		"Times the expression of a rule had to run", offsetof(struct view_scrub, runs));
	write_scrub_family(out, v, "picket_scrub_rule_hits_total", "Values a rule changed",
		offsetof(struct view_scrub, hits));
	write_scrub_family(out, v, "picket_scrub_rule_microseconds_total",
		"Time spent on a rule in documents, measured for one in 256",
		offsetof(struct view_scrub, time_us));
}

/* --- the process --- */

static void write_counters(struct buf *out, const struct counters *c)
{
	size_t n;
	const struct counter_info *rows = counters_table(&n);

	for (size_t i = 0; c != NULL && i < n; i++)
		write_plain(out, rows[i].name, rows[i].kind == COUNTER_GAUGE ? "gauge" : "counter",
			rows[i].help, counters_get(c, &rows[i]));
}

static void write_process(struct buf *out, const struct view *v)
{
	write_family(out, "picket_build_info", "gauge", "1, with the version of this daemon");
	buf_cstr(out, "picket_build_info");
	write_label(out, true, "version", str_of(v->version));
	write_value(out, 1);
	if (v->started_wall_s > 0)
		write_plain(out, "process_start_time_seconds", "gauge",
			"Time this daemon was started, UNIX time", not_negative(v->started_wall_s));
	write_plain(out, "picket_uptime_seconds", "gauge", "Time since this daemon was started",
		not_negative(v->uptime_s));
	write_plain(out, "picket_ready", "gauge", "1 while envelopes are taken", v->ready);
	write_plain(
		out, "picket_sending_held", "gauge", "1 while an operator holds sending", v->held);
	write_plain(out, "picket_memory_used_bytes", "gauge", "Bytes of client data in memory now",
		v->memory_used);
	write_plain(out, "picket_memory_limit_bytes", "gauge",
		"Bytes of client data that may be in memory", v->memory_limit);
}

void metrics_write(const struct view *v, struct buf *out)
{
	write_process(out, v);
	if (v->tally != NULL)
		write_tally(out, v->tally);
	write_spool(out, v);
	write_lanes(out, v);
	write_hosts(out, v);
	write_limits(out, v);
	write_rules(out, v);
	write_scrubs(out, v);
	write_counters(out, v->counters);
}
