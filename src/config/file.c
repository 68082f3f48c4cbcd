#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 16384u

static int read_all(int fd, const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
	size_t total = 0;

	for (;;) {
		char *p = buf_reserve(out, READ_BYTES);
		ssize_t n;

		if (p == NULL)
			return err_set(err, E_NOMEM, "%s: no memory to read it", path);
		do
			n = read(fd, p, READ_BYTES);
		while (n < 0 && errno == EINTR);
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

int file_read(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_set(err, err_from_errno(errno), "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		rc = err_set(err, E_IO, "%s: is a directory", path);
	else
		rc = read_all(fd, path, max_bytes, out, err);
	(void)close(fd);
	return rc;
}
