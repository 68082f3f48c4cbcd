/* From a path to its endpoint.
 *
 *   endpoint_find   below /api/ or not; probes, the web API, /api/store/
 *   find_project    /api/{project}/...
 *   find_below      what follows the project
 */
#include "base/id.h"
#include "endpoint/endpoint.h"

int project_parse(struct str text, struct str *ret, struct err *err)
{
	uint64_t value;

	while (text.n > 1 && text.p[0] == '0')
		text = str_from(text, 1);
	if (!str_to_u64(text, UINT64_MAX, &value) || value == 0)
		return err_set(err, E_SYNTAX,
			"the project id in the path must be a number from 1 to 2^64-1");
	*ret = text;
	return E_OK;
}

static struct str without_slash(struct str s)
{
	return s.n > 0 && s.p[s.n - 1] == '/' ? str_first(s, s.n - 1) : s;
}

/* The endpoints whose path has nothing of its own in it. */
static const struct {
	const char *path;
	enum endpoint endpoint;
} plain[] = {
	{"envelope", ENDPOINT_ENVELOPE},
	{"store", ENDPOINT_STORE},
	{"security", ENDPOINT_SECURITY},
	{"csp-report", ENDPOINT_SECURITY},
	{"nel", ENDPOINT_NEL},
	{"minidump", ENDPOINT_MINIDUMP},
	{"integration/otlp/v1/traces", ENDPOINT_OTLP_TRACES},
	{"integration/otlp/v1/logs", ENDPOINT_OTLP_LOGS},
	{"otlp/v1/traces", ENDPOINT_OTLP_TRACES}, /* the older spelling */
	{"otlp/v1/logs", ENDPOINT_OTLP_LOGS},
	{"integration/vercel/logs", ENDPOINT_VERCEL},
	{"integration/heroku/logs", ENDPOINT_HEROKU},
	{"playstation", ENDPOINT_PLAYSTATION},
	{"upload", ENDPOINT_UPLOAD},
};

/* "{slug}" or "{slug}/{key}". */
static bool find_cron(struct str path, struct endpoint_path *ret)
{
	struct str rest = path, slug = STR_EMPTY;

	if (!str_cut(&rest, '/', &slug) || slug.n == 0 || str_find_char(rest, '/') < rest.n)
		return false;
	ret->endpoint = ENDPOINT_CRON;
	ret->slug = slug;
	ret->key = rest;
	return true;
}

/* "{event id}/attachments". */
static bool find_attachments(struct str path, struct endpoint_path *ret)
{
	struct str rest = path, id = STR_EMPTY;

	if (!str_cut(&rest, '/', &id) || !str_eq(rest, STR("attachments")))
		return false;
	ret->endpoint = ENDPOINT_ATTACHMENTS;
	ret->event_id = id;
	return true;
}

static bool find_unreal(struct str key, struct endpoint_path *ret)
{
	if (key.n == 0 || str_find_char(key, '/') < key.n)
		return false;
	ret->endpoint = ENDPOINT_UNREAL;
	ret->key = key;
	return true;
}

/* False: none that is known by name. */
static bool find_below(struct str rest, struct endpoint_path *ret)
{
	struct str path = without_slash(rest);

	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
		if (str_eq(path, str_of(plain[i].path))) {
			ret->endpoint = plain[i].endpoint;
			return true;
		}
	}
	if (str_starts(path, STR("cron/")))
		return find_cron(str_from(path, 5), ret);
	if (str_starts(path, STR("events/")))
		return find_attachments(str_from(path, 7), ret);
	if (str_starts(path, STR("unreal/")))
		return find_unreal(str_from(path, 7), ret);
	if (str_starts(path, STR("upload/"))) {
		ret->endpoint = ENDPOINT_UPLOAD;
		return true;
	}
	return false;
}

/* A segment "." or "..", in whatever spelling: it would leave the project. */
static bool is_dots(struct str segment)
{
	size_t n = 0;

	while (segment.n > 0 && n < 3) {
		bool is_escaped = str_istarts(segment, STR("%2e"));

		if (!is_escaped && segment.p[0] != '.')
			return false;
		segment = str_from(segment, is_escaped ? 3 : 1);
		n++;
	}
	return n == 1 || n == 2;
}

static bool leaves_project(struct str rest)
{
	struct str segment;

	while (str_cut(&rest, '/', &segment)) {
		if (is_dots(segment))
			return true;
	}
	return false;
}

static int find_project(
	struct str project, struct str rest, struct endpoint_path *ret, struct err *err)
{
	struct event_id id;
	struct err ignored;
	int rc;

	ret->rest = rest;
	if (find_below(rest, ret)) {
		rc = project_parse(project, &ret->project, err);
		if (rc == E_OK && ret->endpoint == ENDPOINT_ATTACHMENTS &&
			!event_id_parse(ret->event_id, &id))
			rc = err_set(err, E_SYNTAX, "the event id in the path is not a UUID");
		return rc;
	}
	if (str_eq(project, STR("0")))
		ret->endpoint = ENDPOINT_WEB_API;
	else if (rest.n > 0 && !leaves_project(rest) &&
		 project_parse(project, &ret->project, &ignored) == E_OK)
		ret->endpoint = ENDPOINT_OTHER;
	return E_OK;
}

/* The probes of Relay are below /api/ too, but pages (section 19). */
static bool is_probe(struct str path)
{
	struct str p = without_slash(path);

	return str_eq(p, STR("/api/relay/healthcheck/live")) ||
	       str_eq(p, STR("/api/relay/healthcheck/ready")) ||
	       str_eq(p, STR("/api/0/relays/live"));
}

int endpoint_find(struct str path, struct endpoint_path *ret, struct err *err)
{
	struct str rest = path, project = STR_EMPTY;

	*ret = (struct endpoint_path){.endpoint = ENDPOINT_PAGE};
	if (str_eq(without_slash(path), STR("/stream")))
		ret->endpoint = ENDPOINT_STREAM;
	if (!str_starts(rest, STR("/api/")) || is_probe(path))
		return E_OK;
	ret->endpoint = ENDPOINT_NONE;
	rest = str_from(rest, 5);
	if (str_eq(without_slash(rest), STR("store"))) {
		ret->endpoint = ENDPOINT_STORE;
		return E_OK;
	}
	(void)str_cut(&rest, '/', &project);
	return find_project(project, rest, ret, err);
}
