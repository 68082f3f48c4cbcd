/* One envelope between socket and spool.
 *
 *   intake_work      worker  route it, judge it, make the header agree, pack the record
 *   intake_envelope  loop    answer 429 if every item is limited, else store it
 *   stored           loop    answer the client, tell forward
 *
 * An envelope without items is answered and forgotten, and so is one of which
 * judging left nothing (P-032). A full disk ends in 503: nothing of the envelope
 * was stored, so nothing of it is counted.
 */
#include <stdlib.h>

#include "daemon/relay.h"
#include "process/pack.h"
#include "process/process.h"
#include "process/route.h"

#define RETRY_WHEN_FULL_S 30

struct intake {
	struct spool_put put;
	struct packed packed;
	struct quantities invalid;    /* left out of the record, counted with the answer */
	struct process_result judged; /* likewise */
	struct relay *relay;
	struct reply *reply;
};

static void intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	packed_fini(&in->packed);
	process_result_fini(&in->judged);
	free(in);
}

int intake_work(
	void *arg, struct envelope *env, const struct settings *s, void **result, struct err *err)
{
	const struct relay *r = arg;
	struct intake *in;
	struct route route;
	int rc = route_find(s, &env->from, r->dev, env->arena, &route, err);

	*result = NULL;
	if (rc != E_OK)
		return rc;
	in = calloc(1, sizeof *in);
	if (in == NULL)
		return err_set(err, E_NOMEM, "no memory to store an envelope");
	rc = process_run(judge_of(s), r->judging, env, env->from.received, &in->judged, err);
	if (rc == E_OK)
		rc = route_apply(env, &route, err);
	if (rc == E_OK)
		rc = pack_envelope(env, &route, r->codecs, r->frame.boot_id, &in->packed, err);
	if (rc != E_OK) {
		intake_free(in);
		return rc;
	}
	*result = in;
	return E_OK;
}

void intake_discard(void *arg, void *result)
{
	(void)arg;
	intake_free(result);
}

/* True when the active limits stop the whole envelope, so that storing it would
 * only delay its loss (13.3). What is stopped is taken out of env, whose record
 * is packed already: the same judgement that sending will make. */
static bool is_limited_whole(struct envelope *env, uint64_t active)
{
	struct quantities removed = {{0}};

	return envelope_remove_limited(env, active, &removed) > 0 && env->item_count == 0;
}

static const struct event_id *id_of(const struct intake *in)
{
	return in->put.has_event_id ? &in->put.event_id : NULL;
}

static void count_loss(const struct intake *in, const struct quantities *q, enum drop_reason why)
{
	if (!quantities_empty(q))
		spool_refused(in->relay->spool, in->put.dsn, q, why, true, id_of(in));
}

/* What is not part of the record. Not before it is known that the client will
 * not count the loss itself: after a 503 it does (5.3). */
static void count_losses(const struct intake *in)
{
	count_loss(in, &in->invalid, DROP_INVALID);
	for (int why = DROP_NONE + 1; in->judged.dropped != NULL && why < DROP_COUNT; why++)
		count_loss(in, &in->judged.dropped[why], (enum drop_reason)why);
}

static void accept_empty(struct intake *in)
{
	count_losses(in);
	reply_accepted(in->reply, id_of(in), STR_EMPTY);
	intake_free(in);
}

static void refuse_limited(struct intake *in, struct str limits, uint32_t retry_after_s)
{
	count_losses(in);
	spool_refused(in->relay->spool, in->put.dsn, &in->put.held, DROP_RATELIMIT_BACKOFF, true,
		id_of(in));
	reply_refused(in->reply, 429, "rate limited by upstream", retry_after_s, limits);
	intake_free(in);
}

static void stored(struct spool_put *p, int rc);

static void put_prepare(struct intake *in, const struct envelope *env)
{
	in->put = (struct spool_put){
		.bytes = buf_view(&in->packed.bytes),
		.dsn = buf_view(&in->packed.dsn),
		.class = in->packed.class,
		.held = env->held,
		.has_event_id = env->has_event_id,
		.event_id = env->event_id,
		.done = stored,
	};
	in->invalid = env->invalid;
}

void intake_envelope(void *arg, struct envelope *env, void *result, struct reply *to)
{
	struct relay *r = arg;
	struct intake *in = result;
	struct buf limits = BUF_INIT;
	uint32_t retry_after_s = 0;
	uint64_t active;

	in->relay = r;
	in->reply = to;
	put_prepare(in, env);
	active = forward_limits(r->forward, in->put.dsn, &limits, &retry_after_s);
	if (env->item_count == 0)
		accept_empty(in);
	else if (is_limited_whole(env, active))
		refuse_limited(in, buf_view(&limits), retry_after_s);
	else
		spool_put(r->spool, &in->put);
	buf_fini(&limits);
	envelope_free(env); /* the record holds all that is needed from here on */
}

static void stored_ok(struct intake *in)
{
	struct relay *r = in->relay;
	struct record_ref ref = {record_lane(in->put.dsn), in->put.class, in->put.seq};
	struct buf limits = BUF_INIT;
	uint32_t retry_after_s = 0;

	count_losses(in);
	(void)forward_limits(r->forward, in->put.dsn, &limits, &retry_after_s);
	reply_accepted(in->reply, id_of(in), buf_view(&limits));
	buf_fini(&limits);
	forward_stored(r->forward, in->put.dsn, &ref);
}

static void stored(struct spool_put *p, int rc)
{
	struct intake *in = (struct intake *)(void *)p; /* put is the first member */

	if (rc == E_OK)
		stored_ok(in);
	else
		reply_refused(in->reply, reply_status(rc),
			rc == E_CANCELED  ? "shutting down"
			: rc == E_NOSPACE ? "the spool is full"
					  : "the spool cannot be written",
			RETRY_WHEN_FULL_S, STR_EMPTY);
	intake_free(in);
}
