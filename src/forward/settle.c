#include <stdio.h>
#include <stdlib.h>

#include "forward/state.h"

/* What becomes of the records of a request.
 *
 *   request_judge       each record ends, stays to be sent again, or is split
 *   request_end_unsent  it ends without a request: limited, damaged, not to be split
 *
 * A record that was split ends when both of its parts have.
 */

/* From here on r->facts tells of this record. */
static void cargo_unpack(struct request *r, const struct cargo *c)
{
	if (r->cargo_count == 1)
		return;
	memset(&r->facts, 0, sizeof r->facts);
	r->facts.has_event_id = c->has_event_id;
	r->facts.event_id = c->event_id;
	(void)quantities_unpack(c->held, c->held_n, &r->facts.held); /* packed in gather.c */
	r->facts.part = r->facts.held;
}

static void settlement_start(const struct request *r, const struct cargo *c, struct settlement *st)
{
	memset(st, 0, sizeof *st);
	st->ref = (struct record_ref){r->lane->id, r->class, c->from.seq};
	st->status = r->x.rc == E_OK ? r->x.status : 0;
	st->attempts = c->from.attempts;
	st->has_event_id = r->facts.has_event_id;
	st->event_id = r->facts.event_id;
	if (r->x.rc != E_OK)
		(void)snprintf(st->text, sizeof st->text, "%.*s", (int)sizeof st->text - 1,
			r->x.detail[0] != '\0' ? r->x.detail : err_name(r->x.rc));
	else if (r->x.status != 0)
		(void)snprintf(st->text, sizeof st->text, "HTTP %d", r->x.status);
}

static void request_settle(struct request *r, const struct settlement *st)
{
	struct forward *f = r->f;

	f->ops->settle(f->ops->arg, st);
	if (st->reported)
		report_expect(r->lane, forward_now(f).mono_ms);
}

/* One of two parts has ended. True when it was the last: st then tells of both. */
static bool split_end(struct cargo *c, struct settlement *st)
{
	struct split *s = c->from.split;

	c->from.split = NULL;
	quantities_merge(&s->dropped, &st->dropped);
	if (st->why != DROP_NONE) {
		s->why = st->why;
		s->is_reported |= st->reported;
	}
	if (st->status >= 200 && st->status < 300)
		s->parts_delivered++;
	if (--s->parts_left > 0)
		return false;
	st->dropped = s->dropped;
	st->why = s->why;
	st->reported = s->is_reported;
	/* A dead letter counts as lost whole. */
	if (s->parts_delivered > 0)
		st->end = SETTLE_REMOVE;
	free(s);
	return true;
}

/* The record ends: what of it was dropped, and why, is in st already. */
static void record_end(struct request *r, struct cargo *c, struct settlement *st)
{
	if (c->from.split != NULL && !split_end(c, st))
		return;
	if (st->end == SETTLE_DEAD) {
		st->dropped = r->facts.held;
	} else {
		/* Both together are what was held, whatever was counted anew. */
		st->delivered = r->facts.held;
		quantities_subtract(&st->delivered, &st->dropped);
		st->dropped = r->facts.held;
		quantities_subtract(&st->dropped, &st->delivered);
	}
	request_settle(r, st);
}

static void record_dead(
	struct request *r, struct cargo *c, struct settlement *st, enum drop_reason why)
{
	char id[EVENT_ID_HEX_BYTES] = "";

	st->end = SETTLE_DEAD;
	st->why = why;
	st->reported = true;
	st->dropped = r->facts.part;
	if (st->has_event_id)
		event_id_hex(&st->event_id, id);
	log_line(r->f->log, LOG_ERROR, "dead", log_cstr("id", id),
		log_cstr("upstream", r->lane->host->base_url),
		log_str("project", r->lane->dsn.project), log_int("status", st->status),
		log_cstr("reason", drop_name(why)), log_cstr("class", item_class_name(r->class)),
		log_int("attempts", st->attempts));
	record_end(r, c, st);
}

void request_end_unsent(struct request *r)
{
	struct cargo *c = &r->own;
	struct settlement st;

	memset(&r->x, 0, sizeof r->x);
	settlement_start(r, c, &st);
	switch (r->built.result) {
	case BUILD_LIMITED:
		st.end = SETTLE_REMOVE;
		st.why = DROP_RATELIMIT_BACKOFF;
		st.reported = true;
		st.dropped = r->facts.part;
		record_end(r, c, &st);
		break;
	case BUILD_WHOLE:
		st.status = 413;
		(void)snprintf(st.text, sizeof st.text, "HTTP 413, and it cannot be split");
		/* The first half tells of the whole record, once. */
		if (c->from.part == PART_SECOND)
			memset(&r->facts.part, 0, sizeof r->facts.part);
		record_dead(r, c, &st, DROP_SEND_ERROR);
		break;
	default:
		(void)snprintf(st.text, sizeof st.text, "the stored record is damaged");
		record_dead(r, c, &st, DROP_INTERNAL_SDK_ERROR);
		break;
	}
	request_free(r);
}

/* --- judging ------------------------------------------------------------------- */

static void record_keep(struct request *r, const struct settlement *from)
{
	struct settlement st = *from;

	st.end = SETTLE_KEEP;
	request_settle(r, &st);
}

static void record_again(struct request *r, struct cargo *c, int64_t due_mono_ms)
{
	c->from.due_mono_ms = due_mono_ms;
	c->from.good = r->lane->host->good;
	(void)queue_push(&r->lane->queues[r->class], &c->from);
	c->from.split = NULL;
}

/* When nobody answers, the host's own waits say when. A record that fails
 * while others get through has to wait for itself, or it would be sent in a
 * tight loop. */
static void record_retry(struct request *r, struct cargo *c, const struct verdict *v)
{
	struct forward *f = r->f;
	struct circuit_policy policy = host_policy(r->lane->host);
	int64_t now_ms = forward_now(f).mono_ms, wait_ms = 0;
	bool others_pass = c->from.attempts > 1 && c->from.good != r->lane->host->good;

	if (!v->host_is_away || others_pass)
		wait_ms = backoff_ms(&policy, c->from.attempts, &f->rng);
	record_again(r, c, now_ms + wait_ms);
}

static void record_split(struct request *r, struct cargo *c)
{
	struct split *s = calloc(1, sizeof *s);

	if (s == NULL) {
		record_again(r, c, forward_now(r->f).mono_ms + MEMORY_PAUSE_MS);
		return;
	}
	s->parts_left = 2;
	c->from.split = s;
	c->from.flags |= RETRY_SPLIT;
	c->from.part = PART_FIRST;
	record_again(r, c, 0);
	c->from.split = s;
	c->from.part = PART_SECOND;
	record_again(r, c, 0);
}

static void record_delivered(struct request *r, struct cargo *c, struct settlement *st)
{
	st->end = SETTLE_REMOVE;
	st->dropped = r->facts.dropped;
	if (!quantities_empty(&st->dropped)) {
		st->why = DROP_RATELIMIT_BACKOFF;
		st->reported = true;
	}
	record_end(r, c, st);
}

/* What was answered 429 is gone, and the server has counted it (design 12.4). */
static void record_limited(struct request *r, struct cargo *c, struct settlement *st)
{
	st->end = SETTLE_REMOVE;
	st->why = DROP_RATELIMIT_BACKOFF;
	st->dropped = r->facts.part;
	record_end(r, c, st);
}

static void record_judge(struct request *r, struct cargo *c, const struct verdict *v)
{
	int64_t now_ms = forward_now(r->f).mono_ms;
	struct settlement st;

	cargo_unpack(r, c);
	settlement_start(r, c, &st);
	switch (v->kind) {
	case VERDICT_DELIVERED:
		record_delivered(r, c, &st);
		return;
	case VERDICT_LIMITED:
		record_limited(r, c, &st);
		return;
	case VERDICT_DEAD:
		record_dead(r, c, &st, DROP_SEND_ERROR);
		return;
	case VERDICT_RETRY:
		record_keep(r, &st);
		record_retry(r, c, v);
		return;
	case VERDICT_GZIP:
		record_keep(r, &st);
		c->from.flags |= RETRY_GZIP;
		record_again(r, c, now_ms);
		return;
	case VERDICT_SPLIT:
		record_keep(r, &st);
		record_split(r, c);
		return;
	case VERDICT_CANCELED:
		/* Nobody knows how it ended: the attempt counts for nothing. */
		st.attempts = --c->from.attempts;
		record_keep(r, &st);
		record_again(r, c, now_ms);
		return;
	}
}

/* Nobody knows whose fault it was, and the others shall not suffer for it: each
 * is sent as its client sent it. */
static void request_apart(struct request *r)
{
	for (unsigned i = 0; i < r->cargo_count; i++) {
		struct cargo *c = &r->cargo[i];
		struct settlement st;

		cargo_unpack(r, c);
		settlement_start(r, c, &st);
		record_keep(r, &st);
		c->from.flags |= RETRY_ALONE;
		record_again(r, c, forward_now(r->f).mono_ms);
	}
}

void request_judge(struct request *r, const struct verdict *v)
{
	if (r->cargo_count > 1 &&
		(v->kind == VERDICT_SPLIT || (v->kind == VERDICT_DEAD && r->x.status == 400))) {
		request_apart(r);
		return;
	}
	for (unsigned i = 0; i < r->cargo_count; i++)
		record_judge(r, &r->cargo[i], v);
}
