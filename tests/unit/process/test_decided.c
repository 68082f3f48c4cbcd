/* Each loss has the name of who decided it: a rule, a list, a sample, a hook. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "support.h"

#define ID    "\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\""
#define HEAD  "{" ID "}\n"
#define EVENT HEAD "{\"type\":\"event\"}\n"
#define LOGS                                                                                       \
	"{}\n{\"type\":\"log\",\"item_count\":2,\"content_type\":\"application/"                   \
	"vnd.sentry.items.log+json\"}\n"
#define TRANSACTION                                                                                \
	HEAD "{\"type\":\"transaction\"}\n{\"transaction\":\"t\",\"spans\":[{\"op\":\"a\"},{}],"   \
	     "\"contexts\":{\"trace\":{\"trace_id\":\"0123456789abcdef0123456789abcdef\"}}}\n"

static const struct row {
	const char *config, *envelope;
	enum drop_reason why;
	const char *by;
} rows[] = {
	{"[rule a]\nwhen = message = \"x\"\nthen = drop\n[rule b]\nthen = drop ignored\n",
		EVENT "{\"message\":\"y\"}\n", DROP_IGNORED, "rule b"},
	{"[rule a]\nthen = sample 0\n", EVENT "{}\n", DROP_SAMPLE_RATE, "rule a"},
	{"[rule a]\non = transaction\nthen = sample 0\n[sampling]\ntransactions = 0.5\n",
		TRANSACTION, DROP_SAMPLE_RATE, "rule a"},
	{"[rule s]\non = span\nwhen = op = \"a\"\nthen = drop\n", TRANSACTION, DROP_BEFORE_SEND,
		"rule s"},
	{"[rule a]\non = log\nwhen = body = \"1\"\nthen = drop\n[rule b]\non = log\nthen = drop "
	 "ignored\n",
		LOGS "{\"items\":[{\"body\":\"1\"},{\"body\":\"2\"}]}\n", DROP_IGNORED, "rule b"},
	{"[ignore]\nerrors = KeyError\n",
		EVENT "{\"exception\":{\"values\":[{\"type\":\"KeyError\"}]}}\n",
		DROP_EVENT_PROCESSOR, "ignore errors"},
	{"[ignore]\nloggers = noisy.*\n", EVENT "{\"logger\":\"noisy.one\"}\n",
		DROP_EVENT_PROCESSOR, "ignore loggers"},
	{"[ignore]\nreleases = r@*\n", EVENT "{\"release\":\"r@1\"}\n", DROP_EVENT_PROCESSOR,
		"ignore releases"},
	{"[ignore]\ntransactions = t\n", TRANSACTION, DROP_EVENT_PROCESSOR, "ignore transactions"},
	{"[ignore]\nallow_urls = mine\n",
		EVENT "{\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[{\"filename\":"
		      "\"other\"}]}}]}}\n",
		DROP_EVENT_PROCESSOR, "ignore allow_urls"},
	{"[sampling]\nerrors = 0\n", EVENT "{}\n", DROP_SAMPLE_RATE, "sampling errors"},
	{"[sampling]\ntransactions = 0\n", TRANSACTION, DROP_SAMPLE_RATE, "sampling transactions"},
	{"[sample quiet]\non = event\nrate = 0\n", EVENT "{}\n", DROP_SAMPLE_RATE, "sample quiet"},
	{"[sample a]\non = log\nwhen = body = \"9\"\nrate = 1\n[sampling]\nlogs = 0\n",
		LOGS "{\"items\":[{\"body\":\"1\"},{\"body\":\"9\"}]}\n", DROP_SAMPLE_RATE,
		"sampling logs"},
	{"[event]\nmax_spans = 1\n", TRANSACTION, DROP_BUFFER_OVERFLOW, "event max_spans"},
};

static void assert_by(const struct bench *b, enum drop_reason why, const char *by)
{
	struct buf text = BUF_INIT;

	decided_write(&b->r.by[why], &text);
	buf_char(&text, '\0');
	assert_true(buf_ok(&text));
	assert_string_equal(text.p, by);
	buf_fini(&text);
}

static void every_loss_has_the_name_of_who_decided_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench b;

		bench_open(&b, rows[i].config);
		bench_run(&b, rows[i].envelope);
		assert_non_null(b.r.dropped);
		if (quantities_empty(&b.r.dropped[rows[i].why]))
			fail_msg("row %zu: nothing was dropped", i);
		assert_by(&b, rows[i].why, rows[i].by);
		bench_close(&b);
	}
}

static void what_is_kept_was_decided_by_nobody(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[sampling]\nprofile_sessions = 0.5\nerrors = 0.999999999\n"
		       "[rule a]\nthen = tag a = \"b\"\n");
	bench_run(&b, EVENT "{}\n");
	for (int why = 0; why < DROP_COUNT; why++)
		assert_null(b.r.by[why].what);
	assert_int_equal(b.r.told.hits_n, 1);
	assert_string_equal(b.r.told.hits[0], "a");
	bench_close(&b);
}

static void dedupe_and_storms_have_names_too(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[dedupe]\nwindow = 1m\n");
	bench_run(&b, EVENT "{\"message\":\"x\"}\n");
	assert_null(b.r.dropped);
	judge_state_stored(b.state, &b.e->event_id, b.now);
	bench_run(&b, EVENT "{\"message\":\"x\"}\n");
	assert_by(&b, DROP_EVENT_PROCESSOR, "dedupe");
	bench_close(&b);
	bench_open(&b, "[storm]\nper_issue = 1/1m\n");
	bench_run(&b, EVENT "{\"message\":\"x\"}\n");
	bench_run(&b, EVENT "{\"message\":\"x\"}\n");
	assert_by(&b, DROP_EVENT_PROCESSOR, "storm");
	bench_close(&b);
}

static void a_hook_is_named_by_its_function_and_a_failing_one_as_such(void **state)
{
	static const struct {
		const char *script, *by;
	} hooks[] = {{"function before_send(e) return nil end", "hook before_send"},
		{"function before_send(e) error('no') end", "failing hook before_send"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char path[] = P_tmpdir "/picket-hook-XXXXXX", config[128];
		struct bench b;
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_true(write(fd, hooks[i].script, strlen(hooks[i].script)) > 0);
		assert_int_equal(close(fd), 0);
		(void)snprintf(config, sizeof config, "[hooks]\nscript = %s\n", path);
		bench_open(&b, config);
		assert_int_equal(unlink(path), 0);
		bench_run(&b, EVENT "{}\n");
		assert_by(&b, DROP_BEFORE_SEND, hooks[i].by);
		bench_close(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_loss_has_the_name_of_who_decided_it),
		cmocka_unit_test(what_is_kept_was_decided_by_nobody),
		cmocka_unit_test(dedupe_and_storms_have_names_too),
		cmocka_unit_test(a_hook_is_named_by_its_function_and_a_failing_one_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
