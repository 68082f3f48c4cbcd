/* man/picket.1 names every command and option of the program, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/cli.h"

#define PAGE "man/picket.1"

static int load(void **state)
{
	static struct buf page;
	struct err err;

	buf_init(&page, 0);
	if (file_read(PAGE, 1 << 20, &page, &err) != E_OK)
		fail_msg("%s (run from the top of the source tree)", err.text);
	*state = &page;
	return 0;
}

static int unload(void **state)
{
	buf_fini(*state);
	return 0;
}

/* "send" of ".It Cm send Op Ar message ...", "spool ls" of ".It Cm spool ls". */
static struct str command_of(struct str line)
{
	struct str rest = str_from(line, 7), word, name;

	name = str_first(rest, 0);
	while (str_cut(&rest, ' ', &word) && word.p[0] >= 'a')
		name.n = (size_t)(word.p + word.n - name.p);
	return name;
}

static const struct command *find(struct str name)
{
	for (const struct command *const *c = cli_commands(); *c != NULL; c++) {
		if (str_eq(name, str_of((*c)->name)))
			return *c;
	}
	return NULL;
}

/* The long option of ".It Fl l Ar level , Fl -level Ar level". */
static struct str option_of(struct str line)
{
	size_t at = str_find(line, STR("Fl -"));
	struct str name = str_from(line, at + 4);

	return str_first(name, str_find_char(name, ' '));
}

static bool has_option(const struct command *c, struct str line)
{
	struct str name = option_of(line);
	bool has_letter = !str_starts(line, STR(".It Fl -"));

	for (const struct opt *o = c->opts; o != NULL && o->help != NULL; o++) {
		if (!str_eq(name, str_of(o->name)))
			continue;
		assert_int_equal(has_letter, o->letter != 0);
		if (has_letter)
			assert_int_equal(line.p[7], o->letter);
		assert_int_equal(str_find(line, STR(" Ar ")) < line.n, o->value != NULL);
		return true;
	}
	return false;
}

static size_t option_count(const struct command *c)
{
	size_t n = 0;

	for (const struct opt *o = c->opts; o != NULL && o->help != NULL; o++)
		n++;
	return n;
}

static void commands_and_options_are_those_of_the_program(void **state)
{
	struct str rest = buf_view(*state), line;
	const struct command *c = NULL, *const *all = cli_commands();
	size_t commands = 0, options = 0;

	rest = str_from(rest, str_find(rest, STR(".Sh COMMANDS")));
	rest = str_first(rest, str_find(rest, STR(".Sh ENVIRONMENT")));
	while (str_cut(&rest, '\n', &line)) {
		if (str_starts(line, STR(".It Cm "))) {
			if (c != NULL)
				assert_int_equal(options, option_count(c));
			c = find(command_of(line));
			if (c == NULL)
				fail_msg("no such command: %.*s", STR_ARG(line));
			/* in the order of --help */
			assert_ptr_equal(c, all[commands]);
			commands++;
			options = 0;
		} else if (str_starts(line, STR(".It Fl "))) {
			assert_non_null(c);
			if (!has_option(c, line))
				fail_msg("%s has no such option: %.*s", c->name, STR_ARG(line));
			options++;
		}
	}
	assert_non_null(c);
	assert_int_equal(options, option_count(c));
	assert_null(all[commands]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_and_options_are_those_of_the_program),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
