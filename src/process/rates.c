/* Which rate concerns an item (sdk-semantics 2.2, 3.5; design 12.2).
 *
 * The first [sample NAME] whose condition is true decides, else [sampling]. A
 * transaction that continues a trace is judged by what its trace header says of
 * the head, so that all of a trace meet the same rate: a rule that reads anything
 * else does not concern it, unless its scope is the transaction.
 */
#include <stdlib.h>

#include "base/number.h"
#include "process/class_sets.h"
#include "process/judge.h"

/* What a trace header tells of the head, as conditions name it. */
static const char *const head_names[] = {
	"transaction", "release", "environment", "envelope.trace.*"};

static enum rule_kind rule_kind_of_sampled(enum sampled_kind kind)
{
	static const enum rule_kind kinds[SAMPLED_COUNT] = {
		[SAMPLED_ERROR] = RULE_EVENT,
		[SAMPLED_TRANSACTION] = RULE_TRANSACTION,
		[SAMPLED_PROFILE] = RULE_PROFILE,
		[SAMPLED_PROFILE_SESSION] = RULE_PROFILE,
		[SAMPLED_REPLAY] = RULE_REPLAY,
		[SAMPLED_LOG] = RULE_LOG,
		[SAMPLED_METRIC] = RULE_METRIC,
		[SAMPLED_SPAN] = RULE_SPAN,
	};

	return kinds[kind];
}

/* --- asking --------------------------------------------------------------------- */

/* A transaction of the head's facts, or NULL. */
static struct json_doc *head_of(struct work *w)
{
	static const char *const keys[] = {"transaction", "release", "environment"};
	struct json_doc *d = NULL;
	struct dsc dsc;
	int rc;

	dsc_read(w->e, &dsc);
	rc = json_parse(&d, w->e->arena, STR("{}"), NULL, NULL);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0] && rc == E_OK; i++) {
		struct str value = dsc_text(w->e, &dsc, str_of(keys[i]));

		if (value.n > 0)
			rc = json_set_string(d, json_root(d), str_of(keys[i]), value);
	}
	return rc == E_OK ? d : NULL;
}

struct asking {
	struct work *w;
	const struct rated *what;
	struct rule_scope scope, head; /* entered on first use */
	bool in_scope, in_head;
};

static struct rule_scope *own_scope(struct asking *a)
{
	const struct rated *what = a->what;

	if (!a->in_scope) {
		rule_scope_init(&a->scope, a->w->e->arena, a->w->now);
		a->scope.envelope = a->w->e;
		a->scope.item = what->it;
		rule_scope_enter(
			&a->scope, rule_kind_of_sampled(what->kind), what->doc, what->root);
	}
	a->in_scope = true;
	return &a->scope;
}

static struct rule_scope *head_scope(struct asking *a)
{
	struct json_doc *d;

	if (a->in_head)
		return &a->head;
	d = head_of(a->w);
	rule_scope_init(&a->head, a->w->e->arena, a->w->now);
	a->head.envelope = a->w->e;
	rule_scope_enter(&a->head, RULE_TRANSACTION, d, d != NULL ? json_root(d) : JSON_NONE);
	a->in_head = true;
	return &a->head;
}

static bool is_true(struct asking *a, const struct sample_rule *r)
{
	if (a->what->continues && !r->of_transaction) {
		if (!r->reads_head)
			return false;
		return r->when == NULL || condition_eval(r->when, head_scope(a)) == CONDITION_TRUE;
	}
	return r->when == NULL || condition_eval(r->when, own_scope(a)) == CONDITION_TRUE;
}

double rate_of(struct work *w, const struct rated *what)
{
	const struct judge *j = w->j;
	struct asking a = {.w = w, .what = what};

	for (size_t i = 0; i < j->sample_rules_n; i++) {
		const struct sample_rule *r = &j->sample_rules[i];

		if ((r->kinds & 1u << what->kind) != 0 && is_true(&a, r)) {
			work_by(w, "sample", j->settings->samples[i].name);
			return r->inherits ? 1 : r->rate;
		}
	}
	return rate_of_kind(w, what->kind);
}

double rate_of_kind(struct work *w, enum sampled_kind kind)
{
	static const char *const keys[SAMPLED_COUNT] = {
		[SAMPLED_ERROR] = "errors",
		[SAMPLED_TRANSACTION] = "transactions",
		[SAMPLED_PROFILE] = "profiles",
		[SAMPLED_PROFILE_SESSION] = "profile_sessions",
		[SAMPLED_REPLAY] = "replays",
		[SAMPLED_LOG] = "logs",
		[SAMPLED_METRIC] = "metrics",
		[SAMPLED_SPAN] = "spans",
	};

	work_by(w, "sampling", keys[kind]);
	return w->j->rate[kind];
}

/* --- compiling -------------------------------------------------------------------- */

static int blame(const struct sample_setting *s, const char *key, const struct setting_text *said,
	int rc, struct err *err)
{
	if (rc == E_NOMEM)
		return rc;
	return err_wrap(err, E_INVAL, "%s: sample %s.%s", said->place, s->name, key);
}

static bool add_kind(struct str word, unsigned *kinds)
{
	enum rule_kind kind;
	bool found = false;

	if (!rule_kind_parse(word, &kind))
		return false;
	for (unsigned k = 0; k < SAMPLED_COUNT; k++) {
		if (rule_kind_of_sampled((enum sampled_kind)k) != kind)
			continue;
		*kinds |= 1u << k;
		found = true;
	}
	return found;
}

static int compile_on(struct sample_rule *r, struct arena *a, struct str text, struct err *err)
{
	struct str_list words;

	if (class_set_split(text, a, &words) != E_OK)
		return err_set(err, E_NOMEM, "no memory for the settings");
	for (size_t i = 0; i < words.n; i++)
		if (!add_kind(str_of(words.v[i]), &r->kinds))
			return err_set(err, E_INVAL,
				"\"%s\" is nothing that is sampled (try event, transaction, "
				"profile, replay, log, metric or span)",
				words.v[i]);
	return r->kinds != 0 ? E_OK : err_set(err, E_INVAL, "is empty (try transaction)");
}

static int compile_rate(struct sample_rule *r, struct str text, struct err *err)
{
	r->inherits = str_ieq(text, STR("inherit"));
	if (r->inherits || (number_parse(text, &r->rate) && r->rate >= 0 && r->rate <= 1))
		return E_OK;
	return err_set(err, E_INVAL, "\"%.*s\" is not a rate (0 to 1, or inherit)",
		STR_ARG(str_first(text, 40)));
}

static int compile_scope(struct sample_rule *r, struct str text, struct err *err)
{
	r->of_transaction = str_ieq(text, STR("transaction"));
	if (r->of_transaction || text.n == 0 || str_ieq(text, STR("trace")))
		return E_OK;
	return err_set(err, E_INVAL, "\"%.*s\" is no scope (trace, or transaction)",
		STR_ARG(str_first(text, 40)));
}

static int compile_when(struct judge *j, struct sample_rule *r, struct str text, struct err *err)
{
	int rc = text.n > 0 ? condition_parse_in(&r->when, j->fields, text, err) : E_OK;

	if (rc == E_OK)
		r->reads_head =
			r->when == NULL || condition_reads_only(r->when, head_names,
						   sizeof head_names / sizeof head_names[0]);
	return rc;
}

static int compile(
	struct judge *j, struct sample_rule *r, const struct sample_setting *s, struct err *err)
{
	int rc = compile_on(r, j->arena, str_of(s->on.text), err);

	if (rc != E_OK)
		return blame(s, "on", &s->on, rc, err);
	rc = compile_rate(r, str_trim(str_of(s->rate.text)), err);
	if (rc != E_OK)
		return blame(s, "rate", &s->rate, rc, err);
	rc = compile_scope(r, str_trim(str_of(s->scope.text)), err);
	if (rc != E_OK)
		return blame(s, "scope", &s->scope, rc, err);
	rc = compile_when(j, r, str_of(s->when.text), err);
	return rc == E_OK ? rc : blame(s, "when", &s->when, rc, err);
}

int rates_compile(struct judge *j, struct err *err)
{
	const struct settings *s = j->settings;
	int rc = E_OK;

	if (s->sample_count == 0)
		return E_OK;
	j->fields = rule_fields_new();
	j->sample_rules = arena_calloc(j->arena, s->sample_count, sizeof *j->sample_rules);
	if (j->fields == NULL || j->sample_rules == NULL)
		return err_set(err, E_NOMEM, "no memory for the settings");
	j->sample_rules_n = s->sample_count;
	for (size_t i = 0; i < s->sample_count && rc == E_OK; i++) {
		rc = compile(j, &j->sample_rules[i], &s->samples[i], err);
		for (unsigned k = 0; k < SAMPLED_COUNT; k++)
			if ((j->sample_rules[i].kinds & 1u << k) != 0)
				j->is_sampled[k] = true;
	}
	return rc;
}

void rates_fini(struct judge *j)
{
	if (j->fields != NULL)
		rule_fields_free(j->fields);
	j->fields = NULL;
}
