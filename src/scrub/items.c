/* The items of an envelope: what each of them is, and what cannot be read.
 *
 *   scrub_envelope   each item; those that cannot be kept are taken out at the end
 *   scrub_json       payloads that are documents
 *   scrub_file       attachments
 *   scrub_carried    requests that are no envelope
 */
#include "scrub/otlp.h"

/* How a type is looked at. */
enum item_form { FORM_JSON, FORM_FILE, FORM_OPAQUE, FORM_OURS };

struct item_way {
	enum item_form form;
	enum scrub_type alone;
	enum scrub_type container;
};

static struct item_way way_of(const struct item *it)
{
	switch (it->type) {
	case ITEM_EVENT:
	case ITEM_TRANSACTION:
	case ITEM_FEEDBACK:
		return (struct item_way){FORM_JSON, SCRUB_EVENT, SCRUB_EVENT};
	case ITEM_USER_REPORT:
		return (struct item_way){FORM_JSON, SCRUB_USER_REPORT, SCRUB_USER_REPORT};
	case ITEM_SESSION:
	case ITEM_SESSIONS:
		return (struct item_way){FORM_JSON, SCRUB_SESSION, SCRUB_SESSION};
	case ITEM_LOG:
		return (struct item_way){FORM_JSON, SCRUB_LOG, SCRUB_LOG_ITEMS};
	case ITEM_TRACE_METRIC:
		return (struct item_way){FORM_JSON, SCRUB_TRACE_METRIC, SCRUB_TRACE_METRIC_ITEMS};
	case ITEM_SPAN:
		return (struct item_way){FORM_JSON, SCRUB_SPAN, SCRUB_SPAN_V2_ITEMS};
	case ITEM_PROFILE:
	case ITEM_PROFILE_CHUNK:
	case ITEM_PROFILE_CHUNK_UI:
		return (struct item_way){FORM_JSON, SCRUB_PROFILE, SCRUB_PROFILE};
	case ITEM_REPLAY_EVENT:
		return (struct item_way){FORM_JSON, SCRUB_REPLAY, SCRUB_REPLAY};
	case ITEM_CHECK_IN:
		return (struct item_way){FORM_JSON, SCRUB_CHECK_IN, SCRUB_CHECK_IN};
	case ITEM_SECURITY:
	case ITEM_RAW_SECURITY:
	case ITEM_NEL:
	case ITEM_FORM_DATA:
		return (struct item_way){FORM_JSON, SCRUB_FREE, SCRUB_FREE};
	case ITEM_ATTACHMENT:
		return (struct item_way){FORM_FILE, SCRUB_FREE, SCRUB_FREE};
	case ITEM_CLIENT_REPORT:
		return (struct item_way){FORM_OURS, SCRUB_FREE, SCRUB_FREE};
	default:
		return (struct item_way){FORM_OPAQUE, SCRUB_FREE, SCRUB_FREE};
	}
}

static int scrub_json(struct run *r, struct envelope *e, struct item *it, enum scrub_type t)
{
	struct json_doc *d = item_payload(e, it);
	int rc;

	if (d == NULL)
		return E_SYNTAX;
	rc = run_root(r, t, d);
	if (rc != E_OK || !json_is_dirty(d, json_root(d)))
		return rc;
	r->tally->items_changed++;
	return item_settle(e, it);
}

static bool is_json_file(struct str attachment_type, struct str content_type)
{
	return str_eq(attachment_type, STR("event.view_hierarchy")) ||
	       str_istarts(content_type, STR("application/json"));
}

/* Bytes that nobody here reads, where a rule might apply. */
static int pass_opaque(struct run *r, bool has_text)
{
	switch (r->s->opaque) {
	case OPAQUE_REFUSE:
		return E_UNSUPPORTED;
	case OPAQUE_DROP:
		return E_SYNTAX;
	case OPAQUE_AUTO:
		if (has_text)
			return E_SYNTAX;
		break;
	case OPAQUE_PASS:
		break;
	}
	r->tally->opaque++;
	return E_OK;
}

/* A dump that cannot be read is bytes like any other; where rules reach its parts
 * only, nothing of it was looked at. */
static int scrub_dump(struct run *r, struct envelope *e, struct str name, struct str in,
	struct str *out, struct err *err)
{
	int rc = scrub_minidump(r->s, name, in, e->arena, out, r->tally, err);

	if (rc != E_SYNTAX)
		return rc;
	rc = scrub_attachment(r->s, name, in, e->arena, out, r->tally, err);
	if (rc == E_OK && !scrub_attachment_selected(r->s, name))
		rc = pass_opaque(r, false);
	return rc;
}

static int scrub_bytes(struct run *r, struct envelope *e, struct item *it, struct str name,
	struct str type, struct str content, struct err *err)
{
	struct str out = it->payload;
	int rc = E_SYNTAX;

	if (is_json_file(type, content))
		rc = scrub_json_attachment(r->s, name, it->payload, e->arena, &out, r->tally, err);
	if (rc == E_SYNTAX && str_eq(type, STR("event.minidump")))
		rc = scrub_dump(r, e, name, it->payload, &out, err);
	else if (rc == E_SYNTAX) /* it only says that it is JSON */
		rc = scrub_attachment(r->s, name, it->payload, e->arena, &out, r->tally, err);
	if (rc != E_OK)
		return rc;
	r->tally->items_changed += out.p != it->payload.p;
	it->payload = out;
	return E_OK;
}

static int scrub_file(struct run *r, struct envelope *e, struct item *it, struct err *err)
{
	struct json_doc *h = item_header(e, it);

	if (h == NULL)
		return E_NOMEM;
	if (r->s->rules == NULL || !r->s->attachments || it->is_reference)
		return E_OK;
	return scrub_bytes(r, e, it, json_text(h, json_get(h, json_root(h), STR("filename"))),
		json_text(h, json_get(h, json_root(h), STR("attachment_type"))),
		json_text(h, json_get(h, json_root(h), STR("content_type"))), err);
}

static bool is_otlp(const struct carried *c)
{
	return str_find(c->path, STR("otlp")) < c->path.n;
}

static int scrub_protobuf(struct run *r, struct envelope *e, struct item *it)
{
	bool is_logs = str_find(e->carried.path, STR("logs")) < e->carried.path.n;
	struct str out = it->payload;
	int rc = otlp_scrub(r, is_logs, it->payload, &out);

	if (rc != E_OK)
		return rc;
	r->tally->items_changed += out.p != it->payload.p;
	it->payload = out;
	return E_OK;
}

static int scrub_carried(struct run *r, struct envelope *e, struct item *it)
{
	bool otlp = is_otlp(&e->carried);
	int rc = scrub_json(r, e, it, otlp ? SCRUB_OTLP : SCRUB_FREE);

	if (rc == E_SYNTAX && it->payload.n == 0)
		return E_OK;
	if (rc == E_SYNTAX && otlp)
		rc = scrub_protobuf(r, e, it);
	return rc == E_SYNTAX ? pass_opaque(r, otlp) : rc;
}

static int scrub_item(struct run *r, struct envelope *e, struct item *it, struct err *err)
{
	struct item_way way = way_of(it);

	if (carried_is(&e->carried))
		return scrub_carried(r, e, it);
	switch (way.form) {
	case FORM_JSON:
		return scrub_json(r, e, it, it->is_container ? way.container : way.alone);
	case FORM_FILE:
		return scrub_file(r, e, it, err);
	case FORM_OPAQUE:
		return pass_opaque(r, false);
	case FORM_OURS:
		break;
	}
	return E_OK;
}

/* What stands for the payload of an item that is taken out. */
static const char lost[1];

static bool is_lost(void *arg, const struct item *it)
{
	(void)arg;
	return it->payload.p == lost;
}

static bool has_work(const struct scrubber *s)
{
	return s->rules != NULL || s->defaults != NULL || s->deep != NULL || s->strip_default_pii ||
	       s->scrub_data;
}

/* True: it cannot be kept. */
static bool is_unreadable(int rc)
{
	return rc != E_OK && rc != E_NOMEM && rc != E_UNSUPPORTED;
}

static int refuse(const struct item *it, struct err *err)
{
	return err_set(err, E_UNSUPPORTED,
		"an item of %s type cannot be searched for secrets ([scrub] opaque = refuse)",
		it->type == ITEM_UNKNOWN ? "unknown" : item_type_name(it->type));
}

int scrub_envelope(
	const struct scrubber *s, struct envelope *e, struct scrub_tally *tally, struct err *err)
{
	struct run r;
	int rc;

	if (!has_work(s) || e->item_count == 0)
		return E_OK;
	rc = run_begin(&r, s, e->arena, tally);
	for (size_t i = 0; rc == E_OK && i < e->item_count; i++) {
		struct item *it = &e->items[i];

		rc = scrub_item(&r, e, it, err);
		if (rc == E_UNSUPPORTED)
			(void)refuse(it, err);
		if (!is_unreadable(rc))
			continue;
		it->payload = str_make(lost, 0); /* not to be seen again, whatever happens */
		tally->items_dropped++;
		rc = E_OK;
	}
	run_end(&r);
	if (rc == E_NOMEM)
		return err_set(err, rc, "no memory to scrub an envelope");
	if (rc != E_OK)
		return rc;
	if (tally->items_dropped > 0)
		(void)envelope_remove_if(e, is_lost, NULL, &tally->dropped);
	return E_OK;
}
