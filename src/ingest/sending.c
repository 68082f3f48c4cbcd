/* Answering.
 *
 *   connection_accepted,
 *   connection_refused   the reply was given: make the answer's text
 *   connection_send      write it; what the socket does not take at once goes
 *                        in the background (on_written)
 *   answered             the next request, the rest of this body, or the end
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ingest/connection.h"

static void linger(struct connection *c)
{
	uv_os_fd_t fd;

	if (c->eof || uv_fileno(&c->uv.handle, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
		connection_close(c);
		return;
	}
	c->state = CONNECTION_LINGERING;
}

static void answered(struct connection *c)
{
	bool is_rest_to_come = http_begun(&c->http);

	if (c->feed != 0 && !c->in->closing)
		c->state = CONNECTION_FEEDING;
	else if (!c->ends && is_rest_to_come)
		c->state = CONNECTION_SKIPPING;
	else if (!c->ends)
		connection_next(c);
	else if (is_rest_to_come || c->lingers)
		linger(c);
	else
		connection_close(c);
}

static void on_written(uv_write_t *write, int status)
{
	struct connection *c = write->data;

	if (c->state == CONNECTION_CLOSED)
		return;
	free(c->writing);
	c->writing = NULL;
	if (status != 0) {
		connection_close(c);
		return;
	}
	answered(c);
	connection_run(c);
}

/* The answer is in a buffer that all connections share: the rest is copied. */
static void write_rest(struct connection *c, struct str rest)
{
	uv_buf_t buf;

	c->writing = malloc(rest.n);
	if (c->writing == NULL) {
		connection_close(c);
		return;
	}
	memcpy(c->writing, rest.p, rest.n);
	buf = uv_buf_init(c->writing, (unsigned)rest.n);
	c->write.data = c;
	if (uv_write(&c->write, &c->uv.stream, &buf, 1, on_written) != 0) {
		connection_close(c);
		return;
	}
	c->state = CONNECTION_REPLYING;
}

static void count_answer(struct ingest *in, int status)
{
	if (status < 300)
		INGEST_COUNT(in, answers_2xx, 1);
	else if (status == 429)
		INGEST_COUNT(in, answers_429, 1);
	else if (status < 500)
		INGEST_COUNT(in, answers_4xx, 1);
	else
		INGEST_COUNT(in, answers_5xx, 1);
}

void connection_send(struct connection *c, int status)
{
	struct ingest *in = c->in;
	uv_buf_t buf;
	int n;

	if (c->state == CONNECTION_CLOSED)
		return;
	count_answer(in, status);
	c->ends = c->ends || c->frame.close || c->is_raw;
	if (!buf_ok(&in->answer)) {
		connection_close(c);
		return;
	}
	buf = uv_buf_init(in->answer.p, (unsigned)in->answer.n);
	n = uv_try_write(&c->uv.stream, &buf, 1);
	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0)
		connection_close(c);
	else if ((size_t)n < in->answer.n)
		write_rest(c, str_from(buf_view(&in->answer), (size_t)n));
	else
		answered(c);
	if (!c->running)
		connection_run(c);
}

/* Whether the connection ends here is known only now. */
static struct answer_frame *final_frame(struct connection *c)
{
	buf_clear(&c->in->answer);
	c->request = NULL;
	if (c->in->closing || c->ends || (c->eof && c->held.n == 0))
		c->frame.close = true;
	return &c->frame;
}

void connection_accepted(struct connection *c, enum endpoint_success kind,
	const struct event_id *id, struct str limits)
{
	struct answer_frame *frame = final_frame(c);
	int status = 200;

	if (c->is_raw)
		answer_raw_accepted(id, limits, &c->in->answer);
	else
		status = answer_accepted(frame, kind, id, limits, &c->in->answer);
	connection_send(c, status);
}

void connection_refused(struct connection *c, int status, const char *detail,
	uint32_t retry_after_s, struct str limits)
{
	struct answer_frame *frame = final_frame(c);

	if (c->is_raw)
		answer_raw_refused(status, str_of(detail), retry_after_s, limits, &c->in->answer);
	else
		answer_refused(frame, status, str_of(detail), retry_after_s, limits, STR_EMPTY,
			&c->in->answer);
	connection_send(c, status);
}
