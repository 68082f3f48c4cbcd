/* Where an event comes from in a cluster: what the Downward API told this pod, and
 * the container of a client on a Unix socket.
 *
 * Files and variables are read with the settings; /proc/PID/cgroup with each
 * event, 4 KiB of it. The kernel writes it: nothing of a client is read.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "config/expand.h"
#include "process/judge.h"

#define PODINFO_MAX 4096u
#define CGROUP_MAX  4096u
#define ID_DIGITS   (CONTAINER_ID_BYTES - 1)

static struct str from_file(struct judge *j, const char *podinfo, const char *name)
{
	struct buf text = BUF_INIT;
	struct str path = arena_printf(j->arena, "%s/%s", podinfo, name);
	struct str s = STR_EMPTY;

	/* Not being there, or not readable, is the common case and no mistake. */
	if (path.p != NULL && file_read_soon(path.p, PODINFO_MAX, &text, NULL) == E_OK)
		s = arena_dup(j->arena, str_trim(buf_view(&text)));
	buf_fini(&text);
	return s;
}

static struct str from_env(struct judge *j, const char *const *env, const char *variable)
{
	char prefixed[64];
	const char *v = env_get(env, str_of(variable));

	if (v == NULL || *v == '\0') {
		(void)snprintf(prefixed, sizeof prefixed, "K8S_%s", variable);
		v = env_get(env, str_of(prefixed));
	}
	if (v != NULL && *v != '\0')
		return arena_dup(j->arena, str_trim(str_of(v)));
	return STR_EMPTY;
}

void kubernetes_read(struct judge *j, const char *const *env, const char *podinfo)
{
	const struct {
		struct str *to;
		const char *variable, *file;
	} told[] = {
		{&j->pod, "POD_NAME", "name"},
		{&j->namespace, "POD_NAMESPACE", "namespace"},
		{&j->node, "NODE_NAME", "node"},
	};
	int mode = j->settings->event.kubernetes;
	const char *host = env_get(env, STR("KUBERNETES_SERVICE_HOST"));

	if (mode == KUBERNETES_NO || (mode == KUBERNETES_AUTO && (host == NULL || *host == '\0')))
		return;
	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
		*told[i].to = from_env(j, env, told[i].variable);
		if (told[i].to->n == 0)
			*told[i].to = from_file(j, podinfo, told[i].file);
	}
	j->containers = true;
}

/* The last run of exactly 64 digits: runtimes write the id in many places. */
static void find_id(struct str text, char out[CONTAINER_ID_BYTES])
{
	size_t run = 0;

	out[0] = '\0';
	for (size_t i = 0; i <= text.n; i++) {
		if (i < text.n && isxdigit((unsigned char)text.p[i])) {
			run++;
			continue;
		}
		if (run == ID_DIGITS) {
			memcpy(out, text.p + i - ID_DIGITS, ID_DIGITS);
			out[ID_DIGITS] = '\0';
		}
		run = 0;
	}
}

void container_id_of(int64_t pid, char out[CONTAINER_ID_BYTES])
{
	char path[64], text[CGROUP_MAX];
	ssize_t n;
	int fd;

	out[0] = '\0';
	if (pid <= 0) /* no Unix socket, or a process that cannot be seen from here */
		return;
	(void)snprintf(path, sizeof path, "/proc/%" PRId64 "/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof text);
	(void)close(fd);
	if (n > 0)
		find_id(str_make(text, (size_t)n), out);
}
