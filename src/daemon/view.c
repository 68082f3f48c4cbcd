/* Gathers what can be seen of the daemon into one struct view. */
#include <stdlib.h>
#include <unistd.h>

#include "daemon/relay.h"
#include "envelope/dsn.h"
#include "forward/local.h"
#include "process/process.h"
#include "rules/ruleset.h"
#include "scrub/scrub.h"

#define MS_PER_S 1000

struct relay_view {
	struct view view;
	struct arena *arena; /* holds every array below */
};

bool relay_is_ready(const struct relay *r, const char **why_not)
{
	uint64_t limit = r->settings->limits.memory;

	*why_not = "";
	if (r->stopping)
		*why_not = "shutting down";
	else if (!spool_has_room(r->spool))
		*why_not = "the spool cannot take envelopes";
	else if (budget_used(&r->budget) > limit - limit / 20)
		*why_not = "memory is used up";
	return (*why_not)[0] == '\0';
}

static void add_upstreams(struct relay_view *v, struct relay *r, struct instant now)
{
	struct forward_host_status st;
	struct view_upstream *list;
	size_t n = 0;

	while (forward_host(r->forward, n, &st))
		n++;
	list = arena_calloc(v->arena, n, sizeof *list);
	for (size_t i = 0; list != NULL && i < n && forward_host(r->forward, i, &st); i++) {
		struct str error = arena_dup(v->arena, str_of(st.last_error));

		list[i] = (struct view_upstream){
			.host = arena_dup(v->arena, st.host),
			.state = host_state_name(st.state),
			.since_s = (now.mono_ms - st.since_mono_ms) / MS_PER_S,
			.next_try_s = st.next_try_mono_ms > now.mono_ms
					      ? (st.next_try_mono_ms - now.mono_ms + MS_PER_S - 1) /
							MS_PER_S
					      : 0,
			.in_flight = st.in_flight,
			.last_status = st.last_status,
			.last_error = error.p != NULL ? error.p : "",
		};
		v->view.upstream_count = i + 1;
	}
	v->view.upstreams = list;
}

static void add_rules(struct relay_view *v, struct relay *r)
{
	const struct ruleset *rs = judge_rules(judge_of(r->settings));
	size_t n = ruleset_count(rs), counts = 0;
	struct view_rule *rules = arena_calloc(v->arena, n + 1, sizeof *rules);
	struct view_count *list;
	const char *name;
	uint64_t value;

	while (ruleset_counter(rs, counts, &name, &value))
		counts++;
	list = arena_calloc(v->arena, counts + 1, sizeof *list);
	for (size_t i = 0; rules != NULL && i < n; i++) {
		struct rule_stats st;

		ruleset_stats(rs, i, &st);
		rules[i] = (struct view_rule){
			st.name, st.hits, st.misses, st.dropped, st.errors, st.time_ns / 1000};
		v->view.rule_count = i + 1;
	}
	for (size_t i = 0; list != NULL && i < counts; i++) {
		(void)ruleset_counter(rs, i, &list[i].name, &list[i].n);
		v->view.count_count = i + 1;
	}
	v->view.rules = rules;
	v->view.counts = list;
}

static void add_scrubs(struct relay_view *v, struct relay *r)
{
	const struct scrubber *s = judge_scrubbing(judge_of(r->settings));
	struct scrub_figures f;
	struct view_scrub *list;
	size_t n = 0;

	while (scrubber_figures(s, n, &f))
		n++;
	list = arena_calloc(v->arena, n + 1, sizeof *list);
	for (size_t i = 0; list != NULL && i < n && scrubber_figures(s, i, &f); i++) {
		list[i] = (struct view_scrub){
			f.pass, f.of.rule, f.of.runs, f.of.hits, f.of.time_ns / 1000};
		v->view.scrub_count = i + 1;
	}
	v->view.scrubs = list;
}

static void add_limits(struct relay_view *v, struct relay *r)
{
	struct forward_limit_status st;
	struct view_limit *list;
	size_t n = 0;

	while (forward_limit(r->forward, n, &st))
		n++;
	list = arena_calloc(v->arena, n, sizeof *list);
	for (size_t i = 0; list != NULL && i < n && forward_limit(r->forward, i, &st); i++) {
		struct str reason = arena_dup(v->arena, str_of(st.limit.reason));

		list[i] = (struct view_limit){
			.host = arena_dup(v->arena, st.host),
			.project = arena_dup(v->arena, st.project),
			.categories = st.limit.categories,
			.left_s = st.limit.seconds,
			.reason = reason.p != NULL ? reason.p : "",
		};
		v->view.limit_count = i + 1;
	}
	v->view.limits = list;
}

static void add_lanes(struct relay_view *v, struct relay *r)
{
	const struct spool_lane *lane;
	struct view_lane *list;
	struct dsn dsn;
	size_t n = 0;

	while (spool_lane(r->spool, n) != NULL)
		n++;
	list = arena_calloc(v->arena, n, sizeof *list);
	for (size_t i = 0; list != NULL && i < n; i++) {
		lane = spool_lane(r->spool, i);
		if (dsn_parse(lane->dsn, &dsn, NULL) == E_OK) {
			list[i].host = dsn.host;
			list[i].project = dsn.project;
		}
		memcpy(list[i].records, lane->records, sizeof list[i].records);
		memcpy(list[i].bytes, lane->bytes, sizeof list[i].bytes);
		v->view.lane_count = i + 1;
	}
	v->view.lanes = list;
}

static void add_local(struct relay_view *v, struct relay *r)
{
	const struct local_envelope *e;
	struct view_local *list;
	size_t n = 0;

	if (r->local == NULL)
		return;
	while (local_view_get(r->local, n) != NULL)
		n++;
	list = arena_calloc(v->arena, n, sizeof *list);
	for (size_t i = 0; list != NULL && i < n; i++) {
		e = local_view_get(r->local, i);
		list[i] = (struct view_local){e->wall_ms, str_of(e->types), str_of(e->title),
			str_of(e->event_id), str_of(e->project)};
		v->view.local_count = i + 1;
	}
	v->view.local = list;
}

static void add_spool(struct relay_view *v, struct relay *r, struct instant now)
{
	struct spool_stats st;
	struct view *w = &v->view;

	spool_stats(r->spool, now, &st);
	w->records = st.records;
	w->bytes = st.bytes;
	w->max_bytes = st.max_bytes;
	w->file_bytes = st.file_bytes;
	memcpy(w->class_records, st.class_records, sizeof w->class_records);
	memcpy(w->class_bytes, st.class_bytes, sizeof w->class_bytes);
	w->oldest_age_s = st.oldest_age_ms / MS_PER_S;
	w->dead_records = st.dead_records;
	w->dead_bytes = st.dead_bytes;
	w->trouble = st.trouble == E_OK ? "" : err_name(st.trouble);
	w->tally = spool_tally(r->spool);
}

struct relay_view *relay_view_new(struct relay *r)
{
	struct relay_view *v = calloc(1, sizeof *v);
	struct instant now = clock_now(r->clock);

	if (v == NULL)
		return NULL;
	v->arena = arena_new(4096, 0);
	if (v->arena == NULL) {
		free(v);
		return NULL;
	}
	v->view.version = PICKET_VERSION;
	v->view.started_wall_s = r->started.wall_ms / MS_PER_S;
	v->view.uptime_s = (now.mono_ms - r->started.mono_ms) / MS_PER_S;
	v->view.pid = getpid();
	v->view.ready = relay_is_ready(r, &v->view.not_ready_why);
	v->view.held = forward_is_held(r->forward);
	v->view.dev = r->dev;
	v->view.memory_used = budget_used(&r->budget);
	v->view.memory_limit = r->settings->limits.memory;
	v->view.counters = &r->counters;
	add_spool(v, r, now);
	add_upstreams(v, r, now);
	add_limits(v, r);
	add_lanes(v, r);
	add_rules(v, r);
	add_scrubs(v, r);
	add_local(v, r);
	return v;
}

const struct view *relay_view(const struct relay_view *v)
{
	return &v->view;
}

void relay_view_free(struct relay_view *v)
{
	if (v == NULL)
		return;
	arena_free(v->arena);
	free(v);
}
