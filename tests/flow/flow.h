/* flow.h - a whole daemon, a scripted upstream and a clock that is told.
 *
 * A stage runs struct relay with a transport of its own and a virtual clock.
 * Nothing here waits for real time: stage_settle() runs the loop until every
 * thread has handed its work back, stage_wait() moves the clock from one due
 * time to the next.
 *
 * Owns     the relay, its spool directory, everything the upstream got.
 * Threads  one, the loop thread.
 */
#ifndef PICKET_TESTS_FLOW_FLOW_H
#define PICKET_TESTS_FLOW_FLOW_H

#include <uv.h>

#include "daemon/relay.h"

#define FLOW_NAME_BYTES 32
#define FLOW_MAX_GOT    65536

/* --- upstream: a transport that does as the script says --------------------- */

enum upstream_mode { UPSTREAM_ANSWERS, UPSTREAM_DOWN, UPSTREAM_HANGS };

struct got {
	char name[FLOW_NAME_BYTES]; /* what the client called it */
	int status;                 /* what was answered */
	int64_t wall_ms;            /* virtual */
	int64_t sent_at_us;
	char project[24];
};

struct upstream {
	struct transport transport; /* first: what forward sees */
	uv_loop_t *loop;
	const struct clock *clock;
	enum upstream_mode mode;
	int status;
	char rate_limits[256];
	char retry_after[64];
	char down_host[64]; /* only this host is down; "" for all */
	struct got *got;
	size_t got_count;
	size_t requests; /* data and probes */
	size_t probes;
	size_t reports;          /* client_report items */
	int64_t last_request_ms; /* monotonic, virtual */
	struct pending *pending; /* asked, not answered yet */
	unsigned answers_due;    /* will come without time passing */
	bool bad;                /* something came that was no legal envelope */
};

void upstream_init(struct upstream *u, uv_loop_t *loop, const struct clock *clock);
void upstream_fini(struct upstream *u);
/* A hanging upstream lets go: what waits is answered by the mode in force. */
void upstream_release(struct upstream *u);
/* When the next request that hangs runs into its timeout; INT64_MAX: none. */
int64_t upstream_next_ms(const struct upstream *u);
/* Times out what has waited too long. */
void upstream_time_passed(struct upstream *u);
size_t upstream_count(const struct upstream *u, const char *name);

/* --- client ------------------------------------------------------------------ */

/* Posts one envelope over the stage's socket; returns the HTTP status. */
struct stage;
int client_post(struct stage *st, const char *kind, const char *name);
/* Header lines of the last answer. */
const char *client_answer(void);

/* --- stage ------------------------------------------------------------------- */

struct stage {
	uv_loop_t loop;
	char dir[256];
	unsigned life; /* one more each start after a kill */
	struct instant now;
	struct clock clock;
	int64_t due_mono_ms;
	struct upstream upstream;
	struct relay *relay; /* NULL while stopped */
	struct settings *settings;
	char settings_text[4096];
	char socket_path[320];
};

int stage_open(struct stage *st, struct err *err);
void stage_close(struct stage *st);
int stage_start(struct stage *st, struct err *err);
void stage_stop(struct stage *st);
/* As kill -9: what is on disk stays, what is in memory goes. */
int stage_kill(struct stage *st, struct err *err);
void stage_settle(struct stage *st);
void stage_wait(struct stage *st, int64_t ms);

#endif
