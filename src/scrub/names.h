/* names.h - the keys and indexes that selectors name.
 *
 * To selectors, two nodes differ in their keys only where one of them is named
 * somewhere. A name stands for all keys that are equal to selectors (case
 * does not count); 0 for those that nobody names.
 *
 *   names       of all selectors of a scrubber, made once
 *   name_cache  what was found out about keys lately: events use the same few
 *
 * Owns     names: copies nothing, selectors must outlive it. name_cache: all it holds.
 * Threads  names: immutable once made, any. name_cache: one at a time.
 * Fails    E_NOMEM
 */
#ifndef PICKET_SCRUB_NAMES_H
#define PICKET_SCRUB_NAMES_H

#include "scrub/piiconf.h"
#include "scrub/quick.h"

struct names;

#define NAME_NONE 0
/* A key that is not UTF-8: what it equals cannot be said by a name. */
#define NAME_ODD UINT32_MAX

/* A configuration may be NULL. */
int names_new(struct names **ret, const struct piiconf *const *confs, size_t count);
/* NULL is fine. */
void names_free(struct names *n);

uint32_t names_key(const struct names *n, struct str key);
/* 0 for an index that nobody names, and for -1. */
uint32_t names_index(const struct names *n, int64_t index);

struct name_facts {
	uint32_t name;
	struct quick look;
};

#define NAME_CACHE_KEYS 256

struct name_cache {
	struct name_entry {
		uint64_t words[2]; /* with n, all of a key of up to 16 bytes */
		uint32_t n;
		struct name_facts facts; /* look.bits 0: the entry is empty */
	} of[NAME_CACHE_KEYS];
};

/* Starts with zeros. A key without text counts as "". */
struct name_facts name_cache_look(struct name_cache *c, const struct names *n, struct str key);

#endif
