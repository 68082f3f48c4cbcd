/* Envelopes: whatever parses is identified, measured and written, and what was
 * written parses to the same items, is copied by a second round, and counts the
 * same. */
#include <stdlib.h>

#include "base/check.h"
#include "envelope/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buf written(struct envelope *e)
{
	struct buf out = BUF_INIT;
	size_t head;

	envelope_write_header(e, &out);
	buf_char(&out, '\n');
	check(str_find_char(buf_view(&out), '\n') == out.n - 1);
	head = out.n;
	envelope_write_items(e, &out);
	check(buf_ok(&out));
	check(out.n - head <= envelope_items_bytes(e));
	return out;
}

static void check_same(const struct envelope *a, const struct envelope *b)
{
	check(a->item_count == b->item_count);
	check(a->has_event_id == b->has_event_id);
	check(!a->has_event_id || event_id_eq(&a->event_id, &b->event_id));
	check(a->has_sent_at == b->has_sent_at && a->sent_at_us == b->sent_at_us);
	check(str_eq(a->dsn, b->dsn) && str_eq(a->trace_key, b->trace_key));
	for (size_t i = 0; i < a->item_count; i++) {
		check(a->items[i].type == b->items[i].type);
		check(str_eq(a->items[i].type_name, b->items[i].type_name));
		check(str_eq(a->items[i].payload, b->items[i].payload));
		check(b->items[i].is_compact);
	}
}

static void check_sum(const struct envelope *e)
{
	struct quantities sum = {{0}};

	for (size_t i = 0; i < e->item_count; i++)
		item_quantities(&e->items[i], &sum);
	check(memcmp(&sum, &e->held, sizeof sum) == 0);
}

static void round_trip(struct envelope *e)
{
	struct quantities invalid;
	struct envelope *again = envelope_new();
	struct buf once, twice;

	check(envelope_identify(e, NULL) == E_OK);
	check(envelope_measure(e, &invalid, NULL) == E_OK);
	check_sum(e);
	once = written(e);
	check(again != NULL);
	check(envelope_parse(again, buf_view(&once), NULL, NULL) == E_OK);
	check_same(e, again);
	twice = written(again);
	check(str_eq(buf_view(&once), buf_view(&twice)));
	check(envelope_measure(again, &invalid, NULL) == E_OK);
	check(quantities_empty(&invalid));
	check_sum(again);
	check(again->item_count == e->item_count);
	check(memcmp(&again->held, &e->held, sizeof e->held) == 0);
	(void)envelope_remove_limited(again, UINT64_C(1) << CAT_ERROR, &invalid);
	check_sum(again);
	envelope_free(again);
	buf_fini(&twice);
	buf_fini(&once);
}

/* Headers of the usual shape are read a shorter way. One with a blank in it goes
 * the long one, and must come to the same end. */
static void check_long_way(const struct envelope *e, struct str body, int rc)
{
	struct envelope *other = envelope_new();
	struct buf text = BUF_INIT;

	buf_str(&text, str_first(body, 1));
	buf_char(&text, ' ');
	buf_str(&text, str_from(body, 1));
	check(other != NULL && buf_ok(&text));
	check(envelope_parse(other, buf_view(&text), NULL, NULL) == rc);
	if (rc == E_OK) {
		check(other->item_count == e->item_count);
		check(other->header_text.n == e->header_text.n + 1);
		check(other->has_event_id == e->has_event_id);
		check(other->sent_at_us == e->sent_at_us);
		check(str_eq(other->dsn, e->dsn));
	}
	envelope_free(other);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = str_make((const char *)data, size);
	struct envelope *e = envelope_new();
	struct err err = {0};
	struct str dsn;
	int rc;

	check(e != NULL);
	(void)envelope_peek_dsn(body, e->arena, &dsn, NULL);
	rc = envelope_parse(e, body, NULL, &err);
	check(rc == E_OK || rc == E_SYNTAX || rc == E_TOOBIG);
	if (size > 0 && data[0] == '{' && size < 60000) /* else the blank may be too much */
		check_long_way(e, body, rc);
	if (rc == E_OK)
		round_trip(e);
	else
		check(err.text[0] != '\0');
	envelope_free(e);
	return 0;
}
