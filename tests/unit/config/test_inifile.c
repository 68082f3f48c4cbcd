/* What another build of the INI library would cut is refused. This program
 * brings its own ini_parse_stream(), one that misbehaves as told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ini.h>
#include <stdio.h>

#include "config/inifile.h"

enum fault {
	NONE,
	CUTS_NAME,
	CUTS_SECTION,
	CUTS_VALUE,
	SKIPS_LINE,
	TWICE,
	NO_VALUE,
	SHORT_LINES,
	NO_MEMORY,
	LINE_ERROR
};

/* The library has no argument for it. */
static enum fault fault;

static void call(ini_handler handler, void *user, const char *name, const char *value)
{
	char n[64];
	char v[64];

	(void)snprintf(n, sizeof n, "%.*s", fault == CUTS_NAME ? 2 : 60, name);
	(void)snprintf(v, sizeof v, "%.*s", fault == CUTS_VALUE ? 2 : 60, value);
	if (fault == SKIPS_LINE)
		return;
	(void)handler(
		user, fault == CUTS_SECTION ? "sp" : "spool", n, fault == NO_VALUE ? NULL : v);
	if (fault == TWICE)
		(void)handler(user, "spool", n, v);
}

/* Knows one section and "name=value", which is all these tests write. */
int ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user)
{
	char line[64];

	while (reader(line, fault == SHORT_LINES ? 8 : (int)sizeof line, stream) != NULL) {
		char *eq = strchr(line, '=');

		if (eq == NULL)
			continue;
		*eq = '\0';
		eq[1 + strcspn(eq + 1, "\n")] = '\0';
		call(handler, user, line, eq + 1);
	}
	return fault == NO_MEMORY ? -2 : fault == LINE_ERROR ? 2 : 0;
}

static int on_section(void *arg, struct str name, unsigned line)
{
	(void)arg;
	assert_true(str_eq(name, STR("spool")));
	assert_int_equal(line, 1);
	return E_OK;
}

static int on_pair(void *arg, struct str name, struct str value, unsigned line)
{
	unsigned *calls = arg;

	assert_true(str_eq(name, STR("dirs")));
	assert_true(str_eq(value, STR("/abc")));
	assert_int_equal(line, 2);
	++*calls;
	return E_OK;
}

static int parse(enum fault how, struct err *err, unsigned *calls)
{
	struct ini_events events = {.section = on_section, .pair = on_pair, .arg = calls};

	fault = how;
	*calls = 0;
	return ini_text_parse("t", STR("[spool]\ndirs=/abc\n"), &events, err);
}

static void a_line_read_as_it_stands_is_handed_on(void **state)
{
	struct err err = {0};
	unsigned calls;

	(void)state;
	assert_int_equal(parse(NONE, &err, &calls), E_OK);
	assert_int_equal(calls, 1);
}

static void a_line_read_differently_is_refused(void **state)
{
	static const struct {
		enum fault fault;
		int rc;
		const char *text;
	} cases[] = {
		{CUTS_NAME, E_INVAL,
			"t:2: the INI library reads this line differently than it stands"},
		{CUTS_SECTION, E_INVAL,
			"t:2: the INI library reads this line differently than it stands"},
		{CUTS_VALUE, E_INVAL,
			"t:2: the INI library reads this line differently than it stands"},
		{TWICE, E_INVAL, "t:2: the INI library reads this line differently than it stands"},
		{NO_VALUE, E_INVAL,
			"t:2: the INI library reads this line differently than it stands"},
		{SKIPS_LINE, E_INVAL, "t:2: the INI library did not read this line"},
		{SHORT_LINES, E_INVAL,
			"t:1: the line is longer than 5 bytes (continue a list on indented lines, "
			"or put the value in a file and write ${file:/path})"},
		{NO_MEMORY, E_NOMEM, "t: no memory"},
		{LINE_ERROR, E_INVAL, "t:2: the INI library cannot read this line"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		unsigned calls;

		assert_int_equal(parse(cases[i].fault, &err, &calls), cases[i].rc);
		assert_string_equal(err.text, cases[i].text);
		assert_int_equal(calls, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_read_as_it_stands_is_handed_on),
		cmocka_unit_test(a_line_read_differently_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
