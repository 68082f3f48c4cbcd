/* args.h - picketd's command line.
 *
 * Owns     nothing: views into argv.
 * Threads  main, before anything else runs.
 */
#ifndef PICKET_DAEMON_ARGS_H
#define PICKET_DAEMON_ARGS_H

#include <stdbool.h>

struct args {
	const char *file; /* NULL: the default files */
	bool dev;
	bool check;
	bool dump;
	bool secrets;
};

/* Returns -1 to go on, else the exit code: 0 after --help and --version, 64 for
 * a command line that makes no sense. PICKET_CONFIG is the default of -c. */
int args_parse(struct args *a, int argc, char **argv);

#endif
