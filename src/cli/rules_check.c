/* picket rules check: is what a configuration says of rules right, and what is it?
 *
 *   run           options, files
 *   check_file    settings, compiled as in the daemon, then one of
 *   print_plain   a line for each rule, sample, list and hook
 *   print_json    the same as one object
 */
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/rehearsal.h"
#include "cli/show.h"
#include "hooks/hooks.h"

static const struct opt opts[] = {
	{'q', "quiet", NULL, "print errors only"},
	{0, NULL, NULL, NULL},
};
enum { OPT_QUIET };

struct checking {
	struct cli *c;
	bool is_quiet;
	size_t bad;
};

/* --- what there is --------------------------------------------------------------------- */

/* "on" as one line: it may have been several. */
static void put_on(struct buf *out, const char *text, const char *otherwise)
{
	struct str rest = str_of(text != NULL ? text : otherwise);
	bool blank = false;

	rest = str_trim(rest);
	for (size_t i = 0; i < rest.n; i++) {
		bool is_blank = str_is_blank(rest.p[i]) || rest.p[i] == ',';

		if (!is_blank && blank)
			buf_cstr(out, ", ");
		if (!is_blank)
			buf_char(out, rest.p[i]);
		blank = is_blank;
	}
}

struct list_row {
	const char *name;
	size_t n;
};
#define LISTS 8

static void read_lists(const struct settings *s, struct list_row ret[LISTS])
{
	const struct list_row rows[LISTS] = {{"errors", s->ignore.errors.n},
		{"transactions", s->ignore.transactions.n}, {"loggers", s->ignore.loggers.n},
		{"paths", s->ignore.paths.n}, {"status_codes", s->ignore.status_codes.n},
		{"releases", s->ignore.releases.n}, {"deny_urls", s->ignore.deny_urls.n},
		{"allow_urls", s->ignore.allow_urls.n}};

	memcpy(ret, rows, sizeof rows);
}

static const char *const hook_names[HOOK_COUNT] = {
#define HOOK_NAME(id, name) [HOOK_##id] = (name),
	HOOKS(HOOK_NAME)
#undef HOOK_NAME
};

/* --- as lines ---------------------------------------------------------------------------- */

static void print_line(const struct checking *k, struct buf *line)
{
	if (buf_ok(line) && line->n > 0) {
		show_text(k->c->out, buf_view(line));
		(void)fputc('\n', k->c->out);
	}
	buf_clear(line);
}

static void print_rules(
	const struct checking *k, const struct rehearsal *r, const struct settings *s)
{
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < s->rule_count; i++) {
		size_t n = ruleset_actions(rehearsal_rules(r), i);

		buf_printf(&line, "  rule %-24s on ", s->rules[i].name);
		put_on(&line, s->rules[i].on.text, "event");
		buf_printf(&line, ": %zu action%s", n, n == 1 ? "" : "s");
		print_line(k, &line);
	}
	for (size_t i = 0; i < s->sample_count; i++) {
		const struct sample_setting *v = &s->samples[i];

		buf_printf(&line, "  sample %-22s on ", v->name);
		put_on(&line, v->on.text, "");
		buf_printf(&line, ": rate %s", v->rate.text);
		print_line(k, &line);
	}
	buf_fini(&line);
}

static void print_rest(const struct checking *k, const struct rehearsal *r)
{
	const struct settings *s = rehearsal_settings(r);
	const struct hooks *hooks = judge_hooks(judge_of(s));
	struct buf line = BUF_INIT;
	struct list_row lists[LISTS];

	read_lists(s, lists);
	for (size_t i = 0; i < LISTS; i++) {
		if (lists[i].n > 0)
			buf_printf(&line, "%s%s %zu", line.n == 0 ? "  ignore " : ", ",
				lists[i].name, lists[i].n);
	}
	print_line(k, &line);
	for (int h = 0; hooks != NULL && h < HOOK_COUNT; h++) {
		if (!hooks_has(hooks, (enum hook)h))
			continue;
		if (line.n == 0)
			buf_printf(&line, "  hooks %s: %s", s->hooks.script, hook_names[h]);
		else
			buf_printf(&line, ", %s", hook_names[h]);
	}
	print_line(k, &line);
	buf_fini(&line);
}

/* What a person should be told, and is no error. */
static void print_warnings(const struct checking *k, const char *file, const struct rehearsal *r)
{
	const struct judge *j = judge_of(rehearsal_settings(r));
	const char *text;

	for (size_t i = 0; (text = process_scrub_warning(j, i)) != NULL; i++)
		(void)fprintf(k->c->errs, "picket rules check: %s: %s\n", file, text);
}

static void print_plain(const struct checking *k, const char *file, const struct rehearsal *r)
{
	const struct settings *s = rehearsal_settings(r);
	struct buf line = BUF_INIT;

	buf_printf(&line, "%s: ok, %zu rule%s", file, s->rule_count, s->rule_count == 1 ? "" : "s");
	print_line(k, &line);
	buf_fini(&line);
	print_rules(k, r, s);
	print_rest(k, r);
}

/* --- as JSON ------------------------------------------------------------------------------ */

static void put_json(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "\"%s\":", key);
	buf_json_str(out, str_of(value));
}

static void put_on_json(struct buf *out, const char *text, const char *otherwise)
{
	struct buf on = BUF_INIT;

	put_on(&on, text, otherwise);
	buf_cstr(out, ",\"on\":");
	buf_json_str(out, buf_view(&on));
	buf_fini(&on);
}

static void put_rules_json(struct buf *out, const struct rehearsal *r)
{
	const struct settings *s = rehearsal_settings(r);

	buf_cstr(out, ",\"rules\":[");
	for (size_t i = 0; i < s->rule_count; i++) {
		buf_cstr(out, i > 0 ? ",{" : "{");
		put_json(out, "name", s->rules[i].name);
		put_on_json(out, s->rules[i].on.text, "event");
		buf_printf(out, ",\"actions\":%zu,", ruleset_actions(rehearsal_rules(r), i));
		put_json(out, "place", s->rules[i].place);
		buf_char(out, '}');
	}
	buf_cstr(out, "],\"samples\":[");
	for (size_t i = 0; i < s->sample_count; i++) {
		buf_cstr(out, i > 0 ? ",{" : "{");
		put_json(out, "name", s->samples[i].name);
		put_on_json(out, s->samples[i].on.text, "");
		buf_char(out, ',');
		put_json(out, "rate", s->samples[i].rate.text);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void put_rest_json(struct buf *out, const struct rehearsal *r)
{
	const struct settings *s = rehearsal_settings(r);
	const struct hooks *hooks = judge_hooks(judge_of(s));
	struct list_row lists[LISTS];
	const char *between = "";

	read_lists(s, lists);
	buf_cstr(out, ",\"ignore\":{");
	for (size_t i = 0; i < LISTS; i++)
		buf_printf(out, "%s\"%s\":%zu", i > 0 ? "," : "", lists[i].name, lists[i].n);
	buf_cstr(out, "},\"hooks\":[");
	for (int h = 0; hooks != NULL && h < HOOK_COUNT; h++) {
		if (!hooks_has(hooks, (enum hook)h))
			continue;
		buf_printf(out, "%s\"%s\"", between, hook_names[h]);
		between = ",";
	}
	buf_char(out, ']');
}

/* r NULL: it is wrong, for the reason of err. */
static void print_json(const struct checking *k, const char *file, const struct rehearsal *r,
	const struct err *err)
{
	struct buf out = BUF_INIT;

	buf_char(&out, '{');
	put_json(&out, "file", file);
	buf_printf(&out, ",\"ok\":%s", r != NULL ? "true" : "false");
	if (r != NULL) {
		put_rules_json(&out, r);
		put_rest_json(&out, r);
	} else {
		buf_char(&out, ',');
		put_json(&out, "why", err->text);
	}
	buf_cstr(&out, "}\n");
	if (buf_ok(&out))
		(void)fwrite(out.p, 1, out.n, k->c->out);
	buf_fini(&out);
}

/* --- checking ------------------------------------------------------------------------------- */

/* file NULL: what the daemon would read. */
static void check_file(struct checking *k, const char *file)
{
	const struct rehearsal_source from = {.file = file, .env = k->c->env};
	const char *name = file != NULL ? file : "the configuration";
	struct rehearsal *r = NULL;
	struct err err = {E_OK, ""};

	if (rehearsal_new(&r, &from, &err) != E_OK) {
		k->bad++;
		if (k->c->is_json)
			print_json(k, name, NULL, &err);
		else
			(void)cli_fail(k->c, EX_CONFIG, "%s", err.text);
		return;
	}
	print_warnings(k, name, r);
	if (k->c->is_json)
		print_json(k, name, r, NULL);
	else if (!k->is_quiet)
		print_plain(k, name, r);
	rehearsal_free(r);
}

/* ARG_END: go on; else what to exit with. */
static int read_args(struct checking *k, struct found_files *files)
{
	struct cli *c = k->c;
	const char *value;
	int i, code;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i == OPT_QUIET)
			k->is_quiet = true;
		else if ((code = find_operand(c, value, ".conf", files)) != EX_OK)
			return code;
	}
	return ARG_END;
}

static int run(struct cli *c)
{
	struct found_files files = {.arena = arena_new(4096, 0)};
	struct checking k = {.c = c};
	int code;

	if (files.arena == NULL)
		return cli_fail(c, EX_OSERR, "no memory");
	code = read_args(&k, &files);
	if (code == ARG_END) {
		for (size_t i = 0; i < files.n; i++)
			check_file(&k, files.v[i]);
		if (files.n == 0)
			check_file(&k, c->config != NULL ? c->config : cli_env(c, "PICKET_CONFIG"));
		code = k.bad > 0 ? EX_CONFIG : EX_OK;
	}
	arena_free(files.arena);
	return code;
}

const struct command command_rules_check = {
	.name = "rules check",
	.operands = "[FILE|DIR...]",
	.brief = "say what is wrong with rules",
	.more = "Reads and compiles rules, samples, ignore lists and the script of hooks as the\n"
		"daemon does, and lists them. An error names file, line and column, what was\n"
		"expected there, and the nearest valid name. Each FILE is a configuration of its\n"
		"own, each *.conf in and below a DIR likewise; without any it is the daemon's\n"
		"configuration. No daemon is needed. Exits with 78 when something is wrong.",
	.opts = opts,
	.prints_data = true,
	.run = run,
};
