/* Texts that are too long (sdk-semantics 7.2).
 *
 * Lengths are bytes of UTF-8. What others find an event by is never cut: ids,
 * times, addresses, names that events are grouped or sorted by.
 */
#include "process/event.h"

#define DOTS_BYTES 3u

static bool is_one_of(struct str s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(s, str_of(names[i])))
			return true;
	return false;
}
#define IS_ONE_OF(s, names) is_one_of((s), (names), sizeof(names) / sizeof(names)[0])

/* Whole members of the event. */
static bool is_exempt_member(struct str key)
{
	static const char *const names[] = {"_meta", "event_id", "timestamp", "start_timestamp",
		"received", "type", "level", "platform", "release", "environment", "dist",
		"fingerprint", "debug_meta", "sdk", "profile", "measurements"};

	return IS_ONE_OF(key, names);
}

/* Members of what Sentry defines, below top; not of what applications put in. */
static bool is_exempt_below(struct str top, struct str key)
{
	static const char *const typed[] = {
		"exception", "threads", "stacktrace", "spans", "contexts", "breadcrumbs"};
	static const char *const names[] = {"type", "level", "platform", "timestamp",
		"start_timestamp", "instruction_addr", "symbol_addr", "image_addr", "addr_mode"};

	if (!IS_ONE_OF(top, typed))
		return false;
	if (IS_ONE_OF(key, names))
		return true;
	if (str_eq(top, STR("spans")) && str_eq(key, STR("description")))
		return true;
	return (str_eq(top, STR("spans")) || str_eq(top, STR("contexts"))) &&
	       str_ends(key, STR("_id"));
}

static bool is_free(struct str key)
{
	static const char *const names[] = {"vars", "data", "extra", "tags"};

	return IS_ONE_OF(key, names);
}

/* True when the walk may not go below, or cut, the node at the end of p. */
static bool is_exempt(struct json_doc *d, const struct place *p)
{
	struct str key = json_key(d, p->at[p->n - 1].node);

	if (p->n == 1)
		return is_exempt_member(key);
	for (size_t i = 1; i + 1 < p->n; i++)
		if (is_free(json_key(d, p->at[i].node)))
			return false;
	return is_exempt_below(json_key(d, p->at[0].node), key);
}

/* At most max bytes, whole code points. */
static size_t cut_at(struct str s, size_t max)
{
	size_t n = max;

	/* s is UTF-8 as the document decodes it: at most three bytes to go back. */
	for (unsigned back = 0; n > 0 && back < 4 && ((unsigned char)s.p[n] & 0xc0) == 0x80; back++)
		n--;
	return n;
}

/* Texts may hold NUL bytes. */
static struct str with_dots(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + DOTS_BYTES);

	if (p == NULL)
		return STR_EMPTY;
	memcpy(p, s.p, s.n);
	memset(p + s.n, '.', DOTS_BYTES);
	return str_make(p, s.n + DOTS_BYTES);
}

static int cut(struct event *ev, const struct place *p, size_t max)
{
	json_node n = p->at[p->n - 1].node;
	struct arena *a = ev->w->e->arena;
	struct str s, text, rem;
	int rc;

	if (json_raw(ev->d, n).n <= max) /* decoding makes it no longer */
		return E_OK;
	s = json_text(ev->d, n);
	if (s.n <= max)
		return E_OK;
	text = with_dots(a, str_first(s, cut_at(s, max - DOTS_BYTES)));
	rem = arena_printf(a, "[\"!limit\",\"x\",%zu,%zu]", max - DOTS_BYTES, max);
	if (text.p == NULL || rem.p == NULL)
		return E_NOMEM;
	rc = json_replace_string(ev->d, n, text);
	return rc == E_OK ? note_place(&ev->notes, p, s.n, rem) : rc;
}

int event_lengths(struct event *ev)
{
	size_t max = (size_t)ev->w->j->settings->event.max_value_length;
	json_node first = json_first(ev->d, ev->root);
	struct place p = {0};
	int rc = E_OK;

	if (json_type_of(ev->d, ev->root) != JSON_TYPE_OBJECT || first == JSON_NONE)
		return E_OK;
	(void)place_push(&p, first, 0);
	for (;;) {
		json_node n = p.at[p.n - 1].node;
		enum json_type type = json_type_of(ev->d, n);
		bool is_container = type == JSON_TYPE_OBJECT || type == JSON_TYPE_ARRAY;
		bool is_candidate = type == JSON_TYPE_STRING && json_raw(ev->d, n).n > max;
		bool exempt = (is_candidate || (is_container && p.n <= 2)) && is_exempt(ev->d, &p);

		if (is_candidate && !exempt)
			rc = cut(ev, &p, max);
		if (rc != E_OK || !place_next(ev->d, &p, 0, is_container && !exempt))
			return rc;
	}
}
