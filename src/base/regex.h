/* regex.h - PCRE2 with limits: compiled once, matched in bounded time.
 *
 * Expressions become machine code where memory may be executed; elsewhere
 * PCRE2 interprets them, slower and with the same results. A search that
 * meets a limit says so, and its caller decides what that means: in a rule it
 * is no match, in scrubbing the whole value goes (design 12.7).
 *
 * Owns     an expression owns its code; a matcher what searching needs.
 * Threads  an expression is immutable: any. A matcher: one search at a time.
 * Fails    E_SYNTAX, with PCRE2's reason; E_NOMEM
 */
#ifndef PICKET_BASE_REGEX_H
#define PICKET_BASE_REGEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct regex;
struct regex_matcher;

enum regex_flag {
	REGEX_CASELESS = 1 << 0,
	REGEX_MULTILINE = 1 << 1,
	REGEX_DOTALL = 1 << 2,
	REGEX_EXTENDED = 1 << 3,
	REGEX_UNICODE = 1 << 4,  /* \d, \w, \s and \b know all letters */
	REGEX_END_ONLY = 1 << 5, /* "$" is the very end, not also before a last line feed */
	REGEX_BYTES = 1 << 6,    /* bytes, not characters */
	REGEX_UTF8 = 1 << 7,     /* subjects are known to be well-formed; else what is not
				  * matches nothing */
};

/* *at is the offset of a fault in pattern. */
int regex_new(struct regex **ret, struct str pattern, unsigned flags, size_t *at, struct err *err);
/* NULL is fine. */
void regex_free(struct regex *r);
unsigned regex_groups(const struct regex *r);
/* Number of the group called name, -1 for none. */
int regex_group_named(const struct regex *r, struct str name);

struct regex_limits {
	uint32_t steps; /* backtracking */
	uint32_t depth;
	uint32_t heap_kib;
	uint32_t groups; /* as many are told, the whole match among them */
};

/* With an arena all memory is its own, and regex_matcher_free() is not needed.
 * NULL: no memory. */
struct regex_matcher *regex_matcher_new(const struct regex_limits *limits, struct arena *a);
/* NULL is fine. */
void regex_matcher_free(struct regex_matcher *m);
void regex_matcher_steps(struct regex_matcher *m, uint32_t steps);

enum regex_end { REGEX_NONE, REGEX_FOUND, REGEX_LIMIT };

/* The first match at from or later. */
enum regex_end regex_search(
	const struct regex *r, struct regex_matcher *m, struct str subject, size_t from);

/* Of the last match that was found: how many groups are told, and where one
 * lies. False: the group took no part. */
uint32_t regex_told(const struct regex_matcher *m);
bool regex_group(const struct regex_matcher *m, uint32_t i, size_t *from, size_t *to);

#endif
