/* relay.h - the whole daemon but its signals: stages plugged together.
 *
 *   ingest -> intake (route, judge, pack) -> spool -> forward -> spool again
 *
 * Stages do not know each other; relay.c gives each the callbacks it needs.
 * Tests run the same relay on a scripted transport and a virtual clock.
 *
 * Owns     every stage, and what they share: budget, codecs, counters.
 * Threads  loop thread.
 * Fails    relay_open: with the stage's own code and sentence.
 */
#ifndef PICKET_DAEMON_RELAY_H
#define PICKET_DAEMON_RELAY_H

#include <uv.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "config/settings.h"
#include "envelope/codec.h"
#include "forward/forward.h"
#include "ingest/ingest.h"
#include "ops/view.h"
#include "process/process.h"
#include "spool/spool.h"

struct relay_options {
	uv_loop_t *loop;
	struct settings *settings; /* a reference is taken */
	struct log *log;
	bool dev;
	/* For tests; all zero in the daemon. */
	const struct clock *clock;
	struct transport *transport;
	void (*arm)(void *arg, int64_t due_mono_ms);
	void *arm_arg;
	uint64_t seed;
};

struct local_view; /* forward/local.h */

struct relay {
	uv_loop_t *loop;
	struct settings *settings;
	struct log *log;
	const struct clock *clock;
	bool dev;
	struct instant started;
	struct age_frame frame;
	struct budget budget;
	struct counters counters;
	struct codec_pool *codecs;
	struct spool *spool;
	struct forward *forward;
	struct ingest *ingest;
	struct judge_state *judging; /* shared by workers, has its own lock */
	struct transport *transport;
	bool owns_transport;
	struct local_view *local; /* NULL without --dev */
	struct ingest_ops ingest_ops;
	struct forward_ops forward_ops;
	uv_timer_t timer;
	uv_timer_t trim; /* gives memory back some time after the last activity */
	unsigned trims;
	void (*arm)(void *arg, int64_t due_mono_ms);
	void *arm_arg;
	bool stopping;
	unsigned closing; /* stages that have not ended yet */
	void (*closed)(void *arg);
	void *closed_arg;
};

int relay_open(struct relay **ret, const struct relay_options *o, struct err *err);
/* New settings for every stage; what needs a restart is named in the log. */
void relay_configure(struct relay *r, struct settings *settings);
/* Stops taking, commits, gives what is in flight shutdown_timeout, then calls
 * closed. After it relay_free(). */
void relay_close(struct relay *r, void (*closed)(void *arg), void *arg);
void relay_free(struct relay *r);

/* intake.c: an envelope's way from ingest to spool. */
int intake_work(
	void *arg, struct envelope *env, const struct settings *s, void **result, struct err *err);
void intake_envelope(void *arg, struct envelope *env, void *result, struct reply *to);
void intake_discard(void *arg, void *result);

/* trim.c: arg is the relay; gives memory back unless something goes on. */
void relay_trim_soon(void *arg);

/* pages.c: GET pages; view.c: the facts behind them. */
bool relay_page(void *arg, struct str path, struct str query, struct page *p);
struct relay_view;
/* Valid until relay_view_free(); never NULL but when memory is out. */
struct relay_view *relay_view_new(struct relay *r);
const struct view *relay_view(const struct relay_view *v);
void relay_view_free(struct relay_view *v);
/* Ready to take envelopes; *why_not is a sentence otherwise. */
bool relay_is_ready(const struct relay *r, const char **why_not);

#endif
