#include "cli/cli.h"

#include <stdarg.h>
#include <string.h>

static const struct command *const commands[] = {
	&command_send,
	&command_envelope,
	&command_status,
	&command_why,
	&command_hold,
	&command_release,
	&command_drain,
	&command_reload,
	&command_spool_ls,
	&command_spool_show,
	&command_spool_audit,
	&command_spool_purge,
	&command_dead_ls,
	&command_dead_show,
	&command_scrub,
	&command_rules_check,
	&command_rules_test,
	&command_rules_diff,
	&command_healthcheck,
	NULL,
};

const struct command *const *cli_commands(void)
{
	return commands;
}

static const struct opt common[] = {
	{'c', "config", "FILE", "the daemon's configuration (default: $PICKET_CONFIG)"},
	{'h', "help", NULL, "print this"},
	{0, "json", NULL, "print JSON"},
	{0, NULL, NULL, NULL},
};
enum { COMMON_CONFIG, COMMON_HELP, COMMON_JSON };

#define MAX_OPTS 24

/* --- failing --------------------------------------------------------------- */

int cli_exit_code(int rc)
{
	switch (rc) {
	case E_OK:
		return EX_OK;
	case E_NOTFOUND:
		return 1;
	case E_INVAL:
		return EX_USAGE;
	case E_SYNTAX:
	case E_TOOBIG:
	case E_CORRUPT:
		return EX_DATAERR;
	case E_NET:
		return EX_UNAVAILABLE;
	case E_TIMEOUT:
	case E_LIMITED:
	case E_CANCELED:
	case E_NOMEM:
		return EX_TEMPFAIL;
	case E_DENIED:
	case E_UNAUTHORIZED:
		return EX_NOPERM;
	case E_NOSPACE:
	case E_READONLY:
	case E_IO:
		return EX_IOERR;
	default:
		return EX_SOFTWARE;
	}
}

static void print_name(struct cli *c)
{
	(void)fprintf(c->errs, "picket%s%s: ", c->command != NULL ? " " : "",
		c->command != NULL ? c->command->name : "");
}

int cli_fail(struct cli *c, int code, const char *fmt, ...)
{
	va_list ap;

	print_name(c);
	va_start(ap, fmt);
	(void)vfprintf(c->errs, fmt, ap);
	va_end(ap);
	(void)fputc('\n', c->errs);
	return code;
}

int cli_fail_err(struct cli *c, const struct err *err)
{
	return cli_fail(c, cli_exit_code(err->code), "%s", err->text);
}

int cli_usage(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	print_name(c);
	va_start(ap, fmt);
	(void)vfprintf(c->errs, fmt, ap);
	va_end(ap);
	(void)fprintf(c->errs, " (picket help%s%s tells more)\n", c->command != NULL ? " " : "",
		c->command != NULL ? c->command->name : "");
	return EX_USAGE;
}

/* --- help ------------------------------------------------------------------ */

static void print_opt(FILE *to, const struct opt *o)
{
	char left[64];

	(void)snprintf(left, sizeof left, "%s%c%s--%s%s%s", o->letter != 0 ? "-" : "  ",
		o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ", " : " ", o->name,
		o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	(void)fprintf(to, "  %-26s %s\n", left, o->help);
}

static void print_help(FILE *to, const struct command *cmd)
{
	(void)fprintf(to, "usage: picket %s [OPTIONS]%s%s\n\n%s\n\n", cmd->name,
		cmd->operands[0] != '\0' ? " " : "", cmd->operands, cmd->more);
	for (const struct opt *o = cmd->opts; o != NULL && o->help != NULL; o++)
		print_opt(to, o);
	for (int i = 0; common[i].help != NULL; i++) {
		if (i != COMMON_JSON || cmd->prints_data)
			print_opt(to, &common[i]);
	}
}

static void print_commands(FILE *to)
{
	(void)fputs("usage: picket [-c FILE] COMMAND [OPTIONS] [ARGUMENTS]\n\n"
		    "Sends to Sentry through the local daemon picketd, and looks inside it.\n\n",
		to);
	for (int i = 0; commands[i] != NULL; i++)
		(void)fprintf(to, "  %-14s %s\n", commands[i]->name, commands[i]->brief);
	(void)fputs("  help COMMAND   more about a command\n"
		    "  --version      the version of this program\n\n"
		    "Manual: picket(1), picketd(8), picket.conf(5).\n",
		to);
}

/* --- options --------------------------------------------------------------- */

static int with_common(const struct command *cmd, struct opt all[MAX_OPTS])
{
	int n = 0;

	for (const struct opt *o = cmd->opts; o != NULL && o->help != NULL; o++) {
		if (n < MAX_OPTS - 4)
			all[n++] = *o;
	}
	for (int i = 0; common[i].help != NULL; i++) {
		if (i != COMMON_JSON || cmd->prints_data)
			all[n++] = common[i];
	}
	all[n] = (struct opt){0, NULL, NULL, NULL};
	return n - (cmd->prints_data ? 3 : 2);
}

int cli_next(struct cli *c, const char **value)
{
	struct opt all[MAX_OPTS];
	int own = with_common(c->command, all);

	for (;;) {
		int i = args_next(&c->args, all, value);

		if (i == ARG_BAD) {
			c->exit_code = cli_usage(c, "%s", c->args.err.text);
			return ARG_STOP;
		}
		if (i < own)
			return i;
		if (i - own == COMMON_HELP) {
			print_help(c->out, c->command);
			c->exit_code = EX_OK;
			return ARG_STOP;
		}
		if (i - own == COMMON_JSON)
			c->is_json = true;
		else
			c->config = *value;
	}
}

bool cli_operand(struct cli *c, const char **operand)
{
	const char *value;
	bool has_one = operand == NULL;
	int i;

	while ((i = cli_next(c, &value)) == ARG_OPERAND) {
		if (has_one) {
			c->exit_code = cli_usage(c, "unexpected argument \"%s\"", value);
			return false;
		}
		has_one = true;
		*operand = value;
	}
	if (i == ARG_STOP)
		return false;
	if (!has_one) {
		c->exit_code = cli_usage(c, "%s is missing", c->command->operands);
		return false;
	}
	return true;
}

/* --- settings -------------------------------------------------------------- */

const char *cli_env(const struct cli *c, const char *name)
{
	size_t n = strlen(name);

	for (const char *const *e = c->env; e != NULL && *e != NULL; e++) {
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return (*e)[n + 1] != '\0' ? *e + n + 1 : NULL;
	}
	return NULL;
}

int cli_settings(struct cli *c)
{
	/* Only the sockets matter here, so a missing upstream is no error. */
	struct settings_source from = {c->config, c->env, true};
	struct err err = {E_OK, ""};

	if (c->settings != NULL)
		return EX_OK;
	if (from.file == NULL)
		from.file = cli_env(c, "PICKET_CONFIG");
	if (settings_load(&c->settings, &from, &err) == E_OK)
		return EX_OK;
	return cli_fail(c, err.code == E_DENIED ? EX_NOPERM : EX_CONFIG, "%s", err.text);
}

/* --- choosing -------------------------------------------------------------- */

/* The command whose name is the first one or two words. */
static const struct command *find(int argc, char **argv, int *words)
{
	for (int i = 0; commands[i] != NULL; i++) {
		const char *name = commands[i]->name;
		const char *blank = strchr(name, ' ');
		size_t n = blank != NULL ? (size_t)(blank - name) : strlen(name);

		if (strlen(argv[0]) != n || strncmp(argv[0], name, n) != 0)
			continue;
		*words = blank != NULL ? 2 : 1;
		if (blank == NULL || (argc > 1 && strcmp(argv[1], blank + 1) == 0))
			return commands[i];
	}
	return NULL;
}

/* Lists the commands whose first word is first. False: there are none. */
static bool print_group(FILE *to, const char *first)
{
	size_t n = strlen(first);
	bool found = false;

	for (int i = 0; commands[i] != NULL; i++) {
		const char *name = commands[i]->name;

		if (strncmp(name, first, n) != 0 || name[n] != ' ')
			continue;
		if (!found)
			(void)fprintf(
				to, "usage: picket %s COMMAND [OPTIONS] [ARGUMENTS]\n\n", first);
		found = true;
		(void)fprintf(to, "  %-14s %s\n", name, commands[i]->brief);
	}
	return found;
}

/* "picket spool", "picket spool --help", "picket spool nonsense", "picket x". */
static int no_command(struct cli *c, int argc, char **argv)
{
	bool wants_help =
		argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);

	if (!print_group(wants_help ? c->out : c->errs, argv[0]))
		return cli_usage(c, "there is no command \"%s\"", argv[0]);
	return wants_help ? EX_OK : EX_USAGE;
}

static int run_help(struct cli *c, int argc, char **argv)
{
	const struct command *cmd;
	int words;

	if (argc == 0) {
		print_commands(c->out);
		return EX_OK;
	}
	cmd = find(argc, argv, &words);
	if (cmd != NULL)
		print_help(c->out, cmd);
	else if (argc > 1 || !print_group(c->out, argv[0]))
		return cli_usage(c, "there is no command \"%s\"", argv[argc - 1]);
	return EX_OK;
}

/* Options in front of the command. ARG_END: go on at *at; else the exit code. */
static int run_leading(struct cli *c, int argc, char **argv, int *at)
{
	static const struct opt opts[] = {
		{'c', "config", "FILE", ""},
		{'h', "help", NULL, ""},
		{'V', "version", NULL, ""},
		{0, NULL, NULL, NULL},
	};
	struct args a;
	const char *value;
	int i;

	args_init(&a, argc, argv);
	while ((i = args_next(&a, opts, &value)) == 0)
		c->config = value;
	if (i == ARG_BAD)
		return cli_usage(c, "%s", a.err.text);
	if (i == 1)
		return run_help(c, 0, NULL);
	if (i == 2) {
		(void)fprintf(c->out, "picket %s\n", PICKET_VERSION);
		return EX_OK;
	}
	if (i == ARG_END) {
		print_commands(c->errs);
		return EX_USAGE;
	}
	*at = a.at - 1;
	return ARG_END;
}

int cli_main(struct cli *c, int argc, char **argv)
{
	int at = 0, words = 1;
	int code = run_leading(c, argc - 1, argv + 1, &at);

	if (code != ARG_END)
		return code;
	argc -= at + 1;
	argv += at + 1;
	if (strcmp(argv[0], "help") == 0)
		return run_help(c, argc - 1, argv + 1);
	c->command = find(argc, argv, &words);
	if (c->command == NULL)
		return no_command(c, argc, argv);
	args_init(&c->args, argc - words, argv + words);
	code = c->command->run(c);
	if (fflush(c->out) != 0 || ferror(c->out) != 0)
		return code != EX_OK ? code : cli_fail(c, EX_IOERR, "cannot write the output");
	return code;
}

void cli_fini(struct cli *c)
{
	settings_unref(c->settings);
	c->settings = NULL;
}
