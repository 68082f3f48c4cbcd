#include "base/sockets.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

#define BACKLOG 1024

static int fail(struct err *err, const char *what, const char *where)
{
	int errnum = errno;

	return err_set(
		err, err_from_errno(errnum), "cannot %s %s: %s", what, where, strerror(errnum));
}

static int unix_address(const char *path, struct sockaddr_un *sa, struct err *err)
{
	size_t n = strlen(path);

	memset(sa, 0, sizeof *sa);
	sa->sun_family = AF_UNIX;
	if (n == 0 || n >= sizeof sa->sun_path)
		return err_set(err, E_INVAL, "socket path \"%s\" must have 1 to %zu bytes", path,
			sizeof sa->sun_path - 1);
	memcpy(sa->sun_path, path, n + 1);
	return E_OK;
}

/* Removes the file at path if it is a socket on which nobody listens. */
static int remove_stale(const struct sockaddr_un *sa, int type, struct err *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(sa->sun_path, &st) != 0)
		return errno == ENOENT ? E_OK : fail(err, "look at", sa->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, E_EXISTS, "%s exists and is not a socket", sa->sun_path);
	/* A listener whose backlog is full would make connect() wait. */
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, "make a socket for", sa->sun_path);
	rc = connect(fd, (const struct sockaddr *)sa, sizeof *sa);
	(void)close(fd);
	if (rc == 0 || errno == EAGAIN)
		return err_set(err, E_EXISTS,
			"%s is in use: another process listens there (stop it or set another path)",
			sa->sun_path);
	if (errno != ECONNREFUSED && errno != ENOENT)
		return fail(err, "probe", sa->sun_path);
	if (unlink(sa->sun_path) != 0 && errno != ENOENT)
		return fail(err, "remove the stale socket", sa->sun_path);
	return E_OK;
}

static int set_owner(const char *path, unsigned mode, const char *group, struct err *err)
{
	if (group != NULL && group[0] != '\0') {
		const struct group *g = getgrnam(group);

		if (g == NULL)
			return err_set(err, E_INVAL, "no group \"%s\" for %s", group, path);
		if (chown(path, (uid_t)-1, g->gr_gid) != 0)
			return fail(err, "give the group to", path);
	}
	if (chmod(path, (mode_t)mode) != 0)
		return fail(err, "set the mode of", path);
	return E_OK;
}

/* The directory a socket goes into may be missing after a boot (/run is
 * volatile); its parent must be there. */
static void make_directory(const char *path)
{
	char dir[sizeof((struct sockaddr_un *)NULL)->sun_path];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return;
	(void)snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
	(void)mkdir(dir, 0755); /* bind tells what is wrong, if anything is */
}

int socket_listen_unix(
	const char *path, int type, unsigned mode, const char *group, int *fd, struct err *err)
{
	struct sockaddr_un sa;
	mode_t umask_before;
	int s = -1;
	int rc = unix_address(path, &sa, err);

	if (rc == E_OK)
		rc = remove_stale(&sa, type, err);
	if (rc != E_OK)
		return rc;
	s = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return fail(err, "make a socket for", path);
	make_directory(path);
	/* Closed to everybody until mode and group are set. */
	umask_before = umask(0777);
	rc = bind(s, (const struct sockaddr *)&sa, sizeof sa) == 0 ? E_OK : fail(err, "bind", path);
	(void)umask(umask_before);
	if (rc == E_OK)
		rc = set_owner(path, mode, group, err);
	if (rc == E_OK && type == SOCK_STREAM && listen(s, BACKLOG) != 0)
		rc = fail(err, "listen on", path);
	if (rc != E_OK) {
		(void)close(s);
		return rc;
	}
	*fd = s;
	return E_OK;
}

/* Splits "host:port" or "[v6]:port"; host loses its brackets. */
static int split_address(
	const char *address, char *host, size_t host_size, const char **port, struct err *err)
{
	const char *colon = strrchr(address, ':');
	size_t n;

	if (colon == NULL || colon == address || colon[1] == '\0')
		return err_set(err, E_INVAL, "\"%s\" is not HOST:PORT", address);
	n = (size_t)(colon - address);
	*port = colon + 1;
	if (address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	if (n == 0 || n >= host_size)
		return err_set(err, E_INVAL, "the host of an address must have 1 to %zu bytes",
			host_size - 1);
	memcpy(host, address, n);
	host[n] = '\0';
	return E_OK;
}

static int listen_on(const struct addrinfo *ai, const char *address, int *fd, struct err *err)
{
	int on = 1;
	int s = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (s < 0)
		return fail(err, "make a socket for", address);
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
		bind(s, ai->ai_addr, ai->ai_addrlen) != 0 || listen(s, BACKLOG) != 0) {
		int rc = fail(err, "listen on", address);

		(void)close(s);
		return rc;
	}
	*fd = s;
	return E_OK;
}

int socket_listen_tcp(const char *address, int *fd, struct err *err)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char host[256];
	const char *port = NULL;
	int rc = split_address(address, host, sizeof host, &port, err);

	if (rc != E_OK)
		return rc;
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0)
		return err_set(err, E_INVAL, "cannot resolve %s: %s", address, gai_strerror(rc));
	rc = listen_on(found, address, fd, err);
	freeaddrinfo(found);
	return rc;
}

enum socket_kind socket_kind_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa, type_size = sizeof(int), listens_size = sizeof(int);
	int type = 0, listens = 0;

	memset(&sa, 0, sizeof sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0)
		return SOCKET_OTHER;
	if (sa.ss_family == AF_UNIX && type == SOCK_DGRAM)
		return SOCKET_UNIXGRAM;
	if (type != SOCK_STREAM || !listens)
		return SOCKET_OTHER;
	return sa.ss_family == AF_UNIX                               ? SOCKET_UNIX
	       : sa.ss_family == AF_INET || sa.ss_family == AF_INET6 ? SOCKET_TCP
								     : SOCKET_OTHER;
}

void socket_name(int fd, char *out, size_t size)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	char host[64], port[16];

	(void)snprintf(out, size, "fd %d", fd);
	memset(&sa, 0, sizeof sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0)
		return;
	if (sa.ss_family == AF_UNIX) {
		const struct sockaddr_un *un = (const struct sockaddr_un *)&sa;

		(void)snprintf(out, size, "%.*s", (int)sizeof un->sun_path, un->sun_path);
		return;
	}
	if (getnameinfo((struct sockaddr *)&sa, n, host, sizeof host, port, sizeof port,
		    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		(void)snprintf(
			out, size, sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
