/* selector.h - where a rule applies (pii.md 6).
 *
 * A selector is read from text, printed in one canonical form, ordered (the
 * order of applications is that of their selectors) and matched against a
 * path of states from the root to a node.
 *
 * Owns     a selector owns its parts; selector_free() takes NULL.
 * Threads  immutable once read: any.
 * Fails    E_SYNTAX   the sentence names the byte offset
 *          E_NOMEM
 */
#ifndef PICKET_SCRUB_SELECTOR_H
#define PICKET_SCRUB_SELECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* In the order that sorting uses (6.2). */
enum value_type {
	TYPE_STRING,
	TYPE_BINARY,
	TYPE_NUMBER,
	TYPE_BOOLEAN,
	TYPE_DATETIME,
	TYPE_ARRAY,
	TYPE_OBJECT,
	TYPE_EVENT,
	TYPE_ATTACHMENTS,
	TYPE_REPLAY,
	TYPE_ERROR,
	TYPE_STACK,
	TYPE_FRAME,
	TYPE_HTTP,
	TYPE_USER,
	TYPE_LOGENTRY,
	TYPE_MESSAGE,
	TYPE_THREAD,
	TYPE_BREADCRUMB,
	TYPE_LOG,
	TYPE_TRACE_METRIC,
	TYPE_SPAN,
	TYPE_SDK,
	TYPE_MINIDUMP,
	TYPE_HEAP_MEMORY,
	TYPE_STACK_MEMORY,
	TYPE_COUNT
};
#define TYPE_BIT(t) (UINT32_C(1) << (t))

/* May a field be scrubbed: by any selector, only by a specific one, never. */
enum pii_flag { PII_TRUE, PII_MAYBE, PII_FALSE };

/* One step of a path. */
struct pii_state {
	struct str key; /* p == NULL: no key */
	int64_t index;  /* -1: none */
	uint32_t types; /* TYPE_BIT() of each */
	enum pii_flag flag;
	/* Of place.h; zeros: not asked for yet. */
	uint32_t place;
	uint32_t name;
	uint32_t key_look; /* a struct quick's bits */
};

struct selector;

int selector_parse(struct selector **ret, struct str text, struct err *err);
void selector_free(struct selector *s);
/* The canonical form. */
void selector_print(const struct selector *s, struct buf *out);
/* Negative, zero, positive: AND < OR < NOT < path (7, 2.1). */
int selector_compare(const struct selector *a, const struct selector *b);

/* states[0] is the root, states[n - 1] the node in question. */
bool selector_matches(const struct selector *s, const struct pii_state *states, size_t n);

/* Each key and each index it names, parts of parts included. Stops at, and returns, the
 * first answer that is not E_OK. */
int selector_each_name(const struct selector *s, int (*key)(void *arg, struct str key),
	int (*index)(void *arg, int64_t index), void *arg);

/* A selector that is a list of alternatives, each ending in a key, matches nodes with one
 * of these keys only: it names each. False when it may match nodes of any key. */
bool selector_each_last_key(
	const struct selector *s, void (*key)(void *arg, struct str key), void *arg);

/* Equal without regard to case, as selectors compare keys. */
bool selector_key_eq(struct str a, struct str b);

#endif
