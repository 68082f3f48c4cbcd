/* hooks.h - the operator's Lua functions, called for what passes through.
 *
 * One script defines before_send(event, hint), before_send_transaction,
 * before_breadcrumb, before_send_log, before_send_metric and before_send_span,
 * each of them or none. A function returns what it was given, changed or not, a
 * table in its place, or nil to drop it. Values are looked up in the document when
 * the script asks for them, so that what it does not touch stays byte for byte.
 *
 * The script sees no files, no processes, no network, no other scripts. Its time
 * (of the processor) and its memory are bounded; a call that goes beyond is ended.
 *
 * Owns     struct hooks: the script, and interpreters that wait for the next call.
 * Threads  hooks_begin, hooks_end: any; a session belongs to one thread.
 * Fails    E_SYNTAX  the script: "FILE:LINE: what", those of base/file.h, E_NOMEM
 */
#ifndef PICKET_HOOKS_HOOKS_H
#define PICKET_HOOKS_HOOKS_H

#include "base/clock.h"
#include "envelope/envelope.h"

/* HOOK(id, function) */
#define HOOKS(HOOK)                                                                                \
	HOOK(EVENT, "before_send")                                                                 \
	HOOK(TRANSACTION, "before_send_transaction")                                               \
	HOOK(BREADCRUMB, "before_breadcrumb")                                                      \
	HOOK(LOG, "before_send_log")                                                               \
	HOOK(METRIC, "before_send_metric")                                                         \
	HOOK(SPAN, "before_send_span")

enum hook {
#define HOOK_ENUM(id, name) HOOK_##id,
	HOOKS(HOOK_ENUM)
#undef HOOK_ENUM
		HOOK_COUNT
};

struct hooks;

struct hooks_options {
	const char *script;    /* file */
	int64_t time_limit_us; /* of the processor, for each call */
	uint64_t memory_limit; /* bytes of one interpreter, script included */
};

/* Reads and runs the script once, so that its faults are told now. */
int hooks_new(struct hooks **ret, const struct hooks_options *o, struct err *err);
/* NULL is fine. No session may be open. */
void hooks_free(struct hooks *h);

/* Whether the script defines this one. */
bool hooks_has(const struct hooks *h, enum hook which);

/* --- calling --------------------------------------------------------------------- */

struct hook_session;

/* Borrows an interpreter for one envelope. hint tells of e what its payloads do not:
 * sender, item headers, attachments. E_NOMEM. */
int hooks_begin(struct hooks *h, struct envelope *e, struct instant now, struct hook_session **ret,
	struct err *err);
/* What scripts kept of the documents is worth nothing from here on. */
void hooks_end(struct hook_session *s);

enum hook_outcome {
	HOOK_KEPT,    /* perhaps edited, perhaps replaced */
	HOOK_DROPPED, /* nil */
	HOOK_FAILED   /* an error, a limit, or no answer that means anything */
};

/* Calls the function for a node of d, which belongs to item it. On HOOK_FAILED err
 * tells why, without any text of the client's. Edits made before the failure stay
 * in d: whoever keeps the node puts its text back. */
enum hook_outcome hooks_call(struct hook_session *s, enum hook which, struct item *it,
	struct json_doc *d, json_node subject, struct err *err);

#endif
