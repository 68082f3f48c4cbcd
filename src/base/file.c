#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 16384u
#define SOON_MS    1000

/* Waits for something to read, or for the end. Regular files have one or the other. */
static int await(int fd, const char *path, struct err *err)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, SOON_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(err, E_TIMEOUT,
			"%s: nothing came within a second (a pipe that nobody writes to?)", path);
	return n > 0 ? E_OK : err_set(err, err_from_errno(errno), "%s: %s", path, strerror(errno));
}

static int read_all(
	int fd, const char *path, size_t max_bytes, bool soon, struct buf *out, struct err *err)
{
	size_t total = 0;

	for (;;) {
		char *p = buf_reserve(out, READ_BYTES);
		int rc = soon ? await(fd, path, err) : E_OK;
		ssize_t n;

		if (p == NULL)
			return err_set(err, E_NOMEM, "%s: no memory to read it", path);
		if (rc != E_OK)
			return rc;
		n = read(fd, p, READ_BYTES);
		if (n < 0 && (errno == EINTR || (soon && errno == EAGAIN)))
			continue;
		if (n < 0)
			return err_set(err, err_from_errno(errno), "%s: %s", path, strerror(errno));
		if (n == 0)
			return E_OK;
		total += (size_t)n;
		if (total > max_bytes)
			return err_set(err, E_TOOBIG, "%s: is larger than %zu KiB", path,
				max_bytes / 1024);
		buf_grew(out, (size_t)n);
	}
}

static int open_and_read(
	const char *path, size_t max_bytes, bool soon, struct buf *out, struct err *err)
{
	struct stat st;
	/* Opening a pipe waits for its writer, too. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | (soon ? O_NONBLOCK | O_NOCTTY : 0));
	int rc;

	if (fd < 0)
		return err_set(err, err_from_errno(errno), "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		rc = err_set(err, E_IO, "%s: is a directory", path);
	else
		rc = read_all(fd, path, max_bytes, soon, out, err);
	(void)close(fd);
	return rc;
}

int file_read(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
	return open_and_read(path, max_bytes, false, out, err);
}

int file_read_soon(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
	return open_and_read(path, max_bytes, true, out, err);
}
