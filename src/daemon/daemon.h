/* daemon.h - one run of picketd: signals, service manager, reload, end.
 *
 *   daemon_run      opens relay, sockets and control, says READY, runs the loop
 *   SIGHUP          reload: new settings, or the old ones stay in force
 *   SIGTERM/SIGINT  STOPPING; sockets close, commits finish, requests in flight
 *                   get shutdown_timeout; a second signal ends the process at once
 *
 * Owns     the loop and everything on it.
 * Threads  the main thread is the loop thread.
 */
#ifndef PICKET_DAEMON_DAEMON_H
#define PICKET_DAEMON_DAEMON_H

#include "config/settings.h"

/* settings_load() with what the stages make of them, so that whatever cannot be
 * is refused before anything runs. */
int daemon_settings_load(
	struct settings **ret, const struct settings_source *from, struct err *err);

/* Returns the exit code of the process. from is read again at each reload. */
int daemon_run(struct settings *settings, const struct settings_source *from);

#endif
