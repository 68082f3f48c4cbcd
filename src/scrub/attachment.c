/* Attachments: by the configuration's rules only, and only where a selector
 * reaches them.
 */
#include "scrub/bytes.h"
#include "scrub/minidump.h"

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

/* A copy that may be written to. */
static char *own_copy(struct arena *a, struct str in, struct err *err)
{
	struct str own = arena_dup(a, in);

	if (own.p == NULL)
		(void)err_set(err, E_NOMEM, "no memory for an attachment");
	return (char *)(uintptr_t)own.p;
}

bool scrub_attachment_selected(const struct scrubber *s, struct str name)
{
	struct pii_state states[3];

	file_states(states, name, TYPE_BINARY);
	return s->rules != NULL && bytes_selected(s->rules, states, 3);
}

int scrub_attachment(const struct scrubber *s, struct str name, struct str in, struct arena *a,
	struct str *out, struct scrub_tally *tally, struct err *err)
{
	struct pii_state states[3];
	struct run r;
	bool changed = false;
	char *own;
	int rc;

	*out = in;
	file_states(states, name, TYPE_BINARY);
	if (s->rules == NULL || in.n == 0 || !bytes_selected(s->rules, states, 3))
		return E_OK;
	own = own_copy(a, in, err);
	if (own == NULL)
		return E_NOMEM;
	rc = run_begin(&r, s, a, tally);
	if (rc == E_OK)
		rc = bytes_scrub(&r, s->rules, states, 3, BYTES_ALL, own, in.n, &changed);
	run_end(&r);
	if (rc != E_OK)
		return err_set(err, rc, "no memory for an attachment");
	if (changed) {
		*out = str_make(own, in.n);
		tally->values.replaced++;
	}
	return E_OK;
}

/* --- crash dumps --------------------------------------------------------------- */

static const struct {
	const char *key;
	uint32_t types;
	enum pii_flag flag; /* a stack is not to be hit by mistake: it is what a dump is for */
	enum bytes_as as;
	bool is_path;
} dump_parts[DUMP_PART_COUNT] = {
	[DUMP_STACK] = {"stack_memory", TYPE_BIT(TYPE_BINARY) | TYPE_BIT(TYPE_STACK_MEMORY),
		PII_MAYBE, BYTES_ALL, false},
	[DUMP_HEAP] = {"heap_memory", TYPE_BIT(TYPE_BINARY) | TYPE_BIT(TYPE_HEAP_MEMORY), PII_TRUE,
		BYTES_ALL, false},
	[DUMP_LINUX] = {"", TYPE_BIT(TYPE_BINARY), PII_TRUE, BYTES_ALL, false},
	[DUMP_CODE_NAME] = {"code_file", TYPE_BIT(TYPE_STRING), PII_TRUE, BYTES_WIDE, true},
	[DUMP_DEBUG_NAME] = {"debug_file", TYPE_BIT(TYPE_STRING), PII_TRUE, BYTES_UTF8, true},
};

static void part_states(struct pii_state states[4], struct str name, enum dump_part_kind kind)
{
	file_states(states, name, TYPE_MINIDUMP);
	states[3] = (struct pii_state){.key = str_of(dump_parts[kind].key),
		.index = -1,
		.types = dump_parts[kind].types,
		.flag = dump_parts[kind].flag};
}

bool scrub_minidump_selected(const struct scrubber *s, struct str name)
{
	struct pii_state states[4];

	for (int kind = 0; s->rules != NULL && kind < DUMP_PART_COUNT; kind++) {
		part_states(states, name, (enum dump_part_kind)kind);
		if (bytes_selected(s->rules, states, 4))
			return true;
	}
	return false;
}

/* The bytes before the last slash: without the name behind it nothing can be
 * symbolicated. */
static size_t folder_bytes(const char *p, size_t n, bool is_wide)
{
	size_t step = is_wide ? 2 : 1;

	for (size_t i = n - n % step; i >= step; i -= step)
		if ((p[i - step] == '/' || p[i - step] == '\\') && (!is_wide || p[i - 1] == '\0'))
			return i - step;
	return 0;
}

static int scrub_part(
	struct run *r, struct str name, const struct dump_part *part, char *file, bool *changed)
{
	struct pii_state states[4];
	enum bytes_as as = dump_parts[part->kind].as;
	char *p = file + part->from;
	size_t n = part->n;

	part_states(states, name, part->kind);
	if (dump_parts[part->kind].is_path)
		n = folder_bytes(p, n, as == BYTES_WIDE);
	return bytes_scrub(r, r->s->rules, states, 4, as, p, n, changed);
}

int scrub_minidump(const struct scrubber *s, struct str name, struct str in, struct arena *a,
	struct str *out, struct scrub_tally *tally, struct err *err)
{
	struct dump_parts parts;
	struct run r;
	bool changed = false;
	char *own;
	int rc;

	*out = in;
	if (!scrub_minidump_selected(s, name) && !scrub_attachment_selected(s, name))
		return E_OK; /* neither its parts, nor the bytes if it cannot be read */
	rc = minidump_parts(a, in, &parts);
	if (rc != E_OK)
		return err_set(err, rc,
			rc == E_NOMEM ? "no memory for a crash dump"
				      : "not a crash dump that can be read");
	own = own_copy(a, in, err);
	if (own == NULL)
		return E_NOMEM;
	rc = run_begin(&r, s, a, tally);
	for (size_t i = 0; rc == E_OK && i < parts.n; i++)
		rc = scrub_part(&r, name, &parts.list[i], own, &changed);
	run_end(&r);
	if (rc != E_OK)
		return err_set(err, rc, "no memory for a crash dump");
	if (changed) {
		*out = str_make(own, in.n);
		tally->values.replaced++;
	}
	return E_OK;
}

/* --- JSON ---------------------------------------------------------------------- */

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
	run_use(r, &w, r->s->rules);
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
