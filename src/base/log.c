#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/timefmt.h"

/* A whole line fits PIPE_BUF: a pipe that takes anything takes it at once. */
#define LINE_MAX_BYTES   3968u
#define REPEAT_WINDOW_MS 1000

struct log {
	enum log_level level;
	enum log_format format;
	int fd;
	bool owns_fd;
	struct buf line;
	struct buf last; /* body of the last line, without its time */
	enum log_level last_level;
	int64_t last_mono_ms;
	int64_t repeats;
	int64_t lost; /* lines that nobody took, since the last that was */
};

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};
static const int journald_priority[] = {3, 4, 6, 7, 7};

int log_open(struct log **ret, enum log_level level, enum log_format format, const char *path,
	struct err *err)
{
	struct log *l = calloc(1, sizeof *l);

	if (l == NULL)
		return err_set(err, E_NOMEM, "no memory for the log");
	l->level = level;
	l->format = format;
	l->fd = STDERR_FILENO;
	if (path != NULL && strcmp(path, "-") != 0 && path[0] != '\0') {
		l->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
		l->owns_fd = true;
		if (l->fd < 0) {
			int rc = err_set(err, err_from_errno(errno), "cannot open log file %s: %s",
				path, strerror(errno));

			free(l);
			return rc;
		}
	}
	buf_init(&l->line, LINE_MAX_BYTES * 2);
	buf_init(&l->last, LINE_MAX_BYTES * 2);
	*ret = l;
	return E_OK;
}

void log_set(struct log *l, enum log_level level, enum log_format format)
{
	l->level = level;
	l->format = format;
}

bool log_wants(const struct log *l, enum log_level level)
{
	return l != NULL && level <= l->level;
}

static bool needs_quotes(struct str s)
{
	if (s.n == 0)
		return true;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return true;
	}
	return false;
}

/* The line without time: what decides whether two lines are the same. */
static void body_format(struct log *l, struct buf *b, enum log_level level, const char *ev,
	const struct log_field *f)
{
	bool json = l->format == LOG_FORMAT_JSON;

	buf_clear(b);
	buf_printf(b, json ? "\"level\":\"%s\",\"ev\":\"%s\"" : "level=%s ev=%s",
		level_names[level], ev);
	for (; f->key != NULL; f++) {
		buf_printf(b, json ? ",\"%s\":" : " %s=", f->key);
		if (f->is_number)
			buf_printf(b, "%lld", (long long)f->number);
		else if (json || needs_quotes(f->text))
			buf_json_str(b, str_first(f->text, 1024));
		else
			buf_str(b, f->text);
	}
}

/* A log that cannot be written must not stop what it logs: neither an error of
 * write() nor a reader that rests, whose pipe would have write() wait. */
static void line_write(struct log *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLOUT};
	ssize_t n;

	if (poll(&p, 1, 0) == 0) {
		l->lost++;
		return;
	}
	do
		n = write(l->fd, l->line.p, l->line.n);
	while (n < 0 && errno == EINTR);
	l->lost = n < 0 ? l->lost + 1 : 0;
}

static void line_emit(struct log *l, enum log_level level, struct str body, int64_t repeats)
{
	bool json = l->format == LOG_FORMAT_JSON;
	char time[RFC3339_BYTES];

	buf_clear(&l->line);
	if (l->format == LOG_FORMAT_JOURNALD) {
		buf_printf(&l->line, "<%d>", journald_priority[level]);
	} else {
		rfc3339_format(clock_now(clock_system()).wall_ms * 1000, time);
		buf_printf(&l->line, json ? "{\"time\":\"%s\"," : "time=%s ", time);
	}
	buf_str(&l->line, body);
	if (repeats > 0)
		buf_printf(
			&l->line, json ? ",\"repeats\":%lld" : " repeats=%lld", (long long)repeats);
	if (l->lost > 0)
		buf_printf(&l->line, json ? ",\"lost\":%lld" : " lost=%lld", (long long)l->lost);
	buf_cstr(&l->line, json ? "}\n" : "\n");
	line_write(l);
}

static void repeats_flush(struct log *l)
{
	if (l->repeats > 0)
		line_emit(l, l->last_level, buf_view(&l->last), l->repeats);
	l->repeats = 0;
}

void log_flush(struct log *l)
{
	int64_t now_ms = clock_now(clock_system()).mono_ms;

	if (l != NULL && l->repeats > 0 && now_ms - l->last_mono_ms >= REPEAT_WINDOW_MS)
		repeats_flush(l);
}

void log_write(struct log *l, enum log_level level, const char *ev, const struct log_field *fields)
{
	struct buf body;
	int64_t now_ms;

	if (!log_wants(l, level))
		return;
	buf_init(&body, LINE_MAX_BYTES);
	body_format(l, &body, level, ev, fields);
	now_ms = clock_now(clock_system()).mono_ms;
	if (l->last.n > 0 && str_eq(buf_view(&body), buf_view(&l->last)) &&
		now_ms - l->last_mono_ms < REPEAT_WINDOW_MS) {
		l->repeats++;
		buf_fini(&body);
		return;
	}
	repeats_flush(l);
	line_emit(l, level, buf_view(&body), 0);
	buf_fini(&l->last);
	l->last = body;
	l->last_level = level;
	l->last_mono_ms = now_ms;
}

void log_close(struct log *l)
{
	if (l == NULL)
		return;
	repeats_flush(l);
	if (l->owns_fd)
		(void)close(l->fd);
	buf_fini(&l->line);
	buf_fini(&l->last);
	free(l);
}
