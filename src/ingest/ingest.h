/* ingest.h - from bytes on a socket to an envelope in memory.
 *
 * Accepts HTTP/1.1 on TCP and Unix sockets, raw envelopes on Unix sockets and
 * datagrams; checks who may send; decodes, frames and measures; then hands the
 * envelope on and sends the answer it is told. What may be read is bounded at
 * each step by settings and by the memory budget.
 *
 * The process must ignore SIGPIPE: clients go when they like.
 *
 * Owns     listening sockets, connections, and requests until handed on.
 * Threads  loop thread; decoding and framing of all but small plain bodies
 *          run as _work on the uv pool.
 * Fails    towards the client only, as protocol.md 5 tells.
 */
#ifndef PICKET_INGEST_INGEST_H
#define PICKET_INGEST_INGEST_H

#include <sys/socket.h>
#include <uv.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "config/settings.h"
#include "envelope/envelope.h"

struct ingest;

/* One answer that is owed. Exactly one reply_ call per reply, on the loop
 * thread; it is gone after that. The connection may be closed meanwhile. */
struct reply;

/* The endpoint's success, with the id where it has one ({} when NULL). limits:
 * text of X-Sentry-Rate-Limits, or empty (P-028, P-029, P-101). */
void reply_accepted(struct reply *r, const struct event_id *id, struct str limits);
/* status 4xx or 5xx with {"detail": detail} and X-Sentry-Error; retry_after_s 0
 * leaves Retry-After out (P-031, P-034, P-100). 429 becomes the success of an
 * endpoint whose clients would retry for ever (P-102): count what was dropped. */
void reply_refused(
	struct reply *r, int status, const char *detail, uint32_t retry_after_s, struct str limits);
/* The status that an error code stands for towards a client (5.3). */
int reply_status(int rc);

/* A page of the daemon's own: GET and HEAD only. */
struct page {
	int status;
	const char *content_type;
	struct buf body;
	unsigned feed; /* 0, or the feed whose bytes go on after body until the client leaves */
};

struct ingest_ops {
	void *arg;
	/* Worker thread (or loop, for small bodies): what can be done with a framed
	 * envelope alone. Must be pure. Its result goes to envelope(); a code other
	 * than E_OK is answered as reply_status() tells and envelope() is not called.
	 * May be NULL. */
	int (*work)(void *arg, struct envelope *env, const struct settings *s, void **result,
		struct err *err);
	/* Takes env and result; answers through to, now or later. */
	void (*envelope)(void *arg, struct envelope *env, void *result, struct reply *to);
	/* Frees a result whose envelope was never handed over. */
	void (*discard)(void *arg, void *result);
	/* True when the other end of this TCP connection is this process, as it is
	 * when upstream leads back here. May be NULL. */
	bool (*is_own)(void *arg, int fd);
	/* False: no such page. Fills p; body is an initialised empty buf. */
	bool (*page)(void *arg, struct str path, struct str query, struct page *p);
};

enum ingest_kind { INGEST_HTTP, INGEST_UNIX, INGEST_UNIXGRAM };

struct ingest_options {
	uv_loop_t *loop;
	const struct ingest_ops *ops; /* borrowed, outlives ingest */
	struct settings *settings;    /* a reference is taken */
	struct budget *budget;
	const struct clock *clock;
	struct log *log;
	struct counters *counters;
	size_t inline_bytes; /* plain bodies up to this are handled on the loop; 0: 4 KiB */
	bool dev;            /* POST /stream takes envelopes too, as Spotlight's does */
};

int ingest_new(struct ingest **ret, const struct ingest_options *o, struct err *err);
void ingest_configure(struct ingest *in, struct settings *settings);

/* Adds a listening socket (base/sockets.h, or one passed in by systemd); takes
 * the descriptor. unlink_path: file to remove on close, NULL for none. */
int ingest_listen(
	struct ingest *in, enum ingest_kind kind, int fd, const char *unlink_path, struct err *err);

/* Clients that read this feed (struct page), 0 for any. At most FEED_READERS_MAX of all feeds;
 * whoever else asks is answered 503. */
#define FEED_READERS_MAX 8u
unsigned ingest_feed_readers(const struct ingest *in, unsigned feed);
/* Sends bytes to each of them. One that has not read FEED_BEHIND_MAX bytes of what came
 * before is dropped: it must not cost memory. */
#define FEED_BEHIND_MAX ((size_t)1024 * 1024)
void ingest_feed(struct ingest *in, unsigned feed, struct str bytes);

/* Gives back memory that is kept for the next requests. For when none come. */
void ingest_trim(struct ingest *in);

/* Open client connections that have a request under way. */
size_t ingest_busy(const struct ingest *in);

/* Stops listening and reading; requests whose answer is owed get it, then all
 * closes. done comes once; then ingest_free(). grace_ms bounds the wait. */
void ingest_close(struct ingest *in, int64_t grace_ms, void (*done)(void *arg), void *arg);
void ingest_free(struct ingest *in);

#endif
