/* [sample NAME] sections. What they say is compiled by who samples. */
#include "config/named.h"

enum { ON, WHEN, RATE, SCOPE };

static int finish(struct loader *l, const struct named *first, size_t n)
{
	struct sample_setting *to = arena_calloc(l->a, n, sizeof *to);

	if (to == NULL)
		return err_set(l->err, E_NOMEM, "no memory for the settings");
	l->s->samples = to;
	l->s->sample_count = n;
	for (; first != NULL; first = first->next)
		*to++ = (struct sample_setting){
			.name = first->name,
			.place = first->place.text,
			.on = first->v[ON],
			.when = first->v[WHEN],
			.rate = first->v[RATE],
			.scope = first->v[SCOPE],
		};
	return E_OK;
}

const struct named_kind sample_kind = {
	.word = "sample",
	.keys = {[ON] = {"on", "what it is about: event, transaction, ..."},
		[WHEN] = {"when", NULL},
		[RATE] = {"rate", "0 to 1, or inherit"},
		[SCOPE] = {"scope", NULL}},
	.finish = finish,
};
