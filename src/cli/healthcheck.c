/* picket healthcheck: 0 or 1, for Docker and friends. */
#include "cli/show.h"
#include "cli/talk.h"

#define HEALTH_TIMEOUT_MS 3000

static int check_ready(struct cli *c)
{
	struct http_request q = {"GET", "/readyz", NULL, "", STR_EMPTY};
	struct http_answer a;
	struct err err = {E_OK, ""};
	int code = 1;

	if (talk_http(c, &q, HEALTH_TIMEOUT_MS, &a, &err) != E_OK)
		(void)talk_fail(c, &err);
	else if (a.status != 200)
		(void)cli_fail(c, 1, "not ready (%d)", a.status);
	else
		code = EX_OK;
	http_answer_fini(&a);
	return code;
}

static int run(struct cli *c)
{
	if (!cli_operand(c, NULL))
		return c->exit_code;
	/* Docker knows 0 and 1 only. */
	return cli_settings(c) == EX_OK ? check_ready(c) : 1;
}

const struct command command_healthcheck = {
	.name = "healthcheck",
	.operands = "",
	.brief = "exit with 0 when the daemon is ready, else 1",
	.more = "Asks the daemon over its Unix socket, or over TCP where that is off, whether it\n"
		"takes envelopes. Says nothing when all is well. An upstream that is away is no\n"
		"reason to be unready: keeping what cannot be sent is the daemon's work.",
	.run = run,
};
