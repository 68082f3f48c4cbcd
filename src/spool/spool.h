/* spool.h - the durable queue between accepting an envelope and sending it.
 *
 * What a put reported as stored survives kill -9 and, with durability sync,
 * power loss, until it is settled, evicted or too old. One LMDB environment:
 * one queue per priority class, keyed by an ever-growing sequence and lane;
 * totals of the conservation law, pending client reports, lanes and foreign
 * state in "state"; dead letters; and the journal of recent event ids.
 *
 * Owns     the LMDB environment, the writer thread, a lock on the directory.
 * Threads  the loop thread, unless a function says "any thread". Callbacks come
 *          on the loop thread.
 * Fails    E_NOSPACE, E_READONLY, E_IO  nothing of that put was stored; what is
 *                     stored already stays, is still read and settled
 *          E_EXISTS   another daemon holds the directory; err names its pid
 *          E_CANCELED closing
 */
#ifndef PICKET_SPOOL_SPOOL_H
#define PICKET_SPOOL_SPOOL_H

#include <uv.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "envelope/age.h"
#include "envelope/report.h"
#include "envelope/settlement.h"
#include "envelope/tally.h"

struct spool;

enum spool_durability { SPOOL_SYNC, SPOOL_LAZY, SPOOL_ASYNC };

struct spool_options {
	const char *dir;
	enum spool_durability durability;
	uint64_t max_bytes; /* quota: record bytes of all classes */
	int64_t max_age_ms;
	int64_t check_in_max_age_ms; /* check-ins are of no use later (design 12.5) */
	bool refuse_when_full;       /* else evict, lowest class and oldest first */
	uint64_t dead_bytes;         /* 0: keep no dead letters */
	uint64_t map_bytes;          /* 0: derived from the quota; tests make it small */
	const struct clock *clock;
	struct log *log;
	struct counters *counters;
	/* A loss of this DSN was counted for its client report; may be NULL. */
	void (*lost)(void *arg, struct str dsn);
	void *lost_arg;
};

/* Opens or creates dir and what is in it. A damaged environment is renamed
 * aside, loudly, and a fresh one begun. Does not read the records. */
int spool_open(struct spool **ret, uv_loop_t *loop, const struct spool_options *o, struct err *err);
/* For a reload: quota, ages, when_full, dead_bytes; the rest is ignored. */
void spool_configure(struct spool *s, const struct spool_options *o);

/* Commits what is queued, then closes; further puts end E_CANCELED. done comes
 * once, after the last callback of every put. */
void spool_close(struct spool *s, void (*done)(void *arg), void *arg);

/* --- storing --------------------------------------------------------------- */

struct spool_put;
typedef void spool_put_fn(struct spool_put *p, int rc);

/* Embedded in the caller's own struct; caller keeps it and bytes alive until
 * done, which comes exactly once and never before spool_put() returns. */
struct spool_put {
	struct str bytes; /* packed record */
	struct str dsn;   /* upstream DSN; the lane is its hash */
	enum item_class class;
	struct quantities held;
	bool has_event_id;
	struct event_id event_id;
	/* For people: rules that were true, paths of what was scrubbed; kept alive likewise. */
	struct str by, scrubbed;
	spool_put_fn *done;
	uint64_t seq;           /* result */
	struct spool_put *next; /* the spool's */
};
void spool_put(struct spool *s, struct spool_put *p);

/* Something was received and dropped before it could be stored. */
struct refusal {
	enum drop_reason why;
	bool reported;
	const struct event_id *id; /* NULL: none */
	struct str by;             /* what decided it: "rule NAME", "" when nobody did */
};
void spool_refused(
	struct spool *s, struct str dsn, const struct quantities *q, const struct refusal *r);

/* --- reading: any thread --------------------------------------------------- */

/* Callbacks of reading functions, here and below, may settle and lend, but must
 * not read again: the writer may be waiting to exchange the file. */

/* Calls each() for wanted records in order until it returns false, at most max
 * times. The read transaction lives during this call only. */
int spool_scan(struct spool *s, const struct record_want *want, unsigned max, record_fn *each,
	void *arg, struct err *err);

/* --- settling -------------------------------------------------------------- */

/* Copies st; it is carried out with the next commit, and retried until one
 * succeeds. A record that is gone already changes nothing. */
void spool_settle(struct spool *s, const struct settlement *st);
/* Records that are being sent now are not evicted. */
void spool_lend(struct spool *s, const struct record_ref *ref);

/* --- lanes, reports, state ------------------------------------------------- */

struct spool_lane {
	uint32_t lane;
	struct str dsn;
	uint64_t records[CLASS_COUNT];
	uint64_t bytes[CLASS_COUNT];
};
/* index 0, 1, ... until NULL. Valid until the loop runs again. */
const struct spool_lane *spool_lane(const struct spool *s, size_t index);

/* Takes what is pending for a lane out into *r (which may stay empty). Either
 * return it, or say what was sent; only then is it forgotten on disk. */
void spool_report_take(struct spool *s, uint32_t lane, struct report *r);
void spool_report_sent(struct spool *s, uint32_t lane, const struct report *r);
void spool_report_return(struct spool *s, uint32_t lane, const struct report *r);
/* True when any lane has a pending report; for the timer that sends them alone. */
bool spool_report_pending(const struct spool *s, uint32_t lane);

/* Small values of other stages that must survive a restart; n == 0 deletes.
 * Written with the next commit. */
void spool_state_set(struct spool *s, struct str key, struct str value);
/* Every stored pair; for start-up. */
int spool_state_each(struct spool *s, void (*each)(void *arg, struct str key, struct str value),
	void *arg, struct err *err);

/* --- seeing inside --------------------------------------------------------- */

struct spool_stats {
	uint64_t records, bytes;
	uint64_t class_records[CLASS_COUNT], class_bytes[CLASS_COUNT];
	int64_t oldest_age_ms; /* 0 when empty */
	uint64_t dead_records, dead_bytes;
	uint64_t file_bytes; /* of the environment on disk */
	uint64_t max_bytes;
	int trouble; /* E_OK, or why nothing can be stored now */
	int64_t trouble_since_wall_ms;
	size_t queued; /* puts waiting for the writer */
};
void spool_stats(const struct spool *s, struct instant now, struct spool_stats *ret);
const struct tally *spool_tally(const struct spool *s);
/* True when nothing is queued for the writer and it writes nothing. */
bool spool_is_idle(const struct spool *s);
/* True when a put would be taken: writable and, with refuse, below the quota. */
bool spool_has_room(const struct spool *s);

enum life_what {
	LIFE_STORED,
	LIFE_REFUSED,
	LIFE_SENT,
	LIFE_RETRY,
	LIFE_DROPPED,
	LIFE_DEAD,
	LIFE_EVICTED,
	LIFE_EXPIRED
};
/* One entry of an event's life. */
struct life {
	struct event_id event_id;
	int64_t wall_ms;
	enum life_what what;
	enum item_class class;
	uint64_t seq;
	int status;
	enum drop_reason why;
	uint32_t attempts;
	struct str by; /* of a refusal: who decided; of what is stored: rules that were true */
	struct str scrubbed; /* paths */
};
const char *life_name(enum life_what w);
/* Entries of one event, oldest first. Any thread. E_NOTFOUND when there is none. */
int spool_why(struct spool *s, const struct event_id *id,
	void (*each)(void *arg, const struct life *l), void *arg, struct err *err);

/* Records in order of class and age, for people. Any thread. */
typedef bool spool_list_fn(void *arg, const struct record_ref *ref, struct str bytes);
int spool_list(struct spool *s, unsigned max, spool_list_fn *each, void *arg, struct err *err);

struct dead_letter {
	uint64_t seq;
	int64_t wall_ms;
	int status;
	enum drop_reason why;
	struct str text;
	struct str bytes; /* packed record */
};
typedef bool spool_dead_fn(void *arg, const struct dead_letter *d);
/* seq 0: all, oldest first. Any thread. */
int spool_dead(struct spool *s, uint64_t seq, unsigned max, spool_dead_fn *each, void *arg,
	struct err *err);

/* Drops stored records for good (counted cache_overflow): all, or one class
 * (class >= 0), or one lane (only_lane). done gets how many went. */
struct spool_purge {
	int class; /* -1: every class */
	bool only_lane;
	uint32_t lane;
	void (*done)(struct spool_purge *p, int rc);
	uint64_t purged;          /* result */
	struct spool_purge *next; /* the spool's */
};
void spool_purge(struct spool *s, struct spool_purge *p);

#endif
