/* ignore.h - [ignore], compiled.
 *
 * Owns     its regular expressions; the rest is arena memory.
 * Threads  read-only once compiled.
 * Fails    E_INVAL "FILE:LINE: ignore.key: reason"; E_NOMEM
 */
#ifndef PICKET_PROCESS_IGNORE_H
#define PICKET_PROCESS_IGNORE_H

#include "process/match.h"

struct status_range {
	unsigned low, high;
};

struct ignore {
	struct patterns errors, transactions, loggers, paths, releases, deny_urls, allow_urls;
	struct status_range *status;
	size_t status_n;
	bool events_needed, transactions_needed;
};

/* Call ignore_fini() in any case. */
int ignore_compile(struct ignore *g, struct arena *a, const struct settings *s, struct err *err);
void ignore_fini(struct ignore *g);

#endif
