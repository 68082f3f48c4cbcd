/* scrub.h - nothing forbidden reaches the disk (design 1, 6; pii.md).
 *
 * A scrubber is what settings and a PII configuration were compiled to. It
 * edits payloads: what a rule names is replaced, text around it stays byte for
 * byte, and "_meta" says what was done. It fails closed: a value that cannot
 * be looked at goes as a whole, and so does an item that cannot be read.
 *
 * Order of work on one document: GraphQL variables, what send_default_pii
 * governs, the configuration's rules, default scrubbing, deep scrubbing.
 *
 * Owns     a scrubber owns all it was compiled to.
 * Threads  immutable after scrubber_new: any, at the same time.
 * Fails    scrubber_new: E_SYNTAX, E_INVAL, E_UNSUPPORTED (the sentence names
 *          rule, line and column), E_NOMEM
 *          scrub_*: E_NOMEM, E_SYNTAX: nothing of it may be kept
 */
#ifndef PICKET_SCRUB_SCRUB_H
#define PICKET_SCRUB_SCRUB_H

#include "base/arena.h"
#include "base/err.h"
#include "envelope/envelope.h"
#include "scrub/derive.h"
#include "scrub/walk.h"

struct scrubber;

/* What cannot be taken apart: bytes of a form that nobody here reads. */
enum scrub_opaque { OPAQUE_AUTO, OPAQUE_PASS, OPAQUE_DROP, OPAQUE_REFUSE };

struct scrub_options {
	struct str rules;                /* JSON of a PII configuration; empty: none */
	struct derive_settings settings; /* default scrubbing */
	bool deep;
	bool strip_default_pii; /* send_default_pii = no */
	bool attachments;
	enum scrub_opaque opaque;
	struct str hash_key;
	uint32_t match_limit; /* 0: the default */
	bool no_quick;        /* tests: run every expression on every string */
};

/* What became of the values of one run, and of whole items. */
struct scrub_tally {
	struct walk_tally values;
	uint64_t items_changed;
	uint64_t items_dropped;
	uint64_t opaque; /* passed without a look */
	struct quantities dropped;
	walk_seen_fn *seen; /* NULL: nobody asks */
	void *seen_arg;
};

/* Everything in o is copied. */
int scrubber_new(struct scrubber **ret, const struct scrub_options *o, struct err *err);
/* NULL is fine. */
void scrubber_free(struct scrubber *s);
/* Gives back what runs keep for the next ones. NULL is fine; any thread, at any time. */
void scrubber_trim(const struct scrubber *s);
/* What a person should be told about the configuration. NULL past the last. */
const char *scrubber_warning(const struct scrubber *s, size_t i);

/* What a rule found and cost since it was loaded. */
struct scrub_figures {
	const char *pass; /* "rules", "defaults", "deep" */
	struct rule_figures of;
};
/* False past the last. s NULL is fine. Any thread. */
bool scrubber_figures(const struct scrubber *s, size_t i, struct scrub_figures *ret);

/* Edits the payloads of an envelope in place (it->payload is new bytes in
 * e->arena). Items that cannot be read where a rule might apply are removed,
 * and their quantities are in tally->dropped. E_NOMEM: drop all of it.
 * E_UNSUPPORTED: refuse all of it, as OPAQUE_REFUSE says. */
int scrub_envelope(
	const struct scrubber *s, struct envelope *e, struct scrub_tally *tally, struct err *err);

enum scrub_type {
	SCRUB_EVENT, /* transactions and feedback too */
	SCRUB_SPAN,
	SCRUB_BREADCRUMB,
	SCRUB_TRACE_CONTEXT,
	SCRUB_SPAN_V2,
	SCRUB_LOG,
	SCRUB_TRACE_METRIC,
	SCRUB_SPAN_V2_ITEMS, /* {"items": [...]} */
	SCRUB_LOG_ITEMS,
	SCRUB_TRACE_METRIC_ITEMS,
	SCRUB_ATTRIBUTES, /* a bare map of attributes */
	SCRUB_REPLAY,
	SCRUB_SESSION,
	SCRUB_USER_REPORT,
	SCRUB_CHECK_IN,
	SCRUB_PROFILE,
	SCRUB_FREE, /* any JSON: every member, by any selector */
	SCRUB_OTLP, /* the same; objects of "key" and "value" are members */
	SCRUB_TYPE_COUNT
};
/* "event", "log", ...; false when there is none. */
bool scrub_type_parse(struct str name, enum scrub_type *ret);
const char *scrub_type_name(enum scrub_type t);

/* One payload. *out is in itself when nothing changed, else in the arena. */
int scrub_payload(const struct scrubber *s, enum scrub_type t, struct str in, struct arena *a,
	struct str *out, struct scrub_tally *tally, struct err *err);

/* A file by its name. The length stays. */
int scrub_attachment(const struct scrubber *s, struct str name, struct str in, struct arena *a,
	struct str *out, struct scrub_tally *tally, struct err *err);
/* True when a rule reaches a file of this name. */
bool scrub_attachment_selected(const struct scrubber *s, struct str name);
/* A crash dump: memory, environment and names in it. The length stays. E_SYNTAX:
 * it cannot be taken apart. */
int scrub_minidump(const struct scrubber *s, struct str name, struct str in, struct arena *a,
	struct str *out, struct scrub_tally *tally, struct err *err);
/* True when a rule reaches some part of dumps of this name. */
bool scrub_minidump_selected(const struct scrubber *s, struct str name);
/* A file that is JSON: its strings by their path. E_SYNTAX: it is none. */
int scrub_json_attachment(const struct scrubber *s, struct str name, struct str in, struct arena *a,
	struct str *out, struct scrub_tally *tally, struct err *err);

#endif
