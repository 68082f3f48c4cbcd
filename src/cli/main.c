/* picket - the command line of picketd. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static bool wants_color(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (isatty(STDOUT_FILENO) != 1 || (no != NULL && no[0] != '\0'))
		return false;
	return term == NULL || strcmp(term, "dumb") != 0;
}

int main(int argc, char **argv)
{
	struct cli c = {.out = stdout,
		.errs = stderr,
		.env = (const char *const *)environ,
		.has_color = wants_color()};
	int code;

	if (argc < 1)
		return EX_USAGE;
	/* "picket spool ls | head" ends quietly, as it does for other tools. */
	(void)signal(SIGPIPE, SIG_DFL);
	code = cli_main(&c, argc, argv);
	cli_fini(&c);
	return code;
}
