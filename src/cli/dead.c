/* picket dead ls, show: what could not be delivered. */
#include "cli/records.h"
#include "cli/show.h"
#include "cli/talk.h"

static void print_row(void *arg, const json_t *line)
{
	struct cli *c = arg;
	char time[SHOW_BYTES], size[SHOW_BYTES];

	(void)fprintf(c->out, "%8lld  %s  %3lld  %-16s  %9s  %-32s  ",
		(long long)show_get_int(line, "seq"),
		show_time(time, show_get_int(line, "wall_ms")),
		(long long)show_get_int(line, "status"), show_get_text(line, "reason"),
		show_size(size, (uint64_t)show_get_int(line, "bytes")),
		show_get_text(line, "event_id"));
	show_text(c->out, str_of(show_get_text(line, "text")));
	(void)fputc('\n', c->out);
}

static int run_ls(struct cli *c)
{
	return records_ls(c, "dead_ls", print_row);
}

static int run_show(struct cli *c)
{
	return records_show(c, "dead_show");
}

const struct command command_dead_ls = {
	.name = "dead ls",
	.operands = "",
	.brief = "list envelopes that could not be delivered",
	.more = "Lists dead letters, oldest first: record number, time, what the upstream\n"
		"answered, drop reason, size, event id, and what went wrong.",
	.opts = records_ls_opts,
	.prints_data = true,
	.run = run_ls,
};

const struct command command_dead_show = {
	.name = "dead show",
	.operands = "SEQ",
	.brief = "show an envelope that could not be delivered",
	.more = "Shows one dead letter, by its record number. This prints payloads. With --json\n"
		"the envelope is in base64.",
	.opts = records_show_opts,
	.prints_data = true,
	.run = run_show,
};
