#include "daemon/feed.h"

#include "base/encoding.h"
#include "daemon/relay.h"
#include "envelope/codec.h"
#include "forward/local.h"

#define SHOWN_MAX_BYTES ((uint64_t)32 * 1024 * 1024)

enum { FEED_TEXT = 1, FEED_BASE64 = 2 };

/* A line of data for each line of text. */
static void write_text(struct str body, struct buf *out)
{
	struct str line;

	while (str_cut(&body, '\n', &line)) {
		if (body.p != NULL || line.n > 0) { /* nothing behind the last newline */
			buf_cstr(out, "data: ");
			buf_str(out, line);
			buf_char(out, '\n');
		}
	}
}

void feed_write(struct str content_type, struct str body, bool as_base64, struct buf *out)
{
	buf_printf(out, "event: %.*s%s\n", STR_ARG(content_type), as_base64 ? ";base64" : "");
	if (as_base64) {
		buf_cstr(out, "data: ");
		base64_encode(body, out);
		buf_char(out, '\n');
	} else {
		write_text(body, out);
	}
	buf_char(out, '\n');
}

static void show(struct relay *r, unsigned feed, struct str content_type, struct str body)
{
	struct buf event = BUF_INIT;

	if (ingest_feed_readers(r->ingest, feed) == 0)
		return;
	feed_write(content_type, body, feed == FEED_BASE64, &event);
	if (buf_ok(&event))
		ingest_feed(r->ingest, feed, buf_view(&event));
	buf_fini(&event);
}

static void on_tap(void *arg, struct str content_type, struct str encoding, struct str body)
{
	struct relay *r = arg;
	struct buf plain = BUF_INIT;
	enum encoding e = ENCODING_IDENTITY;

	if (ingest_feed_readers(r->ingest, 0) == 0)
		return;
	if ((encoding.n == 0 || encoding_parse(encoding, &e) == E_OK) &&
		decode_all(e, body, SHOWN_MAX_BYTES, &plain, NULL) == E_OK && buf_ok(&plain)) {
		show(r, FEED_TEXT, content_type, buf_view(&plain));
		show(r, FEED_BASE64, content_type, buf_view(&plain));
	}
	buf_fini(&plain);
}

void feed_open(struct relay *r)
{
	local_view_tap(r->local, on_tap, r);
}

void feed_page(struct str query, struct page *p)
{
	bool as_base64 = str_find(query, STR("base64=1")) < query.n;

	p->status = 200;
	p->content_type = "text/event-stream";
	p->feed = as_base64 ? FEED_BASE64 : FEED_TEXT;
	buf_cstr(&p->body, ": envelopes follow as they come\n\n");
}
