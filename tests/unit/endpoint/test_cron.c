/* Check-ins without an SDK (20.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/endpoint/support.h"

#define ZERO "00000000000000000000000000000000"

static void a_query_is_a_check_in(void **state) /* P-145 */
{
	static const struct {
		const char *path, *query, *want;
	} cases[] = {
		{"/api/42/cron/nightly", "status=ok",
			"{\"check_in_id\":\"" ZERO
			"\",\"monitor_slug\":\"nightly\",\"status\":\"ok\"}"},
		{"/api/42/cron/nightly/app/",
			"status=error&check_in_id=9EC79C33-EC99-42AB-8353-589FCB2E04DC"
			"&environment=pre%20prod&duration=1.5",
			"{\"check_in_id\":\"" EVENT_ID
			"\",\"monitor_slug\":\"nightly\",\"status\":\"error\","
			"\"environment\":\"pre prod\",\"duration\":1.5}"},
		{"/api/42/cron/a%22b/", "status=in_progress&sentry_key=app",
			"{\"check_in_id\":\"" ZERO
			"\",\"monitor_slug\":\"a\\\"b\",\"status\":\"in_progress\"}"},
	};
	static const char *const methods[] = {"GET", "POST"};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases) * 2; i++) {
		struct asked a = {.method = methods[i % 2],
			.path = cases[i / 2].path,
			.query = cases[i / 2].query};

		must_take(&t, &a);
		assert_int_equal(t.env->item_count, 1);
		assert_int_equal(t.env->items[0].type, ITEM_CHECK_IN);
		assert_str(t.env->items[0].payload, cases[i / 2].want);
		assert_false(t.env->has_event_id);
		assert_int_equal(t.env->held.of[CAT_MONITOR], 1);
		assert_int_equal(t.work.success, SUCCESS_ACCEPTED);
		assert_true(str_starts(t.env->from.client, STR("picket.http-check-in/")));
		taken_free(&t);
	}
}

static void a_client_that_names_itself_keeps_its_name(void **state)
{
	struct asked a = {.path = "/api/42/cron/x", .query = "status=ok", .client = "mine/1"};
	struct taken t;

	(void)state;
	must_take(&t, &a);
	assert_str(t.env->from.client, "mine/1");
	taken_free(&t);
}

static void queries_that_say_no_check_in_are_refused(void **state) /* P-145 */
{
	static const char *const queries[] = {NULL, "", "status=", "status=fine", "environment=x",
		"status=ok&check_in_id=1", "status=ok&duration=long", "status=ok&duration=%22%22",
		"status=ok&duration=1%2C2"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(queries); i++)
		must_refuse(
			&(struct asked){.path = "/api/42/cron/x", .query = queries[i]}, E_SYNTAX);
}

static void json_keeps_all_but_its_slug(void **state) /* P-145 */
{
	static const struct {
		const char *body, *want;
	} cases[] = {
		{"{\"monitor_slug\":\"other\",\"status\":\"ok\",\"check_in_id\":\"" EVENT_ID
		 "\",\"monitor_config\":{\"schedule\":{\"type\":\"crontab\",\"value\":\"0 * * * "
		 "*\"}}}",
			"{\"monitor_slug\":\"nightly\",\"status\":\"ok\",\"check_in_id\":"
			"\"" EVENT_ID
			"\",\"monitor_config\":{\"schedule\":{\"type\":\"crontab\",\"value\":\"0 * "
			"* * *\"}}}"},
		{"{\"status\":\"error\"}",
			"{\"status\":\"error\",\"monitor_slug\":\"nightly\",\"check_in_id\":\"" ZERO
			"\"}"},
	};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct asked a = {.path = "/api/42/cron/nightly/",
			.headers = "Content-Type: application/json; charset=utf-8\n",
			.body = str_of(cases[i].body)};

		must_take(&t, &a);
		assert_str(t.env->items[0].payload, cases[i].want);
		taken_free(&t);
	}
}

static void json_that_is_no_check_in_is_refused(void **state)
{
	static const char *const bodies[] = {"[]", "{", "x", "{}", "{\"status\":\"fine\"}",
		"{\"status\":\"ok\",\"check_in_id\":\"1\"}",
		"{\"status\":\"ok\",\"check_in_id\":1}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		must_refuse(&(struct asked){.path = "/api/42/cron/x",
				    .query = "status=ok",
				    .headers = "content-type: application/json\n",
				    .body = str_of(bodies[i])},
			E_SYNTAX);
}

static void other_bodies_are_not_looked_at(void **state)
{
	struct asked a = {.path = "/api/42/cron/x",
		.query = "status=ok",
		.headers = "Content-Type: application/x-www-form-urlencoded\n",
		.body = STR("status=error")};
	struct taken t;

	(void)state;
	must_take(&t, &a);
	assert_str(t.env->items[0].payload,
		"{\"check_in_id\":\"" ZERO "\",\"monitor_slug\":\"x\",\"status\":\"ok\"}");
	taken_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_a_check_in),
		cmocka_unit_test(a_client_that_names_itself_keeps_its_name),
		cmocka_unit_test(queries_that_say_no_check_in_are_refused),
		cmocka_unit_test(json_keeps_all_but_its_slug),
		cmocka_unit_test(json_that_is_no_check_in_is_refused),
		cmocka_unit_test(other_bodies_are_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
