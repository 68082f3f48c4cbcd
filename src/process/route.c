#include "process/route.h"

static bool same(const char *setting, struct str s)
{
	return str_eq(str_of(setting), s);
}

static const struct project *project_of(const struct settings *s, const struct sender *from)
{
	const struct project *any_id = NULL;

	for (size_t i = 0; i < s->project_count; i++) {
		const struct project *p = &s->projects[i];

		if (!same(p->key, from->key))
			continue;
		if (p->id[0] != '\0' && same(p->id, from->project))
			return p;
		/* A path without a project is the key's to decide. */
		if ((p->id[0] == '\0' || from->project.n == 0) && any_id == NULL)
			any_id = p;
	}
	return any_id;
}

static bool key_is_known(const struct settings *s, const struct sender *from)
{
	for (size_t i = 0; i < s->project_count; i++) {
		if (same(s->projects[i].key, from->key))
			return true;
	}
	return false;
}

struct str route_local_dsn(void)
{
	return STR("http://local@localhost/1");
}

static int to_dsn(struct str text, const struct sender *from, struct arena *a, struct route *ret,
	struct err *err)
{
	int rc = dsn_parse(text, &ret->dsn, err);

	if (rc != E_OK)
		return rc;
	ret->text = dsn_format(&ret->dsn, a);
	if (ret->text.p == NULL)
		return err_set(err, E_NOMEM, "no memory for a route");
	ret->key_changed = !str_eq(ret->dsn.key, from->key);
	ret->project_changed = !str_eq(ret->dsn.project, from->project);
	return E_OK;
}

/* Relay style: only the host is ours to choose. */
static int to_url(const struct settings *s, const struct sender *from, struct arena *a,
	struct route *ret, struct err *err)
{
	int rc;

	if (from->key.n == 0)
		return err_set(err, E_UNAUTHORIZED,
			"no credentials: with [upstream] url the client's own key is needed");
	if (!dsn_key_is_sentry(from->key))
		return err_set(err, E_INVAL, "the key is not one Sentry gives out (32 hex digits)");
	if (from->project.n == 0)
		return err_set(err, E_INVAL, "no project id");
	rc = dsn_parse_base(str_of(s->upstream.url), &ret->dsn, err);
	if (rc != E_OK)
		return err_wrap(err, rc, "[upstream] url");
	ret->dsn.key = from->key;
	ret->dsn.secret = STR_EMPTY;
	ret->dsn.project = from->project;
	ret->text = dsn_format(&ret->dsn, a);
	if (ret->text.p == NULL)
		return err_set(err, E_NOMEM, "no memory for a route");
	ret->key_changed = false;
	ret->project_changed = false;
	return E_OK;
}

static int refuse(const struct settings *s, const struct sender *from, struct err *err)
{
	if (from->key.n == 0)
		return err_set(err, E_UNAUTHORIZED, "no credentials");
	if (key_is_known(s, from))
		return err_set(err, E_DENIED,
			"project id is not the one of this key (set id in its [project], or leave "
			"id "
			"out)");
	if (s->upstream.accept == ACCEPT_KNOWN)
		return err_set(err, E_DENIED,
			"key is not known here (add a [project] with it, or set [upstream] accept "
			"= "
			"any)");
	return err_set(err, E_DENIED,
		"nowhere to send this (set [upstream] dsn or url, or add a [project] with this "
		"key)");
}

int route_find(const struct settings *s, const struct sender *from, bool dev, struct arena *a,
	struct route *ret, struct err *err)
{
	const struct project *p = from->key.n > 0 ? project_of(s, from) : NULL;
	bool any = s->upstream.accept == ACCEPT_ANY;

	if (p != NULL)
		return to_dsn(str_of(p->dsn), from, a, ret, err);
	if (any && s->upstream.dsn[0] != '\0')
		return to_dsn(str_of(s->upstream.dsn), from, a, ret, err);
	if (any && s->upstream.url[0] != '\0')
		return to_url(s, from, a, ret, err);
	if (any && dev)
		return to_dsn(route_local_dsn(), from, a, ret, err);
	return refuse(s, from, err);
}

int route_to_project(const struct settings *s, const char *name, const struct sender *from,
	struct arena *a, struct route *ret, struct err *err)
{
	for (size_t i = 0; i < s->project_count; i++) {
		if (strcmp(s->projects[i].name, name) == 0)
			return to_dsn(str_of(s->projects[i].dsn), from, a, ret, err);
	}
	return err_set(err, E_NOTFOUND, "there is no [project %s]", name);
}

static int header_dsn_apply(struct envelope *e, const struct route *r)
{
	if (e->dsn.n == 0)
		return E_OK;
	return envelope_set_header_string(e, STR("dsn"), r->text);
}

static int trace_key_apply(struct envelope *e, const struct route *r)
{
	json_node key;

	if (e->trace_key.n == 0 || !str_eq(e->trace_key, e->from.key))
		return E_OK;
	key = json_find(e->header, json_root(e->header), "trace.public_key");
	if (str_eq(json_text(e->header, key), r->dsn.key))
		return E_OK; /* nothing to do, or another route changed it already */
	return json_replace_string(e->header, key, r->dsn.key);
}

int route_apply(struct envelope *e, const struct route *r, struct err *err)
{
	int rc = header_dsn_apply(e, r);

	if (rc == E_OK)
		rc = trace_key_apply(e, r);
	if (rc != E_OK)
		return err_set(err, rc, "cannot rewrite the envelope header");
	return E_OK;
}
