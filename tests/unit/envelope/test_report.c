#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/rng.h"
#include "envelope/report.h"
#include "unit/envelope/support.h"

/* The payload of the one item in text, after checking its framing. */
static struct str payload_of(struct str text, struct envelope **e)
{
	struct buf b = BUF_INIT;
	struct str payload;
	size_t n;

	buf_cstr(&b, "{}\n");
	buf_str(&b, text);
	assert_true(buf_ok(&b));
	*e = envelope_new();
	(*e)->adopted_body = buf_take(&b, &n);
	assert_int_equal(envelope_parse(*e, str_make((*e)->adopted_body, n), NULL, NULL), E_OK);
	assert_int_equal((*e)->item_count, 1);
	assert_int_equal((*e)->items[0].type, ITEM_CLIENT_REPORT);
	payload = (*e)->items[0].payload;
	assert_int_equal((*e)->items[0].header_text.n + payload.n + 2, text.n);
	return payload;
}

static void sampled_transaction_and_dropped_logs_are_told(void **state) /* P-119 */
{
	struct quantities q = {{0}}, logs = {{0}};
	struct report *r = calloc(1, sizeof *r), *written = calloc(1, sizeof *written);
	struct buf out = BUF_INIT;
	struct envelope *e;

	(void)state;
	quantities_add(&q, CAT_TRANSACTION, 1);
	quantities_add(&q, CAT_SPAN, 3);
	report_add(r, DROP_SAMPLE_RATE, &q, 1767225600);
	quantities_add(&logs, CAT_LOG_ITEM, 5);
	quantities_add(&logs, CAT_LOG_BYTE, 700);
	report_add(r, DROP_RATELIMIT_BACKOFF, &logs, 1767225700);
	report_write_item(r, written, 1767225800, &out);
	assert_str(payload_of(buf_view(&out), &e),
		"{\"timestamp\":1767225600,\"discarded_events\":["
		"{\"reason\":\"ratelimit_backoff\",\"category\":\"log_item\",\"quantity\":5},"
		"{\"reason\":\"ratelimit_backoff\",\"category\":\"log_byte\",\"quantity\":700},"
		"{\"reason\":\"sample_rate\",\"category\":\"transaction\",\"quantity\":1},"
		"{\"reason\":\"sample_rate\",\"category\":\"span\",\"quantity\":3}]}");
	assert_true(report_empty(r));
	assert_int_equal(r->since_wall_s, 0);
	assert_true(written->lost[DROP_SAMPLE_RATE][CAT_SPAN] == 3);
	assert_int_equal(written->since_wall_s, 1767225600);
	envelope_free(e);
	buf_fini(&out);
	free(written);
	free(r);
}

static void empty_report_writes_nothing(void **state)
{
	struct report *r = calloc(1, sizeof *r), *written = calloc(1, sizeof *written);
	struct quantities none = {{0}};
	struct buf out = BUF_INIT;

	(void)state;
	report_add(r, DROP_INVALID, &none, 5);
	assert_int_equal(r->since_wall_s, 0);
	report_write_item(r, written, 10, &out);
	assert_int_equal(out.n, 0);
	free(written);
	free(r);
}

static void timestamp_is_never_in_the_future(void **state) /* P-124 */
{
	struct report *r = calloc(1, sizeof *r), *written = calloc(1, sizeof *written);
	struct quantities q = {{0}};
	struct buf out = BUF_INIT;

	(void)state;
	quantities_add(&q, CAT_ERROR, 1);
	report_add(r, DROP_BEFORE_SEND, &q, 1000);
	report_write_item(r, written, 900, &out); /* the clock went back */
	assert_true(str_find(buf_view(&out), STR("{\"timestamp\":900,")) < out.n);
	buf_fini(&out);
	free(written);
	free(r);
}

static void too_much_for_one_item_continues_in_the_next(void **state) /* P-085 */
{
	struct report *r = calloc(1, sizeof *r), *all = calloc(1, sizeof *all),
		      *written = calloc(1, sizeof *written), *sum = calloc(1, sizeof *sum);
	struct quantities q;
	unsigned items = 0;

	(void)state;
	for (unsigned c = 0; c < CAT_COUNT; c++)
		q.of[c] = UINT32_MAX - c;
	for (unsigned why = DROP_NONE + 1; why < DROP_COUNT; why++)
		report_add(r, (enum drop_reason)why, &q, 5000);
	r->lost[DROP_INVALID][CAT_LOG_BYTE] = UINT64_C(3) << 32; /* more than upstream reads */
	*all = *r;
	for (; !report_empty(r); items++) {
		struct buf out = BUF_INIT;
		struct envelope *e;

		report_write_item(r, written, 6000, &out);
		assert_false(report_empty(written));
		assert_true(out.n <= 4096);
		(void)payload_of(buf_view(&out), &e);
		envelope_free(e);
		buf_fini(&out);
		report_merge(sum, written);
		assert_true(items < 100);
	}
	assert_true(items > 5);
	assert_memory_equal(sum, all, sizeof *sum);
	free(sum);
	free(written);
	free(all);
	free(r);
}

static void nothing_is_moved_when_it_could_not_be_written(void **state)
{
	struct report *r = calloc(1, sizeof *r), *before = calloc(1, sizeof *before),
		      *written = calloc(1, sizeof *written);
	struct quantities q = {{0}};
	struct buf out;

	(void)state;
	buf_init(&out, 20);
	quantities_add(&q, CAT_ERROR, 1);
	report_add(r, DROP_BEFORE_SEND, &q, 1000);
	*before = *r;
	report_write_item(r, written, 2000, &out);
	assert_false(buf_ok(&out));
	assert_true(report_empty(written));
	assert_memory_equal(r, before, sizeof *r);
	buf_fini(&out);
	free(written);
	free(before);
	free(r);
}

static void merge_sums_and_keeps_the_earliest_time(void **state) /* P-083 */
{
	struct report *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	struct quantities q = {{0}};

	(void)state;
	quantities_add(&q, CAT_ERROR, 2);
	report_add(a, DROP_INVALID, &q, 200);
	report_add(b, DROP_INVALID, &q, 100);
	report_merge(a, b);
	assert_int_equal(a->since_wall_s, 100);
	assert_true(a->lost[DROP_INVALID][CAT_ERROR] == 4);
	report_subtract(a, b);
	assert_true(a->lost[DROP_INVALID][CAT_ERROR] == 2);
	assert_int_equal(a->since_wall_s, 100);
	report_subtract(a, b);
	assert_true(report_empty(a));
	assert_int_equal(a->since_wall_s, 0);
	free(b);
	free(a);
}

static void what_is_packed_is_unpacked(void **state)
{
	struct report *r = calloc(1, sizeof *r), *back = calloc(1, sizeof *back);
	uint8_t *bytes = malloc(REPORT_PACKED_MAX);
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (unsigned i = 0; i < 50; i++) {
		size_t n;

		memset(r, 0, sizeof *r);
		r->since_wall_s = (int64_t)rng_next(&rng);
		for (unsigned j = 0; j < i * 10; j++)
			r->lost[1 + rng_below(&rng, DROP_COUNT - 1)][rng_below(&rng, CAT_COUNT)] =
				rng_next(&rng);
		n = report_pack(r, bytes);
		assert_true(n <= REPORT_PACKED_MAX);
		assert_true(report_unpack(bytes, n, back));
		assert_memory_equal(r, back, sizeof *r);
		assert_false(report_unpack(bytes, 8, back));
		bytes[0] = 99;
		assert_false(report_unpack(bytes, n, back));
	}
	memset(r, 0xff, sizeof *r);
	memset(r->lost[0], 0, sizeof r->lost[0]);
	assert_true(report_pack(r, bytes) <= REPORT_PACKED_MAX);
	free(bytes);
	free(back);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sampled_transaction_and_dropped_logs_are_told),
		cmocka_unit_test(empty_report_writes_nothing),
		cmocka_unit_test(timestamp_is_never_in_the_future),
		cmocka_unit_test(too_much_for_one_item_continues_in_the_next),
		cmocka_unit_test(nothing_is_moved_when_it_could_not_be_written),
		cmocka_unit_test(merge_sums_and_keeps_the_earliest_time),
		cmocka_unit_test(what_is_packed_is_unpacked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
