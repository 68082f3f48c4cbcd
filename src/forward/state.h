/* state.h - the inside of sending. For files of src/forward only.
 *
 *   forward   all of it
 *   host      one base URL: its circuit, its window, requests that are ready
 *   lane      one upstream DSN of a host: its limits, a queue per class
 *   queue     what of one lane and class is unread, and what is to be read again
 *   load      one worker job: some records of one queue become requests
 *   request   one body on its way, and the records that are settled by it
 *
 * Owns     each level owns those below it.
 * Threads  loop thread; a load and its requests belong to the worker while it runs.
 */
#ifndef PICKET_FORWARD_STATE_H
#define PICKET_FORWARD_STATE_H

#include "envelope/dsn.h"
#include "forward/build.h"
#include "forward/circuit.h"
#include "forward/forward.h"
#include "forward/gaps.h"
#include "forward/limits.h"
#include "forward/verdict.h"

#define LOAD_MAX          32    /* requests of one worker job */
#define LOAD_RECORDS_MAX  1024  /* records of it, merged ones included */
#define LOAD_REPEATS_MAX  256   /* of these, such that are read again */
#define READY_MAX         64    /* requests of one host that wait for the window */
#define RETRIES_MAX       1024  /* records of one queue to be read again */
#define REFUSED_PAUSE_MS  60000 /* after 401, 403, 404 */
#define SCAN_PAUSE_MS     1000  /* after the spool could not be read */
#define MEMORY_PAUSE_MS   100   /* after the budget refused */
#define LANE_KEEP_MS      60000 /* how long a lane that has nothing is remembered */
#define LANES_KEEP        64    /* below this many they are not looked through */
#define PROBE_TIMEOUT_MS  10000
#define STALE_MS          250   /* a request that waited longer gets a new sent_at */
#define KEEP_BODY_BYTES   65536 /* buffers up to this are kept with a free request */
#define FREE_REQUESTS_MAX 64
#define CARGO_HELD_MAX    32 /* what counts as more kinds is not merged */
#define MEMORY_PATIENCE   10 /* refusals until a record may go beyond the budget */
#define STATE_PREFIX      "limits/"
#define STATE_HELD        "held"
#define LANE_ENDPOINT     "envelope/" /* the end of a lane's url */

/* The outcome so far of a record that is sent in two parts. */
struct split {
	struct quantities dropped; /* of parts that ended so */
	enum drop_reason why;      /* of the last of them */
	bool is_reported;
	unsigned parts_left;
	unsigned parts_delivered;
};

enum retry_flag {
	RETRY_GZIP = 1,  /* the host did not take it with zstd */
	RETRY_SPLIT = 2, /* too big in one piece */
	RETRY_HELD = 4,  /* was never sent: waits for a limit */
	RETRY_ALONE = 8  /* was refused together with others */
};

/* A record to be read again. */
struct retry {
	uint64_t seq;
	int64_t due_mono_ms;
	uint32_t attempts;
	unsigned flags;
	enum build_part part;
	uint32_t good;       /* host.good when it failed last */
	struct split *split; /* shared by two entries at most; NULL: in one piece */
};

struct queue {
	struct gaps gaps;
	struct retry *retries; /* in no order; at most RETRIES_MAX and what is in flight */
	size_t retry_count, retry_cap;
	int64_t due_mono_ms;    /* of the first of them, INT64_MAX: there is none */
	int64_t paused_mono_ms; /* not read before */
	int64_t window_mono_ms; /* unread ones wait for company until then */
	uint64_t window_items;  /* what has come since the window opened */
	uint64_t window_bytes;
	unsigned refusals; /* of memory, in a row */
	bool is_loading;
};

struct lane {
	struct forward *f;
	struct host *host; /* NULL: only its limits are known yet */
	uint32_t id;
	char *dsn_text, *url;
	struct dsn dsn; /* views into dsn_text */
	struct limits limits;
	struct queue queues[CLASS_COUNT];
	unsigned outstanding;         /* requests that are loading, ready or in flight */
	int64_t refused_mono_ms;      /* paused until */
	int64_t report_due_mono_ms;   /* 0: nothing is expected */
	int64_t report_first_mono_ms; /* not alone before */
	bool report_in_flight;        /* on its own */
	bool limits_stored;           /* [state] has something of them */
	int64_t used_mono_ms;
	struct lane *next;
};

/* A record on board of a request. */
struct cargo {
	struct retry from; /* from.seq is the record's */
	/* Of a merged record; else the request's facts tell. */
	bool has_event_id;
	struct event_id event_id;
	uint8_t held_n;
	uint8_t held[CARGO_HELD_MAX]; /* packed quantities */
};

struct request {
	struct forward *f;
	struct lane *lane;
	enum item_class class;
	struct cargo *cargo; /* records that are settled by the answer */
	unsigned cargo_count;
	struct cargo own;   /* the usual one */
	struct facts facts; /* of the only record, or of the one being settled */
	struct built built;
	struct report *report; /* rides along; NULL: none */
	bool is_report;        /* nothing but a report: no record */
	bool is_extra;         /* beyond the budget; one at a time */
	uint64_t limits;       /* what was stopped when it was built */
	int64_t built_mono_ms, sent_mono_ms;
	const char *headers[BUILD_CARRIED_LINES + BUILD_LINES + 1];
	struct exchange x;
	struct request *next;                  /* ready or free */
	struct request *sent_prev, *sent_next; /* in flight */
};

struct request_list {
	struct request *first, **end;
	unsigned n;
};

struct host {
	struct forward *f;
	char *base_url, *probe_url;
	struct circuit circuit;
	struct request_list ready[CLASS_COUNT];
	unsigned loading[CLASS_COUNT]; /* requests that running loads may bring */
	unsigned in_flight;
	unsigned lane_count;
	uint32_t turn; /* whose lane's it is */
	bool is_multiplexed, gzip_only, zstd_is_fine;
	uint32_t good; /* useful answers so far */
	bool is_probing;
	struct exchange probe;
	int64_t probe_started_mono_ms;
	int64_t latency_ms; /* of answers, smoothed */
	int last_status;
	char last_error[96];
	struct host *next;
};

struct forward {
	uv_loop_t *loop;
	const struct forward_ops *ops;
	struct transport *transport;
	const struct clock *clock;
	struct codec_pool *codecs;
	struct budget *budget;
	struct settings *settings;
	struct age_frame frame;
	struct log *log;
	struct counters *counters;
	struct rng rng;
	struct host *hosts;
	struct lane *lanes;
	size_t lane_count;
	struct request *sent; /* in flight, for cancelling */
	struct request *free;
	unsigned free_count;
	unsigned live;      /* requests that are not free */
	unsigned extra;     /* of them beyond the budget */
	unsigned in_flight; /* requests and probes */
	unsigned loads;     /* worker jobs */
	int64_t armed_mono_ms;
	int64_t swept_mono_ms;
	unsigned depth; /* of entry points: rearming is left to the outermost */
	bool is_held, is_busy;
	bool is_closing, is_canceled;
	int64_t close_due_mono_ms;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* --- forward.c -------------------------------------------------------------- */

/* Around everything that comes from outside: leave() sends what can be sent,
 * and arms the one timer. */
void forward_enter(struct forward *f);
void forward_leave(struct forward *f);
struct instant forward_now(const struct forward *f);

/* --- lane.c ----------------------------------------------------------------- */

/* By DSN; made when there is none. NULL: no memory, or the DSN cannot be used. */
struct lane *lane_get(struct forward *f, uint32_t id, struct str dsn);
struct lane *lane_find(const struct forward *f, uint32_t id, struct str dsn);
/* With limits of an earlier run, its DSN not being known yet. */
struct lane *lane_get_unbound(struct forward *f, uint32_t id);
void lane_free(struct lane *l);
/* Forgets lanes and hosts that have had nothing for a while. */
void lanes_sweep(struct forward *f, int64_t now_mono_ms);
void lane_limits_store(struct lane *l);
/* Stopped by neither a refusal nor a limit on everything. */
bool lane_is_open(const struct lane *l, int64_t now_mono_ms);
int64_t lane_next(const struct lane *l, int64_t now_mono_ms);

/* --- queue.c ---------------------------------------------------------------- */

void queue_init(struct queue *q);
void queue_fini(struct queue *q);
/* The record is gone: so is what the entry shares with its other half. */
void retry_forget(struct retry *r);
/* E_NOMEM: the entry is lost until the next start. */
int queue_push(struct queue *q, const struct retry *r);
/* The next one that is due, in the order told; false when none is. */
bool queue_pop(struct queue *q, bool newest_first, int64_t now_mono_ms, struct retry *ret);
bool queue_has_work(const struct queue *q, int64_t now_mono_ms);
int64_t queue_next(const struct queue *q, int64_t now_mono_ms);

/* A record was stored. share NULL: it does not wait, and nothing else does. */
void queue_note(struct queue *q, const struct settings *s, const struct batch_share *share,
	int64_t now_mono_ms);
/* The unread ones are about to be read: what comes from now on waits anew. */
void queue_open_window(struct queue *q, const struct settings *s, int64_t now_mono_ms);

/* --- host.c ----------------------------------------------------------------- */

struct host *host_get(struct forward *f, struct str base_url);
void host_free(struct host *h);
struct circuit_policy host_policy(const struct host *h);
/* Starts whatever may be started. */
void host_pump(struct host *h);
int64_t host_next(const struct host *h, int64_t now_mono_ms);
/* What an exchange told about the host; probe and requests alike. */
void host_heard(struct host *h, const struct exchange *x, const struct verdict *v, bool is_probe,
	int64_t started_mono_ms);
/* Puts requests that are ready back into their queues: all, or of one lane. */
void host_put_back(struct host *h, const struct lane *only);

/* --- load.c ----------------------------------------------------------------- */

/* False when there was nothing to read, or no memory. */
bool load_start(struct lane *l, enum item_class class, unsigned max);
enum setting_compression lane_compression(const struct lane *l);

/* --- request.c -------------------------------------------------------------- */

struct request *request_new(struct forward *f);
/* Done with: its memory is kept for the next one, a report it carries returned. */
void request_free(struct request *r);
void request_list_init(struct request_list *q);
void request_list_add(struct request_list *q, struct request *r);
struct request *request_list_take(struct request_list *q);
/* The record is read again at due. */
void request_put_back(struct request *r, int64_t due_mono_ms);
/* Sends, or puts it back when it went stale. Takes r. */
void request_send(struct request *r);
/* Gives back the memory of requests that are kept for later. */
void requests_trim(struct forward *f, unsigned keep);

/* --- settle.c --------------------------------------------------------------- */

void request_judge(struct request *r, const struct verdict *v);
/* The record ends here without a request: limited, corrupt, not to be split. */
void request_end_unsent(struct request *r);

/* --- reports.c -------------------------------------------------------------- */

/* A report of this lane should go soon, alone if nothing else does. */
void report_expect(struct lane *l, int64_t now_mono_ms);
/* Sends one alone when it is time, or at_once; true when it did. */
bool report_send_alone(struct lane *l, bool at_once);
int64_t report_next(const struct lane *l);

#endif
