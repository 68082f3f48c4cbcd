/* sample.h - a view in which everything happens, with texts that must be
 * escaped. */
#ifndef TESTS_UNIT_OPS_SAMPLE_H
#define TESTS_UNIT_OPS_SAMPLE_H

#include <string.h>

#include "ops/view.h"

#define NASTY "a\"b\\c\nd\x01\xff<script>"

struct sample {
	struct view view;
	struct tally tally;
	struct counters counters;
	struct view_upstream upstreams[2];
	struct view_limit limits[3];
	struct view_lane lanes[3];
	struct view_local local[1];
	struct view_rule rules[2];
	struct view_count counts[1];
	struct view_scrub scrubs[2];
};

static void sample_figures(struct sample *s)
{
	struct quantities q = {{0}};

	quantities_add(&q, CAT_ERROR, 10);
	quantities_add(&q, CAT_ATTACHMENT, 4096);
	tally_stored(&s->tally, &q);
	q = (struct quantities){{0}};
	quantities_add(&q, CAT_ERROR, 6);
	tally_delivered(&s->tally, &q);
	q = (struct quantities){{0}};
	quantities_add(&q, CAT_ERROR, 1);
	tally_dropped(&s->tally, &q, DROP_RATELIMIT_BACKOFF);
	tally_refused(&s->tally, &q, DROP_INVALID);
	size_t n;
	const struct counter_info *rows = counters_table(&n);

	for (size_t i = 0; i < n; i++) {
		uint64_t v = 100 + i;

		memcpy((char *)&s->counters + rows[i].offset, &v, sizeof v);
	}
}

static void sample_upstream(struct sample *s)
{
	s->upstreams[0] = (struct view_upstream){STR("https://a.example"), "up", 60, 0, 2, 200, ""};
	s->upstreams[1] = (struct view_upstream){
		STR(NASTY), "outage", 5, 7, 0, 503, "could not resolve \"b\""};
	s->limits[0] = (struct view_limit){STR("https://a.example"), STR("1"),
		UINT64_C(1) << CAT_ERROR | UINT64_C(1) << CAT_LOG_ITEM, 30, "quota"};
	/* The same from outside, of another key: one series, the longest. */
	s->limits[1] = (struct view_limit){
		STR("https://a.example"), STR("1"), UINT64_C(1) << CAT_ERROR, 90, ""};
	s->limits[2] = (struct view_limit){STR("https://a.example"), STR("2"), UINT64_MAX, 10, ""};
	s->lanes[0] =
		(struct view_lane){STR("a.example"), STR("1"), {0, 2, 0, 0, 0}, {0, 200, 0, 0, 0}};
	s->lanes[1] =
		(struct view_lane){STR("a.example"), STR("2"), {0, 0, 0, 5, 0}, {0, 0, 0, 50, 0}};
	s->lanes[2] =
		(struct view_lane){STR("a.example"), STR("1"), {1, 0, 0, 0, 0}, {10, 0, 0, 0, 0}};
	s->rules[0] = (struct view_rule){"health", 10, 90, 10, 0, 250};
	s->rules[1] = (struct view_rule){"other", 0, 100, 0, 3, 100};
	s->counts[0] = (struct view_count){"seen", 7};
	s->scrubs[0] = (struct view_scrub){"defaults", STR("@ip:replace"), 30, 4, 12};
	s->scrubs[1] = (struct view_scrub){"deep", STR("@ip:replace"), 3, 0, 1};
	s->local[0] = (struct view_local){1700000000123, STR("event, attachment"), STR(NASTY),
		STR("9ec79c33ec9942ab8353589fcb2e04dc"), STR("1")};
}

static void sample_init(struct sample *s)
{
	memset(s, 0, sizeof *s);
	sample_figures(s);
	sample_upstream(s);
	s->view = (struct view){.version = "1.2.3",
		.uptime_s = 3600,
		.started_wall_s = 1700000000,
		.pid = 42,
		.ready = true,
		.not_ready_why = "",
		.held = true,
		.dev = true,
		.rules = s->rules,
		.rule_count = 2,
		.counts = s->counts,
		.count_count = 1,
		.scrubs = s->scrubs,
		.scrub_count = 2,
		.records = 8,
		.bytes = 260,
		.max_bytes = 1000,
		.file_bytes = 4096,
		.class_records = {1, 2, 0, 5, 0},
		.class_bytes = {10, 200, 0, 50, 0},
		.oldest_age_s = 77,
		.dead_records = 3,
		.dead_bytes = 33,
		.trouble = "no-space",
		.memory_used = 11,
		.memory_limit = 22,
		.tally = &s->tally,
		.counters = &s->counters,
		.upstreams = s->upstreams,
		.upstream_count = 2,
		.limits = s->limits,
		.limit_count = 3,
		.lanes = s->lanes,
		.lane_count = 3,
		.local = s->local,
		.local_count = 1};
}

#endif
