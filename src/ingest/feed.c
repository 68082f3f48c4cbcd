/* Pages that go on: what is sent to those who read one. */
#include <stdlib.h>
#include <string.h>

#include "ingest/connection.h"

/* What the socket did not take at once. */
struct fed {
	uv_write_t write;
	char bytes[];
};

static void on_fed(uv_write_t *write, int status)
{
	struct connection *c = write->data;

	free(write); /* the first member of struct fed */
	if (status != 0)
		connection_close(c);
}

static void feed_rest(struct connection *c, struct str rest)
{
	struct fed *f = malloc(sizeof *f + rest.n);
	uv_buf_t buf;

	if (f == NULL) {
		connection_close(c);
		return;
	}
	memcpy(f->bytes, rest.p, rest.n);
	buf = uv_buf_init(f->bytes, (unsigned)rest.n);
	f->write.data = c;
	if (uv_write(&f->write, &c->uv.stream, &buf, 1, on_fed) == 0)
		return;
	free(f);
	connection_close(c);
}

static void feed_one(struct connection *c, struct str bytes)
{
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes.p, (unsigned)bytes.n);
	size_t behind = uv_stream_get_write_queue_size(&c->uv.stream);
	int n = 0;

	if (behind > FEED_BEHIND_MAX) {
		connection_close(c);
		return;
	}
	if (behind == 0)
		n = uv_try_write(&c->uv.stream, &buf, 1);
	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0)
		connection_close(c);
	else if ((size_t)n < bytes.n)
		feed_rest(c, str_from(bytes, (size_t)n));
}

/* feed 0: of any. */
unsigned ingest_feed_readers(const struct ingest *in, unsigned feed)
{
	const struct connection *c;
	unsigned n = 0;

	TAILQ_FOREACH (c, &in->connections, link)
		n += c->state != CONNECTION_CLOSED && c->feed != 0 &&
		     (feed == 0 || c->feed == feed);
	return n;
}

void ingest_feed(struct ingest *in, unsigned feed, struct str bytes)
{
	struct connection *c;

	/* Closing a connection only begins here: the list stays as it is. */
	TAILQ_FOREACH (c, &in->connections, link) {
		if (c->state == CONNECTION_FEEDING && c->feed == feed && bytes.n > 0)
			feed_one(c, bytes);
	}
}
