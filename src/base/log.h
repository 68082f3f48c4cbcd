/* log.h - one line per fact.
 *
 * A line has a level, an event name and named values; the same key stands for
 * the same thing everywhere. Payloads, keys of DSNs and text a client sent are
 * never logged. A line that repeats within a second is folded into one with a
 * count. Nobody waits for who reads the log: lines that find no room are gone,
 * and the next that does says how many (lost).
 *
 * Owns     its file descriptor when it opened one.
 * Threads  loop thread only; other threads hand their facts back in results.
 */
#ifndef PICKET_BASE_LOG_H
#define PICKET_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JOURNALD, LOG_FORMAT_JSON };

struct log_field {
	const char *key; /* NULL ends the list */
	bool is_number;
	int64_t number;
	struct str text;
};

struct log;

/* path NULL or "-": standard error. Takes nothing. */
int log_open(struct log **ret, enum log_level level, enum log_format format, const char *path,
	struct err *err);
/* Writes the pending repeat count, if any. NULL is fine. */
void log_close(struct log *l);
void log_set(struct log *l, enum log_level level, enum log_format format);
bool log_wants(const struct log *l, enum log_level level);
/* Writes out a pending repeat count that is older than a second; called by a
 * timer that runs anyway. */
void log_flush(struct log *l);

/* A NULL log swallows everything, so modules work without one in tests. */
void log_write(struct log *l, enum log_level level, const char *ev, const struct log_field *fields);

static inline struct log_field log_str(const char *key, struct str s)
{
	return (struct log_field){key, false, 0, s};
}

static inline struct log_field log_cstr(const char *key, const char *s)
{
	return (struct log_field){key, false, 0, str_of(s)};
}

static inline struct log_field log_int(const char *key, int64_t v)
{
	return (struct log_field){key, true, v, STR_EMPTY};
}

/* log_line(l, LOG_INFO, "listening", log_cstr("on", "unix")); */
#define log_line(l, level, ev, ...)                                                                \
	do {                                                                                       \
		if (log_wants((l), (level)))                                                       \
			log_write((l), (level), (ev),                                              \
				(const struct log_field[]){                                        \
					__VA_ARGS__, {NULL, false, 0, {NULL, 0}}});                \
	} while (0)

#endif
