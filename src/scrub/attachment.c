/* Attachments: by the configuration's rules only, and only where a selector
 * reaches them.
 */
#include "scrub/bytes.h"

/* The way to a file: the root, all attachments, this one. */
static void file_states(struct pii_state states[3], struct str name, enum value_type type)
{
	states[0] = (struct pii_state){.index = -1, .flag = PII_FALSE};
	states[1] = (struct pii_state){.key = STR(""),
		.index = -1,
		.types = TYPE_BIT(TYPE_ATTACHMENTS),
		.flag = PII_FALSE};
	states[2] = (struct pii_state){.key = name.p != NULL ? name : STR(""),
		.index = -1,
		.types = TYPE_BIT(type),
		.flag = PII_TRUE};
}

int scrub_attachment(const struct scrubber *s, struct str name, enum value_type type, struct str in,
	struct arena *a, struct str *out, struct scrub_tally *tally, struct err *err)
{
	struct pii_state states[3];
	struct run r;
	struct str own;
	bool changed = false;
	int rc;

	*out = in;
	file_states(states, name, type);
	if (s->rules == NULL || in.n == 0 || !bytes_selected(s->rules, states, 3))
		return E_OK;
	own = arena_dup(a, in);
	if (own.p == NULL)
		return err_set(err, E_NOMEM, "no memory for an attachment");
	rc = run_begin(&r, s, a, tally);
	if (rc == E_OK)
		rc = bytes_scrub(&r, s->rules, states, 3, BYTES_ALL, (char *)(uintptr_t)own.p,
			own.n, &changed);
	run_end(&r);
	if (rc != E_OK)
		return err_set(err, rc, "no memory for an attachment");
	if (changed) {
		*out = own;
		tally->values.replaced++;
	}
	return E_OK;
}

static int walk_file(struct run *r, struct json_doc *d, const struct pii_state states[3])
{
	struct meta notes;
	struct walk w;
	int rc = meta_read(&notes, r->redactor.arena, d, JSON_NONE);

	if (rc != E_OK)
		return rc;
	w.d = d;
	w.root = JSON_NONE;
	w.meta = &notes;
	w.redactor = &r->redactor;
	w.set = &r->s->patterns;
	w.apps = piiconf_applications(r->s->rules, &w.app_count);
	w.attributes = ATTRIBUTES_AS_OBJECTS;
	w.deep = false;
	w.strings_only = true;
	w.otlp = false;
	w.by_name = NAMES_MEAN_NOTHING;
	w.tally = &r->tally->values;
	w.seen = r->tally->seen;
	w.seen_arg = r->tally->seen_arg;
	walk_begin(&w, states[0].types, states[0].flag);
	(void)walk_enter_virtual(&w, states[1]); /* the first of many */
	(void)walk_enter_virtual(&w, states[2]);
	walk_value(&w, json_root(d), FIELD_FREE, NULL);
	return w.rc;
}

int scrub_json_attachment(const struct scrubber *s, struct str name, struct str in, struct arena *a,
	struct str *out, struct scrub_tally *tally, struct err *err)
{
	static const struct json_limits limits = {512, 0, 0};
	struct pii_state states[3];
	struct json_doc *d;
	struct buf text = BUF_INIT;
	struct run r;
	int rc;

	*out = in;
	if (s->rules == NULL)
		return E_OK;
	rc = json_parse(&d, a, in, &limits, err);
	if (rc != E_OK)
		return rc;
	file_states(states, name, TYPE_BINARY);
	rc = run_begin(&r, s, a, tally);
	if (rc == E_OK)
		rc = walk_file(&r, d, states);
	run_end(&r);
	if (rc != E_OK || !json_is_dirty(d, json_root(d)))
		return rc == E_OK ? rc : err_set(err, rc, "no memory for an attachment");
	json_write(d, json_root(d), &text);
	*out = buf_ok(&text) ? arena_dup(a, buf_view(&text)) : STR_EMPTY;
	buf_fini(&text);
	return out->p != NULL ? E_OK : err_set(err, E_NOMEM, "no memory for an attachment");
}
