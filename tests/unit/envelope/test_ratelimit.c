#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "envelope/ratelimit.h"
#include "unit/envelope/support.h"

#define BIT(c) (UINT64_C(1) << CAT_##c)

struct seen {
	struct ratelimit limits[8];
	unsigned n;
	bool present;
};

static void keep(void *arg, const struct ratelimit *limit)
{
	struct seen *s = arg;

	assert_true(s->n < COUNT_OF(s->limits));
	s->limits[s->n++] = *limit;
}

static struct seen parse(const char *header)
{
	struct seen s;
	unsigned given;

	memset(&s, 0, sizeof s);
	given = ratelimit_parse(str_of(header), keep, &s, &s.present);
	assert_int_equal(given, s.n);
	return s;
}

static void known_limits_are_read(void **state) /* P-088 */
{
	struct seen s = parse("60:transaction:key, 2700:default;error;security:organization");

	(void)state;
	assert_int_equal(s.n, 2);
	assert_int_equal(s.limits[0].seconds, 60);
	assert_true(s.limits[0].categories == BIT(TRANSACTION));
	assert_int_equal(s.limits[0].scope, SCOPE_KEY);
	assert_int_equal(s.limits[1].seconds, 2700);
	assert_true(s.limits[1].categories == (BIT(DEFAULT) | BIT(ERROR) | BIT(SECURITY)));
	assert_int_equal(s.limits[1].scope, SCOPE_ORGANIZATION);
	assert_true(s.present);
}

static void no_categories_is_every_category(void **state) /* P-089 */
{
	struct seen s = parse("60::organization");

	(void)state;
	assert_int_equal(s.n, 1);
	assert_true(s.limits[0].categories == RATELIMIT_ALL);
	s = parse("60: :organization:r");
	assert_true(s.limits[0].categories == RATELIMIT_ALL);
	assert_string_equal(s.limits[0].reason, "r");
}

static void unknown_categories_change_nothing(void **state) /* P-090 */
{
	struct seen s = parse("60:foo;bar:organization");

	(void)state;
	assert_int_equal(s.n, 0);
	assert_true(s.present);
	s = parse("60:foo;error:x:y:z:w");
	assert_int_equal(s.n, 1);
	assert_true(s.limits[0].categories == BIT(ERROR));
	assert_int_equal(s.limits[0].scope, SCOPE_OTHER);
	assert_string_equal(s.limits[0].reason, "y");
	assert_int_equal(parse("60:;:key").n, 0);
}

static void garbage_is_skipped_and_the_rest_applies(void **state) /* P-091 */
{
	struct seen s = parse(",,,abc, -5:error:key,nan:error:key,1e3:error:key,60,:error:key,"
			      ".:error:key, 7:error:key,+5:error:key,inf:error:key");

	(void)state;
	assert_int_equal(s.n, 1);
	assert_int_equal(s.limits[0].seconds, 7);
	s = parse(",,,");
	assert_false(s.present);
	s = parse("");
	assert_false(s.present);
	s = parse("abc:error:key");
	assert_false(s.present);
}

static void decimals_are_rounded_up_and_clamped(void **state) /* P-092; 13.2, rule 4 */
{
	static const struct {
		const char *header;
		uint32_t seconds;
	} cases[] = {{"1.2:error:key", 2}, {"1.0:error:key", 1}, {"5.:error:key", 5},
		{".5:error:key", 1}, {"86401:error:key", 86400}, {"86400.5:error:key", 86400},
		{"99999999999999999999999999:error:key", 86400}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct seen s = parse(cases[i].header);

		assert_int_equal(s.n, 1);
		assert_int_equal(s.limits[0].seconds, cases[i].seconds);
	}
	assert_int_equal(parse("0:error:key").n, 0);
	assert_true(parse("0:error:key").present);
}

static void metric_namespaces_other_than_custom_are_foreign(void **state) /* P-099 */
{
	(void)state;
	assert_int_equal(parse("30:metric_bucket:organization:quota_exceeded:custom").n, 1);
	assert_int_equal(parse("30:metric_bucket:organization::custom").n, 1);
	assert_int_equal(parse("30:metric_bucket:organization::spans;custom").n, 1);
	assert_int_equal(parse("30:metric_bucket:organization").n, 1);
	assert_int_equal(parse("30:metric_bucket:organization:r:").n, 1);
	assert_int_equal(parse("30:metric_bucket:organization:r:spans").n, 0);
	assert_true(parse("30:metric_bucket;error:organization:r:spans").limits[0].categories ==
		    BIT(ERROR));
}

static void long_reasons_are_cut(void **state)
{
	struct seen s = parse("1:error:key:0123456789012345678901234567890123456789");

	(void)state;
	assert_int_equal(strlen(s.limits[0].reason), RATELIMIT_TEXT_BYTES - 1);
}

static void retry_after_is_seconds_or_a_date(void **state) /* P-095 */
{
	static const struct {
		const char *value;
		bool ok;
		uint32_t seconds;
	} cases[] = {
		{"120", true, 120},
		{" 1.5 ", true, 2},
		{"999999", true, 86400},
		{"Thu, 01 Jan 1970 00:02:00 GMT", true, 120},
		{"Sunday, 06-Nov-94 08:49:37 GMT", true, 86400},
		{"Thu Jan  1 00:02:00 1970", true, 120},
		{"Wed, 31 Dec 2031 00:00:00 GMT", true, 86400},
		{"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
		{"", false, 0},
		{"-5", false, 0},
		{"soon", false, 0},
		{"next thursday, perhaps at noon", false, 0},
		{"Thu, 01 Jan 1970 00:02:00 GMT and a lot of text that no date has at its end",
			false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint32_t seconds = 0;
		bool ok = ratelimit_retry_after(str_of(cases[i].value), 0, &seconds);

		if (ok != cases[i].ok || (ok && seconds != cases[i].seconds))
			fail_msg("%s: %d, %u", cases[i].value, ok, seconds);
	}
}

static void what_is_written_is_read_again(void **state) /* P-100 */
{
	struct ratelimit limits[] = {
		{BIT(ERROR) | BIT(LOG_ITEM), 60, SCOPE_KEY, "picket"},
		{RATELIMIT_ALL, 0, SCOPE_ORGANIZATION, ""},
		{BIT(MONITOR), 5, SCOPE_PROJECT, "a,b:c\r\nd"},
	};
	struct buf out = BUF_INIT;
	struct seen s;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(limits); i++)
		ratelimit_write(&out, &limits[i]);
	assert_str(buf_view(&out), "60:error;log_item:key:picket, 1::organization, "
				   "5:monitor:project:a_b_c__d");
	buf_char(&out, '\0');
	s = parse(out.p);
	assert_int_equal(s.n, 3);
	assert_true(s.limits[0].categories == limits[0].categories);
	assert_int_equal(s.limits[1].seconds, 1); /* never 0 */
	assert_int_equal(s.limits[2].scope, SCOPE_PROJECT);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_limits_are_read),
		cmocka_unit_test(no_categories_is_every_category),
		cmocka_unit_test(unknown_categories_change_nothing),
		cmocka_unit_test(garbage_is_skipped_and_the_rest_applies),
		cmocka_unit_test(decimals_are_rounded_up_and_clamped),
		cmocka_unit_test(metric_namespaces_other_than_custom_are_foreign),
		cmocka_unit_test(long_reasons_are_cut),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
