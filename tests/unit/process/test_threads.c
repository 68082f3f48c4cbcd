/* Many workers, one judge, one memory: every event is counted once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "unit/process/support.h"

#define THREADS 4
#define EVENTS  2000
#define STORM   100

struct crowd {
	const struct settings *settings;
	struct judge_state *state;
	atomic_uint kept, dropped, failed;
};

struct worker {
	struct crowd *crowd;
	pthread_t thread;
	unsigned number;
};

/* No assertions here: cmocka's belong to the thread of the test. */
static void judge_one(struct crowd *c, const char *text)
{
	struct envelope *e = envelope_new();
	struct process_result r = {0};
	struct instant now = {1000, 1000};

	if (e == NULL || envelope_parse(e, str_of(text), NULL, NULL) != E_OK ||
		envelope_measure(e, &e->invalid, NULL) != E_OK ||
		process_run(judge_of(c->settings), c->state, e, now, &r, NULL) != E_OK) {
		atomic_fetch_add(&c->failed, 1);
	} else {
		atomic_fetch_add(e->item_count == 1 ? &c->kept : &c->dropped, 1);
		if (r.is_unique && e->item_count == 1)
			judge_state_stored(c->state, &e->event_id, now);
	}
	process_result_fini(&r);
	envelope_free(e);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	char text[512];

	for (unsigned i = 0; i < EVENTS; i++) {
		(void)snprintf(text, sizeof text,
			"{\"event_id\":\"%08x%024x\"}\n{\"type\":\"event\"}\n"
			"{\"logentry\":{\"message\":\"t\",\"formatted\":\"%u %u\"}}\n",
			w->number + 1, i, w->number, i);
		judge_one(w->crowd, text);
	}
	return NULL;
}

static void a_storm_from_all_sides_is_counted_exactly(void **state)
{
	struct worker workers[THREADS];
	struct bench b;
	struct crowd c;

	(void)state;
	bench_open(&b, "[dedupe]\nwindow = 1m\n[storm]\nper_issue = 100/1m\n");
	memset(&c, 0, sizeof c);
	c.settings = b.settings;
	c.state = b.state;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.crowd = &c, .number = i};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
	assert_int_equal(c.failed, 0);
	assert_int_equal(c.kept, STORM);
	assert_int_equal(c.dropped, THREADS * EVENTS - STORM);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_storm_from_all_sides_is_counted_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
