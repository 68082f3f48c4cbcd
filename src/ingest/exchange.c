/* One HTTP request on a connection.
 *
 *   exchange_begin    the head is complete: judge it
 *   exchange_take     data: credentials, size, "100 Continue"
 *   exchange_body     its bytes; the first that cannot be kept ends the taking
 *   (request.h)       complete: framed, handed on, answered
 *
 * Whatever else a head asks for is answered at once, before its body if it has
 * one. A short rest of a body is then read past so that the connection lives;
 * a long one is not worth it.
 */
#include "ingest/connection.h"
#include "ingest/head.h"

/* A body up to here is read past after an early answer. */
#define SKIP_BYTES ((uint64_t)64 * 1024)

static void begin_frame(struct connection *c, const struct head *head)
{
	const struct http *h = &c->http;

	c->frame = (struct answer_frame){
		.close = !h->keep_alive || c->in->closing || head->fatal,
		.keep_alive = h->is_http10 && h->keep_alive,
		.head_only = h->method == HTTP_HEAD,
		.cors = head->cors,
		.origin = h->values[FIELD_ORIGIN],
	};
}

/* An answer before the body: the connection goes on only when the rest is
 * short, and certain to come. */
static void answer_early(struct connection *c)
{
	const struct http *h = &c->http;

	if (!http_begun(h) || !h->head_done || !h->has_body)
		return;
	if (!h->has_length || h->length > SKIP_BYTES || h->values[FIELD_EXPECT].n > 0)
		c->frame.close = true;
}

void exchange_refuse(
	struct connection *c, int status, const char *detail, struct str allow, bool fatal)
{
	struct request *r = c->request;
	struct buf *out = &c->in->answer;
	uint32_t retry_s = status == 503 ? REQUEST_RETRY_S : 0;

	buf_clear(out);
	if (fatal)
		c->frame.close = c->lingers = true;
	else
		answer_early(c);
	if (c->is_raw)
		answer_raw_refused(status, str_of(detail), retry_s, STR_EMPTY, out);
	else
		answer_refused(&c->frame, status, str_of(detail), retry_s, STR_EMPTY, allow, out);
	c->request = NULL;
	client_request_free(r); /* detail may have been in it */
	connection_send(c, status);
}

static void send_page(struct connection *c, const struct head *head)
{
	const struct ingest_ops *ops = c->in->ops;
	struct buf *out = &c->in->answer;
	struct page page = {.status = 200, .content_type = "text/plain"};
	int status = 404;

	buf_init(&page.body, 0);
	if (ops->page == NULL ||
		!ops->page(ops->arg, head->target.path, head->target.query, &page)) {
		exchange_refuse(c, 404, "there is no such page", STR_EMPTY, false);
	} else if (head->verdict == HEAD_METHOD) {
		exchange_refuse(c, 405, "this page is for reading", head->allow, false);
	} else if (!buf_ok(&page.body)) {
		exchange_refuse(c, 503, "no memory for the page", STR_EMPTY, false);
	} else if (page.feed != 0 && ingest_feed_readers(c->in, 0) >= FEED_READERS_MAX) {
		exchange_refuse(c, 503, "others read this already", STR_EMPTY, false);
	} else {
		status = page.status;
		answer_early(c);
		buf_clear(out);
		if (page.feed != 0 && !c->frame.head_only)
			c->feed = page.feed;
		if (page.feed != 0)
			c->frame.close = true; /* its length is not known */
		answer_page(&c->frame, status, str_of(page.content_type), buf_view(&page.body),
			page.feed != 0, out);
		connection_send(c, status);
	}
	buf_fini(&page.body);
}

static void send_options(struct connection *c, const struct head *head)
{
	answer_early(c);
	buf_clear(&c->in->answer);
	answer_options(&c->frame, head->allow, &c->in->answer);
	connection_send(c, 200);
}

/* The client waits for this with its body, so it goes out before that is read.
 * Bytes of the body that are here already make it pointless. */
static void send_continue(struct connection *c)
{
	struct str text = ANSWER_CONTINUE;
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)text.p, (unsigned)text.n);
	int n;

	if (c->http.values[FIELD_EXPECT].n == 0 || c->http.is_http10 || c->input.n > 0)
		return;
	n = uv_try_write(&c->uv.stream, &buf, 1);
	/* A socket that takes no 25 bytes now: clients go on without, a second
	 * later. Half a line can only end in confusion. */
	if (n != UV_EAGAIN && n != (int)text.n)
		connection_close(c);
}

/* Only an envelope can bring its credentials along (4.4, form 6). */
static int find_auth(enum endpoint e, bool found, enum frame_auth *ret, struct err *err)
{
	*ret = AUTH_REQUEST;
	if (found)
		return E_OK;
	if (e == ENDPOINT_STREAM)
		*ret = AUTH_OPTIONAL;
	else if (e == ENDPOINT_ENVELOPE)
		*ret = AUTH_ENVELOPE;
	else
		return err_set(err, E_UNAUTHORIZED, "no credentials");
	return E_OK;
}

static void settle_endpoint(struct request *r, enum endpoint e)
{
	struct body *body = &r->job.body;

	r->job.success = endpoint_success_of(e);
	r->never_429 = endpoint_has(e, ENDPOINT_NEVER_429);
	body->max_bytes = endpoint_limit(e, r->settings, &body->limit);
}

static int take_head(struct connection *c, const struct head *head, struct err *err)
{
	struct frame_job *job = &c->request->job;
	enum endpoint e = head->target.at.endpoint;
	struct endpoint_request *request;
	bool found = false;
	int rc = head_identify(&c->http, &c->peer, head, job->env, &found, err);

	if (rc == E_OK)
		rc = find_auth(e, found, &job->auth, err);
	if (rc == E_OK)
		rc = head_request(&c->http, head, job->env, &request, err);
	if (rc != E_OK)
		return rc;
	job->request = request;
	job->encoding = head->encoding;
	settle_endpoint(c->request, e);
	return body_check_declared(&job->body, err);
}

static void exchange_take(struct connection *c, const struct head *head)
{
	struct err err;
	int rc;

	c->request = client_request_new(c->in, c, CHANNEL_HTTP, c->http.length);
	rc = c->request == NULL ? err_set(&err, E_NOMEM, "no memory for the request")
				: take_head(c, head, &err);
	if (rc != E_OK) {
		exchange_refuse(c, reply_status(rc), err.text, STR_EMPTY, false);
		return;
	}
	c->state = CONNECTION_BODY;
	send_continue(c);
}

void exchange_begin(struct connection *c)
{
	const struct head_rules rules = {
		.settings = c->in->settings, .uids = &c->in->uids, .dev = c->in->dev};
	struct head head;

	INGEST_COUNT(c->in, requests, 1);
	head_judge(&c->http, &c->peer, &rules, &head);
	begin_frame(c, &head);
	switch (head.verdict) {
	case HEAD_REFUSE:
		exchange_refuse(c, head.status, head.err.text, head.allow, head.fatal);
		break;
	case HEAD_TAKE:
		exchange_take(c, &head);
		break;
	case HEAD_PAGE:
	case HEAD_METHOD:
		send_page(c, &head);
		break;
	case HEAD_OPTIONS:
		send_options(c, &head);
		break;
	}
}

void exchange_body(void *connection, const char *p, size_t n)
{
	struct connection *c = connection;
	struct frame_job *job;

	INGEST_COUNT(c->in, request_bytes, n);
	if (c->state != CONNECTION_BODY)
		return;
	job = &c->request->job;
	if (job->rc == E_OK)
		job->rc = body_add(&job->body, p, n, &job->err);
}
