/* rig.h - a spool in a directory of its own, with a clock that tests move.
 *
 * Owns     the directory under $TMPDIR or /tmp, the loop, the spool.
 * Threads  the test's.
 */
#ifndef PICKET_TEST_SPOOL_RIG_H
#define PICKET_TEST_SPOOL_RIG_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "envelope/record.h"
#include "spool/spool.h"

#define DSN_A STR("https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@a.example/1")
#define DSN_B STR("https://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@b.example/2")
#define KiB   ((uint64_t)1 << 10)
#define MiB   ((uint64_t)1 << 20)

struct rig {
	char dir[128];
	uv_loop_t loop;
	struct instant now;
	struct clock clock;
	struct counters counters;
	struct spool_options o;
	struct spool *spool;
	bool closed;
};

static inline struct instant rig_now(void *arg)
{
	return ((struct rig *)arg)->now;
}

static inline void rig_defaults(struct rig *r)
{
	memset(r, 0, sizeof *r);
	r->now = (struct instant){.mono_ms = 1000000, .wall_ms = INT64_C(1790000000000)};
	r->clock = (struct clock){rig_now, r};
	r->o = (struct spool_options){
		.dir = r->dir,
		.durability = SPOOL_LAZY,
		.max_bytes = 64 * MiB,
		.max_age_ms = INT64_C(7) * 24 * 3600 * 1000,
		.check_in_max_age_ms = 3600 * 1000,
		.dead_bytes = 4 * MiB,
		.clock = &r->clock,
		.counters = &r->counters,
	};
	assert_int_equal(uv_loop_init(&r->loop), 0);
}

/* A fresh directory, not opened yet. */
static inline void rig_init(struct rig *r)
{
	const char *tmp = getenv("TMPDIR");

	rig_defaults(r);
	(void)snprintf(r->dir, sizeof r->dir, "%s/picket-spool-XXXXXX",
		tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
	assert_non_null(mkdtemp(r->dir));
}

static inline void rig_open(struct rig *r)
{
	struct err err = {0, ""};
	int rc = spool_open(&r->spool, &r->loop, &r->o, &err);

	if (rc != E_OK)
		fail_msg("spool_open: %s", err.text);
	r->closed = false;
}

static inline void rig_on_closed(void *arg)
{
	((struct rig *)arg)->closed = true;
}

static inline void rig_close(struct rig *r)
{
	spool_close(r->spool, rig_on_closed, r);
	while (!r->closed)
		(void)uv_run(&r->loop, UV_RUN_ONCE);
	r->spool = NULL;
}

static inline void rig_restart(struct rig *r)
{
	rig_close(r);
	rig_open(r);
}

static inline int rig_unlink(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void rig_fini(struct rig *r)
{
	if (r->spool != NULL)
		rig_close(r);
	assert_int_equal(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&r->loop), 0);
	(void)nftw(r->dir, rig_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- putting --------------------------------------------------------------------- */

struct item_put {
	struct spool_put put;
	struct buf bytes;
	int rc;
	bool done;
};

struct what {
	struct str dsn;
	enum item_class class;
	enum category cat;
	size_t bytes;    /* of the items block */
	uint64_t number; /* makes the event id and the content */
};

static inline struct event_id id_of(uint64_t number)
{
	struct event_id id = {{0}};

	id.b[0] = 0xee;
	for (unsigned i = 0; i < 8; i++)
		id.b[15 - i] = (uint8_t)(number >> 8 * i);
	return id;
}

static inline void pack_what(const struct rig *r, const struct what *w, struct buf *out)
{
	struct record rec = {.class = w->class, .dsn = w->dsn};
	char *items = malloc(w->bytes + 1);

	for (size_t i = 0; i < w->bytes; i++)
		items[i] = (char)(w->number * 31 + i * 7 + (i >> 8));
	rec.received_wall_ms = r->now.wall_ms;
	rec.received_mono_ms = r->now.mono_ms;
	rec.boot_id = clock_boot_id();
	rec.has_event_id = true;
	rec.event_id = id_of(w->number);
	rec.held.of[w->cat] = 1;
	rec.header = STR("{}");
	rec.items = str_make(items, w->bytes);
	rec.items_bytes = w->bytes;
	record_pack(&rec, out);
	free(items);
}

static inline void on_item_put(struct spool_put *p, int rc)
{
	struct item_put *i = (struct item_put *)(void *)p;

	assert_false(i->done);
	i->done = true;
	i->rc = rc;
}

static inline void prepare_put(struct rig *r, struct item_put *i, const struct what *w)
{
	memset(i, 0, sizeof *i);
	buf_init(&i->bytes, 0);
	pack_what(r, w, &i->bytes);
	assert_true(buf_ok(&i->bytes));
	i->put.bytes = buf_view(&i->bytes);
	i->put.dsn = w->dsn;
	i->put.class = w->class;
	i->put.held.of[w->cat] = 1;
	i->put.has_event_id = true;
	i->put.event_id = id_of(w->number);
	i->put.done = on_item_put;
}

static inline void start_put(struct rig *r, struct item_put *i, const struct what *w)
{
	prepare_put(r, i, w);
	spool_put(r->spool, &i->put);
	assert_false(i->done);
}

static inline int end_put(struct rig *r, struct item_put *i, uint64_t *seq)
{
	while (!i->done)
		(void)uv_run(&r->loop, UV_RUN_ONCE);
	if (seq != NULL)
		*seq = i->put.seq;
	buf_fini(&i->bytes);
	return i->rc;
}

static inline int put_one(struct rig *r, const struct what *w, uint64_t *seq)
{
	struct item_put i;

	start_put(r, &i, w);
	return end_put(r, &i, seq);
}

static inline uint64_t put_error(struct rig *r, uint64_t number)
{
	uint64_t seq;

	assert_int_equal(
		put_one(r, &(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 100, number}, &seq), E_OK);
	return seq;
}

/* --- settling ---------------------------------------------------------------------- */

static inline struct settlement settlement_of(
	struct str dsn, enum item_class class, enum category cat, uint64_t seq, uint64_t number)
{
	struct settlement st;

	memset(&st, 0, sizeof st);
	st.ref = (struct record_ref){record_lane(dsn), class, seq};
	st.delivered.of[cat] = 1;
	st.status = 200;
	st.attempts = 1;
	st.has_event_id = true;
	st.event_id = id_of(number);
	return st;
}

static inline struct spool_stats stats_of(const struct rig *r)
{
	struct spool_stats s;

	spool_stats(r->spool, r->now, &s);
	return s;
}

static inline void check_law(const struct rig *r)
{
	enum category broken = CAT_DEFAULT;

	if (!tally_holds(spool_tally(r->spool), &broken))
		fail_msg("the law is broken for %s", category_name(broken));
}

static inline void run_a_little(struct rig *r)
{
	struct timespec ts = {0, 1000000};

	(void)uv_run(&r->loop, UV_RUN_NOWAIT);
	(void)nanosleep(&ts, NULL);
}

/* Runs the loop until cond holds; a condition that never comes is found by the
 * test runner's time limit. */
#define run_until(r, cond)                                                                         \
	do {                                                                                       \
		while (!(cond))                                                                    \
			run_a_little(r);                                                           \
	} while (0)

/* --- reading ------------------------------------------------------------------------- */

#define SEEN_MAX 65536
struct seen {
	uint64_t *seq;
	size_t n, stop_at;
};

static inline bool on_seen(void *arg, uint64_t seq, struct str bytes)
{
	struct seen *s = arg;
	struct record rec;

	assert_int_equal(record_unpack(bytes, &rec, NULL), E_OK);
	assert_true(s->n < SEEN_MAX);
	s->seq[s->n++] = seq;
	return s->n != s->stop_at;
}

static inline size_t scan_all(struct rig *r, const struct record_want *w, struct seen *s)
{
	struct err err;

	s->n = 0;
	assert_int_equal(spool_scan(r->spool, w, SEEN_MAX, on_seen, s, &err), E_OK);
	return s->n;
}

static inline size_t count_class(struct rig *r, struct str dsn, enum item_class c)
{
	struct seen s = {malloc(SEEN_MAX * sizeof(uint64_t)), 0, 0};
	size_t n = scan_all(r, &(struct record_want){.lane = record_lane(dsn), .class = c}, &s);

	free(s.seq);
	return n;
}

#endif
