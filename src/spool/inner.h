/* inner.h - the spool as the loop sees it.
 *
 * Owns     the inbox between loop and writer, and the loop's own picture of
 *          the store as of the last batch that was answered.
 * Threads  loop thread; the inbox is shared under its mutex.
 */
#ifndef PICKET_SPOOL_INNER_H
#define PICKET_SPOOL_INNER_H

#include "spool/store.h"

/* How long work that is no put waits for a put to ride with: settlements, and
 * what only counts or is of use after a restart. */
#define SETTLE_MS     20
#define RIDE_MS       1000
#define STATE_KEY_MAX 400 /* LMDB's keys end at 511 */

/* Set of record numbers that are being sent: open addressing, 0 is free. */
struct lent {
	uint64_t *v;
	size_t n, cap; /* cap: 0 or a power of two */
};

/* What waits for the writer. Puts are bounded by the memory budget that their
 * owners took the bytes from, settlements by OPS_MAX_BYTES. */
struct inbox {
	uv_mutex_t mutex;
	uv_cond_t wake;
	struct puts puts;
	struct op *ops, **ops_tail;
	size_t op_n;
	_Atomic size_t op_bytes; /* of ops here and in the store */
	struct spool_purge *purges, **purges_tail;
	struct buf lives;
	uint64_t ops_due_ns; /* when ops deserve a commit of their own */
	struct instant now;
	bool look; /* something may be too old */
	bool busy; /* the writer has a batch */
	bool closing;
	bool has_limits;
	struct limits limits;
	uint64_t map_bytes;
	struct lent lent;
	struct batch *done, **done_tail;
};

/* The loop's picture of a lane. */
struct mirror {
	struct spool_lane shown;
	struct report *pending; /* not taken, NULL when empty */
};

struct spool {
	uv_loop_t *loop;
	const struct clock *clock;
	struct log *log;
	struct counters *counters;
	void (*lost)(void *arg, struct str dsn);
	void *lost_arg;
	struct store store; /* the writer's, while it runs */
	struct inbox in;
	uv_thread_t writer;
	uv_async_t answered;
	uv_timer_t timer;
	uv_prepare_t before_wait;
	struct puts fresh; /* of this turn of the loop */
	struct snapshot shown;
	struct limits limits;
	struct mirror **lanes; /* by lane */
	size_t lane_n, lane_cap;
	size_t queued;
	uint64_t refused_at_bytes; /* what lay here when a put was last refused; 0: none */
	struct puts canceled;      /* put after close */
	bool closing, writer_ended, told_op_bound;
	unsigned open_handles;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* writer.c */
int writer_start(struct spool *s, struct err *err);
void writer_answered(uv_async_t *a);
/* Gives the writer all puts that came since it was last called. */
void writer_hand_over(struct spool *s);
/* Ends the puts that came after close. */
void writer_cancel(struct spool *s);
void inbox_init(struct inbox *in);
void inbox_fini(struct inbox *in);
/* Queues op; it is carried out within delay_ms, or with an earlier commit. */
void inbox_op(struct spool *s, struct op *op, uint64_t delay_ms);
struct op *op_new(enum op_kind kind, size_t data_n);
/* Any thread. */
void inbox_push(struct inbox *in, struct op *op, uint64_t delay_ms);
void inbox_look(struct spool *s);

/* ask.c: the store's view of what is lent */
void spool_returned(void *inbox, uint64_t seq);
bool spool_is_lent(void *inbox, uint64_t seq);

/* lent.c */
bool lent_add(struct lent *l, uint64_t seq);
void lent_remove(struct lent *l, uint64_t seq);
bool lent_has(const struct lent *l, uint64_t seq);
void lent_fini(struct lent *l);

/* mirror.c */
int mirror_load(struct spool *s);
void mirror_apply(struct spool *s, const struct batch *b);
void mirror_fini(struct spool *s);

/* stats.c */
uint64_t shown_bytes(const struct spool *s);

/* open.c */
void spool_maybe_closed(struct spool *s);
void spool_arm(struct spool *s);

#endif
