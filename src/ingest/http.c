/* Reading HTTP.
 *
 *   on_begin          forget the request before
 *   on_url, on_name,
 *   on_value          collect what is wanted, count all of it
 *   on_head           make the views; stop
 *   on_body           pass the bytes on
 *   on_complete       stop
 *
 * The text buffer moves while it grows, so places are kept as offsets until
 * the head is complete. Trailers come through the same callbacks as headers;
 * they are counted against the same bound and dropped.
 */
#include "ingest/http.h"

#include <string.h>

/* Room for a head that a connection keeps between requests: most fit. */
#define KEEP_TEXT 4096

static const struct {
	struct str name;
	bool joined;
} fields[] = {
#define HTTP_FIELD_ROW(id, name, joined) [FIELD_##id] = {{name, sizeof(name) - 1}, joined},
	HTTP_FIELDS(HTTP_FIELD_ROW)
#undef HTTP_FIELD_ROW
};

static struct http *http_of(llhttp_t *p)
{
	return p->data;
}

static int fault(struct http *h, enum http_fault f, const char *text)
{
	h->fault = f;
	h->fault_text = text;
	return HPE_USER;
}

static int count(struct http *h, size_t n)
{
	if (n > h->max_head_bytes - h->head_bytes)
		return fault(h, HTTP_FAULT_HEAD_SIZE,
			"request headers are larger than limits.http_headers");
	h->head_bytes += n;
	return 0;
}

void http_trim(struct http *h)
{
	if (h->text.cap > KEEP_TEXT)
		buf_fini(&h->text);
	if (h->rest_text.cap > 0)
		buf_fini(&h->rest_text);
	h->rest = STR_EMPTY;
}

static int on_begin(llhttp_t *p)
{
	struct http *h = http_of(p);

	http_trim(h);
	buf_clear(&h->text);
	memset(h->spans, 0, sizeof h->spans);
	h->head_bytes = 0;
	h->field_count = 0;
	h->target_n = 0;
	h->name_n = 0;
	h->field = FIELD_COUNT;
	h->in_value = false;
	h->head_done = false;
	h->begun = true;
	h->keeps_rest = false;
	return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
	struct http *h = http_of(p);

	buf_add(&h->text, at, n);
	h->target_n += n;
	return count(h, n);
}

static int on_url_complete(llhttp_t *p)
{
	struct http *h = http_of(p);

	h->keeps_rest = h->wants_rest != NULL && buf_ok(&h->text) &&
			h->wants_rest(str_make(h->text.p, h->target_n));
	return 0;
}

/* --- headers that are none of ours ------------------------------------------- */

static bool keeps_line(const struct http *h)
{
	return h->keeps_rest && !h->head_done;
}

static void rest_name(struct http *h, const char *at, size_t n)
{
	if (h->name_n == 0)
		h->line_at = h->rest_text.n;
	buf_add(&h->rest_text, at, n);
}

/* The name is complete: one of ours is not repeated here. */
static void rest_value_begin(struct http *h)
{
	if (h->field != FIELD_COUNT)
		h->rest_text.n = h->line_at;
	else
		buf_str(&h->rest_text, STR(": "));
	h->rest_value_at = h->rest_text.n;
}

/* A byte that could end the line, or be taken for its end, is a blank. */
static void rest_value(struct http *h, const char *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)at[i];

		if (c < 0x20 || c == 0x7f)
			buf_char(&h->rest_text, ' ');
		else
			buf_char(&h->rest_text, at[i]);
	}
}

static void rest_value_end(struct http *h)
{
	struct buf *b = &h->rest_text;

	while (b->n > h->rest_value_at && b->p[b->n - 1] == ' ')
		b->n--;
	buf_char(b, '\n');
}

/* --- headers ------------------------------------------------------------------ */

/* Joins what is at value_at to the value before, which moves behind whatever
 * came in between: text never holds anything twice, however often it is joined. */
static void value_join(struct http *h, int f, size_t n)
{
	size_t at = h->spans[f].at, first_n = h->spans[f].n, joined_n = first_n + 2 + n;
	size_t between_n = h->value_at - (at + first_n);
	char *to = buf_reserve(&h->text, joined_n);
	char *p = h->text.p;

	if (to == NULL)
		return;
	memcpy(to, p + at, first_n);
	to[first_n] = ',';
	to[first_n + 1] = ' ';
	memcpy(to + first_n + 2, p + h->value_at, n);
	memmove(p + at, p + at + first_n, between_n);
	memmove(p + at + between_n, to, joined_n);
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (h->spans[i].times > 0 && h->spans[i].at > at)
			h->spans[i].at -= first_n;
	}
	h->spans[f].at = at + between_n;
	h->spans[f].n = joined_n;
	h->text.n = at + between_n + joined_n;
}

/* Closes the value before, if any: a repeated one is joined or ignored. */
static void value_end(struct http *h)
{
	size_t n = h->text.n - h->value_at;
	int f = h->field;

	h->in_value = false;
	if (f == FIELD_COUNT && keeps_line(h))
		rest_value_end(h);
	if (f == FIELD_COUNT || h->head_done)
		return;
	if (h->spans[f].times == 0) {
		h->spans[f].at = h->value_at;
		h->spans[f].n = n;
	} else if (fields[f].joined) {
		value_join(h, f, n);
	}
	h->spans[f].times++;
}

static int on_name(llhttp_t *p, const char *at, size_t n)
{
	struct http *h = http_of(p);

	if (h->in_value)
		value_end(h);
	if (keeps_line(h))
		rest_name(h, at, n);
	if (h->name_n < sizeof h->name) {
		size_t room = sizeof h->name - h->name_n, part = n < room ? n : room;

		memcpy(h->name + h->name_n, at, part);
		h->name_n += part;
	}
	return count(h, n);
}

/* Lengths of the names in the table, as bits: where most other headers end. */
#define HTTP_FIELD_LENGTH(id, name, joined) | UINT32_C(1) << (sizeof(name) - 1)
#define KNOWN_LENGTHS                       (0 HTTP_FIELDS(HTTP_FIELD_LENGTH))

static int field_of(const struct http *h)
{
	struct str name = str_make(h->name, h->name_n);
	int f = 0;

	if (name.n >= sizeof h->name || (KNOWN_LENGTHS >> name.n & 1) == 0)
		return FIELD_COUNT;
	while (f < FIELD_COUNT && (fields[f].name.n != name.n || !str_ieq(fields[f].name, name)))
		f++;
	return f;
}

/* Comes for an empty value too. */
static int on_value(llhttp_t *p, const char *at, size_t n)
{
	struct http *h = http_of(p);
	int rc;

	if (!h->in_value) {
		h->in_value = true;
		h->field = field_of(h);
		h->name_n = 0;
		if (keeps_line(h))
			rest_value_begin(h);
		h->value_at = h->text.n;
		if (++h->field_count > HTTP_FIELDS_MAX)
			return fault(h, HTTP_FAULT_FIELDS, "request has more than 200 headers");
		rc = count(h, 4); /* ": " and the end of the line */
		if (rc != 0)
			return rc;
	}
	if (h->field != FIELD_COUNT && !h->head_done)
		buf_add(&h->text, at, n);
	else if (keeps_line(h))
		rest_value(h, at, n);
	return count(h, n);
}

static int on_value_complete(llhttp_t *p)
{
	struct http *h = http_of(p);
	int rc = on_value(p, "", 0);

	value_end(h);
	return rc;
}

static int on_head(llhttp_t *p)
{
	struct http *h = http_of(p);

	if (!buf_ok(&h->text) || !buf_ok(&h->rest_text))
		return fault(h, HTTP_FAULT_NOMEM, "no memory for the request headers");
	h->target = str_make(h->text.p, h->target_n);
	for (int f = 0; f < FIELD_COUNT; f++)
		h->values[f] =
			h->spans[f].times == 0
				? STR_EMPTY
				: str_trim(str_make(h->text.p + h->spans[f].at, h->spans[f].n));
	h->rest = buf_view(&h->rest_text);
	if (llhttp_get_http_major(p) != 1)
		return fault(h, HTTP_FAULT_SYNTAX, "only HTTP/1.1 and HTTP/1.0 are spoken here");
	h->method = llhttp_get_method(p);
	h->is_http10 = llhttp_get_http_minor(p) == 0;
	h->keep_alive = llhttp_should_keep_alive(p) != 0;
	h->has_length = (p->flags & F_CONTENT_LENGTH) != 0 && (p->flags & F_CHUNKED) == 0;
	h->length = h->has_length ? p->content_length : 0;
	h->has_body = h->length > 0 || (p->flags & (F_CHUNKED | F_TRANSFER_ENCODING)) != 0;
	/* Whoever offers another protocol (h2c) goes on in this one (RFC 9110, 7.8). */
	if (h->method != HTTP_CONNECT)
		p->upgrade = 0;
	h->upgrade = llhttp_get_upgrade(p) != 0;
	h->head_done = true;
	h->paused = true;
	return HPE_PAUSED;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
	struct http *h = http_of(p);

	h->body(h->arg, at, n);
	return 0;
}

static int on_complete(llhttp_t *p)
{
	struct http *h = http_of(p);

	h->begun = false;
	h->paused = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
	.on_message_begin = on_begin,
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

void http_init(struct http *h, size_t max_head_bytes, http_body_fn *body, void *arg)
{
	memset(h, 0, sizeof *h);
	/* llhttp takes the table without const but only reads it. */
	llhttp_init(&h->parser, HTTP_REQUEST, &callbacks);
	h->parser.data = h;
	h->max_head_bytes = max_head_bytes;
	h->body = body;
	h->arg = arg;
	h->field = FIELD_COUNT;
	buf_init(&h->text, 0);
	buf_init(&h->rest_text, 0);
}

void http_fini(struct http *h)
{
	buf_fini(&h->text);
	buf_fini(&h->rest_text);
}

enum http_event http_feed(struct http *h, const char *p, size_t n, size_t *used)
{
	llhttp_errno_t rc;

	if (h->paused)
		llhttp_resume(&h->parser);
	h->paused = false;
	rc = llhttp_execute(&h->parser, p, n);
	*used = n;
	if (rc == HPE_OK)
		return HTTP_WANTS_MORE;
	if (rc == HPE_PAUSED && h->paused) {
		*used = (size_t)(llhttp_get_error_pos(&h->parser) - p);
		return h->begun ? HTTP_HAS_HEAD : HTTP_HAS_ALL;
	}
	if (h->fault_text == NULL) {
		h->fault = HTTP_FAULT_SYNTAX;
		h->fault_text = "request is not HTTP/1.1";
	}
	return HTTP_FAILED;
}
