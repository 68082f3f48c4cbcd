/* loader.h - one run of reading settings: what its steps share.
 *
 *   load.c     opens files and conf.d, hands lines out, then the environment
 *   apply.c    one key: expand, parse, check, remember where it stood
 *   named.c    [project NAME], [sample NAME], [rule NAME]
 *   pairs.c    [tags] and [class_set]
 *   cross.c    what keys must be together
 *
 * Owns     the settings under construction, until they are handed out.
 * Threads  one at a time.
 */
#ifndef PICKET_CONFIG_LOADER_H
#define PICKET_CONFIG_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "config/settings.h"

/* Where a value stood: "FILE:LINE" or a variable's name. */
struct place {
	const char *text; /* NULL: nowhere, the default holds */
	size_t file;      /* number of the file, from 1; 0 for a variable */
};

/* Sections of a kind, as they are read (named.h). */
#define NAMED_KEYS_MAX 4
#define NAMED_KINDS    3
struct named_list {
	struct named *first, *last;
	size_t n;
};

enum pairs_kind { PAIRS_TAGS, PAIRS_CLASS_SETS, PAIRS_COUNT };
struct pair_draft {
	struct setting_pair pair;
	struct place place;
	struct pair_draft *next;
};
struct pair_drafts {
	struct pair_draft *first, *last;
	size_t n;
};

struct loader {
	struct arena *a;
	struct settings *s;
	const struct settings_source *from;
	struct err *err;
	struct place *places; /* one for each row of the table */
	const char *file;     /* being read */
	size_t file_number;
	const char *section;           /* of the table, or NULL */
	const struct named_kind *kind; /* of the section "in" */
	struct named *in;              /* when in a named section */
	struct named_list named[NAMED_KINDS];
	bool in_pairs; /* when in [tags] or [class_set] */
	enum pairs_kind pairs_kind;
	struct pair_drafts pairs[PAIRS_COUNT];
	const struct setting_line *lines; /* of the value being set; n of them */
	size_t lines_n;
};

/* Defaults into every field. */
int apply_defaults(struct loader *l);
/* One key as a file or variable has it; the error names place and key. */
int apply_setting(
	struct loader *l, const struct setting_info *info, struct str raw, const struct place *at);
/* "PLACE: SECTION.KEY: " in front of the sentence in l->err. Returns rc. */
int apply_fail(
	struct loader *l, int rc, const struct place *at, const char *section, struct str key);
/* Where the key stood; text is NULL for a default. The key must exist. */
const struct place *apply_place(const struct loader *l, const char *section, const char *key);

/* True when the keys of a section are the user's own. */
bool pairs_section(struct str section, enum pairs_kind *ret);
int pairs_set(struct loader *l, struct str name, struct str raw, const struct place *at);
int pairs_finish(struct loader *l);

int cross_check(struct loader *l);

/* The whole of it for one text in memory, within limit_bytes of memory (0: no
 * bound of its own). Tests and fuzzers start here. */
int load_text(struct settings **ret, const char *file, struct str text,
	const struct settings_source *from, size_t limit_bytes, struct err *err);
/* settings_load() with another directory than /etc/picket. */
int load_from(struct settings **ret, const char *dir, const struct settings_source *from,
	struct err *err);

#endif
