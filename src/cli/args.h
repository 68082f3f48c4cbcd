/* args.h - options and operands of one command, from a table.
 *
 * The same table makes --help, so an option without help cannot exist. Options
 * may stand before and behind operands; "--" ends them.
 *
 * Owns     nothing: views into argv.
 * Threads  one at a time.
 * Fails    ARG_BAD with a sentence in err
 */
#ifndef PICKET_CLI_ARGS_H
#define PICKET_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct opt {
	char letter;       /* 0: none */
	const char *name;  /* without dashes */
	const char *value; /* what it takes, for help; NULL: nothing */
	const char *help;  /* NULL ends the table */
};

enum { ARG_END = -1, ARG_OPERAND = -2, ARG_BAD = -3 };

struct args {
	int argc;
	char **argv;
	int at;             /* next of argv */
	const char *bundle; /* rest of "-abc" */
	bool is_literal;    /* after "--" */
	struct err err;
};

/* argv[0] is the first argument, not the program. */
void args_init(struct args *a, int argc, char **argv);

/* The index in opts of the next option, or ARG_. *value: the operand or the
 * option's value. */
int args_next(struct args *a, const struct opt *opts, const char **value);

#endif
