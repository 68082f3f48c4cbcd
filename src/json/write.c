/* Writing. Containers that were edited inside are put together again from
 * their children; everything else is copied as one range, and clean children
 * that stand next to each other as one range too.
 *
 * No stack: the way back up is in the parent links.
 */
#include "base/check.h"
#include "json/doc.h"
#include "json/scan.h"

struct writer {
	struct json_doc *d;
	struct buf *out;
	bool compact;
};

/* Tokens only. The text is a clean range, so every quote opens a string. */
static void put_tokens(struct buf *out, const byte *p, const byte *end)
{
	const byte *plain = p, *bad;
	bool escaped;

	while (p < end) {
		if (*p == '"') {
			p = scan_string(p + 1, end, &escaped, &bad);
			check(p != NULL); /* indexing has found its end */
		} else if (is_blank(*p)) {
			buf_add(out, plain, (size_t)(p - plain));
			p = skip_blanks(p, end);
			plain = p;
		} else {
			p++;
		}
	}
	buf_add(out, plain, (size_t)(end - plain));
}

static void put_text(struct writer *w, const char *p, size_t n)
{
	if (w->compact)
		put_tokens(w->out, (const byte *)p, (const byte *)p + n);
	else
		buf_add(w->out, p, n);
}

static void put_range(struct writer *w, uint32_t from, uint32_t to)
{
	put_text(w, doc_text(w->d, from), to - from);
}

/* The blanks before an offset; a bracket or a comma stands before them. */
static void put_blanks_before(struct writer *w, uint32_t offset)
{
	const char *p = doc_text(w->d, offset), *end = p;

	if (w->compact)
		return;
	while (is_blank((byte)p[-1]))
		p--;
	buf_add(w->out, p, (size_t)(end - p));
}

/* The blanks from an offset on, when they lead to a comma. Before a closing
 * bracket they are the bracket's: put_close() writes them. */
static void put_blanks_from(struct writer *w, uint32_t offset)
{
	const char *p = doc_text(w->d, offset), *end = p;

	if (w->compact)
		return;
	while (is_blank((byte)*end))
		end++;
	if (*end == ',')
		buf_add(w->out, p, (size_t)(end - p));
}

/* Where in its parent's text a child that is not new starts. */
static uint32_t place_of(const struct json_doc *d, const struct node *e)
{
	if (e->key != 0)
		return (e->flags & NODE_RENAMED) != 0 ? doc_segment(d, e->key)->from : e->key;
	return (e->flags & NODE_REPLACED) != 0 ? doc_segment(d, e->start)->from : e->start;
}

static uint32_t place_end_of(const struct json_doc *d, const struct node *e)
{
	return (e->flags & NODE_REPLACED) != 0 ? doc_segment(d, e->start)->to : node_end(d, e);
}

static void put_key(struct writer *w, const struct node *e)
{
	struct str raw = node_key_raw(w->d, e);
	uint32_t after = e->key + (uint32_t)raw.n + 2;
	const char *p, *end;

	if (raw.p == NULL)
		return; /* an element */
	buf_add(w->out, raw.p - 1, raw.n + 2);
	if ((e->flags & NODE_NEW) != 0) {
		buf_char(w->out, ':');
		return;
	}
	if ((e->flags & NODE_RENAMED) != 0)
		after = doc_segment(w->d, e->key)->to;
	p = end = doc_text(w->d, after);
	while (is_blank((byte)*end) || *end == ':')
		end++;
	put_text(w, p, (size_t)(end - p));
}

/* n and the clean siblings right behind it. Returns the last of them. */
static json_node put_clean(struct writer *w, json_node n)
{
	const struct node *e = node_at(w->d, n), *next;
	uint32_t from = place_of(w->d, e);

	while (e->next != JSON_NONE && (e->flags & NODE_GAP) == 0) {
		next = node_at(w->d, e->next);
		if ((next->flags & (NODE_EDITED | NODE_DELETED)) != 0)
			break;
		n = e->next;
		e = next;
	}
	put_range(w, from, node_end(w->d, e));
	return n;
}

static bool is_open(const struct node *e)
{
	return node_is_container(e) && (e->flags & NODE_INSIDE) != 0;
}

static void put_open(struct writer *w, const struct node *e)
{
	buf_char(w->out, node_type(e) == JSON_TYPE_OBJECT ? '{' : '[');
}

static void put_close(struct writer *w, const struct node *e)
{
	put_blanks_before(w, node_end(w->d, e) - 1);
	buf_char(w->out, node_type(e) == JSON_TYPE_OBJECT ? '}' : ']');
}

/* After child n of a container: its blanks and comma, if another one follows.
 * Returns that one. */
static json_node put_separator(struct writer *w, json_node n)
{
	const struct node *e = node_at(w->d, n);
	json_node next = json_next(w->d, n);

	if (next == JSON_NONE)
		return JSON_NONE;
	if ((e->flags & NODE_NEW) == 0)
		put_blanks_from(w, place_end_of(w->d, e));
	buf_char(w->out, ',');
	return next;
}

/* A container that was edited inside. */
static void put_container(struct writer *w, json_node top)
{
	struct json_doc *d = w->d;
	json_node in = top, n = json_first(d, top);

	put_open(w, node_at(d, top));
	for (;;) {
		const struct node *e;

		if (n == JSON_NONE) {
			put_close(w, node_at(d, in));
			if (in == top)
				return;
			n = in;
			in = node_at(d, in)->parent;
			n = put_separator(w, n);
			continue;
		}
		e = node_at(d, n);
		if ((e->flags & NODE_NEW) == 0)
			put_blanks_before(w, place_of(d, e));
		if ((e->flags & NODE_EDITED) == 0) {
			n = put_separator(w, put_clean(w, n));
			continue;
		}
		put_key(w, e);
		if (is_open(e)) {
			put_open(w, e);
			in = n;
			n = json_first(d, n);
			continue;
		}
		put_range(w, e->start, node_end(d, e));
		n = put_separator(w, n);
	}
}

static void put_value(struct writer *w, json_node n)
{
	const struct node *e = node_live(w->d, n);

	if (e == NULL)
		return;
	if (is_open(e))
		put_container(w, n);
	else
		put_range(w, e->start, node_end(w->d, e));
}

void json_write(struct json_doc *d, json_node n, struct buf *out)
{
	put_value(&(struct writer){d, out, false}, n);
}

void json_write_compact(struct json_doc *d, json_node n, struct buf *out)
{
	put_value(&(struct writer){d, out, true}, n);
}
