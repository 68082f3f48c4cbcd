/* Dedupe and storms: T41. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/process/support.h"

static unsigned next_id;

static bool keeps(struct bench *b, const char *payload)
{
	char text[4096];

	(void)snprintf(text, sizeof text, "{\"event_id\":\"%032x\"}\n{\"type\":\"event\"}\n%s\n",
		++next_id, payload);
	bench_run(b, text);
	if (b->e->item_count == 0)
		assert_int_equal(dropped(b, DROP_EVENT_PROCESSOR, CAT_ERROR), 1);
	return b->e->item_count == 1;
}

#define E(line, more)                                                                              \
	"{\"exception\":{\"values\":[{\"type\":\"E\",\"value\":\"v\",\"stacktrace\":{\"frames\":"  \
	"[{\"filename\":\"f\",\"function\":\"g\",\"lineno\":" line "}]}}]}" more "}"

/* T41. */
static void the_same_error_again_is_dropped_within_the_window(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[dedupe]\nwindow = 1s\n");
	assert_true(keeps(&b, E("1", "")));
	assert_false(keeps(&b, E("1", ",\"timestamp\":5")));
	assert_true(keeps(&b, E("2", "")));
	assert_true(keeps(&b, E("2", ",\"fingerprint\":[\"x\"]")));
	assert_true(keeps(&b, E("2", "")));
	b.now.mono_ms += 999;
	assert_false(keeps(&b, E("2", "")));
	b.now.mono_ms += 1;
	assert_true(keeps(&b, E("2", "")));
	assert_true(keeps(&b, E("2", ",\"server_name\":\"other\"")));
	assert_true(keeps(&b, "{\"message\":\"m\"}"));
	assert_false(keeps(&b, "{\"message\":\"m\"}"));
	assert_true(keeps(&b, "{}")); /* says nothing that could be compared */
	assert_true(keeps(&b, "{}"));
	bench_close(&b);
}

static void the_same_id_again_is_not_a_repetition(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[dedupe]\nwindow = 1h\n");
	assert_true(keeps(&b, E("1", "")));
	next_id--;
	assert_true(keeps(&b, E("1", "")));
	bench_close(&b);
}

/* T42: only what is on disk makes the next one a copy. */
static void an_id_that_is_stored_comes_once(void **state)
{
	struct event_id id;
	struct bench b;

	(void)state;
	bench_open(&b, "[dedupe]\nwindow = 1h\n");
	assert_true(keeps(&b, E("1", "")));
	assert_true(b.r.is_unique);
	next_id--;
	assert_true(keeps(&b, E("1", ""))); /* the first was refused */
	id = b.e->event_id;
	judge_state_stored(b.state, &id, b.now);
	next_id--;
	assert_false(keeps(&b, E("1", "")));
	bench_run(&b, "{\"event_id\":\"00000000000000000000000000000099\"}\n"
		      "{\"type\":\"attachment\",\"filename\":\"f\"}\nabc\n");
	assert_int_equal(b.e->item_count, 1);
	b.now.mono_ms += 3600000;
	next_id--;
	assert_true(keeps(&b, E("1", "")));
	bench_close(&b);
}

/* What comes late for the first copy is not lost with the second. */
static void attachments_of_a_copy_are_not_taken_for_late(void **state)
{
	struct event_id id;
	struct bench b;
	char text[256];

	(void)state;
	bench_open(&b, "[dedupe]\nwindow = 1h\n");
	assert_true(keeps(&b, E("1", "")));
	id = b.e->event_id;
	judge_state_stored(b.state, &id, b.now);
	next_id--;
	assert_false(keeps(&b, E("1", "")));
	(void)snprintf(text, sizeof text,
		"{\"event_id\":\"%032x\"}\n"
		"{\"type\":\"attachment\",\"filename\":\"f\"}\nabc\n",
		next_id);
	bench_run(&b, text);
	assert_int_equal(b.e->item_count, 1);
	bench_close(&b);
}

static void without_settings_nothing_is_compared(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "");
	assert_true(keeps(&b, E("1", "")));
	assert_true(keeps(&b, E("1", "")));
	bench_close(&b);
}

/* What was folded is told by the next one, and counted all the same. */
static void a_storm_is_folded_and_the_next_event_tells_how_many(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[storm]\nper_issue = 3/1m\n");
	for (int i = 0; i < 3; i++)
		assert_true(keeps(&b, E("1", "")));
	for (int i = 0; i < 4; i++)
		assert_false(keeps(&b, E("1", ",\"extra\":{\"n\":1}")));
	assert_true(keeps(&b, E("1", ",\"release\":\"other\"")));
	assert_true(keeps(&b, "{\"logentry\":{\"message\":\"t %s\",\"formatted\":\"t 1\"}}"));
	b.now.mono_ms += 60000;
	assert_true(keeps(&b, E("1", ",\"contexts\":{\"os\":{}}")));
	assert_non_null(strstr(written(&b), "\"contexts\":{\"os\":{},\"picket\":"
					    "{\"type\":\"picket\",\"folded\":4}}"));
	assert_true(keeps(&b, E("1", "")));
	assert_null(strstr(written(&b), "folded"));
	bench_close(&b);
}

/* One template is one issue, whatever was put into it. */
static void messages_of_one_template_are_one_issue(void **state)
{
	struct bench b;
	char text[128];

	(void)state;
	bench_open(&b, "[storm]\nper_issue = 5/1h\n");
	for (int i = 0; i < 8; i++) {
		(void)snprintf(text, sizeof text,
			"{\"logentry\":{\"message\":\"user %%s\",\"formatted\":\"user %d\"}}", i);
		assert_true(keeps(&b, text) == (i < 5));
	}
	bench_close(&b);
}

static void many_issues_do_not_take_more_memory(void **state)
{
	struct bench b;
	char text[256];

	(void)state;
	bench_open(&b, "[storm]\nper_issue = 1/1h\n");
	for (int i = 0; i < 50000; i++) {
		(void)snprintf(text, sizeof text, "{\"message\":\"m%d\"}", i);
		assert_true(keeps(&b, text));
	}
	assert_false(keeps(&b, text));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_error_again_is_dropped_within_the_window),
		cmocka_unit_test(the_same_id_again_is_not_a_repetition),
		cmocka_unit_test(an_id_that_is_stored_comes_once),
		cmocka_unit_test(attachments_of_a_copy_are_not_taken_for_late),
		cmocka_unit_test(without_settings_nothing_is_compared),
		cmocka_unit_test(a_storm_is_folded_and_the_next_event_tells_how_many),
		cmocka_unit_test(messages_of_one_template_are_one_issue),
		cmocka_unit_test(many_issues_do_not_take_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
