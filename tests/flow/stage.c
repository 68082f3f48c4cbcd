#include "flow/flow.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/sockets.h"

#define START_WALL_MS INT64_C(1795000000000)
#define START_MONO_MS INT64_C(5000000)
#define SEED          42

static struct instant virtual_now(void *arg)
{
	struct stage *st = arg;

	return st->now;
}

static void on_arm(void *arg, int64_t due_mono_ms)
{
	struct stage *st = arg;

	st->due_mono_ms = due_mono_ms;
}

int stage_open(struct stage *st, struct err *err)
{
	const char *base = getenv("TMPDIR");

	memset(st, 0, sizeof *st);
	(void)snprintf(st->dir, sizeof st->dir, "%s/picket-flow-XXXXXX",
		base != NULL && base[0] != '\0' ? base : "/tmp");
	if (mkdtemp(st->dir) == NULL)
		return err_set(err, E_IO, "cannot make a directory for the flow");
	check(uv_loop_init(&st->loop) == 0);
	st->now = (struct instant){START_MONO_MS, START_WALL_MS};
	st->clock = (struct clock){virtual_now, st};
	st->due_mono_ms = INT64_MAX;
	upstream_init(&st->upstream, &st->loop, &st->clock);
	(void)snprintf(st->settings_text, sizeof st->settings_text, "%s", "");
	return E_OK;
}

static int load_settings(struct stage *st, struct err *err)
{
	char path[320];
	struct settings_source from = {path, NULL, false};
	FILE *f;
	int rc;

	(void)snprintf(path, sizeof path, "%s/picket.conf", st->dir);
	f = fopen(path, "w");
	check(f != NULL);
	(void)snprintf(st->socket_path, sizeof st->socket_path, "%s/s%u", st->dir, st->life);
	check(fprintf(f,
		      "[listen]\nhttp = off\nunix = %s\n[control]\nunix = off\n"
		      "[upstream]\n%s\n[spool]\ndir = %s/spool%u\n"
		      "[scrub]\ndefaults = no\ndeep = no\nip_addresses = no\n"
		      "[daemon]\nshutdown_timeout = 0ms\n%s",
		      st->socket_path,
		      strstr(st->settings_text, "[project") != NULL
			      ? ""
			      : "dsn = https://fedcba9876543210fedcba9876543210@sentry.test/7",
		      st->dir, st->life, st->settings_text) > 0);
	check(fclose(f) == 0);
	settings_unref(st->settings);
	st->settings = NULL;
	rc = settings_load(&st->settings, &from, err);
	return rc == E_OK ? judge_attach(st->settings, NULL, err) : rc;
}

int stage_start(struct stage *st, struct err *err)
{
	struct relay_options o = {
		.loop = &st->loop,
		.clock = &st->clock,
		.transport = &st->upstream.transport,
		.arm = on_arm,
		.arm_arg = st,
		.seed = SEED,
	};
	int fd = -1;
	int rc = load_settings(st, err);

	if (rc != E_OK)
		return rc;
	st->due_mono_ms = INT64_MAX;
	o.settings = st->settings;
	rc = relay_open(&st->relay, &o, err);
	if (rc == E_OK)
		rc = socket_listen_unix(st->socket_path, SOCK_STREAM, 0600, "", &fd, err);
	if (rc == E_OK)
		rc = ingest_listen(st->relay->ingest, INGEST_UNIX, fd, st->socket_path, err);
	if (rc == E_OK)
		stage_settle(st);
	return rc;
}

static void on_closed(void *arg)
{
	bool *closed = arg;

	*closed = true;
}

static void relay_end(struct stage *st, struct relay *r)
{
	bool closed = false;

	relay_close(r, on_closed, &closed);
	while (!closed) {
		(void)uv_run(&st->loop, UV_RUN_NOWAIT);
		if (!closed && st->due_mono_ms <= st->now.mono_ms && r->forward != NULL) {
			st->due_mono_ms = INT64_MAX;
			forward_tick(r->forward);
		}
	}
	relay_free(r);
}

void stage_stop(struct stage *st)
{
	stage_settle(st);
	if (st->relay != NULL)
		relay_end(st, st->relay);
	st->relay = NULL;
}

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	check(in >= 0 && out >= 0);
	while ((n = read(in, block, sizeof block)) > 0)
		check(write(out, block, (size_t)n) == n);
	check(n == 0 && close(in) == 0 && close(out) == 0);
}

static void copy_directory(const char *from, const char *to)
{
	DIR *d = opendir(from);
	struct dirent *entry;

	check(d != NULL && mkdir(to, 0700) == 0);
	while ((entry = readdir(d)) != NULL) {
		char a[768], b[768];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(a, sizeof a, "%s/%s", from, entry->d_name);
		(void)snprintf(b, sizeof b, "%s/%s", to, entry->d_name);
		copy_file(a, b);
	}
	(void)closedir(d);
}

/* The next life goes on from the files as they are now; what the old relay
 * does while it is swept up happens in a directory nobody looks at again. */
int stage_kill(struct stage *st, struct err *err)
{
	char from[320], to[320];
	struct relay *old = st->relay;
	enum upstream_mode mode = st->upstream.mode;

	(void)err;
	stage_settle(st);
	(void)snprintf(from, sizeof from, "%s/spool%u", st->dir, st->life);
	(void)snprintf(to, sizeof to, "%s/spool%u", st->dir, st->life + 1);
	copy_directory(from, to);
	st->upstream.mode = UPSTREAM_HANGS; /* its last requests are never heard */
	if (old != NULL)
		relay_end(st, old);
	st->relay = NULL;
	st->upstream.mode = mode;
	st->life++;
	return E_OK;
}

static bool is_quiet(const struct stage *st)
{
	return st->loop.active_reqs.count == 0 && spool_is_idle(st->relay->spool) &&
	       st->upstream.answers_due == 0;
}

/* One turn of the loop; waits a moment for threads when nothing is ready. */
static void turn(struct stage *st, bool wait)
{
	struct pollfd loop = {.fd = uv_backend_fd(&st->loop), .events = POLLIN};

	if (wait)
		(void)poll(&loop, 1, 1);
	(void)uv_run(&st->loop, UV_RUN_NOWAIT);
}

/* Quiet must hold over several turns: one callback may start the next work. */
void stage_settle(struct stage *st)
{
	unsigned quiet_turns = 0;

	while (st->relay != NULL && quiet_turns < 5) {
		turn(st, quiet_turns == 0);
		if (st->due_mono_ms <= st->now.mono_ms) {
			st->due_mono_ms = INT64_MAX;
			forward_tick(st->relay->forward);
			quiet_turns = 0;
		} else {
			quiet_turns = is_quiet(st) ? quiet_turns + 1 : 0;
		}
	}
}

void stage_wait(struct stage *st, int64_t ms)
{
	int64_t until = st->now.mono_ms + ms;

	for (;;) {
		int64_t next, step;

		stage_settle(st);
		next = st->due_mono_ms < until ? st->due_mono_ms : until;
		if (upstream_next_ms(&st->upstream) < next)
			next = upstream_next_ms(&st->upstream);
		step = next - st->now.mono_ms;
		if (step > 0) {
			st->now.mono_ms += step;
			st->now.wall_ms += step;
		}
		upstream_time_passed(&st->upstream);
		if (st->now.mono_ms >= until && st->due_mono_ms > until)
			break;
	}
	stage_settle(st);
}

static void remove_tree(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		char path[768];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		if (unlink(path) != 0)
			remove_tree(path);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir);
}

void stage_close(struct stage *st)
{
	if (st->relay != NULL)
		stage_stop(st);
	(void)uv_run(&st->loop, UV_RUN_DEFAULT);
	check(uv_loop_close(&st->loop) == 0);
	upstream_fini(&st->upstream);
	settings_unref(st->settings);
	remove_tree(st->dir);
}
