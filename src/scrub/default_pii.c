/* One place after the other; each knows where its notes belong. */
#include "scrub/default_pii.h"

struct strip {
	struct run *run;
	struct json_doc *d;
	struct meta *meta;
	int rc;
};

static struct meta_node *below(struct strip *s, struct meta_node *from, struct str key)
{
	struct meta_node *n = from != NULL ? meta_child(s->meta, from, key) : NULL;

	if (n == NULL)
		s->rc = E_NOMEM;
	return n;
}

static void note(struct strip *s, struct meta_node *at, char letter, bool ranged, size_t n)
{
	struct remark r = {STR("!config"), letter, ranged, 0, n};

	if (at == NULL || meta_add_remark(s->meta, at, &r) != E_OK)
		s->rc = E_NOMEM;
}

static bool is_there(struct strip *s, json_node n)
{
	enum json_type t = json_type_of(s->d, n);

	return t != JSON_TYPE_MISSING && t != JSON_TYPE_NULL;
}

/* parent[key] becomes null. */
static void remove_member(struct strip *s, json_node parent, struct meta_node *at, const char *key)
{
	json_node n = json_get(s->d, parent, str_of(key));

	if (!is_there(s, n) || s->rc != E_OK)
		return;
	note(s, below(s, at, str_of(key)), REMARK_REMOVED, false, 0);
	s->run->tally->values.removed++;
	if (json_replace_raw(s->d, n, STR("null")) != E_OK)
		s->rc = E_NOMEM;
}

static void put_text(
	struct strip *s, json_node n, struct meta_node *at, struct str text, char letter)
{
	if (str_eq(json_text(s->d, n), text) && json_type_of(s->d, n) == JSON_TYPE_STRING)
		return;
	note(s, at, letter, false, 0);
	s->run->tally->values.replaced++;
	if (s->rc == E_OK && json_replace_string(s->d, n, text) != E_OK)
		s->rc = E_NOMEM;
}

static void filter_member(struct strip *s, json_node parent, struct meta_node *at, const char *key)
{
	json_node n = json_get(s->d, parent, str_of(key));

	if (is_there(s, n) && s->rc == E_OK)
		put_text(s, n, below(s, at, str_of(key)), STR("[Filtered]"), REMARK_SUBSTITUTED);
}

/* --- addresses --------------------------------------------------------------- */

static size_t find_from(struct str s, size_t from, const char *any)
{
	while (from < s.n && strchr(any, s.p[from]) == NULL)
		from++;
	return from;
}

static void copy_query(struct str query, struct buf *out)
{
	struct str piece;

	while (str_cut(&query, '&', &piece)) {
		size_t equals = str_find_char(piece, '=');

		buf_str(out, str_first(piece, equals));
		if (equals < piece.n)
			buf_cstr(out, "=[Filtered]");
		if (query.p != NULL)
			buf_char(out, '&');
	}
}

/* User, password and values of the query go; the address stays readable. False
 * when there was nothing of that. */
static bool clean_url(struct str url, struct buf *out)
{
	size_t scheme = str_find(url, STR("://"));
	size_t host = scheme < url.n ? scheme + 3 : 0;
	size_t end = find_from(url, host, "/?# ");
	size_t at = end;
	size_t query;

	while (at > host && url.p[at - 1] != '@')
		at--;
	buf_str(out, str_first(url, host));
	if (scheme < url.n && at > host)
		buf_cstr(out, "[Filtered]:[Filtered]@");
	else
		at = host;
	query = find_from(url, end, "?#");
	buf_str(out, str_first(str_from(url, at), query - at));
	if (query < url.n && url.p[query] == '?') {
		size_t hash = find_from(url, query, "#");

		buf_char(out, '?');
		copy_query(str_first(str_from(url, query + 1), hash - query - 1), out);
	}
	return buf_ok(out) && !str_eq(buf_view(out), url);
}

static void clean_member(struct strip *s, json_node parent, struct meta_node *at, const char *key)
{
	json_node n = json_get(s->d, parent, str_of(key));
	struct str text = json_text(s->d, n);
	struct buf out = BUF_INIT;
	struct str own;

	if (text.p != NULL && str_find(text, STR("://")) < text.n && clean_url(text, &out)) {
		own = arena_dup(s->run->redactor.arena, buf_view(&out));
		if (own.p == NULL)
			s->rc = E_NOMEM;
		else
			put_text(s, n, below(s, at, str_of(key)), own, REMARK_SUBSTITUTED);
	}
	if (!buf_ok(&out))
		s->rc = E_NOMEM;
	buf_fini(&out);
}

/* Literals of a database statement. */
static bool clean_statement(struct str text, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < text.n; i++) {
		size_t end = i;

		if (text.p[i] != '\'') {
			buf_char(out, text.p[i]);
			continue;
		}
		do {
			end = find_from(text, end + 1, "'");
		} while (end + 1 < text.n && text.p[end + 1] == '\'' && ++end > 0);
		buf_cstr(out, "'[Filtered]'");
		any = true;
		i = end;
	}
	return any && buf_ok(out) && !str_eq(buf_view(out), text);
}

static void clean_description(struct strip *s, json_node span, struct meta_node *at)
{
	json_node n = json_get(s->d, span, STR("description"));
	struct str op = json_text(s->d, json_get(s->d, span, STR("op")));
	struct buf out = BUF_INIT;

	if (!str_starts(op, STR("db")) && !str_starts(op, STR("cache"))) {
		clean_member(s, span, at, "description");
		return;
	}
	if (clean_statement(json_text(s->d, n), &out)) {
		struct str own = arena_dup(s->run->redactor.arena, buf_view(&out));

		if (own.p == NULL)
			s->rc = E_NOMEM;
		else
			put_text(s, n, below(s, at, STR("description")), own, REMARK_SUBSTITUTED);
	}
	buf_fini(&out);
}

/* --- places ------------------------------------------------------------------ */

static const char *const queries[] = {
	"http.query", "http.fragment", "url.query", "url.fragment", "url.full", "db.params", NULL};
static const char *const models[] = {"gen_ai.prompt", "gen_ai.input.messages",
	"gen_ai.request.messages", "gen_ai.output.messages", "gen_ai.response.text",
	"gen_ai.response.tool_calls", "gen_ai.response.object", "gen_ai.tool.input",
	"gen_ai.tool.output", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
	"gen_ai.system_instructions", "ai.input_messages", "ai.responses", "ai.texts", NULL};
static const char *const people[] = {
	"client.address", "user.ip_address", "user.id", "user.name", "user.email", NULL};

static void strip_data(struct strip *s, json_node data, struct meta_node *at)
{
	for (const char *const *k = queries; *k != NULL; k++)
		filter_member(s, data, at, *k);
	for (const char *const *k = models; *k != NULL; k++)
		remove_member(s, data, at, *k);
	clean_member(s, data, at, "url");
}

static void strip_span(struct strip *s, json_node span, struct meta_node *at)
{
	json_node data = json_get(s->d, span, STR("data"));

	clean_description(s, span, at);
	if (json_type_of(s->d, data) == JSON_TYPE_OBJECT)
		strip_data(s, data, below(s, at, STR("data")));
}

static void strip_attribute(
	struct strip *s, json_node attributes, struct meta_node *at, const char *key, bool remove)
{
	json_node n = json_get(s->d, attributes, str_of(key));

	if (!is_there(s, n) || s->rc != E_OK)
		return;
	at = below(s, at, str_of(key));
	if (json_type_of(s->d, n) == JSON_TYPE_OBJECT && remove)
		remove_member(s, n, at, "value");
	else if (json_type_of(s->d, n) == JSON_TYPE_OBJECT)
		filter_member(s, n, at, "value");
	else
		put_text(s, n, at, STR("[Filtered]"), REMARK_SUBSTITUTED);
}

static void strip_attributes(struct strip *s, json_node attributes, struct meta_node *at)
{
	if (json_type_of(s->d, attributes) != JSON_TYPE_OBJECT)
		return;
	for (const char *const *k = people; *k != NULL; k++)
		strip_attribute(s, attributes, at, *k, true);
	for (const char *const *k = models; *k != NULL; k++)
		strip_attribute(s, attributes, at, *k, true);
	for (const char *const *k = queries; *k != NULL; k++)
		strip_attribute(s, attributes, at, *k, false);
}

static bool is_sensitive_header(struct str name)
{
	static const char *const names[] = {"Set-Cookie", "Cookie", "Authorization",
		"Proxy-Authorization", "X-Api-Key", "X-Forwarded-For", "X-Real-IP"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_ieq(name, str_of(names[i])))
			return true;
	return false;
}

static void strip_headers(struct strip *s, json_node headers, struct meta_node *at)
{
	bool is_list = json_type_of(s->d, headers) == JSON_TYPE_ARRAY;
	size_t index = 0;

	for (json_node n = json_first(s->d, headers); n != JSON_NONE && s->rc == E_OK;
		n = json_next(s->d, n), index++) {
		json_node key = is_list ? json_first(s->d, n) : JSON_NONE;
		json_node value = is_list ? json_at(s->d, n, 1) : n;
		struct meta_node *where;
		struct str step;

		if (!is_sensitive_header(is_list ? json_text(s->d, key) : json_key(s->d, n)) ||
			!is_there(s, value))
			continue;
		step = is_list ? arena_printf(s->run->redactor.arena, "%zu", index)
			       : json_key(s->d, n);
		where = step.p != NULL ? below(s, at, step) : below(s, NULL, step);
		if (is_list)
			where = below(s, where, STR("1"));
		put_text(s, value, where, STR(""), REMARK_REMOVED);
	}
}

static void strip_request(struct strip *s, json_node request, struct meta_node *at)
{
	json_node env = json_get(s->d, request, STR("env"));
	json_node headers = json_get(s->d, request, STR("headers"));

	if (json_type_of(s->d, request) != JSON_TYPE_OBJECT)
		return;
	remove_member(s, request, at, "cookies");
	if (json_type_of(s->d, env) == JSON_TYPE_OBJECT)
		remove_member(s, env, below(s, at, STR("env")), "REMOTE_ADDR");
	if (is_there(s, headers))
		strip_headers(s, headers, below(s, at, STR("headers")));
	if (str_ieq(json_text(s->d, json_get(s->d, request, STR("api_target"))), STR("graphql")))
		remove_member(s, request, at, "data");
}

static void strip_tasks(struct strip *s, json_node extra, struct meta_node *at)
{
	static const char *const jobs[] = {
		"celery-job", "rq-job", "huey-job", "arq-job", "ray-job"};

	for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
		json_node job = json_get(s->d, extra, str_of(jobs[i]));

		if (json_type_of(s->d, job) != JSON_TYPE_OBJECT)
			continue;
		filter_member(s, job, below(s, at, str_of(jobs[i])), "args");
		filter_member(s, job, below(s, at, str_of(jobs[i])), "kwargs");
	}
}

static void strip_breadcrumb(struct strip *s, json_node n, struct meta_node *at)
{
	json_node data = json_get(s->d, n, STR("data"));
	struct str category = json_text(s->d, json_get(s->d, n, STR("category")));

	if (json_type_of(s->d, data) != JSON_TYPE_OBJECT)
		return;
	at = below(s, at, STR("data"));
	strip_data(s, data, at);
	if (str_starts(category, STR("graphql"))) {
		filter_member(s, data, at, "variables");
		filter_member(s, data, at, "document");
	}
}

typedef void strip_fn(struct strip *s, json_node n, struct meta_node *at);

static void each(struct strip *s, json_node list, struct meta_node *at, strip_fn *strip)
{
	size_t index = 0;

	for (json_node n = json_first(s->d, list); n != JSON_NONE && s->rc == E_OK;
		n = json_next(s->d, n), index++) {
		struct str step = arena_printf(s->run->redactor.arena, "%zu", index);

		if (step.p == NULL)
			s->rc = E_NOMEM;
		else if (json_type_of(s->d, n) == JSON_TYPE_OBJECT)
			strip(s, n, below(s, at, step));
	}
}

static void strip_event(struct strip *s, json_node root)
{
	struct meta_node *top = s->meta->root;
	json_node user = json_get(s->d, root, STR("user"));
	json_node crumbs = json_get(s->d, root, STR("breadcrumbs"));
	json_node values = json_get(s->d, crumbs, STR("values"));
	json_node trace = json_find(s->d, root, "contexts.trace.data");
	struct meta_node *at = below(s, top, STR("breadcrumbs"));

	if (json_type_of(s->d, user) == JSON_TYPE_OBJECT)
		remove_member(s, user, below(s, top, STR("user")), "ip_address");
	strip_request(s, json_get(s->d, root, STR("request")), below(s, top, STR("request")));
	strip_tasks(s, json_get(s->d, root, STR("extra")), below(s, top, STR("extra")));
	each(s, values != JSON_NONE ? values : crumbs,
		values != JSON_NONE ? below(s, at, STR("values")) : at, strip_breadcrumb);
	each(s, json_get(s->d, root, STR("spans")), below(s, top, STR("spans")), strip_span);
	if (json_type_of(s->d, trace) == JSON_TYPE_OBJECT)
		strip_data(s, trace,
			below(s, below(s, below(s, top, STR("contexts")), STR("trace")),
				STR("data")));
}

int default_pii_strip(
	struct run *r, enum scrub_type t, struct json_doc *d, json_node root, struct meta *notes)
{
	struct strip s = {r, d, notes, E_OK};

	switch (t) {
	case SCRUB_EVENT:
	case SCRUB_REPLAY:
		strip_event(&s, root);
		break;
	case SCRUB_SPAN:
		strip_span(&s, root, notes->root);
		break;
	case SCRUB_SPAN_V2:
	case SCRUB_SPAN_V2_ITEMS:
	case SCRUB_LOG:
	case SCRUB_LOG_ITEMS:
	case SCRUB_TRACE_METRIC:
	case SCRUB_TRACE_METRIC_ITEMS:
		strip_attributes(&s, json_get(d, root, STR("attributes")),
			below(&s, notes->root, STR("attributes")));
		break;
	default:
		break;
	}
	return s.rc;
}
