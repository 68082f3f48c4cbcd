/* How long a program takes from exec until it listens on a Unix socket.
 *
 *   bench_start RUNS SOCKET PROGRAM [ARGUMENTS]
 *
 * Starts it, tries to connect without a pause between, ends it with SIGTERM,
 * RUNS times; prints the median: "start ms=M min_ms=A max_ms=B".
 */
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define RUNS_MAX  101
#define GIVE_UP_S 60

extern char **environ;

static bool try_connect(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	check(fd >= 0 && strlen(path) < sizeof a.sun_path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
	(void)close(fd);
	return ok;
}

/* Microseconds; -1 when it never listened. */
static int64_t start_once(const char *path, char **command)
{
	const struct timespec pause = {0, 50000};
	int64_t start_us, took_us;
	pid_t pid;

	(void)unlink(path);
	start_us = clock_mono_us();
	if (posix_spawn(&pid, command[0], NULL, NULL, command, environ) != 0)
		return -1;
	do {
		took_us = clock_mono_us() - start_us;
		if (took_us > INT64_C(1000000) * GIVE_UP_S || waitpid(pid, NULL, WNOHANG) == pid)
			return -1;
		(void)nanosleep(&pause, NULL); /* leaves it a core on a small machine */
	} while (!try_connect(path));
	took_us = clock_mono_us() - start_us;
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
	return took_us;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int64_t took_us[RUNS_MAX];
	size_t runs = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;

	if (runs == 0 || runs > RUNS_MAX) {
		(void)fprintf(stderr, "usage: bench_start RUNS SOCKET PROGRAM [ARGUMENTS]\n");
		return 2;
	}
	for (size_t i = 0; i < runs; i++) {
		took_us[i] = start_once(argv[2], argv + 3);
		if (took_us[i] < 0) {
			(void)fprintf(stderr, "%s did not listen on %s\n", argv[3], argv[2]);
			return 1;
		}
	}
	qsort(took_us, runs, sizeof took_us[0], by_value);
	(void)printf("start ms=%.2f min_ms=%.2f max_ms=%.2f\n", (double)took_us[runs / 2] / 1e3,
		(double)took_us[0] / 1e3, (double)took_us[runs - 1] / 1e3);
	return 0;
}
