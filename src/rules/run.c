/* Rules at work on one item or element.
 *
 *   rules_item    every rule in order: on the item, then on its breadcrumbs and spans
 *   rules_entry   every rule in order on one log, metric or span of a container
 *   act           what a rule that was true does
 *
 * "keep" ends the rules for what it was said of, "drop" for it and all in it.
 */
#include <string.h>
#include <time.h>

#include "rules/limit.h"
#include "rules/meta.h"
#include "rules/rule.h"

/* A clock is looked at for one judgement in so many. */
#define TIMED_EVERY 16u
#define KEPT_MAX    64u

enum end { END_ON, END_KEEP, END_DROP };

/* What stands before the rules. */
struct subject {
	struct rules_run *r;
	struct item *it;
	struct rule_scope scope;
	struct acting acting;
	enum drop_reason why;
	const char *by;           /* the rule that dropped it */
	json_node kept[KEPT_MAX]; /* parts that a rule said to keep */
	size_t kept_n;
};

static void subject_init(struct subject *sub, struct rules_run *r, struct item *it)
{
	memset(sub, 0, sizeof *sub);
	sub->r = r;
	sub->it = it;
	rule_scope_init(&sub->scope, r->e->arena, r->now);
	sub->scope.envelope = r->e;
	sub->scope.item = it;
	sub->scope.listener = r->listener;
	sub->acting = (struct acting){r->rs->fields, &sub->scope, 0};
}

static void count(_Atomic uint64_t *n, uint64_t by)
{
	if (by > 0)
		(void)atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool evaluate(struct subject *sub, const struct rule *rule)
{
	return rule->when == NULL || condition_eval(rule->when, &sub->scope) == CONDITION_TRUE;
}

static void tell_hit(struct rules_told *t, const struct rule *rule)
{
	for (size_t i = 0; i < t->hits_n; i++) {
		if (t->hits[i] == rule->name)
			return;
	}
	if (t->hits_n < RULES_TOLD_MAX)
		t->hits[t->hits_n++] = rule->name;
}

static bool is_true(struct subject *sub, struct rule *rule)
{
	uint64_t seen = atomic_load_explicit(&rule->hits, memory_order_relaxed) +
			atomic_load_explicit(&rule->misses, memory_order_relaxed);
	uint64_t start = seen % TIMED_EVERY == 0 ? now_ns() : 0;
	bool is;

	sub->scope.missing = 0;
	sub->scope.errors = 0;
	is = evaluate(sub, rule);
	if (start != 0)
		count(&rule->time_ns, (now_ns() - start) * TIMED_EVERY);
	count(is ? &rule->hits : &rule->misses, 1);
	if (is)
		tell_hit(sub->r->told, rule);
	count(&rule->missing, sub->scope.missing);
	count(&rule->errors, sub->scope.errors);
	return is;
}

/* --- actions -------------------------------------------------------------------------- */

/* Rule, action and what it is counted by. A missing value counts as one of its own. */
static bool limit_passes(struct subject *sub, const struct rule *rule, const struct rule_action *a)
{
	struct rules_run *r = sub->r;
	struct buf key = BUF_INIT;
	bool passes;

	for (size_t i = 0; i < a->by_n; i++) {
		const struct rule_term t = {.kind = TERM_PATH, .path = a->by[i]};
		struct str text;

		if (term_text(&t, r->rs->fields, &sub->scope, &text)) {
			buf_printf(&key, "%zu:", text.n);
			buf_str(&key, text);
		}
		buf_char(&key, ',');
	}
	passes = !buf_ok(&key) ||
		 limit_take(r->st,
			 limit_key(r->st, rule->id + (uint64_t)(a - rule->then.v), buf_view(&key)),
			 a->n, a->period_ms, r->now.mono_ms);
	buf_fini(&key);
	return passes;
}

/* One copy of an envelope for each project, however many of its items ask. */
static void tell_duplicate(struct rules_told *t, const char *project)
{
	for (size_t i = 0; i < t->duplicates_n; i++)
		if (strcmp(t->duplicates[i], project) == 0)
			return;
	if (t->duplicates_n < RULES_TOLD_MAX)
		t->duplicates[t->duplicates_n++] = project;
}

static void tell(struct rules_run *r, const struct rule *rule, const struct rule_action *a)
{
	struct rules_told *t = r->told;

	if (a->kind == ACTION_ROUTE)
		t->route = a->text.p; /* arena texts end in NUL */
	else if (a->kind == ACTION_DUPLICATE)
		tell_duplicate(t, a->text.p);
	else if (a->kind == ACTION_LOG && t->notes_n < RULES_TOLD_MAX) {
		t->notes[t->notes_n].rule = rule->name;
		t->notes[t->notes_n++].text = a->text.p;
	}
}

static enum end drop(struct subject *sub, struct rule *rule, enum drop_reason why)
{
	sub->why = why;
	sub->by = rule->name;
	count(&rule->dropped, 1);
	sub->r->told->decided = rule->name;
	return END_DROP;
}

static int act_one(
	struct subject *sub, struct rule *rule, const struct rule_action *a, enum end *end)
{
	struct rules_run *r = sub->r;
	uint32_t trouble = sub->acting.trouble;
	int rc = E_OK;

	switch (a->kind) {
	case ACTION_DROP:
		*end = drop(sub, rule, a->reason);
		break;
	case ACTION_KEEP:
		*end = END_KEEP;
		break;
	case ACTION_SAMPLE:
		r->asking = rule->name;
		if (!r->draw(r->draw_arg, &sub->scope, a->rate))
			*end = drop(sub, rule, DROP_SAMPLE_RATE);
		break;
	case ACTION_LIMIT:
		if (!limit_passes(sub, rule, a))
			*end = drop(sub, rule, DROP_BEFORE_SEND);
		break;
	case ACTION_ROUTE:
	case ACTION_DUPLICATE:
	case ACTION_LOG:
		tell(r, rule, a);
		break;
	case ACTION_COUNT:
		count(&r->rs->counters[a->counter].n, 1);
		break;
	default:
		rc = action_edit(a, &sub->acting);
		count(&rule->errors, sub->acting.trouble - trouble);
		break;
	}
	return rc;
}

static int judge(struct subject *sub, struct rule *rule, enum end *end)
{
	int rc = E_OK;

	*end = END_ON;
	if (!is_true(sub, rule))
		return E_OK;
	for (size_t i = 0; i < rule->then.n && rc == E_OK && *end == END_ON; i++)
		rc = act_one(sub, rule, &rule->then.v[i], end);
	return rc;
}

/* --- breadcrumbs and spans --------------------------------------------------------------- */

/* {"values": [...]} or [...]. */
static json_node list_of(struct json_doc *d, json_node root, enum rule_kind part)
{
	json_node n =
		json_get(d, root, part == RULE_BREADCRUMB ? STR("breadcrumbs") : STR("spans"));
	json_node values = json_get(d, n, STR("values"));

	return json_type_of(d, values) == JSON_TYPE_ARRAY ? values : n;
}

static bool is_kept(const struct subject *sub, json_node n)
{
	for (size_t i = 0; i < sub->kept_n; i++) {
		if (sub->kept[i] == n)
			return true;
	}
	return false;
}

static int judge_parts(struct subject *sub, struct rule *rule, enum rule_kind part, json_node root)
{
	struct json_doc *d = sub->scope.doc;
	json_node next;
	int rc = E_OK;

	for (json_node n = json_first(d, list_of(d, root, part)); n != JSON_NONE && rc == E_OK;
		n = next) {
		enum end end;

		next = json_next(d, n);
		if (is_kept(sub, n))
			continue;
		rule_scope_enter(&sub->scope, part, d, n);
		rc = judge(sub, rule, &end);
		if (rc == E_OK && end == END_DROP)
			rc = json_remove(d, n);
		else if (end == END_KEEP && sub->kept_n < KEPT_MAX)
			sub->kept[sub->kept_n++] = n;
	}
	return rc;
}

static uint64_t count_parts(const struct subject *sub, json_node root, enum rule_kind part)
{
	struct json_doc *d = sub->scope.doc;

	return json_count(d, list_of(d, root, part));
}

/* Rules on the parts of an event, and what is noted about those that went. */
static int parts_of(struct subject *sub, struct rule *rule, json_node root)
{
	enum rule_kind kind = sub->scope.kind;
	struct json_doc *d = sub->scope.doc;
	uint64_t crumbs, spans;
	int rc = E_OK;

	if (rule->parts == 0 || d == NULL || (kind != RULE_EVENT && kind != RULE_TRANSACTION))
		return E_OK;
	crumbs = count_parts(sub, root, RULE_BREADCRUMB);
	spans = count_parts(sub, root, RULE_SPAN);
	if ((rule->parts & 1u << RULE_BREADCRUMB) != 0)
		rc = judge_parts(sub, rule, RULE_BREADCRUMB, root);
	if (rc == E_OK && (rule->parts & 1u << RULE_SPAN) != 0)
		rc = judge_parts(sub, rule, RULE_SPAN, root);
	rule_scope_enter(&sub->scope, kind, d, root);
	if (rc == E_OK && count_parts(sub, root, RULE_BREADCRUMB) < crumbs)
		rc = meta_list_length(
			d, sub->scope.arena, list_of(d, root, RULE_BREADCRUMB), crumbs);
	if (rc == E_OK && count_parts(sub, root, RULE_SPAN) < spans)
		rc = meta_list_length(d, sub->scope.arena, list_of(d, root, RULE_SPAN), spans);
	rule_scope_edited(&sub->scope);
	return rc;
}

/* --- items and entries ---------------------------------------------------------------------- */

static int judge_all(
	struct subject *sub, enum rule_kind kind, json_node root, struct rules_verdict *ret)
{
	const struct ruleset *rs = sub->r->rs;
	int rc = E_OK;

	for (size_t i = 0; i < rs->n && rc == E_OK; i++) {
		struct rule *rule = &rs->v[i];
		enum end end = END_ON;

		if ((rule->kinds & 1u << kind) != 0)
			rc = judge(sub, rule, &end);
		if (rc == E_OK && end == END_ON)
			rc = parts_of(sub, rule, root);
		if (end == END_ON)
			continue;
		*ret = (struct rules_verdict){end == END_DROP, sub->why, sub->by};
		return rc;
	}
	return rc;
}

/* What is not JSON has no fields, but its kind and its envelope. */
static bool is_json(const struct item *it)
{
	switch (it->type) {
	case ITEM_ATTACHMENT:
	case ITEM_REPLAY_RECORDING:
	case ITEM_REPLAY_VIDEO:
	case ITEM_STATSD:
	case ITEM_UNKNOWN:
		return false;
	default:
		return true;
	}
}

int rules_item(struct rules_run *r, struct item *it, struct rules_verdict *ret, uint64_t *spans)
{
	enum rule_kind kind = rule_kind_of(it->type);
	struct json_doc *d = is_json(it) ? item_payload(r->e, it) : NULL;
	json_node root = d != NULL ? json_root(d) : JSON_NONE;
	struct subject sub;
	uint64_t before;
	int rc;

	*ret = (struct rules_verdict){.is_dropped = false};
	*spans = 0;
	subject_init(&sub, r, it);
	rule_scope_enter(&sub.scope, kind, d, root);
	before = d != NULL ? count_parts(&sub, root, RULE_SPAN) : 0;
	rc = judge_all(&sub, kind, root, ret);
	if (rc == E_OK && d != NULL && kind == RULE_TRANSACTION) {
		uint64_t after = count_parts(&sub, root, RULE_SPAN);

		*spans = before > after ? before - after : 0;
	}
	return rc;
}

int rules_entry(struct rules_run *r, struct item *it, struct json_doc *d, json_node entry,
	struct rules_verdict *ret)
{
	enum rule_kind kind = rule_kind_of(it->type);
	struct subject sub;

	*ret = (struct rules_verdict){.is_dropped = false};
	subject_init(&sub, r, it);
	rule_scope_enter(&sub.scope, kind, d, entry);
	return judge_all(&sub, kind, entry, ret);
}
