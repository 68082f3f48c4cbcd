/* waiting.h - what waits in the spool, one envelope after the other.
 *
 * Asks the daemon for the list, then for each record; what was sent meanwhile is
 * passed over. Nothing is changed.
 *
 * Owns     nothing.
 * Threads  one.
 * Fails    as talk.h: the sentence is printed, the code is what to exit with.
 */
#ifndef PICKET_CLI_WAITING_H
#define PICKET_CLI_WAITING_H

#include "cli/cli.h"

#define WAITING_DEFAULT_MAX 1000
#define WAITING_MOST        10000

/* p NULL: the record could not be read. bytes are gone after the call. */
typedef void waiting_fn(void *arg, int64_t seq, struct str bytes);

/* At most max records. *count: how many there were. */
int waiting_each(struct cli *c, uint64_t max, waiting_fn *each, void *arg, size_t *count);

/* The value of --max. EX_OK, or what to exit with. */
int waiting_read_max(struct cli *c, const char *value, uint64_t *max);

#endif
