/* picket envelope: what is in a file goes to the daemon as it is. */
#include <string.h>

#include "base/file.h"
#include "cli/post.h"
#include "cli/show.h"
#include "envelope/dsn.h"

/* An envelope that names its DSN carries its own credentials; others of ours
 * beside them would be refused (protocol.md 4.4). */
static int choose_credentials(struct cli *c, struct str envelope, struct post_as *as)
{
	struct str line = str_first(envelope, str_find_char(envelope, '\n'));
	json_t *header = json_loadb(line.p != NULL ? line.p : "", line.n, 0, NULL);
	const char *text = show_get_text(header, "dsn");
	struct dsn dsn;
	bool has_own = text[0] != '\0' && dsn_parse(str_of(text), &dsn, NULL) == E_OK &&
		       dsn.project.n < sizeof as->project;

	if (has_own) {
		as->key[0] = '\0';
		memcpy(as->project, dsn.project.p, dsn.project.n);
		as->project[dsn.project.n] = '\0';
	}
	json_decref(header);
	return has_own ? EX_OK : post_as_default(c, as);
}

static int post_file(struct cli *c, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct err err = {E_OK, ""};
	struct buf envelope, answer;
	struct post_as as;
	int code;

	buf_init(&envelope, 0);
	buf_init(&answer, 0);
	if (file_read(is_stdin ? "/dev/stdin" : path, (size_t)c->settings->limits.envelope,
		    &envelope, &err) != E_OK)
		code = cli_fail(c, err.code == E_TOOBIG ? EX_DATAERR : EX_NOINPUT, "%s", err.text);
	else
		code = choose_credentials(c, buf_view(&envelope), &as);
	if (code == EX_OK)
		code = post_envelope(c, &as, buf_view(&envelope), &answer);
	if (code == EX_OK) {
		show_lines(c->out, str_trim(buf_view(&answer)));
		(void)fputc('\n', c->out);
	}
	buf_fini(&envelope);
	buf_fini(&answer);
	return code;
}

static int run(struct cli *c)
{
	const char *path = NULL, *value;
	int code, i;

	while ((i = cli_next(c, &value)) == ARG_OPERAND) {
		if (path != NULL)
			return cli_usage(c, "unexpected argument \"%s\"", value);
		path = value;
	}
	if (i == ARG_STOP)
		return c->exit_code;
	code = cli_settings(c);
	return code == EX_OK ? post_file(c, path != NULL ? path : "-") : code;
}

const struct command command_envelope = {
	.name = "envelope",
	.operands = "[FILE]",
	.brief = "send a file that holds an envelope",
	.more = "Sends an envelope as it stands in FILE, or on standard input, and prints the\n"
		"daemon's answer. Credentials are the dsn of its header; without one they come\n"
		"from $PICKET_DSN or $SENTRY_DSN.",
	.run = run,
};
