/* One scrubber serves all workers at once, and gives memory back meanwhile: each event
 * comes out as it does alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "unit/scrub/support.h"

#define WORKERS 4
#define EVENTS  60
#define ROUNDS  8

static struct scrubber *shared;
static struct str events[EVENTS];
static struct str alone[EVENTS];

static struct scrubber *scrubber(void)
{
	struct scrub_options o = {
		.rules = STR("{\"applications\":{\"extra.**\":[\"@email:mask\"],\"$string\":"
			     "[\"@uuid\"]}}"),
		.deep = true};
	struct scrubber *s;

	o.settings.scrub_data = o.settings.scrub_defaults = o.settings.scrub_ip_addresses = true;
	assert_int_equal(scrubber_new(&s, &o, NULL), E_OK);
	return s;
}

static struct str scrubbed(const struct scrubber *s, struct str in, struct arena *a)
{
	struct scrub_tally tally = {0};
	struct str out = STR_EMPTY;

	return scrub_payload(s, SCRUB_EVENT, in, a, &out, &tally, NULL) == E_OK ? out : STR_EMPTY;
}

/* No two have the same keys: every one of them meets places that nobody knew. */
static void make_events(struct arena *a)
{
	for (int i = 0; i < EVENTS; i++)
		events[i] = arena_printf(a,
			"{\"message\":\"from "
			"10.1.2.%d\",\"extra\":{\"k%d\":{\"mail%d\":\"a%d@b.co\","
			"\"password\":\"p%d\"}},\"tags\":{\"t%d\":\"token=abc%d\",\"p\\u00%d\":["
			"\"x\"]},"
			"\"user\":{\"ip_address\":\"10.0.0.%d\"},\"exception\":{\"values\":[{"
			"\"value\":"
			"\"card 4571234567890111 of %d\"}]}}",
			i, i % 7, i, i, i, i, i, 10 + i, i, i);
}

/* Not assert_x(): those are of the test's own thread. */
static void *work(void *arg)
{
	uintptr_t differ = 0;
	size_t first = (size_t)(uintptr_t)arg;

	for (size_t i = 0; i < (size_t)ROUNDS * EVENTS; i++) {
		size_t n = (first + i) % EVENTS;
		struct arena *a = arena_new(0, 0);

		differ += a == NULL || !str_eq(scrubbed(shared, events[n], a), alone[n]);
		arena_free(a);
		if (i % 17 == 0)
			scrubber_trim(shared);
	}
	return (void *)differ; // NOLINT(performance-no-int-to-ptr)
}

static void workers_do_not_disturb_each_other(void **state)
{
	struct arena *a = arena_new(0, 0);
	pthread_t threads[WORKERS];

	(void)state;
	assert_non_null(a);
	make_events(a);
	for (size_t i = 0; i < EVENTS; i++) {
		struct scrubber *own = scrubber();

		alone[i] = arena_dup(a, scrubbed(own, events[i], a));
		assert_true(str_find(alone[i], STR("4571234567890111")) == alone[i].n);
		assert_true(str_find(alone[i], STR("_meta")) < alone[i].n);
		scrubber_free(own);
	}
	shared = scrubber();
	for (uintptr_t i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work,
					 (void *)(i * 7)), // NOLINT(performance-no-int-to-ptr)
			0);
	for (size_t i = 0; i < WORKERS; i++) {
		void *differ;

		assert_int_equal(pthread_join(threads[i], &differ), 0);
		assert_null(differ);
	}
	scrubber_free(shared);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
