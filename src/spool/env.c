/* The LMDB environment: opening, replacing a damaged one, disk space, memory. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "spool/store.h"

#define MiB (UINT64_C(1) << 20)
/* Kept free behind the last page, on disk and in the map, so that deleting and
 * counting can always be committed. A deletion copies a few pages per tree; even
 * thousands of them in one transaction stay below this. */
#define RESERVE_BYTES MiB
/* The file grows in steps: one extent and one metadata update instead of many.
 * A burst would outgrow small ones with every batch, and wait for the file
 * system each time. */
#define GROW_MIN_BYTES (2 * MiB)
#define GROW_MAX_BYTES (32 * MiB)
#define GROW_BATCHES   8

static const char format_key[] = "f";
static const char format_text[] = "picket spool 1";

void put_be64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

void put_be32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

uint64_t get_be64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

uint32_t get_be32(const uint8_t *p)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 8 | p[i];
	return v;
}

int env_error(int mdb_rc)
{
	int rc;

	switch (mdb_rc) {
	case MDB_SUCCESS:
		return E_OK;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return E_NOSPACE;
	case MDB_NOTFOUND:
		return E_NOTFOUND;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
		return E_CORRUPT;
	default:
		rc = mdb_rc > 0 ? err_from_errno(mdb_rc) : E_IO;
		return rc == E_NOSPACE || rc == E_READONLY || rc == E_NOMEM ? rc : E_IO;
	}
}

static int open_databases(struct store *st, MDB_txn *txn, unsigned flags)
{
	struct env *e = &st->env;
	char name[3] = "q0";
	int rc = 0;

	for (unsigned c = 0; c < CLASS_COUNT && rc == 0; c++) {
		name[1] = (char)('0' + c);
		rc = mdb_dbi_open(txn, name, flags, &e->queue[c]);
	}
	if (rc == 0)
		rc = mdb_dbi_open(txn, "state", flags, &e->state);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "dead", flags, &e->dead);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "seen", flags, &e->seen);
	return rc;
}

/* E_CORRUPT when the file is LMDB's but not ours, or of a later format. */
static int check_format(struct store *st, MDB_txn *txn, struct err *err)
{
	MDB_val key = {sizeof format_key, (void *)(uintptr_t)format_key}, v;
	int rc = mdb_get(txn, st->env.state, &key, &v);

	if (rc != 0 || v.mv_size != sizeof format_text ||
		memcmp(v.mv_data, format_text, sizeof format_text) != 0)
		return err_set(err, E_CORRUPT, "not a spool that this version reads");
	return E_OK;
}

static int create_databases(struct store *st, struct err *err)
{
	MDB_val key = {sizeof format_key, (void *)(uintptr_t)format_key};
	MDB_val v = {sizeof format_text, (void *)(uintptr_t)format_text};
	MDB_txn *txn;
	int rc = mdb_txn_begin(st->env.mdb, NULL, 0, &txn);

	if (rc == 0) {
		rc = open_databases(st, txn, MDB_CREATE);
		if (rc == 0)
			rc = mdb_put(txn, st->env.state, &key, &v, 0);
		if (rc == 0)
			rc = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
	}
	return rc == 0 ? E_OK : err_set(err, env_error(rc), "create: %s", mdb_strerror(rc));
}

static int load(struct store *st, struct err *err)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(st->env.mdb, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return err_set(err, env_error(rc), "read: %s", mdb_strerror(rc));
	rc = open_databases(st, txn, 0);
	if (rc == 0) {
		rc = check_format(st, txn, err);
		if (rc == E_OK)
			rc = totals_load(st, txn, err);
	} else {
		rc = err_set(err, rc == MDB_NOTFOUND ? E_CORRUPT : env_error(rc), "databases: %s",
			mdb_strerror(rc));
	}
	if (rc == E_OK)
		rc = env_error(mdb_txn_commit(txn)); /* keeps the handles */
	else
		mdb_txn_abort(txn);
	return rc;
}

/* LMDB believes its meta page: pages beyond the end of a file that was cut
 * short would be a SIGBUS later. */
static int check_size(struct store *st, struct err *err)
{
	struct stat sb;
	mdb_filehandle_t fd;
	MDB_stat ms;

	if (mdb_env_get_fd(st->env.mdb, &fd) != 0 || fstat(fd, &sb) != 0 ||
		mdb_env_stat(st->env.mdb, &ms) != 0)
		return err_set(err, E_IO, "size: %s", strerror(errno));
	st->env.page_bytes = ms.ms_psize;
	st->env.file_bytes = (uint64_t)sb.st_size;
	if (st->env.file_bytes < env_used_bytes(st))
		return err_set(err, E_CORRUPT, "the file has been cut short");
	return E_OK;
}

/* LMDB does not tell where its map is. */
static void find_map(struct store *st)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[1024];
	struct stat sb;

	st->env.map = NULL;
	if (f == NULL)
		return;
	if (stat(st->path, &sb) != 0)
		sb.st_ino = 0;
	while (fgets(line, sizeof line, f) != NULL) {
		uintptr_t from, to;
		uint64_t inode;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " r--s %*s %*s %" SCNu64, &from, &to,
			    &inode) != 3)
			continue;
		if (inode == sb.st_ino && strstr(line, "/" STORE_FILE "\n") != NULL &&
			to - from >= st->map_bytes) {
			st->env.map = (void *)from; /* NOLINT(performance-no-int-to-ptr) */
			break;
		}
	}
	(void)fclose(f);
}

static unsigned open_flags(const struct store *st)
{
	unsigned flags = MDB_NOTLS | MDB_NOSUBDIR;

	if (st->durability == SPOOL_LAZY)
		flags |= MDB_NOMETASYNC;
	if (st->durability == SPOOL_ASYNC)
		flags |= MDB_NOSYNC;
	return flags;
}

int env_open(struct store *st, struct err *err)
{
	char lock[512];
	struct stat sb;
	bool is_new = stat(st->path, &sb) != 0 || sb.st_size == 0;
	int rc = mdb_env_create(&st->env.mdb);

	if (rc != 0)
		return err_set(err, E_NOMEM, "open: %s", mdb_strerror(rc));
	/* Nobody else has this environment open, the lock on the directory says:
	 * its reader table is a leftover. */
	(void)snprintf(lock, sizeof lock, "%s-lock", st->path);
	(void)unlink(lock);
	rc = mdb_env_set_mapsize(st->env.mdb, (size_t)st->map_bytes);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(st->env.mdb, CLASS_COUNT + 3);
	if (rc == 0)
		rc = mdb_env_open(st->env.mdb, st->path, open_flags(st), 0600);
	if (rc != 0) {
		rc = err_set(err, rc == EINVAL ? E_CORRUPT : env_error(rc), "open: %s",
			mdb_strerror(rc));
		goto fail;
	}
	rc = is_new ? create_databases(st, err) : check_size(st, err);
	if (rc == E_OK && is_new)
		rc = check_size(st, err);
	if (rc == E_OK)
		rc = load(st, err);
	if (rc == E_OK) {
		find_map(st);
		return E_OK;
	}
fail:
	env_close(st);
	return rc;
}

void env_close(struct store *st)
{
	if (st->env.mdb != NULL)
		mdb_env_close(st->env.mdb);
	st->env.mdb = NULL;
}

void env_lock(struct store *st)
{
	uv_mutex_lock(&st->door);
	uv_rwlock_wrlock(&st->guard);
	uv_mutex_unlock(&st->door);
}

void env_unlock(struct store *st)
{
	uv_rwlock_wrunlock(&st->guard);
}

int env_widen(struct store *st)
{
	int rc = E_OK;

	if (st->map_wanted <= st->map_bytes)
		return E_OK;
	env_lock(st);
	rc = env_error(mdb_env_set_mapsize(st->env.mdb, (size_t)st->map_wanted));
	if (rc == E_OK) {
		st->map_bytes = st->map_wanted;
		find_map(st);
	}
	env_unlock(st);
	return rc;
}

int env_reopen(struct store *st)
{
	int rc;

	env_lock(st);
	env_close(st);
	rc = env_open(st, NULL);
	env_unlock(st);
	return rc;
}

void env_unload(struct store *st)
{
	st->stale = env_reopen(st) != E_OK;
	st->env.is_laden = st->stale; /* tried again, as readers need it open */
	env_release_pages(st);
	memory_drop_cached();
}

int env_open_or_replace(struct store *st, int64_t wall_ms, struct err *err)
{
	int rc = env_open(st, err);

	if (rc != E_CORRUPT)
		return rc;
	if (env_set_aside(st, wall_ms) != E_OK)
		return err_wrap(err, rc, "cannot rename it to %s", st->quarantined);
	return env_open(st, err);
}

uint64_t env_used_bytes(const struct store *st)
{
	MDB_envinfo info;

	if (st->env.mdb == NULL || mdb_env_info(st->env.mdb, &info) != 0)
		return 0;
	return ((uint64_t)info.me_last_pgno + 1) * st->env.page_bytes;
}

/* Pages that deleting has left inside the file. */
static uint64_t free_bytes(struct store *st)
{
	MDB_txn *txn;
	MDB_cursor *cur;
	MDB_val k, v;
	uint64_t pages = 0;

	if (mdb_txn_begin(st->env.mdb, NULL, MDB_RDONLY, &txn) != 0)
		return 0;
	if (mdb_cursor_open(txn, 0, &cur) == 0) { /* 0: LMDB's list of free pages */
		while (mdb_cursor_get(cur, &k, &v, MDB_NEXT) == 0) {
			size_t n;

			memcpy(&n, v.mv_data, sizeof n);
			pages += n;
		}
		mdb_cursor_close(cur);
	}
	mdb_txn_abort(txn);
	return pages * st->env.page_bytes;
}

static uint64_t grow_step(const struct store *st, uint64_t batch_bytes)
{
	uint64_t step = st->env.file_bytes / 8;

	if (step < GROW_BATCHES * batch_bytes)
		step = GROW_BATCHES * batch_bytes;
	if (step < GROW_MIN_BYTES)
		step = GROW_MIN_BYTES;
	return step < GROW_MAX_BYTES ? step : GROW_MAX_BYTES;
}

static int grow_to(struct store *st, uint64_t want)
{
	mdb_filehandle_t fd;

	if (want > st->map_bytes)
		want = st->map_bytes;
	if (want <= st->env.file_bytes)
		return E_OK;
	if (mdb_env_get_fd(st->env.mdb, &fd) != 0)
		return E_IO;
	if (fallocate(fd, 0, (off_t)st->env.file_bytes, (off_t)(want - st->env.file_bytes)) != 0) {
		/* Without it the file grows as it is written, with no reserve. */
		if (errno == EOPNOTSUPP || errno == ENOSYS)
			return E_OK;
		return env_error(errno);
	}
	st->env.file_bytes = want;
	return E_OK;
}

/* By a step, or, where the disk has no room for that, by what is needed now. */
static int grow(struct store *st, uint64_t need, uint64_t batch_bytes)
{
	uint64_t want = st->env.file_bytes + grow_step(st, batch_bytes);
	int rc;

	if (want <= need)
		return grow_to(st, need);
	rc = grow_to(st, want);
	return rc == E_OK ? E_OK : grow_to(st, need);
}

int env_make_room(struct store *st, uint64_t bytes, bool *map_full)
{
	uint64_t used = env_used_bytes(st), reserve = RESERVE_BYTES, need;
	int rc = E_OK;

	if (reserve > st->map_bytes / 8)
		reserve = st->map_bytes / 8;
	need = bytes + 64 * st->env.page_bytes;
	if (used + need + reserve <= st->env.file_bytes)
		return E_OK;
	if (used + need + reserve <= st->map_bytes) {
		rc = grow(st, used + need + reserve, bytes);
		if (rc == E_OK)
			return E_OK;
	}
	/* The end cannot move: what was deleted has to do, and half of it, as runs
	 * of pages for one record are not found everywhere. */
	if (used + reserve / 2 <= st->env.file_bytes && free_bytes(st) / 2 >= need)
		return E_OK;
	*map_full = rc == E_OK;
	return rc != E_OK ? rc : E_NOSPACE;
}

void env_release_pages(struct store *st)
{
	uint64_t used = env_used_bytes(st);

	/* A shared, read-only map of a file: what is needed is read again. */
	if (st->env.map != NULL && used > 0)
		(void)madvise(st->env.map, (size_t)used, MADV_DONTNEED);
}
