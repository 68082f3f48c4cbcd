/* /metrics as a Prometheus server reads it, and the dashboard's page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "sample.h"

static struct buf metrics_of(const struct view *v)
{
	struct buf b = BUF_INIT;

	metrics_write(v, &b);
	assert_true(buf_ok(&b));
	return b;
}

static bool has_line(const struct buf *b, const char *line)
{
	struct str rest = buf_view(b), one;

	while (str_cut(&rest, '\n', &one)) {
		if (str_eq(one, str_of(line)))
			return true;
	}
	return false;
}

/* A sample line without its value: the name of the series. */
static struct str series_of(struct str line)
{
	while (line.n > 0 && line.p[line.n - 1] != ' ')
		line.n--;
	assert_true(line.n > 1);
	return str_first(line, line.n - 1);
}

static struct str name_of(struct str series)
{
	return str_first(series, str_find_char(series, '{'));
}

/* Every sample follows HELP and TYPE of its own family, and no family or
 * series comes twice. */
static void the_format_is_kept(void **state)
{
	struct sample s;
	struct buf b, seen = BUF_INIT;
	struct str rest, line, family = STR_EMPTY;

	(void)state;
	sample_init(&s);
	b = metrics_of(&s.view);
	assert_int_equal(b.p[b.n - 1], '\n');
	rest = str_first(buf_view(&b), b.n - 1);
	buf_char(&seen, '\n');
	while (str_cut(&rest, '\n', &line)) {
		struct str key = line;

		if (str_starts(line, STR("# HELP "))) {
			family = str_from(line, 7);
			family = str_first(family, str_find_char(family, ' '));
			assert_true(line.n > 7 + family.n + 1);
		} else if (str_starts(line, STR("# TYPE "))) {
			assert_true(str_starts(str_from(line, 7), family));
			assert_true(
				str_ends(line, STR(" counter")) || str_ends(line, STR(" gauge")));
		} else {
			key = series_of(line);
			assert_true(str_eq(name_of(key), family));
		}
		struct buf needle = BUF_INIT;

		buf_printf(&needle, "\n%.*s\n", STR_ARG(key));
		assert_int_equal(str_find(buf_view(&seen), buf_view(&needle)), seen.n);
		buf_fini(&needle);
		buf_printf(&seen, "%.*s\n", STR_ARG(key));
	}
	buf_fini(&seen);
	buf_fini(&b);
}

static void figures_are_told_by_label(void **state)
{
	static const char *const lines[] = {
		"picket_items_total{state=\"received\",category=\"error\"} 11",
		"picket_items_total{state=\"delivered\",category=\"error\"} 6",
		"picket_items_dropped_total{reason=\"ratelimit_backoff\",category=\"error\"} 1",
		"picket_items_dropped_total{reason=\"invalid\",category=\"error\"} 1",
		"picket_items_held{category=\"error\"} 3",
		"picket_items_held{category=\"attachment\"} 4096",
		"picket_spool_max_bytes 1000",
		"picket_spool_oldest_age_seconds 77",
		"picket_spool_writable 0",
		"picket_dead_letters 3",
		"picket_upstream_state{host=\"https://a.example\",state=\"up\"} 1",
		"picket_upstream_state{host=\"https://a.example\",state=\"outage\"} 0",
		"picket_upstream_host_in_flight{host=\"https://a.example\"} 2",
		"picket_build_info{version=\"1.2.3\"} 1",
		"process_start_time_seconds 1700000000",
		"picket_uptime_seconds 3600",
		"picket_ready 1",
		"picket_sending_held 1",
		"picket_rule_hits_total{rule=\"health\"} 10",
		"picket_rule_errors_total{rule=\"other\"} 3",
		"picket_rule_count_total{name=\"seen\"} 7",
		"picket_scrub_rule_runs_total{pass=\"defaults\",rule=\"@ip:replace\"} 30",
		"picket_scrub_rule_hits_total{pass=\"deep\",rule=\"@ip:replace\"} 0",
		"picket_scrub_rule_microseconds_total{pass=\"defaults\",rule=\"@ip:replace\"} 12",
		"# TYPE picket_connections gauge",
		"# TYPE picket_requests_total counter",
	};
	struct sample s;
	struct buf b;

	(void)state;
	sample_init(&s);
	b = metrics_of(&s.view);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		if (!has_line(&b, lines[i]))
			fail_msg("missing: %s", lines[i]);
	}
	buf_fini(&b);
}

static void what_looks_the_same_is_one_series(void **state)
{
	struct sample s;
	struct buf b;

	(void)state;
	sample_init(&s);
	b = metrics_of(&s.view);
	assert_true(has_line(&b, "picket_project_records{host=\"a.example\",project=\"1\"} 3"));
	assert_true(has_line(&b, "picket_project_records{host=\"a.example\",project=\"2\"} 5"));
	assert_true(
		has_line(&b, "picket_rate_limit_seconds{host=\"https://a.example\",project=\"1\","
			     "category=\"error\"} 90"));
	assert_true(
		has_line(&b, "picket_rate_limit_seconds{host=\"https://a.example\",project=\"1\","
			     "category=\"log_item\"} 30"));
	assert_true(
		has_line(&b, "picket_rate_limit_seconds{host=\"https://a.example\",project=\"2\","
			     "category=\"all\"} 10"));
	buf_fini(&b);
}

static void labels_are_escaped(void **state)
{
	struct sample s;
	struct buf b;

	(void)state;
	sample_init(&s);
	b = metrics_of(&s.view);
	assert_true(has_line(&b, "picket_upstream_next_try_seconds{host=\"a\\\"b\\\\c\\nd?"
				 "?<script>\"} 7"));
	for (size_t i = 0; i < b.n; i++)
		assert_true(b.p[i] == '\n' || (unsigned char)b.p[i] >= 0x20);
	buf_fini(&b);
}

static void every_counter_has_its_value(void **state)
{
	struct sample s;
	size_t n;
	const struct counter_info *rows = counters_table(&n);
	struct buf b;
	char line[128];

	(void)state;
	sample_init(&s);
	b = metrics_of(&s.view);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(line, sizeof line, "%s %zu", rows[i].name, 100 + i);
		if (!has_line(&b, line))
			fail_msg("missing: %s", line);
		/* What Prometheus wants of a counter's name. */
		if (rows[i].kind == COUNTER_COUNT)
			assert_true(str_ends(str_of(rows[i].name), STR("_total")));
	}
	buf_fini(&b);
}

static void negative_ages_are_zero(void **state)
{
	struct sample s;
	struct buf b;

	(void)state;
	sample_init(&s);
	s.view.oldest_age_s = -5;
	s.view.started_wall_s = 0;
	b = metrics_of(&s.view);
	assert_true(has_line(&b, "picket_spool_oldest_age_seconds 0"));
	assert_int_equal(str_find(buf_view(&b), STR("process_start_time_seconds")), b.n);
	buf_fini(&b);
}

/* --- the dashboard --------------------------------------------------------- */

static void the_dashboard_is_whole_and_needs_nothing_else(void **state)
{
	static const char *const forbidden[] = {"innerHTML", "outerHTML", "insertAdjacent",
		"document.write", "eval(", "<img", "@import", "src=", "url(", "integrity"};
	struct buf b = BUF_INIT;

	(void)state;
	dashboard_write(&b);
	assert_true(buf_ok(&b));
	assert_true(str_starts(buf_view(&b), STR("<!doctype html>\n")));
	assert_true(str_ends(buf_view(&b), STR("</html>\n")));
	assert_true(str_is_utf8(buf_view(&b)));
	assert_true(str_find(buf_view(&b), STR("default-src 'none'")) < b.n);
	assert_true(str_find(buf_view(&b), STR("fetch('status'")) < b.n);
	for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
		if (str_find(buf_view(&b), str_of(forbidden[i])) < b.n)
			fail_msg("the page has %s", forbidden[i]);
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_format_is_kept),
		cmocka_unit_test(figures_are_told_by_label),
		cmocka_unit_test(what_looks_the_same_is_one_series),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(every_counter_has_its_value),
		cmocka_unit_test(negative_ages_are_zero),
		cmocka_unit_test(the_dashboard_is_whole_and_needs_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
