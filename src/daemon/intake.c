/* One envelope between socket and spool.
 *
 *   intake_work      worker  route it, judge it, make the header agree, scrub it, divide it
 *                            where Sentry would refuse it whole, pack a record of each piece
 *   intake_envelope  loop    answer 429 if every item is limited, else store the pieces
 *   stored           loop    after the last: answer the client, tell forward
 *
 * An envelope without items is answered and forgotten, and so is one of which
 * judging left nothing (P-032). A full spool ends in 503: nothing was stored, so
 * nothing is counted. Of several pieces some may have found room, the urgent ones
 * by pushing others out; they will be sent, so the client is told 200 and the rest
 * is counted here.
 */
#include <stdlib.h>

#include "daemon/relay.h"
#include "envelope/divide.h"
#include "process/pack.h"
#include "process/process.h"
#include "process/route.h"
#include "scrub/scrub.h"

#define RETRY_WHEN_FULL_S 30

struct piece {
	struct spool_put put; /* the first member: stored() finds the piece by it */
	struct packed packed;
	struct intake *in;
};

struct intake {
	struct quantities invalid;    /* left out of the records, counted with the answer */
	struct process_result judged; /* likewise */
	struct scrub_tally scrubbed;
	struct buf told; /* what the journal is told of who decided; names go with their settings */
	struct {
		uint32_t at, n;
	} by[DROP_COUNT]; /* in told */
	struct relay *relay;
	struct reply *reply;
	bool has_copies; /* for other projects than the first piece's */
	size_t count, left;
	size_t stored;
	int rc; /* of a piece that was not stored; E_NOSPACE only if it was so for all of those */
	struct piece pieces[];
};

static void intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	for (size_t i = 0; i < in->count; i++)
		packed_fini(&in->pieces[i].packed);
	process_result_fini(&in->judged);
	buf_fini(&in->told);
	free(in);
}

static void stored(struct spool_put *p, int rc);

static int piece_pack(struct intake *in, size_t i, struct envelope *e, const struct route *route,
	const struct relay *r, struct err *err)
{
	struct piece *p = &in->pieces[i];
	int rc = pack_envelope(e, route, r->codecs, r->frame.boot_id, &p->packed, err);

	if (rc != E_OK)
		return rc;
	in->count = i + 1;
	p->put = (struct spool_put){
		.bytes = buf_view(&p->packed.bytes),
		.dsn = buf_view(&p->packed.dsn),
		.class = p->packed.class,
		.held = e->held,
		.has_event_id = e->has_event_id,
		.event_id = e->event_id,
		.done = stored,
	};
	return E_OK;
}

/* Where it goes: its own project, or the one a rule named, and those that rules
 * want copies for. */
struct targets {
	struct route v[1 + RULES_TOLD_MAX];
	size_t n;
};

static int targets_find(const struct settings *s, struct envelope *env,
	const struct rules_told *told, struct targets *t, struct err *err)
{
	int rc = E_OK;

	if (told->route != NULL)
		rc = route_to_project(s, told->route, &env->from, env->arena, &t->v[0], err);
	t->n = 1;
	for (size_t i = 0; i < told->duplicates_n && rc == E_OK; i++)
		rc = route_to_project(
			s, told->duplicates[i], &env->from, env->arena, &t->v[t->n++], err);
	return rc;
}

/* Room for n more pieces. NULL: no memory, and in is gone. */
static struct intake *intake_grown(struct intake *in, size_t n)
{
	size_t count = in != NULL ? in->count : 0;
	struct intake *grown = realloc(in, sizeof *in + (count + n) * sizeof in->pieces[0]);

	if (grown == NULL)
		intake_free(in);
	else if (in == NULL)
		*grown = (struct intake){.count = 0};
	return grown;
}

/* One record of each piece for each target. NULL: rc says why. */
static struct intake *pack_all(struct envelope *env, const struct targets *t, const struct relay *r,
	int *rc, struct err *err)
{
	struct intake *in = NULL;

	for (size_t k = 0; k < t->n; k++) {
		struct envelope *pieces;
		size_t n = 0;

		*rc = route_apply(env, &t->v[k], err);
		if (*rc == E_OK)
			*rc = envelope_divide(env, &env->limits, &pieces, &n, err);
		if (*rc != E_OK)
			break;
		in = intake_grown(in, n);
		if (in == NULL) {
			*rc = err_set(err, E_NOMEM, "no memory to store an envelope");
			break;
		}
		for (size_t i = 0; i < n && *rc == E_OK; i++)
			*rc = piece_pack(in, in->count, &pieces[i], &t->v[k], r, err);
		if (*rc != E_OK)
			break;
	}
	if (*rc != E_OK || in == NULL) {
		intake_free(in);
		return NULL;
	}
	in->has_copies = t->n > 1;
	return in;
}

/* The journal can do without. */
static void keep_told(struct intake *in)
{
	const struct process_result *judged = &in->judged;
	const struct rules_told *told = &judged->told;
	size_t rules_at;

	for (int why = DROP_NONE + 1; judged->dropped != NULL && why < DROP_COUNT; why++) {
		size_t at = in->told.n;

		if (!quantities_empty(&judged->dropped[why]))
			decided_write(&judged->by[why], &in->told);
		in->by[why].at = (uint32_t)at;
		in->by[why].n = (uint32_t)(in->told.n - at);
	}
	rules_at = in->told.n;
	for (size_t i = 0; i < told->hits_n; i++) {
		buf_cstr(&in->told, i > 0 ? ", " : "");
		buf_cstr(&in->told, told->hits[i]);
	}
	if (!buf_ok(&in->told))
		return;
	for (size_t i = 0; i < in->count; i++)
		in->pieces[i].put.by = str_from(buf_view(&in->told), rules_at);
}

static void keep_scrubbed(struct intake *in)
{
	for (size_t i = 0; i < in->count; i++)
		in->pieces[i].put.scrubbed = str_of(in->judged.scrubbed);
}

static struct str told_by(const struct intake *in, enum drop_reason why)
{
	if (!buf_ok(&in->told))
		return STR_EMPTY;
	return str_first(str_from(buf_view(&in->told), in->by[why].at), in->by[why].n);
}

int intake_work(
	void *arg, struct envelope *env, const struct settings *s, void **result, struct err *err)
{
	const struct relay *r = arg;
	struct process_result judged = {0};
	struct scrub_tally scrubbed;
	struct intake *in = NULL;
	struct targets targets;
	int rc = route_find(s, &env->from, r->dev, env->arena, &targets.v[0], err);

	*result = NULL;
	if (rc == E_OK)
		rc = process_run(judge_of(s), r->judging, env, env->from.received, &judged, err);
	if (rc == E_OK)
		rc = targets_find(s, env, &judged.told, &targets, err);
	if (rc == E_OK)
		rc = process_scrub(judge_of(s), env, &judged, &scrubbed, err);
	if (rc == E_OK)
		in = pack_all(env, &targets, r, &rc, err);
	if (in == NULL) {
		process_result_fini(&judged);
		return rc;
	}
	in->judged = judged;
	in->scrubbed = scrubbed;
	keep_told(in);
	keep_scrubbed(in);
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

/* What the client is told is about the first: its project, its event id. */
static struct spool_put *first_of(struct intake *in)
{
	return &in->pieces[0].put;
}

static const struct event_id *id_of(struct intake *in)
{
	return first_of(in)->has_event_id ? &first_of(in)->event_id : NULL;
}

static void count_loss(struct intake *in, const struct quantities *q, enum drop_reason why)
{
	const struct event_id *id = id_of(in);
	char hex[EVENT_ID_HEX_BYTES] = "";

	if (quantities_empty(q))
		return;
	spool_refused(in->relay->spool, first_of(in)->dsn, q,
		&(struct refusal){why, true, id, told_by(in, why)});
	if (id != NULL)
		event_id_hex(id, hex);
	log_line(in->relay->log, LOG_DEBUG, "dropped", log_cstr("id", hex),
		log_cstr("reason", drop_name(why)), log_str("by", told_by(in, why)));
}

/* What is not part of the records. Not before it is known that the client will
 * not count the loss itself: after a 503 it does (5.3). */
static void count_losses(struct intake *in)
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
	for (size_t i = 0; i < in->count; i++) {
		struct spool_put *p = &in->pieces[i].put;

		spool_refused(in->relay->spool, p->dsn, &p->held,
			&(struct refusal){DROP_RATELIMIT_BACKOFF, true,
				p->has_event_id ? &p->event_id : NULL, STR_EMPTY});
	}
	reply_refused(in->reply, 429, "rate limited by upstream", retry_after_s, limits);
	intake_free(in);
}

static void store(struct intake *in)
{
	size_t n = in->count;

	in->left = n;
	/* done never comes from within spool_put(), so in stays. */
	for (size_t i = 0; i < n; i++) {
		in->pieces[i].in = in;
		spool_put(in->relay->spool, &in->pieces[i].put);
	}
}

static void count_scrubbed(struct counters *c, const struct scrub_tally *t)
{
	c->scrub_replaced += t->values.replaced;
	c->scrub_removed += t->values.removed;
	c->scrub_limits += t->values.limits;
	c->scrub_items_dropped += t->items_dropped;
	c->scrub_opaque += t->opaque;
}

static void log_notes(struct relay *r, const struct rules_told *told)
{
	for (size_t i = 0; i < told->notes_n; i++)
		log_line(r->log, LOG_INFO, "rule", log_cstr("rule", told->notes[i].rule),
			log_cstr("text", told->notes[i].text));
}

static void count_hooks(struct relay *r, const struct process_result *judged)
{
	r->counters.hook_calls += judged->hook_calls;
	r->counters.hook_errors += judged->hook_errors;
	if (judged->hook_errors > 0)
		log_line(r->log, LOG_WARN, "hook", log_cstr("error", judged->hook_error));
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
	in->invalid = env->invalid;
	count_scrubbed(&r->counters, &in->scrubbed);
	count_hooks(r, &in->judged);
	log_notes(r, &in->judged.told);
	active = forward_limits(r->forward, first_of(in)->dsn, &limits, &retry_after_s);
	if (env->item_count == 0)
		accept_empty(in);
	else if (!in->has_copies && is_limited_whole(env, active))
		refuse_limited(in, buf_view(&limits), retry_after_s);
	else
		store(in);
	buf_fini(&limits);
	envelope_free(env); /* the records hold all that is needed from here on */
}

/* --- stored ------------------------------------------------------------------ */

static void answer_stored(struct intake *in)
{
	struct buf limits = BUF_INIT;
	uint32_t retry_after_s = 0;

	count_losses(in);
	if (in->judged.is_unique && id_of(in) != NULL)
		judge_state_stored(in->relay->judging, id_of(in), clock_now(in->relay->clock));
	(void)forward_limits(in->relay->forward, first_of(in)->dsn, &limits, &retry_after_s);
	reply_accepted(in->reply, id_of(in), buf_view(&limits));
	buf_fini(&limits);
}

/* After a 503 the client would count, or send again, what is stored already. */
static void count_left_over(struct intake *in)
{
	for (size_t i = 0; i < in->count; i++) {
		struct spool_put *p = &in->pieces[i].put;

		if (p->seq == 0)
			count_loss(in, &p->held, DROP_CACHE_OVERFLOW);
	}
}

static void answer_failed(struct intake *in)
{
	reply_refused(in->reply, reply_status(in->rc),
		in->rc == E_CANCELED  ? "shutting down"
		: in->rc == E_NOSPACE ? "the spool is full"
				      : "the spool cannot be written",
		RETRY_WHEN_FULL_S, STR_EMPTY);
}

/* seq is 0 for a piece that was not stored: beside others that were, after an
 * I/O error in between, these are sent all the same. */
static void tell_forward(const struct piece *p, struct forward *f)
{
	struct record_ref ref = {record_lane(p->put.dsn), p->put.class, p->put.seq};
	struct batch_share share = {p->packed.entries, p->packed.items_bytes};

	if (p->put.seq != 0)
		forward_stored(f, p->put.dsn, &ref, p->packed.may_merge ? &share : NULL);
}

static void stored(struct spool_put *put, int rc)
{
	struct piece *p = (struct piece *)(void *)put; /* put is the first member */
	struct intake *in = p->in;

	if (rc == E_OK) {
		in->stored++;
	} else {
		put->seq = 0;
		if (in->rc == E_OK || in->rc == E_NOSPACE)
			in->rc = rc;
	}
	if (--in->left > 0)
		return;
	if (in->rc == E_NOSPACE && in->stored > 0) {
		count_left_over(in);
		in->rc = E_OK;
	}
	if (in->rc == E_OK)
		answer_stored(in);
	else
		answer_failed(in);
	for (size_t i = 0; i < in->count; i++)
		tell_forward(&in->pieces[i], in->relay->forward);
	intake_free(in);
}
