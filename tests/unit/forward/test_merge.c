#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/forward/fake.h"

/* Records that wait for company, and what becomes of them. */

#define METRIC(name)                                                                               \
	"{\"type\":\"trace_metric\",\"item_count\":1,\"content_type\":\"application/"              \
	"vnd.sentry.items.trace-metric+json\"}\n{\"items\":[{\"name\":\"" name "\"}]}\n"

static struct fake *merging(const char *const *env)
{
	struct fake *k = fake_new(env);

	k->merges = true;
	return k;
}

static uint64_t log_store(struct fake *k, const char *dsn, unsigned i)
{
	char items[256];

	(void)snprintf(items, sizeof items,
		"{\"type\":\"log\",\"item_count\":1,\"content_type\":\"application/"
		"vnd.sentry.items.log+json\"}\n{\"items\":[{\"body\":\"log%u.\"}]}\n",
		i);
	return fake_share(k, dsn, items, 1);
}

/* How many requests hold log i. */
static unsigned sent_log(struct fake *k, unsigned i)
{
	char text[32];
	unsigned n = 0;

	(void)snprintf(text, sizeof text, "\"log%u.\"", i);
	for (size_t s = 0; s < k->sent_count; s++)
		n += fake_body_has(k, s, text);
	return n;
}

static size_t gone(const struct fake *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->record_count; i++)
		n += k->records[i].is_gone;
	return n;
}

static void records_of_a_stream_become_one_request(void **state) /* P-075 */
{
	struct fake *k = merging(NULL);

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		log_store(k, DSN_A, i);
	fake_drain(k);
	assert_int_equal(k->sent_count, 0); /* the window is open */
	fake_advance(k, 999);
	assert_int_equal(k->sent_count, 0);
	fake_advance(k, 1);
	assert_int_equal(k->sent_count, 1);
	assert_true(fake_body_has(k, 0, "\"item_count\":50"));
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(sent_log(k, i), 1);
	fake_answer(k, 0, 200);
	assert_int_equal(gone(k), 50);
	assert_int_equal(k->settled_count, 50);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(k->settled[i].end, SETTLE_REMOVE);
		assert_int_equal(k->settled[i].delivered.of[CAT_LOG_ITEM], 1);
		assert_true(quantities_empty(&k->settled[i].dropped));
	}
	assert_int_equal(k->due_mono_ms, INT64_MAX);
	fake_free(k);
}

static void enough_of_them_do_not_wait(void **state)
{
	static const char *const env[] = {"PICKET_BATCH_MAX_ITEMS=20", NULL};
	struct fake *k = merging(env);

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		log_store(k, DSN_A, i);
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	fake_answer_all(k, 200);
	/* What comes next waits anew. */
	log_store(k, DSN_A, 20);
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 2);
	fake_answer_all(k, 200);
	fake_free(k);
}

static void without_a_window_nothing_waits(void **state)
{
	static const char *const env[] = {"PICKET_BATCH_WINDOW=0ms", NULL};
	struct fake *k = merging(env);

	(void)state;
	log_store(k, DSN_A, 1);
	fake_drain(k);
	assert_int_equal(k->sent_count, 1);
	fake_answer_all(k, 200);
	fake_free(k);
}

static void errors_and_sessions_never_wait(void **state)
{
	struct fake *k = merging(NULL);

	(void)state;
	log_store(k, DSN_A, 1);
	fake_event(k, DSN_A, "error");
	fake_share(k, DSN_A, SESSION("s"), 1);
	fake_drain(k);
	assert_int_equal(k->sent_count, 2);
	assert_int_equal(sent_log(k, 1), 0);
	fake_answer_all(k, 200);
	fake_advance(k, 1000);
	assert_int_equal(sent_log(k, 1), 1);
	fake_answer_all(k, 200);
	fake_free(k);
}

static void one_that_may_not_wait_takes_the_others_along(void **state)
{
	struct fake *k = merging(NULL);

	(void)state;
	log_store(k, DSN_A, 1);
	log_store(k, DSN_A, 2);
	fake_store(k, DSN_A, "{\"type\":\"brand_new\"}\nx\n");
	fake_drain(k);
	assert_int_equal(k->sent_count, 2);
	assert_int_equal(sent_log(k, 1), 1);
	assert_int_equal(sent_log(k, 2), 1);
	fake_answer_all(k, 200);
	assert_int_equal(gone(k), 3);
	fake_free(k);
}

static void streams_do_not_mix(void **state) /* P-083, 11.1 */
{
	struct fake *k = merging(NULL);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		log_store(k, DSN_A, i);
		fake_share(k, DSN_A, METRIC("m"), 1);
		log_store(k, DSN_C, 100 + i);
	}
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 3);
	fake_answer_all(k, 200);
	assert_int_equal(gone(k), 30);
	fake_free(k);
}

static void clocks_far_apart_do_not_mix(void **state) /* P-086 */
{
	struct fake *k = merging(NULL);
	int64_t now_us = k->now.wall_ms * 1000;
	static const int64_t offsets_s[] = {0, 30, 59, 130, -100};
	struct batch_share share = {1, 100};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		uint64_t seq =
			fake_put(k, DSN_A, "{}", LOG("x"), NULL, now_us + offsets_s[i] * 1000000);
		struct record_ref want = {0, 0, seq};

		forward_stored(k->f, str_of(DSN_A), &fake_find(k, &want)->ref, &share);
	}
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 3);
	fake_answer_all(k, 200);
	fake_free(k);
}

static void a_merged_413_is_sent_apart(void **state)
{
	struct fake *k = merging(NULL);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		log_store(k, DSN_A, i);
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 1);
	fake_answer(k, 0, 413);
	assert_int_equal(gone(k), 0);
	fake_answer_all(k, 200);
	assert_int_equal(k->sent_count, 6);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(sent_log(k, i), 2);
	assert_int_equal(gone(k), 5);
	fake_free(k);
}

static void one_bad_part_costs_the_others_nothing(void **state)
{
	struct fake *k = merging(NULL);
	size_t dead = 0;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		log_store(k, DSN_A, i);
	fake_advance(k, 1000);
	fake_answer(k, 0, 400);
	for (size_t i = 1; i < k->sent_count; i++)
		fake_answer(k, i, fake_body_has(k, i, "\"log3.\"") ? 400 : 200);
	assert_int_equal(k->sent_count, 6);
	assert_int_equal(gone(k), 5);
	for (size_t i = 0; i < k->settled_count; i++)
		dead += k->settled[i].end == SETTLE_DEAD;
	assert_int_equal(dead, 1);
	fake_free(k);
}

static void an_outage_keeps_all_of_them(void **state) /* P-108, P-112 */
{
	struct fake *k = merging(NULL);

	(void)state;
	for (unsigned i = 0; i < 150; i++)
		log_store(k, DSN_A, i);
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 2); /* 100 and 50 */
	fake_fail(k, 0);
	fake_fail(k, 1);
	assert_int_equal(gone(k), 0);
	for (unsigned guard = 0; gone(k) < 150 && guard < 50; guard++) {
		fake_advance(k, 1000);
		fake_answer_all(k, 200);
	}
	assert_int_equal(gone(k), 150);
	assert_true(k->sent_count <= 8); /* merged again, not one by one */
	for (size_t i = 0; i < k->settled_count; i++) {
		if (k->settled[i].end == SETTLE_REMOVE)
			assert_int_equal(k->settled[i].delivered.of[CAT_LOG_ITEM], 1);
	}
	fake_free(k);
}

static void a_429_ends_all_of_them(void **state) /* P-110 */
{
	struct fake *k = merging(NULL);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		log_store(k, DSN_A, i);
	fake_advance(k, 1000);
	fake_answer_with(k, 0, E_OK, 429, "60:log_item:key", NULL);
	assert_int_equal(gone(k), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(k->settled[i].why, DROP_RATELIMIT_BACKOFF);
		assert_int_equal(k->settled[i].dropped.of[CAT_LOG_ITEM], 1);
	}
	/* A limit that comes in mid-batch stops what has not been sent. */
	for (unsigned i = 10; i < 13; i++)
		log_store(k, DSN_A, i);
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 1);
	assert_int_equal(gone(k), 6);
	fake_free(k);
}

static void a_limit_between_building_and_sending_is_obeyed(void **state)
{
	struct fake *k = merging(NULL);

	(void)state;
	for (unsigned i = 0; i < 250; i++)
		log_store(k, DSN_A, i);
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 3);
	fake_answer_with(k, 0, E_OK, 200, "60:log_byte:key", NULL);
	for (unsigned i = 300; i < 350; i++)
		log_store(k, DSN_A, i);
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 3);
	fake_answer_all(k, 200);
	assert_int_equal(gone(k), 300);
	fake_free(k);
}

static void merged_headers_are_the_senders(void **state) /* P-105, P-106, P-136 */
{
	struct sender from = {.client = STR("sentry.x/1"),
		.protocol = STR("7"),
		.user_agent = STR("agent/2"),
		.peer_uid = -1,
		.peer_pid = -1};
	struct batch_share share = {1, 100};
	struct fake *k = merging(NULL);
	char value[512];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t seq = fake_put(k, DSN_A, "{}", LOG("x"), &from, FAKE_WALL * 1000);
		struct record_ref want = {0, 0, seq};

		forward_stored(k->f, str_of(DSN_A), &fake_find(k, &want)->ref, &share);
	}
	fake_advance(k, 1000);
	assert_int_equal(k->sent_count, 1);
	assert_string_equal(fake_header(k, 0, "User-Agent: ", value), "agent/2");
	assert_non_null(strstr(fake_header(k, 0, "X-Sentry-Auth: ", value), "sentry.x/1"));
	assert_true(fake_body_has(k, 0, "\"sent_at\":\"2026-01-01T00:00:01.000000Z\""));
	fake_answer_all(k, 200);
	fake_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_of_a_stream_become_one_request),
		cmocka_unit_test(enough_of_them_do_not_wait),
		cmocka_unit_test(without_a_window_nothing_waits),
		cmocka_unit_test(errors_and_sessions_never_wait),
		cmocka_unit_test(one_that_may_not_wait_takes_the_others_along),
		cmocka_unit_test(streams_do_not_mix),
		cmocka_unit_test(clocks_far_apart_do_not_mix),
		cmocka_unit_test(a_merged_413_is_sent_apart),
		cmocka_unit_test(one_bad_part_costs_the_others_nothing),
		cmocka_unit_test(an_outage_keeps_all_of_them),
		cmocka_unit_test(a_429_ends_all_of_them),
		cmocka_unit_test(a_limit_between_building_and_sending_is_obeyed),
		cmocka_unit_test(merged_headers_are_the_senders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
