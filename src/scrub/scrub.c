/* From options to a scrubber, and one document through all its passes. */
#include "scrub/scrub.h"

#include <stdlib.h>

#include "scrub/deep.h"
#include "scrub/default_pii.h"
#include "scrub/scrubber.h"
#include "scrub/visit.h"

/* Deeper documents are refused: a walk of them would end in removals only. */
static const struct json_limits payload_limits = {512, 0, 0};

static const struct {
	const char *name;
	enum schema_root root;
	bool is_item; /* its root is a state of its own below an untyped one */
	bool in_list;
	bool has_meta;
} types[SCRUB_TYPE_COUNT] = {
	[SCRUB_EVENT] = {"event", SCHEMA_EVENT, false, false, true},
	[SCRUB_SPAN] = {"span", SCHEMA_SPAN, false, false, true},
	[SCRUB_BREADCRUMB] = {"breadcrumb", SCHEMA_BREADCRUMB, false, false, true},
	[SCRUB_TRACE_CONTEXT] = {"trace_context", SCHEMA_TRACE_CONTEXT, false, false, true},
	[SCRUB_SPAN_V2] = {"span_v2", SCHEMA_SPAN_V2, true, false, true},
	[SCRUB_LOG] = {"log", SCHEMA_LOG, true, false, true},
	[SCRUB_TRACE_METRIC] = {"trace_metric", SCHEMA_TRACE_METRIC, true, false, true},
	[SCRUB_SPAN_V2_ITEMS] = {"span_v2_items", SCHEMA_SPAN_V2, true, true, true},
	[SCRUB_LOG_ITEMS] = {"log_items", SCHEMA_LOG, true, true, true},
	[SCRUB_TRACE_METRIC_ITEMS] = {"trace_metric_items", SCHEMA_TRACE_METRIC, true, true, true},
	[SCRUB_ATTRIBUTES] = {"attributes", SCHEMA_SPAN_V2, true, false, true},
	[SCRUB_REPLAY] = {"replay_event", SCHEMA_REPLAY, false, false, true},
	[SCRUB_SESSION] = {"session", SCHEMA_SESSION, false, false, false},
	[SCRUB_USER_REPORT] = {"user_report", SCHEMA_USER_REPORT, false, false, false},
	[SCRUB_CHECK_IN] = {"check_in", SCHEMA_CHECK_IN, false, false, false},
	[SCRUB_PROFILE] = {"profile", SCHEMA_PROFILE, false, false, false},
	[SCRUB_FREE] = {"json", SCHEMA_FREE, false, false, false},
	[SCRUB_OTLP] = {"otlp", SCHEMA_FREE, false, false, false},
};

bool scrub_type_parse(struct str name, enum scrub_type *ret)
{
	for (size_t i = 0; i < SCRUB_TYPE_COUNT; i++) {
		if (str_eq(name, str_of(types[i].name))) {
			*ret = (enum scrub_type)i;
			return true;
		}
	}
	return false;
}

const char *scrub_type_name(enum scrub_type t)
{
	return types[t].name;
}

/* --- making one -------------------------------------------------------------- */

static int load_defaults(struct scrubber *s, const struct derive_settings *o, struct err *err)
{
	struct buf json = BUF_INIT;
	int rc = derive_config(o, &json, err);

	if (rc == E_OK && json.n > 0)
		rc = piiconf_load(&s->defaults, buf_view(&json), &s->patterns, true, err);
	buf_fini(&json);
	return rc;
}

static int load_deep(struct scrubber *s, const struct derive_settings *o, struct err *err)
{
	struct buf json = BUF_INIT;
	int rc = deep_config(o, &json, err);

	if (rc == E_OK && json.n > 0)
		rc = piiconf_load(&s->deep, buf_view(&json), &s->patterns, true, err);
	buf_fini(&json);
	return rc;
}

static int load(struct scrubber *s, const struct scrub_options *o, struct err *err)
{
	int rc = pattern_set_init(&s->patterns, err);

	buf_str(&s->hash_key, o->hash_key);
	if (rc == E_OK && !buf_ok(&s->hash_key))
		rc = err_set(err, E_NOMEM, "no memory");
	if (rc == E_OK && o->rules.n > 0)
		rc = piiconf_load(&s->rules, o->rules, &s->patterns, false, err);
	if (rc == E_OK)
		rc = load_defaults(s, &o->settings, err);
	if (rc == E_OK && o->deep)
		rc = load_deep(s, &o->settings, err);
	if (rc != E_OK)
		return rc;
	rc = scratch_pool_new(&s->pool,
		(const struct piiconf *const[SCRATCH_PASSES]){s->rules, s->defaults, s->deep},
		o->match_limit);
	return rc == E_OK ? rc : err_set(err, rc, "no memory");
}

int scrubber_new(struct scrubber **ret, const struct scrub_options *o, struct err *err)
{
	struct scrubber *s = calloc(1, sizeof *s);
	int rc;

	*ret = NULL;
	if (s == NULL)
		return err_set(err, E_NOMEM, "no memory");
	s->passes = calloc(1, sizeof *s->passes);
	if (s->passes == NULL) {
		free(s);
		return err_set(err, E_NOMEM, "no memory");
	}
	s->scrub_data = o->settings.scrub_data;
	s->strip_default_pii = o->strip_default_pii;
	s->attachments = o->attachments;
	s->opaque = o->opaque;
	s->no_quick = o->no_quick;
	rc = load(s, o, err);
	if (rc != E_OK) {
		scrubber_free(s);
		return rc;
	}
	*ret = s;
	return E_OK;
}

void scrubber_free(struct scrubber *s)
{
	if (s == NULL)
		return;
	scratch_pool_free(s->pool);
	piiconf_free(s->rules);
	piiconf_free(s->defaults);
	piiconf_free(s->deep);
	free(s->passes);
	pattern_set_fini(&s->patterns);
	buf_fini(&s->hash_key);
	free(s);
}

void scrubber_trim(const struct scrubber *s)
{
	if (s != NULL)
		scratch_pool_trim(s->pool);
}

const char *scrubber_warning(const struct scrubber *s, size_t i)
{
	return s->rules != NULL ? piiconf_warning(s->rules, i) : NULL;
}

static const struct piiconf *conf_of(const struct scrubber *s, size_t i)
{
	return i == 0 ? s->rules : i == 1 ? s->defaults : s->deep;
}

bool scrubber_figures(const struct scrubber *s, size_t i, struct scrub_figures *ret)
{
	static const char *const names[] = {"rules", "defaults", "deep"};

	for (size_t c = 0; s != NULL && c < 3; c++) {
		const struct figures *f = piiconf_figures(conf_of(s, c));

		if (figures_get(f, i, &ret->of)) {
			ret->pass = names[c];
			return true;
		}
		i -= figures_count(f);
	}
	return false;
}

/* --- one document ------------------------------------------------------------ */

int run_begin(struct run *r, const struct scrubber *s, struct arena *a, struct scrub_tally *tally)
{
	*r = (struct run){.s = s, .tally = tally, .default_attributes = ATTRIBUTES_AS_VALUES};
	r->redactor.arena = a;
	r->redactor.hash_key = buf_view(&s->hash_key);
	r->redactor.no_quick = s->no_quick;
	r->is_timed = figures_is_timed(s->passes);
	for (size_t i = 0; i < SCRATCH_PASSES; i++)
		r->work[i] = figures_begin(piiconf_figures(conf_of(s, i)), a);
	r->scratch = scratch_take(s->pool);
	if (r->scratch == NULL)
		return E_NOMEM;
	r->redactor.matcher = r->scratch->matcher;
	return E_OK;
}

void run_end(struct run *r)
{
	for (size_t i = 0; i < SCRATCH_PASSES; i++)
		figures_end(piiconf_figures(conf_of(r->s, i)), r->work[i]);
	scratch_give(r->s->pool, r->scratch);
}

static size_t pass_of(const struct run *r, const struct piiconf *c)
{
	return c == r->s->rules ? 0 : c == r->s->defaults ? 1 : 2;
}

struct rule_work *run_work(const struct run *r, const struct piiconf *c)
{
	return r->work[pass_of(r, c)];
}

void run_use(struct run *r, struct walk *w, const struct piiconf *c)
{
	size_t count;

	w->apps = piiconf_applications(c, &count);
	w->places = r->scratch->places[pass_of(r, c)];
	w->names = &r->scratch->names;
	w->work = run_work(r, c);
	w->is_timed = r->is_timed;
	w->looks = NULL;
	w->look_count = 0;
}

static void walk_root(struct walk *w, enum scrub_type t, json_node root)
{
	const struct schema *s = schema_of(types[t].root);
	struct pii_state item = {.key = STR(""), .index = -1, .types = s->types, .flag = PII_FALSE};

	walk_begin(w, 0, PII_FALSE); /* the root of an event has no type */
	if (t == SCRUB_FREE || t == SCRUB_OTLP) {
		/* A state of its own: selectors never match the root. */
		item.flag = PII_TRUE;
		item.types = walk_types_of(json_type_of(w->d, root));
		(void)walk_enter_virtual(w, item);
		walk_value(w, root, FIELD_FREE, NULL);
		return;
	}
	if (!types[t].is_item) {
		walk_value(w, root, FIELD_OBJECT, s);
		return;
	}
	if (t == SCRUB_ATTRIBUTES)
		item.flag = PII_TRUE;
	(void)walk_enter_virtual(w, item); /* the second state of many */
	walk_value(w, root, t == SCRUB_ATTRIBUTES ? FIELD_ATTRIBUTES : FIELD_OBJECT, s);
}

static int run_pass(struct run *r, enum scrub_type t, struct json_doc *d, json_node root,
	struct meta *notes, const struct piiconf *c, enum attribute_mode mode)
{
	struct walk w;

	if (c == NULL)
		return E_OK;
	w.d = d;
	w.root = root;
	w.meta = notes;
	w.redactor = &r->redactor;
	w.set = &r->s->patterns;
	run_use(r, &w, c);
	w.looks = r->looks;
	w.look_count = r->look_count;
	w.attributes = mode;
	w.deep = c == r->s->deep;
	w.strings_only = false;
	w.by_name = NAMES_MEAN_NOTHING;
	w.otlp = t == SCRUB_OTLP;
	w.tally = &r->tally->values;
	w.seen = r->tally->seen;
	w.seen_arg = r->tally->seen_arg;
	r->passes++;
	for (struct meta_node *n = notes->first_value; n != NULL; n = n->next_value)
		n->visited = false;
	walk_root(&w, t, root);
	return w.rc;
}

static int write_notes(struct run *r, struct json_doc *d, json_node root, struct meta *notes)
{
	struct buf out = BUF_INIT;
	struct str text;
	int rc;

	if (meta_is_empty(notes)) {
		json_node old = json_get(d, root, STR("_meta"));

		return old != JSON_NONE ? json_remove(d, old) : E_OK;
	}
	meta_write(notes, &out);
	text = buf_ok(&out) ? arena_dup(r->redactor.arena, buf_view(&out)) : STR_EMPTY;
	buf_fini(&out);
	rc = text.p != NULL ? E_OK : E_NOMEM;
	return rc == E_OK ? json_set_raw(d, root, STR("_meta"), text) : rc;
}

int run_document(struct run *r, enum scrub_type t, struct json_doc *d, json_node root)
{
	bool has_meta = types[t].has_meta && json_type_of(d, root) == JSON_TYPE_OBJECT;
	json_node meta = has_meta ? json_get(d, root, STR("_meta")) : JSON_NONE;
	struct meta notes;
	int rc = meta_read(&notes, r->redactor.arena, d, meta);

	r->passes = 0;
	if (rc == E_OK && t == SCRUB_EVENT && r->s->scrub_data)
		graphql_scrub(d, root, &r->tally->values, &rc);
	if (rc == E_OK && r->s->strip_default_pii)
		rc = default_pii_strip(r, t, d, root, &notes);
	if (rc == E_OK)
		rc = run_pass(r, t, d, root, &notes, r->s->rules, ATTRIBUTES_AS_OBJECTS);
	if (rc == E_OK)
		rc = run_pass(r, t, d, root, &notes, r->s->defaults, r->default_attributes);
	if (rc == E_OK)
		rc = run_pass(r, t, d, root, &notes, r->s->deep, ATTRIBUTES_AS_VALUES);
	if (rc != E_OK || !has_meta)
		return rc;
	if (r->passes > 0)
		meta_drop_unvisited(&notes);
	return notes.dirty ? write_notes(r, d, root, &notes) : E_OK;
}

static int run_list(struct run *r, enum scrub_type t, struct json_doc *d)
{
	json_node items = json_get(d, json_root(d), STR("items"));
	int rc = json_type_of(d, items) == JSON_TYPE_ARRAY ? E_OK : E_SYNTAX;

	for (json_node n = json_first(d, items); rc == E_OK && n != JSON_NONE; n = json_next(d, n))
		rc = run_document(r, t, d, n);
	return rc;
}

/* Later passes need no second look at what the first did not change. Of documents with
 * more nodes than that every pass looks for itself. */
#define MAX_LOOKS (1u << 18)

static void keep_looks(struct run *r, const struct json_doc *d)
{
	size_t count = json_bound(d);

	r->looks = count <= MAX_LOOKS ? arena_calloc(r->redactor.arena, count, sizeof *r->looks)
				      : NULL;
	r->look_count = r->looks != NULL ? count : 0;
}

int run_root(struct run *r, enum scrub_type t, struct json_doc *d)
{
	int rc;

	keep_looks(r, d);
	rc = types[t].in_list ? run_list(r, t, d) : run_document(r, t, d, json_root(d));
	r->looks = NULL;
	r->look_count = 0;
	return rc;
}

int scrub_payload(const struct scrubber *s, enum scrub_type t, struct str in, struct arena *a,
	struct str *out, struct scrub_tally *tally, struct err *err)
{
	struct json_doc *d;
	struct buf text = BUF_INIT;
	struct run r;
	int rc = json_parse(&d, a, in, &payload_limits, err);

	*out = in;
	if (rc != E_OK)
		return rc;
	rc = run_begin(&r, s, a, tally);
	if (rc == E_OK)
		rc = run_root(&r, t, d);
	run_end(&r);
	if (rc != E_OK)
		return err_set(err, rc, "%s", rc == E_NOMEM ? "no memory" : "not a list of items");
	if (!json_is_dirty(d, json_root(d)))
		return E_OK;
	json_write(d, json_root(d), &text);
	*out = buf_ok(&text) ? arena_dup(a, buf_view(&text)) : STR_EMPTY;
	buf_fini(&text);
	return out->p != NULL ? E_OK : err_set(err, E_NOMEM, "no memory");
}
