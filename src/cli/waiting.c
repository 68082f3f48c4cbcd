#include "cli/waiting.h"

#include <stdlib.h>

#include "base/encoding.h"
#include "cli/show.h"
#include "cli/talk.h"

struct listing {
	int64_t *seqs;
	size_t n, cap;
};

static void on_row(void *arg, const json_t *line)
{
	struct listing *l = arg;

	if (l->n < l->cap)
		l->seqs[l->n++] = show_get_int(line, "seq");
}

struct reading {
	waiting_fn *each;
	void *arg;
	int64_t seq;
};

static void on_record(void *arg, const json_t *line)
{
	struct reading *r = arg;
	struct str coded = str_of(show_get_text(line, "envelope"));
	char *bytes = malloc(coded.n / 4 * 3 + 3);
	size_t n = 0;

	if (bytes != NULL && base64_decode(coded, bytes, &n))
		r->each(r->arg, r->seq, str_make(bytes, n));
	else
		r->each(r->arg, r->seq, STR_EMPTY);
	free(bytes);
}

static int read_one(struct cli *c, struct reading *r)
{
	json_t *end = NULL;
	struct err err = {E_OK, ""};
	int rc = talk_quietly(c,
		json_pack("{s:s, s:I}", "cmd", "spool_show", "seq", (json_int_t)r->seq),
		TALK_TIMEOUT_MS, on_record, r, &end, &err);

	json_decref(end);
	/* Any other: it was sent meanwhile. */
	return rc == E_NET || rc == E_TIMEOUT ? talk_fail(c, &err) : EX_OK;
}

int waiting_each(struct cli *c, uint64_t max, waiting_fn *each, void *arg, size_t *count)
{
	struct listing l = {.cap = (size_t)max};
	int code;

	*count = 0;
	l.seqs = calloc(l.cap + 1, sizeof *l.seqs);
	if (l.seqs == NULL)
		return cli_fail(c, EX_OSERR, "no memory");
	code = talk_control(c, json_pack("{s:s, s:I}", "cmd", "spool_ls", "max", (json_int_t)max),
		TALK_TIMEOUT_MS, on_row, &l, NULL);
	for (size_t i = 0; i < l.n && code == EX_OK; i++) {
		struct reading r = {each, arg, l.seqs[i]};

		code = read_one(c, &r);
	}
	*count = l.n;
	free(l.seqs);
	return code;
}

int waiting_read_max(struct cli *c, const char *value, uint64_t *max)
{
	if (str_to_u64(str_of(value), WAITING_MOST, max) && *max > 0)
		return EX_OK;
	return cli_usage(c, "\"%s\" is not a count of 1 to %d", value, WAITING_MOST);
}
