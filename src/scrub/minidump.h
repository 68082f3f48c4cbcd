/* minidump.h - where in a crash dump text of people lies (pii.md 13).
 *
 * Only the places are told: a dump keeps its size and its structure, and what is
 * scrubbed is overwritten in place. All that is read is checked against the
 * file; parts that would make more work than the file is large are refused.
 *
 * Owns     nothing: the list lives in the arena.
 * Threads  any.
 * Fails    E_SYNTAX   not a dump of this form: byte order of another machine,
 *                     lists that are missing, places outside of the file
 *          E_NOMEM
 */
#ifndef PICKET_SCRUB_MINIDUMP_H
#define PICKET_SCRUB_MINIDUMP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum dump_part_kind {
	DUMP_STACK,      /* memory of a thread's stack */
	DUMP_HEAP,       /* other memory */
	DUMP_LINUX,      /* environment and command line */
	DUMP_CODE_NAME,  /* a module's path, UTF-16LE */
	DUMP_DEBUG_NAME, /* the path of its symbols, bytes */
	DUMP_PART_COUNT
};

struct dump_part {
	enum dump_part_kind kind;
	size_t from;
	size_t n;
};

struct dump_parts {
	struct dump_part *list; /* by their place, none twice */
	size_t n;
};

int minidump_parts(struct arena *a, struct str file, struct dump_parts *ret);

#endif
