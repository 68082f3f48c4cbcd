/* chunks.h - a string of which parts were redacted before (pii.md 5.2).
 *
 * Rules run one after the other on the same string. What an earlier one put
 * there is not seen by the patterns of later ones: it stands as one U+0000 in
 * the text they search.
 *
 * Owns     nothing: texts live in the arena or are borrowed.
 * Threads  one at a time.
 * Fails    E_NOMEM
 */
#ifndef PICKET_SCRUB_CHUNKS_H
#define PICKET_SCRUB_CHUNKS_H

#include "scrub/meta.h"
#include "scrub/quick.h"

struct redactor {
	struct arena *arena;
	struct matcher *matcher;
	struct str hash_key; /* "" is what is upstream's hash */
	bool no_quick;       /* tests: run every pattern */
};

/* A string and its remarks. */
struct redacted {
	struct str text; /* well-formed UTF-8 */
	struct remarks rem;
	bool has_len;
	uint64_t len;
	bool changed;
	struct quick quick; /* zeros: nobody looked at text yet */
};

/* Runs one probe of a rule; as_anything: as if its pattern were ".*". Over the
 * match limit the whole value is redacted. */
int chunks_apply(struct redactor *k, const struct rule *r, const struct probe *p,
	const struct pattern *as_anything, struct redacted *v);

/* Malformed sequences become U+FFFD; s itself when there are none. */
struct str chunks_valid_utf8(struct arena *a, struct str s);
size_t chunks_count_points(struct str s);

/* The redaction of a piece of text; *letter says which kind it was. p == NULL:
 * no memory. */
struct str chunks_redaction(
	struct redactor *k, const struct redaction *how, struct str piece, char *letter);

#endif
