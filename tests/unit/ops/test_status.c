/* /status: the promised names, the law, and escaping. jansson reads what was
 * written, so that the writer is not its own judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "ops/jsonout.h"
#include "sample.h"

static json_t *rendered(const struct view *v)
{
	struct buf b = BUF_INIT;
	json_t *root;

	status_write(v, &b);
	assert_true(buf_ok(&b));
	assert_int_equal(str_find_char(buf_view(&b), '\n'), b.n);
	root = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	buf_fini(&b);
	return root;
}

static json_int_t number(const json_t *root, const char *a, const char *b, const char *c)
{
	const json_t *v = json_object_get(root, a);

	if (b != NULL)
		v = json_object_get(v, b);
	if (c != NULL)
		v = json_object_get(v, c);
	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

static void all_promised_keys_are_there(void **state)
{
	static const char *const keys[] = {"version", "uptime_s", "pid", "ready", "not_ready_why",
		"held", "dev", "spool", "totals", "memory", "upstreams", "limits", "lanes",
		"counters", "rules", "counts", "scrub_rules"};
	struct sample s;
	json_t *root;

	(void)state;
	sample_init(&s);
	root = rendered(&s.view);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_non_null(json_object_get(root, keys[i]));
	assert_int_equal(number(root, "uptime_s", NULL, NULL), 3600);
	assert_int_equal(number(root, "spool", "records", NULL), 8);
	assert_int_equal(number(root, "spool", "bytes", NULL), 260);
	assert_int_equal(number(root, "spool", "max_bytes", NULL), 1000);
	assert_int_equal(number(root, "spool", "file_bytes", NULL), 4096);
	assert_int_equal(number(root, "spool", "oldest_age_s", NULL), 77);
	assert_int_equal(number(root, "spool", "dead", "records"), 3);
	assert_int_equal(number(root, "memory", "limit", NULL), 22);
	assert_int_equal(
		json_object_size(json_object_get(json_object_get(root, "spool"), "classes")),
		CLASS_COUNT);
	json_decref(root);
}

static void an_empty_view_has_the_same_keys(void **state)
{
	struct tally none = {{{0}}, {{0}}, {{0}}, {{{0}}}};
	struct view v = {.version = "1", .tally = &none};
	json_t *root;

	(void)state;
	root = rendered(&v);
	assert_int_equal(json_object_size(json_object_get(root, "totals")), 4);
	assert_int_equal(json_array_size(json_object_get(root, "upstreams")), 0);
	assert_true(json_is_array(json_object_get(root, "limits")));
	assert_null(json_object_get(root, "local"));
	json_decref(root);
}

static void totals_tell_the_law_and_leave_zeros_out(void **state)
{
	struct sample s;
	const json_t *totals;
	json_t *root;

	(void)state;
	sample_init(&s);
	root = rendered(&s.view);
	totals = json_object_get(root, "totals");
	assert_int_equal(json_object_size(json_object_get(totals, "received")), 2);
	assert_int_equal(json_object_size(json_object_get(totals, "delivered")), 1);
	assert_int_equal(json_object_size(json_object_get(totals, "dropped")), 2);
	assert_int_equal(number(totals, "received", "error", NULL),
		number(totals, "delivered", "error", NULL) +
			number(totals, "dropped", "ratelimit_backoff", "error") +
			number(totals, "dropped", "invalid", "error") +
			number(totals, "held", "error", NULL));
	assert_int_equal(number(totals, "received", "attachment", NULL),
		number(totals, "held", "attachment", NULL));
	json_decref(root);
}

static void foreign_text_is_escaped(void **state)
{
	struct sample s;
	const json_t *local, *host;
	json_t *root;

	(void)state;
	sample_init(&s);
	root = rendered(&s.view);
	local = json_array_get(json_object_get(root, "local"), 0);
	assert_string_equal(json_string_value(json_object_get(local, "title")),
		"a\"b\\c\nd\x01\xef\xbf\xbd<script>");
	host = json_object_get(json_array_get(json_object_get(root, "upstreams"), 1), "host");
	assert_string_equal(json_string_value(host), "a\"b\\c\nd\x01\xef\xbf\xbd<script>");
	json_decref(root);
}

static void limits_name_their_categories(void **state)
{
	struct sample s;
	const json_t *limits, *some, *all;
	json_t *root;

	(void)state;
	sample_init(&s);
	root = rendered(&s.view);
	limits = json_object_get(root, "limits");
	some = json_object_get(json_array_get(limits, 0), "categories");
	all = json_object_get(json_array_get(limits, 2), "categories");
	assert_int_equal(json_array_size(some), 2);
	assert_string_equal(json_string_value(json_array_get(some, 0)), "error");
	assert_string_equal(json_string_value(json_array_get(some, 1)), "log_item");
	assert_int_equal(json_array_size(all), 1);
	assert_string_equal(json_string_value(json_array_get(all, 0)), "all");
	json_decref(root);
}

static void every_counter_is_there_under_its_metric_name(void **state)
{
	struct sample s;
	size_t n;
	const struct counter_info *rows = counters_table(&n);
	json_t *root;

	(void)state;
	sample_init(&s);
	root = rendered(&s.view);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(number(root, "counters", rows[i].name, NULL), 100 + i);
	assert_int_equal(json_object_size(json_object_get(root, "counters")), n);
	json_decref(root);
}

static void no_memory_shows_in_the_buf_only(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	for (size_t max = 1; max < 4000; max += 97) {
		struct buf b;

		buf_init(&b, max);
		status_write(&s.view, &b);
		metrics_write(&s.view, &b);
		assert_false(buf_ok(&b));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_promised_keys_are_there),
		cmocka_unit_test(an_empty_view_has_the_same_keys),
		cmocka_unit_test(totals_tell_the_law_and_leave_zeros_out),
		cmocka_unit_test(foreign_text_is_escaped),
		cmocka_unit_test(limits_name_their_categories),
		cmocka_unit_test(every_counter_is_there_under_its_metric_name),
		cmocka_unit_test(no_memory_shows_in_the_buf_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
