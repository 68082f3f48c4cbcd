/* bytes.h - rules on bytes: attachments, memory (pii.md 13).
 *
 * The length never changes: what is redacted is overwritten. Text is found as
 * single bytes and as UTF-16LE.
 *
 * Owns     nothing.
 * Threads  one at a time.
 * Fails    E_NOMEM. A rule over the match limit overwrites everything.
 */
#ifndef PICKET_SCRUB_BYTES_H
#define PICKET_SCRUB_BYTES_H

#include "scrub/scrubber.h"

enum bytes_as {
	BYTES_ALL,   /* as bytes, and what looks like UTF-16LE in them */
	BYTES_UTF8,  /* as bytes only */
	BYTES_UTF16, /* what looks like UTF-16LE only */
	BYTES_WIDE   /* UTF-16LE, however short */
};

/* states: the way to these bytes. *changed is set when something was written. */
int bytes_scrub(struct run *r, const struct piiconf *c, const struct pii_state *states,
	size_t depth, enum bytes_as as, char *data, size_t n, bool *changed);
/* True when some application reaches this state. */
bool bytes_selected(const struct piiconf *c, const struct pii_state *states, size_t depth);

/* Runs of well-formed UTF-16LE of at least so many characters. */
#define UTF16_MIN_CHARS 5
/* The next one at or after *at; *at is moved behind it. False: no more. */
bool utf16_segment(const char *data, size_t n, size_t *at, size_t *from, size_t *to);
/* The same for runs of at least min characters. */
bool utf16_run(const char *data, size_t n, size_t min, size_t *at, size_t *from, size_t *to);
/* In the arena as UTF-8; p == NULL: no memory. */
struct str utf16_decode(struct arena *a, const char *data, size_t n);

#endif
