/* picket rules test: cases of rules, without a daemon.
 *
 *   run           options, files
 *   test_file     its rules, then each case in order
 *   test_case     one envelope: written, judged, compared
 */
#include "cli/case_judge.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/show.h"

static const struct opt opts[] = {
	{'e', "explain", NULL, "tell which rules were true, and what they changed"},
	{'q', "quiet", NULL, "print failed cases and the summary only"},
	{0, NULL, NULL, NULL},
};
enum { OPT_EXPLAIN, OPT_QUIET };

struct testing {
	struct cli *c;
	bool explains, is_quiet;
	const struct rehearsal_source *usual; /* NULL: each file has its own rules */
	size_t cases, failed;
};

/* One case that was run, or could not be. */
struct tested {
	const struct case_file *f;
	const char *path;
	size_t index;
	const struct rule_case *rc; /* NULL: it could not be read */
	struct rehearsed *it;       /* NULL: likewise */
	const struct rehearsal *r;
	struct str why; /* "" when all is as expected */
};

/* --- printing ---------------------------------------------------------------------- */

static void put_name(const struct tested *t, struct buf *out)
{
	buf_cstr(out, t->path);
	if (t->f != NULL && t->f->is_list)
		buf_printf(out, " #%zu", t->index + 1);
	if (t->rc != NULL && t->rc->name.n > 0)
		buf_printf(out, " (%.*s)", STR_ARG(t->rc->name));
}

static void print_line(struct testing *s, struct buf *line)
{
	if (buf_ok(line))
		show_text(s->c->out, buf_view(line));
	(void)fputc('\n', s->c->out);
	buf_clear(line);
}

/* What the case's own input became. */
struct change {
	struct testing *s;
	struct buf *line;
	bool as_json, is_first;
};

static bool tell_change(void *arg, struct str path, struct json_side a, struct json_side b)
{
	struct change *c = arg;

	if (c->as_json) {
		buf_cstr(c->line, c->is_first ? "" : ",");
		c->is_first = false;
		compare_write_json(path, a, b, c->line);
		return true;
	}
	buf_printf(c->line, "        %.*s: ", STR_ARG(path.n > 0 ? path : STR("input")));
	compare_write(a, b, c->line);
	print_line(c->s, c->line);
	return true;
}

static void put_changes(struct testing *s, const struct tested *t, struct buf *line)
{
	struct change c = {s, line, s->c->is_json, true};
	struct json_side found;
	struct str text;

	if (t->f == NULL || t->rc == NULL || t->rc->items == NULL ||
		!case_outcome(t->rc, t->it, 0, &found, &text) || found.n == JSON_NONE)
		return;
	(void)compare_json(
		(struct json_side){t->f->d, t->rc->items[0].input}, found, tell_change, &c);
}

static void print_fired(struct testing *s, const struct tested *t, struct buf *line)
{
	struct rule_stats st;

	for (size_t i = 0; rehearsal_fired(t->r, i, &st); i++) {
		if (st.hits == 0 && st.errors == 0)
			continue;
		buf_printf(line, "        rule %s: ", st.name);
		if (st.hits == 1)
			buf_cstr(line, "true");
		else
			buf_printf(line, "true %llu times", (unsigned long long)st.hits);
		if (st.dropped > 0)
			buf_printf(line, ", dropped %llu", (unsigned long long)st.dropped);
		if (st.errors > 0)
			buf_printf(line, ", %llu tests or edits of the wrong type",
				(unsigned long long)st.errors);
		print_line(s, line);
	}
}

static void print_explained(struct testing *s, const struct tested *t)
{
	struct buf line = BUF_INIT;

	print_fired(s, t, &line);
	case_reasons(t->it, &line);
	if (line.n > 0) {
		struct buf whole = BUF_INIT;

		buf_printf(&whole, "        dropped: %.*s, by ", STR_ARG(buf_view(&line)));
		case_deciders(t->it, &whole);
		print_line(s, &whole);
		buf_fini(&whole);
		buf_clear(&line);
	}
	put_changes(s, t, &line);
	buf_fini(&line);
}

static void print_plain(struct testing *s, const struct tested *t)
{
	struct buf line = BUF_INIT;

	if (s->is_quiet && t->why.n == 0)
		return;
	buf_cstr(&line, t->why.n > 0 ? "FAILED  " : "ok      ");
	put_name(t, &line);
	if (t->why.n > 0)
		buf_printf(&line, ": %.*s", STR_ARG(t->why));
	print_line(s, &line);
	buf_fini(&line);
	if (s->explains && t->it != NULL)
		print_explained(s, t);
}

static void put_fired_json(const struct tested *t, struct buf *out)
{
	struct rule_stats st;
	const char *between = "";

	buf_cstr(out, ",\"rules\":[");
	for (size_t i = 0; rehearsal_fired(t->r, i, &st); i++) {
		if (st.hits == 0 && st.errors == 0)
			continue;
		buf_printf(out,
			"%s{\"name\":\"%s\",\"hits\":%llu,\"dropped\":%llu,\"errors\":%llu}",
			between, st.name, (unsigned long long)st.hits,
			(unsigned long long)st.dropped, (unsigned long long)st.errors);
		between = ",";
	}
	buf_cstr(out, "],\"dropped\":\"");
	case_reasons(t->it, out);
	buf_cstr(out, "\",\"by\":\"");
	case_deciders(t->it, out);
	buf_char(out, '"');
}

static void print_json(struct testing *s, const struct tested *t)
{
	struct buf line = BUF_INIT;

	buf_cstr(&line, "{\"file\":");
	buf_json_str(&line, str_of(t->path));
	if (t->f != NULL && t->f->is_list)
		buf_printf(&line, ",\"case\":%zu", t->index + 1);
	if (t->rc != NULL && t->rc->name.n > 0) {
		buf_cstr(&line, ",\"name\":");
		buf_json_str(&line, t->rc->name);
	}
	buf_printf(&line, ",\"ok\":%s", t->why.n > 0 ? "false" : "true");
	if (t->why.n > 0) {
		buf_cstr(&line, ",\"why\":");
		buf_json_str(&line, t->why);
	}
	if (s->explains && t->it != NULL) {
		put_fired_json(t, &line);
		buf_cstr(&line, ",\"changes\":[");
		put_changes(s, t, &line);
		buf_char(&line, ']');
	}
	buf_cstr(&line, "}\n");
	if (buf_ok(&line))
		(void)fwrite(line.p, 1, line.n, s->c->out);
	buf_fini(&line);
}

static void tell(struct testing *s, const struct tested *t)
{
	s->cases++;
	s->failed += t->why.n > 0;
	if (s->c->is_json)
		print_json(s, t);
	else
		print_plain(s, t);
}

/* --- testing ------------------------------------------------------------------------- */

static void tell_unread(struct testing *s, struct tested *t, const struct err *err)
{
	size_t n = strlen(t->path);
	struct str text = str_of(err->text);

	/* The sentence names the file once more. */
	if (str_starts(text, str_of(t->path)) && str_starts(str_from(text, n), STR(": ")))
		text = str_from(text, n + 2);
	t->why = text;
	t->it = NULL;
	tell(s, t);
}

static int judge_envelope(struct case_file *f, struct rehearsal *r, const struct rule_case *rc,
	struct rehearsed *it, struct buf *why, struct err *err)
{
	struct buf body = BUF_INIT;
	int code = case_write(f, rc, &body);

	if (code == E_OK)
		code = rehearsal_take(&rc->from, buf_view(&body), it, err);
	else
		(void)err_set(err, code, "no memory for a test case");
	if (code == E_OK)
		code = rehearsal_judge(r, it, rc->now, err);
	if (code == E_OK && case_judge(f, rc, r, it, why) != E_OK)
		code = err_set(err, E_NOMEM, "no memory for a test case");
	buf_fini(&body);
	return code;
}

static void test_case(struct testing *s, struct case_file *f, struct rehearsal *r, size_t i)
{
	struct tested t = {.f = f, .path = f->path, .index = i, .r = r};
	struct err err = {E_OK, ""};
	struct rehearsed it = {0};
	struct buf why = BUF_INIT;
	struct rule_case rc;

	if (case_read(f, i, &rc, &err) != E_OK) {
		tell_unread(s, &t, &err);
		return;
	}
	t.rc = &rc;
	t.it = &it;
	if (judge_envelope(f, r, &rc, &it, &why, &err) != E_OK) {
		tell_unread(s, &t, &err);
	} else {
		t.why = buf_view(&why);
		tell(s, &t);
	}
	rehearsed_fini(&it);
	buf_fini(&why);
}

static void test_file(struct testing *s, const char *path)
{
	struct tested t = {.path = path};
	struct rehearsal *r = NULL;
	struct err err = {E_OK, ""};
	struct case_file f;

	if (case_file_read(&f, path, &err) != E_OK) {
		tell_unread(s, &t, &err);
		return;
	}
	if (case_file_rules(&f, s->usual, &r, &err) != E_OK) {
		tell_unread(s, &t, &err);
	} else {
		for (size_t i = 0; i < f.count; i++)
			test_case(s, &f, r, i);
	}
	rehearsal_free(r);
	case_file_fini(&f);
}

/* --- the command ----------------------------------------------------------------------- */

static int test_all(struct testing *s, const struct found_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		test_file(s, files->v[i]);
	if (s->c->is_json)
		(void)fprintf(s->c->out, "{\"cases\":%zu,\"failed\":%zu}\n", s->cases, s->failed);
	else
		(void)fprintf(s->c->out, "%zu case%s, %zu failed\n", s->cases,
			s->cases == 1 ? "" : "s", s->failed);
	return s->failed > 0 ? 1 : EX_OK;
}

/* ARG_END: go on; else what to exit with. */
static int read_args(struct testing *s, struct found_files *files)
{
	struct cli *c = s->c;
	const char *value;
	int i, code;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i == OPT_EXPLAIN)
			s->explains = true;
		else if (i == OPT_QUIET)
			s->is_quiet = true;
		else if ((code = find_operand(c, value, ".json", files)) != EX_OK)
			return code;
	}
	return files->n > 0 ? ARG_END : cli_usage(c, "say which test cases: files or directories");
}

static int run(struct cli *c)
{
	struct found_files files = {.arena = arena_new(4096, 0)};
	struct testing s = {.c = c};
	struct rehearsal_source usual;
	int code;

	if (files.arena == NULL)
		return cli_fail(c, EX_OSERR, "no memory");
	code = read_args(&s, &files);
	usual = (struct rehearsal_source){.file = c->config, .env = c->env};
	if (c->config != NULL)
		s.usual = &usual;
	if (code == ARG_END)
		code = test_all(&s, &files);
	arena_free(files.arena);
	return code;
}

const struct command command_rules_test = {
	.name = "rules test",
	.operands = "FILE|DIR...",
	.brief = "run test cases of rules",
	.more = "Runs test cases, JSON files, through the same code as the daemon: rules, ignore\n"
		"lists, hooks, sampling; scrubbing where the rules say [scrub]. A directory means\n"
		"all *.json in and below it. No daemon is needed and nothing is sent. A case:\n\n"
		"  {\"rules\": \"[rule r]\\nwhen = message contains \\\"noise\\\"\\nthen = "
		"drop\\n\",\n"
		"   \"type\": \"event\", \"input\": {\"message\": \"noise\"},\n"
		"   \"expect\": \"dropped\", \"reason\": \"before_send\"}\n\n"
		"\"expect\" may also be \"unchanged\" or the payload that shall come out; "
		"\"rules_file\"\n"
		"names a file instead of \"rules\"; -c FILE gives rules to cases without any.\n"
		"picket-rules(5) tells the rest. Exits with 1 when a case fails.",
	.opts = opts,
	.prints_data = true,
	.run = run,
};
