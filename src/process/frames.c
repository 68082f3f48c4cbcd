/* Stack frames: whose they are, and what of them is kept (sdk-semantics 7.6, 7.7). */
#include "process/event.h"

#include <inttypes.h>
#include <stdio.h>

#include "rules/text.h"

/* --- in_app ------------------------------------------------------------------------ */

struct frame_texts {
	struct str module, paths[3];
};

/* "pkg" is pkg and all below it; what looks like a glob or path is one. */
static bool entry_matches(const char *entry, const struct frame_texts *f)
{
	struct str e = str_of(entry);

	if (strpbrk(entry, "*?[/\\") != NULL) {
		for (size_t i = 0; i < 3; i++)
			if (f->paths[i].n > 0 && text_glob(e, f->paths[i], false))
				return true;
		return f->module.n > 0 && text_glob(e, f->module, false);
	}
	return str_starts(f->module, e) && (f->module.n == e.n || f->module.p[e.n] == '.');
}

static bool any_matches(const struct str_list *l, const struct frame_texts *f)
{
	for (size_t i = 0; i < l->n; i++)
		if (entry_matches(l->v[i], f))
			return true;
	return false;
}

static bool is_installed(struct str path)
{
	return str_find(path, STR("/site-packages/")) < path.n ||
	       str_find(path, STR("/dist-packages/")) < path.n;
}

static int mark_frame(struct event *ev, json_node frame)
{
	const struct settings *s = ev->w->j->settings;
	json_node in_app = json_get(ev->d, frame, STR("in_app"));
	bool is_judged = json_type_of(ev->d, in_app) == JSON_TYPE_BOOL;
	struct frame_texts f = {
		.module = json_text(ev->d, json_get(ev->d, frame, STR("module"))),
		.paths = {json_text(ev->d, json_get(ev->d, frame, STR("abs_path"))),
			json_text(ev->d, json_get(ev->d, frame, STR("filename"))),
			json_text(ev->d, json_get(ev->d, frame, STR("package")))},
	};
	bool value = any_matches(&s->event.in_app_include, &f);

	if (is_judged && !s->event.in_app_override)
		return E_OK;
	if (!value && !any_matches(&s->event.in_app_exclude, &f) &&
		(is_judged || !is_installed(f.paths[0])))
		return E_OK; /* nothing says anything about it */
	if (is_judged && json_bool(ev->d, in_app, false) == value)
		return E_OK;
	return json_set_raw(ev->d, frame, STR("in_app"), value ? STR("true") : STR("false"));
}

/* --- how many ------------------------------------------------------------------------- */

/* Fits "exception.values.N." and note_shift's own bound. */
#define HOLDER_BYTES 40

/* The last frames are the innermost ones: they say where it happened. Beyond
 * the bound of notes none are written, and none moved. */
static int trim_frames(struct event *ev, json_node holder, const char *at)
{
	json_node frames = json_find(ev->d, holder, "stacktrace.frames");
	json_node f = json_first(ev->d, frames), next;
	uint64_t max = ev->w->j->settings->event.max_frames, count = json_count(ev->d, frames);
	char path[HOLDER_BYTES + sizeof "stacktrace.frames"];
	int rc = E_OK;

	if (json_type_of(ev->d, frames) != JSON_TYPE_ARRAY || count <= max)
		return E_OK;
	for (uint64_t i = 0; i < count - max && rc == E_OK; i++, f = next) {
		next = json_next(ev->d, f);
		rc = json_remove(ev->d, f);
	}
	if (rc != E_OK || ev->notes.written >= NOTES_MAX)
		return rc;
	(void)snprintf(path, sizeof path, "%sstacktrace.frames", at);
	rc = note_shift(&ev->notes, path, count - max);
	return rc == E_OK ? note_path(&ev->notes, path, count, STR_EMPTY) : rc;
}

static int trim_traces_of(struct event *ev, const char *key)
{
	struct values v = event_values(ev->d, ev->root, key);
	bool is_bare = v.list == json_get(ev->d, ev->root, str_of(key));
	char at[HOLDER_BYTES];
	uint64_t index = 0;
	int rc = E_OK;

	for (json_node n = values_first(ev->d, &v); n != JSON_NONE && rc == E_OK;
		n = values_next(ev->d, &v, n), index++) {
		if (v.list == JSON_NONE)
			(void)snprintf(at, sizeof at, "%s.", key);
		else
			(void)snprintf(at, sizeof at, "%s%s.%" PRIu64 ".", key,
				is_bare ? "" : ".values", index);
		rc = trim_frames(ev, n, at);
	}
	return rc;
}

static int trim_traces(struct event *ev)
{
	int rc = trim_frames(ev, ev->root, "");

	if (rc == E_OK)
		rc = trim_traces_of(ev, "exception");
	return rc == E_OK ? trim_traces_of(ev, "threads") : rc;
}

/* --- stripping ------------------------------------------------------------------------ */

static int remove_member(struct json_doc *d, json_node object, struct str key)
{
	json_node n = json_get(d, object, key);

	return n != JSON_NONE ? json_remove(d, n) : E_OK;
}

static int strip_locals(struct event *ev, json_node frame)
{
	return remove_member(ev->d, frame, STR("vars"));
}

static int strip_source(struct event *ev, json_node frame)
{
	int rc = remove_member(ev->d, frame, STR("pre_context"));

	if (rc == E_OK)
		rc = remove_member(ev->d, frame, STR("context_line"));
	return rc == E_OK ? remove_member(ev->d, frame, STR("post_context")) : rc;
}

int event_frames(struct event *ev)
{
	const struct settings *s = ev->w->j->settings;
	int rc = s->event.max_frames > 0 ? trim_traces(ev) : E_OK;

	if (rc != E_OK)
		return rc;
	if (s->event.in_app_include.n > 0 || s->event.in_app_exclude.n > 0)
		rc = event_each_frame(ev, mark_frame);
	if (rc == E_OK && s->event.strip_locals)
		rc = event_each_frame(ev, strip_locals);
	if (rc == E_OK && s->event.strip_source)
		rc = event_each_frame(ev, strip_source);
	return rc;
}
