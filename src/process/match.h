/* match.h - patterns of [ignore]: names, globs, texts, regular expressions.
 *
 * Owns     struct patterns owns its regular expressions; texts belong to the
 *          settings, arrays to the arena they were compiled with.
 * Threads  read-only once compiled.
 * Fails    E_INVAL with "\"entry\" reason (remedy)"; E_NOMEM
 */
#ifndef PICKET_PROCESS_MATCH_H
#define PICKET_PROCESS_MATCH_H

#include "base/arena.h"
#include "config/settings.h"

enum pattern_kind { PATTERN_NAME, PATTERN_GLOB, PATTERN_TEXT, PATTERN_REGEX, PATTERN_SET };

struct regex;

struct pattern {
	enum pattern_kind kind;
	struct str text;
	struct regex *regex;
	struct str_list set; /* names of a class set */
};

struct patterns {
	size_t n;
	struct pattern *v;
};

/* What an entry without a mark of its own is. */
struct pattern_syntax {
	enum pattern_kind bare;      /* NAME: as it stands; TEXT: occurs */
	bool globs;                  /* bare with * ? or [ is a glob */
	bool regexes;                /* /.../flags */
	const struct settings *sets; /* class:NAME; NULL: no such thing */
};

int patterns_compile(struct patterns *ret, struct arena *a, const struct str_list *from,
	const struct pattern_syntax *syntax, struct err *err);
void patterns_fini(struct patterns *p);

/* One text against one pattern. A NAME and a SET compare whole texts. */
bool pattern_matches(const struct pattern *p, struct str s);
bool patterns_match(const struct patterns *p, struct str s);

#endif
