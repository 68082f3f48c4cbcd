/* Command-line parsing, event building and what is shown: the pure parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/event.h"
#include "cli/show.h"

static const struct opt opts[] = {
	{'v', "verbose", NULL, "a flag"},
	{'l', "level", "LEVEL", "takes a value"},
	{0, "extra", "KEY=VALUE", "has no letter"},
	{'j', "json", NULL, "another flag"},
	{0, NULL, NULL, NULL},
};

/* Writes "v l=x <operand> ..." for an argument list ended by NULL. */
static const char *parsed(const char *const *argv, char *out, size_t size)
{
	struct args a;
	const char *value;
	size_t n = 0;
	int argc = 0, i;

	while (argv[argc] != NULL)
		argc++;
	args_init(&a, argc, (char **)(uintptr_t)argv);
	out[0] = '\0';
	while ((i = args_next(&a, opts, &value)) != ARG_END && n < size) {
		const char *name = i == ARG_OPERAND ? "" : i == ARG_BAD ? "!" : opts[i].name;

		n += (size_t)snprintf(out + n, size - n, "%s%s%s%.60s;", name,
			value != NULL && i >= 0 ? "=" : "", value != NULL ? value : "",
			i == ARG_BAD ? a.err.text : "");
		if (i == ARG_BAD)
			break;
	}
	return out;
}

static void options_and_operands_may_be_mixed(void **state)
{
	static const struct {
		const char *argv[8];
		const char *want;
	} cases[] = {
		{{NULL}, ""},
		{{"a", "-v", "b", NULL}, "a;verbose;b;"},
		{{"-l", "x", "--level", "y", "--level=z", "-lw", NULL},
			"level=x;level=y;level=z;level=w;"},
		{{"-vjl", "x", NULL}, "verbose;json;level=x;"},
		{{"-vlj", NULL}, "verbose;level=j;"},
		{{"--extra", "a=b=c", "--extra=d=e", NULL}, "extra=a=b=c;extra=d=e;"},
		{{"--", "-v", "--", NULL}, "-v;--;"},
		{{"-", NULL}, "-;"},
		{{"", NULL}, ";"},
		{{"-l", "-v", NULL}, "level=-v;"},
		{{"--level=", NULL}, "level=;"},
		{{"--level", "--", "--", "x", NULL}, "level=--;x;"},
	};
	char out[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(parsed(cases[i].argv, out, sizeof out), cases[i].want);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *argv[4];
		const char *want;
	} cases[] = {
		{{"-x", NULL}, "!there is no option -x;"},
		{{"-vx", NULL}, "verbose;!there is no option -x;"},
		{{"--nope", NULL}, "!there is no option --nope;"},
		{{"--nope=1", NULL}, "!there is no option --nope;"},
		{{"--verb", NULL}, "!there is no option --verb;"},
		{{"--verbose=1", NULL}, "!option --verbose takes no value;"},
		{{"--level", NULL}, "!option --level needs a value;"},
		{{"-l", NULL}, "!option --level needs a value;"},
		{{"---", NULL}, "!there is no option ---;"},
	};
	char out[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(parsed(cases[i].argv, out, sizeof out), cases[i].want);
}

/* --- events ---------------------------------------------------------------- */

static json_t *json_line(struct str *rest)
{
	struct str line;
	json_t *v;

	assert_true(str_cut(rest, '\n', &line));
	v = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_object(v));
	return v;
}

static const char *text_of(const json_t *object, const char *key)
{
	return show_get_text(object, key);
}

/* protocol.md 6.4, 7, 9: one header, and items with their length. */
static void an_event_is_a_well_formed_envelope(void **state)
{
	struct event e = {.wall_us = 1700000000000000, .message = "disk \"full\"\n\xc3\xa4"};
	struct buf out = BUF_INIT;
	struct err err;
	struct str rest;
	json_t *header, *item, *payload;

	(void)state;
	memset(e.id.b, 0xab, sizeof e.id.b);
	e.environment = "prod";
	e.release = "";
	assert_int_equal(event_pair(&e.tags, "unit=cron", &err), E_OK);
	assert_int_equal(event_pair(&e.tags, "empty=", &err), E_OK);
	assert_int_equal(event_pair(&e.extra, "a=b=c", &err), E_OK);
	assert_int_equal(event_write(&e, &out, &err), E_OK);
	rest = buf_view(&out);
	header = json_line(&rest);
	assert_string_equal(text_of(header, "event_id"), "abababababababababababababababab");
	assert_string_equal(text_of(header, "sent_at"), "2023-11-14T22:13:20.000000Z");
	item = json_line(&rest);
	assert_string_equal(text_of(item, "type"), "event");
	assert_int_equal(show_get_int(item, "length"), rest.n - 1);
	assert_int_equal(rest.p[rest.n - 1], '\n');
	payload = json_line(&rest);
	assert_string_equal(text_of(payload, "event_id"), text_of(header, "event_id"));
	assert_string_equal(text_of(payload, "level"), "error");
	assert_string_equal(text_of(payload, "platform"), "other");
	assert_string_equal(text_of(payload, "message"), "disk \"full\"\n\xc3\xa4");
	assert_string_equal(text_of(payload, "environment"), "prod");
	assert_null(json_object_get(payload, "release"));
	assert_string_equal(text_of(json_object_get(payload, "tags"), "unit"), "cron");
	assert_string_equal(text_of(json_object_get(payload, "tags"), "empty"), "");
	assert_string_equal(text_of(json_object_get(payload, "extra"), "a"), "b=c");
	assert_string_equal(text_of(json_object_get(payload, "sdk"), "name"), "picket-cli");
	json_decref(header);
	json_decref(item);
	json_decref(payload);
	buf_fini(&out);
	event_fini(&e);
}

static void attachments_keep_every_byte(void **state)
{
	struct buf out = BUF_INIT;
	struct err err;
	struct str rest;
	json_t *item;

	(void)state;
	assert_int_equal(
		event_write_attachment("dir/we\"ird", str_make("\0\n\xff", 3), &out, &err), E_OK);
	rest = buf_view(&out);
	item = json_line(&rest);
	assert_string_equal(text_of(item, "type"), "attachment");
	assert_string_equal(text_of(item, "filename"), "we\"ird");
	assert_int_equal(show_get_int(item, "length"), 3);
	assert_true(str_eq(rest, str_make("\0\n\xff\n", 4)));
	json_decref(item);
	buf_fini(&out);
}

static void what_is_no_event_is_refused(void **state)
{
	struct event e = {.message = "\xff"};
	struct buf out = BUF_INIT;
	struct err err;

	(void)state;
	assert_int_equal(event_write(&e, &out, &err), E_INVAL);
	assert_int_equal(out.n, 0);
	assert_int_equal(event_pair(&e.tags, "novalue", &err), E_INVAL);
	assert_int_equal(event_pair(&e.tags, "=x", &err), E_INVAL);
	assert_int_equal(event_pair(&e.tags, "k=\xff", &err), E_INVAL);
	assert_null(event_level("loud"));
	assert_null(event_level(""));
	assert_string_equal(event_level("warn"), "warning");
	assert_string_equal(event_level("fatal"), "fatal");
	event_fini(&e);
	buf_fini(&out);
}

/* --- showing --------------------------------------------------------------- */

static void figures_are_short(void **state)
{
	char out[SHOW_BYTES];

	(void)state;
	assert_string_equal(show_size(out, 0), "0 B");
	assert_string_equal(show_size(out, 999), "999 B");
	assert_string_equal(show_size(out, 1000), "1.0 KiB");
	assert_string_equal(show_size(out, 150 * 1024), "150 KiB");
	assert_string_equal(show_size(out, 1023 * 1024), "1.0 MiB");
	assert_string_equal(show_size(out, 512u << 20), "512 MiB");
	assert_string_equal(show_size(out, UINT64_MAX), "16.0 EiB");
	assert_string_equal(show_span(out, -3), "0 s");
	assert_string_equal(show_span(out, 119), "119 s");
	assert_string_equal(show_span(out, 120), "2 min");
	assert_string_equal(show_span(out, 7260), "2 h 1 min");
	assert_string_equal(show_span(out, 200000), "2 d 7 h");
	assert_true(strlen(show_span(out, INT64_MAX)) < SHOW_BYTES);
	assert_true(strlen(show_time(out, INT64_MAX)) < SHOW_BYTES);
	assert_true(strlen(show_time(out, INT64_MIN)) < SHOW_BYTES);
}

static void show_with(void (*show)(FILE *to, struct str s), struct str in, const char *want)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	show(f, in);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

static void foreign_text_cannot_speak_to_the_terminal(void **state)
{
	(void)state;
	show_with(show_text, STR("a\x1b[31mb\nc\x7f"), "a?[31mb?c?");
	show_with(show_text, STR("\xc3\xa4\xc2\x9b!"), "\xc3\xa4?!");
	show_with(show_text, STR("\xff\xc3"), "??");
	show_with(show_lines, STR("a\tb\n\x1b\xc2\x9b"), "a\tb\n\\x1b\\xc2\\x9b");
	show_with(show_lines, STR("\xe4"), "\\xe4");
	show_with(show_lines, STR("\xc2"), "\\xc2");
	show_with(show_text, STR_EMPTY, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_may_be_mixed),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(an_event_is_a_well_formed_envelope),
		cmocka_unit_test(attachments_keep_every_byte),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(figures_are_short),
		cmocka_unit_test(foreign_text_cannot_speak_to_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
