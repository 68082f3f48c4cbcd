/* Check-ins without an SDK (20.5): from a query, or from a JSON body whose
 * monitor is that of the path. */
#include "endpoint/fields.h"
#include "endpoint/make.h"
#include "endpoint/query.h"

#define HEADER    STR("{\"type\":\"check_in\"}")
#define LATEST_ID STR("00000000000000000000000000000000") /* the one in progress */
/* Upstream shows who reported; curl has no name of its own (20.5). */
#define CLIENT STR("picket.http-check-in/" PICKET_VERSION)

static bool is_status(struct str s)
{
	return str_eq(s, STR("in_progress")) || str_eq(s, STR("ok")) || str_eq(s, STR("error"));
}

/* 32 digits, whatever the spelling was; "" is the latest. p == NULL: no UUID. */
static struct str normal_id(struct endpoint_work *w, struct str text)
{
	char hex[EVENT_ID_HEX_BYTES];
	struct event_id id;

	if (text.n == 0)
		return LATEST_ID;
	if (!event_id_parse(text, &id))
		return STR_EMPTY;
	event_id_hex(&id, hex);
	return arena_dup(w->env->arena, str_of(hex));
}

static int to_item(struct endpoint_work *w, struct str payload)
{
	int rc = payload.p != NULL ? make_items(w, 1) : make_no_memory(w);

	if (rc == E_OK)
		(void)make_item(w, ITEM_CHECK_IN, HEADER, payload);
	return rc;
}

static struct str written(struct endpoint_work *w, struct buf *b)
{
	struct str s = buf_ok(b) ? arena_dup(w->env->arena, buf_view(b)) : STR_EMPTY;

	buf_fini(b);
	return s;
}

/* --- JSON ------------------------------------------------------------------- */

/* Sets what the path says and what may be left out. */
static int complete(struct endpoint_work *w, struct json_doc *d, struct str slug)
{
	json_node root = json_root(d);
	json_node id = json_get(d, root, STR("check_in_id"));
	enum json_type type = json_type_of(d, id);
	int rc;

	if (type != JSON_TYPE_MISSING && type != JSON_TYPE_NULL) {
		struct event_id parsed;

		if (!event_id_parse(json_text(d, id), &parsed))
			return make_malformed(w, "check_in_id is not a UUID");
	}
	if (!is_status(json_text(d, json_get(d, root, STR("status")))))
		return make_malformed(w, "status must be in_progress, ok or error");
	rc = json_set_string(d, root, STR("monitor_slug"), slug);
	if (rc == E_OK && (type == JSON_TYPE_MISSING || type == JSON_TYPE_NULL))
		rc = json_set_string(d, root, STR("check_in_id"), LATEST_ID);
	return rc == E_OK ? E_OK : make_no_memory(w);
}

static int from_json(struct endpoint_work *w, struct str slug)
{
	struct json_doc *d;
	struct buf b = BUF_INIT;
	int rc = json_parse(&d, w->env->arena, w->body, NULL, NULL);

	if (rc == E_NOMEM)
		return make_no_memory(w);
	if (rc != E_OK || json_type_of(d, json_root(d)) != JSON_TYPE_OBJECT)
		return make_malformed(w, "the check-in is not a JSON object");
	rc = complete(w, d, slug);
	if (rc != E_OK)
		return rc;
	json_write(d, json_root(d), &b);
	return to_item(w, written(w, &b));
}

/* --- query ------------------------------------------------------------------ */

static bool is_number(struct endpoint_work *w, struct str s)
{
	struct json_doc *d;

	return json_parse(&d, w->env->arena, s, NULL, NULL) == E_OK &&
	       json_type_of(d, json_root(d)) == JSON_TYPE_NUMBER;
}

struct parameters {
	struct str slug, status, id, environment, duration;
};

static int read_parameters(struct endpoint_work *w, struct parameters *p)
{
	const struct {
		struct str name;
		struct str *to;
	} wanted[] = {{STR("status"), &p->status}, {STR("check_in_id"), &p->id},
		{STR("environment"), &p->environment}, {STR("duration"), &p->duration}};

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		if (query_value(w->request->query, wanted[i].name, w->env->arena, wanted[i].to) !=
			E_OK)
			return make_no_memory(w);
	}
	if (!is_status(p->status))
		return make_malformed(w, "the query needs a status: in_progress, ok or error");
	p->duration = str_trim(p->duration);
	if (p->duration.n > 0 && !is_number(w, p->duration))
		return make_malformed(w, "duration is not a number of seconds");
	p->id = normal_id(w, p->id);
	return p->id.p != NULL ? E_OK : make_malformed(w, "check_in_id is not a UUID");
}

static void add_text(struct buf *b, const char *before, struct str value)
{
	buf_cstr(b, before);
	buf_json_str(b, value);
}

static int from_query(struct endpoint_work *w, struct str slug)
{
	struct parameters p = {.slug = slug};
	struct buf b = BUF_INIT;
	int rc = read_parameters(w, &p);

	if (rc != E_OK)
		return rc;
	add_text(&b, "{\"check_in_id\":", p.id);
	add_text(&b, ",\"monitor_slug\":", p.slug);
	add_text(&b, ",\"status\":", p.status);
	if (p.environment.n > 0)
		add_text(&b, ",\"environment\":", p.environment);
	if (p.duration.n > 0) {
		buf_cstr(&b, ",\"duration\":");
		buf_str(&b, p.duration);
	}
	buf_char(&b, '}');
	return to_item(w, written(w, &b));
}

int take_cron(struct endpoint_work *w)
{
	struct str slug = query_decode(w->request->path.slug, false, w->env->arena);

	if (slug.p == NULL)
		return make_no_memory(w);
	if (w->env->from.client.n == 0)
		w->env->from.client = CLIENT;
	if (w->body.n > 0 && media_is(w->request->content_type, STR("application/json")))
		return from_json(w, slug);
	return from_query(w, slug);
}
