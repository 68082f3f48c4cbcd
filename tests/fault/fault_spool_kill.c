/* kill -9 at every commit point of the spool, and anywhere (P-115).
 *
 * A child stores at full speed, settles a part, and says on a pipe what was
 * acknowledged. It dies at a named point, or when the parent has read enough.
 * Then everything acknowledged and not settled is there byte for byte, nothing
 * is there that was not put, and the totals hold. The directory stays the same
 * for all deaths, so that damage would add up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "base/rng.h"
#include "unit/spool/rig.h"

#define OUTSTANDING 24
#define NUMBERS     (1u << 20)
#define PER_CHILD   4000

/* --- the child ------------------------------------------------------------------------- */

enum said { SAID_STORED = 1, SAID_SETTLING = 2 };
struct message {
	uint64_t number;
	uint64_t seq;
	uint64_t said;
};

struct child {
	struct rig r;
	int out;
	uint64_t from, next, end;
	uint64_t seqs[PER_CHILD];
	bool settle_all;
	unsigned in_flight;
};

struct child_put {
	struct item_put i;
	struct child *c;
	struct what w;
};

static void say(struct child *c, enum said said, uint64_t number, uint64_t seq)
{
	struct message m = {number, seq, said};

	if (write(c->out, &m, sizeof m) != (ssize_t)sizeof m)
		_exit(2);
}

static struct what what_of(uint64_t number)
{
	return (struct what){number % 3 == 0 ? DSN_A : DSN_B,
		(enum item_class)(number % CLASS_COUNT), CAT_ERROR, (size_t)(number * 7919 % 9000),
		number};
}

static void child_next(struct child *c, struct child_put *p);

static void settle(struct child *c, uint64_t number, uint64_t seq)
{
	struct what w = what_of(number);
	struct settlement st = settlement_of(w.dsn, w.class, CAT_ERROR, seq, number);

	say(c, SAID_SETTLING, number, seq);
	spool_settle(c->r.spool, &st);
}

/* All at the end, so that the file has grown and is worth giving back. */
static void settle_all(struct child *c)
{
	for (uint64_t i = 0; i < PER_CHILD; i++)
		settle(c, c->from + i, c->seqs[i]);
}

static void child_stored(struct spool_put *put, int rc)
{
	struct child_put *p = (struct child_put *)(void *)put;
	struct child *c = p->c;

	if (rc != E_OK)
		_exit(3);
	say(c, SAID_STORED, p->w.number, put->seq);
	c->seqs[p->w.number - c->from] = put->seq;
	if (!c->settle_all && p->w.number % 2 == 0)
		settle(c, p->w.number, put->seq);
	buf_fini(&p->i.bytes);
	c->in_flight--;
	child_next(c, p);
	if (c->settle_all && c->in_flight == 0)
		settle_all(c);
}

static void child_next(struct child *c, struct child_put *p)
{
	if (c->next == c->end)
		return;
	p->c = c;
	p->w = what_of(c->next++);
	start_put(&c->r, &p->i, &p->w);
	p->i.put.done = child_stored; /* before the loop runs: still in time */
	c->in_flight++;
}

static void child_run(const char *dir, int out, uint64_t from, bool settle_all)
{
	static struct child_put puts[OUTSTANDING];
	struct child *c = calloc(1, sizeof *c);

	rig_defaults(&c->r);
	(void)snprintf(c->r.dir, sizeof c->r.dir, "%s", dir);
	c->r.o.durability = SPOOL_SYNC;
	c->r.o.max_bytes = 512 * MiB;
	c->out = out;
	c->from = c->next = from;
	c->end = from + PER_CHILD;
	c->settle_all = settle_all;
	rig_open(&c->r);
	for (unsigned i = 0; i < OUTSTANDING; i++)
		child_next(c, &puts[i]);
	for (;;) /* until killed */
		(void)uv_run(&c->r.loop, UV_RUN_ONCE);
}

/* --- the parent -------------------------------------------------------------------------- */

struct ledger {
	char dir[128];
	uint64_t next;
	uint8_t *said; /* by number: bits of enum said */
	uint64_t *seq;
	uint64_t stored;
};

/* Reads what the child says until it is dead; kills it after enough. */
static void listen_to(struct ledger *l, int in, pid_t pid, uint64_t enough)
{
	struct message m;
	uint64_t n = 0;
	int status;

	while (read(in, &m, sizeof m) == (ssize_t)sizeof m) {
		assert_true(m.number < NUMBERS);
		l->said[m.number] |= (uint8_t)m.said;
		l->seq[m.number] = m.seq;
		l->stored += m.said == SAID_STORED;
		if (++n == enough)
			assert_int_equal(kill(pid, SIGKILL), 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

struct found {
	struct ledger *l;
	struct rig *r;
	uint8_t *there;
	uint64_t n;
};

static bool on_found(void *arg, const struct record_ref *ref, struct str bytes)
{
	struct found *f = arg;
	struct buf expected = BUF_INIT;
	struct record rec;
	struct what w;
	uint64_t number = 0;

	assert_int_equal(record_unpack(bytes, &rec, NULL), E_OK);
	for (unsigned i = 8; i < 16; i++)
		number = number << 8 | rec.event_id.b[i];
	assert_true(number < f->l->next);
	assert_false(f->there[number]); /* once */
	f->there[number] = 1;
	w = what_of(number);
	pack_what(f->r, &w, &expected);
	assert_true(str_eq(buf_view(&expected), bytes));
	buf_fini(&expected);
	assert_int_equal(ref->class, w.class);
	if (f->l->said[number] & SAID_STORED)
		assert_int_equal(f->l->seq[number], ref->seq);
	f->n++;
	return true;
}

static void check_ledger(struct ledger *l)
{
	struct rig *r = calloc(1, sizeof *r);
	struct found f = {l, r, calloc(NUMBERS, 1), 0};
	const struct tally *t;

	assert_non_null(f.there);
	rig_defaults(r);
	(void)snprintf(r->dir, sizeof r->dir, "%s", l->dir);
	r->o.max_bytes = 512 * MiB;
	rig_open(r);
	assert_int_equal(spool_list(r->spool, UINT32_MAX, on_found, &f, NULL), E_OK);
	for (uint64_t i = 0; i < l->next; i++) {
		if (l->said[i] == SAID_STORED && !f.there[i])
			fail_msg("record %llu was acknowledged and is lost", (unsigned long long)i);
	}
	t = spool_tally(r->spool);
	assert_int_equal(stats_of(r).records, f.n);
	assert_int_equal(t->held.of[CAT_ERROR], f.n);
	assert_true(t->received.of[CAT_ERROR] >= l->stored);
	assert_true(t->received.of[CAT_ERROR] <= l->next);
	check_law(r);
	rig_close(r);
	assert_int_equal(uv_loop_close(&r->loop), 0);
	free(f.there);
	free(r);
}

static void die_once(struct ledger *l, const char *point, uint64_t enough, bool settle_all)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(ends[0]);
		if (point != NULL)
			(void)setenv("PICKET_FAULT_KILL", point, 1);
		child_run(l->dir, ends[1], l->next, settle_all);
		_exit(4);
	}
	(void)close(ends[1]);
	listen_to(l, ends[0], pid, enough);
	(void)close(ends[0]);
	l->next += PER_CHILD;
	check_ledger(l);
}

static void ledger_init(struct ledger *l)
{
	struct rig *r = calloc(1, sizeof *r);

	memset(l, 0, sizeof *l);
	rig_init(r);
	(void)snprintf(l->dir, sizeof l->dir, "%s", r->dir);
	assert_int_equal(uv_loop_close(&r->loop), 0);
	free(r);
	l->said = calloc(NUMBERS, 1);
	l->seq = calloc(NUMBERS, sizeof *l->seq);
	assert_true(l->said != NULL && l->seq != NULL);
}

static void ledger_fini(struct ledger *l)
{
	(void)nftw(l->dir, rig_unlink, 16, FTW_DEPTH | FTW_PHYS);
	free(l->said);
	free(l->seq);
}

static void killed_at_any_named_point_nothing_acknowledged_is_lost(void **state)
{
	static const char *const points[] = {
		"before_txn", "after_puts", "before_commit", "after_commit", "before_answer"};
	static const unsigned counts[] = {1, 2, 3, 7, 20, 40};
	struct ledger l;
	char where[64];

	(void)state;
	ledger_init(&l);
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
			(void)snprintf(where, sizeof where, "%s:%u", points[i], counts[k]);
			die_once(&l, where, UINT64_MAX, false);
		}
	}
	ledger_fini(&l);
}

static void killed_anywhere_nothing_acknowledged_is_lost(void **state)
{
	struct ledger l;
	struct rng rng;

	(void)state;
	ledger_init(&l);
	rng_seed(&rng, 42);
	for (unsigned i = 0; i < 25; i++)
		die_once(&l, NULL, 1 + rng_below(&rng, 3000), i % 5 == 4);
	ledger_fini(&l);
}

static void killed_while_giving_the_file_back_nothing_is_lost(void **state)
{
	struct ledger l;

	(void)state;
	ledger_init(&l);
	for (unsigned i = 0; i < 3; i++) {
		die_once(&l, "in_giveback:1", UINT64_MAX, true);
		die_once(&l, "after_rename:1", UINT64_MAX, true);
	}
	ledger_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_named_point_nothing_acknowledged_is_lost),
		cmocka_unit_test(killed_anywhere_nothing_acknowledged_is_lost),
		cmocka_unit_test(killed_while_giving_the_file_back_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
