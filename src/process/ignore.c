/* Ignore lists: what is dropped before anything else is asked (sdk-semantics 6).
 *
 *   event        errors, loggers, releases, deny_urls, allow_urls
 *   transaction  transactions, paths, status_codes, releases
 *   breadcrumb   loggers, of type log; log entry: loggers
 */
#include <stdlib.h>

#include "process/event.h"
#include "process/ignore.h"

#define STATUS_MAX 999u

static struct str text_at(struct json_doc *d, json_node from, const char *path)
{
	return json_text(d, json_find(d, from, path));
}

/* --- errors ------------------------------------------------------------------------- */

struct raised {
	struct str type, value, qualified, both;
	json_node node;
};

static struct raised raised_of(struct event *ev, json_node n)
{
	struct arena *a = ev->w->e->arena;
	struct raised r = {.node = n,
		.type = json_text(ev->d, json_get(ev->d, n, STR("type"))),
		.value = json_text(ev->d, json_get(ev->d, n, STR("value")))};
	struct str module = json_text(ev->d, json_get(ev->d, n, STR("module")));

	r.qualified = r.type;
	if (module.n > 0 && r.type.n > 0)
		r.qualified = arena_printf(a, "%.*s.%.*s", STR_ARG(module), STR_ARG(r.type));
	r.both = arena_printf(a, "%.*s: %.*s", STR_ARG(r.type), STR_ARG(r.value));
	return r;
}

static bool class_matches(const struct pattern *p, const struct raised *r)
{
	return r->type.n > 0 && (pattern_matches(p, r->type) || pattern_matches(p, r->qualified));
}

/* The last one is what was raised; of a group it is the group. */
static json_node last_of(struct event *ev, struct values *v, bool *is_group)
{
	json_node last = JSON_NONE;

	*v = event_values(ev->d, ev->root, "exception");
	*is_group = false;
	for (json_node n = values_first(ev->d, v); n != JSON_NONE; n = values_next(ev->d, v, n)) {
		last = n;
		if (json_bool(ev->d, json_find(ev->d, n, "mechanism.is_exception_group"), false))
			*is_group = true;
	}
	return last;
}

/* A class of any exception of the chain. */
static bool chain_matches(struct event *ev, struct values *v, const struct pattern *p)
{
	for (json_node n = values_first(ev->d, v); n != JSON_NONE; n = values_next(ev->d, v, n)) {
		struct raised r = raised_of(ev, n);

		if (class_matches(p, &r))
			return true;
	}
	return false;
}

static bool text_matches(struct event *ev, const struct pattern *p, const struct raised *r)
{
	static const char *const paths[] = {
		"message", "message.formatted", "logentry.formatted", "logentry.message"};

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct str s = text_at(ev->d, ev->root, paths[i]);

		if (s.n > 0 && pattern_matches(p, s))
			return true;
	}
	if (r->node == JSON_NONE)
		return false;
	return pattern_matches(p, r->value) || pattern_matches(p, r->both) ||
	       pattern_matches(p, r->qualified);
}

static bool error_is_ignored(struct event *ev, const struct patterns *list)
{
	bool chain = ev->w->j->settings->ignore.chain, is_group;
	struct values v;
	struct raised r = {.node = JSON_NONE};
	json_node last = last_of(ev, &v, &is_group);

	if (last != JSON_NONE)
		r = raised_of(ev, last);
	for (size_t i = 0; i < list->n; i++) {
		const struct pattern *p = &list->v[i];

		if (p->kind == PATTERN_TEXT || p->kind == PATTERN_REGEX) {
			if (text_matches(ev, p, &r))
				return true;
		} else if (chain && !is_group ? chain_matches(ev, &v, p) : class_matches(p, &r)) {
			return true;
		}
	}
	return false;
}

/* --- files --------------------------------------------------------------------------- */

/* The file of the last frame that has one, of the exception that was raised. */
static struct str last_file(struct event *ev)
{
	struct values v;
	bool is_group;
	json_node holder = last_of(ev, &v, &is_group), frames;

	frames = json_find(ev->d, holder != JSON_NONE ? holder : ev->root, "stacktrace.frames");
	for (int64_t i = -1;; i--) {
		json_node f = json_at(ev->d, frames, i);
		struct str s;

		if (f == JSON_NONE)
			return STR_EMPTY;
		s = json_text(ev->d, json_get(ev->d, f, STR("filename")));
		if (s.n == 0)
			s = json_text(ev->d, json_get(ev->d, f, STR("abs_path")));
		if (s.n > 0 && !str_eq(s, STR("<anonymous>")) && !str_eq(s, STR("[native code]")))
			return s;
	}
}

static const char *file_is_ignored(struct event *ev, const struct ignore *g)
{
	struct str file;

	if (g->deny_urls.n == 0 && g->allow_urls.n == 0)
		return NULL;
	file = last_file(ev);
	if (file.n == 0)
		return NULL;
	if (patterns_match(&g->deny_urls, file))
		return "deny_urls";
	return g->allow_urls.n > 0 && !patterns_match(&g->allow_urls, file) ? "allow_urls" : NULL;
}

/* --- transactions ------------------------------------------------------------------------ */

/* "https://host/path?query" or "/path"; no more is needed of a URL here. */
static struct str path_of(struct str url)
{
	size_t scheme = str_find(url, STR("://"));

	if (scheme < url.n) {
		url = str_from(url, scheme + 3);
		url = str_from(url, str_find_char(url, '/'));
	}
	url = str_first(url, str_find_char(url, '?'));
	return str_first(url, str_find_char(url, '#'));
}

static bool path_is_ignored(struct event *ev, const struct patterns *list)
{
	struct str s = path_of(text_at(ev->d, ev->root, "request.url"));
	json_node data = json_find(ev->d, ev->root, "contexts.trace.data");

	if (s.n == 0)
		s = json_text(ev->d, json_get(ev->d, data, STR("url.path")));
	if (s.n == 0)
		s = path_of(json_text(ev->d, json_get(ev->d, data, STR("url.full"))));
	if (s.n == 0)
		s = path_of(json_text(ev->d, json_get(ev->d, data, STR("http.url"))));
	return s.n > 0 && patterns_match(list, s);
}

static bool status_of(struct json_doc *d, json_node n, uint64_t *ret)
{
	if (n == JSON_NONE)
		return false;
	return str_to_u64(json_type_of(d, n) == JSON_TYPE_STRING ? json_text(d, n) : json_raw(d, n),
		STATUS_MAX, ret);
}

static bool status_is_ignored(struct event *ev, const struct ignore *g)
{
	json_node data = json_find(ev->d, ev->root, "contexts.trace.data");
	uint64_t status;

	if (!status_of(ev->d, json_get(ev->d, data, STR("http.response.status_code")), &status) &&
		!status_of(ev->d, json_find(ev->d, ev->root, "contexts.response.status_code"),
			&status))
		return false;
	for (size_t i = 0; i < g->status_n; i++)
		if (status >= g->status[i].low && status <= g->status[i].high)
			return true;
	return false;
}

/* --- judging --------------------------------------------------------------------------------- */

/* The list that says so; NULL: none does. */
static const char *event_is_ignored(struct event *ev, const struct ignore *g)
{
	struct str logger = text_at(ev->d, ev->root, "logger");
	struct str release = text_at(ev->d, ev->root, "release");

	if (g->errors.n > 0 && error_is_ignored(ev, &g->errors))
		return "errors";
	if (logger.n > 0 && patterns_match(&g->loggers, logger))
		return "loggers";
	if (release.n > 0 && patterns_match(&g->releases, release))
		return "releases";
	return file_is_ignored(ev, g);
}

static const char *transaction_is_ignored(struct event *ev, const struct ignore *g)
{
	struct str name = text_at(ev->d, ev->root, "transaction");
	struct str release = text_at(ev->d, ev->root, "release");

	if (name.n > 0 && patterns_match(&g->transactions, name))
		return "transactions";
	if (release.n > 0 && patterns_match(&g->releases, release))
		return "releases";
	if (g->paths.n > 0 && path_is_ignored(ev, &g->paths))
		return "paths";
	return g->status_n > 0 && status_is_ignored(ev, g) ? "status_codes" : NULL;
}

/* Breadcrumbs are not counted in reports; what went is noted (5.3). */
static int remove_breadcrumbs(struct event *ev, const struct ignore *g)
{
	struct values v = event_values(ev->d, ev->root, "breadcrumbs");
	uint64_t before = json_count(ev->d, v.list);
	json_node next;

	for (json_node n = json_first(ev->d, v.list); n != JSON_NONE; n = next) {
		struct str logger = json_text(ev->d, json_get(ev->d, n, STR("category")));
		struct str type = json_text(ev->d, json_get(ev->d, n, STR("type")));

		next = json_next(ev->d, n);
		if (str_eq(type, STR("log")) && logger.n > 0 &&
			patterns_match(&g->loggers, logger) && json_remove(ev->d, n) != E_OK)
			return E_NOMEM;
	}
	return json_count(ev->d, v.list) < before
		       ? note_path(&ev->notes, "breadcrumbs", before, STR_EMPTY)
		       : E_OK;
}

static bool is_ignored_entry(void *arg, struct json_doc *d, json_node entry)
{
	const struct ignore *g = arg;
	json_node attributes = json_get(d, entry, STR("attributes"));
	json_node name = json_get(d, attributes, STR("logger.name"));
	struct str logger = json_text(d, json_get(d, name, STR("value")));

	return logger.n > 0 && patterns_match(&g->loggers, logger);
}

int work_ignore(struct work *w)
{
	const struct ignore *g = &w->j->ignore;
	struct event ev;
	const char *list;
	int rc = E_OK;

	if (g->transactions_needed && event_open(&ev, w, work_find(w, ITEM_TRANSACTION)) &&
		(list = transaction_is_ignored(&ev, g)) != NULL) {
		work_by(w, "ignore", list);
		rc = work_drop_transaction(w, DROP_EVENT_PROCESSOR);
	}
	if (rc == E_OK && g->events_needed && event_open(&ev, w, work_find(w, ITEM_EVENT))) {
		list = event_is_ignored(&ev, g);
		work_by(w, "ignore", list);
		if (list != NULL)
			rc = work_drop_event(w, DROP_EVENT_PROCESSOR);
		else if (g->loggers.n > 0 && remove_breadcrumbs(&ev, g) != E_OK)
			rc = work_no_memory(w);
	}
	work_by(w, "ignore", "loggers");
	if (rc == E_OK && g->loggers.n > 0)
		rc = work_drop_entries(
			w, ITEM_LOG, is_ignored_entry, (void *)(uintptr_t)g, DROP_EVENT_PROCESSOR);
	return rc;
}

/* --- compiling -----------------------------------------------------------------------------------
 */

static bool read_range(struct str s, struct status_range *ret)
{
	size_t dash = str_find_char(s, '-');
	uint64_t low, high;

	if (!str_to_u64(str_first(s, dash), STATUS_MAX, &low))
		return false;
	high = low;
	if (dash < s.n && !str_to_u64(str_from(s, dash + 1), STATUS_MAX, &high))
		return false;
	*ret = (struct status_range){(unsigned)low, (unsigned)high};
	return low <= high;
}

static int compile_status(
	struct ignore *g, struct arena *a, const struct str_list *l, struct err *err)
{
	g->status = arena_calloc(a, l->n, sizeof *g->status);
	if (g->status == NULL)
		return err_set(err, E_NOMEM, "no memory for the settings");
	for (size_t i = 0; i < l->n; i++)
		if (!read_range(str_of(l->v[i]), &g->status[i]))
			return err_set(err, E_INVAL,
				"\"%s\" is no HTTP status (try 404, or 300-399)", l->v[i]);
	g->status_n = l->n;
	return E_OK;
}

static int compile(struct ignore *g, struct arena *a, const struct settings *s, struct err *err)
{
	const struct pattern_syntax names = {PATTERN_NAME, false, true, s},
				    globs = {PATTERN_NAME, true, true, NULL},
				    plain = {PATTERN_NAME, true, false, NULL},
				    texts = {PATTERN_TEXT, true, true, NULL};
	const struct {
		const char *key;
		struct patterns *to;
		const struct str_list *from;
		const struct pattern_syntax *syntax;
	} lists[] = {
		{"errors", &g->errors, &s->ignore.errors, &names},
		{"transactions", &g->transactions, &s->ignore.transactions, &globs},
		{"loggers", &g->loggers, &s->ignore.loggers, &plain},
		{"paths", &g->paths, &s->ignore.paths, &plain},
		{"releases", &g->releases, &s->ignore.releases, &plain},
		{"deny_urls", &g->deny_urls, &s->ignore.deny_urls, &texts},
		{"allow_urls", &g->allow_urls, &s->ignore.allow_urls, &texts},
	};
	int rc = E_OK;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0] && rc == E_OK; i++) {
		rc = patterns_compile(lists[i].to, a, lists[i].from, lists[i].syntax, err);
		if (rc != E_OK)
			return judge_blame(s, "ignore", lists[i].key, rc, err);
	}
	rc = compile_status(g, a, &s->ignore.status_codes, err);
	return rc == E_OK ? E_OK : judge_blame(s, "ignore", "status_codes", rc, err);
}

int ignore_compile(struct ignore *g, struct arena *a, const struct settings *s, struct err *err)
{
	int rc = compile(g, a, s, err);

	g->events_needed = g->errors.n > 0 || g->loggers.n > 0 || g->releases.n > 0 ||
			   g->deny_urls.n > 0 || g->allow_urls.n > 0;
	g->transactions_needed =
		g->transactions.n > 0 || g->paths.n > 0 || g->releases.n > 0 || g->status_n > 0;
	return rc;
}

void ignore_fini(struct ignore *g)
{
	patterns_fini(&g->errors);
	patterns_fini(&g->transactions);
	patterns_fini(&g->loggers);
	patterns_fini(&g->paths);
	patterns_fini(&g->releases);
	patterns_fini(&g->deny_urls);
	patterns_fini(&g->allow_urls);
}
