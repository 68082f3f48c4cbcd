#include "forward/lines.h"

/* Line ends and other control characters cannot get in: they would start a
 * header of the sender's own. */
static void line_add(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= ' ' && c != 0x7f) || c == '\t')
			buf_char(b, (char)c);
	}
}

static void line_start(struct built *b, const char *name, struct str value)
{
	buf_cstr(&b->lines, name);
	buf_cstr(&b->lines, ": ");
	line_add(&b->lines, value);
}

static void line_end(struct built *b)
{
	buf_char(&b->lines, '\0');
	b->line_count++;
}

static void line_put(struct built *b, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	line_start(b, name, value);
	line_end(b);
}

static void put_auth(const struct build_order *o, const struct sender *from, struct built *b)
{
	line_start(b, "X-Sentry-Auth", STR("Sentry sentry_key="));
	line_add(&b->lines, o->key);
	buf_cstr(&b->lines, ", sentry_version=");
	line_add(&b->lines, from->protocol.n > 0 ? from->protocol : STR("7"));
	buf_cstr(&b->lines, ", sentry_client=");
	line_add(&b->lines, from->client.n > 0 ? from->client : STR("picket/" PICKET_VERSION));
	/* A secret belongs to the key it was given with. */
	if (from->secret.n > 0 && str_eq(from->key, o->key)) {
		buf_cstr(&b->lines, ", sentry_secret=");
		line_add(&b->lines, from->secret);
	}
	line_end(b);
}

static void put_sender(const struct sender *from, struct built *b)
{
	line_put(b, "User-Agent", from->user_agent);
	line_put(b, "Origin", from->origin);
	line_put(b, "X-Forwarded-For", from->forwarded_for);
}

static void put_configured(const struct build_order *o, enum encoding encoding, struct built *b)
{
	const struct str_list *extra = &o->settings->upstream.header;

	if (encoding != ENCODING_IDENTITY)
		line_put(b, "Content-Encoding", str_of(encoding_name(encoding)));
	for (size_t i = 0; i < extra->n && i < BUILD_LINES; i++) {
		line_add(&b->lines, str_of(extra->v[i]));
		line_end(b);
	}
}

void lines_envelope(const struct build_order *o, const struct sender *from, enum encoding encoding,
	struct built *b)
{
	put_auth(o, from, b);
	put_sender(from, b);
	line_put(b, "Content-Type", STR("application/x-sentry-envelope"));
	put_configured(o, encoding, b);
}

/* --- carried requests -------------------------------------------------------- */

static void put_kept(struct str headers, struct built *b)
{
	struct str line;

	while (b->line_count + 1 < BUILD_CARRIED_LINES && str_cut(&headers, '\n', &line)) {
		if (line.n == 0)
			continue;
		line_add(&b->lines, line);
		line_end(b);
	}
}

/* What cannot stand in a URL is not let in: the client's bytes end up in a
 * request line. */
static void url_add(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c > ' ' && c < 0x7f && c != '#')
			buf_char(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

static bool put_url(const struct build_order *o, const struct carried *c, struct built *b)
{
	size_t key_at = str_find(c->path, CARRIED_KEY);
	bool has_key = key_at < c->path.n;

	buf_str(&b->url, o->api_url);
	url_add(&b->url, str_first(c->path, key_at));
	if (has_key) {
		buf_str(&b->url, o->key);
		url_add(&b->url, str_from(c->path, key_at + CARRIED_KEY.n));
	}
	if (c->query.n > 0) {
		buf_char(&b->url, '?');
		url_add(&b->url, c->query);
	}
	buf_char(&b->url, '\0');
	return has_key;
}

void lines_carried(const struct build_order *o, const struct record *r, enum encoding encoding,
	struct built *b)
{
	const struct carried *c = &r->carried;

	for (size_t i = 0; i < c->method.n && i + 1 < sizeof b->method; i++)
		b->method[i] = c->method.p[i];
	if (!put_url(o, c, b))
		put_auth(o, &r->from, b);
	put_sender(&r->from, b);
	put_kept(c->headers, b);
	put_configured(o, encoding, b);
}
