/* control.h - the control socket: one JSON object a line, answered in lines.
 *
 *   {"cmd":"why","event_id":"9ec7..."}          request, at most 1 MiB
 *   {"what":"stored",...}                        any number of lines of data
 *   {"ok":true,...} or {"error":"...","code":"not-found"}    exactly one last line
 *
 * A connection's requests are handled one after the other; what comes in
 * meanwhile waits in the kernel. Only root and the daemon's own user are
 * served. What the requests mean is the handler's business (daemon/commands.c).
 *
 * Owns     the listening socket, its connections, and replies until ended.
 * Threads  loop thread. The process ignores SIGPIPE: libuv writes without
 *          MSG_NOSIGNAL.
 * Fails    towards the peer: "syntax" for a line that is no JSON object,
 *          "too-big" (and close) for a line that never ends, "denied" (and
 *          close) for another user, "limited" (and close) beyond 32
 *          connections (codes are err_name()); a peer that does not read its
 *          answers for 30 s, or lets 64 MiB of them pile up, is closed
 */
#ifndef PICKET_OPS_CONTROL_H
#define PICKET_OPS_CONTROL_H

#include <jansson.h>
#include <uv.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

struct control;
struct control_reply; /* one answer that is owed */

/* request is borrowed: a JSON object. Exactly one control_end() or
 * control_fail() per reply, now or later. */
typedef void control_fn(void *arg, const json_t *request, struct control_reply *reply);

/* Takes fd (a listening Unix stream socket, base/sockets.h), also on failure.
 * unlink_path: file to remove on close, NULL for none; copied. */
int control_open(struct control **ret, uv_loop_t *loop, int fd, const char *unlink_path,
	control_fn *on_request, void *arg, struct log *log, struct err *err);

/* Stops listening and reading. What was answered already still reaches its
 * peer if that takes it within half a second. done comes once, then *c is gone.
 * Replies that are owed stay valid and go nowhere. NULL calls done at once. */
void control_close(struct control *c, void (*done)(void *arg), void *arg);

/* One line of data. Takes line; NULL (no memory) ends as a failure. */
void control_send(struct control_reply *r, json_t *line);
/* The same from text: JSON values, one a line; the last without its line feed. */
void control_send_text(struct control_reply *r, struct str line);
/* The last line: {"ok":true} and the members of more (taken, may be NULL). The
 * reply is gone after it. */
void control_end(struct control_reply *r, json_t *more);
/* The last line of a failure; text is a sentence. The reply is gone after it. */
void control_fail(struct control_reply *r, int code, const char *text);
#endif
