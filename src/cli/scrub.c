/* picket scrub: what scrubbing makes of a payload, without a daemon.
 *
 *   run         options, the scrubber they ask for, the file
 *   scrub_text  one payload, or an envelope
 */
#include "scrub/scrub.h"

#include <jansson.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/show.h"

#define FILE_MAX_BYTES ((size_t)512 * 1024 * 1024)

static const struct opt opts[] = {
	{'t', "type", "TYPE",
		"event, span, log, ..., attachment or envelope (default: by looking)"},
	{'r', "rules", "FILE", "a PII configuration"},
	{'s', "settings", "FILE", "switches of default scrubbing, JSON"},
	{'d', "deep", NULL, "scrub also where Sentry's default scrubbing leaves a gap"},
	{'e', "explain", NULL, "list what was done instead of the result"},
	{'l', "lines", NULL, "each line is a payload of its own"},
	{'n', "name", "NAME", "file name of the attachment"},
	{0, NULL, NULL, NULL},
};
enum { OPT_TYPE, OPT_RULES, OPT_SETTINGS, OPT_DEEP, OPT_EXPLAIN, OPT_LINES, OPT_NAME };

/* What a file holds. */
enum form { FORM_LOOK, FORM_PAYLOAD, FORM_ENVELOPE, FORM_FILE };

struct job {
	struct cli *c;
	struct scrubber *scrubber;
	enum form form;
	enum scrub_type type;
	bool explains;
	bool is_lines;
	const char *file;
	const char *rules;
	const char *settings;
	const char *name;
	bool deep;
};

/* --- one text ------------------------------------------------------------------ */

static bool seen(void *arg, struct str path, struct str rule, char letter)
{
	const struct job *j = arg;
	FILE *to = j->c->out;

	if (j->c->is_json) {
		struct buf line = BUF_INIT;

		buf_cstr(&line, "{\"path\":");
		buf_json_str(&line, path);
		buf_cstr(&line, ",\"rule\":");
		buf_json_str(&line, rule);
		buf_printf(&line, ",\"remark\":\"%c\"}\n", letter);
		(void)fwrite(line.p, 1, line.n, to);
		buf_fini(&line);
		return true;
	}
	show_text(to, path);
	(void)fputs("  ", to);
	show_text(to, rule);
	(void)fprintf(to, "  %c\n", letter);
	return true;
}

static void print(const struct job *j, struct str text)
{
	if (!j->explains)
		(void)fwrite(text.p, 1, text.n, j->c->out);
}

static int scrub_whole(const struct job *j, struct str in, struct scrub_tally *tally,
	struct arena *a, struct err *err)
{
	struct str out = in;
	int rc = j->form == FORM_FILE
			 ? scrub_attachment(j->scrubber, str_of(j->name), in, a, &out, tally, err)
			 : scrub_payload(j->scrubber, j->type, in, a, &out, tally, err);

	if (rc == E_OK)
		print(j, out);
	return rc;
}

static int scrub_whole_envelope(
	const struct job *j, struct envelope *e, struct scrub_tally *tally, struct err *err)
{
	struct buf out = BUF_INIT;
	int rc = scrub_envelope(j->scrubber, e, tally, err);

	if (rc == E_OK) {
		envelope_write_header(e, &out);
		buf_char(&out, '\n');
		envelope_write_items(e, &out);
		print(j, buf_view(&out));
	}
	if (!buf_ok(&out))
		rc = err_set(err, E_NOMEM, "no memory");
	buf_fini(&out);
	return rc;
}

/* An envelope has items: an event alone would be only a header. */
static bool looks_like_envelope(const struct job *j, struct envelope *e, struct str in)
{
	struct quantities invalid = {{0}};

	if (j->form == FORM_PAYLOAD || j->form == FORM_FILE)
		return false;
	return envelope_parse(e, in, NULL, NULL) == E_OK &&
	       envelope_measure(e, &invalid, NULL) == E_OK && e->item_count > 0;
}

static int scrub_text(const struct job *j, struct str in, struct err *err)
{
	struct scrub_tally tally = {
		.seen = j->explains ? seen : NULL, .seen_arg = (void *)(uintptr_t)j};
	struct envelope *e = envelope_new();
	int rc;

	if (e == NULL)
		return err_set(err, E_NOMEM, "no memory");
	if (looks_like_envelope(j, e, in))
		rc = scrub_whole_envelope(j, e, &tally, err);
	else if (j->form == FORM_ENVELOPE)
		rc = err_set(err, E_SYNTAX, "not an envelope");
	else
		rc = scrub_whole(j, in, &tally, e->arena, err);
	if (rc == E_OK && tally.items_dropped > 0)
		(void)fprintf(j->c->errs,
			"picket scrub: %llu items could not be read and are left out\n",
			(unsigned long long)tally.items_dropped);
	envelope_free(e);
	return rc;
}

static int scrub_lines(const struct job *j, struct str in, struct err *err)
{
	struct str line;
	unsigned number = 0;

	while (str_cut(&in, '\n', &line)) {
		int rc = E_OK;

		number++;
		if (line.n > 0)
			rc = scrub_text(j, line, err);
		if (rc != E_OK)
			return err_wrap(err, rc, "line %u", number);
		if (!j->explains && (line.n > 0 || in.p != NULL))
			(void)fputc('\n', j->c->out);
	}
	return E_OK;
}

/* --- options --------------------------------------------------------------------- */

static int read_file(const char *path, struct buf *out, struct err *err)
{
	return file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, FILE_MAX_BYTES, out, err);
}

/* With neither rules nor settings: what Sentry does when nothing is set up. */
static int make_scrubber(struct job *j, struct arena *a, struct err *err)
{
	struct scrub_options o = {.deep = j->deep, .attachments = true};
	struct buf rules = BUF_INIT;
	struct buf settings = BUF_INIT;
	int rc = E_OK;

	if (j->rules == NULL && j->settings == NULL)
		o.settings = (struct derive_settings){
			.scrub_data = true, .scrub_defaults = true, .scrub_ip_addresses = true};
	if (j->rules != NULL) {
		rc = read_file(j->rules, &rules, err);
		o.rules = rules.n > 0 ? buf_view(&rules) : STR(" ");
	}
	if (rc == E_OK && j->settings != NULL) {
		rc = read_file(j->settings, &settings, err);
		if (rc == E_OK)
			rc = derive_read(&o.settings, buf_view(&settings), a, err);
		if (rc != E_OK)
			rc = err_wrap(err, rc, "%s", j->settings);
	}
	if (rc == E_OK) {
		rc = scrubber_new(&j->scrubber, &o, err);
		if (rc != E_OK && j->rules != NULL)
			rc = err_wrap(err, rc, "%s", j->rules);
	}
	buf_fini(&rules);
	buf_fini(&settings);
	return rc;
}

static int work(struct job *j)
{
	struct err err = {E_OK, ""};
	struct buf in = BUF_INIT;
	struct arena *a = arena_new(4096, 0);
	int code = EX_OK;
	const char *warning;

	if (a == NULL)
		return cli_fail(j->c, EX_OSERR, "no memory");
	if (make_scrubber(j, a, &err) != E_OK)
		code = cli_fail(j->c, EX_CONFIG, "%s", err.text);
	for (size_t i = 0; code == EX_OK && (warning = scrubber_warning(j->scrubber, i)) != NULL;
		i++)
		(void)fprintf(j->c->errs, "picket scrub: %s: %s\n", j->rules, warning);
	if (code == EX_OK && read_file(j->file, &in, &err) != E_OK)
		code = cli_fail(j->c, EX_NOINPUT, "%s", err.text);
	if (code == EX_OK) {
		struct str text = in.n > 0 ? buf_view(&in) : STR("");
		int rc = j->is_lines ? scrub_lines(j, text, &err) : scrub_text(j, text, &err);

		if (rc != E_OK)
			code = cli_fail(j->c, rc == E_NOMEM ? EX_OSERR : EX_DATAERR, "%s: %s",
				j->file, err.text);
	}
	scrubber_free(j->scrubber);
	buf_fini(&in);
	arena_free(a);
	return code;
}

static bool take_type(struct job *j, const char *value)
{
	if (strcmp(value, "envelope") == 0) {
		j->form = FORM_ENVELOPE;
		return true;
	}
	if (strcmp(value, "attachment") == 0) {
		j->form = FORM_FILE;
		return true;
	}
	j->form = FORM_PAYLOAD;
	return scrub_type_parse(str_of(value), &j->type);
}

static int run(struct cli *c)
{
	struct job j = {.c = c, .type = SCRUB_EVENT, .file = NULL, .name = ""};
	const char *value;
	int i;

	while ((i = cli_next(c, &value)) != ARG_END) {
		switch (i) {
		case ARG_STOP:
			return c->exit_code;
		case ARG_OPERAND:
			if (j.file != NULL)
				return cli_usage(c, "unexpected argument \"%s\"", value);
			j.file = value;
			break;
		case OPT_TYPE:
			if (!take_type(&j, value))
				return cli_usage(c, "no type of payload: \"%s\"", value);
			break;
		case OPT_RULES:
			j.rules = value;
			break;
		case OPT_SETTINGS:
			j.settings = value;
			break;
		case OPT_DEEP:
			j.deep = true;
			break;
		case OPT_EXPLAIN:
			j.explains = true;
			break;
		case OPT_LINES:
			j.is_lines = true;
			break;
		default:
			j.name = value;
			break;
		}
	}
	if (j.file == NULL)
		j.file = "-";
	return work(&j);
}

const struct command command_scrub = {
	.name = "scrub",
	.operands = "[FILE]",
	.brief = "show what scrubbing makes of a payload",
	.more = "Scrubs an event, another payload or a whole envelope and prints the result. No\n"
		"daemon is needed. With neither --rules nor --settings everything is on that\n"
		"Sentry's default scrubbing offers. --explain lists each place, the rule and the\n"
		"letter of its remark instead: s replaced, x removed, m masked, p hashed.",
	.opts = opts,
	.prints_data = true,
	.run = run,
};
