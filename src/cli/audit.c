/* picket spool audit: does anything wait that looks like a secret?
 *
 * Each record is searched with every pattern there is. What is found is told by its
 * place only. Nothing is changed.
 */
#include "cli/show.h"
#include "cli/waiting.h"
#include "scrub/scrub.h"

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
	int64_t seq; /* the one that is looked at */
	uint64_t found;
	uint64_t unread;
};

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

static void search(void *arg, int64_t seq, struct str bytes)
{
	struct audit *a = arg;
	struct scrub_tally tally = {.seen = seen, .seen_arg = a};
	struct envelope *e = envelope_new();
	struct quantities invalid = {{0}};
	struct err err = {E_OK, ""};

	a->seq = seq;
	if (e == NULL || bytes.p == NULL || envelope_parse(e, bytes, NULL, &err) != E_OK ||
		envelope_measure(e, &invalid, &err) != E_OK ||
		scrub_envelope(a->scrubber, e, &tally, &err) != E_OK)
		a->unread++;
	a->unread += tally.items_dropped;
	envelope_free(e);
}

static int audit(struct cli *c, uint64_t max)
{
	struct scrub_options o = {.rules = str_of(audit_rules), .attachments = true};
	struct audit a = {.c = c};
	struct err err = {E_OK, ""};
	size_t count = 0;
	int code;

	if (scrubber_new(&a.scrubber, &o, &err) != E_OK)
		return cli_fail(c, EX_OSERR, "no memory");
	code = waiting_each(c, max, search, &a, &count);
	if (code == EX_OK && !c->is_json)
		(void)fprintf(c->out, "%llu places in %zu records; %llu could not be read\n",
			(unsigned long long)a.found, count, (unsigned long long)a.unread);
	scrubber_free(a.scrubber);
	return code == EX_OK && a.found > 0 ? 1 : code;
}

static int run(struct cli *c)
{
	uint64_t max = WAITING_DEFAULT_MAX;
	const char *value;
	int i, code;

	while ((i = cli_next(c, &value)) != ARG_END) {
		if (i == ARG_STOP)
			return c->exit_code;
		if (i == ARG_OPERAND)
			return cli_usage(c, "unexpected argument \"%s\"", value);
		code = waiting_read_max(c, value, &max);
		if (code != EX_OK)
			return code;
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
