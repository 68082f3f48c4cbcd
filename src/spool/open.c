/* Opening and closing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/inner.h"

#define MiB (UINT64_C(1) << 20)
/* The loop's clock does not count suspend, and may not be the spool's at all:
 * the timer looks again after so long. */
#define TIMER_MAX_MS INT64_C(600000)
#define TIMER_MIN_MS INT64_C(1000)

/* --- the directory ---------------------------------------------------------------- */

static int names_init(struct store *st, const char *dir)
{
	size_t n = strlen(dir) + sizeof "/" STORE_FILE ".new";

	st->dir = strdup(dir);
	st->path = malloc(n);
	st->fresh_path = malloc(n);
	if (st->dir == NULL || st->path == NULL || st->fresh_path == NULL)
		return E_NOMEM;
	(void)snprintf(st->path, n, "%s/" STORE_FILE, dir);
	(void)snprintf(st->fresh_path, n, "%s/" STORE_FILE ".new", dir);
	return E_OK;
}

static int dir_error(struct err *err, const char *what, const char *path)
{
	int rc = err_from_errno(errno);

	return err_set(err, rc, "%s %s: %s", what, path, strerror(errno));
}

static int lock_held(struct store *st, struct err *err)
{
	char pid[24] = "";
	ssize_t n = pread(st->lock_fd, pid, sizeof pid - 1, 0);

	if (n > 0)
		pid[strcspn(pid, "\n")] = '\0';
	return err_set(err, E_EXISTS, "spool %s is in use by picketd pid %s", st->dir,
		n > 0 ? pid : "unknown");
}

/* Only told to people: on a full disk the lock holds all the same. */
static void write_pid(int fd)
{
	char pid[24];
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
		return;
}

static int lock_dir(struct store *st, struct err *err)
{
	st->lock_fd = openat(st->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (st->lock_fd < 0)
		return dir_error(err, "lock in", st->dir);
	if (flock(st->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? lock_held(st, err) : dir_error(err, "lock", st->dir);
	write_pid(st->lock_fd);
	return E_OK;
}

static int open_dir(struct store *st, struct err *err)
{
	if (mkdir(st->dir, 0700) != 0 && errno != EEXIST)
		return dir_error(err, "create directory", st->dir);
	st->dir_fd = open(st->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (st->dir_fd < 0)
		return dir_error(err, "open directory", st->dir);
	return lock_dir(st, err);
}

/* --- opening ------------------------------------------------------------------------ */

static uint64_t map_bytes(const struct spool_options *o)
{
	uint64_t n = o->map_bytes;

	/* Twice, so that deleting finds pages whatever is stored. */
	if (n == 0)
		n = 2 * (o->max_bytes + o->dead_bytes) + 64 * MiB;
	return (n + MiB - 1) / MiB * MiB;
}

static struct limits limits_of(const struct spool_options *o)
{
	return (struct limits){
		.max_bytes = o->max_bytes,
		.max_age_ms = o->max_age_ms,
		.check_in_max_age_ms = o->check_in_max_age_ms,
		.refuse_when_full = o->refuse_when_full,
		.dead_bytes = o->dead_bytes,
	};
}

static int store_open(struct spool *s, const struct spool_options *o, struct err *err)
{
	struct store *st = &s->store;
	int rc;

	st->frame = (struct age_frame){clock_boot_id(), clock_now(o->clock)};
	st->durability = o->durability;
	st->map_bytes = st->map_wanted = map_bytes(o);
	st->limits = s->limits;
	st->ops_tail = &st->ops;
	st->purges_tail = &st->purges;
	buf_init(&st->lives, 0);
	st->is_lent = spool_is_lent;
	st->returned = spool_returned;
	st->lent_arg = &s->in;
	st->op_bytes = &s->in.op_bytes;
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		st->class_touched[c] = true;
	expire_reset(st);
	rc = names_init(st, o->dir);
	if (rc == E_OK)
		rc = open_dir(st, err);
	if (rc != E_OK)
		return rc;
	(void)unlink(st->fresh_path); /* of a compaction that was cut short */
	rc = env_open_or_replace(st, st->frame.start.wall_ms, err);
	if (rc != E_OK)
		return err_wrap(err, rc, "spool %s", st->dir);
	if (st->quarantined[0] != '\0')
		log_line(s->log, LOG_ERROR, "spool_damaged", log_cstr("path", st->dir),
			log_cstr("kept_as", st->quarantined));
	return E_OK;
}

static void store_fini(struct store *st)
{
	env_close(st);
	lanes_free(&st->lanes);
	buf_fini(&st->lives);
	if (st->lock_fd >= 0)
		(void)close(st->lock_fd);
	if (st->dir_fd >= 0)
		(void)close(st->dir_fd);
	free(st->dir);
	free(st->path);
	free(st->fresh_path);
}

/* Initialising a lock without attributes fails for want of memory only, and
 * then there is no daemon either. */
static int locks_init(struct spool *s)
{
	bool ok = uv_mutex_init(&s->in.mutex) == 0;

	ok = ok && uv_mutex_init(&s->store.door) == 0;
	ok = ok && uv_cond_init(&s->in.wake) == 0;
	ok = ok && uv_rwlock_init(&s->store.guard) == 0;
	return ok ? E_OK : E_NOMEM;
}

static void spool_free(struct spool *s)
{
	mirror_fini(s);
	inbox_fini(&s->in);
	store_fini(&s->store);
	uv_rwlock_destroy(&s->store.guard);
	uv_mutex_destroy(&s->store.door);
	uv_cond_destroy(&s->in.wake);
	uv_mutex_destroy(&s->in.mutex);
	free(s);
}

int spool_open(struct spool **ret, uv_loop_t *loop, const struct spool_options *o, struct err *err)
{
	struct spool *s = calloc(1, sizeof *s);
	int rc;

	if (s == NULL || locks_init(s) != E_OK) {
		free(s);
		return err_set(err, E_NOMEM, "spool: no memory");
	}
	s->loop = loop;
	s->clock = o->clock;
	s->log = o->log;
	s->counters = o->counters;
	s->lost = o->lost;
	s->lost_arg = o->lost_arg;
	s->store.dir_fd = s->store.lock_fd = -1;
	s->limits = limits_of(o);
	inbox_init(&s->in);
	s->in.now = clock_now(o->clock);
	rc = store_open(s, o, err);
	if (rc == E_OK)
		rc = mirror_load(s);
	/* The others cannot fail; the async is last, as it cannot be undone here. */
	if (rc == E_OK && uv_async_init(loop, &s->answered, writer_answered) != 0)
		rc = err_set(err, E_NOMEM, "spool: no async handle");
	if (rc != E_OK) {
		spool_free(s);
		return rc;
	}
	(void)uv_timer_init(loop, &s->timer);
	(void)uv_prepare_init(loop, &s->before_wait);
	s->answered.data = s->timer.data = s->before_wait.data = s;
	s->open_handles = 3;
	*ret = s;
	rc = writer_start(s, err);
	if (rc != E_OK) {
		*ret = NULL;
		s->closing = s->writer_ended = true;
		spool_maybe_closed(s);
	}
	return rc;
}

void spool_configure(struct spool *s, const struct spool_options *o)
{
	s->limits = limits_of(o);
	s->refused_at_bytes = 0;
	uv_mutex_lock(&s->in.mutex);
	s->in.now = clock_now(s->clock);
	s->in.limits = s->limits;
	s->in.map_bytes = map_bytes(o);
	s->in.has_limits = true;
	uv_cond_signal(&s->in.wake);
	uv_mutex_unlock(&s->in.mutex);
}

/* --- the timer: wakes the writer when something gets too old ------------------------- */

static void look(uv_timer_t *t)
{
	struct spool *s = t->data;

	if (clock_now(s->clock).mono_ms >= s->shown.due_mono_ms)
		inbox_look(s);
	spool_arm(s);
}

void spool_arm(struct spool *s)
{
	int64_t now, due = s->shown.due_mono_ms, wait = TIMER_MIN_MS;

	if (s->closing)
		return;
	if (due == INT64_MAX) {
		(void)uv_timer_stop(&s->timer);
		return;
	}
	now = clock_now(s->clock).mono_ms;
	if (due > now)
		wait = due - (now > 0 ? now : 0); /* cannot overflow */
	if (wait < TIMER_MIN_MS)
		wait = TIMER_MIN_MS;
	if (wait > TIMER_MAX_MS)
		wait = TIMER_MAX_MS;
	(void)uv_timer_start(&s->timer, look, (uint64_t)wait, 0);
}

/* --- closing ----------------------------------------------------------------------------- */

static void handle_closed(uv_handle_t *h)
{
	struct spool *s = h->data;
	void (*closed)(void *arg) = s->closed;
	void *arg = s->closed_arg;

	if (--s->open_handles > 0)
		return;
	writer_cancel(s);
	spool_free(s);
	if (closed != NULL)
		closed(arg);
}

void spool_close(struct spool *s, void (*done)(void *arg), void *arg)
{
	if (s == NULL)
		return;
	s->closed = done;
	s->closed_arg = arg;
	writer_hand_over(s);
	s->closing = true;
	uv_mutex_lock(&s->in.mutex);
	s->in.now = clock_now(s->clock);
	s->in.closing = true;
	uv_cond_signal(&s->in.wake);
	uv_mutex_unlock(&s->in.mutex);
}

void spool_maybe_closed(struct spool *s)
{
	if (!s->closing || !s->writer_ended || uv_is_closing((uv_handle_t *)&s->answered))
		return;
	uv_close((uv_handle_t *)&s->answered, handle_closed);
	uv_close((uv_handle_t *)&s->timer, handle_closed);
	uv_close((uv_handle_t *)&s->before_wait, handle_closed);
}
