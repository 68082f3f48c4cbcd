/* store.h - what is on disk, as the writer thread sees it.
 *
 * struct store is the LMDB environment and the totals that belong to its last
 * commit. One batch of work becomes one write transaction (batch.c); when that
 * fails, the totals are read again from disk and everything is as it was.
 *
 * Databases: q0..q4  one queue per class: seq u64 | lane u32 | size u32, big
 *                    endian, to the packed record; appended only
 *            state   "f" format, "t" totals, "l"+lane, "r"+lane, "x"+foreign key
 *            dead    seq to a dead letter
 *            seen    batch number to packed lives (journal.c)
 *
 * Owns     the environment, its memory map, the totals.
 * Threads  the writer thread. Readers on other threads hold guard for reading;
 *          the writer takes it for writing while the environment is exchanged.
 */
#ifndef PICKET_SPOOL_STORE_H
#define PICKET_SPOOL_STORE_H

#include <lmdb.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "envelope/record.h"
#include "spool/spool.h"

#define STORE_FILE      "spool.mdb"
#define QUEUE_KEY_BYTES 16
#define LIFE_BYTES      40
#define LIVES_MAX       200000 /* of the journal: about 8 MiB */
/* Losses of more lanes than this are counted but not reported upstream: lanes
 * come from what clients send, so their number must have a bound. */
#define REPORT_LANES_MAX 1024

/* --- the environment (env.c) ----------------------------------------------- */

struct env {
	MDB_env *mdb; /* NULL while none could be opened */
	MDB_dbi queue[CLASS_COUNT], state, dead, seen;
	void *map; /* where LMDB has mapped the file, NULL if unknown */
	uint64_t page_bytes;
	uint64_t file_bytes; /* allocated; what is beyond the last page is the reserve */
	/* A large transaction ran: LMDB keeps the memory of its pages until the
	 * environment is closed. */
	bool is_laden;
};

struct limits {
	uint64_t max_bytes;
	int64_t max_age_ms, check_in_max_age_ms;
	bool refuse_when_full;
	uint64_t dead_bytes;
};

/* --- totals and lanes (totals.c) ------------------------------------------- */

struct lane {
	uint32_t lane;
	struct str dsn; /* malloc'd */
	uint64_t records[CLASS_COUNT];
	uint64_t bytes[CLASS_COUNT];
	struct report *report; /* pending on disk, NULL when empty */
	bool dirty, report_dirty;
	bool told; /* the loop knows it */
};

struct lanes {
	struct lane **v; /* by lane */
	size_t n, cap;
	size_t with_report;
};

struct totals {
	uint64_t seq; /* of the record stored last */
	struct tally tally;
	uint64_t records[CLASS_COUNT], bytes[CLASS_COUNT];
	uint64_t dead_records, dead_bytes;
	uint64_t seen_next, lives;
};

/* The oldest record of a class. */
struct head {
	uint64_t seq;         /* 0: the class is empty */
	int64_t born_mono_ms; /* its age now is mono - born, whatever the wall clock does */
};

/* --- work handed to the writer --------------------------------------------- */

enum op_kind { OP_SETTLE, OP_REFUSED, OP_REPORT_SENT, OP_STATE };

/* One malloc'd piece of work; bytes of variable length follow in data. Kept
 * until a commit has carried it out. */
struct op {
	struct op *next;
	enum op_kind kind;
	size_t n; /* of data */
	union {
		struct {
			struct record_ref ref;
			enum settle_end end;
			enum drop_reason why;
			int status;
			uint32_t attempts;
			struct event_id event_id;
			bool reported, has_event_id;
			bool corrupt; /* found damaged by a reader: quantities unknown */
			uint16_t delivered_n, dropped_n, text_n;
		} settle; /* data: delivered, dropped, text */
		struct {
			enum drop_reason why;
			bool reported;
			uint32_t lane;
			struct quantities q;
		} refused; /* data: dsn */
		struct {
			uint32_t lane;
		} report; /* data: packed report */
		struct {
			uint16_t key_n;
		} state; /* data: key, value */
	} u;
	char data[];
};

struct puts {
	struct spool_put *first, *last;
	size_t n;
};
void puts_add(struct puts *l, struct spool_put *p);
void puts_move(struct puts *to, struct puts *from);

/* What a batch lost of one lane for one reason. */
struct loss {
	uint32_t lane;
	enum drop_reason why;
	struct quantities q;
};

struct lane_change {
	uint32_t lane;
	bool gone;
	struct str dsn; /* malloc'd when the lane is new to the loop */
	uint64_t records[CLASS_COUNT];
	uint64_t bytes[CLASS_COUNT];
};

/* What the loop shows to others; a copy travels with every batch. */
struct snapshot {
	bool is_true; /* else the figures could not be read just now */
	struct tally tally;
	uint64_t records[CLASS_COUNT], bytes[CLASS_COUNT];
	uint64_t dead_records, dead_bytes, file_bytes;
	int64_t oldest_born_mono_ms; /* INT64_MAX: empty */
	int64_t due_mono_ms;         /* when something gets too old; INT64_MAX: never */
	int trouble;
	int64_t trouble_since_wall_ms;
};

struct batch {
	struct batch *next;
	struct instant now;
	struct puts puts;           /* to be stored; afterwards those that were */
	struct puts refused;        /* no room for these */
	struct spool_purge *purges; /* finished */
	int rc;                     /* of puts */
	struct buf lives;           /* packed journal entries */
	struct lane_change *changes;
	size_t change_n, change_cap;
	struct loss *losses;
	size_t loss_n, loss_cap;
	uint64_t evicted, expired, corrupt;
	uint64_t commits, commit_errors, commit_us;
	uint64_t given_back_bytes; /* not 0: the file shrank by so much */
	char quarantined[64];      /* name that a damaged file was given */
	bool more;                 /* unfinished work waits */
	struct snapshot shown;
	bool last; /* the writer has ended */
};

/* --- the store -------------------------------------------------------------- */

struct store {
	char *dir, *path, *fresh_path; /* fresh: a compacted copy in the making */
	int dir_fd, lock_fd;
	enum spool_durability durability;
	uint64_t map_bytes, map_wanted;
	struct env env;
	uv_rwlock_t guard;
	uv_mutex_t door; /* before guard: readers that come and go never keep the writer out */
	struct limits limits;
	struct age_frame frame;
	struct totals totals;
	struct lanes lanes;
	struct head heads[CLASS_COUNT];
	bool class_touched[CLASS_COUNT];
	/* The check-in that gets too old first; sessions share its class and live
	 * longer, so the head of the class does not tell. */
	uint64_t check_in_seq;
	int64_t check_in_due_mono_ms;

	/* Not carried out yet: */
	struct op *ops, **ops_tail;
	size_t op_n;
	_Atomic size_t *op_bytes; /* the inbox's */
	struct buf lives;         /* journal entries of what was refused */
	struct spool_purge *purges, **purges_tail;

	int trouble; /* E_OK, or why nothing can be stored */
	int64_t trouble_since_wall_ms;
	int64_t tried_us;            /* last attempt to store in spite of it */
	bool stale;                  /* totals are to be read again */
	bool unsynced;               /* durability async: committed, not flushed */
	_Atomic uint64_t read_bytes; /* by readers since pages were last released */
	bool (*is_lent)(void *arg, uint64_t seq);
	void (*returned)(void *arg, uint64_t seq);
	void *lent_arg;
	char quarantined[64]; /* name that a damaged file was given, at open */
};

/* The transaction that is open, and what it gathers. */
struct work {
	struct store *st;
	struct batch *b;
	MDB_txn *txn;
	bool lean; /* no journal, no dead letters: only what frees space */
	bool changed;
	unsigned deleted; /* records */
};

/* env.c */
int env_open(struct store *st, struct err *err);
void env_close(struct store *st);
/* Opens, renaming what is damaged aside (st->quarantined). */
int env_open_or_replace(struct store *st, int64_t wall_ms, struct err *err);
int env_error(int mdb_rc);
/* True when the pages a put needs are there, beside the reserve that keeps
 * deleting possible. Lets the file grow. */
int env_make_room(struct store *st, uint64_t bytes, bool *map_full);
/* Makes the map as large as a raised quota asks. */
int env_widen(struct store *st);
/* Closes and opens again, after LMDB has given up on the environment. */
int env_reopen(struct store *st);
/* The same while idle, to give back what LMDB keeps. On failure the next batch
 * opens it, or the next try. */
void env_unload(struct store *st);
/* Keeps readers out while the environment is exchanged. */
void env_lock(struct store *st);
void env_unlock(struct store *st);
/* Gives pages of the map that were read back to the system. */
void env_release_pages(struct store *st);
uint64_t env_used_bytes(const struct store *st);

/* replace.c */
int env_set_aside(struct store *st, int64_t wall_ms);
/* A fresh environment in place of a damaged one; the totals go on. */
int store_replace(struct store *st, struct batch *b);

/* Big-endian numbers of keys. */
void put_be64(uint8_t *p, uint64_t v);
void put_be32(uint8_t *p, uint32_t v);
uint64_t get_be64(const uint8_t *p);
uint32_t get_be32(const uint8_t *p);

/* From here to journal_save() results are LMDB's or an errno, not E_ codes,
 * unless a comment says otherwise. */

/* totals.c: E_ codes but for totals_save() */
int totals_load(struct store *st, MDB_txn *txn, struct err *err);
/* Writes what changed. */
int totals_save(struct work *w);
/* NULL: no memory. */
struct lane *lanes_get(struct store *st, uint32_t lane, struct str dsn);
struct lane *lanes_find(const struct store *st, uint32_t lane);
void lanes_free(struct lanes *l);
/* After a commit: tells the batch which lanes changed, forgets empty ones. */
void lanes_publish(struct store *st, struct batch *b);
int lane_report_sent(struct store *st, uint32_t lane, const struct report *r);
/* Held to dropped, never more than is held; told upstream when reported. */
int totals_drop(struct work *w, uint32_t lane, const struct quantities *q, enum drop_reason why,
	bool reported);
/* A loss of the lane, for its client report. */
int totals_report(struct work *w, uint32_t lane, const struct quantities *q, enum drop_reason why);
/* What no record holds any more (a damaged one did) is counted at the end. */
void totals_reconcile(struct work *w);

/* queue.c */
struct queue_key {
	uint64_t seq;
	uint32_t lane;
	uint32_t size;
};
void queue_key_write(uint8_t out[QUEUE_KEY_BYTES], struct queue_key k);
bool queue_key_read(const MDB_val *v, struct queue_key *ret);
/* Bytes a record takes of the quota: its pages, as LMDB lays them out. */
uint64_t queue_cost(uint64_t record_bytes);
int queue_append(struct work *w, struct spool_put *p);
/* Makes room for bytes of a put of this class. ENOSPC: it cannot. */
int queue_make_room(struct work *w, enum item_class incoming, uint64_t bytes);
/* Evicts, from the least important class up to that of the incoming put, until
 * no more than target_bytes are left. */
int queue_evict(struct work *w, enum item_class incoming, uint64_t target_bytes);
/* Takes the record the cursor is at out of queue and counts. */
int queue_delete(struct work *w, enum item_class c, MDB_cursor *at, const struct queue_key *k);
/* The record with this seq, else the next. */
int queue_seek(MDB_cursor *cur, uint64_t seq, struct queue_key *k, struct str *bytes);
uint64_t queue_records(const struct totals *t);
uint64_t queue_bytes(const struct totals *t);
/* What happens to a record that is dropped by the spool itself. */
int queue_drop(struct work *w, enum item_class c, MDB_cursor *at, const struct queue_key *k,
	struct str bytes, enum life_what what);

/* expire.c */
int expire_due(struct work *w);
/* Looks at the oldest record of each class that changed. */
int heads_refresh(struct work *w);
/* Check-ins are to be looked at again from the start. */
void expire_reset(struct store *st);
void expire_note(struct work *w, const struct spool_put *p);
void expire_returned(struct store *st, const struct record_ref *ref);
int64_t expire_next_due(const struct store *st);

/* settle.c */
int settle_apply(struct work *w, const struct op *op);
/* Drops the next records of the first purge; *done when that is finished. */
int purge_some(struct work *w, struct spool_purge *p, bool *done);

/* dead.c */
int dead_add(struct work *w, uint64_t seq, int status, enum drop_reason why, struct str text,
	struct str bytes);
int dead_trim(struct work *w);
int dead_each(MDB_cursor *cur, uint64_t seq, unsigned max, spool_dead_fn *each, void *arg);

/* journal.c */
void journal_add(struct buf *lives, const struct life *l);
/* What the entry at p takes of the n bytes that are left, at least LIFE_BYTES. */
size_t journal_entry_bytes(const uint8_t *p, size_t n);
/* The text is a view into p. */
void journal_unpack(const uint8_t *p, size_t bytes, struct life *ret);
int journal_save(struct work *w);

/* batch.c */
void batch_run(struct store *st, struct batch *b);
/* While in trouble: sees whether storing would work again. */
void batch_probe(struct store *st, struct batch *b);
void batch_sync(struct store *st);
void batch_free(struct batch *b);
bool store_has_work(const struct store *st);
void store_show(const struct store *st, struct snapshot *ret);

/* shrink.c */
bool shrink_wanted(const struct store *st);
/* Exchanges the file for a compacted copy. */
int shrink_now(struct store *st, uint64_t *given_back);

#endif
