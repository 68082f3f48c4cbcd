/* One envelope, judged.
 *
 *   process_run   the steps in their order
 *   work_drop_*   taking out what goes together, and counting it
 */
#include "process/process.h"

#include <stdlib.h>

#include "process/event.h"

void process_result_fini(struct process_result *r)
{
	free(r->dropped);
	r->dropped = NULL;
}

void decided_write(const struct decided *d, struct buf *out)
{
	if (d->what == NULL)
		return;
	buf_cstr(out, d->what);
	if (d->name == NULL || d->name[0] == '\0')
		return;
	buf_char(out, ' ');
	buf_cstr(out, d->name);
}

int work_no_memory(struct work *w)
{
	return err_set(w->err, E_NOMEM, "no memory to judge an envelope");
}

struct quantities *work_dropped(struct work *w, enum drop_reason why)
{
	if (w->ret->dropped == NULL)
		w->ret->dropped = calloc(DROP_COUNT, sizeof *w->ret->dropped);
	return w->ret->dropped != NULL ? &w->ret->dropped[why] : NULL;
}

void work_by(struct work *w, const char *what, const char *name)
{
	w->by = (struct decided){what, name};
}

void work_decided(struct work *w, enum drop_reason why)
{
	if (w->ret->by[why].what == NULL)
		w->ret->by[why] = w->by;
}

struct item *work_find(struct work *w, enum item_type type)
{
	for (size_t i = 0; i < w->e->item_count; i++)
		if (w->e->items[i].type == type)
			return &w->e->items[i];
	return NULL;
}

int work_drop_if(struct work *w, envelope_gone_fn *gone, void *arg, enum drop_reason why)
{
	struct quantities *sum = work_dropped(w, why);

	if (sum == NULL)
		return work_no_memory(w);
	if (envelope_remove_if(w->e, gone, arg, sum) > 0)
		work_decided(w, why);
	return E_OK;
}

/* --- what goes together ------------------------------------------------------ */

bool work_has_owner(const struct work *w)
{
	for (size_t i = 0; i < w->e->item_count; i++) {
		const struct item *it = &w->e->items[i];

		if (it->type == ITEM_EVENT || it->type == ITEM_TRANSACTION ||
			it->type == ITEM_FEEDBACK || it->type == ITEM_UNREAL_REPORT ||
			it->creates_event)
			return true;
	}
	return false;
}

static bool is_error(void *arg, const struct item *it)
{
	(void)arg;
	return it->type == ITEM_EVENT || it->type == ITEM_UNREAL_REPORT ||
	       it->type == ITEM_FORM_DATA || it->creates_event;
}

static bool is_trace(void *arg, const struct item *it)
{
	(void)arg;
	return it->type == ITEM_TRANSACTION || it->type == ITEM_PROFILE || it->type == ITEM_SPAN ||
	       it->is_trace_bound;
}

static bool is_attached(void *arg, const struct item *it)
{
	(void)arg;
	return it->type == ITEM_ATTACHMENT && !it->is_trace_bound;
}

static int drop_with_attachments(struct work *w, envelope_gone_fn *gone, enum drop_reason why)
{
	int rc = work_drop_if(w, gone, NULL, why);

	if (rc == E_OK && !work_has_owner(w))
		rc = work_drop_if(w, is_attached, NULL, why);
	if (rc == E_OK && w->e->has_event_id)
		state_remember(w->state, &w->e->event_id, w->now.mono_ms, why);
	return rc;
}

int work_drop_event(struct work *w, enum drop_reason why)
{
	return drop_with_attachments(w, is_error, why);
}

int work_drop_transaction(struct work *w, enum drop_reason why)
{
	return drop_with_attachments(w, is_trace, why);
}

/* Not remembered: what comes late belongs to the one that is stored. */
int work_drop_again(struct work *w, enum drop_reason why)
{
	int rc = work_drop_if(w, is_error, NULL, why);

	if (rc == E_OK)
		rc = work_drop_if(w, is_trace, NULL, why);
	return rc == E_OK ? work_drop_if(w, is_attached, NULL, why) : rc;
}

int work_drop_spans(struct work *w, enum drop_reason why)
{
	return work_drop_if(w, is_trace, NULL, why);
}

/* --- the order of work -------------------------------------------------------- */

static int each_event(struct work *w, int (*edit)(struct event *ev))
{
	int rc = E_OK;

	for (size_t i = 0; i < w->e->item_count && rc == E_OK; i++) {
		struct item *it = &w->e->items[i];
		struct event ev;

		if ((it->type == ITEM_EVENT || it->type == ITEM_TRANSACTION) &&
			event_open(&ev, w, it))
			rc = edit(&ev);
	}
	return rc == E_OK ? E_OK : work_no_memory(w);
}

static int edit_trim(struct event *ev)
{
	int rc = event_frames(ev);

	return rc == E_OK ? event_trim(ev) : rc;
}

static int edit_cut(struct event *ev)
{
	const struct settings *s = ev->w->j->settings;
	int rc = E_OK;

	if (s->event.max_depth > 0 || s->event.max_breadth > 0)
		rc = event_bags(ev);
	if (rc == E_OK && s->event.max_value_length > 0)
		rc = event_lengths(ev);
	return rc;
}

static int run(struct work *w)
{
	const struct judge *j = w->j;
	int rc = E_OK;

	if (j->fills)
		rc = work_fill(w);
	if (rc == E_OK && j->ignores)
		rc = work_ignore(w);
	if (rc == E_OK && (j->settings->dedupe.window > 0 || j->storm_count > 0))
		rc = work_repeats(w);
	if (rc == E_OK && ruleset_count(j->rules) > 0)
		rc = work_rules(w);
	if (rc == E_OK && j->hooks != NULL)
		rc = work_hooks(w);
	if (rc == E_OK)
		rc = work_sample(w);
	if (rc == E_OK && j->trims)
		rc = each_event(w, edit_trim);
	return rc == E_OK ? envelope_settle(w->e, w->err) : rc;
}

int process_run(const struct judge *j, struct judge_state *st, struct envelope *e,
	struct instant now, struct process_result *ret, struct err *err)
{
	struct work w = {
		.j = j, .state = st, .e = e, .now = now, .ret = ret, .err = err, .rule_rate = 1.0};
	int rc;

	*ret = (struct process_result){0};
	/* A request of another path is no envelope, but bytes on their way. */
	if (j == NULL || !j->is_needed || carried_is(&e->carried))
		return E_OK;
	rc = run(&w);
	if (rc != E_OK)
		process_result_fini(ret);
	return rc;
}

/* What is only taken away from needs no scrubbing any more, and no text is made of,
 * or cut out of, what a rule would have known whole. */
int process_cut(const struct judge *j, struct envelope *e, struct err *err)
{
	struct work w = {.j = j, .e = e, .err = err};
	int rc;

	if (!j->cuts || carried_is(&e->carried))
		return E_OK;
	rc = each_event(&w, edit_cut);
	return rc == E_OK ? envelope_settle(e, err) : rc;
}
