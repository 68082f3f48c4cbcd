/* conserve.h - what merging must not change, for tests and fuzzers.
 *
 * An envelope is taken apart into facts: each entry of a list, each counter of an
 * aggregate, each loss of a report, with how often it stands there. Facts of
 * several envelopes add up; those of the merged one must be the same.
 */
#ifndef PICKET_UNIT_ENVELOPE_CONSERVE_H
#define PICKET_UNIT_ENVELOPE_CONSERVE_H

#include <stdlib.h>

#include "base/check.h"
#include "envelope/bounds.h"
#include "envelope/canonical.h"
#include "envelope/merge_report.h"

struct fact {
	struct buf key;
	uint64_t n;
};

struct facts {
	struct fact *of;
	size_t n, cap;
	struct buf lists; /* entries of containers, lines, buckets; in order */
	struct buf order; /* session updates, in order */
	struct quantities held;
};

static inline void facts_add(struct facts *f, struct str key, uint64_t n, bool is_sum)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!str_eq(buf_view(&f->of[i].key), key))
			continue;
		f->of[i].n = is_sum ? f->of[i].n + n : n;
		return;
	}
	if (f->n == f->cap) {
		f->cap = f->cap > 0 ? f->cap * 2 : 16;
		f->of = realloc(f->of, f->cap * sizeof *f->of);
		check(f->of != NULL);
	}
	f->of[f->n] = (struct fact){BUF_INIT, n};
	buf_str(&f->of[f->n++].key, key);
}

static inline void facts_fini(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++)
		buf_fini(&f->of[i].key);
	free(f->of);
	buf_fini(&f->lists);
	buf_fini(&f->order);
	*f = (struct facts){0};
}

static inline void key_text(struct buf *key, struct str s)
{
	buf_printf(key, "%zu:", s.n);
	buf_str(key, s);
}

/* A member that is a number adds up; any other is a fact of its own. */
static inline void facts_member(
	struct facts *f, struct json_doc *d, json_node n, const struct buf *before)
{
	struct buf key = BUF_INIT;
	uint64_t v = 1;
	bool is_number = json_type_of(d, n) == JSON_TYPE_NUMBER &&
			 str_to_u64(json_raw(d, n), UINT32_MAX, &v);

	buf_str(&key, buf_view(before));
	key_text(&key, json_key(d, n));
	if (!is_number)
		key_text(&key, json_raw(d, n));
	facts_add(f, buf_view(&key), v, true);
	buf_fini(&key);
}

/* An object of counters; by names the members that say what is counted. */
static inline void facts_counters(struct facts *f, struct json_doc *d, json_node object,
	const char *const *by, const struct buf *before)
{
	struct buf key = BUF_INIT;

	buf_str(&key, buf_view(before));
	if (json_type_of(d, object) != JSON_TYPE_OBJECT)
		key_text(&key, json_raw(d, object));
	for (size_t i = 0; by[i] != NULL; i++)
		key_text(&key, json_raw(d, json_get(d, object, str_of(by[i]))));
	facts_add(f, buf_view(&key), 1, false);
	for (json_node n = json_first(d, object); n != JSON_NONE; n = json_next(d, n)) {
		if (!str_eq(json_key(d, n), str_of(by[0])) &&
			!str_eq(json_key(d, n), str_of(by[1])))
			facts_member(f, d, n, &key);
	}
	buf_fini(&key);
}

static inline void facts_sessions(struct facts *f, struct json_doc *d)
{
	static const char *const by[] = {"started", "did", NULL};
	struct buf key = BUF_INIT;

	buf_cstr(&key, "sessions:");
	(void)canonical_write(d, json_get(d, json_root(d), STR("attrs")), &key);
	for (json_node n = json_first(d, json_root(d)); n != JSON_NONE; n = json_next(d, n)) {
		if (str_eq(json_key(d, n), STR("attrs")))
			continue;
		if (!str_eq(json_key(d, n), STR("aggregates")))
			facts_member(f, d, n, &key);
		for (json_node a = json_first(d, n); a != JSON_NONE; a = json_next(d, a))
			facts_counters(f, d, a, by, &key);
	}
	buf_fini(&key);
}

static inline void facts_report(struct facts *f, struct json_doc *d)
{
	static const char *const by[] = {"reason", "category", NULL};
	struct buf hour = BUF_INIT;

	buf_printf(&hour, "report:%lld:", (long long)merge_report_hour(d));
	for (json_node n = json_first(d, json_root(d)); n != JSON_NONE; n = json_next(d, n)) {
		struct buf key = BUF_INIT;

		buf_str(&key, buf_view(&hour));
		if (str_eq(json_key(d, n), STR("timestamp"))) {
			buf_fini(&key);
			continue;
		}
		if (json_type_of(d, n) != JSON_TYPE_ARRAY)
			facts_member(f, d, n, &key);
		key_text(&key, json_key(d, n));
		for (json_node x = json_first(d, n);
			x != JSON_NONE && json_type_of(d, n) == JSON_TYPE_ARRAY;
			x = json_next(d, x))
			facts_counters(f, d, x, by, &key);
		buf_fini(&key);
	}
	buf_fini(&hour);
}

static inline void facts_list(struct facts *f, struct json_doc *d, json_node list)
{
	for (json_node n = json_first(d, list); n != JSON_NONE; n = json_next(d, n))
		key_text(&f->lists, json_raw(d, n));
}

static inline void facts_lines(struct facts *f, struct str rest)
{
	struct str line;

	while (str_cut(&rest, '\n', &line)) {
		if (str_trim(line).n > 0)
			key_text(&f->lists, line);
	}
}

static inline void facts_item(struct facts *f, struct envelope *e, struct item *it)
{
	struct json_doc *d = it->type != ITEM_STATSD ? item_payload(e, it) : NULL;
	bool is_object = d != NULL && json_type_of(d, json_root(d)) == JSON_TYPE_OBJECT;

	if (it->type == ITEM_STATSD)
		facts_lines(f, it->payload);
	else if (it->type == ITEM_SESSION)
		key_text(&f->order, it->payload);
	else if (it->type == ITEM_SESSIONS && is_object)
		facts_sessions(f, d);
	else if (it->type == ITEM_CLIENT_REPORT && is_object)
		facts_report(f, d);
	else if (it->type == ITEM_METRIC_BUCKETS && d != NULL)
		facts_list(f, d, json_root(d));
	else if (it->is_container && d != NULL)
		facts_list(f, d, json_get(d, json_root(d), STR("items")));
	else
		facts_add(f, it->payload, 1, true);
}

/* Of a measured envelope. */
static inline void facts_of(struct facts *f, struct envelope *e)
{
	quantities_merge(&f->held, &e->held);
	for (size_t i = 0; i < e->item_count; i++)
		facts_item(f, e, &e->items[i]);
}

static inline void facts_check_same(const struct facts *parts, struct facts *merged)
{
	check(str_eq(buf_view(&parts->lists), buf_view(&merged->lists)));
	check(str_eq(buf_view(&parts->order), buf_view(&merged->order)));
	check(parts->n == merged->n);
	for (size_t i = 0; i < parts->n; i++) {
		size_t k = 0;

		while (k < merged->n &&
			!str_eq(buf_view(&merged->of[k].key), buf_view(&parts->of[i].key)))
			k++;
		check(k < merged->n && merged->of[k].n == parts->of[i].n);
	}
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		/* What stands around the entries is there only once. Sums of an item's
		 * sessions are clamped where they are counted. */
		bool is_less = c == CAT_LOG_BYTE || c == CAT_TRACE_METRIC_BYTE;
		bool is_clamped = parts->held.of[c] >= UINT32_MAX;

		check(merged->held.of[c] <= parts->held.of[c] || is_clamped);
		check(merged->held.of[c] == parts->held.of[c] || is_less || is_clamped);
	}
}

#endif
