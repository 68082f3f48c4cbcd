/* Event ids (P-055 to P-057): header, else payload, else a new one. */
#include "envelope/header.h"

#define PAYLOAD_NODES_MAX (1u << 20)

/* Types whose payload tells the event's id, the event itself first. */
static const enum item_type id_types[] = {
	ITEM_EVENT, ITEM_TRANSACTION, ITEM_FEEDBACK, ITEM_REPLAY_EVENT, ITEM_USER_REPORT};

bool payload_event_id(struct str payload, struct event_id *ret)
{
	struct json_limits limits = {.max_nodes = PAYLOAD_NODES_MAX};
	struct arena *a = arena_new(payload.n / 2, 0);
	struct json_doc *d;
	bool found = false;

	if (a != NULL && json_parse(&d, a, payload, &limits, NULL) == E_OK) {
		json_node n = json_get(d, json_root(d), STR("event_id"));

		found = event_id_parse(json_text(d, n), ret) && !event_id_is_zero(ret);
	}
	arena_free(a);
	return found;
}

static bool id_from_payload(const struct envelope *e, struct event_id *ret)
{
	for (size_t t = 0; t < sizeof id_types / sizeof id_types[0]; t++) {
		for (size_t i = 0; i < e->item_count; i++) {
			if (e->items[i].type == id_types[t] &&
				payload_event_id(e->items[i].payload, ret))
				return true;
		}
	}
	return false;
}

/* True when the header's id, a good one, is spelt as writers do (protocol.md 1):
 * without dashes, in lower case. */
static bool is_spelt_as_written(const struct envelope *e)
{
	json_node n = json_get(e->header, json_root(e->header), STR("event_id"));
	struct str text = json_text(e->header, n);

	bool has_upper = false;

	if (text.n != EVENT_ID_HEX_BYTES - 1)
		return false;
	for (size_t i = 0; i < EVENT_ID_HEX_BYTES - 1; i++)
		has_upper |= text.p[i] >= 'A' && text.p[i] <= 'F';
	return !has_upper;
}

int envelope_identify(struct envelope *e, struct err *err)
{
	char hex[EVENT_ID_HEX_BYTES];

	if (!e->has_event_id && !envelope_needs_event_id(e))
		return E_OK;
	if (!e->has_event_id && !id_from_payload(e, &e->event_id) && !event_id_random(&e->event_id))
		return err_set(err, E_IO, "no random numbers for an event id");
	if (e->has_event_id && is_spelt_as_written(e))
		return E_OK;
	event_id_hex(&e->event_id, hex);
	if (envelope_set_header_string(e, STR("event_id"), str_of(hex)) != E_OK)
		return err_set(err, E_NOMEM, "no memory for an event id");
	e->has_event_id = true;
	return E_OK;
}
