/* forward.h - takes records from the spool to Sentry, and tells how it went.
 *
 * Decides which record goes next (class first, fair between lanes), when
 * (backoff, outage, rate limits, hold), in what form (sent_at aged, limited
 * items out, client report attached), and what each answer means.
 *
 * Owns     requests in flight, lanes, hosts, limits. Not the transport.
 * Threads  loop thread; reading and building run as _work on the uv pool.
 * Fails    never on its own: every trouble ends in a settlement or a retry.
 */
#ifndef PICKET_FORWARD_FORWARD_H
#define PICKET_FORWARD_FORWARD_H

#include <uv.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "config/settings.h"
#include "envelope/age.h"
#include "envelope/codec.h"
#include "envelope/ratelimit.h"
#include "envelope/report.h"
#include "envelope/settlement.h"
#include "forward/transport.h"

struct forward;

/* What sending needs from others; daemon/pipeline.c plugs it. */
struct forward_ops {
	void *arg;
	/* Worker thread: calls each() for wanted records, at most max. */
	int (*scan)(void *arg, const struct record_want *want, unsigned max, record_fn *each,
		void *each_arg, struct err *err);
	/* Loop thread. */
	void (*lend)(void *arg, const struct record_ref *ref);
	void (*settle)(void *arg, const struct settlement *st);
	void (*report_take)(void *arg, uint32_t lane, struct report *r);
	void (*report_sent)(void *arg, uint32_t lane, const struct report *r);
	void (*report_return)(void *arg, uint32_t lane, const struct report *r);
	bool (*report_pending)(void *arg, uint32_t lane);
	void (*state_set)(void *arg, struct str key, struct str value);
	/* Call forward_tick() at this monotonic time, INT64_MAX for never. */
	void (*arm)(void *arg, int64_t due_mono_ms);
	/* Nothing in flight and nothing that could be sent now; may be NULL. */
	void (*idle)(void *arg);
};

struct forward_options {
	uv_loop_t *loop;
	const struct forward_ops *ops; /* borrowed, outlives forward */
	struct transport *transport;   /* borrowed */
	const struct clock *clock;
	struct codec_pool *codecs; /* borrowed */
	struct budget *budget;     /* memory of request bodies */
	struct settings *settings; /* a reference is taken */
	struct age_frame frame;
	uint64_t seed; /* of the jitter; 0: the kernel's */
	struct log *log;
	struct counters *counters;
};

int forward_new(struct forward **ret, const struct forward_options *o, struct err *err);
void forward_configure(struct forward *f, struct settings *settings);

/* A state pair that an earlier run stored with state_set (rate limits). */
void forward_restore(struct forward *f, struct str key, struct str value);

/* What a stored record adds to a request that it may share with others. */
struct batch_share {
	uint64_t items, bytes;
};

/* Records are there: at start-up per lane and class, and after each commit.
 * share: the record may wait for company ([batch]); NULL: it may not. */
void forward_stored(struct forward *f, struct str dsn, const struct record_ref *ref,
	const struct batch_share *share);
/* Something of this DSN was lost here and counted for its client report, which
 * should go upstream within [reports] interval. */
void forward_lost(struct forward *f, struct str dsn);
/* The time given to arm() has come. Also needed while closing. */
void forward_tick(struct forward *f);

/* Holding stops all sending, in flight ends as it ends. It is kept over restarts. */
void forward_hold(struct forward *f, bool hold);
bool forward_is_held(const struct forward *f);

/* Until when an active limit stops these items of this DSN; for answering
 * clients (13.4). Fills out with header text of the limits in force (nothing
 * when none) and *retry_after_s with the longest. Returns the bit set of
 * categories that are limited (RATELIMIT_ALL: all). 0 when limits are not
 * told to clients (propagate_limits = no, when_limited = hold). */
uint64_t forward_limits(
	struct forward *f, struct str dsn, struct buf *out, uint32_t *retry_after_s);

/* True when nothing is in flight. */
bool forward_is_idle(const struct forward *f);

/* Starts nothing new; done comes when all in flight has ended or been
 * cancelled after grace_ms. Then forward_free(). */
void forward_close(struct forward *f, int64_t grace_ms, void (*done)(void *arg), void *arg);
void forward_free(struct forward *f);

/* --- seeing inside --------------------------------------------------------- */

enum host_state { HOST_UP, HOST_FAILING, HOST_OUTAGE, HOST_RECOVERING };
struct forward_host_status {
	struct str host; /* base URL without credentials */
	enum host_state state;
	int64_t since_mono_ms;    /* of the state */
	int64_t next_try_mono_ms; /* 0 when nothing is waited for */
	unsigned in_flight;
	int last_status; /* 0 when the last attempt got no answer */
	char last_error[96];
	bool gzip_only;
};
struct forward_limit_status {
	struct str host, project;
	struct ratelimit limit; /* seconds: what is left */
};
/* index 0, 1, ... ; false past the end. */
bool forward_host(const struct forward *f, size_t index, struct forward_host_status *ret);
bool forward_limit(const struct forward *f, size_t index, struct forward_limit_status *ret);
const char *host_state_name(enum host_state s);

#endif
