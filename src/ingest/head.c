#include "ingest/head.h"

#include "endpoint/fields.h"
#include "ingest/auth.h"

#define ALLOW_PAGE STR("GET, HEAD, OPTIONS")

static bool refuse(struct head *r, int status, const char *detail)
{
	r->verdict = HEAD_REFUSE;
	r->status = status;
	(void)err_set(&r->err, E_DENIED, "%s", detail);
	return false;
}

static bool refuse_for_good(struct head *r, int status, const char *detail)
{
	r->fatal = true;
	return refuse(r, status, detail);
}

/* What no endpoint can answer. */
static bool check_http(const struct http *h, struct head *r)
{
	struct str te = h->values[FIELD_TRANSFER_ENCODING];
	struct str expect = h->values[FIELD_EXPECT];

	if (h->upgrade)
		return refuse_for_good(r, 400, "this is no proxy");
	if (te.n > 0 && !str_ieq(te, STR("chunked")))
		return refuse_for_good(r, 501, "the only transfer encoding known is chunked");
	if (expect.n > 0 && !str_ieq(expect, STR("100-continue")))
		return refuse_for_good(r, 417, "the only expectation known is 100-continue");
	if (http_times(h, FIELD_HOST) > 1 || http_times(h, FIELD_ORIGIN) > 1)
		return refuse_for_good(r, 400, "Host or Origin stands there twice");
	return true;
}

static bool check_peer(const struct http *h, const struct peer *peer,
	const struct head_rules *rules, struct head *r)
{
	const struct str_list *hosts = &rules->settings->listen.allow_host;

	if (peer->is_own)
		return refuse_for_good(
			r, 508, "this is what picketd sends: its [upstream] leads back to itself");
	if (peer->is_unix) {
		if (!guard_uid(rules->uids, peer->uid))
			return refuse(r, 403, "this user is not in listen.allow_uid");
		return true;
	}
	/* Only tools of HTTP/1.0 send none; browsers, who are meant here, do. */
	if (http_times(h, FIELD_HOST) == 0 && !h->is_http10)
		return refuse(r, 400, "HTTP/1.1 requests need a Host");
	if (http_times(h, FIELD_HOST) > 0 && !guard_host(h->values[FIELD_HOST], hosts))
		return refuse(r, 403, "this Host is neither loopback nor in listen.allow_host");
	if (r->target.host.n > 0 && !guard_host(r->target.host, hosts))
		return refuse(r, 403, "this host is neither loopback nor in listen.allow_host");
	return true;
}

static bool check_origin(const struct http *h, const struct settings *s, struct head *r)
{
	bool any;

	if (http_times(h, FIELD_ORIGIN) == 0)
		return true;
	if (!guard_origin(h->values[FIELD_ORIGIN], &s->listen.allow_origin, &any)) {
		if (h->method == HTTP_OPTIONS)
			return true; /* a preflight without CORS headers is a no */
		return refuse(r, 403, "web pages of this origin are not in listen.allow_origin");
	}
	if (endpoint_has(r->target.at.endpoint, ENDPOINT_CORS) ||
		r->target.at.endpoint == ENDPOINT_NONE)
		r->cors = any ? CORS_ANY : CORS_ORIGIN;
	return true;
}

static bool choose_page(bool is_get, struct head *r)
{
	r->verdict = is_get ? HEAD_PAGE : HEAD_METHOD;
	r->allow = ALLOW_PAGE;
	return true;
}

static bool choose_take(const struct http *h, struct head *r)
{
	enum endpoint e = r->target.at.endpoint;
	struct str method = str_of(llhttp_method_name((llhttp_method_t)h->method));

	if (endpoint_takes_method(e, method)) {
		r->verdict = HEAD_TAKE;
		return true;
	}
	r->allow = str_of(endpoint_methods(e));
	return refuse(r, 405, "this path does not take this method; Allow names those it takes");
}

static bool choose(const struct http *h, struct head *r)
{
	enum endpoint e = r->target.at.endpoint;

	if (h->method == HTTP_OPTIONS) {
		r->verdict = HEAD_OPTIONS;
		r->allow = endpoint_takes_data(e) ? str_of(endpoint_methods(e)) : ALLOW_PAGE;
		return true;
	}
	switch (e) {
	case ENDPOINT_PAGE:
		return choose_page(h->method == HTTP_GET || h->method == HTTP_HEAD, r);
	case ENDPOINT_WEB_API:
		return refuse(r, 404, "Sentry's web API is not relayed: ask Sentry itself");
	case ENDPOINT_UPLOAD:
		return refuse(r, 404, "uploads are not taken: they cannot be buffered");
	case ENDPOINT_NONE:
	case ENDPOINT_SERVER:
		return refuse(r, 404, "there is no such path here");
	case ENDPOINT_STREAM:
		if (h->method == HTTP_GET || h->method == HTTP_HEAD)
			return choose_page(true, r);
		return choose_take(h, r);
	default:
		return choose_take(h, r);
	}
}

/* Spotlight's SDKs send their envelopes a second time, without credentials, to
 * whoever looks on: a developer, not a deployed daemon. */
static void settle_stream(const struct http *h, bool dev, struct endpoint_path *at)
{
	if (at->endpoint != ENDPOINT_STREAM)
		return;
	if (!dev || (h->method != HTTP_POST && h->method != HTTP_OPTIONS))
		at->endpoint = ENDPOINT_PAGE;
}

void head_judge(const struct http *h, const struct peer *peer, const struct head_rules *rules,
	struct head *ret)
{
	const struct settings *s = rules->settings;
	int rc;

	*ret = (struct head){.verdict = HEAD_REFUSE};
	rc = target_parse(h->target, str_of(s->listen.path_prefix), &ret->target, &ret->err);
	settle_stream(h, rules->dev, &ret->target.at);
	if (!check_http(h, ret) || !check_peer(h, peer, rules, ret) || !check_origin(h, s, ret))
		return;
	if (rc != E_OK) {
		ret->status = 400;
		return;
	}
	if (!choose(h, ret) || ret->verdict != HEAD_TAKE)
		return;
	if (encoding_parse(h->values[FIELD_CONTENT_ENCODING], &ret->encoding) != E_OK)
		(void)refuse(ret, 415,
			"Content-Encoding must be one of gzip, deflate, br, zstd or identity");
}

static bool keep(struct arena *a, struct str s, struct str *ret)
{
	*ret = STR_EMPTY;
	if (s.n == 0)
		return true;
	*ret = arena_dup(a, s);
	return ret->p != NULL;
}

static bool fill_sender(const struct http *h, const struct peer *peer, const struct head *head,
	const struct credentials *c, struct envelope *env)
{
	const struct forwarded f = {
		.cf_connecting_ip = h->values[FIELD_CF_CONNECTING_IP],
		.vercel_forwarded_for = h->values[FIELD_VERCEL_FORWARDED_FOR],
		.sentry_forwarded_for = h->values[FIELD_SENTRY_FORWARDED_FOR],
		.forwarded_for = h->values[FIELD_FORWARDED_FOR],
	};
	struct sender *from = &env->from;
	struct str origin = h->values[FIELD_ORIGIN];
	struct arena *a = env->arena;

	if (origin.n == 0)
		origin = h->values[FIELD_REFERER];
	from->peer_uid = peer->uid;
	from->peer_pid = peer->pid;
	return keep(a, c->key, &from->key) && keep(a, c->secret, &from->secret) &&
	       keep(a, c->client, &from->client) && keep(a, c->protocol, &from->protocol) &&
	       keep(a, head->target.at.project, &from->project) && keep(a, origin, &from->origin) &&
	       keep(a, h->values[FIELD_USER_AGENT], &from->user_agent) &&
	       address_chain(&f, peer, a, &from->forwarded_for);
}

int head_identify(const struct http *h, const struct peer *peer, const struct head *head,
	struct envelope *env, bool *found, struct err *err)
{
	const struct auth_input in = {
		.sentry_auth = h->values[FIELD_SENTRY_AUTH],
		.sentry_auth_times = http_times(h, FIELD_SENTRY_AUTH),
		.authorization = h->values[FIELD_AUTHORIZATION],
		.authorization_times = http_times(h, FIELD_AUTHORIZATION),
		.query = head->target.query,
		.path_key = head->target.at.key,
	};
	struct credentials c;
	int rc = auth_read(&in, env->arena, &c, err);

	if (rc != E_OK)
		return rc;
	*found = c.found;
	if (!fill_sender(h, peer, head, &c, env))
		return err_set(err, E_NOMEM, "no memory for the request");
	return E_OK;
}

/* The parts of the path are views into the request line. */
static bool keep_path(struct arena *a, const struct endpoint_path *at, struct endpoint_path *ret)
{
	*ret = *at;
	return keep(a, at->project, &ret->project) && keep(a, at->key, &ret->key) &&
	       keep(a, at->slug, &ret->slug) && keep(a, at->event_id, &ret->event_id) &&
	       keep(a, at->rest, &ret->rest);
}

int head_request(const struct http *h, const struct head *head, struct envelope *env,
	struct endpoint_request **ret, struct err *err)
{
	struct arena *a = env->arena;
	struct endpoint_request *r;

	*ret = NULL;
	if (head->target.at.endpoint == ENDPOINT_ENVELOPE ||
		head->target.at.endpoint == ENDPOINT_STREAM)
		return E_OK;
	r = arena_calloc(a, 1, sizeof *r);
	if (r == NULL || !keep_path(a, &head->target.at, &r->path) ||
		!keep(a, head->target.query, &r->query) || !keep(a, h->rest, &r->headers))
		return err_set(err, E_NOMEM, "no memory for the request");
	r->method = str_of(llhttp_method_name((llhttp_method_t)h->method));
	r->content_type = fields_get(r->headers, STR("content-type"));
	r->was_encoded = head->encoding != ENCODING_IDENTITY;
	*ret = r;
	return E_OK;
}
