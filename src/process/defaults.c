/* What is filled into items that lack it (sdk-semantics 9).
 *
 * Absent and null are the same; what is there is never touched. Sessions are
 * left alone: one without a release is not to be given one.
 */
#include "base/timefmt.h"
#include "process/event.h"

struct fill {
	struct work *w;
	struct json_doc *d;
	struct str container;
	struct str attributes[3]; /* release, environment, server name */
	int rc;
};

static bool is_missing(struct json_doc *d, json_node object, struct str key)
{
	enum json_type t = json_type_of(d, json_get(d, object, key));

	return t == JSON_TYPE_MISSING || t == JSON_TYPE_NULL;
}

static int fill_text(struct json_doc *d, json_node object, const char *key, struct str value)
{
	if (value.n == 0 || !is_missing(d, object, str_of(key)))
		return E_OK;
	return json_set_string(d, object, str_of(key), value);
}

static struct str server_name_of(const struct judge *j)
{
	const char *name = j->settings->event.server_name;

	return name[0] != '\0' ? str_of(name) : j->node;
}

/* --- tags ----------------------------------------------------------------------------- */

/* Tags are an object, or a list of pairs. */
static bool has_tag(struct json_doc *d, json_node tags, struct str name)
{
	if (json_type_of(d, tags) == JSON_TYPE_OBJECT)
		return !is_missing(d, tags, name);
	for (json_node n = json_first(d, tags); n != JSON_NONE; n = json_next(d, n))
		if (str_eq(json_text(d, json_at(d, n, 0)), name) ||
			str_eq(json_text(d, json_get(d, n, STR("key"))), name))
			return true;
	return false;
}

static int add_pair(struct fill *f, json_node tags, struct str name, struct str value)
{
	struct buf b = BUF_INIT;
	struct str text;

	buf_char(&b, '[');
	buf_json_str(&b, name);
	buf_char(&b, ',');
	buf_json_str(&b, value);
	buf_char(&b, ']');
	text = buf_ok(&b) ? arena_dup(f->w->e->arena, buf_view(&b)) : STR_EMPTY;
	buf_fini(&b);
	return text.p != NULL ? json_append_raw(f->d, tags, text) : E_NOMEM;
}

static int fill_tag(struct fill *f, json_node root, struct str name, struct str value)
{
	json_node tags = json_get(f->d, root, STR("tags"));

	if (value.n == 0 || has_tag(f->d, tags, name))
		return E_OK;
	if (json_type_of(f->d, tags) == JSON_TYPE_ARRAY)
		return add_pair(f, tags, name, value);
	if (json_type_of(f->d, tags) != JSON_TYPE_OBJECT) {
		int rc = json_set_raw(f->d, root, STR("tags"), STR("{}"));

		if (rc != E_OK)
			return rc;
		tags = json_get(f->d, root, STR("tags"));
	}
	return json_set_string(f->d, tags, name, value);
}

static int fill_tags(struct fill *f, json_node root)
{
	const struct judge *j = f->w->j;
	const struct setting_pairs *tags = &j->settings->tags;
	int rc = E_OK;

	for (size_t i = 0; i < tags->n && rc == E_OK; i++)
		rc = fill_tag(f, root, str_of(tags->v[i].name), str_of(tags->v[i].value));
	if (rc == E_OK)
		rc = fill_tag(f, root, STR("k8s.pod"), j->pod);
	if (rc == E_OK)
		rc = fill_tag(f, root, STR("k8s.namespace"), j->namespace);
	if (rc == E_OK)
		rc = fill_tag(f, root, STR("k8s.node"), j->node);
	return rc == E_OK ? fill_tag(f, root, STR("container.id"), f->container) : rc;
}

/* --- events -------------------------------------------------------------------------------- */

/* Where an event came from and when is known here; upstream would take its own
 * time for it, which may be days later. */
static int fill_arrival(struct fill *f, json_node root)
{
	const struct envelope *e = f->w->e;
	char time[RFC3339_BYTES], hex[EVENT_ID_HEX_BYTES];
	int rc = fill_text(f->d, root, "platform", STR("other"));

	rfc3339_format(e->from.received.wall_ms * 1000, time);
	if (rc == E_OK && is_missing(f->d, root, STR("timestamp")))
		rc = fill_text(f->d, root, "timestamp", arena_dup(e->arena, str_of(time)));
	event_id_hex(&e->event_id, hex);
	if (rc == E_OK && e->has_event_id && is_missing(f->d, root, STR("event_id")))
		rc = fill_text(f->d, root, "event_id", arena_dup(e->arena, str_of(hex)));
	return rc;
}

static int fill_event(struct fill *f, const struct item *it, json_node root)
{
	const struct settings *s = f->w->j->settings;
	int rc = fill_text(f->d, root, "release", str_of(s->event.release));

	if (rc == E_OK)
		rc = fill_text(f->d, root, "environment", str_of(s->event.environment));
	if (rc != E_OK || it->type == ITEM_CHECK_IN)
		return rc;
	rc = fill_text(f->d, root, "dist", str_of(s->event.dist));
	if (rc == E_OK)
		rc = fill_text(f->d, root, "server_name", server_name_of(f->w->j));
	if (rc == E_OK && it->type != ITEM_REPLAY_EVENT)
		rc = fill_tags(f, root);
	return rc == E_OK ? fill_arrival(f, root) : rc;
}

/* --- entries --------------------------------------------------------------------------------- */

static const char *const attribute_names[] = {
	"sentry.release", "sentry.environment", "server.address"};

static int fill_attribute(struct fill *f, json_node attributes, const char *name, struct str value)
{
	json_node old = json_get(f->d, attributes, str_of(name));

	if (value.n == 0 || !is_missing(f->d, old, STR("value")))
		return E_OK;
	return json_set_raw(f->d, attributes, str_of(name), value);
}

/* Never says that the entry is gone. */
static bool fill_entry(void *arg, struct json_doc *d, json_node entry)
{
	struct fill *f = arg;
	json_node attributes;

	if (f->rc != E_OK || json_type_of(d, entry) != JSON_TYPE_OBJECT)
		return false;
	f->d = d;
	attributes = entry_attributes(d, entry);
	f->rc = attributes != JSON_NONE ? E_OK : E_NOMEM;
	for (size_t i = 0; i < 3 && f->rc == E_OK; i++)
		f->rc = fill_attribute(f, attributes, attribute_names[i], f->attributes[i]);
	return false;
}

static int attribute_text(struct fill *f, size_t i, struct str value)
{
	struct buf b = BUF_INIT;

	if (value.n == 0)
		return E_OK;
	buf_cstr(&b, "{\"value\":");
	buf_json_str(&b, value);
	buf_cstr(&b, ",\"type\":\"string\"}");
	if (buf_ok(&b))
		f->attributes[i] = arena_dup(f->w->e->arena, buf_view(&b));
	buf_fini(&b);
	return f->attributes[i].p != NULL ? E_OK : E_NOMEM;
}

static int fill_entries(struct fill *f)
{
	static const enum item_type types[] = {ITEM_LOG, ITEM_TRACE_METRIC, ITEM_SPAN};
	const struct settings *s = f->w->j->settings;
	int rc = attribute_text(f, 0, str_of(s->event.release));

	if (rc == E_OK)
		rc = attribute_text(f, 1, str_of(s->event.environment));
	if (rc == E_OK)
		rc = attribute_text(f, 2, server_name_of(f->w->j));
	for (size_t i = 0; i < sizeof types / sizeof types[0] && rc == E_OK; i++)
		if (work_find(f->w, types[i]) != NULL)
			rc = work_drop_entries(f->w, types[i], fill_entry, f, DROP_NONE);
	return rc == E_OK ? f->rc : rc;
}

/* --- all -----------------------------------------------------------------------------------------
 */

static bool is_filled(enum item_type t)
{
	return t == ITEM_EVENT || t == ITEM_TRANSACTION || t == ITEM_FEEDBACK ||
	       t == ITEM_CHECK_IN || t == ITEM_REPLAY_EVENT;
}

int work_fill(struct work *w)
{
	struct fill f = {.w = w};
	char container[CONTAINER_ID_BYTES];
	int rc = E_OK;

	for (size_t i = 0; i < w->e->item_count && rc == E_OK && w->j->fills; i++) {
		struct item *it = &w->e->items[i];

		f.d = is_filled(it->type) ? item_payload(w->e, it) : NULL;
		if (f.d == NULL || json_type_of(f.d, json_root(f.d)) != JSON_TYPE_OBJECT)
			continue;
		if (w->j->containers && f.container.p == NULL) {
			container_id_of(w->e->from.peer_pid, container);
			f.container = arena_dup(w->e->arena, str_of(container));
		}
		rc = fill_event(&f, it, json_root(f.d));
	}
	if (rc == E_OK && w->j->fills_entries)
		rc = fill_entries(&f);
	return rc == E_OK ? E_OK : work_no_memory(w);
}
