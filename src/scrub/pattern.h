/* pattern.h - compiled regular expressions and running them.
 *
 * Each pattern exists for text (Unicode) and for bytes (attachments). Running
 * is bounded: who runs into the limits is told so and redacts the whole value.
 *
 * Owns     a pattern owns its compiled forms; a matcher its scratch memory.
 * Threads  a pattern is immutable: any. A matcher: one run at a time.
 * Fails    E_SYNTAX   not a pattern; the sentence names the byte offset
 *          E_NOMEM
 */
#ifndef PICKET_SCRUB_PATTERN_H
#define PICKET_SCRUB_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define PATTERN_MAX_BYTES  65536
#define PATTERN_MAX_GROUPS 64

struct pattern;

enum pattern_flag {
	PATTERN_CASELESS = 1,
	PATTERN_NATIVE = 2 /* ours, in PCRE2's own spelling: no translation */
};

int pattern_new(struct pattern **ret, struct str source, unsigned flags, struct err *err);
void pattern_free(struct pattern *p);

struct matcher;

/* match_limit 0: the default, which grows with the subject. */
int matcher_new(struct matcher **ret, uint32_t match_limit);
void matcher_free(struct matcher *m);
/* As new, for another run. */
void matcher_reset(struct matcher *m);
/* Runs that hit a limit so far. */
unsigned matcher_limit_hits(const struct matcher *m);

enum match_end { MATCH_NONE, MATCH_FOUND, MATCH_LIMIT };

/* Where a match, or a group of it, lies. */
struct span_of {
	size_t from;
	size_t to;
	bool taken; /* false: the group took no part */
};

struct match_iter {
	struct matcher *m;
	const struct pattern *p;
	struct str subject;
	bool bytes;
	size_t at;
	size_t last_end; /* SIZE_MAX: none yet */
	uint32_t groups; /* valid after MATCH_FOUND: 1 + groups */
	struct span_of of[PATTERN_MAX_GROUPS];
};

/* subject is well-formed UTF-8 unless bytes. It must not change meanwhile. */
void match_begin(struct match_iter *it, struct matcher *m, const struct pattern *p,
	struct str subject, bool bytes);
/* Next match; an empty one where the last one ended is passed over. */
enum match_end match_next(struct match_iter *it);

/* Is there any match? */
enum match_end pattern_find(struct matcher *m, const struct pattern *p, struct str subject);

#endif
