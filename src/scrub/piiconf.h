/* piiconf.h - a PII configuration, read and made ready to run (pii.md 2).
 *
 * What the JSON says and what runs is not in the same order: applications run
 * in the order of their selectors, the rules of one in the order of their
 * names, aliases and groups of rules replaced by what they stand for.
 *
 * Owns     everything it hands out. The pattern set is borrowed and must
 *          outlive it.
 * Threads  immutable once loaded: any.
 * Fails    E_SYNTAX, E_INVAL, E_UNSUPPORTED: what was written cannot be
 *          honoured; the sentence names rule or application, line and column.
 *          E_NOMEM
 */
#ifndef PICKET_SCRUB_PIICONF_H
#define PICKET_SCRUB_PIICONF_H

#include "scrub/figures.h"
#include "scrub/rule.h"
#include "scrub/selector.h"

#define PIICONF_MAX_BYTES (4u << 20)

struct application {
	struct selector *selector;
	struct rule *rules;
	size_t rule_count;
};

struct piiconf;

/* own: picket wrote it. There the patterns of the rule that holds sensitive
 * fields ignore case (its text cannot say so), and there is one rule type
 * more, redact_key, which looks at keys only. */
int piiconf_load(struct piiconf **ret, struct str json, const struct pattern_set *set, bool own,
	struct err *err);
/* NULL is fine. */
void piiconf_free(struct piiconf *c);

const struct application *piiconf_applications(const struct piiconf *c, size_t *count);
/* What its rules did. NULL is fine. */
struct figures *piiconf_figures(const struct piiconf *c);
/* What a person should be told: rules that do not exist, members without
 * effect. NULL past the last one. */
const char *piiconf_warning(const struct piiconf *c, size_t i);

#endif
