/* picket spool ls, show, purge: what waits to be sent. */
#include "cli/records.h"
#include "cli/show.h"
#include "cli/talk.h"

#define PURGE_TIMEOUT_MS 60000

static void print_row(void *arg, const json_t *line)
{
	struct cli *c = arg;
	char time[SHOW_BYTES], size[SHOW_BYTES];

	(void)fprintf(c->out, "%8lld  %-9s  %s  %9s  %-32s  ", (long long)show_get_int(line, "seq"),
		show_get_text(line, "class"), show_time(time, show_get_int(line, "wall_ms")),
		show_size(size, (uint64_t)show_get_int(line, "bytes")),
		show_get_text(line, "event_id"));
	show_text(c->out, str_of(show_get_text(line, "project")));
	(void)fputs("  ", c->out);
	records_print_items(c->out, line);
	(void)fputc('\n', c->out);
}

static int run_ls(struct cli *c)
{
	return records_ls(c, "spool_ls", print_row);
}

static int run_show(struct cli *c)
{
	return records_show(c, "spool_show");
}

static const struct opt purge_opts[] = {
	{0, "class", "CLASS", "only this priority class"},
	{0, "project", "ID", "only this upstream project"},
	{0, "all", NULL, "everything"},
	{0, NULL, NULL, NULL},
};
enum { OPT_CLASS, OPT_PROJECT, OPT_ALL };

static int purge(struct cli *c, const char *class, const char *project)
{
	json_t *request = json_pack(
		"{s:s, s:s*, s:s*}", "cmd", "spool_purge", "class", class, "project", project);
	json_t *end = NULL;
	char text[SHOW_BYTES];
	int code = talk_control(c, request, PURGE_TIMEOUT_MS, NULL, NULL, &end);

	if (code == EX_OK && c->is_json)
		talk_print_json(c, end);
	else if (code == EX_OK)
		(void)fprintf(
			c->out, "%s dropped\n", show_envelopes(text, show_get_int(end, "purged")));
	json_decref(end);
	return code;
}

static int run_purge(struct cli *c)
{
	const char *class = NULL, *project = NULL, *value;
	bool all = false;
	int i;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i == ARG_OPERAND)
			return cli_usage(c, "unexpected argument \"%s\"", value);
		if (i == OPT_CLASS)
			class = value;
		else if (i == OPT_PROJECT)
			project = value;
		else
			all = true;
	}
	/* A slip of the finger must not throw everything away. */
	if (all == (class != NULL || project != NULL))
		return cli_usage(c, "say what to drop: --class, --project or --all");
	return purge(c, class, project);
}

const struct command command_spool_ls = {
	.name = "spool ls",
	.operands = "",
	.brief = "list envelopes that wait",
	.more = "Lists stored envelopes, most important class and oldest first: record number,\n"
		"class, time, size on disk, event id, project, and what it counts as.",
	.opts = records_ls_opts,
	.prints_data = true,
	.run = run_ls,
};

const struct command command_spool_show = {
	.name = "spool show",
	.operands = "SEQ",
	.brief = "show an envelope that waits",
	.more = "Shows one stored envelope, by its record number. This prints payloads. With\n"
		"--json the envelope is in base64.",
	.opts = records_show_opts,
	.prints_data = true,
	.run = run_show,
};

const struct command command_spool_purge = {
	.name = "spool purge",
	.operands = "",
	.brief = "drop envelopes that wait",
	.more = "Drops stored envelopes for good. They are counted as dropped (cache_overflow)\n"
		"and reported to Sentry. What is being sent at this moment may still arrive.",
	.opts = purge_opts,
	.prints_data = true,
	.run = run_purge,
};
