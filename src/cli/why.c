/* picket why: the life of one event. */
#include <string.h>

#include "base/id.h"
#include "cli/show.h"
#include "cli/talk.h"

struct telling {
	struct cli *cli;
	json_t *retry;       /* the last of a row of retries, not printed yet */
	int64_t retry_count; /* how many there were */
};

/* Rules of the operator, or what else decided. */
static void print_who(FILE *to, const char *before, const char *who)
{
	if (who[0] == '\0')
		return;
	(void)fputs(before, to);
	show_text(to, str_of(who));
}

static void print_entry(FILE *to, const json_t *line, int64_t times)
{
	char time[SHOW_BYTES];
	const char *reason = show_get_text(line, "reason");
	int64_t status = show_get_int(line, "status"), attempts = show_get_int(line, "attempts");

	(void)fprintf(to, "%s  %-9s", show_time(time, show_get_int(line, "wall_ms")),
		show_get_text(line, "what"));
	(void)fprintf(to, "  class %s", show_get_text(line, "class"));
	if (show_get_int(line, "seq") > 0)
		(void)fprintf(to, ", record %lld", (long long)show_get_int(line, "seq"));
	if (status > 0)
		(void)fprintf(to, ", upstream answered %lld", (long long)status);
	if (reason[0] != '\0')
		(void)fprintf(to, ", reason %s", reason);
	print_who(to, ", by ", show_get_text(line, "by"));
	print_who(to, ", rules ", show_get_text(line, "rules"));
	print_who(to, ", scrubbed ", show_get_text(line, "scrubbed"));
	if (attempts > 0)
		(void)fprintf(to, ", attempt %lld", (long long)attempts);
	if (times > 1)
		(void)fprintf(to, " (the last of %lld)", (long long)times);
	(void)fputc('\n', to);
}

static void print_retries(struct telling *t)
{
	if (t->retry != NULL)
		print_entry(t->cli->out, t->retry, t->retry_count);
	json_decref(t->retry);
	t->retry = NULL;
	t->retry_count = 0;
}

/* An outage of days makes thousands of retries; a row of them is one line. */
static void tell(void *arg, const json_t *line)
{
	struct telling *t = arg;

	if (t->cli->is_json) {
		talk_print_json(t->cli, line);
	} else if (strcmp(show_get_text(line, "what"), "retry") == 0) {
		json_decref(t->retry);
		t->retry = json_deep_copy(line);
		t->retry_count++;
	} else {
		print_retries(t);
		print_entry(t->cli->out, line, 1);
	}
}

static int run(struct cli *c)
{
	const char *text;
	struct event_id id;
	struct telling t = {c, NULL, 0};
	int code;

	if (!cli_operand(c, &text))
		return c->exit_code;
	if (!event_id_parse(str_of(text), &id))
		return cli_usage(c, "\"%s\" is no event id (32 hexadecimal digits)", text);
	code = talk_control(c, json_pack("{s:s, s:s}", "cmd", "why", "event_id", text),
		TALK_TIMEOUT_MS, tell, &t, NULL);
	print_retries(&t);
	return code;
}

const struct command command_why = {
	.name = "why",
	.operands = "EVENT_ID",
	.brief = "what became of an event",
	.more = "Tells the life of an event: stored, tried, sent, dropped, and why; the rules "
		"that\n"
		"were true for it, the paths of what was scrubbed, and the rule, list, sample or\n"
		"hook that let it go. The daemon remembers recent events only; exits with 1 for "
		"one\n"
		"it does not know.",
	.prints_data = true,
	.run = run,
};
