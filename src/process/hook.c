/* The operator's hooks: which items they see, and what their answers mean
 * (sdk-semantics 1 and 5.3).
 *
 *   before_send, before_send_transaction   nil or an error drops the event
 *   before_breadcrumb                      nil drops it, an error keeps it as it was
 *   before_send_log, before_send_metric    nil or an error drops the entry
 *   before_send_span                       may change, never drop
 */
#include <stdio.h>

#include "process/event.h"

struct hooking {
	struct work *w;
	struct hook_session *session;
	struct item *it;
	enum hook which;
	int rc;
};

static const char *const names[HOOK_COUNT] = {
#define HOOK_NAME(id, name) [HOOK_##id] = (name),
	HOOKS(HOOK_NAME)
#undef HOOK_NAME
};

static enum hook_outcome hook_call(struct hooking *h, struct json_doc *d, json_node n)
{
	struct process_result *ret = h->w->ret;
	struct err err = {0};
	enum hook_outcome outcome = hooks_call(h->session, h->which, h->it, d, n, &err);

	work_by(h->w, outcome == HOOK_FAILED ? "failing hook" : "hook", names[h->which]);
	ret->hook_calls++;
	if (outcome == HOOK_FAILED) {
		ret->hook_errors++;
		(void)snprintf(ret->hook_error, sizeof ret->hook_error, "%.*s",
			(int)sizeof ret->hook_error - 1, err.text);
	}
	return outcome;
}

/* For what may not be lost or harmed by a fault of the script. */
static enum hook_outcome hook_call_safely(struct hooking *h, struct json_doc *d, json_node n)
{
	struct buf before = BUF_INIT;
	struct str text = STR_EMPTY;
	enum hook_outcome outcome;

	json_write(d, n, &before);
	if (buf_ok(&before))
		text = arena_dup(h->w->e->arena, buf_view(&before));
	buf_fini(&before);
	if (text.p == NULL) {
		h->rc = E_NOMEM;
		return HOOK_KEPT;
	}
	outcome = hook_call(h, d, n);
	if (outcome != HOOK_KEPT && json_is_dirty(d, n) && json_replace_raw(d, n, text) != E_OK)
		h->rc = E_NOMEM;
	return outcome;
}

/* --- events ------------------------------------------------------------------------- */

static int breadcrumbs(struct hooking *h, struct event *ev)
{
	struct values v = event_values(ev->d, ev->root, "breadcrumbs");
	uint64_t before = json_count(ev->d, v.list);
	json_node next;

	h->which = HOOK_BREADCRUMB;
	for (json_node n = json_first(ev->d, v.list); n != JSON_NONE; n = next) {
		next = json_next(ev->d, n);
		if (json_type_of(ev->d, n) == JSON_TYPE_OBJECT &&
			hook_call_safely(h, ev->d, n) == HOOK_DROPPED &&
			json_remove(ev->d, n) != E_OK)
			return E_NOMEM;
		if (h->rc != E_OK)
			return h->rc;
	}
	return json_count(ev->d, v.list) < before
		       ? note_path(&ev->notes, "breadcrumbs", before, STR_EMPTY)
		       : E_OK;
}

/* Spans that the hook took out of its transaction are lost ones. */
static int count_spans(struct event *ev, uint64_t before)
{
	uint64_t after = json_count(ev->d, json_get(ev->d, ev->root, STR("spans")));
	struct quantities *dropped;

	if (after >= before)
		return after == before ? E_OK : item_set_count(ev->w->e, ev->it, after);
	work_decided(ev->w, DROP_BEFORE_SEND);
	dropped = work_dropped(ev->w, DROP_BEFORE_SEND);
	if (dropped == NULL)
		return E_NOMEM;
	quantities_add(dropped, CAT_SPAN, before - after);
	return item_set_count(ev->w->e, ev->it, after);
}

/* *gone: it is to be dropped. */
static int event_hook(struct hooking *h, struct item *it, enum hook which, bool *gone)
{
	const struct hooks *hooks = h->w->j->hooks;
	struct event ev;
	uint64_t spans;
	int rc = E_OK;

	*gone = false;
	if (!event_open(&ev, h->w, it))
		return E_OK;
	h->it = it;
	if (hooks_has(hooks, HOOK_BREADCRUMB))
		rc = breadcrumbs(h, &ev);
	if (rc != E_OK || !hooks_has(hooks, which))
		return rc;
	spans = json_count(ev.d, json_get(ev.d, ev.root, STR("spans")));
	h->which = which;
	*gone = hook_call(h, ev.d, ev.root) != HOOK_KEPT;
	return *gone || it->type != ITEM_TRANSACTION ? E_OK : count_spans(&ev, spans);
}

static int events(struct hooking *h)
{
	bool gone;
	int rc = event_hook(h, work_find(h->w, ITEM_EVENT), HOOK_EVENT, &gone);

	if (rc == E_OK && gone)
		rc = work_drop_event(h->w, DROP_BEFORE_SEND);
	if (rc == E_OK)
		rc = event_hook(h, work_find(h->w, ITEM_TRANSACTION), HOOK_TRANSACTION, &gone);
	if (rc == E_OK && gone)
		rc = work_drop_transaction(h->w, DROP_BEFORE_SEND);
	return rc;
}

/* --- entries of containers ------------------------------------------------------------- */

static bool is_gone(void *arg, struct json_doc *d, json_node entry)
{
	struct hooking *h = arg;

	if (h->rc != E_OK || json_type_of(d, entry) != JSON_TYPE_OBJECT)
		return false;
	if (h->which == HOOK_SPAN) {
		(void)hook_call_safely(h, d, entry);
		return false;
	}
	if (hook_call(h, d, entry) == HOOK_KEPT)
		return false;
	work_decided(h->w, DROP_BEFORE_SEND);
	return true;
}

static int entries(struct hooking *h, enum item_type type, enum hook which)
{
	int rc;

	h->it = work_find(h->w, type);
	if (h->it == NULL || !hooks_has(h->w->j->hooks, which))
		return E_OK;
	h->which = which;
	rc = work_drop_entries(h->w, type, is_gone, h, DROP_BEFORE_SEND);
	return rc == E_OK ? h->rc : rc;
}

/* Whether some item of the envelope has a function that wants to see it. */
static bool has_work(struct work *w)
{
	static const struct {
		enum item_type type;
		enum hook which;
	} rows[] = {{ITEM_EVENT, HOOK_EVENT}, {ITEM_EVENT, HOOK_BREADCRUMB},
		{ITEM_TRANSACTION, HOOK_TRANSACTION}, {ITEM_TRANSACTION, HOOK_BREADCRUMB},
		{ITEM_LOG, HOOK_LOG}, {ITEM_TRACE_METRIC, HOOK_METRIC}, {ITEM_SPAN, HOOK_SPAN}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (hooks_has(w->j->hooks, rows[i].which) && work_find(w, rows[i].type) != NULL)
			return true;
	return false;
}

int work_hooks(struct work *w)
{
	struct hooking h = {.w = w};
	int rc;

	if (!has_work(w))
		return E_OK;
	rc = hooks_begin(w->j->hooks, w->e, w->now, &h.session, w->err);
	if (rc != E_OK)
		return rc;
	rc = events(&h);
	if (rc == E_OK)
		rc = entries(&h, ITEM_LOG, HOOK_LOG);
	if (rc == E_OK)
		rc = entries(&h, ITEM_TRACE_METRIC, HOOK_METRIC);
	if (rc == E_OK)
		rc = entries(&h, ITEM_SPAN, HOOK_SPAN);
	hooks_end(h.session);
	return rc == E_OK ? E_OK : work_no_memory(w);
}
