/* What the spool remembers beside records: dead letters, the journal, client
 * reports, values of other stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

/* --- dead letters ------------------------------------------------------------------- */

struct dead_seen {
	size_t n;
	uint64_t first, last;
	struct dead_letter one;
	char text[96];
	size_t record_bytes;
};

static bool on_dead(void *arg, const struct dead_letter *d)
{
	struct dead_seen *s = arg;
	struct record rec;

	assert_int_equal(record_unpack(d->bytes, &rec, NULL), E_OK);
	if (s->n++ == 0)
		s->first = d->seq;
	s->last = d->seq;
	s->one = *d;
	s->record_bytes = d->bytes.n;
	(void)snprintf(s->text, sizeof s->text, "%.*s", STR_ARG(d->text));
	return true;
}

static void bury(struct rig *r, uint64_t seq, uint64_t number)
{
	struct settlement st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, number);

	memset(&st.delivered, 0, sizeof st.delivered);
	st.end = SETTLE_DEAD;
	st.why = DROP_SEND_ERROR;
	st.reported = true;
	st.status = 413;
	(void)snprintf(st.text, sizeof st.text, "too large");
	spool_settle(r->spool, &st);
}

static void a_dead_letter_keeps_the_record_and_says_why(void **state)
{
	struct rig r;
	struct dead_seen s = {0};
	struct err err;
	uint64_t seq;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	seq = put_error(&r, 1);
	put_error(&r, 2);
	bury(&r, seq, 1);
	run_until(&r, stats_of(&r).dead_records == 1);
	rig_restart(&r);
	assert_int_equal(spool_dead(r.spool, 0, 10, on_dead, &s, &err), E_OK);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.one.seq, seq);
	assert_int_equal(s.one.status, 413);
	assert_int_equal(s.one.why, DROP_SEND_ERROR);
	assert_int_equal(s.one.wall_ms, r.now.wall_ms);
	assert_string_equal(s.text, "too large");
	assert_int_equal(spool_dead(r.spool, seq, 1, on_dead, &s, &err), E_OK);
	assert_int_equal(s.n, 2);
	assert_int_equal(spool_dead(r.spool, 99, 1, on_dead, &s, &err), E_NOTFOUND);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_SEND_ERROR].of[CAT_ERROR], 1);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1);
	check_law(&r);
	rig_fini(&r);
}

static void dead_letters_are_bounded_and_the_oldest_goes(void **state)
{
	struct rig r;
	struct dead_seen s = {0};
	struct err err;

	(void)state;
	rig_init(&r);
	r.o.dead_bytes = 64 * KiB;
	rig_open(&r);
	for (uint64_t i = 1; i <= 30; i++) {
		uint64_t seq;

		assert_int_equal(
			put_one(&r, &(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 6000, i}, &seq),
			E_OK);
		bury(&r, seq, i);
	}
	run_until(&r, stats_of(&r).records == 0);
	assert_true(stats_of(&r).dead_bytes <= 64 * KiB);
	assert_int_equal(spool_dead(r.spool, 0, 100, on_dead, &s, &err), E_OK);
	assert_int_equal(s.n, stats_of(&r).dead_records);
	assert_int_equal(s.n, 7);
	assert_int_equal(s.last, 30);
	assert_int_equal(s.first, 24);
	r.o.dead_bytes = 0;
	spool_configure(r.spool, &r.o);
	put_error(&r, 100);
	put_error(&r, 101);
	assert_int_equal(stats_of(&r).dead_records, 0);
	assert_int_equal(stats_of(&r).dead_bytes, 0);
	check_law(&r);
	rig_fini(&r);
}

/* --- the journal ---------------------------------------------------------------------- */

struct lives {
	struct life v[32];
	size_t n;
};

static void on_life(void *arg, const struct life *l)
{
	struct lives *s = arg;

	assert_true(s->n < 32);
	s->v[s->n++] = *l;
}

static void the_journal_tells_an_events_life_in_order(void **state)
{
	struct rig r;
	struct lives s = {.n = 0};
	struct settlement st;
	struct quantities q = {{0}};
	struct event_id id = id_of(1), other = id_of(2), never = id_of(3);
	struct err err;
	uint64_t seq;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	seq = put_error(&r, 1);
	st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, 1);
	st.end = SETTLE_KEEP;
	st.status = 503;
	spool_settle(r.spool, &st);
	q.of[CAT_ERROR] = 1;
	spool_refused(
		r.spool, DSN_A, &q, &(struct refusal){DROP_BEFORE_SEND, true, &other, STR_EMPTY});
	put_error(&r, 50);
	r.now.wall_ms += 5;
	st.end = SETTLE_REMOVE;
	st.status = 200;
	st.attempts = 2;
	spool_settle(r.spool, &st);
	run_until(&r, stats_of(&r).records == 1);
	rig_restart(&r);
	assert_int_equal(spool_why(r.spool, &id, on_life, &s, &err), E_OK);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.v[0].what, LIFE_STORED);
	assert_int_equal(s.v[0].seq, seq);
	assert_int_equal(s.v[0].class, CLASS_ERROR);
	assert_int_equal(s.v[1].what, LIFE_RETRY);
	assert_int_equal(s.v[1].status, 503);
	assert_int_equal(s.v[2].what, LIFE_SENT);
	assert_int_equal(s.v[2].attempts, 2);
	assert_int_equal(s.v[2].wall_ms, s.v[0].wall_ms + 5);
	s.n = 0;
	assert_int_equal(spool_why(r.spool, &other, on_life, &s, &err), E_OK);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].what, LIFE_REFUSED);
	assert_int_equal(s.v[0].why, DROP_BEFORE_SEND);
	assert_int_equal(spool_why(r.spool, &never, on_life, &s, &err), E_NOTFOUND);
	assert_string_equal(life_name(LIFE_EVICTED), "evicted");
	assert_string_equal(life_name((enum life_what)77), "unknown");
	rig_fini(&r);
}

struct decider {
	char text[512];
	size_t n;
};

static void on_decider(void *arg, const struct life *l)
{
	struct decider *d = arg;

	assert_int_equal(l->what, LIFE_REFUSED);
	assert_true(l->by.n < sizeof d->text);
	if (l->by.n > 0)
		memcpy(d->text, l->by.p, l->by.n);
	d->n = l->by.n;
}

static void the_journal_tells_who_decided_and_cuts_long_names(void **state)
{
	static const size_t sizes[] = {0, 1, 17, 39, 40, 41, 80, 160, 161, 500};
	struct quantities q = {{0}};
	struct rig r;
	char name[500];

	(void)state;
	rig_init(&r);
	rig_open(&r);
	q.of[CAT_ERROR] = 1;
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct event_id id = id_of(i);

		spool_refused(r.spool, DSN_A, &q,
			&(struct refusal){DROP_BEFORE_SEND, true, &id, str_make(name, sizes[i])});
	}
	put_error(&r, 1000);
	rig_restart(&r);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct event_id id = id_of(i);
		struct decider d = {.n = 0};
		size_t want = sizes[i] < 160 ? sizes[i] : 160;
		struct err err;

		assert_int_equal(spool_why(r.spool, &id, on_decider, &d, &err), E_OK);
		assert_int_equal(d.n, want);
		assert_memory_equal(d.text, name, want);
	}
	rig_fini(&r);
}

struct texts {
	char by[512], scrubbed[512];
};

static void on_texts(void *arg, const struct life *l)
{
	struct texts *t = arg;

	(void)snprintf(t->by, sizeof t->by, "%.*s", STR_ARG(l->by));
	(void)snprintf(t->scrubbed, sizeof t->scrubbed, "%.*s", STR_ARG(l->scrubbed));
}

static void the_journal_tells_rules_and_what_was_scrubbed_apart(void **state)
{
	static const size_t sizes[][2] = {
		{0, 0}, {0, 1}, {1, 0}, {1, 38}, {2, 38}, {39, 40}, {160, 160}, {400, 400}};
	struct rig r;
	char text[400];

	(void)state;
	rig_init(&r);
	rig_open(&r);
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct what w = {DSN_A, CLASS_ERROR, CAT_ERROR, 100, i};
		struct item_put put;

		prepare_put(&r, &put, &w);
		put.put.by = str_make(text, sizes[i][0]);
		put.put.scrubbed = str_make(text, sizes[i][1]);
		spool_put(r.spool, &put.put);
		assert_int_equal(end_put(&r, &put, NULL), E_OK);
	}
	rig_restart(&r);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct event_id id = id_of(i);
		struct texts t = {.by = ""};
		struct err err;

		assert_int_equal(spool_why(r.spool, &id, on_texts, &t, &err), E_OK);
		assert_int_equal(strlen(t.by), sizes[i][0] < 160 ? sizes[i][0] : 160);
		assert_int_equal(strlen(t.scrubbed), sizes[i][1] < 160 ? sizes[i][1] : 160);
	}
	rig_fini(&r);
}

static void the_journal_forgets_the_oldest_lives(void **state)
{
	enum { ROUNDS = 60, EACH = 5000 };
	struct rig r;
	struct lives s = {.n = 0};
	struct quantities q = {{0}};
	struct event_id id = id_of(0);
	struct err err;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	q.of[CAT_TRANSACTION] = 1;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		for (uint64_t k = 0; k < EACH; k++) {
			id = id_of(i * EACH + k);
			spool_refused(r.spool, DSN_A, &q,
				&(struct refusal){DROP_SAMPLE_RATE, true, &id, STR_EMPTY});
		}
		put_error(&r, 1000000 + i);
	}
	assert_int_equal(spool_why(r.spool, &id, on_life, &s, &err), E_OK);
	id = id_of(0);
	assert_int_equal(spool_why(r.spool, &id, on_life, &s, &err), E_NOTFOUND);
	assert_int_equal(
		spool_tally(r.spool)->dropped[DROP_SAMPLE_RATE].of[CAT_TRANSACTION], ROUNDS * EACH);
	check_law(&r);
	rig_fini(&r);
}

/* --- reports (15.4, P-120, P-121) -------------------------------------------------------- */

static void a_report_is_pending_until_it_was_sent_over_restarts(void **state)
{
	struct rig r;
	struct report rep, again;
	struct quantities q = {{0}};
	uint32_t lane = record_lane(DSN_A);

	(void)state;
	rig_init(&r);
	rig_open(&r);
	q.of[CAT_SPAN] = 3;
	assert_false(spool_report_pending(r.spool, lane));
	spool_refused(
		r.spool, DSN_A, &q, &(struct refusal){DROP_SAMPLE_RATE, true, NULL, STR_EMPTY});
	spool_refused(
		r.spool, DSN_A, &q, &(struct refusal){DROP_SAMPLE_RATE, true, NULL, STR_EMPTY});
	spool_refused(r.spool, DSN_B, &q,
		&(struct refusal){DROP_RATELIMIT_BACKOFF, false, NULL, STR_EMPTY});
	run_until(&r, spool_report_pending(r.spool, lane)); /* no put: by itself */
	assert_false(spool_report_pending(r.spool, record_lane(DSN_B)));
	spool_report_take(r.spool, lane, &rep);
	assert_int_equal(rep.lost[DROP_SAMPLE_RATE][CAT_SPAN], 6);
	assert_int_equal(rep.since_wall_s, r.now.wall_ms / 1000);
	assert_false(spool_report_pending(r.spool, lane));
	spool_report_take(r.spool, lane, &again);
	assert_true(report_empty(&again));
	spool_report_return(r.spool, lane, &rep);
	assert_true(spool_report_pending(r.spool, lane));
	spool_report_take(r.spool, lane, &rep);
	rig_restart(&r); /* taken, never said to be sent: it is still to be told */
	assert_true(spool_report_pending(r.spool, lane));
	assert_true(str_eq(spool_lane(r.spool, 0)->dsn, DSN_A));
	spool_report_take(r.spool, lane, &rep);
	assert_int_equal(rep.lost[DROP_SAMPLE_RATE][CAT_SPAN], 6);
	spool_report_sent(r.spool, lane, &rep);
	spool_refused(
		r.spool, DSN_A, &q, &(struct refusal){DROP_BEFORE_SEND, true, NULL, STR_EMPTY});
	rig_restart(&r);
	spool_report_take(r.spool, lane, &rep);
	assert_int_equal(rep.lost[DROP_SAMPLE_RATE][CAT_SPAN], 0);
	assert_int_equal(rep.lost[DROP_BEFORE_SEND][CAT_SPAN], 3);
	spool_report_sent(r.spool, lane, &rep);
	rig_restart(&r);
	assert_null(spool_lane(r.spool, 0));
	assert_int_equal(spool_tally(r.spool)->received.of[CAT_SPAN], 12);
	check_law(&r);
	rig_fini(&r);
}

static void lanes_that_report_have_a_bound_and_the_law_holds_beyond_it(void **state)
{
	enum { N = 2000 };
	struct rig r;
	struct quantities q = {{0}};
	size_t lanes = 0;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	q.of[CAT_ERROR] = 1;
	for (unsigned i = 0; i < N; i++) {
		char dsn[64];
		int n = snprintf(dsn, sizeof dsn, "https://k%u@x.example/%u", i, i);

		spool_refused(r.spool, str_make(dsn, (size_t)n), &q,
			&(struct refusal){DROP_SAMPLE_RATE, true, NULL, STR_EMPTY});
	}
	put_error(&r, 1);
	while (spool_lane(r.spool, lanes) != NULL)
		lanes++;
	assert_true(lanes > 1000 && lanes <= 1025);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_SAMPLE_RATE].of[CAT_ERROR], N);
	rig_restart(&r);
	check_law(&r);
	rig_fini(&r);
}

/* --- values of other stages ------------------------------------------------------------------ */

struct pairs {
	char text[256];
};

static void on_pair(void *arg, struct str key, struct str value)
{
	struct pairs *p = arg;
	size_t n = strlen(p->text);

	(void)snprintf(p->text + n, sizeof p->text - n, "%.*s=%.*s;", STR_ARG(key), STR_ARG(value));
}

static void values_of_other_stages_survive_a_restart(void **state)
{
	struct rig r;
	struct pairs p = {""};
	struct err err;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	spool_state_set(r.spool, STR("limits/a"), STR("60"));
	spool_state_set(r.spool, STR("limits/b"), STR("61"));
	spool_state_set(r.spool, STR("limits/a"), STR("62"));
	spool_state_set(r.spool, STR("hold"), STR("yes"));
	rig_restart(&r);
	assert_int_equal(spool_state_each(r.spool, on_pair, &p, &err), E_OK);
	assert_string_equal(p.text, "hold=yes;limits/a=62;limits/b=61;");
	spool_state_set(r.spool, STR("limits/a"), STR_EMPTY);
	spool_state_set(r.spool, STR("nothing"), STR_EMPTY);
	rig_restart(&r);
	p.text[0] = '\0';
	assert_int_equal(spool_state_each(r.spool, on_pair, &p, &err), E_OK);
	assert_string_equal(p.text, "hold=yes;limits/b=61;");
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_letter_keeps_the_record_and_says_why),
		cmocka_unit_test(dead_letters_are_bounded_and_the_oldest_goes),
		cmocka_unit_test(the_journal_tells_an_events_life_in_order),
		cmocka_unit_test(the_journal_tells_who_decided_and_cuts_long_names),
		cmocka_unit_test(the_journal_tells_rules_and_what_was_scrubbed_apart),
		cmocka_unit_test(the_journal_forgets_the_oldest_lives),
		cmocka_unit_test(a_report_is_pending_until_it_was_sent_over_restarts),
		cmocka_unit_test(lanes_that_report_have_a_bound_and_the_law_holds_beyond_it),
		cmocka_unit_test(values_of_other_stages_survive_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
