/* The least that a durable HTTP server can do: read a body, store it, answer.
 *
 *   bench_store (segment | sqlite) SOCKET DIR      until it is killed
 *
 *   complete      loop    a body is whole: its connection waits
 *   commit_start  loop    before it waits for events: all that wait are one batch
 *   commit_work   worker  the batch becomes durable
 *   commit_done   loop    answer each, start the next batch
 *
 * segment: a preallocated log file, pwrite of each body and one fdatasync a batch;
 * sqlite: WAL, synchronous=FULL, one transaction a batch. Nothing is looked at,
 * nothing compressed, nothing counted. Errors end the process.
 */
#include <fcntl.h>
#include <llhttp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/sockets.h"

#define SEGMENT_BYTES ((off_t)512 << 20)
#define BATCH_MAX     1024

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			     "Content-Length: 41\r\n\r\n"
			     "{\"id\":\"00000000000000000000000000000000\"}";

struct client {
	uv_pipe_t pipe;
	llhttp_t parser;
	char *body;
	size_t n, cap;
};

struct batch {
	struct client *of[BATCH_MAX];
	size_t n;
};

static struct {
	uv_loop_t *loop;
	uv_work_t work;
	struct batch waiting, running;
	int fd; /* segment */
	off_t at;
	sqlite3 *db; /* NULL: segment */
	sqlite3_stmt *insert;
} server;

/* --- storing ------------------------------------------------------------------ */

static void sql(const char *text)
{
	check(sqlite3_exec(server.db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static void store_open(const char *kind, const char *dir)
{
	char path[512];

	check(snprintf(path, sizeof path, "%s/%s", dir, kind) < (int)sizeof path);
	if (strcmp(kind, "segment") == 0) {
		server.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		check(server.fd >= 0 && posix_fallocate(server.fd, 0, SEGMENT_BYTES) == 0);
		check(fsync(server.fd) == 0);
		return;
	}
	check(sqlite3_open(path, &server.db) == SQLITE_OK);
	sql("PRAGMA journal_mode=WAL");
	sql("PRAGMA synchronous=FULL");
	sql("CREATE TABLE q (id INTEGER PRIMARY KEY, body BLOB)");
	check(sqlite3_prepare_v2(server.db, "INSERT INTO q (body) VALUES (?)", -1, &server.insert,
		      NULL) == SQLITE_OK);
}

static void segment_write(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct client *c = b->of[i];

		check(server.at + (off_t)c->n <= SEGMENT_BYTES);
		check(pwrite(server.fd, c->body, c->n, server.at) == (ssize_t)c->n);
		server.at += (off_t)c->n;
	}
	check(fdatasync(server.fd) == 0);
}

static void sqlite_write(const struct batch *b)
{
	sql("BEGIN");
	for (size_t i = 0; i < b->n; i++) {
		const struct client *c = b->of[i];

		check(sqlite3_bind_blob(server.insert, 1, c->body, (int)c->n, SQLITE_STATIC) ==
			SQLITE_OK);
		check(sqlite3_step(server.insert) == SQLITE_DONE);
		check(sqlite3_reset(server.insert) == SQLITE_OK);
	}
	sql("COMMIT");
}

static void commit_work(uv_work_t *w)
{
	(void)w;
	if (server.db != NULL)
		sqlite_write(&server.running);
	else
		segment_write(&server.running);
}

static void commit_done(uv_work_t *w, int status)
{
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)answer, sizeof answer - 1);

	(void)w;
	check(status == 0);
	for (size_t i = 0; i < server.running.n; i++)
		(void)uv_try_write((uv_stream_t *)&server.running.of[i]->pipe, &buf, 1);
	server.running.n = 0;
}

static void commit_start(uv_prepare_t *p)
{
	(void)p;
	if (server.waiting.n == 0 || server.running.n > 0)
		return;
	server.running = server.waiting;
	server.waiting.n = 0;
	check(uv_queue_work(server.loop, &server.work, commit_work, commit_done) == 0);
}

/* --- clients: they wait for their answers, and close only after them -------------- */

static int begin(llhttp_t *p)
{
	((struct client *)p->data)->n = 0;
	return 0;
}

static int body(llhttp_t *p, const char *at, size_t n)
{
	struct client *c = p->data;

	if (n > c->cap - c->n) {
		c->cap = (c->n + n) * 2;
		c->body = realloc(c->body, c->cap);
		check(c->body != NULL);
	}
	memcpy(c->body + c->n, at, n);
	c->n += n;
	return 0;
}

static int complete(llhttp_t *p)
{
	check(server.waiting.n < BATCH_MAX);
	server.waiting.of[server.waiting.n++] = p->data;
	return 0;
}

static const llhttp_settings_t parser_settings = {
	.on_message_begin = begin,
	.on_body = body,
	.on_message_complete = complete,
};

static void on_closed(uv_handle_t *h)
{
	struct client *c = h->data;

	free(c->body);
	free(c);
}

static void on_room(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	static char room[64 * 1024];

	(void)h;
	(void)suggested;
	*buf = uv_buf_init(room, sizeof room);
}

static void on_bytes(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = s->data;

	if (n < 0 || (n > 0 && llhttp_execute(&c->parser, buf->base, (size_t)n) != HPE_OK))
		uv_close((uv_handle_t *)s, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct client *c = calloc(1, sizeof *c);

	check(c != NULL && status == 0);
	check(uv_pipe_init(server.loop, &c->pipe, 0) == 0);
	check(uv_accept(listener, (uv_stream_t *)&c->pipe) == 0);
	c->pipe.data = c;
	llhttp_init(&c->parser, HTTP_REQUEST, &parser_settings);
	c->parser.data = c;
	check(uv_read_start((uv_stream_t *)&c->pipe, on_room, on_bytes) == 0);
}

int main(int argc, char **argv)
{
	struct err err = {0};
	uv_pipe_t listener;
	uv_prepare_t prepare;
	int fd;

	if (argc != 4 || (strcmp(argv[1], "segment") != 0 && strcmp(argv[1], "sqlite") != 0)) {
		(void)fprintf(stderr, "usage: bench_store (segment | sqlite) SOCKET DIR\n");
		return 2;
	}
	server.loop = uv_default_loop();
	store_open(argv[1], argv[3]);
	if (socket_listen_unix(argv[2], SOCK_STREAM, 0600, NULL, &fd, &err) != E_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	check(uv_pipe_init(server.loop, &listener, 0) == 0 && uv_pipe_open(&listener, fd) == 0);
	check(uv_listen((uv_stream_t *)&listener, BATCH_MAX, on_connection) == 0);
	check(uv_prepare_init(server.loop, &prepare) == 0);
	check(uv_prepare_start(&prepare, commit_start) == 0);
	return uv_run(server.loop, UV_RUN_DEFAULT);
}
