/* named.h - what [project NAME], [sample NAME] and [rule NAME] have in common.
 *
 * A kind says which keys its sections have and which of them are needed. Values
 * are kept as texts with their places; each kind's finish() puts them into the
 * settings, in the order of the files.
 *
 * Owns     nothing: all of it is memory of the loader's arena.
 * Threads  that of the loader.
 * Fails    E_INVAL with "PLACE: KIND NAME.KEY: reason (remedy)"; E_NOMEM
 */
#ifndef PICKET_CONFIG_NAMED_H
#define PICKET_CONFIG_NAMED_H

#include "config/loader.h"

struct named_key {
	const char *name;
	const char *missing; /* what it is for, where it is needed; NULL: it is not */
};

/* One section. */
struct named {
	const char *name;
	struct place place; /* of the section line */
	struct setting_text v[NAMED_KEYS_MAX];
	struct named *next;
};

struct named_kind {
	const char *word; /* [WORD NAME] */
	struct named_key keys[NAMED_KEYS_MAX];
	/* Only the reason; NULL: any text will do. */
	int (*check)(struct loader *l, const char *key, struct str v);
	/* The sections in order; n of them. */
	int (*finish)(struct loader *l, const struct named *first, size_t n);
};

extern const struct named_kind project_kind, sample_kind, rule_kind;

/* Takes up a section if its header is of a named kind. */
int named_begin(struct loader *l, struct str header, const struct place *at, bool *taken);
/* A key of the section taken up last. */
int named_set(struct loader *l, struct str key, struct str raw, const struct place *at);
/* Names are unique and what is needed is there: into the settings. */
int named_finish(struct loader *l);

#endif
