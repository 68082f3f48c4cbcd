#include "ingest/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ingest/answer.h"
#include "ingest/connection.h"

#define SPARE_MAX 64

static const char *const channel_names[] = {
	[CHANNEL_HTTP] = "http", [CHANNEL_RAW] = "raw", [CHANNEL_DATAGRAM] = "datagram"};

/* Requests come and go so often that some are kept. */
static struct request *shell_get(struct ingest *in)
{
	struct request *r = TAILQ_FIRST(&in->spare);

	if (r == NULL)
		return calloc(1, sizeof *r);
	TAILQ_REMOVE(&in->spare, r, link);
	in->spare_count--;
	memset(r, 0, sizeof *r);
	return r;
}

static void shell_put(struct ingest *in, struct request *r)
{
	if (in == NULL || in->spare_count >= SPARE_MAX) {
		free(r);
		return;
	}
	TAILQ_INSERT_HEAD(&in->spare, r, link);
	in->spare_count++;
}

void client_requests_trim(struct ingest *in)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&in->spare)) != NULL) {
		TAILQ_REMOVE(&in->spare, r, link);
		free(r);
	}
	in->spare_count = 0;
}

struct request *client_request_new(
	struct ingest *in, struct connection *c, enum channel channel, uint64_t declared)
{
	struct request *r = shell_get(in);
	struct envelope *env;

	if (r == NULL)
		return NULL;
	env = envelope_new();
	if (env == NULL) {
		shell_put(in, r);
		return NULL;
	}
	env->from.peer_uid = -1;
	env->from.peer_pid = -1;
	env->from.protocol = STR("7");
	r->in = in;
	r->conn = c;
	r->channel = channel;
	r->reply.request = r;
	r->settings = settings_ref(in->settings);
	r->job.env = env;
	r->job.auth = channel == CHANNEL_HTTP ? AUTH_REQUEST : AUTH_OPTIONAL;
	r->job.settings = r->settings;
	r->job.ops = in->ops;
	body_init(&r->job.body, in->budget, declared, r->settings->limits.envelope);
	return r;
}

void client_request_free(struct request *r)
{
	if (r == NULL)
		return;
	envelope_free(r->job.env);
	body_fini(&r->job.body);
	settings_unref(r->settings);
	shell_put(r->in, r);
}

/* The last thing that happens to a dispatched request. */
static void request_end(struct request *r)
{
	struct ingest *in = r->in;

	if (in != NULL)
		TAILQ_REMOVE(&in->requests, r, link);
	client_request_free(r);
	if (in != NULL && in->closing)
		ingest_maybe_closed(in);
}

/* --- dispatching ----------------------------------------------------------- */

static void log_received(const struct request *r)
{
	const struct envelope *env = r->job.env;
	char id[EVENT_ID_HEX_BYTES] = "";

	if (env->has_event_id)
		event_id_hex(&env->event_id, id);
	log_line(r->in->log, LOG_DEBUG, "received", log_cstr("id", id),
		log_cstr("from", channel_names[r->channel]), log_int("uid", env->from.peer_uid),
		log_int("bytes", (int64_t)r->job.decoded_bytes),
		log_int("items", (int64_t)env->item_count));
}

static void discard(struct request *r)
{
	if (r->job.result != NULL && r->job.ops->discard != NULL)
		r->job.ops->discard(r->job.ops->arg, r->job.result);
	r->job.result = NULL;
}

static void hand_on(struct request *r)
{
	struct envelope *env = r->job.env;
	void *result = r->job.result;
	int rc = r->job.rc;

	if (rc == E_OK && r->in->forced)
		rc = err_set(&r->job.err, E_CANCELED, "the daemon is shutting down");
	if (rc != E_OK) {
		int status = reply_status(rc);

		discard(r);
		reply_refused(&r->reply, status, r->job.err.text,
			status == 503 ? REQUEST_RETRY_S : 0, STR_EMPTY);
		return;
	}
	if (log_wants(r->in->log, LOG_DEBUG))
		log_received(r);
	r->has_id = r->never_429 && env->has_event_id;
	if (r->has_id)
		r->id = env->event_id;
	r->job.env = NULL;
	r->job.result = NULL;
	r->job.ops->envelope(r->job.ops->arg, env, result, &r->reply);
}

static void frame_work(uv_work_t *w)
{
	struct request *r = w->data;

	frame_run(&r->job);
}

static void frame_done(uv_work_t *w, int status)
{
	struct request *r = w->data;

	check(status == 0); /* queued work is never cancelled */
	r->working = false;
	r->in->working_count--;
	hand_on(r);
}

void request_dispatch(struct request *r)
{
	struct ingest *in = r->in;
	struct frame_job *job = &r->job;
	bool is_small = job->body.n <= in->inline_bytes || in->ops->work == NULL;

	job->env->from.received = clock_now(in->clock);
	r->dispatched = true;
	TAILQ_INSERT_TAIL(&in->requests, r, link);
	if (job->encoding == ENCODING_IDENTITY && is_small) {
		frame_run(job);
		hand_on(r);
		return;
	}
	r->work.data = r;
	r->working = true;
	in->working_count++;
	check(uv_queue_work(in->loop, &r->work, frame_work, frame_done) == 0);
}

void requests_orphan(struct ingest *in)
{
	struct request *r, *next;

	for (r = TAILQ_FIRST(&in->requests); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->working)
			continue;
		TAILQ_REMOVE(&in->requests, r, link);
		r->in = NULL;
		r->conn = NULL;
	}
}

/* --- answering ------------------------------------------------------------- */

int reply_status(int rc)
{
	switch (rc) {
	case E_OK:
		return 200;
	case E_SYNTAX:
	case E_INVAL:
		return 400;
	case E_UNAUTHORIZED:
		return 401;
	case E_DENIED:
		return 403;
	case E_NOTFOUND:
		return 404;
	case E_TOOBIG:
		return 413;
	case E_UNSUPPORTED:
		return 415;
	case E_LIMITED:
		return 429;
	default:
		return 503; /* not the client's fault: it may come back */
	}
}

void reply_accepted(struct reply *reply, const struct event_id *id, struct str limits)
{
	struct request *r = reply->request;
	struct ingest *in = r->in;

	if (in != NULL && r->channel == CHANNEL_DATAGRAM)
		INGEST_COUNT(in, datagrams, 1);
	if (in != NULL && r->conn != NULL)
		connection_accepted(r->conn, r->job.success, id, limits);
	request_end(r);
}

void reply_refused(struct reply *reply, int status, const char *detail, uint32_t retry_after_s,
	struct str limits)
{
	struct request *r = reply->request;
	struct ingest *in = r->in;

	if (status == 429 && r->never_429) {
		reply_accepted(reply, r->has_id ? &r->id : NULL, STR_EMPTY);
		return;
	}
	if (in != NULL && r->channel == CHANNEL_DATAGRAM)
		INGEST_COUNT(in, datagrams_refused, 1);
	if (in != NULL && r->conn != NULL)
		connection_refused(r->conn, status, detail, retry_after_s, limits);
	request_end(r);
}
