/* What "picket why" tells of scrubbing: where, never what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#define EVENT                                                                                      \
	"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n"                                    \
	"{\"type\":\"event\"}\n"
#define ON     "[scrub]\ndefaults = yes\n"
#define SECRET "4571234567890111"

static const struct {
	const char *payload, *scrubbed;
} rows[] = {
	{"{\"message\":\"nothing\"}", ""},
	{"{\"extra\":{\"password\":\"a\",\"b\":1}}", "extra.password"},
	{"{\"extra\":{\"password\":\"a\"},\"user\":{\"ip_address\":\"127.0.0.1\"},"
	 "\"breadcrumbs\":{\"values\":[{},{\"message\":\"" SECRET "\"}]}}",
		"extra.password, user.ip_address, breadcrumbs.values.1.message"},
	/* One place, two rules. */
	{"{\"extra\":{\"a\":\"" SECRET " 127.0.0.1\"}}", "extra.a"},
	/* Names of clients' own may hold what must not be told. */
	{"{\"extra\":{\"" SECRET "\":{\"secret\":\"x\"}}}", "extra.*.secret"},
	{"{\"extra\":{\"secret\":{\"secret\":1},\"my secret\":\"b\"}}", "extra.secret, extra.*"},
	{"{\"extra\":{\"a_name_of_more_than_thirty_two_bytes\":\"" SECRET "\"}}", "extra.*"},
};

static void paths_are_told_and_nothing_that_clients_wrote(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench b;
		char text[1024];

		(void)snprintf(text, sizeof text, EVENT "%s\n", rows[i].payload);
		bench_open(&b, ON);
		bench_run(&b, text);
		if (strcmp(b.r.scrubbed, rows[i].scrubbed) != 0)
			fail_msg("row %zu: %s", i, b.r.scrubbed);
		bench_close(&b);
	}
}

static void many_paths_end_in_and_more_once(void **state)
{
	char text[16384];
	struct bench b;
	size_t n = (size_t)snprintf(text, sizeof text, EVENT "{\"extra\":{");
	const char *end;

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		n += (size_t)snprintf(
			text + n, sizeof text - n, "%s\"password_%u\":\"x\"", i > 0 ? "," : "", i);
	(void)snprintf(text + n, sizeof text - n,
		"}}\n{\"type\":\"transaction\"}\n{\"extra\":{\"secret\":1}}\n");
	bench_open(&b, ON);
	bench_run(&b, text);
	end = strstr(b.r.scrubbed, ", and more");
	assert_non_null(end);
	assert_string_equal(end, ", and more");
	assert_int_equal(strncmp(b.r.scrubbed, "extra.password_0, extra.password_1, ", 36), 0);
	bench_close(&b);
}

static void a_path_longer_than_all_room_is_a_star(void **state)
{
	char text[16384];
	struct bench b;
	size_t n = (size_t)snprintf(text, sizeof text, EVENT "{\"extra\":");

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "{\"a_rather_long_name\":");
	n += (size_t)snprintf(text + n, sizeof text - n, "\"" SECRET "\"");
	for (unsigned i = 0; i < 21; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "}");
	text[n] = '\n';
	text[n + 1] = '\0';
	bench_open(&b, ON);
	bench_run(&b, text);
	assert_null(strstr(written(&b), SECRET));
	assert_string_equal(b.r.scrubbed, "*");
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_told_and_nothing_that_clients_wrote),
		cmocka_unit_test(many_paths_end_in_and_more_once),
		cmocka_unit_test(a_path_longer_than_all_room_is_a_star),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
