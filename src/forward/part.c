#include "forward/part.h"

#include "envelope/envelope.h"
#include "envelope/ratelimit.h"

/* What has to stay together when an envelope is split (11.4): the event or
 * replay with all that is bound to it, and spans with their attachments. */
enum { GROUP_EVENT, GROUP_TRACE, GROUP_FIRST_FREE };

static size_t item_group(const struct item *it, size_t index)
{
	if (it->is_trace_bound || it->is_span_bound || it->type == ITEM_SPAN)
		return GROUP_TRACE;
	if (item_needs_event(it) || it->creates_event || it->type == ITEM_PROFILE ||
		it->type == ITEM_REPLAY_RECORDING || it->type == ITEM_REPLAY_VIDEO)
		return GROUP_EVENT;
	return GROUP_FIRST_FREE + index;
}

/* Never 0. */
static size_t item_size(const struct item *it)
{
	return it->payload.n + it->header_text.n + 1;
}

struct cut {
	size_t last; /* greatest group of the first part */
	bool wants_first;
	size_t index; /* of the item that is asked about: they come in order */
};

static bool cut_is_gone(void *arg, const struct item *it)
{
	struct cut *c = arg;

	return (item_group(it, c->index++) <= c->last) != c->wants_first;
}

static size_t group_size(const struct envelope *e, size_t group)
{
	size_t n = 0;

	/* A free group is one item: no need to look at all of them. */
	if (group >= GROUP_FIRST_FREE) {
		const struct item *it = &e->items[group - GROUP_FIRST_FREE];

		return item_group(it, group - GROUP_FIRST_FREE) == group ? item_size(it) : 0;
	}
	for (size_t i = 0; i < e->item_count; i++) {
		if (item_group(&e->items[i], i) == group)
			n += item_size(&e->items[i]);
	}
	return n;
}

/* The group that about half of the bytes end with; false when there is only
 * one group. */
static bool cut_find(const struct envelope *e, size_t *last)
{
	size_t total = 0, sum = 0, end = GROUP_FIRST_FREE + e->item_count;

	for (size_t i = 0; i < e->item_count; i++)
		total += item_size(&e->items[i]);
	for (size_t g = 0; g < end; g++) {
		size_t n = group_size(e, g);

		if (n == 0)
			continue;
		if (sum > 0 && (sum + n) * 2 > total)
			return true;
		sum += n;
		*last = g;
	}
	return false;
}

static void part_cut(struct envelope *e, enum build_part part, struct built *b, bool *is_edited)
{
	struct cut c = {.wants_first = part == PART_FIRST};

	if (!cut_find(e, &c.last)) {
		b->result = BUILD_WHOLE;
		return;
	}
	(void)envelope_remove_if(e, cut_is_gone, &c, NULL);
	b->facts->part = e->held;
	*is_edited = true;
}

static bool only_reports(const struct envelope *e)
{
	for (size_t i = 0; i < e->item_count; i++) {
		if (e->items[i].type != ITEM_CLIENT_REPORT)
			return false;
	}
	return true;
}

static void part_limit(
	struct envelope *e, uint64_t limits, bool hold, struct built *b, bool *is_edited)
{
	size_t removed = envelope_remove_limited(e, limits, &b->facts->dropped);

	if (removed > 0 && hold) {
		memset(&b->facts->dropped, 0, sizeof b->facts->dropped);
		b->result = BUILD_HELD;
		return;
	}
	if (removed > 0)
		*is_edited = true;
	/* While everything is stopped client reports wait (P-089); beside items
	 * that are dropped they go with them, since a record ends only once. */
	if (limits == RATELIMIT_ALL && only_reports(e))
		b->result = removed > 0 ? BUILD_LIMITED : BUILD_HELD;
	else if (e->item_count == 0)
		b->result = BUILD_LIMITED;
}

static int parse_items(
	struct envelope *e, const struct record *r, struct build_scratch *s, struct err *err)
{
	/* It was within the limits when it was taken in. */
	static const struct envelope_limits any = {
		.max_items = SIZE_MAX, .max_header_bytes = SIZE_MAX, .max_header_depth = 1000};
	struct quantities invalid = {{0}};
	int rc;

	buf_clear(&s->head);
	buf_str(&s->head, r->header);
	buf_char(&s->head, '\n');
	buf_str(&s->head, buf_view(&s->plain));
	if (!buf_ok(&s->head))
		return err_set(err, E_NOMEM, "no memory to edit an envelope");
	rc = envelope_parse(e, buf_view(&s->head), &any, err);
	return rc == E_OK ? envelope_measure(e, &invalid, err) : rc;
}

int part_take(const struct record *r, enum build_part part, uint64_t limits, bool hold,
	struct build_scratch *s, struct built *b, bool *is_edited, struct err *err)
{
	struct envelope *e = envelope_new();
	int rc;

	if (e == NULL)
		return err_set(err, E_NOMEM, "no memory to edit an envelope");
	rc = parse_items(e, r, s, err);
	if (rc != E_OK)
		goto out;
	if (part != PART_ALL)
		part_cut(e, part, b, is_edited);
	if (b->result == BUILD_READY && limits != 0)
		part_limit(e, limits, hold, b, is_edited);
	if (b->result == BUILD_READY && *is_edited) {
		buf_clear(&s->plain);
		envelope_write_items(e, &s->plain);
		if (!buf_ok(&s->plain))
			rc = err_set(err, E_NOMEM, "no memory to edit an envelope");
	}
out:
	envelope_free(e);
	return rc;
}
