/* find.h - the files that a command's operands mean.
 *
 * An operand that is a directory means the files in and below it whose names end
 * in a suffix, in the order of their names; hidden ones are left out.
 *
 * Owns     nothing; names live in the arena.
 * Threads  any; it blocks.
 * Fails    E_NOTFOUND, E_DENIED, E_IO  with "PATH: reason";  E_TOOBIG  too many files
 */
#ifndef PICKET_CLI_FIND_H
#define PICKET_CLI_FIND_H

#include "base/arena.h"
#include "base/err.h"
#include "cli/cli.h"

struct found_files {
	const char **v;
	size_t n, cap;
	struct arena *arena;
};

/* Adds what path means. */
int find_files(const char *path, const char *suffix, struct found_files *ret, struct err *err);
/* The same for an operand of c. EX_OK, or what to exit with, also where a directory has
 * none: nothing looked at must not look like nothing wrong. */
int find_operand(struct cli *c, const char *path, const char *suffix, struct found_files *ret);

#endif
