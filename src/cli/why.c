/* picket why: the life of one event. */
#include "base/id.h"
#include "cli/show.h"
#include "cli/talk.h"

static void print_entry(void *arg, const json_t *line)
{
	struct cli *c = arg;
	char time[SHOW_BYTES];
	const char *reason = show_get_text(line, "reason");
	int64_t status = show_get_int(line, "status"), attempts = show_get_int(line, "attempts");

	if (c->is_json) {
		talk_print_json(c, line);
		return;
	}
	(void)fprintf(c->out, "%s  %-8s", show_time(time, show_get_int(line, "wall_ms")),
		show_get_text(line, "what"));
	(void)fprintf(c->out, "  class %s", show_get_text(line, "class"));
	if (show_get_int(line, "seq") > 0)
		(void)fprintf(c->out, ", record %lld", (long long)show_get_int(line, "seq"));
	if (status > 0)
		(void)fprintf(c->out, ", upstream answered %lld", (long long)status);
	if (reason[0] != '\0')
		(void)fprintf(c->out, ", reason %s", reason);
	if (attempts > 0)
		(void)fprintf(c->out, ", attempt %lld", (long long)attempts);
	(void)fputc('\n', c->out);
}

static int run(struct cli *c)
{
	const char *text;
	struct event_id id;

	if (!cli_operand(c, &text))
		return c->exit_code;
	if (!event_id_parse(str_of(text), &id))
		return cli_usage(c, "\"%s\" is no event id (32 hexadecimal digits)", text);
	return talk_control(c, json_pack("{s:s, s:s}", "cmd", "why", "event_id", text),
		TALK_TIMEOUT_MS, print_entry, c, NULL);
}

const struct command command_why = {
	.name = "why",
	.operands = "EVENT_ID",
	.brief = "what became of an event",
	.more = "Tells the life of an event: stored, tried, sent, dropped, and why. The daemon\n"
		"remembers recent events only; exits with 1 for one it does not know.",
	.prints_data = true,
	.run = run,
};
