/* The [rule NAME] sections at their place in the order of work.
 *
 *   rule_items     every item that is no container
 *   rule_entries   every entry of logs, metrics and spans
 *   carry_out      what rules said is to go, with all that is bound to it
 *
 * Client reports are never looked at: they are what Sentry is told about losses.
 */
#include "process/judge.h"

struct ruling {
	struct work *w;
	struct rules_run run;
	enum drop_reason *why;      /* of each item; DROP_NONE: it stays */
	const char *by[DROP_COUNT]; /* the first rule that dropped for that reason */
};

static void note_dropped(struct ruling *r, const struct rules_verdict *v)
{
	if (r->by[v->why] == NULL)
		r->by[v->why] = v->by;
}

/* --- sampling by a rule ---------------------------------------------------------- */

static bool draw_entry(const struct rule_scope *s, double rate)
{
	struct str text = json_text(s->doc, json_get(s->doc, s->root, STR("trace_id")));
	const struct dsc none = {.rate = 1.0};
	struct event_id id;
	struct draw draw;

	if (!event_id_parse(text, &id) || !draw_of_trace(&none, &id, NULL, &draw))
		draw = draw_of_text("", json_raw(s->doc, s->root));
	return draw_is_below(draw, rate);
}

static bool draw_for_rule(void *arg, struct rule_scope *s, double rate)
{
	const struct ruling *r = arg;
	struct work *w = r->w;

	switch (s->kind) {
	case RULE_TRANSACTION:
		/* Sampling comes later, and tells Sentry the rate. */
		if (rate < w->rule_rate) {
			w->rule_rate = rate;
			w->rule_by = r->run.asking;
		}
		return true;
	case RULE_BREADCRUMB:
	case RULE_LOG:
	case RULE_METRIC:
	case RULE_SPAN:
		return draw_entry(s, rate);
	default:
		if (w->e->has_event_id)
			return draw_is_below(draw_of_id(&w->e->event_id), rate);
		return draw_is_below(draw_of_text("", s->item->payload), rate);
	}
}

/* --- items ------------------------------------------------------------------------ */

static int count_spans(struct work *w, struct item *it, uint64_t gone)
{
	struct quantities *dropped;

	if (gone == 0)
		return E_OK;
	dropped = work_dropped(w, DROP_BEFORE_SEND);
	if (dropped == NULL)
		return E_NOMEM;
	work_by(w, "rule", w->ret->told.decided);
	work_decided(w, DROP_BEFORE_SEND);
	gone = gone < it->entries ? gone : it->entries;
	quantities_add(dropped, CAT_SPAN, gone);
	return item_set_count(w->e, it, it->entries - gone);
}

static int rule_items(struct ruling *r)
{
	struct envelope *e = r->w->e;

	for (size_t i = 0; i < e->item_count; i++) {
		struct item *it = &e->items[i];
		struct rules_verdict v;
		uint64_t spans;
		int rc;

		if (it->is_container || it->type == ITEM_CLIENT_REPORT ||
			!ruleset_is_on(r->run.rs, rule_kind_of(it->type)))
			continue;
		rc = rules_item(&r->run, it, &v, &spans);
		if (rc != E_OK)
			return rc;
		r->why[i] = v.is_dropped ? v.why : DROP_NONE;
		if (v.is_dropped)
			note_dropped(r, &v);
		if (!v.is_dropped && count_spans(r->w, it, spans) != E_OK)
			return E_NOMEM;
	}
	return E_OK;
}

static bool is_replay(const struct item *it)
{
	return it->type == ITEM_REPLAY_EVENT || it->type == ITEM_REPLAY_RECORDING ||
	       it->type == ITEM_REPLAY_VIDEO;
}

static enum drop_reason why_of(const struct ruling *r, enum item_type type)
{
	for (size_t i = 0; i < r->w->e->item_count; i++) {
		if (r->w->e->items[i].type == type && r->why[i] != DROP_NONE)
			return r->why[i];
	}
	return DROP_NONE;
}

/* A replay goes whole; an event or transaction with what is bound to it, which is
 * not for drop_items(). */
static void settle_reasons(struct ruling *r)
{
	const struct envelope *e = r->w->e;
	enum drop_reason replay = DROP_NONE;

	for (size_t i = 0; i < e->item_count; i++) {
		if (is_replay(&e->items[i]) && r->why[i] != DROP_NONE)
			replay = r->why[i];
	}
	for (size_t i = 0; i < e->item_count; i++) {
		const struct item *it = &e->items[i];

		if (is_replay(it))
			r->why[i] = replay;
		else if (it->type == ITEM_EVENT || it->type == ITEM_TRANSACTION)
			r->why[i] = DROP_NONE;
	}
}

struct leaving {
	const enum drop_reason *v; /* of each item, in order */
	enum drop_reason why;
	size_t at;
};

static bool is_leaving(void *arg, const struct item *it)
{
	struct leaving *l = arg;

	(void)it;
	return l->v[l->at++] == l->why;
}

/* Afterwards r->why stands beside the items that are left. */
static int drop_items(struct ruling *r, enum drop_reason why)
{
	struct leaving l = {r->why, why, 0};
	size_t before = r->w->e->item_count, kept = 0;
	int rc = work_drop_if(r->w, is_leaving, &l, why);

	for (size_t i = 0; i < before; i++) {
		if (r->why[i] != why)
			r->why[kept++] = r->why[i];
	}
	return rc;
}

static bool occurs(const struct ruling *r, enum drop_reason why)
{
	for (size_t i = 0; i < r->w->e->item_count; i++) {
		if (r->why[i] == why)
			return true;
	}
	return false;
}

static int carry_out(struct ruling *r)
{
	enum drop_reason event = why_of(r, ITEM_EVENT);
	enum drop_reason transaction = why_of(r, ITEM_TRANSACTION);
	int rc = E_OK;

	settle_reasons(r);
	for (int why = DROP_NONE + 1; why < DROP_COUNT && rc == E_OK; why++) {
		work_by(r->w, "rule", r->by[why]);
		if (occurs(r, (enum drop_reason)why))
			rc = drop_items(r, (enum drop_reason)why);
	}
	work_by(r->w, "rule", r->by[event]);
	if (rc == E_OK && event != DROP_NONE)
		rc = work_drop_event(r->w, event);
	work_by(r->w, "rule", r->by[transaction]);
	if (rc == E_OK && transaction != DROP_NONE)
		rc = work_drop_transaction(r->w, transaction);
	return rc;
}

/* --- entries ------------------------------------------------------------------------ */

struct verdict_of_entry {
	const struct json_doc *d;
	json_node entry;
	enum drop_reason why;
};

struct judging {
	struct ruling *r;
	enum item_type type;
	struct verdict_of_entry *v; /* of all entries, in their order */
	size_t n, at;
	enum drop_reason why; /* the one being carried out */
	uint64_t reasons;     /* bits of those that occur */
};

static int judge_container(struct judging *j, struct item *it)
{
	struct json_doc *d = item_payload(j->r->w->e, it);
	json_node items = json_get(d, json_root(d), STR("items"));

	for (json_node n = json_first(d, items); n != JSON_NONE; n = json_next(d, n)) {
		struct rules_verdict v;
		int rc = rules_entry(&j->r->run, it, d, n, &v);

		if (rc != E_OK)
			return rc;
		if (v.is_dropped) {
			j->reasons |= UINT64_C(1) << v.why;
			note_dropped(j->r, &v);
		}
		j->v[j->n++] = (struct verdict_of_entry){d, n, v.is_dropped ? v.why : DROP_NONE};
	}
	return E_OK;
}

/* Entries come in the same order again, without those that went meanwhile. */
static bool entry_is_leaving(void *arg, struct json_doc *d, json_node entry)
{
	struct judging *j = arg;

	while (j->at < j->n && (j->v[j->at].d != d || j->v[j->at].entry != entry))
		j->at++;
	return j->at < j->n && j->v[j->at].why == j->why;
}

static int rule_entries(struct ruling *r, enum item_type type)
{
	struct envelope *e = r->w->e;
	struct judging j = {.r = r, .type = type};
	uint64_t total = 0;
	int rc = E_OK;

	if (!ruleset_is_on(r->run.rs, rule_kind_of(type)))
		return E_OK;
	for (size_t i = 0; i < e->item_count; i++) {
		if (e->items[i].type == type && e->items[i].is_container)
			total += e->items[i].entries;
	}
	if (total == 0)
		return E_OK;
	j.v = arena_calloc(e->arena, (size_t)total, sizeof *j.v);
	if (j.v == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < e->item_count && rc == E_OK; i++) {
		if (e->items[i].type == type && e->items[i].is_container)
			rc = judge_container(&j, &e->items[i]);
	}
	for (int why = DROP_NONE + 1; why < DROP_COUNT && rc == E_OK; why++) {
		j.why = (enum drop_reason)why;
		j.at = 0;
		work_by(r->w, "rule", r->by[why]);
		if ((j.reasons & UINT64_C(1) << why) != 0)
			rc = work_drop_entries(r->w, type, entry_is_leaving, &j, j.why);
	}
	return rc;
}

int work_rules(struct work *w)
{
	static const enum item_type containers[] = {ITEM_LOG, ITEM_TRACE_METRIC, ITEM_SPAN};
	struct ruling r = {
		.w = w,
		.run = {.rs = w->j->rules,
			.st = state_of_rules(w->state),
			.e = w->e,
			.listener = w->e->from.peer_uid >= 0 ? STR("unix") : STR("http"),
			.now = w->now,
			.told = &w->ret->told,
			.draw = draw_for_rule},
	};
	int rc;

	r.run.draw_arg = &r;
	r.why = arena_calloc(w->e->arena, w->e->item_count + 1, sizeof *r.why);
	if (r.why == NULL)
		return work_no_memory(w);
	rc = rule_items(&r);
	if (rc == E_OK)
		rc = carry_out(&r);
	for (size_t i = 0; i < 3 && rc == E_OK; i++)
		rc = rule_entries(&r, containers[i]);
	return rc == E_OK ? E_OK : work_no_memory(w);
}
