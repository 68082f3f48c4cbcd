/* Files that are damaged, foreign or in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/wait.h>

#include "rig.h"

static void path_of(const struct rig *r, const char *name, char *out, size_t n)
{
	assert_true(snprintf(out, n, "%s/%s", r->dir, name) < (int)n);
}

static unsigned broken_files(const struct rig *r)
{
	DIR *d = opendir(r->dir);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "spool.broken-", 13) == 0;
	(void)closedir(d);
	return n;
}

static void overwrite(const char *path, off_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), (ssize_t)n);
	assert_int_equal(close(fd), 0);
}

static void quarantined_after(void (*damage)(const char *path))
{
	struct rig r;
	char path[256];

	rig_init(&r);
	rig_open(&r);
	put_error(&r, 1);
	rig_close(&r);
	path_of(&r, "spool.mdb", path, sizeof path);
	damage(path);
	rig_open(&r);
	assert_int_equal(broken_files(&r), 1);
	assert_int_equal(stats_of(&r).records, 0);
	assert_int_equal(put_error(&r, 2), 1);
	check_law(&r);
	rig_restart(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1);
	assert_int_equal(broken_files(&r), 1);
	rig_fini(&r);
}

static void with_garbage(const char *path)
{
	char garbage[16384];

	memset(garbage, 'x', sizeof garbage);
	overwrite(path, 0, garbage, sizeof garbage);
}

static void cut_short(const char *path)
{
	assert_int_equal(truncate(path, 3 * 4096), 0);
}

static void a_file_of_garbage_is_renamed_aside(void **state)
{
	(void)state;
	quarantined_after(with_garbage);
}

static void a_file_cut_short_is_renamed_aside(void **state)
{
	(void)state;
	quarantined_after(cut_short);
}

/* Some other program's LMDB file. */
static void foreign(const char *path)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val k = {1, (char[]){'k'}}, v = {1, (char[]){'v'}};

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void a_foreign_environment_is_renamed_aside(void **state)
{
	(void)state;
	quarantined_after(foreign);
}

static void later_format(const char *path)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	char key[] = "f", text[] = "picket spool 9";
	MDB_val k = {sizeof key, key}, v = {sizeof text, text};

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 10), 0);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "state", 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void a_later_format_is_renamed_aside(void **state)
{
	(void)state;
	quarantined_after(later_format);
}

static void foreign_files_in_the_directory_are_left_alone(void **state)
{
	struct rig r;
	char path[256], fresh[256];
	int fd;

	(void)state;
	rig_init(&r);
	path_of(&r, "README", path, sizeof path);
	path_of(&r, "spool.mdb.new", fresh, sizeof fresh);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	fd = open(fresh, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	rig_open(&r);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_not_equal(access(fresh, F_OK), 0); /* a compaction that was cut short */
	rig_fini(&r);
}

/* --- one bad record ------------------------------------------------------------------ */

static void find_and_flip(const char *path, const char *mark)
{
	size_t n = strlen(mark), len;
	FILE *f = fopen(path, "r+e");
	char *all;
	unsigned hits = 0;
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_true(size > 0);
	len = (size_t)size;
	all = malloc(len);
	assert_non_null(all);
	rewind(f);
	assert_int_equal(fread(all, 1, len, f), len);
	for (size_t i = 0; i + n <= len; i++) {
		if (memcmp(all + i, mark, n) != 0)
			continue;
		assert_int_equal(fseek(f, (long)i, SEEK_SET), 0);
		assert_int_equal(fputc(mark[0] ^ 1, f), mark[0] ^ 1);
		hits++;
	}
	assert_true(hits > 0);
	free(all);
	assert_int_equal(fclose(f), 0);
}

static int put_marked(struct rig *r, const char *mark, uint64_t number)
{
	struct record rec = {.class = CLASS_ERROR, .dsn = DSN_A};
	struct buf b = BUF_INIT;
	struct item_put i;

	rec.received_wall_ms = r->now.wall_ms;
	rec.received_mono_ms = r->now.mono_ms;
	rec.boot_id = clock_boot_id();
	rec.held.of[CAT_ERROR] = 1;
	rec.header = str_of(mark);
	rec.items = STR("payload");
	record_pack(&rec, &b);
	memset(&i, 0, sizeof i);
	i.put = (struct spool_put){.bytes = buf_view(&b),
		.dsn = DSN_A,
		.class = CLASS_ERROR,
		.held = rec.held,
		.has_event_id = true,
		.event_id = id_of(number),
		.done = on_item_put};
	spool_put(r->spool, &i.put);
	(void)end_put(r, &i, NULL);
	buf_fini(&b);
	return i.rc;
}

static bool count_dead(void *arg, const struct dead_letter *d)
{
	assert_int_equal(d->why, DROP_INTERNAL_SDK_ERROR);
	++*(size_t *)arg;
	return true;
}

static void a_damaged_record_is_set_aside_and_the_queue_goes_on(void **state)
{
	struct rig r;
	char path[256];
	size_t dead = 0;

	(void)state;
	rig_init(&r);
	rig_open(&r);
	put_error(&r, 1);
	assert_int_equal(put_marked(&r, "find-this-mark", 2), E_OK);
	put_error(&r, 3);
	rig_close(&r);
	path_of(&r, "spool.mdb", path, sizeof path);
	find_and_flip(path, "find-this-mark");
	rig_open(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 2);
	run_until(&r, stats_of(&r).dead_records == 1);
	assert_int_equal(r.counters.records_corrupt, 1);
	assert_int_equal(stats_of(&r).records, 2);
	assert_int_equal(spool_dead(r.spool, 0, 9, count_dead, &dead, NULL), E_OK);
	assert_int_equal(dead, 1);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_INTERNAL_SDK_ERROR].of[CAT_ERROR], 1);
	check_law(&r);
	rig_fini(&r);
}

/* Leaf pages of LMDB whose keys are as long as the queues': no longer leaves. */
static void spoil_queues(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t page[4096];
	unsigned spoilt = 0;

	assert_true(fd >= 0);
	for (off_t at = 0; pread(fd, page, sizeof page, at) == (ssize_t)sizeof page;
		at += (off_t)sizeof page) {
		unsigned flags = page[10] | (unsigned)page[11] << 8;
		unsigned node = page[16] | (unsigned)page[17] << 8;

		if (flags != 2 || node > sizeof page - 8 || page[node + 6] != 16)
			continue;
		page[10] = 0;
		assert_int_equal(pwrite(fd, page, sizeof page, at), (ssize_t)sizeof page);
		spoilt++;
	}
	assert_true(spoilt > 0);
	assert_int_equal(close(fd), 0);
}

static void damage_found_in_use_costs_what_was_stored_but_no_new_put(void **state)
{
	struct rig r;
	char path[256];

	(void)state;
	rig_init(&r);
	rig_open(&r);
	for (uint64_t i = 1; i <= 5; i++)
		put_error(&r, i);
	path_of(&r, "spool.mdb", path, sizeof path);
	spoil_queues(path);
	assert_int_equal(put_error(&r, 6), 6);
	assert_int_equal(broken_files(&r), 1);
	assert_int_equal(stats_of(&r).records, 1);
	assert_int_equal(stats_of(&r).trouble, E_OK);
	assert_int_equal(spool_tally(r.spool)->received.of[CAT_ERROR], 6);
	assert_int_equal(spool_tally(r.spool)->dropped[DROP_INTERNAL_SDK_ERROR].of[CAT_ERROR], 5);
	check_law(&r);
	rig_restart(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1);
	assert_int_equal(spool_tally(r.spool)->received.of[CAT_ERROR], 6);
	check_law(&r);
	rig_fini(&r);
}

/* --- the lock --------------------------------------------------------------------------- */

static void hold_lock(struct rig *r, int ready)
{
	struct err err;

	if (uv_loop_fork(&r->loop) != 0 || spool_open(&r->spool, &r->loop, &r->o, &err) != E_OK)
		_exit(1);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		(void)pause();
}

static void a_directory_in_use_is_refused_and_the_holder_named(void **state)
{
	struct rig r;
	struct err err = {0, ""};
	char expected[256], c;
	int ready[2], status;
	pid_t pid;

	(void)state;
	rig_init(&r);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		hold_lock(&r, ready[1]);
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(spool_open(&r.spool, &r.loop, &r.o, &err), E_EXISTS);
	(void)snprintf(expected, sizeof expected, "spool %s is in use by picketd pid %ld", r.dir,
		(long)pid);
	assert_string_equal(err.text, expected);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(ready[0]);
	rig_open(&r); /* a dead holder holds nothing */
	put_error(&r, 1);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_garbage_is_renamed_aside),
		cmocka_unit_test(a_file_cut_short_is_renamed_aside),
		cmocka_unit_test(a_foreign_environment_is_renamed_aside),
		cmocka_unit_test(a_later_format_is_renamed_aside),
		cmocka_unit_test(foreign_files_in_the_directory_are_left_alone),
		cmocka_unit_test(a_damaged_record_is_set_aside_and_the_queue_goes_on),
		cmocka_unit_test(damage_found_in_use_costs_what_was_stored_but_no_new_put),
		cmocka_unit_test(a_directory_in_use_is_refused_and_the_holder_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
