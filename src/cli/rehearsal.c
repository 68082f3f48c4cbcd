#include "cli/rehearsal.h"

#include <stdlib.h>

#include "envelope/codec.h"
#include "scrub/scrub.h"

struct rehearsal {
	struct settings *settings;
	struct judge_state *state;
	struct arena *arena;
	struct rule_stats *before; /* of each rule, when judging began */
};

/* --- settings -------------------------------------------------------------------- */

static bool says_scrub(const struct settings *s)
{
	size_t n;
	const struct setting_info *table = settings_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].section, "scrub") == 0 &&
			settings_where(s, "scrub", table[i].key) != NULL)
			return true;
	}
	return false;
}

static void scrub_nothing(struct settings *s)
{
	s->scrub.defaults = false;
	s->scrub.deep = false;
	s->scrub.ip_addresses = false;
	s->scrub.attachments = false;
	s->scrub.opaque = SETTING_OPAQUE_PASS;
}

static int from_folder(struct rehearsal *r, const char *folder, const char **name, struct err *err)
{
	struct str joined;

	if (folder == NULL || **name == '\0' || **name == '/')
		return E_OK;
	joined = arena_printf(r->arena, "%s/%s", folder, *name);
	if (joined.p == NULL)
		return err_set(err, E_NOMEM, "no memory for the settings");
	*name = joined.p;
	return E_OK;
}

static int load(struct rehearsal *r, const struct rehearsal_source *from, struct err *err)
{
	/* Nothing is sent: no upstream is needed. */
	const struct settings_source source = {from->file, from->env, true};
	int rc = from->text.p != NULL ? settings_parse_text(&r->settings, from->text, &source, err)
				      : settings_load(&r->settings, &source, err);

	if (rc == E_OK)
		rc = from_folder(r, from->folder, &r->settings->hooks.script, err);
	if (rc == E_OK)
		rc = from_folder(r, from->folder, &r->settings->scrub.rules, err);
	if (rc != E_OK)
		return rc;
	if (!says_scrub(r->settings))
		scrub_nothing(r->settings);
	rc = judge_attach(r->settings, from->env, err);
	if (rc != E_OK)
		return rc;
	r->before =
		arena_calloc(r->arena, ruleset_count(rehearsal_rules(r)) + 1, sizeof *r->before);
	return r->before != NULL ? judge_state_new(&r->state, err)
				 : err_set(err, E_NOMEM, "no memory for the settings");
}

int rehearsal_new(struct rehearsal **ret, const struct rehearsal_source *from, struct err *err)
{
	struct rehearsal *r = calloc(1, sizeof *r);
	int rc = E_NOMEM;

	if (r != NULL)
		r->arena = arena_new(1024, 0);
	if (r == NULL || r->arena == NULL)
		(void)err_set(err, rc, "no memory for the settings");
	else
		rc = load(r, from, err);
	if (rc == E_OK)
		*ret = r;
	else
		rehearsal_free(r);
	return rc;
}

void rehearsal_free(struct rehearsal *r)
{
	if (r == NULL)
		return;
	judge_state_free(r->state);
	settings_unref(r->settings);
	arena_free(r->arena);
	free(r);
}

const struct settings *rehearsal_settings(const struct rehearsal *r)
{
	return r->settings;
}

const struct ruleset *rehearsal_rules(const struct rehearsal *r)
{
	return judge_rules(judge_of(r->settings));
}

/* --- one envelope ------------------------------------------------------------------ */

static int mark(struct rehearsed *it)
{
	it->items_n = it->e->item_count;
	it->marks = arena_calloc(it->e->arena, it->items_n + 1, sizeof *it->marks);
	if (it->marks == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < it->items_n; i++)
		it->marks[i] = it->e->items[i].header_text.p;
	return E_OK;
}

int rehearsal_take(
	const struct sender *from, struct str body, struct rehearsed *ret, struct err *err)
{
	struct envelope *e = envelope_new();
	struct str copy = e != NULL ? arena_dup(e->arena, body) : STR_EMPTY;
	int rc;

	*ret = (struct rehearsed){.e = e};
	if (e == NULL || copy.p == NULL) {
		rehearsed_fini(ret);
		return err_set(err, E_NOMEM, "no memory for an envelope");
	}
	e->from = *from;
	rc = envelope_parse(e, copy, NULL, err);
	if (rc == E_OK && mark(ret) != E_OK)
		rc = err_set(err, E_NOMEM, "no memory for an envelope");
	if (rc == E_OK)
		rc = envelope_identify(e, err);
	if (rc == E_OK)
		rc = envelope_measure(e, &e->invalid, err);
	if (rc != E_OK)
		rehearsed_fini(ret);
	return rc;
}

static void remember_stats(struct rehearsal *r)
{
	const struct ruleset *rs = rehearsal_rules(r);

	for (size_t i = 0; i < ruleset_count(rs); i++)
		ruleset_stats(rs, i, &r->before[i]);
}

int rehearsal_judge(struct rehearsal *r, struct rehearsed *it, struct instant now, struct err *err)
{
	const struct judge *j = judge_of(r->settings);
	struct scrub_tally scrubbed;
	int rc;

	remember_stats(r);
	it->e->from.received = now;
	rc = process_run(j, r->state, it->e, now, &it->result, err);
	if (rc == E_OK)
		rc = process_scrub(j, it->e, &it->result, &scrubbed, err);
	/* In the daemon, once it is stored. */
	if (rc == E_OK && it->result.is_unique && it->e->has_event_id)
		judge_state_stored(r->state, &it->e->event_id, now);
	return rc;
}

void rehearsed_fini(struct rehearsed *it)
{
	process_result_fini(&it->result);
	envelope_free(it->e);
	it->e = NULL;
}

struct item *rehearsed_item(const struct rehearsed *it, size_t i)
{
	for (size_t k = 0; i < it->items_n && k < it->e->item_count; k++) {
		if (it->e->items[k].header_text.p == it->marks[i])
			return &it->e->items[k];
	}
	return NULL;
}

bool rehearsal_fired(const struct rehearsal *r, size_t i, struct rule_stats *ret)
{
	const struct ruleset *rs = rehearsal_rules(r);

	if (i >= ruleset_count(rs))
		return false;
	ruleset_stats(rs, i, ret);
	ret->hits -= r->before[i].hits;
	ret->misses -= r->before[i].misses;
	ret->dropped -= r->before[i].dropped;
	ret->missing -= r->before[i].missing;
	ret->errors -= r->before[i].errors;
	ret->time_ns -= r->before[i].time_ns;
	return true;
}
