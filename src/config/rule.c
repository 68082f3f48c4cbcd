/* [rule NAME] sections. What they say is compiled by who runs them
 * (rules/ruleset.h). */
#include "config/named.h"

enum { ON, WHEN, THEN };

static int finish(struct loader *l, const struct named *first, size_t n)
{
	struct rule_setting *to = arena_calloc(l->a, n, sizeof *to);

	if (to == NULL)
		return err_set(l->err, E_NOMEM, "no memory for the settings");
	l->s->rules = to;
	l->s->rule_count = n;
	for (; first != NULL; first = first->next)
		*to++ = (struct rule_setting){
			.name = first->name,
			.place = first->place.text,
			.on = first->v[ON],
			.when = first->v[WHEN],
			.then = first->v[THEN],
		};
	return E_OK;
}

const struct named_kind rule_kind = {
	.word = "rule",
	.keys = {[ON] = {"on", NULL},
		[WHEN] = {"when", NULL},
		[THEN] = {"then", "what the rule does"}},
	.finish = finish,
};
