/* Random streams of envelopes, merged as sending does: nothing is lost, nothing
 * doubled, and what comes out is what upstream takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

#include "base/rng.h"
#include "unit/envelope/conserve.h"
#include "unit/envelope/merging.h"

static const struct item_limits table = {
	.event = 1 << 20,
	.attachment_count = 30,
	.session = 10 << 20,
	.session_count = 100,
	.client_report = 4096,
	.client_report_count = 100,
	.statsd = 1 << 20,
	.metric_buckets = 1 << 20,
	.log = 1 << 20,
	.trace_metric = 1 << 20,
	.span = 1 << 20,
	.span_count = 25,
};

/* --- one random envelope ------------------------------------------------------- */

static const char *one_of(struct rng *r, const char *const *from, size_t n)
{
	return from[rng_below(r, n)];
}
#define ONE_OF(r, a) one_of((r), (a), COUNT_OF(a))

static void put_entries(struct rng *r, struct buf *b)
{
	static const char *const entries[] = {"{\"trace_id\":\"" T1 "\",\"body\":\"]},{\"}",
		"{\"trace_id\":\"" T1 "\"}", "{\"trace_id\":\"" T1 "\",\"n\":18446744073709551616}",
		"{\"trace_id\":\"" T2 "\"}"};
	size_t n = rng_below(r, 4) == 0 ? 40 : 1 + rng_below(r, 3);
	size_t kinds = rng_below(r, 3) == 0 ? COUNT_OF(entries) : COUNT_OF(entries) - 1;

	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s", i > 0 ? ", " : "", one_of(r, entries, kinds));
}

static void put_container(struct rng *r, const char *type, struct buf *b)
{
	static const char *const metadata[] = {"", "", "\"version\":2,",
		"\"version\":2,\"ingest_settings\":{\"infer_ip\":\"auto\",\"infer_user_agent\":"
		"\"never\"},",
		"\"ingest_settings\":{\"infer_user_agent\":\"never\",\"infer_ip\":\"auto\"},"
		"\"version\":2,",
		"\"brand_new\":0,"};

	buf_printf(b, "{%s}\n{%s\"items\":[", type, ONE_OF(r, metadata));
	put_entries(r, b);
	buf_cstr(b, "]}\n");
}

static void put_aggregates(struct rng *r, struct buf *b)
{
	static const char *const more[] = {"", "", "", ",\"did\":\"u\"", ",\"did\":null",
		",\"brand_new\":2", ",\"exited\":1.5", ",\"crashed\":4294967290"};
	static const char *const attrs[] = {",\"attrs\":{\"release\":\"a\",\"environment\":\"x\"}",
		",\"attrs\":{\"environment\":\"x\",\"release\":\"a\"}", ",\"attrs\":{}", "",
		",\"brand_new\":3"};
	size_t n = rng_below(r, 5) == 0 ? 120 : rng_below(r, 3);

	buf_cstr(b, "{\"type\":\"sessions\"}\n{\"aggregates\":[");
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s{\"started\":%u,\"errored\":%u%s}", i > 0 ? "," : "",
			(unsigned)rng_below(r, n > 5 ? 200 : 3), (unsigned)rng_below(r, 9),
			ONE_OF(r, more));
	buf_printf(b, "]%s}\n", ONE_OF(r, attrs));
}

static void put_report(struct rng *r, struct buf *b)
{
	static const char *const lists[] = {
		"discarded_events", "discarded_events", "rate_limited_events", "filtered_events"};
	static const char *const more[] = {"", "", "", "", ",\"brand_new\":1"};
	size_t n = rng_below(r, 6) == 0 ? 30 : rng_below(r, 3);

	buf_printf(b, "{\"type\":\"client_report\"}\n{\"timestamp\":%u%s,\"%s\":[",
		(unsigned)(3500 + rng_below(r, 200)), ONE_OF(r, more), ONE_OF(r, lists));
	for (size_t i = 0; i < n; i++)
		buf_printf(b,
			"%s{\"category\":\"error\",\"reason\":\"because of "
			"%040u\",\"quantity\":%u%s}",
			i > 0 ? "," : "", (unsigned)rng_below(r, 60), (unsigned)rng_below(r, 1000),
			n > 5 ? "" : ONE_OF(r, more));
	buf_cstr(b, "]}\n");
}

static void put_items(struct rng *r, struct buf *b)
{
	switch (rng_below(r, 8)) {
	case 0:
		put_container(r, "\"type\":\"log\"," LOGS, b);
		break;
	case 1:
		put_container(r, "\"type\":\"trace_metric\"," METRICS, b);
		break;
	case 2:
		put_container(r, "\"type\":\"span\"," SPANS, b);
		break;
	case 3:
		for (size_t n = 1 + rng_below(r, 3); n > 0; n--)
			buf_printf(b, "{\"type\":\"session\"}\n{\"sid\":\"%u\",\"init\":true}\n",
				(unsigned)rng_below(r, 4));
		break;
	case 4:
		put_aggregates(r, b);
		break;
	case 5:
		put_report(r, b);
		break;
	case 6:
		buf_printf(b, "{\"type\":\"statsd\",\"length\":12}\na:1|c\nb:%u|c\n\n",
			(unsigned)rng_below(r, 10));
		break;
	default:
		buf_printf(b, "{\"type\":\"metric_buckets\"}\n[%s]\n",
			rng_below(r, 2) == 0 ? "" : "{\"name\":\"x\"} , [1]");
	}
	if (rng_below(r, 4) == 0)
		put_report(r, b);
}

static struct envelope *random_envelope(struct rng *r, struct buf *b)
{
	static const char *const heads[] = {"{}", "{}", "{\"sdk\":{\"name\":\"x\"}}",
		"{\"trace\":{\"trace_id\":\"" T1 "\"}}", "{\"event_id\":\"" T2 "\"}"};
	struct quantities invalid;
	struct envelope *e;

	buf_clear(b);
	buf_printf(b, "%s\n", ONE_OF(r, heads));
	put_items(r, b);
	e = parsed(buf_view(b));
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	assert_true(quantities_empty(&invalid));
	return e;
}

/* --- merging them -------------------------------------------------------------- */

#define LANES 24

/* One stream: its merger, and what went in. */
struct lane {
	struct stream_key key;
	struct merger *m;
	struct facts in;
	size_t parts;
};

static void expect_whole(struct lane *l)
{
	struct buf head = BUF_INIT, items = BUF_INIT, again = BUF_INIT;
	struct facts out = {0};
	struct quantities invalid;
	struct envelope *e = envelope_new();
	struct err err = {0};

	assert_int_equal(merger_write(l->m, &head, &items, NULL), E_OK);
	if (envelope_parse_stored(e, buf_view(&head), buf_view(&items), &err) != E_OK)
		fail_msg("%s: %.*s", err.text, STR_ARG(buf_view(&items)));
	envelope_write_items(e, &again);
	assert_true(str_eq(buf_view(&again), buf_view(&items)));
	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	assert_true(quantities_empty(&invalid));
	buf_clear(&again);
	envelope_write_items(e, &again); /* nothing to put right */
	assert_true(str_eq(buf_view(&again), buf_view(&items)));
	if (envelope_check_limits(e, &table, &err) != E_OK)
		fail_msg("%s", err.text);
	facts_of(&out, e);
	facts_check_same(&l->in, &out);
	facts_fini(&out);
	envelope_free(e);
	buf_fini(&head);
	buf_fini(&items);
	buf_fini(&again);
}

static void begin_anew(struct lane *l)
{
	if (l->parts > 0)
		expect_whole(l);
	merger_clear(l->m);
	facts_fini(&l->in);
	l->parts = 0;
}

static int add_part(struct lane *l, struct envelope *e)
{
	struct buf head = BUF_INIT, items = BUF_INIT;
	int rc;

	envelope_write_header(e, &head);
	envelope_write_items(e, &items);
	rc = merger_add(l->m, l->key.kind, buf_view(&head), buf_view(&items), NULL);
	buf_fini(&head);
	buf_fini(&items);
	return rc;
}

static struct lane *lane_of(struct lane *lanes, const struct stream_key *key)
{
	size_t k = 0;

	while (k < LANES && lanes[k].m != NULL && !stream_key_eq(&lanes[k].key, key))
		k++;
	if (k == LANES) {
		begin_anew(&lanes[k = key->hash[0] % LANES]);
	} else if (lanes[k].m == NULL) {
		lanes[k].m = new_merger(&merge_any);
	}
	lanes[k].key = *key;
	return &lanes[k];
}

/* What has equal keys is merged, or there is no room for it. */
static void take_one(struct lane *lanes, struct envelope *e, size_t *merged)
{
	struct stream_key key;
	struct lane *l;
	int rc;

	assert_int_equal(stream_key_of(e, &key, NULL), E_OK);
	if (key.kind == STREAM_NONE)
		return;
	l = lane_of(lanes, &key);
	rc = add_part(l, e);
	if (rc == E_TOOBIG) {
		assert_true(l->parts > 0);
		begin_anew(l);
		rc = add_part(l, e);
	}
	assert_int_equal(rc, E_OK);
	*merged += l->parts > 0;
	facts_of(&l->in, e);
	l->parts++;
}

static void what_is_merged_is_neither_lost_nor_doubled(void **state) /* P-075 to P-085 */
{
	struct lane lanes[LANES] = {{.m = NULL}};
	struct buf body = BUF_INIT;
	size_t merged = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int round = 0; round < 4000; round++) {
		struct envelope *e = random_envelope(&rng, &body);

		take_one(lanes, e, &merged);
		envelope_free(e);
	}
	assert_true(merged > 1500);
	for (size_t k = 0; k < LANES; k++) {
		if (lanes[k].m != NULL)
			begin_anew(&lanes[k]);
		merger_free(lanes[k].m);
	}
	buf_fini(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_merged_is_neither_lost_nor_doubled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
