/* Errors that repeat: the one before and the same id (dedupe), too many of one issue
 * (storm).
 *
 * Two errors are the same when message, or first exception's type and value,
 * fingerprint and frames are (sdk-semantics 8); two are of one issue when class,
 * frames of the application and release are, or the message template is.
 */
#include <inttypes.h>

#include "process/event.h"

/* Frames that tell an issue: those nearest to the error. */
#define ISSUE_FRAMES 5

static void put(struct buf *b, struct str s)
{
	buf_str(b, s);
	buf_char(b, '\0'); /* so that no text runs into the next */
}

static void put_at(struct buf *b, struct event *ev, json_node from, const char *path)
{
	put(b, json_text(ev->d, json_find(ev->d, from, path)));
}

static void put_raw(struct buf *b, struct event *ev, json_node from, const char *key)
{
	put(b, json_raw(ev->d, json_get(ev->d, from, str_of(key))));
}

static bool put_message(struct buf *b, struct event *ev, bool template)
{
	static const char *const paths[] = {"logentry.message", "logentry.formatted", "message",
		"message.formatted", "message.message"};
	static const char *const texts[] = {"logentry.formatted", "logentry.message", "message",
		"message.formatted", "message.message"};

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		const char *path = template ? paths[i] : texts[i];
		struct str s = json_text(ev->d, json_find(ev->d, ev->root, path));

		if (s.n > 0) {
			put(b, s);
			return true;
		}
	}
	put(b, STR_EMPTY);
	return false;
}

static int put_frame(struct event *ev, json_node f)
{
	static const char *const keys[] = {"filename", "lineno", "colno", "function"};
	struct buf *b = ev->scratch;

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		put_raw(b, ev, f, keys[i]);
	return buf_ok(b) ? E_OK : E_NOMEM;
}

/* Who the event comes from: whose "one before" it may repeat. */
static void put_sender(struct buf *b, struct event *ev)
{
	const struct sender *from = &ev->w->e->from;

	put(b, from->key);
	put(b, from->project);
	put_at(b, ev, ev->root, "sdk.name");
	put_at(b, ev, ev->root, "server_name");
	buf_printf(b, "%" PRId64, from->peer_pid);
}

static int repeats(struct event *ev, struct buf *b, bool *ret)
{
	struct work *w = ev->w;
	struct values v = event_values(ev->d, ev->root, "exception");
	json_node first = values_first(ev->d, &v);
	struct digest sender, what, id;
	bool has_text = put_message(b, ev, false);

	*ret = false;
	put_at(b, ev, first, "type");
	put_at(b, ev, first, "value");
	put_raw(b, ev, ev->root, "fingerprint");
	ev->scratch = b;
	if ((!has_text && first == JSON_NONE) || !w->e->has_event_id)
		return E_OK;
	if (event_each_frame(ev, put_frame) != E_OK || !buf_ok(b))
		return E_NOMEM;
	what = state_digest(w->state, buf_view(b));
	buf_clear(b);
	put_sender(b, ev);
	if (!buf_ok(b))
		return E_NOMEM;
	sender = state_digest(w->state, buf_view(b));
	id = state_digest(
		w->state, str_make((const char *)w->e->event_id.b, sizeof w->e->event_id.b));
	*ret = state_repeats(
		w->state, &sender, &what, &id, w->now.mono_ms, w->j->settings->dedupe.window);
	return E_OK;
}

/* --- storms ---------------------------------------------------------------------------- */

/* The application's frames nearest to the error, else the nearest of all. */
static void put_top_frames(struct buf *b, struct event *ev, json_node frames, bool in_app)
{
	unsigned n = 0;

	for (int64_t i = -1; n < ISSUE_FRAMES; i--) {
		json_node f = json_at(ev->d, frames, i);

		if (f == JSON_NONE || i < -200)
			break;
		if (in_app && !json_bool(ev->d, json_get(ev->d, f, STR("in_app")), false))
			continue;
		put_at(b, ev, f, "module");
		put_at(b, ev, f, "function");
		put_at(b, ev, f, "filename");
		n++;
	}
	if (n == 0 && in_app)
		put_top_frames(b, ev, frames, false);
}

static void put_issue(struct buf *b, struct event *ev)
{
	struct values v = event_values(ev->d, ev->root, "exception");
	json_node last = JSON_NONE;

	for (json_node n = values_first(ev->d, &v); n != JSON_NONE; n = values_next(ev->d, &v, n))
		last = n;
	put(b, ev->w->e->from.key);
	put(b, ev->w->e->from.project);
	put_at(b, ev, ev->root, "release");
	put_raw(b, ev, ev->root, "fingerprint");
	if (last == JSON_NONE) {
		(void)put_message(b, ev, true);
		return;
	}
	put_at(b, ev, last, "module");
	put_at(b, ev, last, "type");
	put_top_frames(b, ev, json_find(ev->d, last, "stacktrace.frames"), true);
}

/* contexts.picket.folded: how many of the issue were not sent before this one. */
static int tell_folded(struct event *ev, uint64_t folded)
{
	struct str text = arena_printf(
		ev->w->e->arena, "{\"type\":\"picket\",\"folded\":%" PRIu64 "}", folded);
	json_node contexts = json_get(ev->d, ev->root, STR("contexts"));
	int rc = E_OK;

	if (text.p == NULL)
		return E_NOMEM;
	if (json_type_of(ev->d, contexts) != JSON_TYPE_OBJECT)
		rc = json_set_raw(ev->d, ev->root, STR("contexts"), STR("{}"));
	contexts = json_get(ev->d, ev->root, STR("contexts"));
	return rc == E_OK ? json_set_raw(ev->d, contexts, STR("picket"), text) : rc;
}

static int storms(struct event *ev, struct buf *b, bool *ret)
{
	struct digest issue;
	uint64_t folded;

	buf_clear(b);
	put_issue(b, ev);
	if (!buf_ok(b))
		return E_NOMEM;
	issue = state_digest(ev->w->state, buf_view(b));
	*ret = state_storms(ev->w->state, &issue, ev->w->now.mono_ms, ev->w->j->storm_count,
		ev->w->j->storm_ms, &folded);
	return *ret || folded == 0 ? E_OK : tell_folded(ev, folded);
}

/* A client that got no answer sends the event once more (T42). What was refused is
 * not remembered, so that the next attempt is not taken for a second copy. */
static bool comes_again(struct work *w)
{
	const struct envelope *e = w->e;
	int64_t window_ms = w->j->settings->dedupe.window;

	if (window_ms == 0 || !e->has_event_id ||
		(work_find(w, ITEM_EVENT) == NULL && work_find(w, ITEM_TRANSACTION) == NULL))
		return false;
	w->ret->is_unique = true;
	return state_is_stored(w->state, &e->event_id, w->now.mono_ms, window_ms);
}

int work_repeats(struct work *w)
{
	struct event ev;
	struct buf b = BUF_INIT;
	bool drop = false;
	int rc = E_OK;

	work_by(w, "dedupe", "");
	if (comes_again(w))
		return work_drop_again(w, DROP_EVENT_PROCESSOR);
	if (!event_open(&ev, w, work_find(w, ITEM_EVENT)))
		return E_OK;
	if (w->j->settings->dedupe.window > 0)
		rc = repeats(&ev, &b, &drop);
	if (rc == E_OK && !drop && w->j->storm_count > 0) {
		work_by(w, "storm", "");
		rc = storms(&ev, &b, &drop);
	}
	buf_fini(&b);
	if (rc != E_OK)
		return work_no_memory(w);
	return drop ? work_drop_event(w, DROP_EVENT_PROCESSOR) : E_OK;
}
