/* figures.h - what each rule of a configuration found, and what it cost.
 *
 * Rules are told apart by the name they are reported by. A run counts for itself
 * and adds what it counted when it ends. One run in FIGURES_TIMED_EVERY looks at the
 * clock, and counts for the others.
 *
 * Owns     struct figures: a row for each name; the configuration has it.
 * Threads  adding and reading: any, at the same time.
 * Fails    figures_new: E_NOMEM. A run without memory counts nothing.
 */
#ifndef PICKET_SCRUB_FIGURES_H
#define PICKET_SCRUB_FIGURES_H

#include <stdatomic.h>

#include "base/arena.h"
#include "scrub/rule.h"

#define FIGURES_TIMED_EVERY 256

struct figures;
struct application;

/* What one run counted for one rule. */
struct rule_work {
	uint32_t runs; /* expressions that had to run */
	uint32_t hits; /* values they changed */
	uint64_t ns;
};

struct rule_figures {
	struct str rule;
	uint64_t runs, hits, time_ns;
};

/* Gives each rule of the applications its row. */
int figures_new(struct figures **ret, struct application *apps, size_t app_count);
/* NULL is fine. */
void figures_free(struct figures *f);

/* Counts runs; true for those that look at the clock. */
bool figures_is_timed(_Atomic uint64_t *runs);
/* Rows for a run, as many as f has; NULL: no memory, or f is NULL. */
struct rule_work *figures_begin(const struct figures *f, struct arena *a);
/* Adds them. work NULL is fine. */
void figures_end(struct figures *f, const struct rule_work *work);
size_t figures_count(const struct figures *f);

/* False past the last. */
bool figures_get(const struct figures *f, size_t i, struct rule_figures *ret);

#endif
