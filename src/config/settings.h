/* settings.h - every setting of picket, as one table.
 *
 * One row per key makes the struct field, parser, range check, default,
 * environment override, --dump-config, conf/picket.conf and the manual page
 * (docs test). A loaded struct settings never changes: a reload makes a new
 * one, and whoever still works with the old one holds a reference.
 *
 * Owns     a struct settings owns its arena and every text in it.
 * Threads  read from any thread; counted references are atomic.
 * Fails    E_INVAL with one sentence "FILE:LINE: section.key: "value" why (remedy)"
 *          E_NOTFOUND, E_DENIED, E_IO, E_TOOBIG (1 MiB) for the file itself;
 *          E_NOMEM
 */
#ifndef PICKET_CONFIG_SETTINGS_H
#define PICKET_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct str_list {
	size_t n;
	const char **v; /* NUL-terminated texts */
};

enum setting_accept { ACCEPT_ANY, ACCEPT_KNOWN };
enum setting_compression { COMPRESSION_ZSTD, COMPRESSION_GZIP, COMPRESSION_NONE };
enum setting_durability { DURABILITY_SYNC, DURABILITY_LAZY, DURABILITY_ASYNC };
enum setting_when_full { WHEN_FULL_EVICT, WHEN_FULL_REFUSE };
enum setting_order { ORDER_OLDEST, ORDER_NEWEST };
enum setting_when_limited { WHEN_LIMITED_DROP, WHEN_LIMITED_HOLD };
enum setting_sampling_mode { SAMPLING_ABSOLUTE, SAMPLING_RELATIVE };
enum setting_body_size { BODY_ALWAYS, BODY_NEVER, BODY_SMALL, BODY_MEDIUM };
enum setting_kubernetes { KUBERNETES_AUTO, KUBERNETES_YES, KUBERNETES_NO };
enum setting_default_pii { DEFAULT_PII_AS_SENT, DEFAULT_PII_NO };
enum setting_opaque {
	SETTING_OPAQUE_AUTO,
	SETTING_OPAQUE_PASS,
	SETTING_OPAQUE_DROP,
	SETTING_OPAQUE_REFUSE
};
enum setting_log_format { SETTING_LOG_AUTO, SETTING_LOG_LOGFMT, SETTING_LOG_JSON };

/* The types of values:
 *   TEXT      const char *, "" when unset       PATH   the same, a file name
 *   SECRET    TEXT that --dump-config masks      LIST   words separated by blanks, commas or lines
 *   LINES     one value per line                 BOOL   yes/no, true/false, on/off, 1/0
 *   SIZE      bytes: 512, 64K, 512M, 2G          COUNT  a whole number
 *   DURATION  milliseconds: 250ms, 5s, 1m, 1h, 7d
 *   MODE      an octal file mode                 ENUM   one of the words in settings_words()
 *   RATE      a share: 0 to 1, 0.25, 1e-8         PATTERNS one pattern per line
 *
 * SETTING(section, key, type, default, min, max, reload, help); min and max are
 * texts of the same type, "" for no bound. reload: YES takes effect on SIGHUP,
 * NO needs a restart. */
#define SETTINGS_LISTEN(SETTING)                                                                   \
	SETTING(listen, http, TEXT, "127.0.0.1:4690", "", "", NO,                                  \
		"Address and port for HTTP, or \"off\". Port 0 takes a free one.")                 \
	SETTING(listen, unix, PATH, "/run/picket/picket.sock", "", "", NO,                         \
		"Stream socket for HTTP and raw envelopes, or \"off\".")                           \
	SETTING(listen, unix_mode, MODE, "0660", "0", "0777", NO,                                  \
		"File mode of the Unix sockets.")                                                  \
	SETTING(listen, unix_group, TEXT, "", "", "", NO,                                          \
		"Group that owns the Unix sockets; empty leaves the daemon's own.")                \
	SETTING(listen, unixgram, PATH, "", "", "", NO,                                            \
		"Datagram socket: one datagram is one envelope, not answered. Empty: off.")        \
	SETTING(listen, allow_uid, LIST, "", "", "", YES,                                          \
		"User ids or names that may use the Unix sockets; empty allows whoever can open "  \
		"them.")                                                                           \
	SETTING(listen, allow_origin, LIST, "", "", "", YES,                                       \
		"Origins of browser pages that may post, or \"*\". Empty refuses every page.")     \
	SETTING(listen, allow_host, LIST, "", "", "", YES,                                         \
		"Names a Host header may have beside loopback ones, or \"*\".")                    \
	SETTING(listen, path_prefix, TEXT, "", "", "", YES,                                        \
		"Path in front of /api/ that clients' DSNs carry.")                                \
	SETTING(listen, max_connections, COUNT, "1024", "1", "1000000", YES,                       \
		"Client connections at a time.")                                                   \
	SETTING(listen, header_timeout, DURATION, "5s", "10ms", "1h", YES,                         \
		"Longest time a client may take to send a request's headers.")                     \
	SETTING(listen, body_timeout, DURATION, "30s", "10ms", "1h", YES,                          \
		"Longest pause while a client sends a body.")                                      \
	SETTING(listen, idle_timeout, DURATION, "75s", "10ms", "1d", YES,                          \
		"How long a connection without a request is kept.")

#define SETTINGS_CONTROL(SETTING)                                                                  \
	SETTING(control, unix, PATH, "/run/picket/control.sock", "", "", NO,                       \
		"Socket of the picket command (mode 0600), or \"off\".")

#define SETTINGS_UPSTREAM(SETTING)                                                                 \
	SETTING(upstream, dsn, SECRET, "", "", "", YES,                                            \
		"DSN that envelopes of every client go to (SENTRY_DSN is the default).")           \
	SETTING(upstream, url, TEXT, "", "", "", YES,                                              \
		"Sentry's base URL; the client's own key and project are kept.")                   \
	SETTING(upstream, accept, ENUM, "any", "", "", YES,                                        \
		"any: every client may use [upstream] dsn. known: only keys of a [project].")      \
	SETTING(upstream, http2, BOOL, "yes", "", "", YES,                                         \
		"Use HTTP/2 where the upstream offers it.")                                        \
	SETTING(upstream, connections, COUNT, "4", "1", "256", YES,                                \
		"Connections to one upstream host.")                                               \
	SETTING(upstream, streams, COUNT, "32", "1", "1000", YES,                                  \
		"Requests at a time on one HTTP/2 connection.")                                    \
	SETTING(upstream, compression, ENUM, "zstd", "", "", YES,                                  \
		"Encoding of request bodies; a host that refuses zstd gets gzip.")                 \
	SETTING(upstream, connect_timeout, DURATION, "5s", "10ms", "10m", YES,                     \
		"Longest time to reach the upstream.")                                             \
	SETTING(upstream, timeout, DURATION, "60s", "10ms", "1h", YES,                             \
		"Longest time for a request beside what its body takes at 64 KiB/s.")              \
	SETTING(upstream, ca_file, PATH, "", "", "", YES,                                          \
		"Certificates to trust, PEM; empty uses the system's.")                            \
	SETTING(upstream, client_cert, PATH, "", "", "", YES, "Client certificate, PEM.")          \
	SETTING(upstream, client_key, PATH, "", "", "", YES,                                       \
		"Key of the client certificate, PEM.")                                             \
	SETTING(upstream, proxy, TEXT, "", "", "", YES,                                            \
		"HTTP proxy URL; empty honours the usual environment variables, \"off\" none.")    \
	SETTING(upstream, header, LINES, "", "", "", YES,                                          \
		"Extra request headers, one \"Name: value\" a line.")                              \
	SETTING(upstream, propagate_limits, BOOL, "yes", "", "", YES,                              \
		"Tell clients about the upstream's rate limits.")

#define SETTINGS_SPOOL(SETTING)                                                                    \
	SETTING(spool, dir, PATH, "/var/lib/picket", "", "", NO, "Directory of the spool.")        \
	SETTING(spool, durability, ENUM, "sync", "", "", NO,                                       \
		"sync survives power loss; lazy may lose the last commit; async flushes each "     \
		"second.")                                                                         \
	SETTING(spool, max_size, SIZE, "512M", "1M", "1T", YES,                                    \
		"Bytes of envelopes the spool may hold.")                                          \
	SETTING(spool, max_age, DURATION, "7d", "1s", "365d", YES,                                 \
		"Envelopes older than this are dropped and counted.")                              \
	SETTING(spool, when_full, ENUM, "evict", "", "", YES,                                      \
		"evict: drop the least important first. refuse: answer 503.")                      \
	SETTING(spool, order, ENUM, "oldest", "", "", YES, "Which of a class is sent first.")      \
	SETTING(spool, when_limited, ENUM, "drop", "", "", YES,                                    \
		"What happens to rate-limited data: drop (and tell clients) or hold.")             \
	SETTING(spool, dead_letters, SIZE, "16M", "0", "1T", YES,                                  \
		"Bytes of undeliverable envelopes to keep for a look; 0 keeps none.")

#define SETTINGS_RETRY(SETTING)                                                                    \
	SETTING(retry, min, DURATION, "1s", "10ms", "1h", YES,                                     \
		"First wait before a resend, with full jitter.")                                   \
	SETTING(retry, max, DURATION, "5m", "10ms", "1d", YES, "Longest wait before a resend.")

#define SETTINGS_SAMPLING(SETTING)                                                                 \
	SETTING(sampling, errors, RATE, "1.0", "0", "1", YES, "Share of error events to keep.")    \
	SETTING(sampling, transactions, RATE, "1.0", "0", "1", YES,                                \
		"Share of traces whose transactions are kept.")                                    \
	SETTING(sampling, profiles, RATE, "1.0", "0", "1", YES,                                    \
		"Share of kept transactions that keep their profile.")                             \
	SETTING(sampling, profile_sessions, RATE, "1.0", "0", "1", YES,                            \
		"Share of continuous profiling sessions to keep.")                                 \
	SETTING(sampling, replays, RATE, "1.0", "0", "1", YES, "Share of replays to keep.")        \
	SETTING(sampling, logs, RATE, "1.0", "0", "1", YES, "Share of log entries to keep.")       \
	SETTING(sampling, metrics, RATE, "1.0", "0", "1", YES, "Share of trace metrics to keep.")  \
	SETTING(sampling, spans, RATE, "1.0", "0", "1", YES,                                       \
		"Share of traces whose standalone spans are kept.")                                \
	SETTING(sampling, mode, ENUM, "absolute", "", "", YES,                                     \
		"What trace rates are a share of: all traces, or what arrives.")                   \
	SETTING(sampling, respect_parent, BOOL, "yes", "", "", YES,                                \
		"Judge a transaction that continues a trace as the trace's head was.")             \
	SETTING(sampling, never_sample_crashes, BOOL, "yes", "", "", YES,                          \
		"Keep unhandled fatal errors and minidumps whatever the rate.")                    \
	SETTING(sampling, complete_dsc, BOOL, "no", "", "", YES,                                   \
		"Write the rate also for sampled traces that came without a trace header.")

#define SETTINGS_BATCH(SETTING)                                                                    \
	SETTING(batch, window, DURATION, "1s", "0ms", "1h", YES,                                   \
		"How long logs, metrics and spans wait for others to be sent with; 0 for not at "  \
		"all.")                                                                            \
	SETTING(batch, max_items, COUNT, "1000", "1", "100000", YES,                               \
		"Entries that end the wait, and the most of one merged item; 1 merges nothing.")   \
	SETTING(batch, max_bytes, SIZE, "1M", "1K", "64M", YES,                                    \
		"Bytes that end the wait, and the most of one merged item.")

#define SETTINGS_IGNORE(SETTING)                                                                   \
	SETTING(ignore, errors, PATTERNS, "", "", "", YES,                                         \
		"Errors to drop: a class, class:SET, ~text or /regex/i.")                          \
	SETTING(ignore, chain, BOOL, "no", "", "", YES,                                            \
		"Match classes with every exception of a chain, not only with the raised one.")    \
	SETTING(ignore, transactions, PATTERNS, "", "", "", YES,                                   \
		"Transactions to drop: a name, a glob, ~text or /regex/i.")                        \
	SETTING(ignore, loggers, LIST, "", "", "", YES,                                            \
		"Loggers whose events, breadcrumbs and logs are dropped: globs.")                  \
	SETTING(ignore, paths, PATTERNS, "", "", "", YES,                                          \
		"Transactions to drop by the path of their URL: globs or ~text.")                  \
	SETTING(ignore, status_codes, LIST, "", "", "", YES,                                       \
		"Transactions to drop by HTTP status: 404 or 300-399.")                            \
	SETTING(ignore, releases, LIST, "", "", "", YES,                                           \
		"Releases whose errors and transactions are dropped: globs.")                      \
	SETTING(ignore, deny_urls, PATTERNS, "", "", "", YES,                                      \
		"Errors to drop by the file of their last frame: text, glob or /regex/i.")         \
	SETTING(ignore, allow_urls, PATTERNS, "", "", "", YES,                                     \
		"The only files of last frames whose errors are kept, likewise.")

#define SETTINGS_EVENT(SETTING)                                                                    \
	SETTING(event, release, TEXT, "", "", "", YES,                                             \
		"Release of what has none (SENTRY_RELEASE is the default).")                       \
	SETTING(event, environment, TEXT, "", "", "", YES,                                         \
		"Environment of what has none (SENTRY_ENVIRONMENT is the default).")               \
	SETTING(event, server_name, TEXT, "", "", "", YES,                                         \
		"Server name of events that have none.")                                           \
	SETTING(event, dist, TEXT, "", "", "", YES, "Distribution of events that have none.")      \
	SETTING(event, send_default_pii, ENUM, "as-sent", "", "", YES,                             \
		"no: take out what SDKs do not collect without their option of that name.")        \
	SETTING(event, max_breadcrumbs, COUNT, "0", "0", "100000", YES,                            \
		"Newest breadcrumbs to keep of an event; 0 keeps all.")                            \
	SETTING(event, max_value_length, COUNT, "0", "0", "10000000", YES,                         \
		"Bytes of a text in an event; longer ones are cut. 0 cuts none.")                  \
	SETTING(event, max_request_body_size, ENUM, "always", "", "", YES,                         \
		"Which request bodies to keep: always, never, small (1000 bytes), medium "         \
		"(10000).")                                                                        \
	SETTING(event, max_depth, COUNT, "0", "0", "100", YES,                                     \
		"Levels of extra, breadcrumbs, request data and local variables; 0 keeps all.")    \
	SETTING(event, max_breadth, COUNT, "0", "0", "100000", YES,                                \
		"Elements of each container in these; 0 keeps all.")                               \
	SETTING(event, max_spans, COUNT, "0", "0", "1000000", YES,                                 \
		"First spans to keep of a transaction; 0 keeps all.")                              \
	SETTING(event, max_frames, COUNT, "0", "0", "1000000", YES,                                \
		"Last (innermost) frames to keep of a stack trace; 0 keeps all.")                  \
	SETTING(event, strip_locals, BOOL, "no", "", "", YES,                                      \
		"Remove the local variables of stack frames.")                                     \
	SETTING(event, strip_source, BOOL, "no", "", "", YES,                                      \
		"Remove the source lines of stack frames.")                                        \
	SETTING(event, in_app_include, LIST, "", "", "", YES,                                      \
		"Modules, or globs of files and packages, whose frames are the application's.")    \
	SETTING(event, in_app_exclude, LIST, "", "", "", YES,                                      \
		"Modules, or globs of files and packages, whose frames are not.")                  \
	SETTING(event, in_app_override, BOOL, "no", "", "", YES,                                   \
		"Judge also frames that the SDK has judged.")                                      \
	SETTING(event, kubernetes, ENUM, "auto", "", "", YES,                                      \
		"Tag events with pod, node and container: yes, no, or auto (when in a pod).")

#define SETTINGS_DEDUPE(SETTING)                                                                   \
	SETTING(dedupe, window, DURATION, "0", "0", "1d", YES,                                     \
		"Drop an error that repeats the one before it within this time; 0 drops none.")

#define SETTINGS_STORM(SETTING)                                                                    \
	SETTING(storm, per_issue, TEXT, "", "", "", YES,                                           \
		"Most events of one issue in a time, as 30/1m; the rest is folded.")

#define SETTINGS_HOOKS(SETTING)                                                                    \
	SETTING(hooks, script, PATH, "", "", "", YES, "Lua file with before_send and its like.")   \
	SETTING(hooks, time_limit, DURATION, "20ms", "1ms", "10s", YES,                            \
		"Processor time of one call.")                                                     \
	SETTING(hooks, memory_limit, SIZE, "8M", "512K", "1G", YES, "Memory of one interpreter.")

#define SETTINGS_SCRUB(SETTING)                                                                    \
	SETTING(scrub, defaults, BOOL, "yes", "", "", YES,                                         \
		"Scrub what Sentry's own default scrubbing takes out.")                            \
	SETTING(scrub, deep, BOOL, "yes", "", "", YES,                                             \
		"Scrub also where Sentry's default scrubbing leaves a gap.")                       \
	SETTING(scrub, ip_addresses, BOOL, "yes", "", "", YES, "Take out IP addresses.")           \
	SETTING(scrub, fields, LIST, "", "", "", YES, "More words that make a field sensitive.")   \
	SETTING(scrub, safe_fields, LINES, "", "", "", YES,                                        \
		"Fields that default scrubbing leaves alone, one selector a line.")                \
	SETTING(scrub, rules, PATH, "", "", "", YES,                                               \
		"File with rules of your own: Relay's PII configuration, JSON.")                   \
	SETTING(scrub, attachments, BOOL, "yes", "", "", YES,                                      \
		"Let rules that name attachments scrub them.")                                     \
	SETTING(scrub, opaque, ENUM, "auto", "", "", YES,                                          \
		"What happens to bytes that cannot be taken apart: pass, drop, refuse, or auto.")  \
	SETTING(scrub, hash_key, SECRET, "", "", "", YES,                                          \
		"Key of the hashes that rules put in place of values; empty hashes as Relay.")

#define SETTINGS_LIMITS(SETTING)                                                                   \
	SETTING(limits, memory, SIZE, "64M", "1M", "64G", YES,                                     \
		"All buffers together; beyond it clients are answered 503.")                       \
	SETTING(limits, envelope, SIZE, "200M", "1K", "2G", YES, "An envelope, decoded.")          \
	SETTING(limits, store, SIZE, "1M", "1K", "1G", YES,                                        \
		"A request to the store, security or cron endpoint, decoded.")                     \
	SETTING(limits, otlp, SIZE, "12M", "1K", "1G", YES,                                        \
		"A request to an OTLP or NEL endpoint, decoded.")                                  \
	SETTING(limits, request, SIZE, "20M", "1K", "2G", YES,                                     \
		"A request to any other path of a project, decoded.")                              \
	SETTING(limits, header, SIZE, "64K", "1K", "16M", YES, "One envelope or item header.")     \
	SETTING(limits, http_headers, SIZE, "64K", "1K", "1M", YES,                                \
		"All headers of a request together.")                                              \
	SETTING(limits, items, COUNT, "100000", "1", "10000000", YES, "Items of an envelope.")     \
	SETTING(limits, event, SIZE, "1M", "1K", "1G", YES,                                        \
		"An event, transaction, feedback or replay event.")                                \
	SETTING(limits, attachment, SIZE, "200M", "1K", "2G", YES, "One attachment.")              \
	SETTING(limits, attachments, SIZE, "200M", "1K", "2G", YES,                                \
		"All attachments of an envelope.")                                                 \
	SETTING(limits, attachment_count, COUNT, "30", "1", "10000", YES,                          \
		"Attachments of an envelope.")                                                     \
	SETTING(limits, replay, SIZE, "10M", "1K", "1G", YES, "A replay recording or video.")      \
	SETTING(limits, session, SIZE, "10M", "1K", "1G", YES, "All sessions of an envelope.")     \
	SETTING(limits, session_count, COUNT, "100", "1", "10000", YES,                            \
		"Session items of an envelope.")                                                   \
	SETTING(limits, client_report, SIZE, "100K", "1K", "1G", YES,                              \
		"All client reports of an envelope.")                                              \
	SETTING(limits, client_report_count, COUNT, "100", "1", "10000", YES,                      \
		"Client reports of an envelope.")                                                  \
	SETTING(limits, profile, SIZE, "50M", "1K", "1G", YES, "A profile or profile chunk.")      \
	SETTING(limits, check_in, SIZE, "100K", "1K", "1G", YES, "A check-in.")                    \
	SETTING(limits, statsd, SIZE, "1M", "1K", "1G", YES, "A statsd item.")                     \
	SETTING(limits, metric_buckets, SIZE, "1M", "1K", "1G", YES, "A metric_buckets item.")     \
	SETTING(limits, log, SIZE, "12M", "1K", "1G", YES, "A log container.")                     \
	SETTING(limits, trace_metric, SIZE, "12M", "1K", "1G", YES, "A trace metric container.")   \
	SETTING(limits, span, SIZE, "12M", "1K", "1G", YES, "All spans of an envelope.")           \
	SETTING(limits, span_count, COUNT, "25", "1", "10000", YES,                                \
		"Standalone span items of an envelope.")

#define SETTINGS_REPORTS(SETTING)                                                                  \
	SETTING(reports, client_reports, BOOL, "yes", "", "", YES,                                 \
		"Tell Sentry what was lost here.")                                                 \
	SETTING(reports, interval, DURATION, "30s", "100ms", "1d", YES,                            \
		"Shortest time between two reports sent on their own.")

#define SETTINGS_LOG(SETTING)                                                                      \
	SETTING(log, level, ENUM, "info", "", "", YES, "error, warn, info, debug or trace.")       \
	SETTING(log, format, ENUM, "auto", "", "", YES,                                            \
		"auto (logfmt, with journald prefixes under systemd), logfmt or json.")            \
	SETTING(log, to, PATH, "", "", "", NO, "Log file; empty or \"-\" is standard error.")

#define SETTINGS_DAEMON(SETTING)                                                                   \
	SETTING(daemon, workers, COUNT, "0", "0", "64", NO,                                        \
		"Worker threads; 0 follows the processors.")                                       \
	SETTING(daemon, shutdown_timeout, DURATION, "2s", "0ms", "10m", YES,                       \
		"How long requests in flight may take when the daemon ends.")

/* Sections in the order they are documented. */
#define SETTINGS_ALL(SETTING)                                                                      \
	SETTINGS_LISTEN(SETTING)                                                                   \
	SETTINGS_CONTROL(SETTING)                                                                  \
	SETTINGS_UPSTREAM(SETTING)                                                                 \
	SETTINGS_SPOOL(SETTING)                                                                    \
	SETTINGS_RETRY(SETTING)                                                                    \
	SETTINGS_SAMPLING(SETTING)                                                                 \
	SETTINGS_BATCH(SETTING)                                                                    \
	SETTINGS_IGNORE(SETTING)                                                                   \
	SETTINGS_EVENT(SETTING)                                                                    \
	SETTINGS_DEDUPE(SETTING)                                                                   \
	SETTINGS_STORM(SETTING)                                                                    \
	SETTINGS_HOOKS(SETTING)                                                                    \
	SETTINGS_SCRUB(SETTING)                                                                    \
	SETTINGS_LIMITS(SETTING)                                                                   \
	SETTINGS_REPORTS(SETTING)                                                                  \
	SETTINGS_LOG(SETTING)                                                                      \
	SETTINGS_DAEMON(SETTING)

/* Words of the ENUM settings, in the order of their enum.
 * SETTING_WORDS(section, key, words...) */
#define SETTINGS_WORDS(WORDS)                                                                      \
	WORDS(upstream, accept, "any", "known")                                                    \
	WORDS(upstream, compression, "zstd", "gzip", "none")                                       \
	WORDS(spool, durability, "sync", "lazy", "async")                                          \
	WORDS(spool, when_full, "evict", "refuse")                                                 \
	WORDS(spool, order, "oldest", "newest")                                                    \
	WORDS(spool, when_limited, "drop", "hold")                                                 \
	WORDS(sampling, mode, "absolute", "relative")                                              \
	WORDS(event, send_default_pii, "as-sent", "no")                                            \
	WORDS(event, max_request_body_size, "always", "never", "small", "medium")                  \
	WORDS(event, kubernetes, "auto", "yes", "no")                                              \
	WORDS(scrub, opaque, "auto", "pass", "drop", "refuse")                                     \
	WORDS(log, level, "error", "warn", "info", "debug", "trace")                               \
	WORDS(log, format, "auto", "logfmt", "json")

typedef const char *setting_TEXT;
typedef const char *setting_PATH;
typedef const char *setting_SECRET;
typedef struct str_list setting_LIST;
typedef struct str_list setting_LINES;
typedef struct str_list setting_PATTERNS;
typedef bool setting_BOOL;
typedef uint64_t setting_SIZE;
typedef uint64_t setting_COUNT;
typedef int64_t setting_DURATION;
typedef unsigned setting_MODE;
typedef double setting_RATE;
typedef int setting_ENUM;

/* [project NAME]: which client key goes where. */
struct project {
	const char *name;
	const char *key; /* the client's */
	const char *id;  /* the client's project id, "" for any */
	const char *dsn; /* upstream */
};

/* Where a line of a value stands: both from 1, columns in bytes. */
struct setting_line {
	unsigned line, column;
};

/* A value in a language of its own, with the place of each of its lines. */
struct setting_text {
	const char *text;  /* NULL: not set */
	const char *place; /* "FILE:LINE" of its key */
	const char *file;
	const struct setting_line *lines;
	size_t lines_n;
	bool is_secret; /* part of it came from a file */
};

/* [sample NAME]: a rate for what a condition says. */
struct sample_setting {
	const char *name;
	const char *place; /* "FILE:LINE" */
	struct setting_text on, when, rate, scope;
};

/* Of sections whose keys are the user's own, in the order of the files. */
struct setting_pair {
	const char *name;
	const char *value;
	const char *where; /* "FILE:LINE" */
};
struct setting_pairs {
	size_t n;
	struct setting_pair *v;
};

/* [rule NAME], in the order of the files. */
struct rule_setting {
	const char *name;
	const char *place; /* "FILE:LINE" */
	struct setting_text on, when, then;
};

struct settings {
#define SETTING_FIELD(section, key, type, def, min, max, reload, help) setting_##type key;
	struct {
		SETTINGS_LISTEN(SETTING_FIELD)
	} listen;
	struct {
		SETTINGS_CONTROL(SETTING_FIELD)
	} control;
	struct {
		SETTINGS_UPSTREAM(SETTING_FIELD)
	} upstream;
	struct {
		SETTINGS_SPOOL(SETTING_FIELD)
	} spool;
	struct {
		SETTINGS_RETRY(SETTING_FIELD)
	} retry;
	struct {
		SETTINGS_SAMPLING(SETTING_FIELD)
	} sampling;
	struct {
		SETTINGS_BATCH(SETTING_FIELD)
	} batch;
	struct {
		SETTINGS_IGNORE(SETTING_FIELD)
	} ignore;
	struct {
		SETTINGS_EVENT(SETTING_FIELD)
	} event;
	struct {
		SETTINGS_DEDUPE(SETTING_FIELD)
	} dedupe;
	struct {
		SETTINGS_STORM(SETTING_FIELD)
	} storm;
	struct {
		SETTINGS_HOOKS(SETTING_FIELD)
	} hooks;
	struct {
		SETTINGS_SCRUB(SETTING_FIELD)
	} scrub;
	struct {
		SETTINGS_LIMITS(SETTING_FIELD)
	} limits;
	struct {
		SETTINGS_REPORTS(SETTING_FIELD)
	} reports;
	struct {
		SETTINGS_LOG(SETTING_FIELD)
	} log;
	struct {
		SETTINGS_DAEMON(SETTING_FIELD)
	} daemon;
#undef SETTING_FIELD
	struct sample_setting *samples; /* in the order of the files */
	size_t sample_count;
	struct setting_pairs tags;       /* [tags]: set when absent */
	struct setting_pairs class_sets; /* [class_set]: NAME = A, B, pkg.C */
	struct project *projects;
	size_t project_count;
	struct rule_setting *rules;
	size_t rule_count;
};

/* Where settings come from. */
struct settings_source {
	const char *file;       /* NULL: /etc/picket/picket.conf and conf.d/, each optional */
	const char *const *env; /* environ; NULL: none is consulted */
	bool dev;               /* --dev: no upstream is needed */
};

/* Reads, expands and checks. On success the caller holds one reference. */
int settings_load(struct settings **ret, const struct settings_source *from, struct err *err);
/* The same for one text in memory, which error sentences call from->file. */
int settings_parse_text(struct settings **ret, struct str text, const struct settings_source *from,
	struct err *err);
struct settings *settings_ref(struct settings *s);
/* NULL is fine. */
void settings_unref(struct settings *s);

/* "FILE:LINE" or the variable where a key of the table stood; NULL when its
 * default holds. For whoever finds out later that a value cannot be. */
const char *settings_where(const struct settings *s, const char *section, const char *key);

/* What another room has made of these settings, to be found by those who hold
 * them and freed with them: once, before they are shared. */
void settings_attach(struct settings *s, void *made, void (*free_made)(void *made));
/* NULL when nothing is attached. */
const void *settings_attached(const struct settings *s);

/* "[section]\nkey = value" for every key, in table order; SECRET values are
 * masked unless secrets, and with them header values and passwords in URLs.
 * The output is itself a valid file when secrets, unless a value from outside
 * (${file:}, environment) is longer than a line of a file may be. */
void settings_dump(const struct settings *s, bool secrets, struct buf *out);

/* Appends "section.key" of each key that differs and needs a restart,
 * separated by blanks. */
void settings_changed_fixed(
	const struct settings *old, const struct settings *new, struct buf *names);

/* The table itself, for manual, sample file and tests. */
enum setting_type {
	SETTING_TEXT,
	SETTING_PATH,
	SETTING_SECRET,
	SETTING_LIST,
	SETTING_LINES,
	SETTING_PATTERNS,
	SETTING_BOOL,
	SETTING_SIZE,
	SETTING_COUNT,
	SETTING_DURATION,
	SETTING_MODE,
	SETTING_RATE,
	SETTING_ENUM
};
struct setting_info {
	const char *section, *key, *def, *min, *max, *help;
	enum setting_type type;
	bool reload;
	size_t offset;            /* of the field in struct settings */
	const char *const *words; /* ENUM only, NULL-terminated */
};
const struct setting_info *settings_table(size_t *n);

#endif
