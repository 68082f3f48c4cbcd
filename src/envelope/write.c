/* Writing the normative form (6.4).
 *
 * A header that nobody edited is copied; only its length is put right. One that
 * came with blanks is copied without them. Edited ones are written by their
 * document.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "envelope/envelope.h"

#define LENGTH_MEMBER_BYTES 40 /* ,"length":18446744073709551615 and two LF */

static bool is_edited(const struct item *it)
{
	return it->header != NULL && json_is_dirty(it->header, json_root(it->header));
}

/* text without blanks outside strings. */
static void put_compact(struct buf *out, struct str text)
{
	size_t from = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
			buf_add(out, text.p + from, i - from);
			from = i + 1;
		}
	}
	buf_str(out, str_from(text, from));
}

static void put_part(struct buf *out, const struct item *it, struct str part)
{
	if (it->is_compact)
		buf_str(out, part);
	else
		put_compact(out, part);
}

static void put_received(struct buf *out, const struct item *it)
{
	struct str text = it->header_text;
	char length[LENGTH_MEMBER_BYTES];
	size_t last = text.n - 1; /* the closing bracket */

	(void)snprintf(length, sizeof length, "%zu", it->payload.n);
	if (it->length_n > 0) {
		put_part(out, it, str_first(text, it->length_at));
		buf_cstr(out, length);
		put_part(out, it, str_from(text, it->length_at + it->length_n));
		return;
	}
	/* Every item has a type, so there is a member to put a comma after. */
	put_part(out, it, str_first(text, last));
	buf_printf(out, ",\"length\":%s}", length);
}

static void put_edited(struct buf *out, struct envelope *e, struct item *it)
{
	json_node root = json_root(it->header);
	struct str length = json_raw(it->header, json_get(it->header, root, STR("length")));
	uint64_t n;

	if (!str_to_u64(length, UINT64_MAX, &n) || n != it->payload.n) {
		length = arena_printf(e->arena, "%zu", it->payload.n);
		if (length.p == NULL ||
			json_set_raw(it->header, root, STR("length"), length) != E_OK) {
			out->failed = true;
			return;
		}
	}
	json_write_compact(it->header, root, out);
}

void envelope_write_items(struct envelope *e, struct buf *out)
{
	for (size_t i = 0; i < e->item_count; i++) {
		struct item *it = &e->items[i];

		if (is_edited(it))
			put_edited(out, e, it);
		else
			put_received(out, it);
		buf_char(out, '\n');
		buf_str(out, it->payload);
		buf_char(out, '\n');
	}
}

/* Edited headers are measured by writing them: they are few and short. */
static size_t edited_bytes(const struct item *it)
{
	struct buf b = BUF_INIT;
	size_t n;

	json_write_compact(it->header, json_root(it->header), &b);
	n = b.n;
	buf_fini(&b);
	return n;
}

size_t envelope_items_bytes(const struct envelope *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->item_count; i++) {
		const struct item *it = &e->items[i];

		n += is_edited(it) ? edited_bytes(it) : it->header_text.n;
		n += it->payload.n + LENGTH_MEMBER_BYTES;
	}
	return n;
}

/* Of an item whose parts still lie in the body as they came. */
static bool item_is_as_received(const struct envelope *e, const struct item *it)
{
	return it->is_compact && it->length_n > 0 && !is_edited(it) &&
	       it->payload.p == it->header_text.p + it->header_text.n + 1 &&
	       it->payload.p + it->payload.n <= e->body.p + e->body.n;
}

bool envelope_is_as_received(const struct envelope *e)
{
	const char *at = e->header_text.p + e->header_text.n + 1;

	if (e->header_text.p != e->body.p || !e->header_is_compact ||
		json_is_dirty(e->header, json_root(e->header)))
		return false;
	for (size_t i = 0; i < e->item_count; i++) {
		const struct item *it = &e->items[i];

		if (it->header_text.p != at || !item_is_as_received(e, it))
			return false;
		at = it->payload.p + it->payload.n + 1;
	}
	return at == e->body.p + e->body.n;
}

void envelope_write_header(struct envelope *e, struct buf *out)
{
	if (e->header == NULL)
		buf_cstr(out, "{}");
	else
		json_write_compact(e->header, json_root(e->header), out);
}

void envelope_write_sent_at(struct str header, int64_t sent_at_us, struct buf *out)
{
	char text[RFC3339_BYTES];
	struct str rest = header.n > 0 ? str_from(header, 1) : STR("}");

	rfc3339_format(sent_at_us, text);
	buf_printf(out, "{\"sent_at\":\"%s\"", text);
	if (rest.n > 0 && rest.p[0] != '}')
		buf_char(out, ',');
	buf_str(out, rest);
}
