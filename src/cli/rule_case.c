/* From a file of JSON to what is judged.
 *
 *   case_file_read    the file, and how many cases are in it
 *   case_file_rules   "rules", "rules_file", "env": the settings they are for
 *   case_read         one case: its members, then its items
 */
#include "cli/rule_case.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/timefmt.h"
#include "config/suggest.h"
#include "envelope/header.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define ENV_MAX        1000u

/* Where a member may stand. */
enum { IN_FILE = 1, IN_CASE = 2, IN_ITEM = 4 };

static const struct {
	const char *name;
	unsigned where;
	enum json_type type; /* JSON_TYPE_MISSING: any */
} members[] = {
	{"rules", IN_FILE, JSON_TYPE_STRING},
	{"rules_file", IN_FILE, JSON_TYPE_STRING},
	{"env", IN_FILE, JSON_TYPE_OBJECT},
	{"cases", IN_FILE, JSON_TYPE_ARRAY},
	{"name", IN_FILE | IN_CASE, JSON_TYPE_STRING},
	{"comment", IN_FILE | IN_CASE | IN_ITEM, JSON_TYPE_MISSING},
	{"type", IN_FILE | IN_CASE | IN_ITEM, JSON_TYPE_STRING},
	{"input", IN_FILE | IN_CASE | IN_ITEM, JSON_TYPE_MISSING},
	{"item", IN_FILE | IN_CASE | IN_ITEM, JSON_TYPE_OBJECT},
	{"expect", IN_FILE | IN_CASE | IN_ITEM, JSON_TYPE_MISSING},
	{"reason", IN_FILE | IN_CASE | IN_ITEM, JSON_TYPE_STRING},
	{"by", IN_FILE | IN_CASE, JSON_TYPE_STRING},
	{"headers", IN_FILE | IN_CASE, JSON_TYPE_OBJECT},
	{"expect_headers", IN_FILE | IN_CASE, JSON_TYPE_OBJECT},
	{"client", IN_FILE | IN_CASE, JSON_TYPE_OBJECT},
	{"items", IN_FILE | IN_CASE, JSON_TYPE_ARRAY},
	{"now", IN_FILE | IN_CASE, JSON_TYPE_MISSING},
	{"route", IN_FILE | IN_CASE, JSON_TYPE_STRING},
	{"duplicates", IN_FILE | IN_CASE, JSON_TYPE_ARRAY},
	{"logs", IN_FILE | IN_CASE, JSON_TYPE_ARRAY},
	{"counts", IN_FILE | IN_CASE, JSON_TYPE_OBJECT},
};
#define MEMBERS (sizeof members / sizeof members[0])

static const char *const type_names[] = {[JSON_TYPE_MISSING] = "nothing",
	[JSON_TYPE_NULL] = "null",
	[JSON_TYPE_BOOL] = "a boolean",
	[JSON_TYPE_NUMBER] = "a number",
	[JSON_TYPE_STRING] = "a text",
	[JSON_TYPE_ARRAY] = "a list",
	[JSON_TYPE_OBJECT] = "an object"};

static int no_memory(struct err *err)
{
	return err_set(err, E_NOMEM, "no memory for a test case");
}

/* --- members ---------------------------------------------------------------------- */

static int unknown_member(const struct case_file *f, struct str where, struct str key,
	unsigned level, struct err *err)
{
	struct suggest near;

	suggest_init(&near, key);
	for (size_t i = 0; i < MEMBERS; i++) {
		if ((members[i].where & level) != 0)
			suggest_try(&near, members[i].name);
	}
	if (near.best != NULL)
		return err_set(err, E_INVAL, "%s: %.*s%.*s: unknown member (did you mean %s?)",
			f->path, STR_ARG(where), STR_ARG(key), near.best);
	return err_set(err, E_INVAL,
		"%s: %.*s%.*s: unknown member (picket-rules(5) lists those of a test case)",
		f->path, STR_ARG(where), STR_ARG(key));
}

static int check_member(
	const struct case_file *f, struct str where, json_node n, unsigned level, struct err *err)
{
	struct str key = json_key(f->d, n);
	size_t i = 0;

	while (i < MEMBERS &&
		((members[i].where & level) == 0 || !str_eq(key, str_of(members[i].name))))
		i++;
	if (i == MEMBERS)
		return unknown_member(f, where, key, level, err);
	if (members[i].type == JSON_TYPE_MISSING || members[i].type == json_type_of(f->d, n))
		return E_OK;
	return err_set(err, E_INVAL, "%s: %.*s%.*s: is %s, not %s", f->path, STR_ARG(where),
		STR_ARG(key), type_names[json_type_of(f->d, n)], type_names[members[i].type]);
}

static int check_members(const struct case_file *f, struct str where, json_node object,
	unsigned level, struct err *err)
{
	int rc = E_OK;

	if (json_type_of(f->d, object) != JSON_TYPE_OBJECT)
		return err_set(err, E_INVAL, "%s: %.*s is %s, not an object", f->path,
			STR_ARG(where.n > 0 ? str_first(where, where.n - 1) : STR("it")),
			type_names[json_type_of(f->d, object)]);
	for (json_node n = json_first(f->d, object); n != JSON_NONE && rc == E_OK;
		n = json_next(f->d, n))
		rc = check_member(f, where, n, level, err);
	return rc;
}

/* Of the case itself, else of the file. */
static json_node inherited(const struct case_file *f, json_node node, struct str key)
{
	json_node n = json_get(f->d, node, key);

	return n != JSON_NONE ? n : json_get(f->d, json_root(f->d), key);
}

static int refuse(const struct case_file *f, struct str where, const char *member, const char *why,
	struct err *err)
{
	return err_set(err, E_INVAL, "%s: %.*s%s: %s", f->path, STR_ARG(where), member, why);
}

/* --- the file ---------------------------------------------------------------------- */

static int parse_file(struct case_file *f, struct str text, struct err *err)
{
	json_node cases;
	int rc;

	text = arena_dup(f->arena, text);
	if (text.p == NULL)
		return no_memory(err);
	rc = json_parse(&f->d, f->arena, text, NULL, err);
	if (rc != E_OK)
		return err_wrap(err, rc, "%s", f->path);
	rc = check_members(f, STR_EMPTY, json_root(f->d), IN_FILE, err);
	if (rc != E_OK)
		return rc;
	cases = json_get(f->d, json_root(f->d), STR("cases"));
	f->is_list = cases != JSON_NONE;
	f->count = f->is_list ? json_count(f->d, cases) : 1;
	if (f->count == 0)
		return refuse(f, STR_EMPTY, "cases", "is empty", err);
	return E_OK;
}

int case_file_read(struct case_file *ret, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct buf text = BUF_INIT;
	int rc;

	*ret = (struct case_file){.path = path, .now = clock_now(clock_system())};
	ret->folder = slash != NULL ? str_make(path, (size_t)(slash - path)) : STR(".");
	if (slash == path)
		ret->folder = STR("/.");
	ret->arena = arena_new(4096, 0);
	if (ret->arena == NULL)
		return no_memory(err);
	rc = file_read(path, FILE_MAX_BYTES, &text, err);
	if (rc == E_OK)
		rc = parse_file(ret, buf_view(&text), err);
	buf_fini(&text);
	if (rc != E_OK)
		case_file_fini(ret);
	return rc;
}

void case_file_fini(struct case_file *f)
{
	arena_free(f->arena);
	f->arena = NULL;
}

/* --- its rules ---------------------------------------------------------------------- */

/* "env" as environ has it: rules must not depend on who tests them. */
static int read_env(struct case_file *f, const char ***ret, struct err *err)
{
	json_node env = json_get(f->d, json_root(f->d), STR("env"));
	size_t n = json_count(f->d, env), i = 0;
	const char **v;

	if (n > ENV_MAX)
		return refuse(f, STR_EMPTY, "env", "has too many members", err);
	v = arena_calloc(f->arena, n + 1, sizeof *v);
	if (v == NULL)
		return no_memory(err);
	for (json_node m = json_first(f->d, env); m != JSON_NONE; m = json_next(f->d, m)) {
		struct str value = json_text(f->d, m);

		if (json_type_of(f->d, m) != JSON_TYPE_STRING)
			return refuse(f, STR_EMPTY, "env", "has values that are no texts", err);
		v[i] = arena_printf(
			f->arena, "%.*s=%.*s", STR_ARG(json_key(f->d, m)), STR_ARG(value))
			       .p;
		if (v[i++] == NULL)
			return no_memory(err);
	}
	*ret = v;
	return E_OK;
}

static const char *join(struct case_file *f, struct str name)
{
	if (name.n > 0 && name.p[0] == '/')
		return arena_cstr(f->arena, name);
	return arena_printf(f->arena, "%.*s/%.*s", STR_ARG(f->folder), STR_ARG(name)).p;
}

static const char *folder_of(struct case_file *f, const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	return slash != NULL ? arena_cstr(f->arena, str_make(path, (size_t)(slash - path) + 1))
			     : NULL;
}

int case_file_rules(struct case_file *f, const struct rehearsal_source *usual,
	struct rehearsal **ret, struct err *err)
{
	json_node root = json_root(f->d), text = json_get(f->d, root, STR("rules"));
	json_node name = json_get(f->d, root, STR("rules_file"));
	struct rehearsal_source from = {.file = f->path};
	const char **env = NULL;
	int rc = read_env(f, &env, err);

	if (rc != E_OK)
		return rc;
	if (text != JSON_NONE && name != JSON_NONE)
		return refuse(f, STR_EMPTY, "rules_file", "there is \"rules\" already", err);
	if (text == JSON_NONE && name == JSON_NONE && usual != NULL)
		return rehearsal_new(ret, usual, err);
	if (text == JSON_NONE && name == JSON_NONE)
		return refuse(f, STR_EMPTY, "rules",
			"is missing (or \"rules_file\", or -c FILE for all cases)", err);
	from.env = env;
	if (text != JSON_NONE) {
		from.text = json_text(f->d, text);
		from.file = arena_printf(f->arena, "%s: rules", f->path).p;
		from.folder = arena_cstr(f->arena, f->folder);
	} else {
		from.file = join(f, json_text(f->d, name));
		from.folder = folder_of(f, from.file);
	}
	if (from.file == NULL || from.folder == NULL)
		return no_memory(err);
	return rehearsal_new(ret, &from, err);
}

/* --- items of a case ------------------------------------------------------------------- */

static const struct {
	const char *name, *type;
} aliases[] = {{"metric", "trace_metric"}, {"replay", "replay_event"}, {"breadcrumb", "event"}};

static int unknown_type(
	const struct case_file *f, const struct case_item *it, struct str name, struct err *err)
{
	struct suggest near;

	suggest_init(&near, name);
	for (unsigned t = ITEM_UNKNOWN + 1; t < ITEM_TYPE_COUNT; t++)
		suggest_try(&near, item_type_name((enum item_type)t));
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		suggest_try(&near, aliases[i].name);
	return err_set(err, E_INVAL, "%s: %.*stype: there is no \"%.*s\"%s%s%s", f->path,
		STR_ARG(it->where), STR_ARG(name), near.best != NULL ? " (did you mean " : "",
		near.best != NULL ? near.best : "", near.best != NULL ? "?)" : "");
}

/* A container with one entry is made of what is no container itself. */
static bool is_entry(const struct case_file *f, const struct case_item *it)
{
	return container_type(item_type_parse(it->type)).n > 0 &&
	       json_get(f->d, it->headers, STR("content_type")) == JSON_NONE &&
	       json_type_of(f->d, json_get(f->d, it->input, STR("items"))) != JSON_TYPE_ARRAY;
}

static int read_type(struct case_file *f, struct case_item *it, json_node type, struct err *err)
{
	struct str name = type != JSON_NONE ? json_text(f->d, type) : STR("event");

	it->type = name;
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
		if (str_eq(name, str_of(aliases[i].name)))
			it->type = str_of(aliases[i].type);
	}
	if (str_eq(name, STR("breadcrumb")))
		it->form = CASE_BREADCRUMB;
	else if (item_type_parse(it->type) == ITEM_UNKNOWN)
		return unknown_type(f, it, name, err);
	else if (is_entry(f, it))
		it->form = CASE_ENTRY;
	return E_OK;
}

static int check_item(struct case_file *f, const struct case_item *it, struct err *err)
{
	enum drop_reason why;

	if (it->input == JSON_NONE)
		return refuse(f, it->where, "input", "is missing", err);
	if (it->form == CASE_ITEM || json_type_of(f->d, it->input) == JSON_TYPE_OBJECT) {
		if (it->reason == JSON_NONE || drop_parse(json_text(f->d, it->reason), &why))
			return E_OK;
		return refuse(f, it->where, "reason", "is none that Sentry knows", err);
	}
	return refuse(f, it->where, "input", "is no object", err);
}

/* json_get() of an own item, or with what the file says. */
typedef json_node member_fn(const struct case_file *f, json_node node, struct str key);

static json_node own(const struct case_file *f, json_node node, struct str key)
{
	return json_get(f->d, node, key);
}

static int read_item(struct case_file *f, json_node node, member_fn *get, struct str where,
	struct case_item *ret, struct err *err)
{
	int rc;

	*ret = (struct case_item){
		.where = where,
		.input = get(f, node, STR("input")),
		.headers = get(f, node, STR("item")),
		.expect = get(f, node, STR("expect")),
		.reason = get(f, node, STR("reason")),
	};
	rc = read_type(f, ret, get(f, node, STR("type")), err);
	return rc == E_OK ? check_item(f, ret, err) : rc;
}

static int read_items(struct case_file *f, struct rule_case *c, struct str where, struct err *err)
{
	json_node more = inherited(f, c->node, STR("items"));
	size_t n = json_count(f->d, more), i = 1;
	int rc;

	c->items = arena_calloc(f->arena, n + 1, sizeof *c->items);
	if (c->items == NULL)
		return no_memory(err);
	c->items_n = n + 1;
	rc = read_item(f, c->node, inherited, where, &c->items[0], err);
	if (rc == E_OK && c->items[0].expect == JSON_NONE)
		return refuse(f, where, "expect",
			"is missing (a payload, \"dropped\" or \"unchanged\")", err);
	for (json_node m = json_first(f->d, more); m != JSON_NONE && rc == E_OK;
		m = json_next(f->d, m), i++) {
		struct str at = arena_printf(f->arena, "%.*sitems[%zu].", STR_ARG(where), i - 1);

		rc = check_members(f, at, m, IN_ITEM, err);
		if (rc == E_OK)
			rc = read_item(f, m, own, at, &c->items[i], err);
	}
	return rc;
}

/* --- who, when --------------------------------------------------------------------------- */

static int read_client(struct case_file *f, struct rule_case *c, struct str where, struct err *err)
{
	json_node client = inherited(f, c->node, STR("client"));
	bool is_unix = false, is_http = false;

	c->from = (struct sender){.protocol = STR("7"), .peer_uid = -1, .peer_pid = -1};
	for (json_node m = json_first(f->d, client); m != JSON_NONE; m = json_next(f->d, m)) {
		struct str key = json_key(f->d, m), text = json_text(f->d, m);
		bool is_good;

		if (str_eq(key, STR("uid")))
			is_good = json_int(f->d, m, &c->from.peer_uid) && c->from.peer_uid >= 0;
		else if (str_eq(key, STR("pid")))
			is_good = json_int(f->d, m, &c->from.peer_pid) && c->from.peer_pid >= 0;
		else if (str_eq(key, STR("listener")))
			is_good = (is_unix = str_eq(text, STR("unix"))) ||
				  (is_http = str_eq(text, STR("http")));
		else if (str_eq(key, STR("key")))
			is_good = (c->from.key = text).n > 0;
		else
			return refuse(f, where, "client",
				"has uid, pid, listener and key, nothing else", err);
		if (!is_good)
			return refuse(f, where, "client",
				"uid and pid are numbers, listener is \"http\" or \"unix\"", err);
	}
	if (is_http && c->from.peer_uid >= 0)
		return refuse(f, where, "client", "over http there is no uid", err);
	if (is_unix && c->from.peer_uid < 0)
		c->from.peer_uid = 0;
	return E_OK;
}

/* Seconds since 1970, or a time as in RFC 3339. What a case does not say is as in
 * the one before. */
static int read_now(struct case_file *f, struct rule_case *c, struct str where, struct err *err)
{
	json_node n = inherited(f, c->node, STR("now"));
	int64_t wall_us;
	double seconds;

	if (n != JSON_NONE) {
		if (json_type_of(f->d, n) == JSON_TYPE_NUMBER && json_double(f->d, n, &seconds) &&
			seconds >= 0 && seconds < 4e9)
			wall_us = (int64_t)(seconds * 1e6);
		else if (json_type_of(f->d, n) != JSON_TYPE_STRING ||
			 !rfc3339_parse(json_text(f->d, n), &wall_us))
			return refuse(f, where, "now",
				"is no time (try 1767225600, or \"2026-01-01T00:00:00Z\")", err);
		f->now = (struct instant){wall_us / 1000, wall_us / 1000};
	}
	c->now = f->now;
	return E_OK;
}

/* --- one case ---------------------------------------------------------------------------- */

int case_read(struct case_file *f, size_t i, struct rule_case *ret, struct err *err)
{
	json_node root = json_root(f->d);
	json_node node =
		f->is_list ? json_at(f->d, json_get(f->d, root, STR("cases")), (int64_t)i) : root;
	struct str where = f->is_list ? arena_printf(f->arena, "cases[%zu].", i) : STR("");
	int rc = where.p != NULL ? E_OK : no_memory(err);

	*ret = (struct rule_case){.node = node};
	if (rc == E_OK && f->is_list)
		rc = check_members(f, where, node, IN_CASE, err);
	if (rc == E_OK)
		rc = read_items(f, ret, where, err);
	if (rc == E_OK)
		rc = read_client(f, ret, where, err);
	if (rc == E_OK)
		rc = read_now(f, ret, where, err);
	if (rc != E_OK)
		return rc;
	ret->name = json_text(f->d, json_get(f->d, node, STR("name")));
	ret->headers = inherited(f, node, STR("headers"));
	ret->by = inherited(f, node, STR("by"));
	ret->route = inherited(f, node, STR("route"));
	ret->duplicates = inherited(f, node, STR("duplicates"));
	ret->expect_headers = inherited(f, node, STR("expect_headers"));
	ret->logs = inherited(f, node, STR("logs"));
	ret->counts = inherited(f, node, STR("counts"));
	return E_OK;
}
