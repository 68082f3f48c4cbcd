/* scrubber.h - the inside of a scrubber. For files of src/scrub only.
 *
 * Owns     as scrub.h.
 */
#ifndef PICKET_SCRUB_SCRUBBER_H
#define PICKET_SCRUB_SCRUBBER_H

#include "scrub/scratch.h"
#include "scrub/scrub.h"

struct scrubber {
	struct pattern_set patterns;
	struct piiconf *rules;    /* NULL: none */
	struct piiconf *defaults; /* NULL: nothing asked for */
	struct piiconf *deep;
	struct scratch_pool *pool;
	struct buf hash_key;
	bool scrub_data; /* GraphQL variables go */
	bool strip_default_pii;
	bool attachments;
	enum scrub_opaque opaque;
	bool no_quick;
	_Atomic uint64_t *passes; /* runs so far, for the clock */
};

/* What one run works with. */
struct run {
	const struct scrubber *s;
	struct scratch *scratch;
	struct redactor redactor;
	struct scrub_tally *tally;
	unsigned passes;           /* over the current document */
	struct rule_work *work[3]; /* of rules, defaults, deep; NULL: not counted */
	bool is_timed;
	enum attribute_mode default_attributes; /* how default scrubbing sees them */
	struct quick *looks;                    /* at the texts of the document, by node */
	size_t look_count;
};

int run_begin(struct run *r, const struct scrubber *s, struct arena *a, struct scrub_tally *tally);
void run_end(struct run *r);

/* The applications of one of s's configurations. */
void run_use(struct run *r, struct walk *w, const struct piiconf *c);
/* Where its rules count; NULL: nowhere. */
struct rule_work *run_work(const struct run *r, const struct piiconf *c);

/* One document, or one node that stands for one. */
int run_document(struct run *r, enum scrub_type t, struct json_doc *d, json_node root);

/* A payload: one document, or a list of items that are some. */
int run_root(struct run *r, enum scrub_type t, struct json_doc *d);

/* graphql.c: pii.md 12.4. */
void graphql_scrub(struct json_doc *d, json_node root, struct walk_tally *tally, int *rc);

#endif
