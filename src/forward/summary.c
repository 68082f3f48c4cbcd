#include <stdio.h>

#include "envelope/codec.h"
#include "envelope/envelope.h"
#include "forward/local.h"

/* One envelope in a line: what is in it, and what it is called. */

#define DECODED_MAX (64u * 1024u * 1024u)

/* Cuts what does not fit, at a character; what cannot be printed becomes a
 * blank: the texts end up on a terminal. */
static void text_add(char *out, size_t size, struct str s)
{
	size_t n = strlen(out), room = size - 1 - n;
	bool is_text = str_is_utf8(s);

	if (s.n > room) {
		while (room > 0 && is_text && ((unsigned char)s.p[room] & 0xc0) == 0x80)
			room--;
		s.n = room;
	}
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c == 0x7f || (c >= 0x80 && !is_text))
			c = ' ';
		out[n++] = (char)c;
	}
	out[n] = '\0';
}

static void add_types(const struct envelope *e, struct local_envelope *ret)
{
	char more[32];

	for (size_t i = 0; i < e->item_count; i++) {
		struct str name = e->items[i].type_name;
		size_t same = 0;
		bool seen = false;

		for (size_t j = 0; j < e->item_count && !seen; j++) {
			if (!str_eq(e->items[j].type_name, name))
				continue;
			seen = j < i;
			same++;
		}
		if (seen)
			continue;
		if (ret->types[0] != '\0')
			text_add(ret->types, sizeof ret->types, STR(", "));
		text_add(ret->types, sizeof ret->types, name);
		if (same > 1) {
			(void)snprintf(more, sizeof more, " x%zu", same);
			text_add(ret->types, sizeof ret->types, str_of(more));
		}
	}
}

static struct str text_at(struct json_doc *d, const char *path)
{
	return json_text(d, json_find(d, json_root(d), path));
}

static void add_exception(struct json_doc *d, struct local_envelope *ret)
{
	struct str type = text_at(d, "exception.values[-1].type");
	struct str value = text_at(d, "exception.values[-1].value");

	text_add(ret->title, sizeof ret->title, type);
	if (type.n > 0 && value.n > 0)
		text_add(ret->title, sizeof ret->title, STR(": "));
	text_add(ret->title, sizeof ret->title, value);
}

/* Where the name of an event, transaction or check-in is found. */
static void add_title(struct envelope *e, const struct item *it, struct local_envelope *ret)
{
	static const char *const paths[] = {"logentry.formatted", "logentry.message", "message",
		"message.formatted", "transaction", "monitor_slug", "contexts.feedback.message"};
	struct json_doc *d;

	if (json_parse(&d, e->arena, it->payload, NULL, NULL) != E_OK)
		return;
	add_exception(d, ret);
	for (size_t i = 0; i < sizeof paths / sizeof paths[0] && ret->title[0] == '\0'; i++)
		text_add(ret->title, sizeof ret->title, text_at(d, paths[i]));
	if (it->type == ITEM_CHECK_IN && ret->title[0] != '\0') {
		text_add(ret->title, sizeof ret->title, STR(" "));
		text_add(ret->title, sizeof ret->title, text_at(d, "status"));
	}
}

static void add_facts(struct envelope *e, struct local_envelope *ret)
{
	if (e->has_event_id)
		event_id_hex(&e->event_id, ret->event_id);
	add_types(e, ret);
	for (size_t i = 0; i < e->item_count && ret->title[0] == '\0'; i++) {
		enum item_type t = e->items[i].type;

		if (t == ITEM_EVENT || t == ITEM_TRANSACTION || t == ITEM_CHECK_IN ||
			t == ITEM_FEEDBACK)
			add_title(e, &e->items[i], ret);
	}
}

void local_summarize(struct str body, struct str content_encoding, struct local_envelope *ret)
{
	static const struct envelope_limits any = {
		.max_items = 100000, .max_header_bytes = 1 << 20, .max_header_depth = 1000};
	struct buf plain = BUF_INIT;
	struct envelope *e = envelope_new();
	enum encoding encoding = ENCODING_IDENTITY;

	memset(ret, 0, sizeof *ret);
	if (e == NULL)
		return;
	if ((content_encoding.n == 0 || encoding_parse(content_encoding, &encoding) == E_OK) &&
		decode_all(encoding, body, DECODED_MAX, &plain, NULL) == E_OK &&
		envelope_parse(e, buf_view(&plain), &any, NULL) == E_OK)
		add_facts(e, ret);
	else
		text_add(ret->types, sizeof ret->types, STR("unreadable"));
	ret->bytes = plain.n;
	envelope_free(e);
	buf_fini(&plain);
}

void local_summarize_request(struct str path, size_t bytes, struct local_envelope *ret)
{
	memset(ret, 0, sizeof *ret);
	text_add(ret->types, sizeof ret->types, str_first(path, str_find_char(path, '?')));
	ret->bytes = bytes;
}
