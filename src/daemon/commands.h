/* commands.h - what the control socket can be asked to do.
 *
 * One row of a table per command: status, why, hold, release, drain, reload,
 * spool_ls, spool_show, spool_purge, dead_ls, dead_show. commands_handle() is
 * the control_fn of ops/control.h.
 *
 * Owns     commands under way. Spool and ops must outlive commands_close().
 * Threads  loop thread; reading the spool runs as _work on the uv pool.
 * Fails    towards the peer, as an error line.
 */
#ifndef PICKET_DAEMON_COMMANDS_H
#define PICKET_DAEMON_COMMANDS_H

#include <uv.h>

#include "base/buf.h"
#include "base/log.h"
#include "ops/control.h"
#include "spool/spool.h"

struct commands;

/* What commands need from the rest of the daemon. */
struct commands_ops {
	void *arg;
	/* Appends what GET /status answers. */
	void (*status)(void *arg, struct buf *out);
	/* As SIGHUP: the settings in force stay when it fails. */
	int (*reload)(void *arg, struct err *err);
	/* forward_hold() */
	void (*hold)(void *arg, bool hold);
	bool (*is_held)(void *arg);
};

struct commands_options {
	uv_loop_t *loop;
	struct spool *spool;
	const struct commands_ops *ops; /* borrowed */
	struct log *log;
};

int commands_new(struct commands **ret, const struct commands_options *o, struct err *err);

/* arg is a struct commands. */
void commands_handle(void *arg, const json_t *request, struct control_reply *reply);

/* Drains that still wait are answered "canceled", reads under way are told to
 * stop and waited for; further requests are answered "canceled". done comes
 * once, then *c is gone: call control_close() inside it, so that no request
 * comes after it and the answers still go out. NULL calls done at once. */
void commands_close(struct commands *c, void (*done)(void *arg), void *arg);

#endif
