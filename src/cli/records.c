#include "cli/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/show.h"
#include "cli/talk.h"

#define MAX_ROWS        10000
#define SHOW_TIMEOUT_MS 60000

const struct opt records_ls_opts[] = {
	{'n', "max", "COUNT", "at most COUNT rows (default: 100)"},
	{0, "class", "CLASS", "only this priority class, as \"picket status\" names it"},
	{0, NULL, NULL, NULL},
};
enum { OPT_MAX, OPT_CLASS };

const struct opt records_show_opts[] = {
	{0, "raw", NULL, "the envelope's bytes as they are, and nothing else"},
	{0, NULL, NULL, NULL},
};

void records_print_items(FILE *to, const json_t *line)
{
	json_t *items = json_object_get(line, "items");
	const char *name, *between = "";
	json_t *n;

	json_object_foreach(items, name, n)
	{
		(void)fprintf(to, "%s%s %lld", between, name, (long long)json_integer_value(n));
		between = ", ";
	}
}

int records_ls(struct cli *c, const char *cmd, talk_fn *print)
{
	json_t *request = json_pack("{s:s}", "cmd", cmd);
	const char *value;
	uint64_t max;
	int i, bad = request == NULL;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP) {
			json_decref(request);
			return c->exit_code;
		}
		if (i == ARG_OPERAND ||
			(i == OPT_MAX &&
				(!str_to_u64(str_of(value), MAX_ROWS, &max) || max == 0))) {
			json_decref(request);
			return cli_usage(c,
				i == ARG_OPERAND ? "unexpected argument \"%s\""
						 : "\"%s\" is not a count from 1 to 10000",
				value);
		}
		if (i == OPT_MAX)
			bad |= json_object_set_new(request, "max", json_integer((json_int_t)max));
		else
			bad |= json_object_set_new(request, "class", json_string(value));
	}
	if (bad != 0) {
		json_decref(request);
		return cli_fail(c, EX_DATAERR, "the class is not UTF-8");
	}
	return talk_control(
		c, request, SHOW_TIMEOUT_MS, c->is_json ? talk_print_json : print, c, NULL);
}

/* --- one envelope ---------------------------------------------------------- */

struct showing {
	struct cli *cli;
	bool is_raw;
	bool failed;
};

static void print_fact(FILE *to, const char *name, const char *text)
{
	if (text[0] == '\0')
		return;
	(void)fprintf(to, "%-10s ", name);
	show_text(to, str_of(text));
	(void)fputc('\n', to);
}

static void print_facts(FILE *to, const json_t *line)
{
	char text[SHOW_BYTES];

	(void)fprintf(to, "%-10s %lld\n", "record", (long long)show_get_int(line, "seq"));
	print_fact(to, "time", show_get_text(line, "time"));
	print_fact(to, "event", show_get_text(line, "event_id"));
	print_fact(to, "class", show_get_text(line, "class"));
	print_fact(to, "host", show_get_text(line, "host"));
	print_fact(to, "project", show_get_text(line, "project"));
	print_fact(to, "client", show_get_text(line, "client"));
	if (show_get_int(line, "status") > 0)
		(void)fprintf(
			to, "%-10s %lld\n", "status", (long long)show_get_int(line, "status"));
	print_fact(to, "reason", show_get_text(line, "reason"));
	print_fact(to, "text", show_get_text(line, "text"));
	print_fact(to, "size", show_size(text, (uint64_t)show_get_int(line, "bytes")));
	(void)fprintf(to, "%-10s ", "items");
	records_print_items(to, line);
	(void)fputs("\n\n", to);
}

static void print_one(void *arg, const json_t *line)
{
	struct showing *s = arg;
	FILE *to = s->cli->out;
	struct str coded = str_of(show_get_text(line, "envelope"));
	char *bytes = malloc(coded.n / 4 * 3 + 3);
	size_t n = 0;

	s->failed = bytes == NULL || !base64_decode(coded, bytes, &n);
	if (s->failed) {
		free(bytes);
		return;
	}
	if (s->is_raw) {
		(void)fwrite(bytes, 1, n, to);
	} else {
		print_facts(to, line);
		show_lines(to, str_make(bytes, n));
	}
	free(bytes);
}

int records_show(struct cli *c, const char *cmd)
{
	struct showing s = {c, false, false};
	const char *value;
	uint64_t seq = 0;
	int i, code;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i >= 0)
			s.is_raw = true;
		else if (seq != 0 || !str_to_u64(str_of(value), INT64_MAX, &seq) || seq == 0)
			return cli_usage(c, "\"%s\" is not one record number", value);
	}
	if (seq == 0)
		return cli_usage(c, "SEQ is missing");
	code = talk_control(c, json_pack("{s:s, s:I}", "cmd", cmd, "seq", (json_int_t)seq),
		SHOW_TIMEOUT_MS, c->is_json ? talk_print_json : print_one,
		c->is_json ? (void *)c : (void *)&s, NULL);
	if (code == EX_OK && s.failed)
		return cli_fail(c, EX_SOFTWARE, "the daemon's answer cannot be read");
	return code;
}
