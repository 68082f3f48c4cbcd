/* Random operations against a model: after every step the law holds and the
 * spool shows exactly what the model says, over restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "rig.h"

#define STEPS   1500
#define STORED  4096
#define LANES   3
#define CLASSES CLASS_COUNT

struct model_record {
	uint64_t seq, number;
	unsigned lane;
	enum item_class class;
	bool gone;
};

struct model {
	struct rig r;
	struct rng rng;
	struct model_record v[STORED];
	size_t n;
	uint64_t numbers, received, delivered, dropped;
	uint64_t refused[LANES]; /* reported, by lane */
};

static const struct str dsns[LANES] = {{"https://a@a.example/1", 21}, {"https://b@b.example/2", 21},
	{"https://c@c.example/3", 21}};

static uint64_t rnd(struct model *m, uint64_t bound)
{
	return rng_below(&m->rng, bound);
}

static void do_puts(struct model *m)
{
	struct item_put puts[8];
	struct what whats[8];
	size_t n = 1 + (size_t)rnd(m, 8);

	for (size_t i = 0; i < n; i++) {
		whats[i] = (struct what){dsns[rnd(m, LANES)], (enum item_class)rnd(m, CLASSES),
			CAT_ERROR, (size_t)rnd(m, 3) * 2500 + (size_t)rnd(m, 100), ++m->numbers};
		start_put(&m->r, &puts[i], &whats[i]);
	}
	for (size_t i = 0; i < n; i++) {
		struct model_record *rec = &m->v[m->n];

		assert_int_equal(end_put(&m->r, &puts[i], &rec->seq), E_OK);
		rec->number = whats[i].number;
		rec->class = whats[i].class;
		rec->gone = false;
		for (unsigned l = 0; l < LANES; l++) {
			if (str_eq(dsns[l], whats[i].dsn))
				rec->lane = l;
		}
		assert_true(++m->n < STORED);
		m->received++;
	}
}

static void do_settle(struct model *m)
{
	struct settlement st;
	struct model_record *rec;

	if (m->n == 0)
		return;
	rec = &m->v[rnd(m, m->n)];
	st = settlement_of(dsns[rec->lane], rec->class, CAT_ERROR, rec->seq, rec->number);
	if (rnd(m, 4) == 0)
		spool_lend(m->r.spool, &st.ref);
	switch (rnd(m, 4)) {
	case 0:
		st.end = SETTLE_KEEP;
		spool_settle(m->r.spool, &st);
		return;
	case 1:
		memset(&st.delivered, 0, sizeof st.delivered);
		st.end = SETTLE_DEAD;
		st.why = DROP_SEND_ERROR;
		m->dropped += !rec->gone;
		break;
	case 2:
		memset(&st.delivered, 0, sizeof st.delivered);
		st.dropped.of[CAT_ERROR] = 1;
		st.why = DROP_RATELIMIT_BACKOFF;
		m->dropped += !rec->gone;
		break;
	default:
		m->delivered += !rec->gone;
	}
	rec->gone = true;
	spool_settle(m->r.spool, &st);
}

static void do_refuse(struct model *m)
{
	struct quantities q = {{0}};
	unsigned lane = (unsigned)rnd(m, LANES);
	bool reported = rnd(m, 2) == 0;

	q.of[CAT_ERROR] = 1 + rnd(m, 5);
	m->received += q.of[CAT_ERROR];
	m->dropped += q.of[CAT_ERROR];
	if (reported)
		m->refused[lane] += q.of[CAT_ERROR];
	spool_refused(m->r.spool, dsns[lane], &q,
		&(struct refusal){DROP_SAMPLE_RATE, reported, NULL, STR_EMPTY});
}

static void do_report(struct model *m)
{
	unsigned lane = (unsigned)rnd(m, LANES);
	struct report r;

	spool_report_take(m->r.spool, record_lane(dsns[lane]), &r);
	if (rnd(m, 2) == 0) {
		spool_report_return(m->r.spool, record_lane(dsns[lane]), &r);
		return;
	}
	m->refused[lane] -= r.lost[DROP_SAMPLE_RATE][CAT_ERROR];
	spool_report_sent(m->r.spool, record_lane(dsns[lane]), &r);
}

static const struct model_record *find(const struct model *m, uint64_t seq)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].seq == seq)
			return &m->v[i];
	}
	return NULL;
}

static bool on_record(void *arg, const struct record_ref *ref, struct str bytes)
{
	struct model *m = arg;
	const struct model_record *rec = find(m, ref->seq);
	struct record r;

	assert_non_null(rec);
	assert_false(rec->gone);
	assert_int_equal(rec->class, ref->class);
	assert_int_equal(record_lane(dsns[rec->lane]), ref->lane);
	assert_int_equal(record_unpack(bytes, &r, NULL), E_OK);
	assert_true(event_id_eq(&r.event_id, &(struct event_id){{0}}) == false);
	return true;
}

static void check_lanes(const struct model *m, const struct spool_stats *s)
{
	uint64_t records[CLASSES] = {0}, bytes[CLASSES] = {0};
	const struct spool_lane *l;

	for (size_t i = 0; (l = spool_lane(m->r.spool, i)) != NULL; i++) {
		for (unsigned c = 0; c < CLASSES; c++) {
			records[c] += l->records[c];
			bytes[c] += l->bytes[c];
		}
	}
	for (unsigned c = 0; c < CLASSES; c++) {
		assert_int_equal(records[c], s->class_records[c]);
		assert_int_equal(bytes[c], s->class_bytes[c]);
	}
}

/* After a restart everything asked for has been carried out. */
static void check_all(struct model *m)
{
	struct spool_stats s;
	uint64_t held = 0;
	const struct tally *t;
	uint64_t dropped = 0;

	rig_restart(&m->r);
	s = stats_of(&m->r);
	t = spool_tally(m->r.spool);
	for (size_t i = 0; i < m->n; i++)
		held += !m->v[i].gone;
	for (unsigned i = 0; i < DROP_COUNT; i++)
		dropped += t->dropped[i].of[CAT_ERROR];
	assert_int_equal(s.records, held);
	assert_int_equal(t->held.of[CAT_ERROR], held);
	assert_int_equal(t->received.of[CAT_ERROR], m->received);
	assert_int_equal(t->delivered.of[CAT_ERROR], m->delivered);
	assert_int_equal(dropped, m->dropped);
	assert_int_equal(spool_list(m->r.spool, UINT32_MAX, on_record, m, NULL), E_OK);
	check_lanes(m, &s);
	for (unsigned l = 0; l < LANES; l++)
		assert_int_equal(
			spool_report_pending(m->r.spool, record_lane(dsns[l])), m->refused[l] > 0);
}

static void any_sequence_of_operations_agrees_with_the_model(void **state)
{
	struct model *m = calloc(1, sizeof *m);

	(void)state;
	assert_non_null(m);
	rig_init(&m->r);
	rig_open(&m->r);
	rng_seed(&m->rng, 20240229);
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t what = rnd(m, 20);

		if (what < 6)
			do_puts(m);
		else if (what < 14)
			do_settle(m);
		else if (what < 17)
			do_refuse(m);
		else if (what < 19)
			do_report(m);
		(void)uv_run(&m->r.loop, UV_RUN_NOWAIT);
		check_law(&m->r);
		check_lanes(m, &(struct spool_stats[]){stats_of(&m->r)}[0]);
		if (rnd(m, 60) == 0)
			check_all(m);
	}
	check_all(m);
	rig_fini(&m->r);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_sequence_of_operations_agrees_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
