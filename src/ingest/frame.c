#include "ingest/frame.h"

#include <stdlib.h>

#include "endpoint/endpoint.h"
#include "envelope/dsn.h"
#include "ingest/auth.h"

static uint64_t budget_left(const struct budget *b)
{
	uint64_t limit, used;

	if (b == NULL)
		return UINT64_MAX;
	limit = atomic_load(&b->limit_bytes);
	used = budget_used(b);
	return used < limit ? limit - used : 0;
}

struct account {
	struct budget *budget;
	size_t taken;
};

/* Takes what out has grown to, before that is filled. */
static int take_grown(void *arg, const struct buf *out, struct err *err)
{
	struct account *a = arg;

	if (a->budget == NULL || out->cap <= a->taken)
		return E_OK;
	if (!budget_take(a->budget, out->cap - a->taken))
		return err_set(err, E_NOMEM, "limits.memory is used up at the moment");
	a->taken = out->cap;
	return E_OK;
}

static int decode_all_of(
	struct frame_job *job, uint64_t max, struct buf *out, struct account *account)
{
	struct decoder *d = NULL;
	int rc = decoder_new(&d, job->encoding, max, &job->err);

	if (rc == E_OK) {
		decoder_on_grown(d, take_grown, account);
		rc = decoder_feed(d, body_view(&job->body), out, &job->err);
	}
	if (rc == E_OK)
		rc = decoder_finish(d, &job->err);
	decoder_free(d);
	return rc;
}

/* The bound is what may be had now, so that a bomb ends there and not at
 * the limit of the endpoint, which may be more than all of limits.memory. */
static int decode(struct frame_job *job, struct str *body)
{
	struct budget *budget = job->body.budget;
	uint64_t limit = job->body.max_bytes, left = budget_left(budget);
	struct buf out = BUF_INIT;
	struct account account = {budget, 0};
	int rc = decode_all_of(job, left < limit ? left : limit, &out, &account);

	if (rc == E_TOOBIG && left < limit) {
		rc = left + job->body.cap >= job->settings->limits.memory
			     ? err_set(&job->err, E_TOOBIG,
				       "the decoded body does not fit limits.memory (%llu)",
				       (unsigned long long)job->settings->limits.memory)
			     : err_set(&job->err, E_NOMEM,
				       "limits.memory is used up at the moment");
	}
	if (rc != E_OK) {
		if (account.taken > 0)
			budget_give(budget, account.taken);
		buf_fini(&out);
		return rc;
	}
	/* What the client compressed may go on so; until then both are held. */
	job->env->wire = body_view(&job->body);
	job->env->wire_encoding = job->encoding;
	job->decoded_cap = account.taken; /* goes back with the request */
	job->body.cap += account.taken;
	job->env->adopted_body = buf_take(&out, &body->n);
	body->p = job->env->adopted_body;
	buf_fini(&out);
	return E_OK;
}

/* Whether it goes on as it was compressed is decided by now. */
static void drop_wire(struct frame_job *job)
{
	struct body *b = &job->body;

	job->env->wire = STR_EMPTY;
	if (b->p == NULL)
		return;
	free(b->p);
	b->p = NULL;
	if (b->budget != NULL && b->cap > job->decoded_cap)
		budget_give(b->budget, b->cap - job->decoded_cap);
	b->cap = job->decoded_cap;
}

/* Gives memory back when a body of unknown length came out much smaller than
 * what was taken for it. */
static void shrink(struct body *b)
{
	char *p;

	if (b->n == 0 || b->cap - b->n <= b->cap / 4)
		return;
	p = realloc(b->p, b->n);
	if (p == NULL)
		return;
	b->p = p;
	if (b->budget != NULL)
		budget_give(b->budget, b->cap - b->n);
	b->cap = b->n;
}

static int take_body(struct frame_job *job, struct str *body)
{
	if (job->encoding != ENCODING_IDENTITY && job->body.n > 0)
		return decode(job, body);
	shrink(&job->body);
	*body = body_view(&job->body);
	job->env->adopted_body = job->body.p;
	job->body.p = NULL; /* its share of the budget goes back with the request */
	return E_OK;
}

/* Key and project of a DSN in the form that requests' are in. */
static int read_dsn(struct str text, struct str *key, struct str *project, struct err *err)
{
	struct dsn dsn;
	int rc = dsn_parse(text, &dsn, err);

	if (rc == E_OK)
		rc = auth_check_key(dsn.key, key, err);
	if (rc == E_OK)
		rc = project_parse(dsn.project, project, err);
	return rc == E_OK ? E_OK : err_wrap(err, rc, "dsn in the envelope header");
}

static int compare_dsn(struct frame_job *job, struct str text)
{
	struct sender *from = &job->env->from;
	struct str key = STR_EMPTY, project = STR_EMPTY;
	int rc = read_dsn(text, &key, &project, &job->err);

	if (rc != E_OK)
		return rc;
	if (from->project.n > 0 && !str_eq(from->project, project))
		return err_set(&job->err, E_SYNTAX,
			"the envelope's dsn has another project than the request");
	if (from->key.n > 0 && !str_eq(from->key, key))
		return err_set(
			&job->err, E_SYNTAX, "the envelope's dsn has another key than the request");
	from->key = key;
	from->project = project;
	return E_OK;
}

static void item_limits_of(const struct settings *s, struct item_limits *ret)
{
	*ret = (struct item_limits){
		.event = s->limits.event,
		.attachment = s->limits.attachment,
		.attachments = s->limits.attachments,
		.attachment_count = s->limits.attachment_count,
		.replay = s->limits.replay,
		.session = s->limits.session,
		.session_count = s->limits.session_count,
		.client_report = s->limits.client_report,
		.client_report_count = s->limits.client_report_count,
		.profile = s->limits.profile,
		.check_in = s->limits.check_in,
		.statsd = s->limits.statsd,
		.metric_buckets = s->limits.metric_buckets,
		.log = s->limits.log,
		.trace_metric = s->limits.trace_metric,
		.span = s->limits.span,
		.span_count = s->limits.span_count,
	};
}

static int frame(struct frame_job *job, struct str body)
{
	const struct envelope_limits limits = {
		.max_items = (size_t)job->settings->limits.items,
		.max_header_bytes = (size_t)job->settings->limits.header,
	};
	struct envelope *env = job->env;
	struct str dsn;
	int rc;

	if (body.n == 0)
		return err_set(&job->err, E_SYNTAX, "the body is empty");
	if (job->auth == AUTH_ENVELOPE) {
		rc = envelope_peek_dsn(body, env->arena, &dsn, &job->err);
		if (rc == E_OK)
			rc = compare_dsn(job, dsn);
		if (rc != E_OK)
			return rc;
	}
	rc = envelope_parse(env, body, &limits, &job->err);
	if (rc == E_OK && env->dsn.n > 0)
		rc = compare_dsn(job, env->dsn);
	return rc;
}

/* An endpoint that is not of envelopes. */
static int take(struct frame_job *job, struct str body)
{
	struct endpoint_work w = {.request = job->request,
		.settings = job->settings,
		.budget = job->body.budget,
		.env = job->env,
		.body = body,
		.err = &job->err,
		.success = job->success};
	int rc = endpoint_take(&w);

	job->success = w.success;
	job->body.cap += w.extra_bytes; /* goes back with the request */
	job->decoded_cap += w.extra_bytes;
	return rc;
}

static int measure(struct frame_job *job)
{
	struct envelope *env = job->env;
	int rc = envelope_identify(env, &job->err);

	if (rc == E_OK)
		rc = envelope_measure(env, &env->invalid, &job->err);
	if (rc != E_OK)
		return rc;
	item_limits_of(job->settings, &env->limits);
	return envelope_check_limits(env, &env->limits, &job->err);
}

void frame_run(struct frame_job *job)
{
	struct str body = STR_EMPTY;

	job->rc = take_body(job, &body);
	job->decoded_bytes = body.n;
	if (job->rc == E_OK && (job->request == NULL || endpoint_is_envelope(job->request)))
		job->rc = frame(job, body);
	else if (job->rc == E_OK)
		job->rc = take(job, body);
	if (job->rc == E_OK && !carried_is(&job->env->carried))
		job->rc = measure(job);
	if (job->rc == E_OK && job->ops->work != NULL)
		job->rc = job->ops->work(
			job->ops->arg, job->env, job->settings, &job->result, &job->err);
	if (job->env->wire.n > 0)
		drop_wire(job);
}
