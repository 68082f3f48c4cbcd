/* Table, manual page and sample file say the same. Run at the top of the
 * source tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>

#include "base/file.h"
#include "config/loader.h"
#include "config/table.h"
#include "config/value.h"
#include "unit/config/support.h"

#define MAN  "man/picket.conf.5"
#define CONF "conf/picket.conf"

static struct buf read_text(const char *path)
{
	struct buf text = BUF_INIT;
	struct err err = {0};

	if (file_read(path, 1024 * 1024, &text, &err) != E_OK)
		fail_msg("%s (tests run at the top of the source tree)", err.text);
	return text;
}

static bool next_line(struct str *rest, struct str *line)
{
	return str_cut(rest, '\n', line);
}

/* "Size, 1M to 1T; default 512M; reload." */
static void facts(const struct setting_info *info, char *out, size_t size)
{
	static const char *const types[] = {"Text", "Path", "Secret", "List", "Lines", "Patterns",
		"Yes or no", "Size", "Count", "Duration", "Mode", "Rate", "One of"};
	struct buf b = BUF_INIT;

	buf_cstr(&b, types[info->type]);
	for (size_t i = 0; info->words != NULL && info->words[i] != NULL; i++)
		buf_printf(&b, "%s %s", i > 0 ? "," : "", info->words[i]);
	if (*info->min != '\0')
		buf_printf(&b, ", %s to %s", info->min, info->max);
	buf_printf(&b, "; default %s; %s.", *info->def != '\0' ? info->def : "empty",
		info->reload ? "reload" : "restart");
	assert_true(buf_ok(&b) && b.n < size);
	memcpy(out, b.p, b.n);
	out[b.n] = '\0';
	buf_fini(&b);
}

/* The name in ".Ss [name]" or "[name]". */
static struct str section_of(struct str line)
{
	size_t open = str_find_char(line, '[');

	line = str_from(line, open + 1);
	return str_first(line, str_find_char(line, ']'));
}

static void the_manual_lists_every_key_in_order_with_its_facts(void **state)
{
	struct buf text = read_text(MAN);
	struct str rest = buf_view(&text);
	struct str section = STR_EMPTY;
	struct str line;
	size_t n;
	size_t i = 0;
	const struct setting_info *t = settings_table(&n);

	(void)state;
	while (next_line(&rest, &line)) {
		char want[256];

		if (str_starts(line, STR(".Ss [")))
			section = section_of(line);
		if (!str_starts(line, STR(".It Ic ")))
			continue;
		if (i == n)
			fail_msg("%.*s is not in the table", STR_ARG(line));
		if (!str_eq(section, str_of(t[i].section)) ||
			!str_eq(str_from(line, 7), str_of(t[i].key)))
			fail_msg("the manual has %.*s where %s.%s comes next", STR_ARG(line),
				t[i].section, t[i].key);
		facts(&t[i], want, sizeof want);
		assert_true(next_line(&rest, &line));
		if (!str_eq(line, str_of(want)))
			fail_msg("%s.%s: the manual says \"%.*s\", the table \"%s\"", t[i].section,
				t[i].key, STR_ARG(line), want);
		i++;
	}
	if (i < n)
		fail_msg("%s.%s is not in the manual", t[i].section, t[i].key);
	buf_fini(&text);
}

/* A setting that is commented out: "#key = value", no blank behind the #. */
static bool is_setting(struct str line)
{
	return line.n > 1 && line.p[0] == '#' && islower((unsigned char)line.p[1]);
}

static void the_sample_lists_every_key_in_order_with_its_default(void **state)
{
	struct buf text = read_text(CONF);
	struct str rest = buf_view(&text);
	struct str section = STR_EMPTY;
	struct str line;
	size_t n;
	size_t i = 0;
	const struct setting_info *t = settings_table(&n);

	(void)state;
	while (next_line(&rest, &line)) {
		char want[128];

		if (str_starts(line, STR("[")))
			section = section_of(line);
		if (!is_setting(line))
			continue;
		if (i == n)
			fail_msg("%.*s is not in the table", STR_ARG(line));
		(void)snprintf(want, sizeof want, *t[i].def != '\0' ? "#%s = %s" : "#%s =%s",
			t[i].key, t[i].def);
		if (!str_eq(section, str_of(t[i].section)) || !str_eq(line, str_of(want)))
			fail_msg("the sample has [%.*s] %.*s where [%s] %s comes next",
				STR_ARG(section), STR_ARG(line), t[i].section, want);
		i++;
	}
	if (i < n)
		fail_msg("%s.%s is not in the sample", t[i].section, t[i].key);
	buf_fini(&text);
}

static void assert_defaults(const struct settings *s)
{
	struct settings *plain = load_good("", &dev_source);
	size_t n;
	const struct setting_info *t = settings_table(&n);

	for (size_t i = 0; i < n; i++)
		if (!value_eq(&t[i], setting_field_const(s, &t[i]),
			    setting_field_const(plain, &t[i])))
			fail_msg("%s.%s has not its default", t[i].section, t[i].key);
	assert_int_equal(s->project_count, 0);
	settings_unref(plain);
}

static void the_sample_loads_as_it_is_and_with_every_key_uncommented(void **state)
{
	struct settings_source from = {CONF, NULL, true};
	struct buf text = read_text(CONF);
	struct buf open = BUF_INIT;
	struct str rest = buf_view(&text);
	struct settings *s = NULL;
	struct err err = {0};
	struct str line;

	(void)state;
	if (settings_load(&s, &from, &err) != E_OK)
		fail_msg("%s", err.text);
	assert_defaults(s);
	settings_unref(s);
	while (next_line(&rest, &line)) {
		buf_str(&open, is_setting(line) ? str_from(line, 1) : line);
		buf_char(&open, '\n');
	}
	buf_char(&open, '\0');
	assert_true(buf_ok(&open));
	s = load_good(open.p, &dev_source);
	assert_defaults(s);
	settings_unref(s);
	buf_fini(&open);
	buf_fini(&text);
}

static void the_quickstart_file_keeps_all_in_one_directory(void **state)
{
	static const char *const env[] = {"PICKET_RUN_DIR=/r", NULL};
	struct settings_source from = {"conf/quickstart.conf", env, true};
	struct settings *s = NULL;
	struct err err = {0};

	(void)state;
	if (settings_load(&s, &from, &err) != E_OK)
		fail_msg("%s", err.text);
	assert_string_equal(s->listen.http, "127.0.0.1:4690");
	assert_string_equal(s->listen.unix, "/r/picket.sock");
	assert_string_equal(s->control.unix, "/r/control.sock");
	assert_string_equal(s->spool.dir, "/r/spool");
	settings_unref(s);
	from.env = NULL;
	assert_int_equal(settings_load(&s, &from, &err), E_OK);
	assert_string_equal(s->spool.dir, "build/run/spool");
	settings_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_lists_every_key_in_order_with_its_facts),
		cmocka_unit_test(the_sample_lists_every_key_in_order_with_its_default),
		cmocka_unit_test(the_sample_loads_as_it_is_and_with_every_key_uncommented),
		cmocka_unit_test(the_quickstart_file_keeps_all_in_one_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
