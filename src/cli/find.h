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

struct found_files {
	const char **v;
	size_t n, cap;
	struct arena *arena;
};

/* Adds what path means. *is_folder (may be NULL): it is a directory. */
int find_files(const char *path, const char *suffix, struct found_files *ret, bool *is_folder,
	struct err *err);

#endif
