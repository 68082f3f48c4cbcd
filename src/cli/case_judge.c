#include "cli/case_judge.h"

#include "rules/ruleset.h"

#define SHOWN_BYTES 160u

struct judging {
	struct case_file *f;
	const struct rule_case *c;
	const struct rehearsal *r;
	struct rehearsed *it;
	struct buf *why;
};

/* --- what became of it -------------------------------------------------------------- */

static json_node part_of(struct json_doc *d, enum case_form form)
{
	json_node root = json_root(d), list;

	if (form == CASE_ITEM)
		return root;
	if (form == CASE_ENTRY)
		return json_at(d, json_get(d, root, STR("items")), 0);
	list = json_get(d, root, STR("breadcrumbs"));
	return json_at(d, json_get(d, list, STR("values")), 0);
}

bool case_outcome(const struct rule_case *c, struct rehearsed *it, size_t i, struct json_side *ret,
	struct str *text)
{
	struct item *item = rehearsed_item(it, i);

	*ret = (struct json_side){NULL, JSON_NONE};
	*text = STR_EMPTY;
	if (item == NULL)
		return false;
	*text = item->payload;
	ret->d = item_payload(it->e, item);
	if (ret->d != NULL)
		ret->n = part_of(ret->d, c->items[i].form);
	return ret->n != JSON_NONE || c->items[i].form == CASE_ITEM;
}

static bool is_reason(const struct rehearsed *it, enum drop_reason why)
{
	if (why == DROP_INVALID && !quantities_empty(&it->e->invalid))
		return true;
	return it->result.dropped != NULL && !quantities_empty(&it->result.dropped[why]);
}

void case_reasons(const struct rehearsed *it, struct buf *out)
{
	const char *between = "";

	for (int why = DROP_NONE + 1; why < DROP_COUNT; why++) {
		if (!is_reason(it, (enum drop_reason)why))
			continue;
		buf_printf(out, "%s%s", between, drop_name((enum drop_reason)why));
		between = ", ";
	}
}

void case_deciders(const struct rehearsed *it, struct buf *out)
{
	const struct process_result *result = &it->result;
	size_t before = out->n;

	for (int why = DROP_NONE + 1; why < DROP_COUNT; why++) {
		if (!is_reason(it, (enum drop_reason)why) || result->by[why].what == NULL)
			continue;
		buf_cstr(out, out->n > before ? ", " : "");
		decided_write(&result->by[why], out);
	}
	/* What breadcrumbs lose has no reason. */
	if (out->n == before && result->told.decided != NULL)
		buf_printf(out, "rule %s", result->told.decided);
}

/* --- items ------------------------------------------------------------------------- */

static bool expects(const struct judging *j, const struct case_item *it, const char *word)
{
	return json_type_of(j->f->d, it->expect) == JSON_TYPE_STRING &&
	       str_eq(json_text(j->f->d, it->expect), str_of(word));
}

static void tell_dropped(struct judging *j, const struct case_item *it)
{
	buf_printf(j->why, "%.*sinput: was dropped (", STR_ARG(it->where));
	case_reasons(j->it, j->why);
	buf_cstr(j->why, ") by ");
	case_deciders(j->it, j->why);
}

static void show_side(struct buf *out, struct json_side s)
{
	if (s.n == JSON_NONE)
		buf_cstr(out, "nothing");
	else
		compare_show(s, SHOWN_BYTES, out);
}

struct differing {
	struct judging *j;
	const struct case_item *it;
	bool has_meta; /* the expectation does */
};

/* What SDKs and rules note about cut and filtered values is compared only where a
 * case says what it shall be. */
static bool tell_difference(void *arg, struct str path, struct json_side a, struct json_side b)
{
	struct differing *d = arg;

	if (!d->has_meta && str_eq(path, STR("_meta")))
		return true;
	buf_printf(d->j->why, "%.*s%.*s: expected ", STR_ARG(d->it->where),
		STR_ARG(path.n > 0 ? path : STR("input")));
	show_side(d->j->why, a);
	buf_cstr(d->j->why, ", found ");
	show_side(d->j->why, b);
	return false;
}

static int judge_payload(
	struct judging *j, const struct case_item *it, struct json_side found, struct str text)
{
	bool same = expects(j, it, "unchanged");
	struct json_side want = {j->f->d, same ? it->input : it->expect};
	struct differing d = {
		j, it, same || json_get(j->f->d, it->expect, STR("_meta")) != JSON_NONE};

	if (json_type_of(want.d, want.n) != JSON_TYPE_STRING || it->form != CASE_ITEM)
		return compare_json(want, found, tell_difference, &d);
	if (!str_eq(json_text(want.d, want.n), text))
		buf_printf(j->why, "%.*sinput: the payload is another", STR_ARG(it->where));
	return E_OK;
}

static void judge_reason(struct judging *j, const struct case_item *it)
{
	struct str name = json_text(j->f->d, it->reason);
	enum drop_reason why;

	if (it->reason == JSON_NONE || !drop_parse(name, &why) || is_reason(j->it, why))
		return;
	buf_printf(j->why, "%.*sreason: expected %.*s, found ", STR_ARG(it->where), STR_ARG(name));
	if (it->form == CASE_BREADCRUMB)
		buf_cstr(j->why, "none: what breadcrumbs lose is not reported");
	else
		case_reasons(j->it, j->why);
}

static int judge_item(struct judging *j, size_t i)
{
	const struct case_item *it = &j->c->items[i];
	struct json_side found;
	struct str text;
	bool is_there = case_outcome(j->c, j->it, i, &found, &text);

	if (it->expect == JSON_NONE)
		return E_OK;
	if (expects(j, it, "dropped")) {
		if (is_there)
			buf_printf(j->why, "%.*sinput: expected to be dropped, was kept",
				STR_ARG(it->where));
		else
			judge_reason(j, it);
		return E_OK;
	}
	if (is_there)
		return judge_payload(j, it, found, text);
	tell_dropped(j, it);
	return E_OK;
}

/* --- what rules said ------------------------------------------------------------------- */

static void judge_text(struct judging *j, const char *member, json_node want, const char *found)
{
	struct str text = json_text(j->f->d, want);

	if (want == JSON_NONE || str_eq(text, str_of(found)))
		return;
	buf_printf(j->why, "%s: expected \"%.*s\", found %s%s%s", member, STR_ARG(text),
		found != NULL ? "\"" : "", found != NULL ? found : "nothing",
		found != NULL ? "\"" : "");
}

static void judge_by(struct judging *j)
{
	struct buf found = BUF_INIT;
	size_t n;

	case_deciders(j->it, &found);
	n = found.n;
	buf_char(&found, '\0');
	if (buf_ok(&found))
		judge_text(j, "by", j->c->by, n > 0 ? found.p : NULL);
	buf_fini(&found);
}

/* Both are lists of texts: those of the case, and n that were told. */
static void judge_texts(
	struct judging *j, const char *member, json_node want, const char *const *found, size_t n)
{
	json_node m = json_first(j->f->d, want);

	if (want == JSON_NONE)
		return;
	for (size_t i = 0; i < n || m != JSON_NONE; i++) {
		if (i >= n || m == JSON_NONE || !str_eq(json_text(j->f->d, m), str_of(found[i]))) {
			buf_printf(j->why, "%s[%zu]: expected ", member, i);
			show_side(j->why, (struct json_side){j->f->d, m});
			buf_cstr(j->why, ", found ");
			buf_cstr(j->why, i < n ? found[i] : "nothing");
			return;
		}
		m = json_next(j->f->d, m);
	}
}

static void judge_told(struct judging *j)
{
	const struct rules_told *told = &j->it->result.told;
	const char *logs[RULES_TOLD_MAX] = {NULL};

	for (size_t i = 0; i < told->notes_n; i++)
		logs[i] = told->notes[i].text;
	judge_by(j);
	if (j->why->n == 0)
		judge_text(j, "route", j->c->route, told->route);
	if (j->why->n == 0)
		judge_texts(
			j, "duplicates", j->c->duplicates, told->duplicates, told->duplicates_n);
	if (j->why->n == 0)
		judge_texts(j, "logs", j->c->logs, logs, told->notes_n);
}

static uint64_t counter(const struct rehearsal *r, struct str name)
{
	const char *known;
	uint64_t n;

	for (size_t i = 0; ruleset_counter(rehearsal_rules(r), i, &known, &n); i++) {
		if (str_eq(name, str_of(known)))
			return n;
	}
	return 0;
}

static void judge_counts(struct judging *j)
{
	struct json_doc *d = j->f->d;

	for (json_node m = json_first(d, j->c->counts); m != JSON_NONE && j->why->n == 0;
		m = json_next(d, m)) {
		uint64_t n = counter(j->r, json_key(d, m));
		int64_t want = -1;

		if (!json_int(d, m, &want) || want < 0 || (uint64_t)want != n)
			buf_printf(j->why, "counts.%.*s: expected %.*s, found %llu",
				STR_ARG(json_key(d, m)), STR_ARG(json_raw(d, m)),
				(unsigned long long)n);
	}
}

/* --- the envelope's header --------------------------------------------------------------- */

static bool tell_header(void *arg, struct str path, struct json_side a, struct json_side b)
{
	struct judging *j = arg;

	if (a.n == JSON_NONE)
		return true; /* the case says nothing of it */
	buf_printf(j->why, "headers.%.*s: expected ", STR_ARG(path));
	show_side(j->why, a);
	buf_cstr(j->why, ", found ");
	show_side(j->why, b);
	return false;
}

static int judge_headers(struct judging *j)
{
	struct json_side want = {j->f->d, j->c->expect_headers};
	struct json_side found = {j->it->e->header, json_root(j->it->e->header)};

	return want.n != JSON_NONE ? compare_json(want, found, tell_header, j) : E_OK;
}

int case_judge(struct case_file *f, const struct rule_case *c, const struct rehearsal *r,
	struct rehearsed *it, struct buf *why)
{
	struct judging j = {f, c, r, it, why};
	int rc = E_OK;

	for (size_t i = 0; i < c->items_n && rc == E_OK && why->n == 0; i++)
		rc = judge_item(&j, i);
	if (rc == E_OK && why->n == 0)
		judge_told(&j);
	if (rc == E_OK && why->n == 0)
		judge_counts(&j);
	if (rc == E_OK && why->n == 0)
		rc = judge_headers(&j);
	return rc == E_OK && !buf_ok(why) ? E_NOMEM : rc;
}
