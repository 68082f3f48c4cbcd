#include "daemon/listeners.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sockets.h"
#include "daemon/sd.h"

#define CONTROL_MODE 0600u

enum place { PLACE_HTTP, PLACE_UNIX, PLACE_UNIXGRAM, PLACE_CONTROL, PLACE_COUNT };

static const char *const place_names[PLACE_COUNT] = {"http", "unix", "unixgram", "control"};

struct opening {
	struct listeners *to;
	struct ingest *ingest;
	const struct settings *settings;
	struct log *log;
	bool taken[PLACE_COUNT];
};

static void log_listening(struct opening *o, enum place place, int fd, bool passed)
{
	char name[128];

	socket_name(fd, name, sizeof name);
	if (place == PLACE_HTTP)
		(void)snprintf(o->to->http_address, sizeof o->to->http_address, "%s", name);
	log_line(o->log, LOG_INFO, "listening", log_cstr("on", place_names[place]),
		log_cstr("addr", name), log_cstr("from", passed ? "systemd" : "settings"));
}

/* Takes fd. path: the file to remove at the end, NULL when it is not ours. */
static int place_use(
	struct opening *o, enum place place, int fd, const char *path, bool passed, struct err *err)
{
	static const enum ingest_kind kinds[] = {INGEST_HTTP, INGEST_UNIX, INGEST_UNIXGRAM};

	log_listening(o, place, fd, passed);
	o->taken[place] = true;
	if (place == PLACE_CONTROL) {
		o->to->control_fd = fd;
		o->to->control_path = path;
		return E_OK;
	}
	return ingest_listen(o->ingest, kinds[place], fd, path, err);
}

/* What each place takes: commands and datagrams must not come from the network. */
static bool fits(enum place place, enum socket_kind kind)
{
	switch (place) {
	case PLACE_HTTP:
		return kind == SOCKET_TCP || kind == SOCKET_UNIX;
	case PLACE_UNIX:
	case PLACE_CONTROL:
		return kind == SOCKET_UNIX;
	case PLACE_UNIXGRAM:
		return kind == SOCKET_UNIXGRAM;
	case PLACE_COUNT:
		break;
	}
	return false;
}

static int misfit(int fd, const char *name, struct err *err)
{
	return err_set(err, E_INVAL,
		"descriptor %d, passed as \"%s\", is not a socket of that kind (http: a listening "
		"TCP "
		"or Unix stream; unix, control: a listening Unix stream; unixgram: Unix datagrams)",
		fd, name);
}

static int on_passed(void *arg, int fd, const char *name, struct err *err)
{
	static const enum place usual[] = {[SOCKET_TCP] = PLACE_HTTP,
		[SOCKET_UNIX] = PLACE_UNIX,
		[SOCKET_UNIXGRAM] = PLACE_UNIXGRAM,
		[SOCKET_OTHER] = PLACE_COUNT};
	struct opening *o = arg;
	enum socket_kind kind = socket_kind_of(fd);
	enum place place = PLACE_COUNT;

	for (int i = 0; i < PLACE_COUNT; i++) {
		if (strcmp(name, place_names[i]) == 0)
			place = (enum place)i;
	}
	if (place == PLACE_COUNT)
		place = usual[kind];
	if (!fits(place, kind)) {
		(void)misfit(fd, name, err);
		(void)close(fd);
		return E_INVAL;
	}
	if (place == PLACE_CONTROL && o->taken[place]) {
		(void)close(fd);
		return err_set(err, E_INVAL, "systemd passed two sockets named control");
	}
	return place_use(o, place, fd, NULL, true, err);
}

static bool is_off(const char *value)
{
	return value[0] == '\0' || strcmp(value, "off") == 0;
}

static int place_make(struct opening *o, enum place place, const char *where, int type,
	unsigned mode, struct err *err)
{
	const struct settings *s = o->settings;
	int fd = -1;
	int rc;

	if (o->taken[place] || is_off(where))
		return E_OK;
	if (place == PLACE_HTTP)
		rc = socket_listen_tcp(where, &fd, err);
	else
		rc = socket_listen_unix(where, type, mode,
			place == PLACE_CONTROL ? "" : s->listen.unix_group, &fd, err);
	if (rc != E_OK)
		return err_wrap(err, rc, "%s.%s", place == PLACE_CONTROL ? "control" : "listen",
			place == PLACE_CONTROL ? "unix" : place_names[place]);
	return place_use(o, place, fd, place == PLACE_HTTP ? NULL : where, false, err);
}

int listeners_open(struct listeners *l, struct ingest *in, const struct settings *s,
	struct log *log, struct err *err)
{
	struct opening o = {.to = l, .ingest = in, .settings = s, .log = log};
	unsigned mode = s->listen.unix_mode;
	int rc;

	l->control_fd = -1;
	l->control_path = NULL;
	l->http_address[0] = '\0';
	rc = sd_sockets(on_passed, &o, err);
	if (rc == E_OK)
		rc = place_make(&o, PLACE_UNIX, s->listen.unix, SOCK_STREAM, mode, err);
	if (rc == E_OK)
		rc = place_make(&o, PLACE_UNIXGRAM, s->listen.unixgram, SOCK_DGRAM, mode, err);
	if (rc == E_OK)
		rc = place_make(&o, PLACE_HTTP, s->listen.http, SOCK_STREAM, mode, err);
	if (rc == E_OK)
		rc = place_make(&o, PLACE_CONTROL, s->control.unix, SOCK_STREAM, CONTROL_MODE, err);
	return rc;
}
