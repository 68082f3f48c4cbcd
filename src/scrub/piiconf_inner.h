/* piiconf_inner.h - the inside of a PII configuration. For piiconf*.c only.
 *
 * Owns     as piiconf.h.
 */
#ifndef PICKET_SCRUB_PIICONF_INNER_H
#define PICKET_SCRUB_PIICONF_INNER_H

#include "scrub/piiconf.h"
#include "json/json.h"

#define PIICONF_MAX_WARNINGS 32

struct piiconf {
	struct arena *arena;
	struct str text;
	struct json_doc *doc;
	const struct pattern_set *set;
	bool own;
	struct rule_def *defs;
	size_t def_count;
	struct pattern **patterns; /* of custom rules */
	size_t pattern_count;
	struct application *apps;
	size_t app_count;
	struct figures *figures;
	const char *warnings[PIICONF_MAX_WARNINGS];
	size_t warning_count;
};

void piiconf_place(const struct piiconf *c, json_node n, uint32_t *line, uint32_t *column);
int piiconf_warn(struct piiconf *c, const char *what, struct str of);
/* E_INVAL when a rule leads back to itself. */
int piiconf_check_loops(const struct piiconf *c, struct err *err);
/* Fills in the rules of one application from its list of names. */
int piiconf_collect(struct piiconf *c, struct application *app, json_node names, struct err *err);
void piiconf_sort(struct piiconf *c);

#endif
