/* picket status: what GET /status says, for people. */
#include <string.h>
#include <unistd.h>

#include "cli/show.h"
#include "cli/talk.h"

#define WATCH_DEFAULT_S 2
#define WATCH_MAX_S     3600

static const struct opt opts[] = {
	{'w', "watch", NULL, "again and again, until interrupted"},
	{'i', "interval", "SECONDS", "with --watch: how often (default: 2)"},
	{0, NULL, NULL, NULL},
};
enum { OPT_WATCH, OPT_INTERVAL };

/* --- fetching -------------------------------------------------------------- */

static void keep_line(void *arg, const json_t *line)
{
	json_t **status = arg;

	json_decref(*status);
	*status = json_deep_copy(line);
}

static int fetch_http(struct cli *c, json_t **status, struct err *err)
{
	struct http_request q = {"GET", "/status", NULL, "", STR_EMPTY};
	struct http_answer a;
	int rc = talk_http(c, &q, TALK_TIMEOUT_MS, &a, err);

	if (rc == E_OK && a.status != 200)
		rc = err_set(err, E_UNSUPPORTED, "the daemon answered %d", a.status);
	if (rc == E_OK) {
		*status = json_loadb(a.body.p != NULL ? a.body.p : "", a.body.n, 0, NULL);
		if (!json_is_object(*status))
			rc = err_set(err, E_SYNTAX, "the daemon's answer is no JSON object");
	}
	http_answer_fini(&a);
	return rc;
}

/* The control socket is for root and the daemon's user; the same figures are
 * on the page that everybody may read. */
static int fetch(struct cli *c, json_t **status)
{
	struct err err = {E_OK, ""};
	int rc = talk_quietly(c, json_pack("{s:s}", "cmd", "status"), TALK_TIMEOUT_MS, keep_line,
		status, NULL, &err);

	if (rc != E_OK || *status == NULL)
		rc = fetch_http(c, status, &err);
	if (rc == E_OK)
		return EX_OK;
	json_decref(*status);
	*status = NULL;
	return talk_fail(c, &err);
}

/* --- printing -------------------------------------------------------------- */

static void print_colored(struct cli *c, const char *color, const char *text)
{
	(void)fprintf(
		c->out, "%s%s%s", c->has_color ? color : "", text, c->has_color ? "\033[0m" : "");
}

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"

static void print_head(struct cli *c, const json_t *s)
{
	bool is_ready = json_is_true(json_object_get(s, "ready"));
	char up[SHOW_BYTES];

	(void)fprintf(c->out, "picketd %s, up %s, pid %lld: ", show_get_text(s, "version"),
		show_span(up, show_get_int(s, "uptime_s")), (long long)show_get_int(s, "pid"));
	print_colored(c, is_ready ? GREEN : RED, is_ready ? "ready" : "not ready");
	if (!is_ready) {
		(void)fputs(", ", c->out);
		show_text(c->out, str_of(show_get_text(s, "not_ready_why")));
	}
	if (json_is_true(json_object_get(s, "held"))) {
		(void)fputs(", ", c->out);
		print_colored(c, YELLOW, "sending on hold");
	}
	(void)fputc('\n', c->out);
}

static void print_spool(struct cli *c, const json_t *p)
{
	char count[SHOW_BYTES], bytes[SHOW_BYTES], max[SHOW_BYTES], age[SHOW_BYTES];
	const json_t *dead = json_object_get(p, "dead");
	const char *trouble = show_get_text(p, "trouble"), *name;
	json_t *f;

	(void)fprintf(c->out, "\nspool     %s, %s of %s",
		show_envelopes(count, show_get_int(p, "records")),
		show_size(bytes, (uint64_t)show_get_int(p, "bytes")),
		show_size(max, (uint64_t)show_get_int(p, "max_bytes")));
	if (show_get_int(p, "records") > 0)
		(void)fprintf(
			c->out, ", oldest %s", show_span(age, show_get_int(p, "oldest_age_s")));
	if (trouble[0] != '\0') {
		(void)fputs(", ", c->out);
		print_colored(c, RED, trouble);
	}
	(void)fputc('\n', c->out);
	json_object_foreach(json_object_get(p, "classes"), name, f)
	{
		if (show_get_int(f, "records") > 0)
			(void)fprintf(c->out, "          %-10s %8lld  %9s\n", name,
				(long long)show_get_int(f, "records"),
				show_size(bytes, (uint64_t)show_get_int(f, "bytes")));
	}
	if (show_get_int(dead, "records") > 0)
		(void)fprintf(c->out, "dead      %s, %s (picket dead ls)\n",
			show_envelopes(count, show_get_int(dead, "records")),
			show_size(bytes, (uint64_t)show_get_int(dead, "bytes")));
}

static int64_t dropped_of(const json_t *dropped, const char *category)
{
	json_t *by = NULL;
	const char *reason;
	int64_t n = 0;

	json_object_foreach((json_t *)dropped, reason, by) n += show_get_int(by, category);
	return n;
}

static void print_categories(struct cli *c, const json_t *totals)
{
	const json_t *dropped = json_object_get(totals, "dropped");
	const char *name;
	json_t *n;

	if (json_object_size(json_object_get(totals, "received")) == 0)
		return;
	(void)fprintf(c->out, "\n%-22s %12s %12s %12s %12s\n", "category", "received", "delivered",
		"dropped", "held");
	json_object_foreach(json_object_get(totals, "received"), name, n)(void) fprintf(c->out,
		"%-22s %12lld %12lld %12lld %12lld\n", name, (long long)json_integer_value(n),
		(long long)show_get_int(json_object_get(totals, "delivered"), name),
		(long long)dropped_of(dropped, name),
		(long long)show_get_int(json_object_get(totals, "held"), name));
}

static void print_dropped(struct cli *c, const json_t *dropped)
{
	const char *reason, *category;
	json_t *by, *n;
	bool is_first = true;

	json_object_foreach((json_t *)dropped, reason, by)
	{
		(void)fprintf(c->out, "%s%-18s", is_first ? "\ndropped   " : "          ", reason);
		is_first = false;
		json_object_foreach(by, category, n)(void)
			fprintf(c->out, "  %s %lld", category, (long long)json_integer_value(n));
		(void)fputc('\n', c->out);
	}
}

static const char *color_of(const char *state)
{
	if (strcmp(state, "up") == 0)
		return GREEN;
	return strcmp(state, "outage") == 0 ? RED : YELLOW;
}

static void print_upstream(struct cli *c, const json_t *u)
{
	const char *state = show_get_text(u, "state"), *error = show_get_text(u, "last_error");
	char span[SHOW_BYTES];

	show_text(c->out, str_of(show_get_text(u, "host")));
	(void)fputs("  ", c->out);
	print_colored(c, color_of(state), state);
	(void)fprintf(c->out, " for %s, %lld in flight",
		show_span(span, show_get_int(u, "since_s")),
		(long long)show_get_int(u, "in_flight"));
	if (show_get_int(u, "last_status") > 0)
		(void)fprintf(
			c->out, ", last answer %lld", (long long)show_get_int(u, "last_status"));
	if (show_get_int(u, "next_try_s") > 0)
		(void)fprintf(
			c->out, ", next try in %s", show_span(span, show_get_int(u, "next_try_s")));
	if (error[0] != '\0') {
		(void)fputs(", ", c->out);
		show_text(c->out, str_of(error));
	}
}

static void print_limit(struct cli *c, const json_t *l)
{
	char left[SHOW_BYTES];
	const json_t *categories = json_object_get(l, "categories");

	show_text(c->out, str_of(show_get_text(l, "host")));
	(void)fprintf(c->out, "  %s left: ", show_span(left, show_get_int(l, "left_s")));
	for (size_t i = 0; i < json_array_size(categories); i++)
		(void)fprintf(c->out, "%s%s", i > 0 ? ", " : "",
			json_string_value(json_array_get(categories, i)));
	if (show_get_text(l, "reason")[0] != '\0') {
		(void)fputs(" (", c->out);
		show_text(c->out, str_of(show_get_text(l, "reason")));
		(void)fputc(')', c->out);
	}
}

static void print_rule(struct cli *c, const json_t *r)
{
	show_text(c->out, str_of(show_get_text(r, "name")));
	(void)fprintf(c->out, "  %lld hits, %lld misses, %lld dropped",
		(long long)show_get_int(r, "hits"), (long long)show_get_int(r, "misses"),
		(long long)show_get_int(r, "dropped"));
	if (show_get_int(r, "errors") > 0)
		(void)fprintf(c->out, ", %lld errors", (long long)show_get_int(r, "errors"));
}

static void print_scrub(struct cli *c, const json_t *r)
{
	show_text(c->out, str_of(show_get_text(r, "rule")));
	(void)fprintf(c->out, " (%s)  %lld hits, %lld runs, %lld us", show_get_text(r, "pass"),
		(long long)show_get_int(r, "hits"), (long long)show_get_int(r, "runs"),
		(long long)show_get_int(r, "time_us"));
}

static void print_list(struct cli *c, const char *title, const json_t *list,
	void (*print)(struct cli *c, const json_t *one))
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		(void)fprintf(c->out, "%s%-10s", i == 0 ? "\n" : "", i == 0 ? title : "");
		print(c, json_array_get(list, i));
		(void)fputc('\n', c->out);
	}
}

/* There are always some twenty rules: those that found something. */
static json_t *with_hits(const json_t *list)
{
	json_t *some = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (show_get_int(json_array_get(list, i), "hits") > 0)
			(void)json_array_append(some, json_array_get(list, i));
	}
	return some;
}

static void print_status(struct cli *c, const json_t *s)
{
	const json_t *totals = json_object_get(s, "totals");
	json_t *scrubs = with_hits(json_object_get(s, "scrub_rules"));

	print_head(c, s);
	print_spool(c, json_object_get(s, "spool"));
	print_categories(c, totals);
	print_dropped(c, json_object_get(totals, "dropped"));
	print_list(c, "upstream", json_object_get(s, "upstreams"), print_upstream);
	print_list(c, "limits", json_object_get(s, "limits"), print_limit);
	print_list(c, "rules", json_object_get(s, "rules"), print_rule);
	print_list(c, "scrubbing", scrubs, print_scrub);
	json_decref(scrubs);
}

/* --- running --------------------------------------------------------------- */

static int show_once(struct cli *c, bool clears)
{
	json_t *status = NULL;
	int code = fetch(c, &status);

	if (code != EX_OK)
		return code;
	if (clears)
		(void)fputs("\033[H\033[J", c->out);
	if (c->is_json)
		talk_print_json(c, status);
	else
		print_status(c, status);
	json_decref(status);
	return code;
}

static int watch(struct cli *c, unsigned every_s)
{
	bool clears = !c->is_json && isatty(STDOUT_FILENO) == 1;
	int code;

	for (;;) {
		code = show_once(c, clears);
		/* A daemon that restarts is worth waiting for. */
		if (code != EX_OK && code != EX_UNAVAILABLE)
			return code;
		if (fflush(c->out) != 0)
			return EX_IOERR;
		(void)sleep(every_s);
		if (!clears && !c->is_json)
			(void)fputc('\n', c->out);
	}
}

static int run(struct cli *c)
{
	uint64_t every_s = WATCH_DEFAULT_S;
	const char *value;
	bool watches = false;
	int i, code;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i == ARG_OPERAND)
			return cli_usage(c, "unexpected argument \"%s\"", value);
		if (i == OPT_WATCH)
			watches = true;
		else if (!str_to_u64(str_of(value), WATCH_MAX_S, &every_s) || every_s == 0)
			return cli_usage(c, "\"%s\" is not a number of seconds", value);
	}
	code = cli_settings(c);
	if (code != EX_OK)
		return code;
	return watches ? watch(c, (unsigned)every_s) : show_once(c, false);
}

const struct command command_status = {
	.name = "status",
	.operands = "",
	.brief = "what the daemon is doing",
	.more = "Shows whether the daemon is ready, what waits in the spool, what became of all\n"
		"that was received, and how the upstream does. Asks over the control socket, or\n"
		"over HTTP where that socket may not be used.",
	.opts = opts,
	.prints_data = true,
	.run = run,
};
