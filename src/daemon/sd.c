#include "daemon/sd.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define FIRST_PASSED_FD 3
#define MAX_PASSED_FDS  64

void sd_init(struct sd *sd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n;

	sd->fd = -1;
	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	n = strlen(path);
	if (n >= sizeof sa.sun_path)
		return;
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0'; /* an abstract address */
	sd->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sd->fd < 0)
		return;
	if (connect(sd->fd, (const struct sockaddr *)&sa,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) != 0)
		sd_fini(sd);
}

void sd_fini(struct sd *sd)
{
	if (sd->fd >= 0)
		(void)close(sd->fd);
	sd->fd = -1;
}

static void tell(struct sd *sd, const char *message)
{
	if (sd->fd >= 0)
		(void)send(sd->fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void sd_ready(struct sd *sd, const char *status)
{
	char message[512];

	(void)snprintf(
		message, sizeof message, "READY=1\nSTATUS=%s\nMAINPID=%ld", status, (long)getpid());
	tell(sd, message);
}

void sd_reloading(struct sd *sd)
{
	char message[96];

	(void)snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)clock_mono_us());
	tell(sd, message);
}

void sd_stopping(struct sd *sd)
{
	tell(sd, "STOPPING=1");
}

void sd_watchdog(struct sd *sd)
{
	tell(sd, "WATCHDOG=1");
}

int64_t sd_watchdog_interval_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t us = 0, for_pid = 0;

	if (usec == NULL || !str_to_u64(str_of(usec), UINT64_MAX / 2, &us))
		return 0;
	if (pid != NULL &&
		(!str_to_u64(str_of(pid), INT32_MAX, &for_pid) || (pid_t)for_pid != getpid()))
		return 0;
	return us / 2000 > 0 ? (int64_t)(us / 2000) : 1;
}

bool sd_stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char name[64];

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	return strcmp(name, stream) == 0;
}

static int socket_prepare(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return err_set(err, E_IO, "LISTEN_FDS: descriptor %d was not passed in", fd);
	return E_OK;
}

int sd_sockets(sd_socket_fn *each, void *arg, struct err *err)
{
	const char *fds = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");
	struct str names = str_of(getenv("LISTEN_FDNAMES"));
	uint64_t count = 0, for_pid = 0;

	if (fds == NULL || pid == NULL)
		return E_OK;
	if (!str_to_u64(str_of(pid), INT32_MAX, &for_pid) || (pid_t)for_pid != getpid())
		return E_OK; /* meant for another process */
	if (!str_to_u64(str_of(fds), MAX_PASSED_FDS, &count))
		return err_set(err, E_INVAL, "LISTEN_FDS: \"%s\" is not a number up to %d", fds,
			MAX_PASSED_FDS);
	for (int i = 0; i < (int)count; i++) {
		char name[64] = "";
		struct str piece;
		int rc;

		if (str_cut(&names, ':', &piece))
			(void)snprintf(name, sizeof name, "%.*s", STR_ARG(str_first(piece, 63)));
		rc = socket_prepare(FIRST_PASSED_FD + i, err);
		if (rc == E_OK)
			rc = each(arg, FIRST_PASSED_FD + i, name, err);
		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}
