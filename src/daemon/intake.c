/* One envelope between socket and spool.
 *
 *   intake_work      worker  route it, make the header agree, pack the record
 *   intake_envelope  loop    answer 429 if every item is limited, else store it
 *   stored           loop    answer the client, tell forward
 *
 * An envelope without items is answered and forgotten. A full disk ends in 503:
 * nothing of the envelope was stored, so nothing of it is counted.
 */
#include <stdlib.h>

#include "daemon/relay.h"
#include "process/pack.h"
#include "process/route.h"

#define RETRY_WHEN_FULL_S 30

struct intake {
	struct spool_put put;
	struct packed packed;
	struct relay *relay;
	struct reply *reply;
};

int intake_work(
	void *arg, struct envelope *env, const struct settings *s, void **result, struct err *err)
{
	const struct relay *r = arg;
	struct intake *in;
	struct route route;
	int rc = route_find(s, &env->from, r->dev, env->arena, &route, err);

	*result = NULL;
	if (rc == E_OK)
		rc = route_apply(env, &route, err);
	if (rc != E_OK)
		return rc;
	in = calloc(1, sizeof *in);
	if (in == NULL)
		return err_set(err, E_NOMEM, "no memory to store an envelope");
	rc = pack_envelope(env, &route, r->codecs, r->frame.boot_id, &in->packed, err);
	if (rc != E_OK) {
		free(in);
		return rc;
	}
	*result = in;
	return E_OK;
}

static void intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	packed_fini(&in->packed);
	free(in);
}

void intake_discard(void *arg, void *result)
{
	(void)arg;
	intake_free(result);
}

/* True when an active limit stops every item, so that storing it would only
 * delay its loss (13.3). Client reports are never stopped. */
static bool all_limited(const struct envelope *env, uint64_t active)
{
	if (active == 0)
		return false;
	for (size_t i = 0; i < env->item_count; i++) {
		const struct item *it = &env->items[i];

		if (it->type == ITEM_CLIENT_REPORT)
			return false;
		if (active != RATELIMIT_ALL && (item_gates(it) & active) == 0)
			return false;
	}
	return true;
}

static void refuse_limited(
	struct intake *in, const struct envelope *env, struct str limits, uint32_t retry_after_s)
{
	spool_refused(in->relay->spool, buf_view(&in->packed.dsn), &env->held,
		DROP_RATELIMIT_BACKOFF, true, env->has_event_id ? &env->event_id : NULL);
	reply_refused(in->reply, 429, "rate limited by upstream", retry_after_s, limits);
}

static void stored(struct spool_put *p, int rc);

static void store(struct intake *in, const struct envelope *env)
{
	in->put.bytes = buf_view(&in->packed.bytes);
	in->put.dsn = buf_view(&in->packed.dsn);
	in->put.class = in->packed.class;
	in->put.held = env->held;
	in->put.has_event_id = env->has_event_id;
	in->put.event_id = env->event_id;
	in->put.done = stored;
	spool_put(in->relay->spool, &in->put);
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
	if (!quantities_empty(&env->invalid))
		spool_refused(r->spool, buf_view(&in->packed.dsn), &env->invalid, DROP_INVALID,
			true, env->has_event_id ? &env->event_id : NULL);
	if (env->item_count == 0) {
		reply_accepted(to, env->has_event_id ? &env->event_id : NULL, STR_EMPTY);
		intake_free(in);
		envelope_free(env);
		return;
	}
	active = forward_limits(r->forward, buf_view(&in->packed.dsn), &limits, &retry_after_s);
	if (all_limited(env, active)) {
		refuse_limited(in, env, buf_view(&limits), retry_after_s);
		intake_free(in);
	} else {
		store(in, env);
	}
	buf_fini(&limits);
	envelope_free(env); /* the record holds all that is needed from here on */
}

static void stored_ok(struct intake *in)
{
	struct relay *r = in->relay;
	struct record_ref ref = {record_lane(in->put.dsn), in->put.class, in->put.seq};
	struct buf limits = BUF_INIT;
	uint32_t retry_after_s = 0;

	(void)forward_limits(r->forward, in->put.dsn, &limits, &retry_after_s);
	reply_accepted(
		in->reply, in->put.has_event_id ? &in->put.event_id : NULL, buf_view(&limits));
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
