/* picket rules diff: what other rules would do to the same envelopes.
 *
 *   run        both configurations, then files, or what waits in the spool
 *   compare    one envelope, judged by the old rules and by the new ones
 *   tell_*     what is otherwise, as lines or as an object
 *   sum_up     how many, and which rules were true more or less often
 *
 * Nothing is stored, sent or changed.
 */
#include "base/file.h"
#include "cli/case_judge.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/show.h"
#include "cli/waiting.h"

#define ENVELOPE_MAX_BYTES ((size_t)256 * 1024 * 1024)

static const struct opt opts[] = {
	{'o', "old", "FILE", "compare with these rules (default: the daemon's configuration)"},
	{'n', "max", "COUNT", "of the spool at most so many records (default 1000)"},
	{'q', "quiet", NULL, "print the summary only"},
	{0, NULL, NULL, NULL},
};
enum { OPT_OLD, OPT_MAX, OPT_QUIET };

struct diffing {
	struct cli *c;
	bool is_quiet;
	struct rehearsal *of_old, *of_new;
	size_t envelopes, unread, differ; /* envelopes */
	size_t gone, back, changed;       /* items */
};

/* One envelope, by both. */
struct pair {
	struct diffing *d;
	struct rehearsed was, is;
	struct str name; /* of the file, or "#" and the record's number */
	struct buf text; /* what is told of it */
	bool differs;
};

/* --- telling ------------------------------------------------------------------------- */

static void begin_note(struct pair *p, struct str what)
{
	if (p->d->c->is_json) {
		buf_printf(&p->text, "%s{\"item\":", p->differs ? "," : "");
		buf_json_str(&p->text, what);
	}
	p->differs = true;
}

static void put_fate_json(struct buf *out, const char *key, struct rehearsed *it, bool is_there)
{
	struct buf text = BUF_INIT;

	buf_printf(out, ",\"%s\":{\"kept\":%s", key, is_there ? "true" : "false");
	if (!is_there) {
		case_reasons(it, &text);
		buf_cstr(out, ",\"reason\":");
		buf_json_str(out, buf_view(&text));
		buf_clear(&text);
		case_deciders(it, &text);
		buf_cstr(out, ",\"by\":");
		buf_json_str(out, buf_view(&text));
	}
	buf_char(out, '}');
	buf_fini(&text);
}

static void put_fate(struct buf *out, struct rehearsed *it, bool is_there)
{
	if (is_there) {
		buf_cstr(out, "kept");
		return;
	}
	buf_cstr(out, "dropped (");
	case_reasons(it, out);
	buf_cstr(out, ", by ");
	case_deciders(it, out);
	buf_char(out, ')');
}

/* An item that only one of the two keeps. */
static void tell_fate(struct pair *p, struct str what, bool was_there)
{
	begin_note(p, what);
	if (p->d->c->is_json) {
		put_fate_json(&p->text, "old", &p->was, was_there);
		put_fate_json(&p->text, "new", &p->is, !was_there);
		buf_char(&p->text, '}');
		return;
	}
	buf_printf(&p->text, "    %.*s: ", STR_ARG(what));
	put_fate(&p->text, &p->was, was_there);
	buf_cstr(&p->text, " -> ");
	put_fate(&p->text, &p->is, !was_there);
	buf_char(&p->text, '\n');
}

struct changes {
	struct pair *p;
	struct str what;
	bool is_first;
};

static bool tell_change(void *arg, struct str path, struct json_side a, struct json_side b)
{
	struct changes *c = arg;
	struct buf *out = &c->p->text;

	if (c->p->d->c->is_json) {
		buf_cstr(out, c->is_first ? "" : ",");
		c->is_first = false;
		compare_write_json(path, a, b, out);
		return true;
	}
	buf_printf(out, "    %.*s%s%.*s: ", STR_ARG(c->what), path.n > 0 ? " " : "", STR_ARG(path));
	compare_write(a, b, out);
	buf_char(out, '\n');
	return true;
}

/* Two texts that are not the same. */
static int tell_changes(struct pair *p, struct str what, struct str old, struct str new)
{
	struct arena *a = arena_new(4096, 0);
	struct json_side was = {NULL, JSON_NONE}, is = {NULL, JSON_NONE};
	struct changes c = {p, what, true};
	int rc = a != NULL ? E_OK : E_NOMEM;

	if (rc == E_OK && json_parse(&was.d, a, old, NULL, NULL) == E_OK &&
		json_parse(&is.d, a, new, NULL, NULL) == E_OK) {
		was.n = json_root(was.d);
		is.n = json_root(is.d);
		if (compare_is_equal(was, is)) { /* blanks, say */
			arena_free(a);
			return E_OK;
		}
	}
	begin_note(p, what);
	p->d->changed++;
	if (p->d->c->is_json)
		buf_cstr(&p->text, ",\"changes\":[");
	if (is.n != JSON_NONE)
		rc = compare_json(was, is, tell_change, &c);
	else if (!p->d->c->is_json)
		buf_printf(&p->text, "    %.*s: other bytes\n", STR_ARG(what));
	if (p->d->c->is_json)
		buf_cstr(&p->text, "]}");
	arena_free(a);
	return rc;
}

/* --- comparing ------------------------------------------------------------------------ */

static int compare_item(struct pair *p, size_t i)
{
	struct item *was = rehearsed_item(&p->was, i), *is = rehearsed_item(&p->is, i);
	const struct item *any = was != NULL ? was : is;
	struct str what;

	if (any == NULL)
		return E_OK;
	what = any->type_name;
	if (was != NULL && is != NULL)
		return str_eq(was->payload, is->payload)
			       ? E_OK
			       : tell_changes(p, what, was->payload, is->payload);
	p->d->gone += was != NULL;
	p->d->back += is != NULL;
	tell_fate(p, what, was != NULL);
	return E_OK;
}

/* The rate that a trace header tells. */
static int compare_headers(struct pair *p)
{
	struct buf was = BUF_INIT, is = BUF_INIT;
	int rc = E_OK;

	envelope_write_header(p->was.e, &was);
	envelope_write_header(p->is.e, &is);
	if (!buf_ok(&was) || !buf_ok(&is))
		rc = E_NOMEM;
	else if (!str_eq(buf_view(&was), buf_view(&is)))
		rc = tell_changes(p, STR("header"), buf_view(&was), buf_view(&is));
	buf_fini(&was);
	buf_fini(&is);
	return rc;
}

static int compare_judged(struct pair *p)
{
	int rc = E_OK;

	for (size_t i = 0; i < p->was.items_n && i < p->is.items_n && rc == E_OK; i++)
		rc = compare_item(p, i);
	return rc == E_OK && p->was.e->item_count > 0 && p->is.e->item_count > 0
		       ? compare_headers(p)
		       : rc;
}

/* The second starts from what the first was given, its event id included. */
static int take_both(struct pair *p, struct str bytes, struct err *err)
{
	static const struct sender nobody = {.protocol = {"7", 1}, .peer_uid = -1, .peer_pid = -1};
	struct buf again = BUF_INIT;
	int rc = rehearsal_take(&nobody, bytes, &p->was, err);

	if (rc != E_OK)
		return rc;
	envelope_write_header(p->was.e, &again);
	buf_char(&again, '\n');
	envelope_write_items(p->was.e, &again);
	rc = buf_ok(&again) ? rehearsal_take(&nobody, buf_view(&again), &p->is, err)
			    : err_set(err, E_NOMEM, "no memory for an envelope");
	buf_fini(&again);
	return rc;
}

static void put_name(const struct pair *p, struct buf *out)
{
	char id[EVENT_ID_HEX_BYTES] = "";

	if (p->was.e->has_event_id)
		event_id_hex(&p->was.e->event_id, id);
	if (p->d->c->is_json) {
		buf_cstr(out, "{\"envelope\":");
		buf_json_str(out, p->name);
		buf_printf(out, ",\"event_id\":\"%s\",\"items\":[", id);
	} else {
		buf_printf(out, "%.*s%s%s\n", STR_ARG(p->name), id[0] != '\0' ? "  " : "", id);
	}
}

static void print_pair(const struct pair *p)
{
	struct buf head = BUF_INIT;
	FILE *to = p->d->c->out;

	put_name(p, &head);
	if (!p->d->c->is_json) {
		show_lines(to, buf_view(&head));
		show_lines(to, buf_view(&p->text));
	} else {
		buf_str(&head, buf_view(&p->text));
		buf_cstr(&head, "]}\n");
		if (buf_ok(&head))
			(void)fwrite(head.p, 1, head.n, to);
	}
	buf_fini(&head);
}

static int compare(struct diffing *d, struct str name, struct str bytes, struct err *err)
{
	struct pair p = {.d = d, .name = name, .text = BUF_INIT};
	struct instant now = clock_now(clock_system());
	int rc = take_both(&p, bytes, err);

	if (rc == E_OK)
		rc = rehearsal_judge(d->of_old, &p.was, now, err);
	if (rc == E_OK)
		rc = rehearsal_judge(d->of_new, &p.is, now, err);
	if (rc == E_OK && (compare_judged(&p) != E_OK || !buf_ok(&p.text)))
		rc = err_set(err, E_NOMEM, "no memory to compare");
	if (rc == E_OK) {
		d->envelopes++;
		d->differ += p.differs;
		if (p.differs && !d->is_quiet)
			print_pair(&p);
	}
	rehearsed_fini(&p.was);
	rehearsed_fini(&p.is);
	buf_fini(&p.text);
	return rc;
}

/* --- the summary ----------------------------------------------------------------------- */

/* Times the rule of this name was true; false: there is none. */
static bool hits_of(const struct rehearsal *r, const char *name, uint64_t *ret)
{
	const struct ruleset *rs = rehearsal_rules(r);
	struct rule_stats st;

	for (size_t i = 0; i < ruleset_count(rs); i++) {
		ruleset_stats(rs, i, &st);
		if (strcmp(st.name, name) == 0) {
			*ret = st.hits;
			return true;
		}
	}
	return false;
}

static void put_hits(struct buf *out, bool is_there, uint64_t hits)
{
	if (is_there)
		buf_printf(out, "%llu", (unsigned long long)hits);
	else
		buf_cstr(out, "none");
}

static void sum_up_rule(struct diffing *d, const char *name)
{
	uint64_t was = 0, is = 0;
	bool was_there = hits_of(d->of_old, name, &was), is_there = hits_of(d->of_new, name, &is);
	struct buf line = BUF_INIT;

	if (was_there == is_there && was == is)
		return;
	if (d->c->is_json) {
		buf_cstr(&line, "{\"rule\":");
		buf_json_str(&line, str_of(name));
		if (was_there)
			buf_printf(&line, ",\"old\":%llu", (unsigned long long)was);
		if (is_there)
			buf_printf(&line, ",\"new\":%llu", (unsigned long long)is);
		buf_cstr(&line, "}\n");
	} else {
		buf_printf(&line, "  rule %-24s true ", name);
		put_hits(&line, was_there, was);
		buf_cstr(&line, " -> ");
		put_hits(&line, is_there, is);
		buf_char(&line, '\n');
	}
	if (buf_ok(&line))
		(void)fwrite(line.p, 1, line.n, d->c->out); /* names are plain */
	buf_fini(&line);
}

static void sum_up(struct diffing *d)
{
	const struct ruleset *was = rehearsal_rules(d->of_old), *is = rehearsal_rules(d->of_new);
	struct rule_stats st;
	uint64_t hits;

	if (d->c->is_json)
		(void)fprintf(d->c->out,
			"{\"envelopes\":%zu,\"unread\":%zu,\"differ\":%zu,\"dropped\":%zu,"
			"\"kept\":%zu,\"changed\":%zu}\n",
			d->envelopes, d->unread, d->differ, d->gone, d->back, d->changed);
	else
		(void)fprintf(d->c->out,
			"%zu envelopes, %zu differ: %zu items dropped, %zu kept again, %zu changed"
			"%s\n",
			d->envelopes, d->differ, d->gone, d->back, d->changed,
			d->unread > 0 ? "; some could not be read" : "");
	for (size_t i = 0; i < ruleset_count(was); i++) {
		ruleset_stats(was, i, &st);
		sum_up_rule(d, st.name);
	}
	for (size_t i = 0; i < ruleset_count(is); i++) {
		ruleset_stats(is, i, &st);
		if (!hits_of(d->of_old, st.name, &hits))
			sum_up_rule(d, st.name);
	}
}

/* --- the command ----------------------------------------------------------------------- */

static void on_waiting(void *arg, int64_t seq, struct str bytes)
{
	struct diffing *d = arg;
	struct err err = {E_OK, ""};
	char name[32];

	(void)snprintf(name, sizeof name, "#%lld", (long long)seq);
	if (bytes.p == NULL)
		(void)err_set(&err, E_CORRUPT, "could not be read");
	else
		(void)compare(d, str_of(name), bytes, &err);
	if (err.code == E_OK)
		return;
	d->unread++;
	(void)cli_fail(d->c, EX_DATAERR, "%s: %s", name, err.text);
}

/* A file that is no envelope ends it: whoever named it meant it. */
static int diff_files(struct diffing *d, const struct found_files *files)
{
	int code = EX_OK;

	for (size_t i = 0; i < files->n && code == EX_OK; i++) {
		struct err err = {E_OK, ""};
		struct buf bytes;

		buf_init(&bytes, 0);
		if (file_read(files->v[i], ENVELOPE_MAX_BYTES, &bytes, &err) != E_OK)
			code = cli_fail(d->c, EX_NOINPUT, "%s", err.text);
		else if (compare(d, str_of(files->v[i]), buf_view(&bytes), &err) != E_OK)
			code = cli_fail(d->c, EX_DATAERR, "%s: %s", files->v[i], err.text);
		buf_fini(&bytes);
	}
	return code;
}

static int load(struct cli *c, const char *file, struct rehearsal **ret)
{
	const struct rehearsal_source from = {.file = file, .env = c->env};
	struct err err = {E_OK, ""};

	if (rehearsal_new(ret, &from, &err) == E_OK)
		return EX_OK;
	return cli_fail(c, EX_CONFIG, "%s", err.text);
}

struct asked {
	const char *old, *new;
	uint64_t max;
	struct found_files files;
};

static int read_args(struct diffing *d, struct asked *a)
{
	struct cli *c = d->c;
	const char *value;
	int i, code = EX_OK;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i == OPT_OLD)
			a->old = value;
		else if (i == OPT_MAX)
			code = waiting_read_max(c, value, &a->max);
		else if (i == OPT_QUIET)
			d->is_quiet = true;
		else if (a->new == NULL)
			a->new = value;
		else
			code = find_operand(c, value, ".envelope", &a->files);
		if (code != EX_OK)
			return code;
	}
	return a->new != NULL ? ARG_END : cli_usage(c, "say which file has the new rules");
}

static int diff(struct diffing *d, const struct asked *a)
{
	const char *old = a->old != NULL ? a->old : d->c->config;
	size_t count;
	int code = load(d->c, old != NULL ? old : cli_env(d->c, "PICKET_CONFIG"), &d->of_old);

	if (code == EX_OK)
		code = load(d->c, a->new, &d->of_new);
	if (code == EX_OK && a->files.n > 0)
		code = diff_files(d, &a->files);
	else if (code == EX_OK)
		code = waiting_each(d->c, a->max, on_waiting, d, &count);
	if (code == EX_OK) {
		sum_up(d);
		code = d->differ > 0 ? 1 : EX_OK;
	}
	rehearsal_free(d->of_old);
	rehearsal_free(d->of_new);
	return code;
}

static int run(struct cli *c)
{
	struct asked a = {.max = WAITING_DEFAULT_MAX, .files = {.arena = arena_new(4096, 0)}};
	struct diffing d = {.c = c};
	int code;

	if (a.files.arena == NULL)
		return cli_fail(c, EX_OSERR, "no memory");
	code = read_args(&d, &a);
	if (code == ARG_END)
		code = diff(&d, &a);
	arena_free(a.files.arena);
	return code;
}

const struct command command_rules_diff = {
	.name = "rules diff",
	.operands = "NEW [FILE|DIR...]",
	.brief = "compare what other rules would do",
	.more = "Judges envelopes by the daemon's rules (or those of --old) and by those of the\n"
		"configuration NEW, and tells what becomes of them otherwise: what would be\n"
		"dropped or kept, and by what; which fields would differ. The envelopes are those\n"
		"in the files (of a directory all *.envelope), or else those that wait in the\n"
		"spool of the daemon that runs; these have passed its rules once already.\n"
		"Nothing is sent or changed. Exits with 1 when something differs.",
	.opts = opts,
	.prints_data = true,
	.run = run,
};
