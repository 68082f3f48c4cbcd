#include "ops/control.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

#define MAX_LINE_BYTES (1u << 20)
#define MAX_PILE_BYTES (64u << 20)
#define MAX_CONNS      32
#define READ_BYTES     (16u << 10)
#define STALL_MS       30000
#define GOODBYE_MS     500

/* How a line of the control socket is answered.
 *
 *   on_connection   who is it; refuse or read
 *   on_read         collect; conn_run
 *   conn_run        one line at a time to the handler, while no answer is owed
 *   control_end     the answer is complete; conn_run again
 *   on_written      after the last answer of a connection that ends: close
 */
struct conn {
	LIST_ENTRY(conn) link;
	struct control *control;
	uv_pipe_t pipe;
	uv_timer_t timer; /* a peer that does not read */
	unsigned handles; /* not closed yet */
	struct buf in;
	struct control_reply *owed;
	bool is_running; /* conn_run() is on the stack */
	bool is_eof;     /* no more requests will come */
	bool is_last;    /* close when all is written */
	bool is_closing;
};

struct control_reply {
	struct conn *conn; /* NULL: the peer is gone */
	bool failed;       /* a line could not be made */
};

struct control {
	uv_loop_t *loop;
	uv_pipe_t listener;
	bool is_listener_open;
	bool is_closing;
	LIST_HEAD(conn_list, conn) conns;
	unsigned conn_count;
	char *unlink_path;
	control_fn *on_request;
	void *arg;
	struct log *log;
	void (*done)(void *arg);
	void *done_arg;
};

struct written {
	uv_write_t req;
	char *bytes;
};

static void conn_run(struct conn *k);

/* --- ending ---------------------------------------------------------------- */

static void control_maybe_closed(struct control *c)
{
	if (!c->is_closing || c->is_listener_open || c->conn_count > 0)
		return;
	if (c->done != NULL)
		c->done(c->done_arg);
	free(c->unlink_path);
	free(c);
}

static void on_conn_closed(uv_handle_t *h)
{
	struct conn *k = h->data;
	struct control *c = k->control;

	if (--k->handles > 0)
		return;
	LIST_REMOVE(k, link);
	c->conn_count--;
	buf_fini(&k->in);
	free(k);
	control_maybe_closed(c);
}

static void conn_close(struct conn *k)
{
	if (k->is_closing)
		return;
	k->is_closing = true;
	if (k->owed != NULL)
		k->owed->conn = NULL;
	k->owed = NULL;
	uv_close((uv_handle_t *)&k->pipe, on_conn_closed);
	uv_close((uv_handle_t *)&k->timer, on_conn_closed);
}

static void on_stalled(uv_timer_t *t)
{
	struct conn *k = t->data;

	log_line(k->control->log, LOG_WARN, "control_stalled",
		log_int("bytes", (int64_t)uv_stream_get_write_queue_size((uv_stream_t *)&k->pipe)));
	conn_close(k);
}

/* No more requests; what is written already still goes out. */
static void conn_finish(struct conn *k)
{
	k->is_last = true;
	(void)uv_read_stop((uv_stream_t *)&k->pipe);
	if (uv_stream_get_write_queue_size((uv_stream_t *)&k->pipe) == 0)
		conn_close(k);
}

/* --- writing --------------------------------------------------------------- */

static void on_written(uv_write_t *req, int status)
{
	struct written *w = (struct written *)req;
	struct conn *k = req->data;

	free(w->bytes);
	free(w);
	if (k->is_closing)
		return;
	if (status != 0) {
		conn_close(k);
	} else if (uv_stream_get_write_queue_size((uv_stream_t *)&k->pipe) > 0) {
		if (!k->control->is_closing)
			(void)uv_timer_again(&k->timer);
	} else {
		(void)uv_timer_stop(&k->timer);
		if (k->is_last)
			conn_close(k);
	}
}

/* Takes bytes (malloc). */
static void conn_write(struct conn *k, char *bytes, size_t n)
{
	struct written *w = calloc(1, sizeof *w);
	uv_buf_t b = uv_buf_init(bytes, (unsigned)n);

	if (w == NULL || k->is_closing ||
		uv_stream_get_write_queue_size((uv_stream_t *)&k->pipe) > MAX_PILE_BYTES) {
		free(w);
		free(bytes);
		conn_close(k);
		return;
	}
	w->req.data = k;
	w->bytes = bytes;
	if (uv_write(&w->req, (uv_stream_t *)&k->pipe, &b, 1, on_written) != 0) {
		free(w);
		free(bytes);
		conn_close(k);
		return;
	}
	if (!uv_is_active((uv_handle_t *)&k->timer) &&
		uv_stream_get_write_queue_size((uv_stream_t *)&k->pipe) > 0)
		(void)uv_timer_start(&k->timer, on_stalled, STALL_MS, STALL_MS);
}

/* line and a line feed. */
static void conn_write_line(struct conn *k, struct str line)
{
	char *bytes = malloc(line.n + 1);

	if (bytes == NULL) {
		conn_close(k);
		return;
	}
	if (line.n > 0)
		memcpy(bytes, line.p, line.n);
	bytes[line.n] = '\n';
	conn_write(k, bytes, line.n + 1);
}

static void conn_write_error(struct conn *k, int code, const char *text)
{
	struct buf line;

	buf_init(&line, 0);
	buf_cstr(&line, "{\"error\":");
	buf_json_str(&line, str_of(text));
	buf_cstr(&line, ",\"code\":");
	buf_json_str(&line, str_of(err_name(code)));
	buf_char(&line, '}');
	if (buf_ok(&line))
		conn_write_line(k, buf_view(&line));
	else
		conn_close(k);
	buf_fini(&line);
}

/* --- replies --------------------------------------------------------------- */

void control_send_text(struct control_reply *r, struct str line)
{
	if (r->conn != NULL && !r->failed)
		conn_write_line(r->conn, line);
}

void control_send(struct control_reply *r, json_t *line)
{
	char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;

	if (text == NULL)
		r->failed = true;
	else
		control_send_text(r, str_of(text));
	free(text);
	json_decref(line);
}

static void reply_done(struct control_reply *r)
{
	struct conn *k = r->conn;

	free(r);
	if (k == NULL)
		return;
	k->owed = NULL;
	if (!k->is_running)
		conn_run(k);
}

void control_end(struct control_reply *r, json_t *more)
{
	json_t *line = json_pack("{s:b}", "ok", 1);

	if (line != NULL && more != NULL && json_object_update(line, more) != 0)
		r->failed = true;
	json_decref(more);
	if (!r->failed)
		control_send(r, line);
	else
		json_decref(line);
	if (r->failed && r->conn != NULL)
		conn_write_error(r->conn, E_NOMEM, "no memory for the answer");
	reply_done(r);
}

void control_fail(struct control_reply *r, int code, const char *text)
{
	if (r->conn != NULL)
		conn_write_error(r->conn, code, text);
	reply_done(r);
}

/* --- reading --------------------------------------------------------------- */

static void handle_line(struct conn *k, struct str line)
{
	json_error_t why;
	json_t *request;
	struct control_reply *r;

	if (str_trim(line).n == 0)
		return;
	request = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(request)) {
		json_decref(request);
		conn_write_error(k, E_SYNTAX, "a request is one JSON object on one line");
		return;
	}
	r = calloc(1, sizeof *r);
	if (r == NULL) {
		conn_write_error(k, E_NOMEM, "no memory for the request");
	} else {
		r->conn = k;
		k->owed = r;
		k->control->on_request(k->control->arg, request, r);
	}
	json_decref(request);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct conn *k = h->data;
	char *p = buf_reserve(&k->in, READ_BYTES);

	(void)suggested;
	*b = uv_buf_init(p, p != NULL ? READ_BYTES : 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct conn *k = stream->data;

	(void)b;
	if (n > 0) {
		buf_grew(&k->in, (size_t)n);
	} else if (n == UV_EOF) {
		k->is_eof = true;
		(void)uv_read_stop(stream);
	} else if (n < 0) {
		conn_close(k);
		return;
	}
	conn_run(k);
}

/* The next whole line behind *at; the rest counts as one when no more comes. */
static bool next_line(struct conn *k, size_t *at, struct str *line)
{
	struct str rest = str_from(buf_view(&k->in), *at);
	size_t n = str_find_char(rest, '\n');

	if (n == rest.n && !(k->is_eof && n > 0))
		return false;
	*line = str_first(rest, n);
	*at += n < rest.n ? n + 1 : n;
	return true;
}

/* Hands over what is whole until an answer is owed. False: a line is too long. */
static bool run_lines(struct conn *k)
{
	struct str line;
	size_t at = 0;
	bool fits = true;

	k->is_running = true;
	while (fits && !k->is_closing && !k->is_last && k->owed == NULL &&
		next_line(k, &at, &line)) {
		fits = line.n <= MAX_LINE_BYTES;
		if (fits)
			handle_line(k, line);
	}
	k->is_running = false;
	buf_consume(&k->in, at);
	return fits && (k->owed != NULL || k->in.n <= MAX_LINE_BYTES);
}

static void conn_run(struct conn *k)
{
	bool fits = run_lines(k);
	int rc;

	if (k->is_closing || k->is_last)
		return;
	if (!fits) {
		conn_write_error(k, E_TOOBIG, "a request has at most 1 MiB");
		conn_finish(k);
	} else if (k->owed != NULL) {
		(void)uv_read_stop((uv_stream_t *)&k->pipe);
	} else if (k->is_eof) {
		conn_finish(k);
	} else {
		rc = uv_read_start((uv_stream_t *)&k->pipe, on_alloc, on_read);
		if (rc != 0 && rc != UV_EALREADY)
			conn_close(k);
	}
}

/* --- accepting ------------------------------------------------------------- */

static struct conn *conn_new(struct control *c)
{
	struct conn *k = calloc(1, sizeof *k);

	if (k == NULL)
		return NULL;
	k->control = c;
	buf_init(&k->in, 0);
	/* Neither takes memory, so neither can fail. */
	(void)uv_pipe_init(c->loop, &k->pipe, 0);
	(void)uv_timer_init(c->loop, &k->timer);
	k->pipe.data = k;
	k->timer.data = k;
	k->handles = 2;
	LIST_INSERT_HEAD(&c->conns, k, link);
	c->conn_count++;
	return k;
}

/* Payloads and orders are for root and for ourselves, whatever the file's mode
 * became. */
static bool is_allowed(struct conn *k, uid_t *uid)
{
	struct ucred peer;
	socklen_t n = sizeof peer;
	uv_os_fd_t fd;

	*uid = (uid_t)-1;
	if (uv_fileno((uv_handle_t *)&k->pipe, &fd) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return false;
	*uid = peer.uid;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct control *c = listener->data;
	struct conn *k = status == 0 ? conn_new(c) : NULL;
	uid_t uid;

	if (k == NULL)
		return;
	if (uv_accept(listener, (uv_stream_t *)&k->pipe) != 0) {
		conn_close(k);
	} else if (!is_allowed(k, &uid)) {
		log_line(c->log, LOG_WARN, "control_refused", log_int("uid", (int64_t)uid));
		conn_write_error(
			k, E_DENIED, "only root and the daemon's own user may use this socket");
		conn_finish(k);
	} else if (c->conn_count > MAX_CONNS) {
		conn_write_error(k, E_LIMITED, "too many connections to the control socket");
		conn_finish(k);
	} else {
		conn_run(k);
	}
}

/* --- opening and closing --------------------------------------------------- */

static void on_listener_closed(uv_handle_t *h)
{
	struct control *c = h->data;

	c->is_listener_open = false;
	control_maybe_closed(c);
}

static int listen_on(struct control *c, int fd, struct err *err)
{
	int uv;

	(void)uv_pipe_init(c->loop, &c->listener, 0);
	c->is_listener_open = true;
	c->listener.data = c;
	uv = uv_pipe_open(&c->listener, fd);
	if (uv != 0) {
		(void)close(fd);
		return err_set(err, E_IO, "cannot use the control socket: %s", uv_strerror(uv));
	}
	uv = uv_listen((uv_stream_t *)&c->listener, 16, on_connection);
	if (uv != 0)
		return err_set(
			err, E_IO, "cannot listen on the control socket: %s", uv_strerror(uv));
	return E_OK;
}

int control_open(struct control **ret, uv_loop_t *loop, int fd, const char *unlink_path,
	control_fn *on_request, void *arg, struct log *log, struct err *err)
{
	struct control *c = calloc(1, sizeof *c);
	int rc;

	if (c != NULL && unlink_path != NULL)
		c->unlink_path = strdup(unlink_path);
	if (c == NULL || (unlink_path != NULL && c->unlink_path == NULL)) {
		free(c);
		(void)close(fd);
		return err_set(err, E_NOMEM, "no memory for the control socket");
	}
	c->loop = loop;
	c->on_request = on_request;
	c->arg = arg;
	c->log = log;
	LIST_INIT(&c->conns);
	rc = listen_on(c, fd, err);
	if (rc != E_OK) {
		control_close(c, NULL, NULL);
		return rc;
	}
	*ret = c;
	return E_OK;
}

/* Half a second is plenty for a peer that reads. */
static void conn_say_goodbye(struct conn *k)
{
	if (k->is_closing)
		return;
	if (k->owed != NULL)
		k->owed->conn = NULL;
	k->owed = NULL;
	conn_finish(k);
	if (!k->is_closing)
		(void)uv_timer_start(&k->timer, on_stalled, GOODBYE_MS, 0);
}

void control_close(struct control *c, void (*done)(void *arg), void *arg)
{
	struct conn *k;

	if (c == NULL) {
		if (done != NULL)
			done(arg);
		return;
	}
	check(!c->is_closing);
	c->is_closing = true;
	c->done = done;
	c->done_arg = arg;
	if (c->unlink_path != NULL)
		(void)unlink(c->unlink_path);
	for (k = LIST_FIRST(&c->conns); k != NULL; k = LIST_NEXT(k, link))
		conn_say_goodbye(k);
	uv_close((uv_handle_t *)&c->listener, on_listener_closed);
}
