/* A disk that fails: nothing stored is lost, settling goes on when it can, and
 * storing begins again by itself.
 *
 * The calls that write are replaced by ones that fail on demand; and a real,
 * small file system is filled up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/uio.h>

#include "rig.h"

enum where { NOWHERE, DATA, FLUSH, META, EVERYWHERE };
static _Atomic int fail_where, fail_errno;

static bool fails(enum where w)
{
	int at = atomic_load(&fail_where);

	if (at != (int)w && at != EVERYWHERE)
		return false;
	errno = atomic_load(&fail_errno);
	return true;
}

static void fail_with(enum where w, int errnum)
{
	atomic_store(&fail_errno, errnum);
	atomic_store(&fail_where, (int)w);
}

/* LMDB's library calls these through the executable. */
ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pwrite");
	if (n < 4096 ? fails(META) : fails(DATA))
		return -1;
	return real(fd, p, n, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	static ssize_t (*real)(int, const struct iovec *, int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "writev");
	return fails(DATA) ? -1 : real(fd, v, n);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	return fails(FLUSH) ? -1 : real(fd);
}

static int put_number(struct rig *r, uint64_t number)
{
	return put_one(r, &(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 5000, number}, NULL);
}

static void trouble_and_back(enum where w, int errnum, int code)
{
	struct rig r;
	struct settlement st;

	rig_init(&r);
	r.o.durability = SPOOL_SYNC;
	rig_open(&r);
	assert_int_equal(put_number(&r, 1), E_OK);
	assert_int_equal(put_number(&r, 2), E_OK);
	fail_with(w, errnum);
	assert_int_equal(put_number(&r, 3), code);
	assert_int_equal(put_number(&r, 4), code); /* at once: no attempt so soon */
	assert_false(spool_has_room(r.spool));
	assert_int_equal(stats_of(&r).trouble, code);
	assert_int_equal(stats_of(&r).trouble_since_wall_ms, r.now.wall_ms);
	st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, 1, 1);
	spool_settle(r.spool, &st);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 2);
	assert_int_equal(stats_of(&r).records, 2);
	check_law(&r);
	fail_with(NOWHERE, 0);
	run_until(&r, spool_has_room(r.spool)); /* by itself */
	run_until(&r, stats_of(&r).records == 1);
	assert_int_equal(put_number(&r, 5), E_OK);
	assert_int_equal(spool_tally(r.spool)->received.of[CAT_ERROR], 3);
	assert_int_equal(spool_tally(r.spool)->delivered.of[CAT_ERROR], 1);
	rig_restart(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 2);
	check_law(&r);
	rig_fini(&r);
}

static void no_space_for_data_heals(void **state)
{
	(void)state;
	trouble_and_back(DATA, ENOSPC, E_NOSPACE);
}

static void a_read_only_file_system_heals(void **state)
{
	(void)state;
	trouble_and_back(EVERYWHERE, EROFS, E_READONLY);
}

static void a_flush_that_fails_heals(void **state)
{
	(void)state;
	trouble_and_back(FLUSH, EIO, E_IO);
}

/* After this LMDB wants the environment opened anew. */
static void a_meta_page_that_cannot_be_written_heals(void **state)
{
	(void)state;
	trouble_and_back(META, EIO, E_IO);
}

static void closing_while_the_disk_fails_ends(void **state)
{
	struct rig r;
	struct settlement st;

	(void)state;
	rig_init(&r);
	r.o.durability = SPOOL_SYNC;
	rig_open(&r);
	assert_int_equal(put_number(&r, 1), E_OK);
	fail_with(EVERYWHERE, EIO);
	st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, 1, 1);
	spool_settle(r.spool, &st);
	rig_close(&r);
	fail_with(NOWHERE, 0);
	rig_open(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1); /* will be sent again */
	check_law(&r);
	rig_fini(&r);
}

static void settlements_that_wait_have_a_bound(void **state)
{
	struct rig r;
	struct settlement st;

	(void)state;
	rig_init(&r);
	r.o.durability = SPOOL_SYNC;
	rig_open(&r);
	assert_int_equal(put_number(&r, 1), E_OK);
	fail_with(EVERYWHERE, EIO);
	for (uint64_t i = 0; i < 400000; i++) {
		st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, i + 1, 1);
		spool_settle(r.spool, &st);
	}
	fail_with(NOWHERE, 0);
	run_until(&r, stats_of(&r).records == 0);
	assert_int_equal(put_number(&r, 2), E_OK);
	check_law(&r);
	rig_fini(&r);
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
	struct rig r;
	struct err err;

	(void)state;
	rig_init(&r);
	r.o.dir = "/proc/no/such/directory";
	assert_int_not_equal(spool_open(&r.spool, &r.loop, &r.o, &err), E_OK);
	assert_non_null(strstr(err.text, "/proc/no/such/directory"));
	r.spool = NULL;
	rig_fini(&r);
}

/* --- a real file system that is full ---------------------------------------------- */

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (f != NULL) {
		(void)fputs(text, f);
		(void)fclose(f);
	}
}

/* Without root's rights, in name spaces of our own. */
static void become_able_to_mount(void)
{
	char map[64];
	unsigned uid = geteuid();

	if (uid == 0)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return; /* the mount will fail, loudly */
	(void)snprintf(map, sizeof map, "0 %u 1", uid);
	write_text("/proc/self/uid_map", map);
}

static void fill(const char *dir, char *path, size_t n)
{
	static char block[65536];
	int fd;

	(void)snprintf(path, n, "%s/filler", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof block) > 0)
		;
	while (write(fd, block, 512) > 0)
		;
	assert_int_equal(close(fd), 0);
}

static void full_disk_refuses_and_keeps_old_items(void **state)
{
	struct rig r;
	struct settlement st;
	char filler[256], mounted[128];
	uint64_t n = 0;

	(void)state;
	rig_init(&r);
	(void)snprintf(mounted, sizeof mounted, "%s", r.dir);
	if (mount("tmpfs", mounted, "tmpfs", 0, "size=12m") != 0)
		fail_msg("mount: %s (this test needs root or user namespaces)", strerror(errno));
	r.o.durability = SPOOL_SYNC;
	rig_open(&r);
	while (n < 100)
		assert_int_equal(put_number(&r, ++n), E_OK);
	fill(mounted, filler, sizeof filler);
	while (put_number(&r, n + 1) == E_OK)
		n++;
	assert_int_equal(stats_of(&r).trouble, E_NOSPACE);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), n);
	rig_restart(&r); /* opens on a full disk, too */
	for (uint64_t seq = 1; seq <= n; seq++) {
		st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, seq);
		spool_settle(r.spool, &st);
	}
	run_until(&r, stats_of(&r).records == 0); /* deleting works on a full disk */
	assert_int_equal(spool_tally(r.spool)->delivered.of[CAT_ERROR], n);
	check_law(&r);
	assert_int_equal(unlink(filler), 0);
	run_until(&r, spool_has_room(r.spool));
	assert_int_equal(put_number(&r, 9999), E_OK);
	rig_restart(&r);
	assert_int_equal(count_class(&r, DSN_A, CLASS_ERROR), 1);
	check_law(&r);
	rig_close(&r);
	assert_int_equal(umount2(mounted, MNT_DETACH), 0);
	rig_fini(&r);
}

/* --- how the file grows --------------------------------------------------------- */

static _Atomic unsigned fallocate_calls;

int fallocate(int fd, int mode, off_t at, off_t n)
{
	static int (*real)(int, int, off_t, off_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fallocate");
	atomic_fetch_add(&fallocate_calls, 1);
	return real(fd, mode, at, n);
}

/* Each batch would otherwise wait for the file system. */
static void a_burst_grows_the_file_in_few_steps(void **state)
{
	enum { BATCHES = 6, PUTS = 64 };
	struct item_put *puts = calloc(PUTS, sizeof *puts);
	struct rig r;
	unsigned before;

	(void)state;
	assert_non_null(puts);
	rig_init(&r);
	rig_open(&r);
	before = atomic_load(&fallocate_calls);
	for (uint64_t b = 0; b < BATCHES; b++) { /* 2 MiB each */
		for (uint64_t i = 0; i < PUTS; i++)
			start_put(&r, &puts[i],
				&(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 32 * 1024,
					1 + b * PUTS + i});
		for (uint64_t i = 0; i < PUTS; i++)
			assert_int_equal(end_put(&r, &puts[i], NULL), E_OK);
	}
	assert_in_range(atomic_load(&fallocate_calls) - before, 1, BATCHES / 2);
	free(puts);
	rig_fini(&r);
}

static void what_fits_is_stored_when_a_larger_step_does_not(void **state)
{
	struct rig r;
	char mounted[128];
	uint64_t n = 0;

	(void)state;
	rig_init(&r);
	(void)snprintf(mounted, sizeof mounted, "%s", r.dir);
	if (mount("tmpfs", mounted, "tmpfs", 0, "size=12m") != 0)
		fail_msg("mount: %s (this test needs root or user namespaces)", strerror(errno));
	rig_open(&r);
	while (n < 100 &&
		put_one(&r, &(struct what){DSN_A, CLASS_ERROR, CAT_ERROR, 1024 * 1024, n + 1},
			NULL) == E_OK)
		n++;
	assert_in_range(n, 9, 11); /* and a MiB is kept free for deleting */
	assert_int_equal(stats_of(&r).trouble, E_NOSPACE);
	rig_close(&r);
	assert_int_equal(umount2(mounted, MNT_DETACH), 0);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_space_for_data_heals),
		cmocka_unit_test(a_read_only_file_system_heals),
		cmocka_unit_test(a_flush_that_fails_heals),
		cmocka_unit_test(a_meta_page_that_cannot_be_written_heals),
		cmocka_unit_test(closing_while_the_disk_fails_ends),
		cmocka_unit_test(settlements_that_wait_have_a_bound),
		cmocka_unit_test(a_directory_that_cannot_be_made_is_named),
		cmocka_unit_test(full_disk_refuses_and_keeps_old_items),
		cmocka_unit_test(a_burst_grows_the_file_in_few_steps),
		cmocka_unit_test(what_fits_is_stored_when_a_larger_step_does_not),
	};

	become_able_to_mount();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
