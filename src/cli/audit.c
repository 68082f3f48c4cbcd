/* picket spool audit: does anything wait that looks like a secret?
 *
 *   run        ask for the list of records
 *   on_row     one row: remember its number
 *   look_into  ask for one record, search it with every pattern there is
 *
 * What is found is told by its place only. Nothing is changed.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/encoding.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/talk.h"
#include "scrub/scrub.h"

#define DEFAULT_MAX 1000
#define MOST        10000

/* "!" reaches every field that may hold anything at all. */
static const char audit_rules[] =
	"{\"applications\":{\"!'picket audit reaches every field'\":[\"@ip\",\"@imei\",\"@mac\","
	"\"@email\",\"@creditcard\",\"@iban\",\"@pemkey\",\"@urlauth\",\"@usssn\",\"@bearer\","
	"\"@userpath\",\"@password\"]}}";

static const struct opt opts[] = {
	{'n', "max", "COUNT", "at most so many records (default 1000)"},
	{0, NULL, NULL, NULL},
};

struct audit {
	struct cli *c;
	struct scrubber *scrubber;
	int64_t *seqs;
	size_t count;
	size_t cap;
	int64_t seq; /* the one that is looked at */
	uint64_t found;
	uint64_t unread;
};

static void on_row(void *arg, const json_t *line)
{
	struct audit *a = arg;

	if (a->count < a->cap)
		a->seqs[a->count++] = show_get_int(line, "seq");
}

static bool seen(void *arg, struct str path, struct str rule, char letter)
{
	struct audit *a = arg;

	(void)letter;
	a->found++;
	if (a->c->is_json) {
		struct buf line = BUF_INIT;

		buf_printf(&line, "{\"seq\":%lld,\"path\":", (long long)a->seq);
		buf_json_str(&line, path);
		buf_cstr(&line, ",\"rule\":");
		buf_json_str(&line, rule);
		buf_cstr(&line, "}\n");
		(void)fwrite(line.p, 1, line.n, a->c->out);
		buf_fini(&line);
		return true;
	}
	(void)fprintf(a->c->out, "%8lld  ", (long long)a->seq);
	show_text(a->c->out, path);
	(void)fputs("  ", a->c->out);
	show_text(a->c->out, rule);
	(void)fputc('\n', a->c->out);
	return true;
}

static void search(struct audit *a, struct str bytes)
{
	struct scrub_tally tally = {.seen = seen, .seen_arg = a};
	struct envelope *e = envelope_new();
	struct quantities invalid = {{0}};
	struct err err = {E_OK, ""};

	if (e == NULL || envelope_parse(e, bytes, NULL, &err) != E_OK ||
		envelope_measure(e, &invalid, &err) != E_OK ||
		scrub_envelope(a->scrubber, e, &tally, &err) != E_OK)
		a->unread++;
	a->unread += tally.items_dropped;
	envelope_free(e);
}

static void on_record(void *arg, const json_t *line)
{
	struct audit *a = arg;
	struct str coded = str_of(show_get_text(line, "envelope"));
	char *bytes = malloc(coded.n / 4 * 3 + 3);
	size_t n = 0;

	if (bytes == NULL || !base64_decode(coded, bytes, &n))
		a->unread++;
	else
		search(a, str_make(bytes, n));
	free(bytes);
}

static int look_into(struct audit *a)
{
	int code = EX_OK;

	for (size_t i = 0; i < a->count && code == EX_OK; i++) {
		json_t *end = NULL;
		struct err err = {E_OK, ""};
		int rc;

		a->seq = a->seqs[i];
		rc = talk_quietly(a->c,
			json_pack("{s:s, s:I}", "cmd", "spool_show", "seq", (json_int_t)a->seq),
			TALK_TIMEOUT_MS, on_record, a, &end, &err);
		json_decref(end);
		if (rc == E_NET || rc == E_TIMEOUT)
			code = talk_fail(a->c, &err); /* any other: it was sent meanwhile */
	}
	return code;
}

static int audit(struct cli *c, uint64_t max)
{
	struct scrub_options o = {.rules = str_of(audit_rules), .attachments = true};
	struct audit a = {.c = c, .cap = (size_t)max};
	struct err err = {E_OK, ""};
	int code = EX_OK;

	a.seqs = calloc(a.cap + 1, sizeof *a.seqs);
	if (a.seqs == NULL || scrubber_new(&a.scrubber, &o, &err) != E_OK)
		code = cli_fail(c, EX_OSERR, "no memory");
	if (code == EX_OK)
		code = talk_control(c,
			json_pack("{s:s, s:I}", "cmd", "spool_ls", "max", (json_int_t)max),
			TALK_TIMEOUT_MS, on_row, &a, NULL);
	if (code == EX_OK)
		code = look_into(&a);
	if (code == EX_OK && !c->is_json)
		(void)fprintf(c->out, "%llu places in %zu records; %llu could not be read\n",
			(unsigned long long)a.found, a.count, (unsigned long long)a.unread);
	scrubber_free(a.scrubber);
	free(a.seqs);
	return code == EX_OK && a.found > 0 ? 1 : code;
}

static int run(struct cli *c)
{
	uint64_t max = DEFAULT_MAX;
	const char *value;
	int i;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i == ARG_OPERAND)
			return cli_usage(c, "unexpected argument \"%s\"", value);
		if (!str_to_u64(str_of(value), MOST, &max) || max == 0)
			return cli_usage(c, "\"%s\" is not a count of 1 to %d", value, MOST);
	}
	return audit(c, max);
}

const struct command command_spool_audit = {
	.name = "spool audit",
	.operands = "",
	.brief = "look for what scrubbing might have missed",
	.more = "Searches every waiting envelope with all patterns that come with the daemon and\n"
		"lists record number, path and pattern, never what stands there. Exits with 1\n"
		"when something was found.",
	.opts = opts,
	.prints_data = true,
	.run = run,
};
