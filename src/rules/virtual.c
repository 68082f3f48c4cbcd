/* One name for facts that SDKs write in several ways. */
#include "rules/virtual.h"

#include <math.h>

#include "base/timefmt.h"
#include "rules/scope.h"

static const struct {
	const char *name;
	const char *help;
} rows[VIRTUAL_COUNT] = {[VIRTUAL_NONE] = {"", ""},
#define VIRTUAL_ROW(id, name, help) [VIRTUAL_##id] = {(name), (help)},
	VIRTUALS(VIRTUAL_ROW)
#undef VIRTUAL_ROW
};

enum rule_virtual virtual_find(struct str name)
{
	for (unsigned v = VIRTUAL_NONE + 1; v < VIRTUAL_COUNT; v++) {
		if (str_eq(name, str_of(rows[v].name)))
			return (enum rule_virtual)v;
	}
	return VIRTUAL_NONE;
}

const char *virtual_name(enum rule_virtual v)
{
	return rows[(unsigned)v < VIRTUAL_COUNT ? v : VIRTUAL_NONE].name;
}

const char *virtual_help(enum rule_virtual v)
{
	return rows[(unsigned)v < VIRTUAL_COUNT ? v : VIRTUAL_NONE].help;
}

#define KIND(k) (1u << RULE_##k)
#define WITH_MESSAGE                                                                               \
	(KIND(EVENT) | KIND(TRANSACTION) | KIND(FEEDBACK) | KIND(LOG) | KIND(OTHER) | KIND(REPLAY))

bool virtual_applies(enum rule_virtual v, const struct rule_scope *s)
{
	enum json_type root;

	if (v == VIRTUAL_MESSAGE)
		return (WITH_MESSAGE >> s->kind & 1) != 0 && s->key.p == NULL;
	if (v == VIRTUAL_KEY)
		return s->key.p != NULL;
	if (v != VIRTUAL_VALUE)
		return true;
	root = s->doc != NULL ? json_type_of(s->doc, scope_root(s)) : JSON_TYPE_MISSING;
	return root != JSON_TYPE_OBJECT;
}

/* --- places --------------------------------------------------------------- */

static json_node at(const struct rule_scope *s, const char *path)
{
	return s->doc != NULL ? json_find(s->doc, scope_root(s), path) : JSON_NONE;
}

static struct rule_value value_of(const struct rule_scope *s, json_node n)
{
	return rule_value_at(s->doc, n);
}

/* A text that is there and not empty. */
static bool has_text(const struct rule_scope *s, json_node n, struct rule_value *ret)
{
	*ret = value_of(s, n);
	return ret->type == VALUE_TEXT && ret->text.n > 0;
}

static bool first_text(
	const struct rule_scope *s, const char *const *paths, size_t n, struct rule_value *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (has_text(s, at(s, paths[i]), ret))
			return true;
	}
	return false;
}

static bool first_value(
	const struct rule_scope *s, const char *const *paths, size_t n, struct rule_value *ret)
{
	for (size_t i = 0; i < n; i++) {
		*ret = value_of(s, at(s, paths[i]));
		if (ret->type > VALUE_NULL)
			return true;
	}
	return false;
}

#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

/* {"values": [...]}, [...], or one alone. */
static json_node exceptions(const struct rule_scope *s)
{
	json_node list = at(s, "exception");
	json_node values = s->doc != NULL ? json_get(s->doc, list, STR("values")) : JSON_NONE;

	return values != JSON_NONE ? values : list;
}

static bool is_list(const struct rule_scope *s, json_node n)
{
	return json_type_of(s->doc, n) == JSON_TYPE_ARRAY;
}

static json_node first_exception(const struct rule_scope *s)
{
	json_node list = s->doc != NULL ? exceptions(s) : JSON_NONE;

	return list != JSON_NONE && is_list(s, list) ? json_first(s->doc, list) : list;
}

static json_node exception_after(const struct rule_scope *s, json_node n)
{
	return is_list(s, json_parent(s->doc, n)) ? json_next(s->doc, n) : JSON_NONE;
}

/* The last one: what was raised; its causes stand in front (5.4). */
static json_node main_exception(const struct rule_scope *s)
{
	json_node list = s->doc != NULL ? exceptions(s) : JSON_NONE;

	return list != JSON_NONE && is_list(s, list) ? json_at(s->doc, list, -1) : list;
}

static struct rule_value of_main(const struct rule_scope *s, struct str key)
{
	json_node n = main_exception(s);

	return n != JSON_NONE ? value_of(s, json_get(s->doc, n, key)) : (struct rule_value){0};
}

/* --- facts ---------------------------------------------------------------- */

static struct rule_value message(struct rule_scope *s)
{
	static const char *const paths[] = {"logentry.formatted", "logentry.message", "message",
		"message.formatted", "message.message", "contexts.feedback.message", "body"};
	struct rule_value v;

	if (first_text(s, paths, COUNT_OF(paths), &v))
		return v;
	return of_main(s, STR("value"));
}

static struct str qualified(struct rule_scope *s, json_node exception)
{
	struct str type = json_text(s->doc, json_get(s->doc, exception, STR("type")));
	struct str module = json_text(s->doc, json_get(s->doc, exception, STR("module")));

	if (type.p == NULL || module.n == 0)
		return type;
	return arena_printf(s->arena, "%.*s.%.*s", STR_ARG(module), STR_ARG(type));
}

/* What stands behind the last "." or "::" of a type that has its module in it. */
static struct rule_value bare_class(struct rule_value v)
{
	if (v.type != VALUE_TEXT)
		return v;
	for (size_t i = v.text.n; i > 0; i--) {
		if (strchr(".:\\", v.text.p[i - 1]) != NULL && v.text.p[i - 1] != '\0')
			return rule_value_text(str_from(v.text, i));
	}
	return v;
}

static bool each_in_chain(struct rule_scope *s, rule_value_fn *each, void *arg)
{
	json_node n = first_exception(s);

	for (; n != JSON_NONE; n = exception_after(s, n)) {
		struct rule_value type = value_of(s, json_get(s->doc, n, STR("type")));
		struct rule_value full = rule_value_text(qualified(s, n));

		if (type.type == VALUE_MISSING)
			continue;
		if (each(arg, s, &type))
			return true;
		if (!str_eq(full.text, type.text) && each(arg, s, &full))
			return true;
	}
	return false;
}

static bool any_unhandled(const struct rule_scope *s)
{
	json_node n = first_exception(s);

	for (; n != JSON_NONE; n = exception_after(s, n)) {
		if (!json_bool(s->doc, json_find(s->doc, n, "mechanism.handled"), true))
			return true;
	}
	return false;
}

static struct rule_value crash(const struct rule_scope *s)
{
	bool fatal = s->doc != NULL && str_eq(json_text(s->doc, at(s, "level")), STR("fatal"));
	bool dump = false;

	for (size_t i = 0; s->envelope != NULL && i < s->envelope->item_count; i++)
		dump = dump || s->envelope->items[i].creates_event;
	return rule_value_bool(dump || (fatal && any_unhandled(s)));
}

static struct rule_value handled(const struct rule_scope *s)
{
	json_node n = main_exception(s);

	if (n == JSON_NONE)
		return (struct rule_value){0};
	return value_of(s, json_find(s->doc, n, "mechanism.handled"));
}

/* --- URLs ----------------------------------------------------------------- */

struct url {
	struct str host, path, query;
};

static struct url split_url(struct str s)
{
	struct url u = {STR_EMPTY, STR_EMPTY, STR_EMPTY};
	size_t scheme = str_find(s, STR("://"));
	struct str rest = s;

	rest = str_first(rest, str_find_char(rest, '#'));
	if (str_find_char(rest, '?') < rest.n) {
		size_t mark = str_find_char(rest, '?');

		u.query = str_from(rest, mark + 1);
		rest = str_first(rest, mark);
	}
	if (scheme < rest.n) {
		struct str host;

		rest = str_from(rest, scheme + 3);
		host = str_first(rest, str_find_char(rest, '/'));
		u.path = host.n < rest.n ? str_from(rest, host.n) : STR("/");
		if (str_find_char(host, '@') < host.n)
			host = str_from(host, str_find_char(host, '@') + 1);
		if (host.n > 0 && host.p[0] == '[')
			u.host = str_first(host, str_find_char(host, ']') + 1);
		else
			u.host = str_first(host, str_find_char(host, ':'));
	} else {
		u.path = rest;
	}
	return u;
}

/* "GET https://host/path" in the description of a span. */
static struct str url_of_description(struct str s)
{
	size_t blank = str_find_char(s, ' ');
	struct str url = blank < s.n ? str_from(s, blank + 1) : s;

	return str_find(url, STR("://")) < url.n || str_starts(url, STR("/")) ? url : STR_EMPTY;
}

static struct str url_text(struct rule_scope *s)
{
	static const char *const paths[] = {
		"request.url", "data.url", "url", "contexts.trace.data.url"};
	static const struct str keys[] = {{"url.full", 8}, {"http.url", 8}};
	json_node data[2];
	struct rule_value v;

	if (first_text(s, paths, COUNT_OF(paths), &v))
		return v.text;
	if (s->doc == NULL)
		return STR_EMPTY;
	data[0] = at(s, "data");
	data[1] = at(s, "contexts.trace.data");
	for (size_t i = 0; i < 4; i++) {
		if (has_text(s, json_get(s->doc, data[i / 2], keys[i % 2]), &v))
			return v.text;
	}
	return url_of_description(json_text(s->doc, at(s, "description")));
}

static struct rule_value url_part(struct rule_scope *s, enum rule_virtual which)
{
	struct str text = url_text(s);
	struct url u = split_url(text);
	struct rule_value query;

	if (which == VIRTUAL_URL_QUERY) {
		if (has_text(s, at(s, "request.query_string"), &query))
			return query;
		return rule_value_text(u.query);
	}
	if (text.n == 0)
		return (struct rule_value){0};
	return rule_value_text(which == VIRTUAL_URL_HOST ? u.host : u.path);
}

static struct rule_value http_status(struct rule_scope *s)
{
	static const char *const paths[] = {"contexts.response.status_code", "data.status_code"};
	static const char *const holders[] = {
		"contexts.trace.data", "data", "attributes", "tags", "contexts.trace.tags"};
	static const struct str keys[] = {
		{"http.response.status_code", 25}, {"http.status_code", 16}};
	struct rule_value v = {0};

	if (first_value(s, paths, COUNT_OF(paths), &v) || s->doc == NULL)
		return v;
	for (size_t i = 0; i < 2 * COUNT_OF(holders); i++) {
		struct rule_step step = {.kind = STEP_KEY, .key = keys[i % 2]};
		json_node holder = at(s, holders[i / 2]);

		step.unwraps = str_eq(str_of(holders[i / 2]), STR("attributes"));
		v = value_of(s, step_into(s->doc, holder, &step));
		if (v.type > VALUE_NULL)
			return v;
	}
	return (struct rule_value){0};
}

static struct rule_value user_agent(struct rule_scope *s)
{
	struct rule_step step = {.kind = STEP_KEY, .key = STR("User-Agent"), .any_case = true};
	struct rule_value v = {0};

	if (s->doc == NULL)
		return v;
	v = value_of(s, step_into(s->doc, at(s, "request.headers"), &step));
	if (v.type != VALUE_MISSING)
		return v;
	return value_of(
		s, json_get(s->doc, at(s, "contexts.trace.data"), STR("user_agent.original")));
}

/* --- times ---------------------------------------------------------------- */

/* Seconds since 1970 as a number, or RFC 3339. */
static bool read_time(const struct rule_scope *s, const char *path, double *ms)
{
	struct rule_value v = value_of(s, at(s, path));
	int64_t us;

	if (v.type == VALUE_TEXT && rfc3339_parse(v.text, &us)) {
		*ms = (double)us / 1000.0;
		return true;
	}
	if (!rule_value_read_number(&v))
		return false;
	*ms = v.number * 1000.0;
	return true;
}

static struct rule_value duration(struct rule_scope *s)
{
	double start, end;
	struct rule_value v;

	/* Microseconds are what SDKs mean; a difference of two such numbers has
	 * noise far below. */
	if (read_time(s, "start_timestamp", &start) &&
		(read_time(s, "timestamp", &end) || read_time(s, "end_timestamp", &end)))
		return rule_value_number(round((end - start) * 1000.0) / 1000.0);
	v = value_of(s, at(s, "duration"));
	if (s->kind == RULE_CHECK_IN && rule_value_read_number(&v))
		return rule_value_number(v.number * 1000.0);
	return (struct rule_value){0};
}

static struct rule_value age(struct rule_scope *s)
{
	double then;

	if (!read_time(s, "timestamp", &then) && !read_time(s, "start_timestamp", &then))
		return (struct rule_value){0};
	return rule_value_number((double)s->now.wall_ms - round(then));
}

/* --- whence --------------------------------------------------------------- */

static struct rule_value sdk(struct rule_scope *s, const char *path)
{
	struct rule_value v = value_of(s, at(s, path));
	struct envelope *e = s->envelope;

	if (v.type != VALUE_MISSING || e == NULL || e->header == NULL)
		return v;
	v = rule_value_at(e->header, json_find(e->header, json_root(e->header), path));
	return v;
}

static struct rule_value client(const struct rule_scope *s, enum rule_virtual which)
{
	if (s->envelope == NULL)
		return (struct rule_value){0};
	return rule_value_number(
		(double)(which == VIRTUAL_CLIENT_UID ? s->envelope->from.peer_uid
						     : s->envelope->from.peer_pid));
}

static struct rule_value of_item(const struct rule_scope *s, enum rule_virtual which)
{
	if (which == VIRTUAL_ITEM_SIZE)
		return s->item != NULL ? rule_value_number((double)s->item->payload.n)
				       : (struct rule_value){0};
	return s->item != NULL ? rule_value_text(s->item->type_name)
			       : rule_value_text(str_of(rule_kind_name(s->kind)));
}

static struct rule_value work_out(enum rule_virtual v, struct rule_scope *s)
{
	switch (v) {
	case VIRTUAL_MESSAGE:
		return message(s);
	case VIRTUAL_EXC_TYPE:
		return of_main(s, STR("type"));
	case VIRTUAL_EXC_CLASS:
		return bare_class(of_main(s, STR("type")));
	case VIRTUAL_EXC_QUALIFIED:
		return main_exception(s) != JSON_NONE
			       ? rule_value_text(qualified(s, main_exception(s)))
			       : (struct rule_value){0};
	case VIRTUAL_EXC_VALUE:
		return of_main(s, STR("value"));
	case VIRTUAL_EXC_MODULE:
		return of_main(s, STR("module"));
	case VIRTUAL_HANDLED:
		return handled(s);
	case VIRTUAL_CRASH:
		return crash(s);
	case VIRTUAL_URL_PATH:
	case VIRTUAL_URL_HOST:
	case VIRTUAL_URL_QUERY:
		return url_part(s, v);
	case VIRTUAL_HTTP_STATUS:
		return http_status(s);
	case VIRTUAL_USER_AGENT:
		return user_agent(s);
	case VIRTUAL_DURATION_MS:
		return duration(s);
	case VIRTUAL_AGE:
		return age(s);
	case VIRTUAL_CLIENT_UID:
	case VIRTUAL_CLIENT_PID:
		return client(s, v);
	case VIRTUAL_LISTENER:
		return rule_value_text(s->listener);
	case VIRTUAL_ITEM_TYPE:
	case VIRTUAL_ITEM_SIZE:
		return of_item(s, v);
	case VIRTUAL_SDK_NAME:
		return sdk(s, "sdk.name");
	case VIRTUAL_SDK_VERSION:
		return sdk(s, "sdk.version");
	case VIRTUAL_KEY:
		return rule_value_text(s->key);
	case VIRTUAL_VALUE:
		return value_of(s, scope_root(s));
	case VIRTUAL_NONE:
	case VIRTUAL_EXC_CHAIN:
	case VIRTUAL_COUNT:
		break;
	}
	return (struct rule_value){0};
}

bool virtual_each(enum rule_virtual v, struct rule_scope *s, rule_value_fn *each, void *arg)
{
	struct rule_cache *c = scope_cache(s);

	if (v == VIRTUAL_EXC_CHAIN)
		return each_in_chain(s, each, arg);
	if (c == NULL)
		return false;
	if (c->known[v].generation != c->generation)
		c->known[v] = (struct rule_known){c->generation, work_out(v, s)};
	return each(arg, s, &c->known[v].value);
}
