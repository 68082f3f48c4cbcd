/* From [scrub] to a scrubber, and running it as the last step.
 *
 * The file of rules is read when settings are: a bad one is refused with its
 * name, and the settings before stay in force.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "process/judge.h"

static struct str *texts_of(const struct str_list *list)
{
	struct str *texts = calloc(list->n + 1, sizeof *texts);

	for (size_t i = 0; texts != NULL && i < list->n; i++)
		texts[i] = str_of(list->v[i]);
	return texts;
}

static int refuse(const struct settings *s, const char *key, int rc, struct err *err)
{
	const char *where = settings_where(s, "scrub", key);

	(void)err_wrap(err, rc, "%s: scrub.%s", where != NULL ? where : "settings", key);
	/* To who reads settings, a file that cannot be is a value that cannot be. */
	if (rc != E_NOMEM && err != NULL)
		err->code = E_INVAL;
	return rc == E_NOMEM ? rc : E_INVAL;
}

static int make(
	const struct settings *s, struct scrub_options *o, struct scrubber **ret, struct err *err)
{
	struct str *fields = texts_of(&s->scrub.fields);
	struct str *safe = texts_of(&s->scrub.safe_fields);
	int rc = E_NOMEM;

	o->settings.sensitive = fields;
	o->settings.sensitive_count = s->scrub.fields.n;
	o->settings.exclude = safe;
	o->settings.exclude_count = s->scrub.safe_fields.n;
	if (fields == NULL || safe == NULL)
		(void)err_set(err, rc, "no memory for the settings");
	else
		rc = scrubber_new(ret, o, err);
	free(fields);
	free(safe);
	return rc;
}

int judge_scrubber(const struct settings *s, struct scrubber **ret, struct err *err)
{
	struct buf rules = BUF_INIT;
	struct scrub_options o = {
		.deep = s->scrub.deep,
		.strip_default_pii = s->event.send_default_pii == DEFAULT_PII_NO,
		.attachments = s->scrub.attachments,
		.opaque = (enum scrub_opaque)s->scrub.opaque,
		.hash_key = str_of(s->scrub.hash_key),
	};
	int rc = E_OK;

	*ret = NULL;
	o.settings.scrub_data = s->scrub.defaults;
	o.settings.scrub_defaults = s->scrub.defaults;
	o.settings.scrub_ip_addresses = s->scrub.ip_addresses;
	if (*s->scrub.rules != '\0') {
		rc = file_read_soon(s->scrub.rules, PIICONF_MAX_BYTES, &rules, err);
		o.rules = rules.n > 0 ? buf_view(&rules) : STR("");
		if (rc == E_OK && rules.n == 0)
			rc = err_set(err, E_INVAL, "%s: is empty", s->scrub.rules);
		if (rc != E_OK)
			rc = refuse(s, "rules", rc, err);
	}
	if (rc == E_OK) {
		rc = make(s, &o, ret, err);
		if (rc != E_OK && o.rules.n > 0)
			rc = refuse(s, "rules", err_wrap(err, rc, "%s", s->scrub.rules), err);
	}
	buf_fini(&rules);
	return rc;
}

/* --- what was done, for people ------------------------------------------------- */

#define AND_MORE ", and more"

/* Most are names of the protocol, but members of "extra" and the like are named by
 * clients: what is long, or has many digits, may be a secret itself. */
static bool is_harmless(struct str name)
{
	unsigned digits = 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c >= '0' && c <= '9')
			digits++;
		else if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-')
			return false;
	}
	return name.n <= 32 && digits <= 4;
}

static void add_path(struct buf *to, struct str path)
{
	struct str name;

	for (bool is_first = true; str_cut(&path, '.', &name); is_first = false) {
		if (!is_first)
			buf_char(to, '.');
		buf_str(to, is_harmless(name) ? name : STR("*"));
	}
}

struct noting {
	char *list;  /* SCRUBBED_BYTES */
	size_t last; /* where the last path begins */
	bool is_full;
};

static bool note_path(void *arg, struct str path, struct str rule, char letter)
{
	struct noting *n = arg;
	size_t used = strlen(n->list);
	struct buf text = BUF_INIT;

	(void)rule;
	(void)letter;
	if (n->is_full)
		return false;
	add_path(&text, path);
	n->is_full = !buf_ok(&text) || used + 2 + text.n + sizeof AND_MORE > SCRUBBED_BYTES;
	if (n->is_full) {
		(void)snprintf(
			n->list + used, SCRUBBED_BYTES - used, "%s", used > 0 ? AND_MORE : "*");
	} else if (!str_eq(buf_view(&text), str_of(n->list + n->last))) {
		n->last = used > 0 ? used + 2 : 0;
		(void)snprintf(n->list + used, SCRUBBED_BYTES - used, "%s%.*s",
			used > 0 ? ", " : "", STR_ARG(buf_view(&text)));
	}
	buf_fini(&text);
	return !n->is_full;
}

/* --- scrubbing ------------------------------------------------------------------ */

static int scrub(const struct scrubber *s, struct envelope *e, struct process_result *ret,
	struct scrub_tally *tally, struct err *err)
{
	struct noting noting = {.list = ret->scrubbed};
	int rc;

	tally->seen = note_path;
	tally->seen_arg = &noting;
	rc = scrub_envelope(s, e, tally, err);
	tally->seen = NULL;
	tally->seen_arg = NULL;
	if (rc != E_OK || quantities_empty(&tally->dropped))
		return rc;
	if (ret->dropped == NULL)
		ret->dropped = calloc(DROP_COUNT, sizeof *ret->dropped);
	if (ret->dropped == NULL)
		return err_set(err, E_NOMEM, "no memory to scrub an envelope");
	quantities_merge(&ret->dropped[DROP_EVENT_PROCESSOR], &tally->dropped);
	if (ret->by[DROP_EVENT_PROCESSOR].what == NULL)
		ret->by[DROP_EVENT_PROCESSOR] = (struct decided){"scrub", ""};
	return E_OK;
}

int process_scrub(const struct judge *j, struct envelope *e, struct process_result *ret,
	struct scrub_tally *tally, struct err *err)
{
	int rc = E_OK;

	*tally = (struct scrub_tally){0};
	if (j == NULL)
		return E_OK;
	if (j->scrubber != NULL)
		rc = scrub(j->scrubber, e, ret, tally, err);
	return rc == E_OK ? process_cut(j, e, err) : rc;
}

const char *process_scrub_warning(const struct judge *j, size_t i)
{
	return j != NULL && j->scrubber != NULL ? scrubber_warning(j->scrubber, i) : NULL;
}
