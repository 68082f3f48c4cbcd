#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "unit/forward/fake.h"

static void assert_settled(
	const struct fake *k, size_t i, uint64_t seq, enum settle_end end, enum drop_reason why)
{
	assert_true(i < k->settled_count);
	assert_int_equal(k->settled[i].ref.seq, seq);
	assert_int_equal(k->settled[i].end, end);
	assert_int_equal(k->settled[i].why, why);
}

/* Ends of records, without those that stay. */
static size_t ends(const struct fake *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->settled_count; i++)
		n += k->settled[i].end != SETTLE_KEEP;
	return n;
}

static const struct settlement *last_settled(const struct fake *k)
{
	assert_true(k->settled_count > 0);
	return &k->settled[k->settled_count - 1];
}

static size_t sent_with(struct fake *k, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < k->sent_count; i++)
		n += !fake_is_probe(k, i) && fake_body_has(k, i, text);
	return n;
}

/* --- delivering ---------------------------------------------------------------- */

static void a_record_is_sent_lent_and_settled(void **state)
{
	struct fake *k = fake_new(NULL);
	uint64_t seq = fake_event(k, DSN_A, "hello");

	(void)state;
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	assert_string_equal(k->sent[0].url, "https://a.example/api/11/envelope/");
	assert_true(k->records[0].is_lent);
	assert_int_equal(k->sent[0].timeout_ms, 60000);
	assert_true(fake_body_has(k, 0, "{\"message\":\"hello\"}"));
	fake_answer(k, 0, 200);
	assert_int_equal(k->settled_count, 1);
	assert_settled(k, 0, seq, SETTLE_REMOVE, DROP_NONE);
	assert_int_equal(k->settled[0].delivered.of[CAT_ERROR], 1);
	assert_true(quantities_empty(&k->settled[0].dropped));
	assert_int_equal(k->settled[0].status, 200);
	assert_int_equal(k->settled[0].attempts, 1);
	assert_true(k->settled[0].has_event_id);
	assert_true(forward_is_idle(k->f));
	assert_int_equal(k->idles, 1);
	assert_int_equal(k->due_mono_ms, INT64_MAX); /* nothing wakes it up */
	fake_free(k);
}

static void nothing_is_sent_twice(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	for (int i = 0; i < 500; i++)
		fake_event(k, DSN_A, "x");
	fake_drain(k);
	fake_answer_all(k, 200);
	assert_int_equal(k->sent_count, 500);
	assert_int_equal(k->settled_count, 500);
	for (size_t i = 0; i < 500; i++)
		assert_true(k->records[i].is_gone);
	/* Many records were read at a time. */
	assert_true(k->scans < 150);
	fake_free(k);
}

static void urgent_classes_go_first(void **state) /* P-117 */
{
	struct fake *k = fake_new(NULL);

	(void)state;
	forward_hold(k->f, true);
	for (int i = 0; i < 3; i++)
		fake_store(k, DSN_A, LOG("log"));
	fake_event(k, DSN_A, "event");
	fake_store(k, DSN_A, SESSION("s1"));
	forward_hold(k->f, false);
	fake_drain(k);
	fake_answer_all(k, 200);
	assert_int_equal(k->sent_count, 5);
	assert_true(fake_body_has(k, 0, "session"));
	assert_true(fake_body_has(k, 1, "event"));
	assert_true(fake_body_has(k, 2, "log"));
	fake_free(k);
}

static void the_window_is_kept(void **state)
{
	struct fake *k = fake_new(NULL); /* 4 connections, 32 streams */
	size_t most = 0;

	(void)state;
	for (int i = 0; i < 400; i++)
		fake_event(k, DSN_A, "x");
	fake_drain(k);
	assert_int_equal(fake_in_flight(k), 4);
	/* HTTP/2 shows itself in the first answer. */
	k->sent[0].x->is_multiplexed = true;
	fake_answer(k, 0, 200);
	for (size_t i = 1; i < k->sent_count; i++) {
		most = fake_in_flight(k) > most ? fake_in_flight(k) : most;
		fake_answer(k, i, 200);
	}
	assert_true(most > 100 && most <= 128);
	assert_int_equal(k->settled_count, 400);
	fake_free(k);
}

static void order_follows_the_setting(void **state)
{
	static const char *const newest[] = {
		"PICKET_SPOOL_ORDER=newest", "PICKET_UPSTREAM_CONNECTIONS=1", NULL};
	static const char *const oldest[] = {"PICKET_UPSTREAM_CONNECTIONS=1", NULL};

	(void)state;
	for (int n = 0; n < 2; n++) {
		struct fake *k = fake_new(n ? newest : oldest);

		forward_hold(k->f, true);
		fake_event(k, DSN_A, "one");
		fake_event(k, DSN_A, "two");
		fake_event(k, DSN_A, "three");
		forward_hold(k->f, false);
		fake_drain(k);
		fake_answer_all(k, 200);
		assert_int_equal(k->sent_count, 3);
		assert_true(fake_body_has(k, 0, n ? "three" : "one"));
		assert_true(fake_body_has(k, 1, "two"));
		assert_true(fake_body_has(k, 2, n ? "one" : "three"));
		fake_free(k);
	}
}

static void a_restart_finds_everything_again(void **state)
{
	struct fake *k = fake_new(NULL);
	uint64_t last = 0;

	(void)state;
	for (int i = 0; i < 50; i++)
		last = fake_put(k, DSN_A, "{}", EVENT("x"), NULL, 0);
	fake_tell(k, DSN_A, last); /* only the newest, as the daemon does */
	fake_drain(k);
	fake_answer_all(k, 200);
	assert_int_equal(k->settled_count, 50);
	fake_free(k);
}

static void a_record_that_is_gone_is_forgotten(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	fake_fail(k, 0);
	k->records[0].is_gone = true; /* evicted */
	fake_advance(k, 60000);
	fake_answer_all(k, 200);
	assert_int_equal(sent_with(k, "x"), 1);
	assert_true(forward_is_idle(k->f));
	assert_int_equal(k->due_mono_ms, INT64_MAX);
	fake_free(k);
}

static void a_damaged_record_is_set_aside_and_the_queue_goes_on(void **state)
{
	struct fake *k = fake_new(NULL);
	uint64_t bad;

	(void)state;
	forward_hold(k->f, true);
	bad = fake_event(k, DSN_A, "bad");
	k->records[0].bytes[k->records[0].n - 3] ^= 0x55;
	fake_event(k, DSN_A, "good");
	forward_hold(k->f, false);
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	assert_true(fake_body_has(k, 0, "good"));
	assert_settled(k, 0, bad, SETTLE_DEAD, DROP_INTERNAL_SDK_ERROR);
	fake_answer_all(k, 200);
	fake_free(k);
}

static void a_spool_that_cannot_be_read_is_asked_again(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	k->scan_rc = E_IO;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	assert_int_equal(k->sent_count, 0);
	assert_true(k->due_mono_ms > k->now.mono_ms && k->due_mono_ms != INT64_MAX);
	k->scan_rc = E_OK;
	fake_advance(k, 2000);
	assert_int_equal(k->sent_count, 1);
	fake_answer(k, 0, 200);
	fake_free(k);
}

static void lanes_with_one_number_do_not_mix(void **state)
{
	struct fake *k = fake_new(NULL);
	struct record_ref ref;

	(void)state;
	fake_put(k, DSN_A, "{}", EVENT("for a"), NULL, 0);
	fake_put(k, DSN_B, "{}", EVENT("for b"), NULL, 0);
	k->records[1].ref.lane = k->records[0].ref.lane; /* a collision of hashes */
	ref = k->records[0].ref;
	forward_stored(k->f, STR(DSN_A), &ref, NULL);
	forward_stored(k->f, STR(DSN_B), &ref, NULL);
	fake_drain(k);
	assert_int_equal(k->sent_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
			strstr(k->sent[i].url, "a.example") != NULL, fake_body_has(k, i, "for a"));
	fake_answer_all(k, 200);
	fake_free(k);
}

/* --- failing ------------------------------------------------------------------------ */

static void a_failure_is_repeated_until_it_succeeds(void **state) /* P-108, P-112 */
{
	static const int statuses[] = {0, 502, 503, 504, 408, 425};

	(void)state;
	for (size_t s = 0; s < sizeof statuses / sizeof statuses[0]; s++) {
		struct fake *k = fake_new(NULL);
		uint64_t seq = fake_event(k, DSN_A, "again");
		struct buf a = BUF_INIT, b = BUF_INIT;

		fake_drain(k);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(k->sent_count, i + 1);
			if (statuses[s] == 0)
				fake_fail(k, i);
			else
				fake_answer(k, i, statuses[s]);
			assert_settled(k, i, seq, SETTLE_KEEP, DROP_NONE);
			assert_int_equal(k->settled[i].attempts, i + 1);
			assert_int_equal(k->sent_count, i + 1); /* not at once */
			fake_advance(k, 1000 * (INT64_C(2) << i));
		}
		assert_int_equal(k->sent_count, 4);
		fake_answer(k, 3, 200);
		assert_settled(k, 3, seq, SETTLE_REMOVE, DROP_NONE);
		/* The same bytes but for sent_at. */
		fake_body(k, 0, &a);
		fake_body(k, 3, &b);
		assert_int_equal(a.n, b.n);
		assert_true(memcmp(a.p, b.p, 40) != 0);
		assert_memory_equal(a.p + 40, b.p + 40, a.n - 40);
		buf_fini(&a);
		buf_fini(&b);
		fake_free(k);
	}
}

static void in_an_outage_only_probes_are_sent(void **state) /* P-113, P-114 */
{
	struct fake *k = fake_new(NULL);
	size_t probes = 0, data = 0;
	struct forward_host_status st;

	(void)state;
	for (int i = 0; i < 100; i++)
		fake_event(k, DSN_A, "x");
	fake_drain(k);
	/* A day without an answer. */
	for (int64_t end = k->now.mono_ms + 86400000; k->now.mono_ms < end;) {
		for (size_t i = 0; i < k->sent_count; i++) {
			if (k->sent[i].x == NULL)
				continue;
			probes += fake_is_probe(k, i);
			data += !fake_is_probe(k, i);
			fake_fail(k, i);
		}
		fake_advance(k, k->due_mono_ms - k->now.mono_ms);
	}
	assert_true(data < 20);
	assert_true(probes > 200);
	assert_true(forward_host(k->f, 0, &st));
	assert_int_equal(st.state, HOST_OUTAGE);
	assert_int_equal(ends(k), 0); /* nothing was lost */
	assert_int_equal(budget_used(&k->budget), 0);
	assert_string_equal(k->sent[k->sent_count - 1].url, "https://a.example/api/0/relays/live/");
	/* Whatever the probe is answered, somebody is there. */
	if (fake_in_flight(k) == 0)
		fake_advance(k, 300000);
	fake_answer(k, k->sent_count - 1, 404);
	assert_int_equal(fake_in_flight(k), 1); /* a slow start */
	assert_true(forward_host(k->f, 0, &st));
	assert_int_equal(st.state, HOST_RECOVERING);
	fake_answer(k, k->sent_count - 1, 200);
	assert_int_equal(fake_in_flight(k), 2);
	for (int i = 0; i < 30; i++) {
		fake_answer_all(k, 200);
		fake_advance(k, 10000);
	}
	assert_int_equal(ends(k), 100);
	assert_true(forward_host(k->f, 0, &st));
	assert_int_equal(st.state, HOST_UP);
	assert_false(forward_host(k->f, 1, &st));
	fake_free(k);
}

static void one_host_down_leaves_the_other_alone(void **state)
{
	struct fake *k = fake_new(NULL);
	size_t b = 0;

	(void)state;
	for (int i = 0; i < 60; i++) {
		fake_event(k, DSN_A, "for a");
		fake_event(k, DSN_B, "for b");
	}
	fake_drain(k);
	for (size_t i = 0; i < k->sent_count; i++) {
		if (strstr(k->sent[i].url, "b.example") != NULL) {
			b++;
			fake_answer(k, i, 200);
		} else {
			fake_fail(k, i);
		}
	}
	assert_int_equal(b, 60);
	fake_free(k);
}

static void two_projects_of_a_host_take_turns(void **state)
{
	static const char *const env[] = {"PICKET_UPSTREAM_CONNECTIONS=4", NULL};
	struct fake *k = fake_new(env);
	size_t c = 0, i;

	(void)state;
	forward_hold(k->f, true);
	for (int n = 0; n < 400; n++)
		fake_event(k, DSN_A, "for a");
	for (int n = 0; n < 40; n++)
		fake_event(k, DSN_C, "for c");
	forward_hold(k->f, false);
	fake_drain(k);
	for (i = 0; i < k->sent_count && c < 40; i++) {
		c += strstr(k->sent[i].url, "/33/") != NULL;
		fake_answer(k, i, 200);
	}
	/* The small one is done when the large one has had about as much. */
	assert_true(i < 140);
	fake_answer_all(k, 200);
	fake_free(k);
}

static void a_record_that_always_fails_holds_nobody_up(void **state)
{
	struct fake *k = fake_new(NULL);
	size_t bad = 0;

	(void)state;
	fake_event(k, DSN_A, "poison");
	for (int i = 0; i < 100; i++)
		fake_event(k, DSN_A, "fine");
	fake_drain(k);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < k->sent_count; i++) {
			if (k->sent[i].x == NULL)
				continue;
			if (!fake_is_probe(k, i) && fake_body_has(k, i, "poison")) {
				bad++;
				fake_answer(k, i, 503);
			} else {
				fake_answer(k, i, 200);
			}
		}
		fake_advance(k, 2000);
	}
	assert_int_equal(ends(k), 100);
	assert_true(bad > 2 && bad < 40); /* neither forgotten nor in a loop */
	fake_free(k);
}

static void a_503_says_how_long_to_wait(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 503, NULL, "100");
	fake_advance(k, 99999);
	assert_int_equal(k->sent_count, 1);
	fake_advance(k, 1);
	assert_int_equal(k->sent_count, 2);
	fake_answer(k, 1, 200);
	fake_free(k);
}

static void what_is_refused_is_a_dead_letter(void **state) /* P-109, P-111 */
{
	static const int statuses[] = {301, 400, 405, 413, 415, 418};

	(void)state;
	for (size_t s = 0; s < sizeof statuses / sizeof statuses[0]; s++) {
		static const char *const env[] = {"PICKET_UPSTREAM_COMPRESSION=none", NULL};
		struct fake *k = fake_new(env);
		uint64_t seq = fake_event(k, DSN_A, "x");
		const struct settlement *st;

		fake_drain(k);
		fake_answer(k, 0, statuses[s]);
		fake_advance(k, 5000);
		assert_int_equal(sent_with(k, "{\"message\":\"x\"}"), 1);
		st = last_settled(k);
		assert_int_equal(st->ref.seq, seq);
		assert_int_equal(st->end, SETTLE_DEAD);
		assert_int_equal(st->why, DROP_SEND_ERROR);
		assert_int_equal(st->status, statuses[s]);
		assert_true(st->reported);
		assert_int_equal(st->dropped.of[CAT_ERROR], 1);
		assert_int_equal(k->pending.lost[DROP_SEND_ERROR][CAT_ERROR], 1);
		fake_free(k);
	}
}

static void a_refused_dsn_is_paused(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	fake_answer(k, 0, 403);
	assert_settled(k, 0, 1, SETTLE_DEAD, DROP_SEND_ERROR);
	fake_event(k, DSN_A, "y");
	fake_event(k, DSN_C, "z"); /* another project of that host is not */
	fake_drain(k);
	assert_int_equal(sent_with(k, "{\"message\":\"y\"}"), 0);
	assert_int_equal(sent_with(k, "{\"message\":\"z\"}"), 1);
	fake_answer_all(k, 200);
	fake_advance(k, 61000);
	assert_int_equal(sent_with(k, "{\"message\":\"y\"}"), 1);
	fake_answer_all(k, 200);
	fake_free(k);
}

static void a_faulty_server_is_tried_five_times(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	for (int i = 0; i < 200; i++) {
		for (size_t n = 0; n < k->sent_count; n++) {
			if (k->sent[n].x != NULL)
				fake_answer(k, n, 500);
		}
		fake_advance(k, 5000);
	}
	assert_int_equal(sent_with(k, "{\"message\":\"x\"}"), 5);
	assert_settled(k, 4, 1, SETTLE_DEAD, DROP_SEND_ERROR);
	fake_free(k);
}

/* --- rate limits ---------------------------------------------------------------------- */

static void a_429_is_gone_and_not_reported(void **state) /* P-110, design 12.4 */
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 429, "60:error:key:quota", NULL);
	assert_settled(k, 0, 1, SETTLE_REMOVE, DROP_RATELIMIT_BACKOFF);
	assert_false(k->settled[0].reported);
	assert_int_equal(k->settled[0].dropped.of[CAT_ERROR], 1);
	assert_true(report_empty(&k->pending));
	fake_free(k);
}

static void limited_items_are_dropped_counted_and_told(void **state) /* P-096, P-098, P-103 */
{
	struct fake *k = fake_new(NULL);
	struct buf told = BUF_INIT;
	uint32_t retry_after;
	struct forward_limit_status st;

	(void)state;
	fake_event(k, DSN_A, "first");
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 429, "60:error:key:quota", NULL);
	fake_put(k, DSN_A, "{\"event_id\":\"" EVENT_ID_1 "\"}",
		EVENT("limited") "{\"type\":\"attachment\",\"length\":3,\"filename\":\"a\"}"
				 "\nabc\n" SESSION("sid1"),
		NULL, 0);
	fake_tell(k, DSN_A, 2);
	fake_event(k, DSN_A, "limited too");
	fake_event(k, DSN_C, "another key");
	fake_drain(k);
	assert_int_equal(sent_with(k, "limited"), 0);
	assert_int_equal(sent_with(k, "abc\n"), 0); /* bound to the event */
	assert_int_equal(sent_with(k, "sid1"), 1);
	assert_int_equal(sent_with(k, "another key"), 1);
	fake_answer_all(k, 200);
	for (size_t i = 1; i < k->settled_count; i++) {
		const struct settlement *s = &k->settled[i];

		if (s->ref.seq == 2) {
			assert_int_equal(s->delivered.of[CAT_SESSION], 1);
			assert_int_equal(s->dropped.of[CAT_ERROR], 1);
			assert_int_equal(s->dropped.of[CAT_ATTACHMENT], 3);
			assert_true(s->reported && s->why == DROP_RATELIMIT_BACKOFF);
		}
		if (s->ref.seq == 3) {
			assert_int_equal(s->dropped.of[CAT_ERROR], 1);
			assert_true(s->reported && s->end == SETTLE_REMOVE);
		}
	}
	assert_int_equal(ends(k), 4);
	/* For clients, and for people. */
	assert_int_equal(
		forward_limits(k->f, STR(DSN_A), &told, &retry_after), UINT64_C(1) << CAT_ERROR);
	buf_char(&told, '\0');
	assert_string_equal(told.p, "60:error:key:quota");
	assert_int_equal(retry_after, 60);
	buf_clear(&told);
	assert_int_equal(forward_limits(k->f, STR(DSN_C), &told, &retry_after), 0);
	assert_true(forward_limit(k->f, 0, &st));
	assert_true(str_eq(st.project, STR("11")));
	assert_false(forward_limit(k->f, 1, &st));
	/* It ends. */
	fake_advance(k, 60000);
	assert_int_equal(forward_limits(k->f, STR(DSN_A), &told, &retry_after), 0);
	fake_event(k, DSN_A, "after");
	fake_drain(k);
	assert_int_equal(sent_with(k, "after"), 1);
	fake_answer_all(k, 200);
	buf_fini(&told);
	fake_free(k);
}

static void with_hold_limited_records_wait(void **state)
{
	static const char *const env[] = {"PICKET_SPOOL_WHEN_LIMITED=hold", NULL};
	struct fake *k = fake_new(env);
	struct buf told = BUF_INIT;
	uint32_t retry_after;

	(void)state;
	fake_event(k, DSN_A, "first");
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 200, "60:error:key", NULL);
	for (int i = 0; i < 20; i++)
		fake_event(k, DSN_A, "waits");
	fake_store(k, DSN_A, SESSION("goes"));
	fake_drain(k);
	assert_int_equal(sent_with(k, "waits"), 0);
	assert_int_equal(sent_with(k, "goes"), 1);
	assert_int_equal(forward_limits(k->f, STR(DSN_A), &told, &retry_after), 0);
	fake_answer_all(k, 200);
	fake_advance(k, 59999);
	assert_int_equal(sent_with(k, "waits"), 0);
	fake_advance(k, 1);
	fake_answer_all(k, 200);
	assert_int_equal(sent_with(k, "waits"), 20);
	assert_int_equal(ends(k), 22);
	buf_fini(&told);
	fake_free(k);
}

static void with_hold_a_limit_on_everything_stops_the_lane(void **state)
{
	static const char *const env[] = {"PICKET_SPOOL_WHEN_LIMITED=hold", NULL};
	struct fake *k = fake_new(env);

	(void)state;
	fake_event(k, DSN_A, "first");
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 429, NULL, "30");
	fake_event(k, DSN_A, "waits");
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	fake_advance(k, 30000);
	assert_int_equal(sent_with(k, "waits"), 1);
	fake_answer_all(k, 200);
	fake_free(k);
}

static void limits_are_stored_and_restored(void **state)
{
	struct fake *k = fake_new(NULL);
	struct buf told = BUF_INIT;
	uint32_t retry_after;

	(void)state;
	fake_event(k, DSN_A, "first");
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 200, "60:error:key:quota", NULL);
	assert_int_equal(k->states, 1);
	assert_true(strncmp(k->state_key, "limits/", 7) == 0);
	fake_close(k);
	k->now.mono_ms = 5000; /* another boot, 10 s later */
	k->now.wall_ms += 10000;
	fake_open(k);
	forward_restore(k->f, str_of(k->state_key), str_of(k->state_value));
	forward_restore(k->f, STR("limits/"), STR("x"));
	forward_restore(k->f, STR("other/1"), STR("x"));
	/* Known before any record is. */
	assert_int_equal(
		forward_limits(k->f, STR(DSN_A), &told, &retry_after), UINT64_C(1) << CAT_ERROR);
	assert_int_equal(retry_after, 50);
	fake_event(k, DSN_A, "limited");
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	assert_settled(k, 1, 2, SETTLE_REMOVE, DROP_RATELIMIT_BACKOFF);
	buf_fini(&told);
	fake_free(k);
}

#define CLIENT_REPORT                                                                              \
	"{\"type\":\"client_report\"}\n{\"discarded_events\":[{\"reason\":\"before_send\","        \
	"\"category\":\"error\",\"quantity\":7}]}\n"

static void under_a_limit_on_everything_client_reports_wait(void **state) /* P-089 */
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "first");
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 429, "60::organization", NULL);
	fake_store(k, DSN_A, CLIENT_REPORT);
	fake_event(k, DSN_A, "dropped");
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	assert_int_equal(ends(k), 2);
	fake_advance(k, 61000);
	assert_int_equal(sent_with(k, "before_send"), 1);
	fake_answer_all(k, 200);
	assert_int_equal(sent_with(k, "dropped"), 0);
	fake_free(k);
}

static void a_limit_reaches_requests_that_are_ready(void **state)
{
	static const char *const env[] = {"PICKET_UPSTREAM_CONNECTIONS=1", NULL};
	struct fake *k = fake_new(env);

	(void)state;
	for (int i = 0; i < 5; i++)
		fake_event(k, DSN_A, "x");
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	fake_answer_with(k, 0, E_OK, 429, "60:error:key", NULL);
	assert_int_equal(k->sent_count, 1);
	assert_int_equal(ends(k), 5);
	fake_free(k);
}

/* Sentry repeats the limits in force with every answer. */
static void a_limit_told_again_and_again_stops_nothing_else(void **state)
{
	static const char *const env[] = {"PICKET_UPSTREAM_CONNECTIONS=1", NULL};
	struct fake *k = fake_new(env);
	unsigned scans;

	(void)state;
	for (int i = 0; i < 200; i++)
		fake_store(k, DSN_A, SESSION("s"));
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 200, "60:error:key", NULL);
	scans = k->scans;
	for (size_t i = 1; i < k->sent_count; i++) {
		fake_advance(k, 1);
		fake_answer_with(k, i, E_OK, 200, "60:error:key", NULL);
	}
	assert_int_equal(ends(k), 200);
	/* What is ready is not read again because of it. */
	assert_true(k->scans - scans <= 210);
	fake_free(k);
}

static void limits_that_ended_leave_the_disk(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	fake_answer_with(k, 0, E_OK, 200, "60:error:key", NULL);
	assert_true(k->state_value[0] != '\0');
	fake_advance(k, 120000);
	fake_event(k, DSN_A, "y");
	fake_drain(k);
	assert_int_equal(k->states, 2);
	assert_string_equal(k->state_value, "");
	fake_answer_all(k, 200);
	fake_free(k);
}

/* --- forms ----------------------------------------------------------------------------- */

static char *long_event(void)
{
	char *s = malloc(5000);

	memset(s, 'y', 4900);
	memcpy(s, "{\"type\":\"event\"}\n{\"message\":\"", 29);
	(void)snprintf(s + 4900, 100, "\"}\n");
	return s;
}

static const char *encoding_of(const struct fake *k, size_t i)
{
	static char value[512];
	const char *v = fake_header(k, i, "Content-Encoding: ", value);

	return v != NULL ? v : "identity";
}

static void a_host_that_refuses_zstd_gets_gzip(void **state)
{
	static const int statuses[] = {400, 415};
	char *items = long_event();

	(void)state;
	for (size_t s = 0; s < 2; s++) {
		struct fake *k = fake_new(NULL);
		struct forward_host_status st;

		fake_store(k, DSN_A, items);
		fake_drain(k);
		assert_string_equal(encoding_of(k, 0), "zstd");
		fake_answer(k, 0, statuses[s]);
		assert_int_equal(k->sent_count, 2); /* at once */
		assert_string_equal(encoding_of(k, 1), "gzip");
		assert_true(fake_body_has(k, 1, "yyyyyyy"));
		fake_answer(k, 1, 200);
		assert_int_equal(ends(k), 1);
		assert_int_equal(last_settled(k)->delivered.of[CAT_ERROR], 1);
		assert_true(forward_host(k->f, 0, &st));
		assert_true(st.gzip_only);
		fake_store(k, DSN_A, items);
		fake_drain(k);
		assert_string_equal(encoding_of(k, 2), "gzip");
		fake_answer(k, 2, 200);
		fake_free(k);
	}
	free(items);
}

static void a_second_refusal_is_final(void **state)
{
	char *items = long_event();
	struct fake *k = fake_new(NULL);
	struct forward_host_status st;

	(void)state;
	fake_store(k, DSN_A, items);
	fake_drain(k);
	fake_answer(k, 0, 400);
	fake_answer(k, 1, 400);
	assert_int_equal(k->sent_count, 2);
	assert_int_equal(last_settled(k)->end, SETTLE_DEAD);
	assert_true(forward_host(k->f, 0, &st));
	assert_false(st.gzip_only); /* it was the envelope, not zstd */
	free(items);
	fake_free(k);
}

static void too_much_is_split_once(void **state)
{
	struct fake *k = fake_new(NULL);
	char *event = long_event();
	struct buf items = BUF_INIT;

	(void)state;
	buf_printf(&items, "%s%s%s%s", event,
		"{\"type\":\"attachment\",\"length\":3,\"filename\":\"a\"}\nabc\n", SESSION("s1"),
		SESSION("s2"));
	buf_char(&items, '\0');
	fake_put(k, DSN_A, "{\"event_id\":\"" EVENT_ID_1 "\"}", items.p, NULL, 0);
	fake_tell(k, DSN_A, 1);
	fake_drain(k);
	fake_answer(k, 0, 413);
	assert_int_equal(k->sent_count, 3);
	for (size_t i = 1; i < 3; i++) {
		/* What belongs together stays together. */
		assert_int_equal(fake_body_has(k, i, "abc\n"), fake_body_has(k, i, "yyyyy"));
		assert_int_equal(fake_body_has(k, i, "s1"), !fake_body_has(k, i, "yyyyy"));
		assert_true(fake_body_has(k, i, EVENT_ID_1));
	}
	for (size_t i = 1; i < 3; i++)
		fake_answer(k, i, fake_body_has(k, i, "yyyyy") ? 413 : 200);
	assert_int_equal(k->sent_count, 3);
	assert_int_equal(ends(k), 1);
	assert_int_equal(last_settled(k)->end, SETTLE_REMOVE);
	assert_int_equal(last_settled(k)->delivered.of[CAT_SESSION], 2);
	assert_int_equal(last_settled(k)->delivered.of[CAT_ERROR], 0);
	assert_int_equal(last_settled(k)->dropped.of[CAT_ERROR], 1);
	assert_int_equal(last_settled(k)->dropped.of[CAT_ATTACHMENT], 3);
	assert_int_equal(last_settled(k)->why, DROP_SEND_ERROR);
	assert_true(last_settled(k)->reported);
	buf_fini(&items);
	free(event);
	fake_free(k);
}

static void parts_survive_a_failure_in_between(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_store(k, DSN_A, SESSION("s1") SESSION("s2"));
	fake_drain(k);
	fake_answer(k, 0, 413);
	assert_int_equal(k->sent_count, 3);
	fake_answer(k, 1, 200);
	fake_fail(k, 2);
	assert_int_equal(ends(k), 0);
	fake_advance(k, 4000);
	assert_int_equal(k->sent_count, 4);
	fake_answer(k, 3, 200);
	assert_int_equal(ends(k), 1);
	assert_int_equal(last_settled(k)->delivered.of[CAT_SESSION], 2);
	fake_free(k);
}

static void what_cannot_be_split_is_dead_at_once(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	fake_answer(k, 0, 413);
	assert_int_equal(k->sent_count, 1);
	assert_int_equal(ends(k), 1);
	assert_int_equal(last_settled(k)->end, SETTLE_DEAD);
	assert_int_equal(last_settled(k)->status, 413);
	assert_int_equal(last_settled(k)->dropped.of[CAT_ERROR], 1);
	fake_free(k);
}

static void a_request_that_waited_tells_its_true_age(void **state) /* P-136 */
{
	static const char *const env[] = {"PICKET_UPSTREAM_CONNECTIONS=4", NULL};
	struct fake *k = fake_new(env);

	(void)state;
	for (int i = 0; i < 8; i++)
		fake_put(k, DSN_A, "{}", EVENT("x"), NULL, FAKE_WALL * 1000 - 5000000);
	fake_tell(k, DSN_A, 8);
	fake_drain(k);
	assert_int_equal(k->sent_count, 4);
	assert_true(fake_body_has(k, 3, "\"sent_at\":\"2025-12-31T23:59:55.000000Z\""));
	fake_advance(k, 20000);
	for (size_t i = 0; i < 4; i++)
		fake_answer(k, i, 200);
	assert_int_equal(k->sent_count, 8);
	assert_true(fake_body_has(k, 7, "\"sent_at\":\"2026-01-01T00:00:15.000000Z\""));
	fake_answer_all(k, 200);
	fake_free(k);
}

static void a_stepped_wall_clock_changes_no_age(void **state) /* P-137 */
{
	struct fake *k = fake_new(NULL);

	(void)state;
	forward_hold(k->f, true);
	fake_put(k, DSN_A, "{}", EVENT("x"), NULL, FAKE_WALL * 1000);
	fake_tell(k, DSN_A, 1);
	fake_advance(k, 7200000);
	k->now.wall_ms += 86400000;
	forward_hold(k->f, false);
	fake_drain(k);
	assert_true(fake_body_has(k, 0, "\"sent_at\":\"2026-01-01T02:00:00.000000Z\""));
	fake_answer(k, 0, 200);
	fake_free(k);
}

/* --- client reports ---------------------------------------------------------------------- */

static void lose(struct fake *k, uint64_t n)
{
	k->pending.lost[DROP_CACHE_OVERFLOW][CAT_ERROR] += n;
	k->pending.since_wall_s = k->now.wall_ms / 1000;
}

static void a_report_rides_on_the_next_envelope(void **state) /* P-120 */
{
	struct fake *k = fake_new(NULL);

	(void)state;
	lose(k, 3);
	fake_event(k, DSN_A, "carrier");
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	assert_true(fake_body_has(k, 0, "carrier"));
	assert_true(fake_body_has(k, 0, "cache_overflow"));
	assert_true(fake_body_has(k, 0, "\"quantity\":3"));
	fake_answer(k, 0, 400); /* answered is answered (P-121) */
	fake_answer_all(k, 400);
	assert_int_equal(k->reports_sent, 1);
	assert_int_equal(k->reported.lost[DROP_CACHE_OVERFLOW][CAT_ERROR], 3);
	fake_free(k);
}

static void a_report_without_an_answer_is_returned(void **state) /* P-121 */
{
	struct fake *k = fake_new(NULL);

	(void)state;
	lose(k, 3);
	fake_event(k, DSN_A, "carrier");
	fake_drain(k);
	fake_fail(k, 0);
	assert_int_equal(k->reports_returned, 1);
	assert_int_equal(k->pending.lost[DROP_CACHE_OVERFLOW][CAT_ERROR], 3);
	fake_advance(k, 3000);
	assert_true(fake_body_has(k, 1, "\"quantity\":3"));
	fake_answer(k, 1, 200);
	assert_int_equal(k->reported.lost[DROP_CACHE_OVERFLOW][CAT_ERROR], 3);
	assert_true(report_empty(&k->pending));
	fake_free(k);
}

static void without_envelopes_it_goes_alone_and_not_often(void **state) /* P-120 */
{
	struct fake *k = fake_new(NULL); /* every 30 s */
	struct buf b = BUF_INIT;
	struct str body;

	(void)state;
	for (int i = 0; i < 100; i++) {
		lose(k, 1);
		forward_lost(k->f, STR(DSN_A));
		fake_drain(k);
		fake_answer_all(k, 200);
		fake_advance(k, 1000);
	}
	fake_answer_all(k, 200);
	assert_int_equal(k->sent_count, 3);
	assert_string_equal(k->sent[0].url, "https://a.example/api/11/envelope/");
	body = fake_body(k, 0, &b);
	assert_true(str_starts(body, STR("{\"sent_at\":\"2026-01-01T00:00:30")));
	assert_true(str_find(body, STR("\"client_report\"")) < body.n);
	assert_true(strstr(k->sent[0].headers, "sentry_client=picket/") != NULL);
	fake_advance(k, 60000);
	fake_answer_all(k, 200);
	assert_int_equal(k->reported.lost[DROP_CACHE_OVERFLOW][CAT_ERROR], 100);
	assert_int_equal(k->sent_count, 4);
	assert_int_equal(k->due_mono_ms, INT64_MAX); /* and then it sleeps */
	buf_fini(&b);
	fake_free(k);
}

static void reports_can_be_switched_off(void **state)
{
	static const char *const env[] = {"PICKET_REPORTS_CLIENT_REPORTS=no", NULL};
	struct fake *k = fake_new(env);

	(void)state;
	lose(k, 1);
	forward_lost(k->f, STR(DSN_A));
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	assert_false(fake_body_has(k, 0, "client_report"));
	fake_answer(k, 0, 200);
	fake_advance(k, 120000);
	assert_int_equal(k->sent_count, 1);
	fake_free(k);
}

/* --- hold, budget, closing ---------------------------------------------------------------- */

static void hold_stops_and_release_goes_on(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	for (int i = 0; i < 20; i++)
		fake_event(k, DSN_A, "x");
	fake_drain(k);
	assert_int_equal(k->sent_count, 4);
	forward_hold(k->f, true);
	assert_true(forward_is_held(k->f));
	fake_answer_all(k, 200); /* in flight ends as it ends */
	fake_advance(k, 3600000);
	assert_int_equal(k->sent_count, 4);
	assert_int_equal(budget_used(&k->budget), 0);
	forward_hold(k->f, false);
	fake_drain(k);
	fake_answer_all(k, 200);
	assert_int_equal(ends(k), 20);
	fake_free(k);
}

static void without_memory_it_waits_and_one_always_goes(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	budget_set_limit(&k->budget, 1000); /* clients hold all of it */
	for (int i = 0; i < 5; i++)
		fake_event(k, DSN_A, "x");
	fake_drain(k);
	assert_int_equal(fake_in_flight(k), 1);
	for (int i = 0; i < 20; i++) {
		fake_answer_all(k, 200);
		fake_advance(k, 100);
		assert_true(fake_in_flight(k) <= 1);
	}
	assert_int_equal(ends(k), 5);
	fake_free(k);
}

static void closing_waits_for_what_is_in_flight(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	for (int i = 0; i < 10; i++)
		fake_event(k, DSN_A, "x");
	fake_drain(k);
	forward_close(k->f, 2000, fake_closed, k);
	assert_false(k->is_closed);
	fake_advance(k, 1000);
	for (size_t i = 0; i < 4; i++)
		fake_answer(k, i, 200);
	fake_advance(k, 0);
	assert_true(k->is_closed);
	assert_int_equal(k->sent_count, 4); /* nothing new was started */
	assert_int_equal(k->canceled, 0);
	assert_int_equal(ends(k), 4);
	forward_free(k->f);
	k->f = NULL;
	fake_free(k);
}

static void after_the_grace_it_cancels_and_keeps(void **state)
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	forward_close(k->f, 2000, fake_closed, k);
	fake_advance(k, 1999);
	assert_int_equal(k->canceled, 0);
	fake_advance(k, 1);
	assert_int_equal(k->canceled, 1);
	assert_false(k->is_closed);
	fake_answer_with(k, 0, E_CANCELED, 0, NULL, NULL);
	fake_advance(k, 0);
	assert_true(k->is_closed);
	assert_settled(k, 0, 1, SETTLE_KEEP, DROP_NONE);
	assert_int_equal(k->settled[0].attempts, 0);
	assert_int_equal(ends(k), 0);
	forward_free(k->f);
	k->f = NULL;
	fake_free(k);
}

static void closing_tells_of_losses_once_more(void **state) /* P-120 */
{
	struct fake *k = fake_new(NULL);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	fake_answer(k, 0, 200);
	lose(k, 9);
	forward_close(k->f, 2000, fake_closed, k);
	assert_int_equal(k->sent_count, 2);
	assert_true(fake_body_has(k, 1, "\"quantity\":9"));
	fake_answer(k, 1, 200);
	fake_advance(k, 0);
	assert_true(k->is_closed);
	assert_int_equal(k->reports_sent, 1);
	forward_free(k->f);
	k->f = NULL;
	fake_free(k);
}

static void idle_lanes_are_forgotten(void **state)
{
	struct fake *k = fake_new(NULL);
	char dsn[128];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 300; i++) {
			(void)snprintf(dsn, sizeof dsn,
				"https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@h%d.example/%d", i % 7,
				i + 1);
			fake_event(k, dsn, "x");
		}
		fake_drain(k);
		fake_answer_all(k, 200);
		fake_advance(k, 120000);
		fake_event(k, DSN_A, "y");
		fake_drain(k);
		fake_answer_all(k, 200);
	}
	assert_int_equal(ends(k), 602);
	{
		struct forward_host_status st;

		assert_false(forward_host(k->f, 1, &st)); /* the others are gone */
	}
	fake_free(k);
}

static void new_settings_hold_for_new_requests(void **state)
{
	static const char *const env[] = {"PICKET_UPSTREAM_HEADER=X-Extra: 1", NULL};
	struct fake *k = fake_new(NULL);
	struct settings *s = fake_settings(env);

	(void)state;
	fake_event(k, DSN_A, "x");
	fake_drain(k);
	forward_configure(k->f, s);
	settings_unref(s);
	fake_event(k, DSN_A, "y");
	fake_drain(k);
	assert_null(strstr(k->sent[0].headers, "X-Extra"));
	assert_non_null(strstr(k->sent[1].headers, "X-Extra: 1\n"));
	fake_answer_all(k, 200);
	fake_free(k);
}

/* A host that is always busy leaves no moment in which nothing is in flight. */
static void a_record_beyond_the_budget_goes_in_the_end(void **state)
{
	struct fake *k = fake_new(NULL);
	struct buf items = BUF_INIT;
	struct rng rng;
	size_t at = 0;

	(void)state;
	rng_seed(&rng, 9);
	buf_cstr(&items, "{\"type\":\"attachment\",\"length\":300000}\n");
	for (int i = 0; i < 300000; i++)
		buf_char(&items, (char)('a' + rng_below(&rng, 26)));
	buf_cstr(&items, "\n");
	buf_char(&items, '\0');
	budget_set_limit(&k->budget, 100000);
	fake_store(k, DSN_A, items.p); /* larger than all there is */
	for (int i = 0; i < 100 && ends(k) < 60; i++) {
		fake_event(k, DSN_A, "x");
		fake_event(k, DSN_A, "x");
		fake_advance(k, 50);
		fake_drain(k);
		/* One stays in flight while the next come. */
		while (at + 1 < k->sent_count)
			fake_answer(k, at++, 200);
		assert_true(budget_used(&k->budget) <= 100000);
	}
	fake_answer_all(k, 200);
	assert_true(k->records[0].is_gone);
	buf_fini(&items);
	fake_free(k);
}

/* What any mixture of answers makes of many records: each ends once, and what
 * was held is delivered or dropped. */
static void everything_ends_once_and_adds_up(void **state)
{
	static const int answers[] = {
		200, 200, 200, 200, 0, 503, 500, 429, 413, 400, 401, 415, 408, -1};
	static const char *const hold[] = {"PICKET_SPOOL_WHEN_LIMITED=hold", NULL};
	static const char *const newest[] = {"PICKET_SPOOL_ORDER=newest", NULL};
	static const char *const items[] = {EVENT("e"), SESSION("s"), LOG("l"),
		SESSION("s1") SESSION("s2") LOG("l"),
		EVENT("e") "{\"type\":\"attachment\",\"length\":3}\nabc\n" SESSION("s")};
	static const char *const dsns[] = {DSN_A, DSN_B, DSN_C};

	(void)state;
	for (uint64_t round = 0; round < 12; round++) {
		struct fake *k = fake_new(round % 3 == 0 ? hold : round % 3 == 1 ? newest : NULL);
		struct quantities held[FAKE_MAX];
		unsigned ended[FAKE_MAX] = {0};
		struct rng rng;

		rng_seed(&rng, round + 1);
		for (int step = 0; step < 400; step++) {
			if (k->record_count < 300) {
				const char *dsn = dsns[rng_below(&rng, 3)];
				uint64_t seq = fake_put(k, dsn, "{\"event_id\":\"" EVENT_ID_1 "\"}",
					items[rng_below(&rng, 5)], NULL, 0);

				fake_tell(k, dsn, seq);
			}
			if (rng_below(&rng, 40) == 0)
				forward_hold(k->f, !forward_is_held(k->f));
			fake_drain(k);
			fake_advance(k, (int64_t)rng_below(&rng, 2000));
			for (size_t i = 0; i < k->sent_count; i++) {
				int a = answers[rng_below(&rng, 14)];

				if (k->sent[i].x == NULL || a < 0)
					continue;
				fake_answer_with(k, i, a == 0 ? E_NET : E_OK, a,
					rng_below(&rng, 20) == 0 ? "3:error;session:key" : NULL,
					"2");
			}
			assert_true(k->sent_count < FAKE_MAX - 200);
		}
		/* Then all is well. */
		forward_hold(k->f, false);
		fake_drain(k);
		for (int i = 0; i < 200 && ends(k) < k->record_count; i++) {
			fake_answer_all(k, 200);
			fake_advance(k, 30000);
		}
		fake_answer_all(k, 200); /* a report may be on its way */
		assert_int_equal(ends(k), k->record_count);
		for (size_t i = 0; i < k->record_count; i++) {
			struct record r;

			assert_int_equal(record_peek(str_make(k->records[i].bytes, k->records[i].n),
						 &r, NULL),
				E_OK);
			held[i] = r.held;
		}
		for (size_t i = 0; i < k->settled_count; i++) {
			struct settlement *st = &k->settled[i];

			if (st->end == SETTLE_KEEP)
				continue;
			ended[st->ref.seq - 1]++;
			quantities_merge(&st->delivered, &st->dropped);
			assert_memory_equal(
				&st->delivered, &held[st->ref.seq - 1], sizeof st->delivered);
		}
		for (size_t i = 0; i < k->record_count; i++)
			assert_int_equal(ended[i], 1);
		assert_true(forward_is_idle(k->f));
		fake_free(k);
	}
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_record_is_sent_lent_and_settled),
		T(nothing_is_sent_twice),
		T(urgent_classes_go_first),
		T(the_window_is_kept),
		T(order_follows_the_setting),
		T(a_restart_finds_everything_again),
		T(a_record_that_is_gone_is_forgotten),
		T(a_damaged_record_is_set_aside_and_the_queue_goes_on),
		T(a_spool_that_cannot_be_read_is_asked_again),
		T(lanes_with_one_number_do_not_mix),
		T(a_failure_is_repeated_until_it_succeeds),
		T(in_an_outage_only_probes_are_sent),
		T(one_host_down_leaves_the_other_alone),
		T(two_projects_of_a_host_take_turns),
		T(a_record_that_always_fails_holds_nobody_up),
		T(a_503_says_how_long_to_wait),
		T(what_is_refused_is_a_dead_letter),
		T(a_refused_dsn_is_paused),
		T(a_faulty_server_is_tried_five_times),
		T(a_429_is_gone_and_not_reported),
		T(limited_items_are_dropped_counted_and_told),
		T(with_hold_limited_records_wait),
		T(with_hold_a_limit_on_everything_stops_the_lane),
		T(limits_are_stored_and_restored),
		T(under_a_limit_on_everything_client_reports_wait),
		T(a_limit_reaches_requests_that_are_ready),
		T(a_limit_told_again_and_again_stops_nothing_else),
		T(limits_that_ended_leave_the_disk),
		T(a_host_that_refuses_zstd_gets_gzip),
		T(a_second_refusal_is_final),
		T(too_much_is_split_once),
		T(parts_survive_a_failure_in_between),
		T(what_cannot_be_split_is_dead_at_once),
		T(a_request_that_waited_tells_its_true_age),
		T(a_stepped_wall_clock_changes_no_age),
		T(a_report_rides_on_the_next_envelope),
		T(a_report_without_an_answer_is_returned),
		T(without_envelopes_it_goes_alone_and_not_often),
		T(reports_can_be_switched_off),
		T(hold_stops_and_release_goes_on),
		T(without_memory_it_waits_and_one_always_goes),
		T(closing_waits_for_what_is_in_flight),
		T(after_the_grace_it_cancels_and_keeps),
		T(closing_tells_of_losses_once_more),
		T(idle_lanes_are_forgotten),
		T(new_settings_hold_for_new_requests),
		T(a_record_beyond_the_budget_goes_in_the_end),
		T(everything_ends_once_and_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
