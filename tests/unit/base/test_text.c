#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>

#include "base/encoding.h"
#include "base/err.h"
#include "base/id.h"
#include "base/rng.h"
#include "base/timefmt.h"

static void times_are_read_in_every_legal_form(void **state)
{
	int64_t us = -1;

	(void)state;
	assert_true(rfc3339_parse(STR("1970-01-01T00:00:00Z"), &us));
	assert_true(us == 0);
	assert_true(rfc3339_parse(STR("2026-11-22T10:54:51.734915Z"), &us));
	assert_true(us == INT64_C(1795344891734915));
	assert_true(rfc3339_parse(STR("2026-11-22T12:54:51.7349159999+02:00"), &us));
	assert_true(us == INT64_C(1795344891734915));
	assert_true(rfc3339_parse(STR("2000-02-29t23:59:60z"), &us));
	assert_true(rfc3339_parse(STR("1969-12-31T23:59:59.5-00:00"), &us));
	assert_true(us == -500000);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {"", "2026-11-22", "2026-11-22T10:54:51",
		"2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+2:00",
		"26-01-01T00:00:00Z", "2026-01-00T00:00:00Z", "-026-01-01T00:00:00Z"};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(rfc3339_parse(str_of(bad[i]), &us));
}

static void times_survive_the_round_trip(void **state)
{
	struct rng r;
	char text[RFC3339_BYTES];

	(void)state;
	rng_seed(&r, 1);
	for (int i = 0; i < 20000; i++) {
		int64_t us = (int64_t)rng_below(&r, UINT64_C(253402300800000000)), back = -1;

		if (i % 3 == 0)
			us -= INT64_C(62000000000000000); /* before 1970 */
		rfc3339_format(us, text);
		assert_int_equal(strlen(text), RFC3339_BYTES - 1);
		assert_true(rfc3339_parse(str_of(text), &back));
		assert_true(back == us);
	}
}

static void ids_come_in_both_spellings(void **state)
{
	struct event_id a, b;
	char hex[EVENT_ID_HEX_BYTES], uuid[EVENT_ID_UUID_BYTES];

	(void)state;
	assert_true(event_id_parse(STR("9ec79c33ec9942ab8353589fcb2e04dc"), &a));
	assert_true(event_id_parse(STR("9EC79C33-EC99-42AB-8353-589FCB2E04DC"), &b));
	assert_true(event_id_eq(&a, &b));
	event_id_hex(&b, hex);
	assert_string_equal(hex, "9ec79c33ec9942ab8353589fcb2e04dc");
	event_id_uuid(&b, uuid);
	assert_string_equal(uuid, "9ec79c33-ec99-42ab-8353-589fcb2e04dc");
	assert_false(event_id_parse(STR("9ec79c33ec9942ab8353589fcb2e04d"), &a));
	assert_false(event_id_parse(STR("9ec79c33ec9942ab8353589fcb2e04dg"), &a));
	assert_false(event_id_parse(STR("9ec79c33ec99-42ab-8353-589fcb2e04dc-"), &a));
	assert_true(event_id_random(&a));
	assert_false(event_id_is_zero(&a));
	assert_int_equal(a.b[6] >> 4, 4);
	assert_int_equal(a.b[8] >> 6, 2);
}

static void an_id_with_any_wrong_byte_is_none(void **state)
{
	static const char *const good[] = {
		"9ec79c33ec9942ab8353589fcb2e04dc", "9EC79C33-EC99-42AB-8353-589FCB2E04DC"};
	struct event_id first, id;

	(void)state;
	assert_true(event_id_parse(str_of(good[0]), &first));
	for (size_t k = 0; k < 2; k++) {
		size_t n = strlen(good[k]);
		char text[EVENT_ID_UUID_BYTES];

		for (size_t at = 0; at < n; at++) {
			memcpy(text, good[k], n);
			for (unsigned c = 0; c < 256; c++) {
				bool fits =
					good[k][at] == '-' ? c == '-' : c < 128 && isxdigit((int)c);

				text[at] = (char)c;
				assert_int_equal(event_id_parse(str_make(text, n), &id), fits);
			}
		}
		assert_true(event_id_parse(str_of(good[k]), &id));
		assert_true(event_id_eq(&id, &first));
	}
}

static void base64_is_decoded_in_both_alphabets(void **state)
{
	char out[64];
	size_t n;

	(void)state;
	assert_true(base64_decode(STR("aGVsbG8="), out, &n));
	assert_true(str_eq(str_make(out, n), STR("hello")));
	assert_true(base64_decode(STR("aGVs\r\nbG8"), out, &n));
	assert_true(str_eq(str_make(out, n), STR("hello")));
	assert_true(base64_decode(STR("-_-_"), out, &n));
	assert_memory_equal(out, "\xfb\xff\xbf", 3);
	assert_true(base64_decode(STR(""), out, &n));
	assert_int_equal(n, 0);
	assert_false(base64_decode(STR("a"), out, &n));
	assert_false(base64_decode(STR("aGV*"), out, &n));
	assert_false(base64_decode(STR("aG=VsbG8"), out, &n));
	assert_false(base64_decode(STR("aG==="), out, &n));
}

static void percent_signs_that_escape_nothing_stay(void **state)
{
	char out[64];
	size_t n = percent_decode(STR("a%20b+c%zz%4"), true, out);

	(void)state;
	assert_true(str_eq(str_make(out, n), STR("a b c%zz%4")));
	n = percent_decode(STR("a+b%00"), false, out);
	assert_true(str_eq(str_make(out, n), STR("a+b\0")));
}

static void errors_gather_context(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(err_set(&err, E_NOSPACE, "write %s", "x"), E_NOSPACE);
	assert_int_equal(err_wrap(&err, E_NOSPACE, "store"), E_NOSPACE);
	assert_string_equal(err.text, "store: write x");
	assert_int_equal(err_set(NULL, E_IO, "unheard"), E_IO);
	for (int rc = 0; rc < E_CODE_COUNT; rc++)
		assert_string_not_equal(err_name(rc), "unknown");
	assert_string_equal(err_name(E_CODE_COUNT), "unknown");
	assert_string_equal(err_name(-1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read_in_every_legal_form),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(times_survive_the_round_trip),
		cmocka_unit_test(ids_come_in_both_spellings),
		cmocka_unit_test(an_id_with_any_wrong_byte_is_none),
		cmocka_unit_test(base64_is_decoded_in_both_alphabets),
		cmocka_unit_test(percent_signs_that_escape_nothing_stay),
		cmocka_unit_test(errors_gather_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
