#include "envelope/stream.h"

#include "base/siphash.h"
#include "envelope/merge_report.h"
#include "envelope/share.h"

static const struct {
	const char *name;
	enum item_type type; /* of its items, or of most */
	size_t max_entries;  /* of containers */
} kinds[STREAM_KIND_COUNT] = {
	[STREAM_NONE] = {"none", ITEM_UNKNOWN, 0},
	[STREAM_LOG] = {"log", ITEM_LOG, 100},
	[STREAM_TRACE_METRIC] = {"trace_metric", ITEM_TRACE_METRIC, 1000},
	[STREAM_SPAN] = {"span", ITEM_SPAN, 1000},
	[STREAM_SESSION] = {"session", ITEM_SESSION, 0},
	[STREAM_CLIENT_REPORT] = {"client_report", ITEM_CLIENT_REPORT, 0},
	[STREAM_STATSD] = {"statsd", ITEM_STATSD, 0},
	[STREAM_METRIC_BUCKETS] = {"metric_buckets", ITEM_METRIC_BUCKETS, 0},
};

const char *stream_kind_name(enum stream_kind k)
{
	return (unsigned)k < STREAM_KIND_COUNT ? kinds[k].name : "unknown";
}

size_t share_max_entries(enum stream_kind k)
{
	return kinds[k].max_entries;
}

enum item_type share_item_type(enum stream_kind k)
{
	return kinds[k].type;
}

uint64_t stream_gates(enum stream_kind k)
{
	struct item it = {.type = kinds[k].type};

	return item_gates(&it);
}

struct shared {
	struct buf text;
	bool infers; /* User-Agent and Origin count */
};

static int share_payload(struct envelope *e, enum stream_kind k, struct item *it, struct shared *s)
{
	struct json_doc *d;
	struct container c;
	int rc;

	/* What is full gains nothing. */
	if (it->entries >= kinds[k].max_entries || it->payload.n >= SHARE_MAX_BYTES)
		return E_SYNTAX;
	d = item_payload(e, it);
	rc = d != NULL ? share_container(e, k, d, &c, &s->text) : E_SYNTAX;
	if (rc == E_OK)
		s->infers = c.infers;
	return rc;
}

static bool is_array(struct envelope *e, struct item *it)
{
	struct json_doc *d = item_payload(e, it);

	return d != NULL && json_type_of(d, json_root(d)) == JSON_TYPE_ARRAY;
}

static void share_hour(struct envelope *e, struct shared *s)
{
	int64_t hour = merge_report_hour(item_payload(e, &e->items[0]));

	buf_add(&s->text, &hour, sizeof hour);
}

static void share_sender(const struct sender *from, struct shared *s)
{
	const struct str texts[] = {from->client, from->protocol, from->secret, from->forwarded_for,
		s->infers ? from->user_agent : STR_EMPTY, s->infers ? from->origin : STR_EMPTY};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		buf_add(&s->text, &texts[i].n, sizeof texts[i].n);
		buf_str(&s->text, texts[i]);
	}
}

static int share_all(struct envelope *e, enum stream_kind k, struct item *main, struct shared *s)
{
	int rc = share_header(e, k, &s->text);

	if (rc == E_OK && main != NULL)
		rc = share_item_header(e, main, &s->text);
	if (rc == E_OK && main != NULL && kinds[k].max_entries > 0)
		rc = share_payload(e, k, main, s);
	if (rc == E_OK && k == STREAM_METRIC_BUCKETS && !is_array(e, main))
		rc = E_SYNTAX;
	if (rc == E_OK && k == STREAM_CLIENT_REPORT)
		share_hour(e, s);
	share_sender(&e->from, s);
	return rc == E_OK && !buf_ok(&s->text) ? E_NOMEM : rc;
}

int stream_key_of(struct envelope *e, struct stream_key *ret, struct err *err)
{
	/* Digits of pi: the same in every process, since keys are stored. */
	static const struct siphash_key lanes[2] = {
		{UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)},
		{UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89)}};
	struct shared s = {BUF_INIT, true};
	struct item *main = NULL;
	enum stream_kind k;
	int rc = E_SYNTAX;

	*ret = (struct stream_key){STREAM_NONE, {0, 0}};
	k = carried_is(&e->carried) ? STREAM_NONE : share_kind(e, &main);
	if (k != STREAM_NONE)
		rc = share_all(e, k, main, &s);
	if (rc == E_OK) {
		ret->kind = k;
		ret->hash[0] = siphash(&lanes[0], buf_view(&s.text));
		ret->hash[1] = siphash(&lanes[1], buf_view(&s.text));
	}
	buf_fini(&s.text);
	return rc == E_NOMEM ? err_set(err, rc, "no memory for a stream key") : E_OK;
}
