/* picket hold, release, reload, drain: orders to the daemon. */
#include "cli/show.h"
#include "cli/talk.h"

#define DRAIN_DEFAULT_S 60
#define DRAIN_MAX_S     604800u /* 7 days */

static int order(struct cli *c, const char *cmd)
{
	if (!cli_operand(c, NULL))
		return c->exit_code;
	return talk_control(c, json_pack("{s:s}", "cmd", cmd), TALK_TIMEOUT_MS, NULL, NULL, NULL);
}

static int run_hold(struct cli *c)
{
	return order(c, "hold");
}

static int run_release(struct cli *c)
{
	return order(c, "release");
}

static int run_reload(struct cli *c)
{
	int code = order(c, "reload");

	/* The daemon's settings are what is wrong, not this command line. */
	return code == EX_USAGE && c->exit_code == EX_OK ? EX_CONFIG : code;
}

static const struct opt drain_opts[] = {
	{'t', "timeout", "SECONDS", "how long to wait (default: 60)"},
	{0, NULL, NULL, NULL},
};

static int drain(struct cli *c, uint64_t timeout_s)
{
	char count[SHOW_BYTES], size[SHOW_BYTES];
	json_t *end = NULL;
	bool is_empty;
	int code = talk_control(c,
		json_pack("{s:s, s:I}", "cmd", "drain", "timeout_s", (json_int_t)timeout_s),
		(int64_t)timeout_s * 1000 + TALK_TIMEOUT_MS, NULL, NULL, &end);

	if (code != EX_OK)
		return code;
	is_empty = json_is_true(json_object_get(end, "empty"));
	if (c->is_json)
		talk_print_json(c, end);
	else if (!is_empty)
		(void)cli_fail(c, EX_TEMPFAIL, "%s (%s) still waiting",
			show_envelopes(count, show_get_int(end, "records")),
			show_size(size, (uint64_t)show_get_int(end, "bytes")));
	json_decref(end);
	return is_empty ? EX_OK : EX_TEMPFAIL;
}

static int run_drain(struct cli *c)
{
	uint64_t timeout_s = DRAIN_DEFAULT_S;
	const char *value;
	int i;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i == ARG_OPERAND)
			return cli_usage(c, "unexpected argument \"%s\"", value);
		if (!str_to_u64(str_of(value), DRAIN_MAX_S, &timeout_s))
			return cli_usage(c, "\"%s\" is not a number of seconds", value);
	}
	return drain(c, timeout_s);
}

const struct command command_hold = {
	.name = "hold",
	.operands = "",
	.brief = "stop sending; go on taking",
	.more = "Stops sending upstream. What clients send is taken and stored as before.\n"
		"Lasts until \"picket release\" or a restart of the daemon.",
	.run = run_hold,
};

const struct command command_release = {
	.name = "release",
	.operands = "",
	.brief = "go on sending",
	.more = "Ends \"picket hold\".",
	.run = run_release,
};

const struct command command_drain = {
	.name = "drain",
	.operands = "",
	.brief = "wait until everything is sent",
	.more = "Waits until the spool is empty, for example before a machine goes away. Exits\n"
		"with 75 when the time is over and something is still waiting.",
	.opts = drain_opts,
	.prints_data = true,
	.run = run_drain,
};

const struct command command_reload = {
	.name = "reload",
	.operands = "",
	.brief = "read the configuration again",
	.more = "Makes the daemon read its configuration again, as SIGHUP does, and tells how it\n"
		"went. Settings that are wrong leave those in force, and the exit code is 78.",
	.run = run_reload,
};
