/* Storing envelopes, many per fsync.
 *
 *   spool_put    loop    queue
 *   hand_over    loop    before it waits for events: all puts of this turn at
 *                        once, and wake the writer
 *   take         writer  all that is queued becomes one batch
 *   batch_run    writer  one transaction and one commit for all of it
 *   answer       writer  hand the batch back, take the next at once
 *   answered     loop    correct the loop's picture, then answer each caller
 *
 * No put waits for company: whatever arrived while a commit ran is the next
 * batch. Settlements wait a few milliseconds for a put to ride with, figures and
 * foreign state a second.
 *
 * Full disk: all puts of the batch fail and none of them is stored; settlements
 * stay queued until they can be committed.
 * Closing:   what is queued is committed, then the writer ends.
 */
#include <stdlib.h>

#include "base/check.h"
#include "spool/inner.h"

#define BATCH_MAX_BYTES (8u << 20)
#define BATCH_MAX_PUTS  4096
#define MS              UINT64_C(1000000) /* ns */
/* While nothing can be stored: how often the writer sees whether it can. */
#define PROBE_MS 1000
/* Durability async. */
#define SYNC_MS 1000
/* So long without work before the file is compacted. */
#define SHRINK_IDLE_MS 500
/* And before memory is given back. */
#define UNLOAD_IDLE_MS 1500

/* --- the inbox ------------------------------------------------------------------ */

void inbox_init(struct inbox *in)
{
	in->ops_tail = &in->ops;
	in->purges_tail = &in->purges;
	in->done_tail = &in->done;
	in->ops_due_ns = UINT64_MAX;
	buf_init(&in->lives, (size_t)1 << 20);
}

void inbox_fini(struct inbox *in)
{
	while (in->ops != NULL) {
		struct op *op = in->ops;

		in->ops = op->next;
		free(op);
	}
	buf_fini(&in->lives);
	lent_fini(&in->lent);
}

struct op *op_new(enum op_kind kind, size_t data_n)
{
	struct op *op = calloc(1, sizeof *op + data_n);

	if (op != NULL) {
		op->kind = kind;
		op->n = data_n;
	}
	return op;
}

void inbox_push(struct inbox *in, struct op *op, uint64_t delay_ms)
{
	uint64_t due = uv_hrtime() + delay_ms * MS;

	atomic_fetch_add(&in->op_bytes, sizeof *op + op->n);
	uv_mutex_lock(&in->mutex);
	*in->ops_tail = op;
	in->ops_tail = &op->next;
	in->op_n++;
	if (due < in->ops_due_ns) {
		in->ops_due_ns = due;
		uv_cond_signal(&in->wake);
	}
	uv_mutex_unlock(&in->mutex);
}

void inbox_op(struct spool *s, struct op *op, uint64_t delay_ms)
{
	uv_mutex_lock(&s->in.mutex);
	s->in.now = clock_now(s->clock);
	uv_mutex_unlock(&s->in.mutex);
	inbox_push(&s->in, op, delay_ms);
}

void inbox_look(struct spool *s)
{
	uv_mutex_lock(&s->in.mutex);
	s->in.now = clock_now(s->clock);
	s->in.look = true;
	uv_cond_signal(&s->in.wake);
	uv_mutex_unlock(&s->in.mutex);
}

void writer_hand_over(struct spool *s)
{
	(void)uv_prepare_stop(&s->before_wait);
	uv_mutex_lock(&s->in.mutex);
	s->in.now = clock_now(s->clock);
	puts_move(&s->in.puts, &s->fresh);
	uv_cond_signal(&s->in.wake);
	uv_mutex_unlock(&s->in.mutex);
}

static void hand_over(uv_prepare_t *h)
{
	writer_hand_over(h->data);
}

void spool_put(struct spool *s, struct spool_put *p)
{
	p->seq = 0;
	p->next = NULL;
	check(p->class < CLASS_COUNT);
	s->queued++;
	if (s->closing) {
		puts_add(&s->canceled, p);
		(void)uv_async_send(&s->answered);
		return;
	}
	/* Without this the first of many puts in one turn of the loop would be
	 * committed alone, and all others wait for it. */
	if (s->fresh.first == NULL)
		(void)uv_prepare_start(&s->before_wait, hand_over);
	puts_add(&s->fresh, p);
}

void spool_purge(struct spool *s, struct spool_purge *p)
{
	p->purged = 0;
	p->next = NULL;
	uv_mutex_lock(&s->in.mutex);
	s->in.now = clock_now(s->clock);
	*s->in.purges_tail = p;
	s->in.purges_tail = &p->next;
	uv_cond_signal(&s->in.wake);
	uv_mutex_unlock(&s->in.mutex);
}

/* --- taking: writer, with the mutex ----------------------------------------------- */

static void take_puts(struct inbox *in, struct puts *to)
{
	size_t bytes = 0;

	while (in->puts.first != NULL && to->n < BATCH_MAX_PUTS) {
		struct spool_put *p = in->puts.first;

		if (to->n > 0 && bytes + p->bytes.n > BATCH_MAX_BYTES)
			break;
		bytes += p->bytes.n;
		in->puts.first = p->next;
		if (in->puts.first == NULL)
			in->puts.last = NULL;
		in->puts.n--;
		puts_add(to, p);
	}
}

static void take_rest(struct inbox *in, struct store *st)
{
	if (in->ops != NULL) {
		*st->ops_tail = in->ops;
		st->ops_tail = in->ops_tail;
		st->op_n += in->op_n;
	}
	in->ops = NULL;
	in->ops_tail = &in->ops;
	in->op_n = 0;
	in->ops_due_ns = UINT64_MAX;
	if (in->purges != NULL) {
		*st->purges_tail = in->purges;
		st->purges_tail = in->purges_tail;
	}
	in->purges = NULL;
	in->purges_tail = &in->purges;
	buf_str(&st->lives, buf_view(&in->lives));
	st->lives.failed = false;
	buf_clear(&in->lives);
	if (in->has_limits) {
		st->limits = in->limits;
		st->map_wanted = in->map_bytes;
		expire_reset(st);
	}
	in->has_limits = false;
}

static struct batch *take(struct inbox *in, struct store *st)
{
	struct batch *b = calloc(1, sizeof *b);

	if (b == NULL)
		return NULL;
	buf_init(&b->lives, 0);
	b->now = in->now;
	in->look = false;
	take_puts(in, &b->puts);
	take_rest(in, st);
	return b;
}

/* --- the thread --------------------------------------------------------------------- */

struct plan {
	bool work, probe, sync, shrink, unload;
	uint64_t wake_ns; /* UINT64_MAX: when called */
};

static void earlier(uint64_t *wake_ns, uint64_t at_ns)
{
	if (at_ns < *wake_ns)
		*wake_ns = at_ns;
}

struct rhythm {
	uint64_t done_ns; /* end of the last batch */
	uint64_t synced_ns;
	bool again;  /* the last batch left work behind */
	bool shrunk; /* nothing to gain until something changes */
};

/* What there is to do now; else when to look again. */
static struct plan plan(const struct inbox *in, const struct store *st, const struct rhythm *r)
{
	uint64_t now = uv_hrtime();
	struct plan p = {.wake_ns = UINT64_MAX};
	bool waits = store_has_work(st) || r->again;

	p.work = in->puts.first != NULL || in->purges != NULL || in->look || in->has_limits ||
		 (in->ops != NULL && in->ops_due_ns <= now) || (waits && st->trouble == E_OK) ||
		 in->closing;
	if (p.work)
		return p;
	if (in->ops != NULL)
		earlier(&p.wake_ns, in->ops_due_ns);
	if (st->trouble != E_OK)
		earlier(&p.wake_ns, r->done_ns + PROBE_MS * MS);
	p.probe = st->trouble != E_OK && p.wake_ns <= now;
	if (st->unsynced)
		earlier(&p.wake_ns, r->synced_ns + SYNC_MS * MS);
	p.sync = st->unsynced && r->synced_ns + SYNC_MS * MS <= now;
	if (!r->shrunk && st->trouble == E_OK && shrink_wanted(st)) {
		earlier(&p.wake_ns, r->done_ns + SHRINK_IDLE_MS * MS);
		p.shrink = r->done_ns + SHRINK_IDLE_MS * MS <= now;
	}
	if (st->env.is_laden && st->trouble == E_OK) {
		earlier(&p.wake_ns, r->done_ns + UNLOAD_IDLE_MS * MS);
		p.unload = r->done_ns + UNLOAD_IDLE_MS * MS <= now;
	}
	return p;
}

static void answer(struct spool *s, struct batch *b)
{
	uv_mutex_lock(&s->in.mutex);
	*s->in.done_tail = b;
	s->in.done_tail = &b->next;
	s->in.busy = false;
	uv_mutex_unlock(&s->in.mutex);
	(void)uv_async_send(&s->answered);
}

static struct plan wait_for_work(struct spool *s, const struct rhythm *r)
{
	struct plan p;

	for (;;) {
		uint64_t now;

		p = plan(&s->in, &s->store, r);
		if (p.work || p.probe || p.sync || p.shrink || p.unload)
			return p;
		now = uv_hrtime();
		if (p.wake_ns == UINT64_MAX)
			uv_cond_wait(&s->in.wake, &s->in.mutex);
		else if (p.wake_ns > now)
			(void)uv_cond_timedwait(&s->in.wake, &s->in.mutex, p.wake_ns - now);
	}
}

static void run(struct spool *s, struct batch *b, const struct plan *p, struct rhythm *r)
{
	struct store *st = &s->store;
	bool was_synced = !st->unsynced;

	if (p->sync) {
		batch_sync(st);
		r->synced_ns = uv_hrtime();
	}
	if (p->shrink)
		r->shrunk = shrink_now(st, &b->given_back_bytes) != E_OK;
	if (p->unload) {
		env_unload(st);
		r->done_ns = uv_hrtime();
	}
	if (p->probe)
		batch_probe(st, b);
	else if (p->work)
		batch_run(st, b);
	else
		store_show(st, &b->shown);
	if (p->work || p->probe)
		r->done_ns = uv_hrtime();
	if (b->commits > 0)
		r->shrunk = false;
	if (was_synced && st->unsynced)
		r->synced_ns = r->done_ns; /* a second from the first commit */
	r->again = b->more;
}

/* What cannot be committed at the end is given up: purges must be answered,
 * settlements will be repeated after a restart. */
static void give_up(struct store *st, struct batch *b)
{
	while (st->purges != NULL) {
		struct spool_purge *p = st->purges;

		st->purges = p->next;
		p->next = b->purges;
		b->purges = p;
	}
	while (st->ops != NULL) {
		struct op *op = st->ops;

		st->ops = op->next;
		free(op);
	}
}

static void writer(void *arg)
{
	struct spool *s = arg;
	struct rhythm r = {.done_ns = uv_hrtime(), .again = true};
	bool last = false;

	while (!last) {
		struct batch *b;
		struct plan p;

		uv_mutex_lock(&s->in.mutex);
		p = wait_for_work(s, &r);
		b = take(&s->in, &s->store);
		s->in.busy = b != NULL;
		last = b != NULL && s->in.closing && s->in.puts.first == NULL;
		uv_mutex_unlock(&s->in.mutex);
		if (b == NULL) {
			uv_sleep(10); /* no memory for the batch itself */
			continue;
		}
		run(s, b, &p, &r);
		last = last && !(r.again && b->rc == E_OK && b->commits > 0);
		if (last) {
			batch_sync(&s->store);
			give_up(&s->store, b);
			env_close(&s->store);
			b->last = true;
		}
		answer(s, b);
	}
}

int writer_start(struct spool *s, struct err *err)
{
	int rc = uv_thread_create(&s->writer, writer, s);

	return rc == 0 ? E_OK : err_set(err, E_NOMEM, "writer thread: %s", uv_strerror(rc));
}

/* --- back on the loop ----------------------------------------------------------------- */

static void note_counters(struct counters *c, const struct batch *b)
{
	if (c == NULL)
		return;
	c->commits += b->commits;
	c->commit_us += b->commit_us;
	c->commit_errors += b->commit_errors;
	c->records_evicted += b->evicted;
	c->records_expired += b->expired;
	c->records_corrupt += b->corrupt;
}

static void note_log(struct spool *s, const struct batch *b)
{
	if (b->shown.trouble != E_OK && s->shown.trouble == E_OK)
		log_line(s->log, LOG_ERROR, "spool_cannot_store",
			log_cstr("why", err_name(b->shown.trouble)),
			log_cstr("path", s->store.dir));
	if (b->shown.trouble == E_OK && s->shown.trouble != E_OK)
		log_line(s->log, LOG_INFO, "spool_stores_again", log_cstr("path", s->store.dir));
	if (b->quarantined[0] != '\0')
		log_line(s->log, LOG_ERROR, "spool_damaged", log_cstr("path", s->store.dir),
			log_cstr("kept_as", b->quarantined));
	if (b->evicted > 0)
		log_line(s->log, LOG_WARN, "evicted", log_int("records", (int64_t)b->evicted));
	if (b->expired > 0)
		log_line(s->log, LOG_WARN, "expired", log_int("records", (int64_t)b->expired));
	if (b->corrupt > 0)
		log_line(s->log, LOG_ERROR, "damaged_set_aside",
			log_int("records", (int64_t)b->corrupt));
	if (b->given_back_bytes > 0)
		log_line(s->log, LOG_INFO, "gave_back",
			log_int("bytes", (int64_t)b->given_back_bytes));
}

static void answer_puts(struct spool *s, struct puts *l, int rc)
{
	while (l->first != NULL) {
		struct spool_put *p = l->first;

		l->first = p->next;
		p->next = NULL;
		if (rc != E_OK)
			p->seq = 0;
		s->queued--;
		p->done(p, rc);
	}
	*l = (struct puts){NULL, NULL, 0};
}

static void answer_purges(struct batch *b)
{
	while (b->purges != NULL) {
		struct spool_purge *p = b->purges;

		b->purges = p->next;
		p->next = NULL;
		p->done(p, b->last && b->shown.trouble != E_OK ? E_CANCELED : E_OK);
	}
}

static void finish(struct spool *s, struct batch *b)
{
	note_counters(s->counters, b);
	note_log(s, b);
	mirror_apply(s, b);
	answer_puts(s, &b->puts, b->rc);
	if (b->refused.first != NULL)
		s->refused_at_bytes = shown_bytes(s);
	answer_puts(s, &b->refused, E_NOSPACE);
	answer_purges(b);
	if (b->last) {
		(void)uv_thread_join(&s->writer); /* it is past its last step */
		s->writer_ended = true;
	}
}

void writer_cancel(struct spool *s)
{
	while (s->canceled.first != NULL) {
		struct puts l = s->canceled;

		s->canceled = (struct puts){NULL, NULL, 0};
		answer_puts(s, &l, E_CANCELED);
	}
}

void writer_answered(uv_async_t *a)
{
	struct spool *s = a->data;
	struct batch *b;

	uv_mutex_lock(&s->in.mutex);
	b = s->in.done;
	s->in.done = NULL;
	s->in.done_tail = &s->in.done;
	uv_mutex_unlock(&s->in.mutex);
	while (b != NULL) {
		struct batch *next = b->next;

		finish(s, b);
		batch_free(b);
		b = next;
	}
	writer_cancel(s);
	spool_arm(s);
	spool_maybe_closed(s);
}
