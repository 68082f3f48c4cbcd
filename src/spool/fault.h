/* fault.h - named points at which a test can have the process killed.
 *
 * Only builds with PICKET_FAULTS have them: PICKET_FAULT_KILL="point[:n]" kills
 * the process when the point is passed for the n-th time.
 *
 * Owns     nothing.
 * Threads  the writer thread.
 */
#ifndef PICKET_SPOOL_FAULT_H
#define PICKET_SPOOL_FAULT_H

#ifdef PICKET_FAULTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void fault_point(const char *name)
{
	static unsigned passed; /* one point per process: only the writer counts */
	const char *where = getenv("PICKET_FAULT_KILL");
	size_t n = strlen(name);

	if (where == NULL || strncmp(where, name, n) != 0 || (where[n] != ':' && where[n] != '\0'))
		return;
	if (++passed >= (where[n] == ':' ? strtoul(where + n + 1, NULL, 10) : 1))
		(void)kill(getpid(), SIGKILL);
}
#else
#define fault_point(name) ((void)0)
#endif

#endif
