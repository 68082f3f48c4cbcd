/* cli.h - the picket command: what all its subcommands share.
 *
 * A subcommand is one file and one row in cli.c. It parses its options with
 * cli_next(), talks to the daemon (talk.h), prints to out, and returns an exit
 * code of sysexits.h.
 *
 * Owns     the settings, once cli_settings() was called, until cli_fini().
 * Threads  one.
 */
#ifndef PICKET_CLI_CLI_H
#define PICKET_CLI_CLI_H

#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

#include "cli/args.h"
#include "config/settings.h"

struct command;

struct cli {
	FILE *out, *errs;
	const char *const *env;
	const char *config; /* -c, else PICKET_CONFIG, else NULL */
	bool is_json;
	bool has_color;
	struct settings *settings;
	const struct command *command; /* the one that runs */
	struct args args;
	int exit_code; /* when cli_next() says ARG_STOP */
};

struct command {
	const char *name;       /* "spool ls" */
	const char *operands;   /* "EVENT_ID", "" for none */
	const char *brief;      /* one line of the list of commands */
	const char *more;       /* for --help, lines of at most 78 columns */
	const struct opt *opts; /* its own; NULL for none */
	bool prints_data;       /* has --json */
	int (*run)(struct cli *c);
};

extern const struct command command_send, command_envelope, command_status, command_why,
	command_hold, command_release, command_drain, command_reload, command_spool_ls,
	command_spool_show, command_spool_audit, command_spool_purge, command_dead_ls,
	command_dead_show, command_scrub, command_rules_check, command_rules_test,
	command_rules_diff, command_healthcheck;

/* All of them, NULL-terminated, in the order of the manual. */
const struct command *const *cli_commands(void);

/* Runs what argv (with the program's name) asks for. Returns the exit code. */
int cli_main(struct cli *c, int argc, char **argv);
void cli_fini(struct cli *c);

/* The next option or operand of the running command; --help, -c and --json are
 * dealt with inside. ARG_STOP: return c->exit_code at once. */
enum { ARG_STOP = -4 };
int cli_next(struct cli *c, const char **value);
/* For commands that take only operands: exactly one (*operand), or none when
 * operand is NULL. False: return c->exit_code. */
bool cli_operand(struct cli *c, const char **operand);

/* Prints "picket CMD: text" and returns code. */
int cli_fail(struct cli *c, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The exit code of an error, after its sentence is printed. */
int cli_fail_err(struct cli *c, const struct err *err);
/* EX_USAGE with a hint at --help. */
int cli_usage(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* sysexits of the codes of err.h. */
int cli_exit_code(int rc);

/* Loads the settings on first use. EX_OK or what to exit with. */
int cli_settings(struct cli *c);
/* A variable of the environment, NULL when unset or empty. */
const char *cli_env(const struct cli *c, const char *name);

#endif
