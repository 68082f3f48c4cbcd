#include "flow/flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/timefmt.h"

static char last_answer[16384];

const char *client_answer(void)
{
	return last_answer;
}

/* The same name always has the same id. */
static void name_id(const char *name, char out[33])
{
	uint64_t a = 1469598103934665603u, b = 88172645463325252u;

	for (const char *p = name; *p != '\0'; p++) {
		a = (a ^ (unsigned char)*p) * 1099511628211u;
		b = (b + (unsigned char)*p) * 6364136223846793005u + 1;
	}
	(void)snprintf(out, 33, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
}

static void item(struct buf *out, const char *type, const char *more, const char *payload)
{
	buf_printf(out, "{\"type\":\"%s\"%s,\"length\":%zu}\n%s\n", type, more, strlen(payload),
		payload);
}

static void envelope_of(struct stage *st, const char *kind, const char *name, struct buf *out)
{
	char id[33], sent_at[RFC3339_BYTES], payload[512];

	name_id(name, id);
	rfc3339_format(st->now.wall_ms * 1000, sent_at);
	(void)snprintf(payload, sizeof payload,
		"{\"event_id\":\"%s\",\"flow_name\":\"%s\",\"spans\":[{},{}]}", id, name);
	if (strcmp(kind, "error") == 0 || strcmp(kind, "transaction") == 0) {
		buf_printf(out, "{\"event_id\":\"%s\",\"sent_at\":\"%s\"}\n", id, sent_at);
		item(out, kind[0] == 'e' ? "event" : "transaction", "", payload);
	} else if (strcmp(kind, "log") == 0) {
		buf_printf(out, "{\"sent_at\":\"%s\"}\n", sent_at);
		(void)snprintf(
			payload, sizeof payload, "{\"items\":[{\"flow_name\":\"%s\"}]}", name);
		item(out, "log",
			",\"item_count\":1,\"content_type\":\"application/"
			"vnd.sentry.items.log+json\"",
			payload);
	} else if (strcmp(kind, "session") == 0 || strcmp(kind, "check_in") == 0) {
		buf_printf(out, "{\"sent_at\":\"%s\"}\n", sent_at);
		item(out, kind, "", payload);
	} else if (strcmp(kind, "error+attachment") == 0) {
		buf_printf(out, "{\"event_id\":\"%s\",\"sent_at\":\"%s\"}\n", id, sent_at);
		item(out, "event", "", payload);
		(void)snprintf(payload, sizeof payload, "{\"flow_name\":\"%s-file\"}", name);
		item(out, "attachment", ",\"filename\":\"f\"", payload);
	} else {
		(void)fprintf(stderr, "flow: no such kind of envelope: %s\n", kind);
		exit(2);
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 && strlen(path) < sizeof sa.sun_path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	check(connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0);
	return fd;
}

static void send_all(struct stage *st, int fd, const struct buf *b)
{
	size_t at = 0;

	while (at < b->n) {
		ssize_t n = send(fd, b->p + at, b->n - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else
			(void)uv_run(&st->loop, UV_RUN_NOWAIT);
	}
}

/* Runs the loop until the daemon has answered and closed. */
static int read_answer(struct stage *st, int fd)
{
	size_t at = 0;
	int status = 0;

	for (;;) {
		ssize_t n = recv(fd, last_answer + at, sizeof last_answer - 1 - at, MSG_DONTWAIT);

		if (n == 0)
			break;
		if (n > 0)
			at += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			break;
		else
			(void)uv_run(&st->loop, UV_RUN_NOWAIT);
	}
	last_answer[at] = '\0';
	(void)sscanf(last_answer, "HTTP/1.1 %d", &status);
	return status;
}

int client_post(struct stage *st, const char *kind, const char *name)
{
	struct buf body = BUF_INIT, request = BUF_INIT;
	int fd, status;

	envelope_of(st, kind, name, &body);
	buf_printf(&request,
		"POST /api/42/envelope/?sentry_key=0123456789abcdef0123456789abcdef HTTP/1.1\r\n"
		"Host: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
		body.n);
	buf_str(&request, buf_view(&body));
	check(buf_ok(&request));
	fd = connect_to(st->socket_path);
	send_all(st, fd, &request);
	status = read_answer(st, fd);
	(void)close(fd);
	buf_fini(&body);
	buf_fini(&request);
	return status;
}
