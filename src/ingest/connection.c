/* One client's stream.
 *
 *   connection_open   take the socket, start reading
 *   on_read           bytes: run the steps until they wait for something
 *   connection_run    take steps, keep what is left, set reading and deadline
 *   (sending.c)       answer; then the next request, or the end
 *   connection_close  until on_closed
 */
#include "ingest/connection.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

/* Reading ahead while an answer is owed: enough to see the next head. */
#define AHEAD_BYTES ((size_t)4096)
/* How long and how much a client may still send to a connection that was
 * answered for good; closing earlier would reset it and lose the answer. */
#define LINGER_MS         2000
#define LINGER_CLOSING_MS 100
#define LINGER_BYTES      ((uint64_t)64 * 1024 * 1024)
#define CLOSING_DETAIL    "the daemon is shutting down"

/* --- the end --------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;
	struct ingest *in = c->in;

	TAILQ_REMOVE(&in->connections, c, link);
	in->connection_count--;
	if (in->connection_count == 0)
		deadlines_stop(&in->deadlines);
	if (c->counted) {
		in->serving_count--;
		INGEST_COUNT(in, connections, (uint64_t)-1);
	}
	if (c->held_taken > 0)
		budget_give(in->budget, c->held_taken);
	buf_fini(&c->held);
	http_fini(&c->http);
	free(c->writing);
	free(c);
	if (in->closing)
		ingest_maybe_closed(in);
}

void connection_close(struct connection *c)
{
	struct request *r = c->request;

	if (c->state == CONNECTION_CLOSED)
		return;
	c->state = CONNECTION_CLOSED;
	c->request = NULL;
	if (r != NULL && r->dispatched)
		r->conn = NULL;
	else
		client_request_free(r);
	deadline_clear(&c->in->deadlines, &c->deadline);
	uv_close(&c->uv.handle, on_closed);
}

/* --- steps ----------------------------------------------------------------- */

void connection_next(struct connection *c)
{
	c->frame = (struct answer_frame){.close = false};
	c->state = CONNECTION_HEAD;
	http_trim(&c->http);
}

static enum step step_opening(struct connection *c)
{
	if (c->input.n == 0)
		return STEP_WAIT;
	if (c->input.p[0] == '{')
		return raw_begin(c);
	c->state = CONNECTION_HEAD;
	return STEP_AGAIN;
}

static enum http_event feed(struct connection *c)
{
	size_t used;
	enum http_event event = http_feed(&c->http, c->input.p, c->input.n, &used);

	c->input = str_from(c->input, used);
	return event;
}

static enum step step_failed(struct connection *c)
{
	enum http_fault fault = c->http.fault;
	int status = 400;

	if (fault == HTTP_FAULT_HEAD_SIZE || fault == HTTP_FAULT_FIELDS)
		status = 431;
	else if (fault == HTTP_FAULT_NOMEM)
		status = 503;
	exchange_refuse(c, status, c->http.fault_text, STR_EMPTY, true);
	return STEP_AGAIN;
}

static enum step step_head(struct connection *c)
{
	if (c->input.n == 0 && !http_paused(&c->http))
		return STEP_WAIT;
	switch (feed(c)) {
	case HTTP_WANTS_MORE:
		return STEP_WAIT;
	case HTTP_HAS_HEAD:
		exchange_begin(c);
		return STEP_AGAIN;
	case HTTP_HAS_ALL:
	case HTTP_FAILED:
		break;
	}
	return step_failed(c);
}

/* A body that cannot be taken is refused as soon as that is known. */
static bool body_failed(struct connection *c)
{
	const struct frame_job *job = &c->request->job;

	if (job->rc == E_OK)
		return false;
	exchange_refuse(c, reply_status(job->rc), job->err.text, STR_EMPTY, false);
	return true;
}

static enum step step_body(struct connection *c)
{
	enum http_event event;

	if (c->input.n == 0 && !http_paused(&c->http))
		return STEP_WAIT;
	event = feed(c);
	if (event == HTTP_FAILED)
		return step_failed(c);
	if (body_failed(c))
		return STEP_AGAIN;
	if (event == HTTP_WANTS_MORE)
		return STEP_WAIT;
	c->state = CONNECTION_WAITING;
	request_dispatch(c->request);
	return STEP_AGAIN;
}

static enum step step_wait(struct connection *c)
{
	(void)c;
	return STEP_WAIT;
}

/* Also leaves the stop at the end of a head without a body. */
static enum step step_skipping(struct connection *c)
{
	if (c->input.n == 0 && !http_paused(&c->http))
		return STEP_WAIT;
	switch (feed(c)) {
	case HTTP_WANTS_MORE:
		return STEP_WAIT;
	case HTTP_HAS_ALL:
		connection_next(c);
		return STEP_AGAIN;
	case HTTP_HAS_HEAD:
	case HTTP_FAILED:
		break;
	}
	connection_close(c); /* it was answered already */
	return STEP_WAIT;
}

/* Nothing is asked of a client that reads a feed. */
static enum step step_feeding(struct connection *c)
{
	c->input = STR_EMPTY;
	return STEP_WAIT;
}

static enum step step_lingering(struct connection *c)
{
	c->lingered_bytes += c->input.n;
	c->input = STR_EMPTY;
	if (c->lingered_bytes > LINGER_BYTES)
		connection_close(c);
	return STEP_WAIT;
}

static enum step (*const steps[])(struct connection *) = {
	[CONNECTION_OPENING] = step_opening,
	[CONNECTION_HEAD] = step_head,
	[CONNECTION_BODY] = step_body,
	[CONNECTION_RAW] = raw_step,
	[CONNECTION_WAITING] = step_wait,
	[CONNECTION_REPLYING] = step_wait,
	[CONNECTION_FEEDING] = step_feeding,
	[CONNECTION_SKIPPING] = step_skipping,
	[CONNECTION_LINGERING] = step_lingering,
	[CONNECTION_CLOSED] = step_wait,
};

/* --- between steps --------------------------------------------------------- */

/* Bytes of later requests wait until this one is answered. */
static void keep_input(struct connection *c, bool from_held)
{
	if (c->state == CONNECTION_CLOSED)
		return;
	if (from_held) {
		buf_consume(&c->held, c->held.n - c->input.n);
	} else if (c->input.n > 0) {
		if (c->in->budget != NULL && !budget_take(c->in->budget, c->input.n)) {
			c->ends = true; /* answers what it has and closes */
		} else {
			if (c->in->budget != NULL)
				c->held_taken += c->input.n;
			buf_str(&c->held, c->input);
			if (!buf_ok(&c->held))
				c->ends = true;
		}
	}
	c->input = STR_EMPTY;
	if (c->held.n > 0)
		return;
	buf_fini(&c->held);
	if (c->held_taken > 0)
		budget_give(c->in->budget, c->held_taken);
	c->held_taken = 0;
}

static void set_deadline(struct connection *c)
{
	const struct settings *s = c->in->settings;
	struct deadlines *ds = &c->in->deadlines;
	struct deadline *d = &c->deadline;

	switch (c->state) {
	case CONNECTION_OPENING:
	case CONNECTION_HEAD:
		if (!http_begun(&c->http))
			deadline_set(ds, d, DEADLINE_IDLE, s->listen.idle_timeout);
		else if (d->kind != DEADLINE_HEAD) /* for all of it: not put off */
			deadline_set(ds, d, DEADLINE_HEAD, s->listen.header_timeout);
		break;
	case CONNECTION_BODY:
	case CONNECTION_RAW:
	case CONNECTION_SKIPPING:
		deadline_set(ds, d, DEADLINE_BODY, s->listen.body_timeout);
		break;
	case CONNECTION_REPLYING:
		if (d->kind != DEADLINE_WRITE)
			deadline_set(ds, d, DEADLINE_WRITE, s->listen.body_timeout);
		break;
	case CONNECTION_LINGERING:
		if (d->kind != DEADLINE_LINGER)
			deadline_set(ds, d, DEADLINE_LINGER,
				c->in->closing ? LINGER_CLOSING_MS : LINGER_MS);
		break;
	case CONNECTION_WAITING:
	case CONNECTION_FEEDING:
	case CONNECTION_CLOSED:
		deadline_clear(ds, d);
		break;
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);

/* Reading stops only when something waits already, not for each answer: an
 * ordinary client sends nothing meanwhile, and stopping costs system calls. */
static void set_reading(struct connection *c)
{
	bool wanted = !c->eof && c->held.n == 0;

	if (c->state == CONNECTION_CLOSED || wanted == c->reading)
		return;
	c->reading = wanted;
	if (!wanted)
		(void)uv_read_stop(&c->uv.stream);
	else if (uv_read_start(&c->uv.stream, on_alloc, on_read) != 0)
		connection_close(c);
}

/* What a client's half-close means depends on what it had begun. */
static void at_eof(struct connection *c)
{
	switch (c->state) {
	case CONNECTION_HEAD:
		if (http_begun(&c->http))
			exchange_refuse(c, 400, "the request ends early", STR_EMPTY, true);
		else
			connection_close(c);
		break;
	case CONNECTION_BODY:
		exchange_refuse(c, 400, "the request's body ends early", STR_EMPTY, true);
		break;
	case CONNECTION_RAW:
		raw_end(c);
		break;
	case CONNECTION_OPENING:
	case CONNECTION_FEEDING:
	case CONNECTION_SKIPPING:
	case CONNECTION_LINGERING:
		connection_close(c);
		break;
	case CONNECTION_WAITING:
	case CONNECTION_REPLYING:
	case CONNECTION_CLOSED:
		break; /* the answer is owed all the same */
	}
}

static void take_steps(struct connection *c)
{
	while (steps[c->state](c) == STEP_AGAIN)
		;
}

void connection_run(struct connection *c)
{
	bool from_held = c->input.p == NULL && c->held.n > 0;

	c->running = true;
	if (from_held)
		c->input = buf_view(&c->held);
	take_steps(c);
	keep_input(c, from_held);
	if (c->eof && c->held.n == 0)
		at_eof(c);
	c->running = false;
	set_reading(c);
	set_deadline(c);
}

/* --- reading --------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct connection *c = handle->data;
	size_t n = READ_BYTES;
	char *p = NULL;

	(void)suggested;
	if (c->state == CONNECTION_BODY || c->state == CONNECTION_RAW)
		p = body_room(&c->request->job.body, &n);
	else if (c->state == CONNECTION_WAITING || c->state == CONNECTION_REPLYING)
		n = AHEAD_BYTES;
	if (p == NULL) {
		p = c->in->read_buffer;
		n = n < READ_BYTES ? n : READ_BYTES;
	}
	*buf = uv_buf_init(p, (unsigned)(n < INT32_MAX ? n : INT32_MAX));
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct connection *c = stream->data;

	if (nread == 0 || c->state == CONNECTION_CLOSED)
		return;
	if (nread < 0 && nread != UV_EOF) {
		connection_close(c);
		return;
	}
	if (nread == UV_EOF) {
		c->eof = true;
		c->reading = false;
		(void)uv_read_stop(stream);
		c->input = STR_EMPTY;
	} else {
		c->input = str_make(buf->base, (size_t)nread);
	}
	connection_run(c);
}

void connection_expired(void *owner, enum deadline_kind kind)
{
	struct connection *c = owner;

	if (kind == DEADLINE_HEAD)
		exchange_refuse(c, 408, "the request's headers took too long", STR_EMPTY, true);
	else if (kind == DEADLINE_BODY && c->state != CONNECTION_SKIPPING)
		exchange_refuse(c, 408, "the request's body took too long", STR_EMPTY, true);
	else
		connection_close(c);
}

bool connection_is_busy(const struct connection *c)
{
	switch (c->state) {
	case CONNECTION_HEAD:
		return http_begun(&c->http);
	case CONNECTION_BODY:
	case CONNECTION_RAW:
	case CONNECTION_WAITING:
	case CONNECTION_REPLYING:
		return true;
	default:
		return false;
	}
}

void connection_drain(struct connection *c)
{
	switch (c->state) {
	case CONNECTION_WAITING:
	case CONNECTION_REPLYING:
		c->ends = true;
		break;
	case CONNECTION_LINGERING:
	case CONNECTION_CLOSED:
		break;
	default:
		if (connection_is_busy(c))
			exchange_refuse(c, 503, CLOSING_DETAIL, STR_EMPTY, true);
		else
			connection_close(c);
	}
}

/* --- opening --------------------------------------------------------------- */

static int open_handle(struct connection *c, int fd)
{
	int rc = c->peer.is_unix ? uv_pipe_init(c->in->loop, &c->uv.pipe, 0)
				 : uv_tcp_init(c->in->loop, &c->uv.tcp);

	check(rc == 0); /* these only fill the handle in */
	rc = c->peer.is_unix ? uv_pipe_open(&c->uv.pipe, fd) : uv_tcp_open(&c->uv.tcp, fd);
	if (rc == 0 && !c->peer.is_unix)
		(void)uv_tcp_nodelay(&c->uv.tcp, 1);
	return rc;
}

void connection_open(struct ingest *in, int fd, const struct peer *peer, bool refuse)
{
	struct connection *c = calloc(1, sizeof *c);

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->in = in;
	c->peer = *peer;
	c->state = peer->is_unix ? CONNECTION_OPENING : CONNECTION_HEAD;
	c->counted = !refuse;
	http_init(&c->http, (size_t)in->settings->limits.http_headers, exchange_body, c);
	c->http.wants_rest = endpoint_wants_headers;
	deadline_init(&c->deadline, c);
	buf_init(&c->held, 0);
	TAILQ_INSERT_TAIL(&in->connections, c, link);
	in->connection_count++;
	if (c->counted) {
		in->serving_count++;
		INGEST_COUNT(in, connections, 1);
		INGEST_COUNT(in, connections_total, 1);
	}
	if (open_handle(c, fd) != 0) {
		(void)close(fd);
		c->uv.handle.data = c;
		connection_close(c);
		return;
	}
	c->uv.handle.data = c;
	if (refuse)
		exchange_refuse(c, 503, "all of listen.max_connections are taken", STR_EMPTY, true);
	else
		connection_run(c);
}
