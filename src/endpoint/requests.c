/* Requests that go on without a look inside, or hardly one. */
#include "endpoint/fields.h"
#include "endpoint/make.h"
#include "endpoint/query.h"

static int check_not_empty(struct endpoint_work *w)
{
	return w->body.n > 0 ? E_OK : make_malformed(w, "the body is empty");
}

static bool is_release_or_environment(struct str name)
{
	return str_eq(name, STR("sentry_release")) || str_eq(name, STR("sentry_environment"));
}

/* Browsers' reports (20.2). The reserved item types are Relay's to write, so
 * the report goes to the path it came to. */
static int take_report(
	struct endpoint_work *w, const char *const *types, enum item_type type, struct str path)
{
	struct str query;
	int rc = make_check_media(w, types);

	if (rc == E_OK)
		rc = check_not_empty(w);
	if (rc != E_OK)
		return rc;
	if (query_filter(w->request->query, is_release_or_environment, w->env->arena, &query) !=
		E_OK)
		return make_no_memory(w);
	return make_carried(w, type, 1, path, query);
}

int take_security(struct endpoint_work *w)
{
	static const char *const types[] = {"application/json", "application/csp-report",
		"application/expect-ct-report", "application/expect-ct-report+json",
		"application/expect-staple-report", "application/reports+json", NULL};

	return take_report(w, types, ITEM_RAW_SECURITY,
		str_starts(w->request->path.rest, STR("csp")) ? STR("csp-report/")
							      : STR("security/"));
}

int take_nel(struct endpoint_work *w)
{
	static const char *const types[] = {"application/json", "application/reports+json", NULL};

	return take_report(w, types, ITEM_NEL, STR("nel/"));
}

static int keep_query(struct endpoint_work *w, struct str *ret)
{
	return query_filter(w->request->query, query_is_no_credential, w->env->arena, ret) == E_OK
		       ? E_OK
		       : make_no_memory(w);
}

/* An id for the answer: upstream finds one of its own, and nothing in such a
 * request could tell it ours. */
static int give_id(struct endpoint_work *w)
{
	struct event_id id;
	int rc = make_random_id(w, &id);

	return rc == E_OK ? make_event_id(w, &id) : rc;
}

int take_unreal(struct endpoint_work *w)
{
	struct str query;
	int rc = check_not_empty(w);

	if (rc == E_OK)
		rc = keep_query(w, &query);
	if (rc == E_OK)
		rc = make_carried(w, ITEM_UNREAL_REPORT, 1, STR("unreal/{key}/"), query);
	return rc == E_OK ? give_id(w) : rc;
}

int take_playstation(struct endpoint_work *w)
{
	struct str query;
	int rc;

	if (media_is(w->request->content_type,
		    STR("application/vnd.sce.crs.datareq-request+json"))) {
		w->success = SUCCESS_PARTS; /* a question, with one answer only (20.4) */
		return make_items(w, 0);
	}
	rc = check_not_empty(w);
	if (rc == E_OK)
		rc = keep_query(w, &query);
	if (rc == E_OK)
		rc = make_carried(w, ITEM_UNREAL_REPORT, 1, STR("playstation/"), query);
	return rc == E_OK ? give_id(w) : rc;
}

int take_other(struct endpoint_work *w)
{
	struct str query;
	int rc = keep_query(w, &query);

	if (rc != E_OK)
		return rc;
	return make_carried(w, ITEM_UNKNOWN, 1, w->request->path.rest, query);
}
