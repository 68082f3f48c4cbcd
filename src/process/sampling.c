/* Which of an envelope's items are drawn to go (sdk-semantics 2 to 4).
 *
 *   sample_error         event items, by event id; crashes stay
 *   sample_trace         transactions, else standalone spans, by trace
 *   sample_profile       the profile of a kept transaction
 *   sample_sessions      profile chunks by profiler
 *   sample_replay        all parts of a replay by its id
 *   sample_late          attachments whose event came in another envelope
 *   entries.c            logs and metrics, one by one
 *
 * Errors, messages and minidumps are "event"; sessions, check-ins, feedback and
 * reports are never looked at (P-133).
 */
#include "process/judge.h"

static bool is_sampled(const struct work *w, enum sampled_kind kind)
{
	return w->j->is_sampled[kind];
}

static const struct event_id *event_id_of(const struct envelope *e)
{
	return e->has_event_id ? &e->event_id : NULL;
}

/* The rate of an item whose payload is looked at as it is. */
static double rate_of_item(struct work *w, enum sampled_kind kind, struct item *it)
{
	struct rated what = {.kind = kind, .it = it};

	if (w->j->sample_rules_n > 0 && it != NULL)
		what.doc = item_payload(w->e, it);
	if (what.doc != NULL)
		what.root = json_root(what.doc);
	return rate_of(w, &what);
}

/* An id inside a payload. */
static bool payload_id(struct work *w, struct item *it, const char *path, struct event_id *ret)
{
	struct json_doc *d = it != NULL ? item_payload(w->e, it) : NULL;

	return d != NULL && event_id_parse(json_text(d, json_find(d, json_root(d), path)), ret);
}

/* --- errors -------------------------------------------------------------------- */

static bool has_unhandled(struct json_doc *d)
{
	json_node values = json_find(d, json_root(d), "exception.values");

	if (json_type_of(d, values) != JSON_TYPE_ARRAY) /* the bare list, or one exception */
		values = json_find(d, json_root(d), "exception");
	for (json_node n = json_first(d, values); n != JSON_NONE; n = json_next(d, n)) {
		json_node handled = json_find(d, n, "mechanism.handled");

		if (json_type_of(d, handled) == JSON_TYPE_BOOL && !json_bool(d, handled, true))
			return true;
	}
	return false;
}

static bool is_crash(struct work *w, struct item *event)
{
	struct json_doc *d;

	for (size_t i = 0; i < w->e->item_count; i++)
		if (w->e->items[i].creates_event)
			return true;
	d = event != NULL ? item_payload(w->e, event) : NULL;
	if (d == NULL)
		return false;
	return str_eq(json_text(d, json_get(d, json_root(d), STR("level"))), STR("fatal")) &&
	       has_unhandled(d);
}

static bool has_error(struct work *w)
{
	for (size_t i = 0; i < w->e->item_count; i++)
		if (w->e->items[i].type == ITEM_EVENT || w->e->items[i].creates_event)
			return true;
	return false;
}

static int sample_error(struct work *w)
{
	struct envelope *e = w->e;

	if (!e->has_event_id || !has_error(w) ||
		draw_is_below(draw_of_id(&e->event_id),
			rate_of_item(w, SAMPLED_ERROR, work_find(w, ITEM_EVENT))))
		return E_OK;
	if (w->j->settings->sampling.never_sample_crashes && is_crash(w, work_find(w, ITEM_EVENT)))
		return E_OK;
	return work_drop_event(w, DROP_SAMPLE_RATE);
}

/* --- traces -------------------------------------------------------------------- */

struct trace {
	struct dsc dsc;
	bool has_id; /* of the DSC, else of the payload */
	struct event_id id;
};

static struct item *find_span(struct work *w)
{
	for (size_t i = 0; i < w->e->item_count; i++)
		if (w->e->items[i].type == ITEM_SPAN || w->e->items[i].is_trace_bound)
			return &w->e->items[i];
	return NULL;
}

static void trace_read(struct work *w, struct item *of, struct trace *ret)
{
	dsc_read(w->e, &ret->dsc);
	ret->has_id = ret->dsc.has_trace_id;
	ret->id = ret->dsc.trace_id;
	if (ret->has_id || of == NULL || of->type == ITEM_ATTACHMENT)
		return;
	if (of->type == ITEM_TRANSACTION)
		ret->has_id = payload_id(w, of, "contexts.trace.trace_id", &ret->id);
	else
		ret->has_id = payload_id(
			w, of, of->is_container ? "items[0].trace_id" : "trace_id", &ret->id);
}

/* Tells upstream the rate at which the trace was kept (3.4). */
static int tell_rate(struct work *w, const struct trace *t, double rate)
{
	int rc = E_OK;

	if (t->dsc.rate_is_no_number)
		return E_OK; /* upstream refuses such a header whole: it stays as it is */
	if (t->dsc.node != JSON_NONE)
		rc = dsc_set_rate(w->e, &t->dsc, rate);
	else if (w->j->settings->sampling.complete_dsc && t->has_id && w->e->from.key.n > 0)
		rc = dsc_create(w->e, &t->id, w->e->from.key, rate);
	return rc == E_OK ? E_OK : work_no_memory(w);
}

/* The span itself, or the first of a container, whose trace is that of all. */
static json_node root_of(struct json_doc *d, const struct item *of)
{
	json_node root = json_root(d);

	return of->is_container ? json_at(d, json_get(d, root, STR("items")), 0) : root;
}

/* Standalone spans always belong to what somebody else began. */
static bool continues(struct work *w, struct json_doc *d, const struct item *of)
{
	struct dsc dsc;
	enum json_type parent;

	dsc_read(w->e, &dsc);
	if (!w->j->settings->sampling.respect_parent || dsc.node == JSON_NONE)
		return false;
	if (of->type != ITEM_TRANSACTION || d == NULL)
		return of->type != ITEM_TRANSACTION;
	parent = json_type_of(d, json_find(d, json_root(d), "contexts.trace.parent_span_id"));
	return parent != JSON_TYPE_MISSING && parent != JSON_TYPE_NULL;
}

static double rate_of_trace(struct work *w, enum sampled_kind kind, struct item *of)
{
	struct rated what = {.kind = kind, .it = of};

	if (w->j->sample_rules_n == 0)
		return rate_of_kind(w, kind);
	what.doc = of->type != ITEM_ATTACHMENT ? item_payload(w->e, of) : NULL;
	if (what.doc != NULL)
		what.root = root_of(what.doc, of);
	what.continues = continues(w, what.doc, of);
	return rate_of(w, &what);
}

static int sample_trace(struct work *w)
{
	struct item *transaction = work_find(w, ITEM_TRANSACTION);
	struct item *of = transaction != NULL ? transaction : find_span(w);
	enum sampled_kind kind = transaction != NULL ? SAMPLED_TRANSACTION : SAMPLED_SPAN;
	bool relative = w->j->settings->sampling.mode == SAMPLING_RELATIVE;
	struct trace t;
	struct draw draw;
	double rate;

	if (of == NULL || (!is_sampled(w, kind) && w->rule_rate >= 1))
		return E_OK;
	rate = rate_of_trace(w, kind, of);
	if (w->rule_rate < rate && transaction != NULL) {
		rate = w->rule_rate;
		work_by(w, "rule", w->rule_by);
	}
	if (rate >= 1)
		return E_OK;
	trace_read(w, of, &t);
	if (relative)
		rate *= t.dsc.rate;
	else if (rate >= t.dsc.rate)
		return E_OK; /* its SDK keeps no more than that */
	if (!draw_of_trace(&t.dsc, t.has_id ? &t.id : NULL, event_id_of(w->e), &draw))
		return E_OK;
	if (!draw_is_below(draw, rate))
		return transaction != NULL ? work_drop_transaction(w, DROP_SAMPLE_RATE)
					   : work_drop_spans(w, DROP_SAMPLE_RATE);
	return tell_rate(w, &t, rate);
}

/* --- profiles, replays ----------------------------------------------------------- */

static bool is_type(void *arg, const struct item *it)
{
	return it->type == *(const enum item_type *)arg;
}

/* y of 4.1: another number than the transaction's, or the profiles kept would
 * all be of the traces with low ones. */
static int sample_profile(struct work *w)
{
	enum item_type type = ITEM_PROFILE;
	struct item *profile = work_find(w, type), *transaction;
	struct trace t;
	char hex[EVENT_ID_HEX_BYTES];
	struct str id;

	if (profile == NULL)
		return E_OK;
	transaction = work_find(w, ITEM_TRANSACTION);
	trace_read(w, transaction, &t);
	if (!t.has_id)
		t.has_id = payload_id(w, profile, "transaction.trace_id", &t.id) ||
			   payload_id(w, profile, "transactions[0].trace_id", &t.id);
	if (!t.has_id && !w->e->has_event_id)
		return E_OK;
	event_id_hex(t.has_id ? &t.id : &w->e->event_id, hex);
	id = str_make(hex, EVENT_ID_HEX_BYTES - 1);
	if (draw_is_below(draw_of_text("profile", id),
		    rate_of_item(w, SAMPLED_PROFILE, transaction != NULL ? transaction : profile)))
		return E_OK;
	return work_drop_if(w, is_type, &type, DROP_SAMPLE_RATE);
}

/* Also indexes payloads: items are not really const here. */
static bool is_chunk_out(void *arg, const struct item *const_it)
{
	struct work *w = arg;
	struct item *it = (struct item *)const_it;
	struct json_doc *d;
	struct str id;

	if (it->type != ITEM_PROFILE_CHUNK && it->type != ITEM_PROFILE_CHUNK_UI)
		return false;
	d = item_payload(w->e, it);
	if (d == NULL)
		return false;
	id = json_text(d, json_get(d, json_root(d), STR("profiler_id")));
	if (id.n == 0 ||
		draw_is_below(draw_of_text("", id), rate_of_item(w, SAMPLED_PROFILE_SESSION, it)))
		return false;
	work_decided(w, DROP_SAMPLE_RATE);
	return true;
}

static int sample_sessions(struct work *w)
{
	if (work_find(w, ITEM_PROFILE_CHUNK) == NULL && work_find(w, ITEM_PROFILE_CHUNK_UI) == NULL)
		return E_OK;
	return work_drop_if(w, is_chunk_out, w, DROP_SAMPLE_RATE);
}

static bool is_replay(void *arg, const struct item *it)
{
	(void)arg;
	return it->type == ITEM_REPLAY_EVENT || it->type == ITEM_REPLAY_RECORDING ||
	       it->type == ITEM_REPLAY_VIDEO;
}

static bool has_replay(const struct envelope *e)
{
	for (size_t i = 0; i < e->item_count; i++)
		if (is_replay(NULL, &e->items[i]))
			return true;
	return false;
}

/* SDKs send segments under the replay's id; its event says it once more. */
static int sample_replay(struct work *w)
{
	struct item *event = work_find(w, ITEM_REPLAY_EVENT);
	struct event_id id;

	if (!has_replay(w->e))
		return E_OK;
	if (!payload_id(w, event, "replay_id", &id)) {
		if (!w->e->has_event_id)
			return E_OK;
		id = w->e->event_id;
	}
	if (draw_is_below(draw_of_id(&id), rate_of_item(w, SAMPLED_REPLAY, event)))
		return E_OK;
	return work_drop_if(w, is_replay, NULL, DROP_SAMPLE_RATE);
}

/* --- late attachments -------------------------------------------------------------- */

static bool is_late(void *arg, const struct item *it)
{
	(void)arg;
	return it->type == ITEM_ATTACHMENT && !it->is_trace_bound;
}

/* True when the attachments here are all that this envelope has of an event. */
static bool comes_late(const struct envelope *e)
{
	bool found = false;

	for (size_t i = 0; i < e->item_count; i++) {
		const struct item *it = &e->items[i];

		if (is_late(NULL, it) && !it->creates_event)
			found = true;
		else if (item_needs_event(it))
			return false;
	}
	return found && e->has_event_id;
}

/* What is remembered wins; else the event is judged again from its id, as every
 * process would (2.1). Not where rules look into events: this one is not here. */
static int sample_late(struct work *w)
{
	enum drop_reason why = DROP_NONE;

	if (!comes_late(w->e))
		return E_OK;
	work_by(w, "its event", "");
	if (!state_recall(w->state, &w->e->event_id, w->now.mono_ms, &why) &&
		w->j->sample_rules_n == 0 &&
		!draw_is_below(draw_of_id(&w->e->event_id), w->j->rate[SAMPLED_ERROR]))
		why = DROP_SAMPLE_RATE;
	return why != DROP_NONE ? work_drop_if(w, is_late, NULL, why) : E_OK;
}

/* What the id alone would get wrong is remembered for attachments to come. */
static void remember_kept(struct work *w)
{
	const struct envelope *e = w->e;

	if (e->has_event_id && work_has_owner(w) &&
		!draw_is_below(draw_of_id(&e->event_id), w->j->rate[SAMPLED_ERROR]))
		state_remember(w->state, &e->event_id, w->now.mono_ms, DROP_NONE);
}

int work_sample(struct work *w)
{
	int rc = sample_late(w);

	if (rc == E_OK && is_sampled(w, SAMPLED_ERROR))
		rc = sample_error(w);
	if (rc == E_OK)
		rc = sample_trace(w);
	if (rc == E_OK && is_sampled(w, SAMPLED_PROFILE))
		rc = sample_profile(w);
	if (rc == E_OK && is_sampled(w, SAMPLED_PROFILE_SESSION))
		rc = sample_sessions(w);
	if (rc == E_OK && is_sampled(w, SAMPLED_REPLAY))
		rc = sample_replay(w);
	if (rc == E_OK)
		rc = work_sample_entries(w);
	if (rc == E_OK && is_sampled(w, SAMPLED_ERROR))
		remember_kept(w);
	return rc;
}
