#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "forward/verdict.h"

#define AWAY    1
#define UNWELL  2
#define REFUSED 4

static void every_answer_has_its_verdict(void **state) /* P-108 to P-111, 14.2 */
{
	static const struct {
		int rc, status;
		enum verdict_kind kind;
		unsigned facts;
	} rows[] = {
		{E_OK, 200, VERDICT_DELIVERED, 0},
		{E_OK, 202, VERDICT_DELIVERED, 0},
		{E_OK, 299, VERDICT_DELIVERED, 0},
		{E_OK, 301, VERDICT_DEAD, 0},
		{E_OK, 302, VERDICT_DEAD, 0},
		{E_OK, 308, VERDICT_DEAD, 0},
		{E_OK, 400, VERDICT_DEAD, 0},
		{E_OK, 401, VERDICT_DEAD, REFUSED},
		{E_OK, 403, VERDICT_DEAD, REFUSED},
		{E_OK, 404, VERDICT_DEAD, REFUSED},
		{E_OK, 405, VERDICT_DEAD, 0},
		{E_OK, 407, VERDICT_RETRY, AWAY},
		{E_OK, 408, VERDICT_RETRY, 0},
		{E_OK, 413, VERDICT_SPLIT, 0},
		{E_OK, 415, VERDICT_DEAD, 0},
		{E_OK, 418, VERDICT_DEAD, 0},
		{E_OK, 425, VERDICT_RETRY, 0},
		{E_OK, 429, VERDICT_LIMITED, 0},
		{E_OK, 500, VERDICT_RETRY, UNWELL},
		{E_OK, 501, VERDICT_RETRY, UNWELL},
		{E_OK, 502, VERDICT_RETRY, AWAY},
		{E_OK, 503, VERDICT_RETRY, AWAY},
		{E_OK, 504, VERDICT_RETRY, AWAY},
		{E_OK, 505, VERDICT_RETRY, UNWELL},
		{E_OK, 511, VERDICT_RETRY, AWAY},
		{E_OK, 599, VERDICT_RETRY, UNWELL},
		{E_OK, 0, VERDICT_RETRY, AWAY},
		{E_OK, 101, VERDICT_RETRY, AWAY},
		{E_NET, 0, VERDICT_RETRY, AWAY},
		{E_NET, 200, VERDICT_RETRY, AWAY}, /* truncated */
		{E_TIMEOUT, 0, VERDICT_RETRY, AWAY},
		{E_NOMEM, 0, VERDICT_RETRY, AWAY},
		{E_CANCELED, 0, VERDICT_CANCELED, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct attempt a = {.rc = rows[i].rc, .status = rows[i].status, .number = 1};
		struct verdict v = verdict_of(&a);
		unsigned facts = (v.host_is_away ? AWAY : 0) | (v.host_is_unwell ? UNWELL : 0) |
				 (v.lane_is_refused ? REFUSED : 0);

		if (v.kind != rows[i].kind || facts != rows[i].facts)
			fail_msg("%d %d: %s %u", rows[i].rc, rows[i].status, verdict_name(v.kind),
				facts);
	}
}

static void a_fault_of_the_server_is_repeated_a_few_times(void **state)
{
	struct attempt a = {.rc = E_OK, .status = 500};

	(void)state;
	for (a.number = 1; a.number < VERDICT_ATTEMPTS; a.number++)
		assert_int_equal(verdict_of(&a).kind, VERDICT_RETRY);
	assert_int_equal(verdict_of(&a).kind, VERDICT_DEAD);
	a.status = 503; /* nobody there: any number of times (P-108) */
	a.number = 1000000;
	assert_int_equal(verdict_of(&a).kind, VERDICT_RETRY);
}

static void zstd_is_given_up_only_where_it_may_be_to_blame(void **state)
{
	struct attempt a = {.rc = E_OK, .status = 400, .number = 1, .is_zstd = true};

	(void)state;
	assert_int_equal(verdict_of(&a).kind, VERDICT_GZIP);
	a.zstd_is_fine = true; /* it took zstd before: the content is bad */
	assert_int_equal(verdict_of(&a).kind, VERDICT_DEAD);
	a.status = 415;
	assert_int_equal(verdict_of(&a).kind, VERDICT_GZIP);
	a.is_zstd = false;
	assert_int_equal(verdict_of(&a).kind, VERDICT_DEAD);
	a.status = 400;
	assert_int_equal(verdict_of(&a).kind, VERDICT_DEAD);
}

static void a_part_is_not_split_again(void **state)
{
	struct attempt a = {.rc = E_OK, .status = 413, .number = 2, .was_split = true};

	(void)state;
	assert_int_equal(verdict_of(&a).kind, VERDICT_DEAD);
}

static void a_loop_keeps_the_record_and_pauses_the_project(void **state)
{
	struct attempt a = {.rc = E_OK, .status = 508, .number = VERDICT_ATTEMPTS + 1};
	struct verdict v = verdict_of(&a);

	(void)state;
	assert_int_equal(v.kind, VERDICT_RETRY);
	assert_true(v.lane_is_refused);
	assert_false(v.host_is_away);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_has_its_verdict),
		cmocka_unit_test(a_fault_of_the_server_is_repeated_a_few_times),
		cmocka_unit_test(zstd_is_given_up_only_where_it_may_be_to_blame),
		cmocka_unit_test(a_part_is_not_split_again),
		cmocka_unit_test(a_loop_keeps_the_record_and_pauses_the_project),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
