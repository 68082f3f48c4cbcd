/* How fast envelopes become durable, beside what else one could have used.
 *
 * Distinct envelopes of about 10 KiB, 256 clients that each wait for their
 * answer, same disk, rounds of the contestants taking turns; medians of the
 * ratios of each round:
 *
 *   segment  a preallocated log file: pwrite of each envelope, one fdatasync a batch
 *   sqlite   WAL, synchronous=FULL, one transaction a batch
 *   raw      the spool, records as they are
 *   packed   the spool, items compressed on pool threads as the daemon does it,
 *            the time for that included
 *
 * and one client alone, measured in fdatasyncs of the same disk.
 * The directory is made in $PICKET_BENCH_DIR, else here.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "envelope/codec.h"
#include "envelope/record.h"
#include "spool/spool.h"

#define CLIENTS    256
#define BATCHES    12
#define ROUNDS     7
#define TOTAL      (CLIENTS * BATCHES)
#define ENVELOPE   10240
#define SINGLES    300
#define ZSTD_LEVEL 1 /* the daemon's */

static const char dsn[] = "https://0123456789abcdef0123456789abcdef@sentry.example/1";

struct bench {
	char dir[256];
	struct codec_pool *codecs;
	uint64_t made; /* so that no two envelopes are alike */
};

/* --- envelopes ----------------------------------------------------------------------- */

static uint64_t mix(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* An event as SDKs make it: frames and breadcrumbs with names that repeat, ids,
 * addresses and numbers that do not. */
static void make_items(uint64_t number, struct buf *out)
{
	static const char *const words[] = {"request", "handler", "session", "database", "cursor",
		"checkout", "payment", "template", "middleware", "serializer", "dispatch",
		"validate", "connection", "scheduler", "pipeline", "storage"};
	uint64_t seed = number * 1000003;

	buf_printf(out,
		"{\"type\":\"event\",\"length\":%d}\n{\"event_id\":\"%016" PRIx64 "%016" PRIx64
		"\",\"platform\":\"python\",\"exception\":{\"values\":[{\"type\":\"ValueError\","
		"\"stacktrace\":{\"frames\":[",
		ENVELOPE, mix(&seed), mix(&seed));
	while (out->n < ENVELOPE) {
		uint64_t a = mix(&seed), b = mix(&seed);

		buf_printf(out,
			"{\"filename\":\"app/%s/%s.py\",\"function\":\"%s_%s\",\"lineno\":%" PRIu64
			",\"in_app\":true,\"vars\":{\"%s\":\"<object at 0x%012" PRIx64
			">\",\"trace\":\"%016" PRIx64
			"\"},\"context_line\":\"    %s = %s.%s(%s)\"},",
			words[a & 15], words[a >> 4 & 15], words[a >> 8 & 15], words[a >> 12 & 15],
			a >> 16 & 1023, words[a >> 26 & 15], b & 0xffffffffffff, a ^ b,
			words[b >> 48 & 15], words[b >> 52 & 15], words[b >> 56 & 15],
			words[b >> 60 & 15]);
	}
}

static void pack(struct bench *be, uint64_t number, bool compress, struct buf *out)
{
	struct buf items = BUF_INIT, packed = BUF_INIT;
	struct record r = {.class = CLASS_ERROR, .dsn = str_of(dsn)};
	struct instant now = clock_now(clock_system());

	make_items(number, &items);
	r.items = buf_view(&items);
	r.items_bytes = items.n;
	if (compress) {
		check(codec_zstd(be->codecs, r.items, &packed, NULL) == E_OK);
		r.items = buf_view(&packed);
		r.encoding = RECORD_ZSTD;
	}
	r.received_wall_ms = now.wall_ms;
	r.received_mono_ms = now.mono_ms;
	r.boot_id = clock_boot_id();
	r.held.of[CAT_ERROR] = 1;
	r.header = STR("{\"sdk\":{\"name\":\"sentry.python\",\"version\":\"2.68.0\"}}");
	record_pack(&r, out);
	check(buf_ok(out));
	buf_fini(&items);
	buf_fini(&packed);
}

static double per_second(uint64_t n, int64_t us)
{
	return (double)n * 1e6 / (double)us;
}

static int unlink_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void wipe(const char *dir)
{
	(void)nftw(dir, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void path_in(const struct bench *be, const char *name, char *out, size_t n)
{
	check(snprintf(out, n, "%s/%s", be->dir, name) < (int)n);
}

/* --- a segment log --------------------------------------------------------------------- */

static void write_all(int fd, struct str s, off_t at)
{
	while (s.n > 0) {
		ssize_t n = pwrite(fd, s.p, s.n, at);

		check(n > 0);
		s = str_from(s, (size_t)n);
		at += n;
	}
}

static double run_segment(struct bench *be)
{
	struct buf *raw = calloc(CLIENTS, sizeof *raw);
	char path[512];
	off_t at = 0;
	int64_t us = 0, start;
	int fd;

	path_in(be, "segment", path, sizeof path);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(raw != NULL && fd >= 0);
	check(posix_fallocate(fd, 0, (off_t)TOTAL * 2 * ENVELOPE) == 0);
	check(fsync(fd) == 0);
	for (unsigned b = 0; b < BATCHES; b++) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			buf_clear(&raw[i]);
			make_items(be->made++, &raw[i]);
		}
		start = clock_mono_us();
		for (unsigned i = 0; i < CLIENTS; i++) {
			write_all(fd, buf_view(&raw[i]), at);
			at += (off_t)raw[i].n;
		}
		check(fdatasync(fd) == 0);
		us += clock_mono_us() - start;
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		buf_fini(&raw[i]);
	free(raw);
	check(close(fd) == 0 && unlink(path) == 0);
	return per_second(TOTAL, us);
}

/* --- SQLite -------------------------------------------------------------------------------- */

static void sql(sqlite3 *db, const char *text)
{
	check(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static void insert(sqlite3 *db, sqlite3_stmt *st, struct str s)
{
	(void)db;
	check(sqlite3_bind_blob(st, 1, s.p, (int)s.n, SQLITE_STATIC) == SQLITE_OK);
	check(sqlite3_step(st) == SQLITE_DONE);
	check(sqlite3_reset(st) == SQLITE_OK);
}

static double run_sqlite(struct bench *be)
{
	struct buf *raw = calloc(CLIENTS, sizeof *raw);
	char path[512];
	sqlite3 *db;
	sqlite3_stmt *st;
	int64_t us = 0, start;

	path_in(be, "sqlite", path, sizeof path);
	check(raw != NULL && mkdir(path, 0700) == 0);
	path_in(be, "sqlite/db", path, sizeof path);
	check(sqlite3_open(path, &db) == SQLITE_OK);
	sql(db, "PRAGMA journal_mode=WAL");
	sql(db, "PRAGMA synchronous=FULL");
	sql(db, "CREATE TABLE q (id INTEGER PRIMARY KEY, body BLOB)");
	check(sqlite3_prepare_v2(db, "INSERT INTO q (body) VALUES (?)", -1, &st, NULL) ==
		SQLITE_OK);
	for (unsigned b = 0; b < BATCHES; b++) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			buf_clear(&raw[i]);
			make_items(be->made++, &raw[i]);
		}
		start = clock_mono_us();
		sql(db, "BEGIN");
		for (unsigned i = 0; i < CLIENTS; i++)
			insert(db, st, buf_view(&raw[i]));
		sql(db, "COMMIT");
		us += clock_mono_us() - start;
	}
	check(sqlite3_finalize(st) == SQLITE_OK && sqlite3_close(db) == SQLITE_OK);
	for (unsigned i = 0; i < CLIENTS; i++)
		buf_fini(&raw[i]);
	free(raw);
	path_in(be, "sqlite", path, sizeof path);
	wipe(path);
	return per_second(TOTAL, us);
}

/* --- the spool ------------------------------------------------------------------------------ */

struct contest {
	struct bench *be;
	struct spool *spool;
	uv_loop_t loop;
	bool compress, closed;
	unsigned started, done;
	int64_t start_us, end_us;
	int64_t *took_us; /* of each put, when wanted */
};

struct client {
	struct spool_put put;
	struct contest *c;
	uv_work_t work;
	struct buf bytes;
	int64_t start_us;
};

static void client_next(struct client *cl);

static void client_stored(struct spool_put *p, int rc)
{
	struct client *cl = (struct client *)(void *)p;
	struct contest *c = cl->c;

	check(rc == E_OK);
	if (c->took_us != NULL)
		c->took_us[c->done] = clock_mono_us() - cl->start_us;
	if (++c->done == TOTAL || (c->took_us != NULL && c->done == SINGLES)) {
		c->end_us = clock_mono_us();
		return;
	}
	client_next(cl);
}

static void client_put(struct client *cl)
{
	cl->put = (struct spool_put){.bytes = buf_view(&cl->bytes),
		.dsn = str_of(dsn),
		.class = CLASS_ERROR,
		.has_event_id = true,
		.done = client_stored};
	cl->put.held.of[CAT_ERROR] = 1;
	cl->put.event_id.b[0] = (uint8_t)cl->c->done;
	cl->start_us = clock_mono_us();
	spool_put(cl->c->spool, &cl->put);
}

/* What is not the spool's work is done before the clock starts, in memory: the
 * items; what is, compression and packing, happens on the pool. */
static void compress_work(uv_work_t *w)
{
	struct client *cl = w->data;
	struct buf out = BUF_INIT;
	struct record r;

	check(record_peek(buf_view(&cl->bytes), &r, NULL) == E_OK);
	{
		struct buf packed = BUF_INIT;

		check(codec_zstd(cl->c->be->codecs, r.items, &packed, NULL) == E_OK);
		r.items = buf_view(&packed);
		r.encoding = RECORD_ZSTD;
		record_pack(&r, &out);
		buf_fini(&packed);
	}
	check(buf_ok(&out));
	buf_fini(&cl->bytes);
	cl->bytes = out;
}

static void compressed(uv_work_t *w, int status)
{
	check(status == 0);
	client_put(w->data);
}

static struct buf *stock; /* raw records made beforehand */

static void client_next(struct client *cl)
{
	struct contest *c = cl->c;
	unsigned limit = c->took_us != NULL ? SINGLES : TOTAL;

	if (c->started == limit)
		return;
	buf_fini(&cl->bytes);
	cl->bytes = stock[c->started];
	stock[c->started++] = BUF_INIT;
	if (!c->compress) {
		client_put(cl);
		return;
	}
	cl->work.data = cl;
	check(uv_queue_work(&c->loop, &cl->work, compress_work, compressed) == 0);
}

static void on_closed(void *arg)
{
	((struct contest *)arg)->closed = true;
}

static void contest_run(struct contest *c, unsigned clients)
{
	char path[512];
	struct err err = {0, ""};
	struct spool_options o = {.dir = path,
		.max_bytes = UINT64_C(1) << 30,
		.max_age_ms = INT64_C(86400000),
		.check_in_max_age_ms = INT64_C(3600000),
		.clock = clock_system()};
	struct client *cl = calloc(clients, sizeof *cl);
	unsigned limit = c->took_us != NULL ? SINGLES : TOTAL;

	path_in(c->be, "spool", path, sizeof path);
	stock = calloc(limit, sizeof *stock);
	check(cl != NULL && stock != NULL && uv_loop_init(&c->loop) == 0);
	for (unsigned i = 0; i < limit; i++)
		pack(c->be, c->be->made++, false, &stock[i]);
	check(spool_open(&c->spool, &c->loop, &o, &err) == E_OK);
	c->start_us = clock_mono_us();
	for (unsigned i = 0; i < clients; i++) {
		cl[i].c = c;
		client_next(&cl[i]);
	}
	while (c->done < limit)
		(void)uv_run(&c->loop, UV_RUN_ONCE);
	spool_close(c->spool, on_closed, c);
	while (!c->closed)
		(void)uv_run(&c->loop, UV_RUN_ONCE);
	check(uv_run(&c->loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&c->loop) == 0);
	for (unsigned i = 0; i < clients; i++)
		buf_fini(&cl[i].bytes);
	free(cl);
	free(stock);
	wipe(path);
}

static double run_spool(struct bench *be, bool compress)
{
	struct contest c = {.be = be, .compress = compress};

	contest_run(&c, CLIENTS);
	return per_second(TOTAL, c.end_us - c.start_us);
}

/* --- one client ------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, by_value);
	return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double fdatasync_p50_us(struct bench *be)
{
	double took[SINGLES];
	struct buf raw = BUF_INIT;
	char path[512];
	off_t at = 0;
	int fd;

	path_in(be, "segment", path, sizeof path);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(fd >= 0 && posix_fallocate(fd, 0, (off_t)SINGLES * 2 * ENVELOPE) == 0);
	check(fsync(fd) == 0);
	make_items(be->made++, &raw);
	for (unsigned i = 0; i < SINGLES; i++) {
		int64_t start = clock_mono_us();

		write_all(fd, buf_view(&raw), at);
		at += (off_t)raw.n;
		check(fdatasync(fd) == 0);
		took[i] = (double)(clock_mono_us() - start);
	}
	buf_fini(&raw);
	check(close(fd) == 0 && unlink(path) == 0);
	return median(took, SINGLES);
}

static double one_client_p50_us(struct bench *be)
{
	int64_t took_us[SINGLES];
	double took[SINGLES];
	struct contest c = {.be = be, .compress = true, .took_us = took_us};

	contest_run(&c, 1);
	for (unsigned i = 0; i < SINGLES; i++)
		took[i] = (double)took_us[i];
	return median(took, SINGLES);
}

/* --- the contest ---------------------------------------------------------------------------------
 */

enum who { SEGMENT, SQLITE, RAW, PACKED, ONE, WHO_COUNT };

static double ratio_of(double (*v)[ROUNDS], enum who a, enum who b)
{
	double r[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++)
		r[i] = v[a][i] / v[b][i];
	return median(r, ROUNDS);
}

static void report(double (*v)[ROUNDS], double *one_us, double *flush_us)
{
	/* The same bytes made durable by each. */
	printf("spool.sync_vs_segment_log ratio=%.2f target=0.45\n", ratio_of(v, RAW, SEGMENT));
	printf("spool.sync_vs_sqlite ratio=%.2f target=2.5\n", ratio_of(v, RAW, SQLITE));
	/* With compression, which the others do not pay for: bound by processors. */
	printf("spool.compressing_vs_segment_log ratio=%.2f\n", ratio_of(v, PACKED, SEGMENT));
	printf("spool.compressing_vs_sqlite ratio=%.2f\n", ratio_of(v, PACKED, SQLITE));
	printf("spool.one_client_p50_fdatasyncs ratio=%.2f target<=3.5\n",
		ratio_of(v, ONE, WHO_COUNT));
	printf("# envelopes/s: segment %.0f, sqlite %.0f, spool raw %.0f, spool packed %.0f; one "
	       "client p50 %.0f us, fdatasync p50 %.0f us\n",
		median(v[SEGMENT], ROUNDS), median(v[SQLITE], ROUNDS), median(v[RAW], ROUNDS),
		median(v[PACKED], ROUNDS), median(one_us, ROUNDS), median(flush_us, ROUNDS));
}

int main(void)
{
	const char *base = getenv("PICKET_BENCH_DIR");
	static double v[WHO_COUNT + 1][ROUNDS];
	struct bench be = {.made = 1};

	(void)snprintf(be.dir, sizeof be.dir, "%s/bench-spool-XXXXXX", base != NULL ? base : ".");
	check(mkdtemp(be.dir) != NULL);
	check(codec_pool_new(&be.codecs, ZSTD_LEVEL, NULL) == E_OK);
	for (unsigned i = 0; i < ROUNDS; i++) {
		v[SEGMENT][i] = run_segment(&be);
		v[RAW][i] = run_spool(&be, false);
		v[SQLITE][i] = run_sqlite(&be);
		v[PACKED][i] = run_spool(&be, true);
		v[WHO_COUNT][i] = fdatasync_p50_us(&be);
		v[ONE][i] = one_client_p50_us(&be);
	}
	report(v, v[ONE], v[WHO_COUNT]);
	codec_pool_free(be.codecs);
	wipe(be.dir);
	return 0;
}
