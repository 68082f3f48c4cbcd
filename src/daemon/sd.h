/* sd.h - systemd's readiness protocol and socket activation, without libsystemd.
 *
 * Messages are single datagrams sent without waiting; a service manager that
 * does not listen costs nothing.
 *
 * Owns     struct sd owns the descriptor of the notification socket.
 * Threads  loop thread.
 */
#ifndef PICKET_DAEMON_SD_H
#define PICKET_DAEMON_SD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct sd {
	int fd; /* -1: nobody to tell */
};

/* Reads NOTIFY_SOCKET. Never fails: no socket, no messages. */
void sd_init(struct sd *sd);
void sd_fini(struct sd *sd);

void sd_ready(struct sd *sd, const char *status);
void sd_reloading(struct sd *sd);
void sd_stopping(struct sd *sd);
void sd_watchdog(struct sd *sd);
/* Milliseconds between two signs of life (half of WATCHDOG_USEC), 0 for none. */
int64_t sd_watchdog_interval_ms(void);

/* True when standard error goes to the journal (JOURNAL_STREAM). */
bool sd_stderr_is_journal(void);

/* One socket passed in; name is from LISTEN_FDNAMES, "" when unnamed. */
typedef int sd_socket_fn(void *arg, int fd, const char *name, struct err *err);
/* Calls each() for every socket passed to this process, made non-blocking and
 * close-on-exec. Returns E_OK also when there is none. */
int sd_sockets(sd_socket_fn *each, void *arg, struct err *err);

#endif
