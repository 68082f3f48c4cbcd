/* regex.h - regular expressions of rules. For the files of src/rules.
 *
 * A match that meets a limit counts as no match (design 12.7); what is longer
 * than 64 KiB is matched up to there.
 *
 * Owns     expressions belong to their struct rule_fields; what matching needs
 *          is arena memory of the scope.
 * Threads  expressions are read-only; matching needs a scope of its own.
 */
#ifndef PICKET_RULES_REGEX_H
#define PICKET_RULES_REGEX_H

#include "base/regex.h"
#include "rules/fields.h"

#define REGEX_SUBJECT_MAX ((size_t)64 * 1024)
#define REGEX_GROUPS      16u /* $0 to $15 */

struct rule_regex;

/* E_SYNTAX with the reason and *at, the offset in pattern; E_NOMEM. */
int rule_regex_compile(struct rule_fields *f, struct str pattern, bool any_case,
	const struct rule_regex **ret, size_t *at, struct err *err);
void rule_regex_free_all(struct rule_regex *first);
/* Number of the group called name, -1 for none. */
int rule_regex_group(const struct rule_regex *r, struct str name);
unsigned rule_regex_groups(const struct rule_regex *r);

/* groups may be NULL, else it has room for 2 * REGEX_GROUPS offsets, of which
 * those that took no part are SIZE_MAX. */
enum regex_end rule_regex_match(const struct rule_regex *r, struct rule_scope *s,
	struct str subject, size_t from, size_t *groups);

#endif
