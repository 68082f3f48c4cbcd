/* case_judge.h - whether an envelope became what a test case expects.
 *
 * Owns     nothing.
 * Threads  one.
 * Fails    E_NOMEM
 */
#ifndef PICKET_CLI_CASE_JUDGE_H
#define PICKET_CLI_CASE_JUDGE_H

#include "cli/rule_case.h"

/* The first thing that is otherwise, in a sentence; *why stays empty when there
 * is none. */
int case_judge(struct case_file *f, const struct rule_case *c, const struct rehearsal *r,
	struct rehearsed *it, struct buf *why);

/* What became of the i-th item, to be compared with its input. False: it was
 * dropped. The side is empty, and *text the payload, when that is no JSON. */
bool case_outcome(const struct rule_case *c, struct rehearsed *it, size_t i, struct json_side *ret,
	struct str *text);

/* "before_send, sample_rate": why something was dropped. */
void case_reasons(const struct rehearsed *it, struct buf *out);
/* "rule NAME, sampling logs": what decided that, in the same order. */
void case_deciders(const struct rehearsed *it, struct buf *out);

#endif
