/* Giving the file back after a drain.
 *
 *   shrink_wanted  nothing stored and the file large, or mostly empty and idle
 *   shrink_now     compacted copy beside it, flushed
 *                  rename over the old file, flush the directory
 *                  open it; readers wait for these two steps only
 *
 * Killed before the rename: the copy is removed at the next open. After it: the
 * copy is the spool.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "spool/fault.h"
#include "spool/store.h"

#define MiB (UINT64_C(1) << 20)
/* A file this small is not worth the writing. */
#define SMALL_BYTES (8 * MiB)
/* A mostly empty file is compacted only when it is large and little is to be
 * copied: puts wait meanwhile. */
#define LARGE_BYTES     (64 * MiB)
#define COPY_MAX_BYTES  (32 * MiB)
#define LIVES_MAX_BYTES ((uint64_t)LIVES_MAX * (LIFE_BYTES + 26))

static uint64_t live_bytes(const struct store *st)
{
	const struct totals *t = &st->totals;
	uint64_t journal = 2 * t->lives * LIFE_BYTES;

	if (journal > LIVES_MAX_BYTES)
		journal = LIVES_MAX_BYTES;
	return queue_bytes(t) + t->dead_bytes + journal;
}

bool shrink_wanted(const struct store *st)
{
	uint64_t file = st->env.file_bytes, live = live_bytes(st);

	if (st->env.mdb == NULL || st->stale || store_has_work(st))
		return false;
	if (queue_records(&st->totals) == 0)
		return file > SMALL_BYTES + 2 * live;
	return file > LARGE_BYTES && live < file / 4 && live < COPY_MAX_BYTES;
}

static int copy(struct store *st)
{
	int fd = open(st->fresh_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return err_from_errno(errno);
	rc = env_error(mdb_env_copyfd2(st->env.mdb, fd, MDB_CP_COMPACT));
	if (rc == E_OK && fdatasync(fd) != 0)
		rc = err_from_errno(errno);
	if (close(fd) != 0 && rc == E_OK)
		rc = err_from_errno(errno);
	return rc;
}

static int exchange(struct store *st)
{
	int rc;

	env_close(st);
	fault_point("in_giveback");
	rc = rename(st->fresh_path, st->path) == 0 ? E_OK : err_from_errno(errno);
	if (rc == E_OK && fsync(st->dir_fd) != 0)
		rc = err_from_errno(errno);
	fault_point("after_rename");
	if (env_open(st, NULL) != E_OK)
		st->stale = true; /* opened again with the next batch */
	return rc;
}

int shrink_now(struct store *st, uint64_t *given_back)
{
	uint64_t before = st->env.file_bytes;
	int rc = copy(st);

	if (rc == E_OK) {
		env_lock(st);
		rc = exchange(st);
		env_unlock(st);
	}
	(void)unlink(st->fresh_path);
	if (rc == E_OK && st->env.file_bytes < before)
		*given_back = before - st->env.file_bytes;
	return rc;
}
