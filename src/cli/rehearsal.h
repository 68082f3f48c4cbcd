/* rehearsal.h - an envelope through the daemon's judgement, without a daemon.
 *
 * Settings are read and compiled as picketd does it, and an envelope takes the
 * same steps in the same code: it is framed, identified and measured, judged,
 * scrubbed. Nothing is stored, nothing is sent. Scrubbing is off where the
 * settings say nothing of [scrub], so that what rules do can be seen alone.
 *
 * Owns     settings, what they were compiled to, and what is remembered between
 *          envelopes (limits, dedupe, storms). A struct rehearsed owns its envelope.
 * Threads  one.
 * Fails    rehearsal_new: as settings_load() and judge_attach()
 *          rehearsal_take: as envelope_parse();  rehearsal_judge: E_NOMEM
 */
#ifndef PICKET_CLI_REHEARSAL_H
#define PICKET_CLI_REHEARSAL_H

#include "process/process.h"

struct rehearsal;

struct rehearsal_source {
	const char *file;       /* of the settings; or what text is called in sentences */
	struct str text;        /* p NULL: file is read, or the usual files if it is NULL */
	const char *const *env; /* NULL: none is consulted */
	const char *folder;     /* where names of files in the settings start; NULL: here */
};

int rehearsal_new(struct rehearsal **ret, const struct rehearsal_source *from, struct err *err);
/* NULL is fine. */
void rehearsal_free(struct rehearsal *r);
const struct settings *rehearsal_settings(const struct rehearsal *r);
/* NULL when there are none. */
const struct ruleset *rehearsal_rules(const struct rehearsal *r);

/* One envelope. */
struct rehearsed {
	struct envelope *e;
	const char **marks; /* of each item as it came: see rehearsed_item() */
	size_t items_n;
	struct process_result result;
};

/* Takes a copy of body in. from: who sent it. */
int rehearsal_take(
	const struct sender *from, struct str body, struct rehearsed *ret, struct err *err);
int rehearsal_judge(struct rehearsal *r, struct rehearsed *it, struct instant now, struct err *err);
void rehearsed_fini(struct rehearsed *it);
/* What became of the item that came i-th. NULL: it is gone. */
struct item *rehearsed_item(const struct rehearsed *it, size_t i);

/* What the i-th rule did since the last rehearsal_judge() began. False past the last. */
bool rehearsal_fired(const struct rehearsal *r, size_t i, struct rule_stats *ret);

#endif
