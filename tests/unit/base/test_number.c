#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/rng.h"
#include "base/siphash.h"

static void json_numbers_are_read_and_nothing_else(void **state)
{
	static const char *const bad[] = {"", " 1", "1 ", "0x1", "1.", ".5", "+1", "1e", "1e+",
		"inf", "nan", "1,5", "1e999", "--1", "1.2.3", "0.1f"};
	double v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(number_parse(str_of(bad[i]), &v));
	assert_false(number_parse(str_make("1\0", 2), &v));
	assert_true(v == 7);
	assert_true(number_parse(STR("1e-8"), &v) && v == 1e-8);
	assert_true(number_parse(STR("-0.25"), &v) && v == -0.25);
	assert_true(number_parse(STR("0.070000"), &v) && v == 0.07);
	assert_true(number_parse(str_make("1234", 2), &v) && v == 12);
}

/* P-127: the shortest text that reads back to the same number. */
static void numbers_are_written_as_short_as_they_read_back(void **state)
{
	static const struct {
		double v;
		const char *text;
	} cases[] = {{0.5 * 0.2, "0.1"}, {0.1 * 0.5, "0.05"}, {1, "1"}, {0, "0"}, {1e-8, "1e-08"},
		{1.0 / 3, "0.3333333333333333"}, {0.1 + 0.2, "0.30000000000000004"}};
	char text[NUMBER_BYTES];
	struct rng rng;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		number_format(cases[i].v, text);
		assert_string_equal(text, cases[i].text);
	}
	rng_seed(&rng, 1);
	for (int i = 0; i < 10000; i++) {
		double v = (double)(rng_next(&rng) >> 11) * 0x1p-53, again = -1;

		number_format(v, text);
		assert_true(number_parse(str_of(text), &again));
		assert_true(v == again);
	}
}

/* The published example: key 00..0f, message 00..0e; and the empty message. */
static void siphash_gives_the_published_values(void **state)
{
	static const struct siphash_key key = {
		UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	char bytes[15];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	assert_true(siphash(&key, str_make(bytes, 15)) == UINT64_C(0xa129ca6149be45e5));
	assert_true(siphash(&key, STR("")) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(siphash(&key, str_make(bytes, 8)) != siphash(&key, str_make(bytes, 7)));
}

static void decimals_are_those_of_printf(void **state)
{
	static const uint64_t values[] = {
		0, 1, 9, 10, 11, 99, 100, 12345678901, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		char want[32];
		char own[NUMBER_DIGITS];
		struct buf b = BUF_INIT;
		struct str got = number_decimal(values[i], own);

		(void)snprintf(want, sizeof want, "%llu", (unsigned long long)values[i]);
		assert_true(str_eq(got, str_of(want)));
		buf_number(&b, values[i]);
		assert_true(str_eq(buf_view(&b), str_of(want)));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_numbers_are_read_and_nothing_else),
		cmocka_unit_test(numbers_are_written_as_short_as_they_read_back),
		cmocka_unit_test(siphash_gives_the_published_values),
		cmocka_unit_test(decimals_are_those_of_printf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
