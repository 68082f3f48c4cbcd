#include "endpoint/form_id.h"

#include "endpoint/msgpack.h"
#include "json/json.h"

#define EVENT_BYTES_MAX ((size_t)1024 * 1024)

void form_id_read(struct form_id *f, const struct part *p)
{
	uint64_t k;

	if (str_eq(p->name, STR("__sentry-event")))
		f->event_file = p->data;
	else if (str_eq(p->name, STR("sentry")))
		f->json = p->data;
	else if (str_eq(p->name, STR("sentry[event_id]")))
		f->field = p->data;
	else if (str_starts(p->name, STR("sentry__")) &&
		 str_to_u64(str_from(p->name, 8), FORM_PIECES_MAX, &k) && k > 0)
		f->pieces[k - 1] = p->data;
}

static bool from_json(struct str text, struct arena *a, struct event_id *ret)
{
	static const struct json_limits limits = {.max_nodes = 1u << 18};
	struct json_doc *d;

	if (text.n == 0 || text.n > EVENT_BYTES_MAX ||
		json_parse(&d, a, text, &limits, NULL) != E_OK)
		return false;
	return event_id_parse(json_text(d, json_get(d, json_root(d), STR("event_id"))), ret);
}

/* A field may hold 255 characters only, so long texts come in pieces. */
static struct str joined(const struct form_id *f, struct arena *a)
{
	size_t n = 0;
	char *out;

	for (size_t i = 0; i < FORM_PIECES_MAX && n <= EVENT_BYTES_MAX; i++)
		n += f->pieces[i].n;
	if (n == 0 || n > EVENT_BYTES_MAX)
		return STR_EMPTY;
	out = arena_alloc(a, n);
	n = 0;
	for (size_t i = 0; out != NULL && i < FORM_PIECES_MAX; i++) {
		if (f->pieces[i].n > 0)
			memcpy(out + n, f->pieces[i].p, f->pieces[i].n);
		n += f->pieces[i].n;
	}
	return out != NULL ? str_make(out, n) : STR_EMPTY;
}

bool form_id_get(const struct form_id *f, struct arena *a, struct event_id *ret)
{
	bool found = event_id_parse(msgpack_text(f->event_file, STR("event_id")), ret) ||
		     from_json(f->json, a, ret) || from_json(joined(f, a), a, ret) ||
		     event_id_parse(str_trim(f->field), ret);

	return found && !event_id_is_zero(ret);
}
