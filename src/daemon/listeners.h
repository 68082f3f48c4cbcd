/* listeners.h - the daemon's sockets: passed in by systemd or made here.
 *
 * A socket that systemd passed in (named http, unix, unixgram or control, else
 * told apart by its kind) takes the place of the one in [listen]; what systemd
 * did not pass is made as the settings say.
 *
 * Owns     descriptors until they are handed to ingest or control.
 * Threads  loop thread.
 * Fails    with the sentence of base/sockets.h
 */
#ifndef PICKET_DAEMON_LISTENERS_H
#define PICKET_DAEMON_LISTENERS_H

#include "base/log.h"
#include "config/settings.h"
#include "ingest/ingest.h"

struct listeners {
	int control_fd;           /* -1: off; the caller takes it */
	const char *control_path; /* to unlink at the end; NULL when systemd owns it */
	char http_address[128];   /* where HTTP listens, "" when it does not */
};

int listeners_open(struct listeners *l, struct ingest *in, const struct settings *s,
	struct log *log, struct err *err);

#endif
