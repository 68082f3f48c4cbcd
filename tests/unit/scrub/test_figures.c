/* What rules of scrubbing found and cost is counted by the name they are reported by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/scrub/support.h"

#define RULES                                                                                      \
	"{\"rules\":{\"order\":{\"type\":\"pattern\",\"pattern\":\"ORD-[0-9]+\"},"                 \
	"\"never\":{\"type\":\"pattern\",\"pattern\":\"NEVER\"}},"                                 \
	"\"applications\":{\"extra.a\":[\"order\",\"never\"],\"extra.b\":[\"order\"],"             \
	"\"$attachments.'a.txt'\":[\"order\"]}}"

static struct scrubber *made(void)
{
	struct scrub_options o = {.rules = STR(RULES), .attachments = true};
	struct scrubber *s = NULL;
	struct err err = {0};

	o.settings.scrub_data = o.settings.scrub_defaults = true;
	if (scrubber_new(&s, &o, &err) != E_OK)
		fail_msg("%s", err.text);
	return s;
}

static void scrub_event(const struct scrubber *s, const char *text)
{
	struct arena *a = arena_new(0, 0);
	struct scrub_tally tally = {0};
	struct str out;

	assert_non_null(a);
	assert_int_equal(scrub_payload(s, SCRUB_EVENT, str_of(text), a, &out, &tally, NULL), E_OK);
	arena_free(a);
}

static struct rule_figures figures_of(const struct scrubber *s, const char *pass, const char *rule)
{
	struct scrub_figures f, found = {NULL, {STR_EMPTY, 0, 0, 0}};
	size_t times = 0;

	for (size_t i = 0; scrubber_figures(s, i, &f); i++) {
		if (strcmp(f.pass, pass) != 0 || !str_eq(f.of.rule, str_of(rule)))
			continue;
		found = f;
		times++;
	}
	assert_int_equal(times, 1); /* one row, however many applications */
	return found.of;
}

static void runs_and_hits_are_counted_by_rule(void **state)
{
	struct scrubber *s = made();

	(void)state;
	assert_int_equal(figures_of(s, "rules", "order").runs, 0);
	scrub_event(s, "{\"extra\":{\"a\":\"ORD-1\",\"b\":\"ORD-2 ORD-3\",\"c\":\"ORD-4\"}}");
	scrub_event(s, "{\"extra\":{\"a\":\"nothing\"}}");
	assert_int_equal(figures_of(s, "rules", "order").hits, 2);
	assert_int_equal(figures_of(s, "rules", "order").runs, 3);
	assert_int_equal(figures_of(s, "rules", "never").hits, 0);
	assert_int_equal(figures_of(s, "rules", "never").runs, 2);
	scrub_event(s, "{\"extra\":{\"password\":\"x\",\"card\":\"4571234567890111\"}}");
	assert_int_equal(figures_of(s, "defaults", "@password:filter").hits, 1);
	assert_int_equal(figures_of(s, "defaults", "@creditcard:filter").hits, 1);
	scrubber_free(s);
}

static void a_look_at_a_text_saves_the_runs(void **state)
{
	struct scrubber *s = made();
	struct scrub_figures f;

	(void)state;
	scrub_event(s, "{\"extra\":{\"c\":\"nothing to be found\",\"d\":\"here\"}}");
	for (size_t i = 0; scrubber_figures(s, i, &f); i++)
		assert_int_equal(f.of.runs, 0);
	scrubber_free(s);
}

static void files_count_too(void **state)
{
	struct scrubber *s = made();
	struct arena *a = arena_new(0, 0);
	struct scrub_tally tally = {0};
	struct str out;

	(void)state;
	assert_int_equal(
		scrub_attachment(s, STR("a.txt"), STR("an ORD-1"), a, &out, &tally, NULL), E_OK);
	assert_int_equal(figures_of(s, "rules", "order").hits, 1);
	arena_free(a);
	scrubber_free(s);
}

static void one_run_of_many_looks_at_the_clock(void **state)
{
	struct scrubber *s = made();
	uint64_t first;

	(void)state;
	scrub_event(s, "{\"extra\":{\"a\":\"ORD-1\"}}");
	first = figures_of(s, "rules", "order").time_ns;
	for (unsigned i = 1; i < FIGURES_TIMED_EVERY; i++)
		scrub_event(s, "{\"extra\":{\"a\":\"ORD-1\"}}");
	assert_int_equal(figures_of(s, "rules", "order").time_ns, first);
	assert_int_equal(figures_of(s, "rules", "order").time_ns % FIGURES_TIMED_EVERY, 0);
	assert_int_equal(figures_of(s, "rules", "order").hits, FIGURES_TIMED_EVERY);
	scrubber_free(s);
}

static void nothing_has_no_figures(void **state)
{
	struct scrub_figures f;

	(void)state;
	assert_false(scrubber_figures(NULL, 0, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_and_hits_are_counted_by_rule),
		cmocka_unit_test(a_look_at_a_text_saves_the_runs),
		cmocka_unit_test(files_count_too),
		cmocka_unit_test(one_run_of_many_looks_at_the_clock),
		cmocka_unit_test(nothing_has_no_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
