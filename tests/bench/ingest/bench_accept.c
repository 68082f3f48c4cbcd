/* What accepting costs beside what any HTTP server costs.
 *
 * Two servers take turns in front of the same load: a bare one (libuv, llhttp,
 * reads the body into one growing buffer, answers a fixed text) and ingest with
 * somebody behind it who answers at once. Each runs in a process of its own, is
 * warmed up, and is measured in interleaved rounds; the figure is the median of
 * the ratios of neighbouring rounds, so that a noisy machine hurts both alike.
 *
 * Load: 256 Unix connections, each always with one request under way; distinct
 * envelopes of 10 KiB with an error event each.
 */
#include <errno.h>
#include <llhttp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/sockets.h"
#include "ingest/ingest.h"

#define CONNECTIONS    256
#define ENVELOPES      512
#define ENVELOPE_BYTES 10240
#define ROUNDS         41
#define ROUND_MS       150
#define WARM_MS        300
#define TARGET         0.75

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *must(void *p)
{
	if (p == NULL)
		die("memory");
	return p;
}

/* --- the bare server ------------------------------------------------------- */

static const char fixed_answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				   "Content-Length: 41\r\n\r\n"
				   "{\"id\":\"00000000000000000000000000000000\"}";

struct bare {
	uv_pipe_t pipe;
	llhttp_t parser;
	char *body;
	size_t n, cap;
};

static char bare_read_buffer[64 * 1024];

static int bare_begin(llhttp_t *p)
{
	((struct bare *)p->data)->n = 0;
	return 0;
}

static int bare_body(llhttp_t *p, const char *at, size_t n)
{
	struct bare *b = p->data;

	if (n > b->cap - b->n) {
		b->cap = (b->n + n) * 2;
		b->body = must(realloc(b->body, b->cap));
	}
	memcpy(b->body + b->n, at, n);
	b->n += n;
	return 0;
}

static int bare_complete(llhttp_t *p)
{
	struct bare *b = p->data;
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)fixed_answer, sizeof fixed_answer - 1);

	if (uv_try_write((uv_stream_t *)&b->pipe, &buf, 1) != (int)sizeof fixed_answer - 1)
		return -1;
	return 0;
}

static const llhttp_settings_t bare_settings = {
	.on_message_begin = bare_begin,
	.on_body = bare_body,
	.on_message_complete = bare_complete,
};

static void bare_closed(uv_handle_t *h)
{
	struct bare *b = h->data;

	free(b->body);
	free(b);
}

static void bare_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	(void)h;
	(void)suggested;
	*buf = uv_buf_init(bare_read_buffer, sizeof bare_read_buffer);
}

static void bare_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct bare *b = s->data;

	if (n < 0 || (n > 0 && llhttp_execute(&b->parser, buf->base, (size_t)n) != HPE_OK))
		uv_close((uv_handle_t *)s, bare_closed);
}

static void bare_connection(uv_stream_t *listener, int status)
{
	struct bare *b = must(calloc(1, sizeof *b));

	if (status != 0 || uv_pipe_init(listener->loop, &b->pipe, 0) != 0 ||
		uv_accept(listener, (uv_stream_t *)&b->pipe) != 0)
		die("accept");
	b->pipe.data = b;
	llhttp_init(&b->parser, HTTP_REQUEST, &bare_settings);
	b->parser.data = b;
	(void)uv_read_start((uv_stream_t *)&b->pipe, bare_alloc, bare_read);
}

static void serve_bare(int fd)
{
	uv_loop_t *loop = uv_default_loop();
	uv_pipe_t listener;

	if (uv_pipe_init(loop, &listener, 0) != 0 || uv_pipe_open(&listener, fd) != 0 ||
		uv_listen((uv_stream_t *)&listener, CONNECTIONS, bare_connection) != 0)
		die("listen");
	(void)uv_run(loop, UV_RUN_DEFAULT);
}

/* --- ingest ---------------------------------------------------------------- */

static void accept_at_once(void *arg, struct envelope *env, void *result, struct reply *to)
{
	(void)arg;
	(void)result;
	reply_accepted(to, env->has_event_id ? &env->event_id : NULL, STR_EMPTY);
	envelope_free(env);
}

static void serve_ingest(int fd)
{
	static const char *const none[] = {NULL};
	const struct settings_source from = {"/dev/null", none, true};
	const struct ingest_ops ops = {.envelope = accept_at_once};
	struct ingest_options o = {.loop = uv_default_loop(), .ops = &ops};
	struct budget budget;
	struct counters counters = {0};
	struct ingest *in = NULL;
	struct err err;

	if (settings_load(&o.settings, &from, &err) != E_OK)
		die(err.text);
	budget_init(&budget, o.settings->limits.memory);
	o.budget = &budget;
	o.counters = &counters;
	o.clock = clock_system();
	if (ingest_new(&in, &o, &err) != E_OK ||
		ingest_listen(in, INGEST_UNIX, fd, NULL, &err) != E_OK)
		die(err.text);
	(void)uv_run(o.loop, UV_RUN_DEFAULT);
}

/* --- the load -------------------------------------------------------------- */

struct client {
	int fd;
	const char *text;
	size_t text_n;
};

struct load {
	int epoll;
	struct client clients[CONNECTIONS];
	char *texts[ENVELOPES];
	size_t text_n[ENVELOPES];
	size_t next;
};

/* An error event whose payload fills the envelope up to ENVELOPE_BYTES. */
static size_t make_envelope(size_t i, char *out, size_t size)
{
	static const char head[] = "{\"event_id\":\"%032zx\",\"level\":\"error\",\"message\":\"";
	char payload[ENVELOPE_BYTES];
	size_t n = (size_t)snprintf(payload, sizeof payload, head, i + 1);

	while (n < ENVELOPE_BYTES - 150) {
		payload[n] = (char)('a' + (n * 7 + i) % 26);
		n++;
	}
	n += (size_t)snprintf(payload + n, sizeof payload - n, "\"}");
	return (size_t)snprintf(out, size,
		"{\"event_id\":\"%032zx\",\"sent_at\":\"2026-01-01T00:00:00Z\"}\n"
		"{\"type\":\"event\",\"length\":%zu}\n%s\n",
		i + 1, n, payload);
}

static void make_text(struct load *l, size_t i)
{
	char body[ENVELOPE_BYTES + 64];
	size_t n = make_envelope(i, body, sizeof body);

	l->texts[i] = must(malloc(n + 512));
	l->text_n[i] = (size_t)snprintf(l->texts[i], n + 512,
		"POST /api/42/envelope/ HTTP/1.1\r\nHost: localhost\r\n"
		"User-Agent: bench/1\r\nContent-Type: application/x-sentry-envelope\r\n"
		"X-Sentry-Auth: Sentry sentry_key=0123456789abcdef0123456789abcdef, "
		"sentry_version=7, sentry_client=bench/1\r\nContent-Length: %zu\r\n\r\n%s",
		n, body);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
		die("connect");
	return fd;
}

static void client_next(struct load *l, struct client *c)
{
	size_t i = l->next++ % ENVELOPES;
	ssize_t n;

	c->text = l->texts[i];
	c->text_n = l->text_n[i];
	n = send(c->fd, c->text, c->text_n, MSG_NOSIGNAL);
	if (n != (ssize_t)c->text_n)
		die("send"); /* 10 KiB fit any socket buffer */
}

static void load_start(struct load *l, const char *path)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct client *c = &l->clients[i];
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

		c->fd = connect_to(path);
		if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
			die("epoll");
		client_next(l, c);
	}
}

static void check_answer(const char *answer, ssize_t n)
{
	if (n < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0) {
		(void)fprintf(stderr, "not accepted: %.*s\n", n > 0 ? (int)n : 0, answer);
		exit(1);
	}
}

static double cpu_seconds(pid_t pid)
{
	clockid_t clock;
	struct timespec ts;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
		die("cpu clock");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What a round found out. */
struct rate {
	double per_s;     /* requests per second */
	double per_cpu_s; /* requests per second of the server's processor time */
};

static struct rate load_run(struct load *l, pid_t server, unsigned ms)
{
	double cpu = cpu_seconds(server);
	uint64_t from = uv_hrtime(), now = from, until = from + (uint64_t)ms * 1000000;
	uint64_t answers = 0;
	struct epoll_event events[64];

	while (now < until) {
		int n = epoll_wait(l->epoll, events, 64, 1000);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;
			char answer[512];

			check_answer(answer, recv(c->fd, answer, sizeof answer, 0));
			answers++;
			client_next(l, c);
		}
		now = uv_hrtime();
	}
	return (struct rate){(double)answers * 1e9 / (double)(now - from),
		(double)answers / (cpu_seconds(server) - cpu)};
}

/* Lets nobody wait: what is under way is answered, so that an idle server costs
 * the other one nothing. Returns with one answer unread at each client. */
static void load_rest(struct load *l)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		char byte;

		while (recv(l->clients[i].fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN)
			(void)usleep(100);
	}
}

static pid_t start(void (*serve)(int), const char *path)
{
	struct err err;
	pid_t pid;
	int fd = -1;

	if (socket_listen_unix(path, SOCK_STREAM, 0600, NULL, &fd, &err) != E_OK)
		die(err.text);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		serve(fd);
		_exit(1);
	}
	(void)close(fd);
	return pid;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, by_value);
	return v[n / 2];
}

int main(void)
{
	static struct load bare, ours;
	char dir[] = P_tmpdir "/picket-bench-XXXXXX", path[2][sizeof dir + 8];
	double ratio[ROUNDS], cpu_ratio[ROUNDS], rates[2][ROUNDS];
	pid_t pid[2];

	(void)signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(dir) == NULL)
		die("mkdtemp");
	(void)snprintf(path[0], sizeof path[0], "%s/bare", dir);
	(void)snprintf(path[1], sizeof path[1], "%s/ours", dir);
	pid[0] = start(serve_bare, path[0]);
	pid[1] = start(serve_ingest, path[1]);
	for (size_t i = 0; i < ENVELOPES; i++) {
		make_text(&bare, i);
		ours.texts[i] = bare.texts[i];
		ours.text_n[i] = bare.text_n[i];
	}
	load_start(&bare, path[0]);
	(void)load_run(&bare, pid[0], WARM_MS);
	load_rest(&bare);
	load_start(&ours, path[1]);
	(void)load_run(&ours, pid[1], WARM_MS);
	load_rest(&ours);
	for (int i = 0; i < ROUNDS; i++) {
		struct rate a = load_run(&bare, pid[0], ROUND_MS), b;

		load_rest(&bare);
		b = load_run(&ours, pid[1], ROUND_MS);
		load_rest(&ours);
		rates[0][i] = a.per_s;
		rates[1][i] = b.per_s;
		ratio[i] = b.per_s / a.per_s;
		cpu_ratio[i] = b.per_cpu_s / a.per_cpu_s;
	}
	for (int i = 0; i < 2; i++) {
		(void)kill(pid[i], SIGKILL);
		(void)waitpid(pid[i], NULL, 0);
		(void)unlink(path[i]);
	}
	(void)rmdir(dir);
	for (size_t i = 0; i < ENVELOPES; i++)
		free(bare.texts[i]);
	(void)printf("ingest.bare_echo_per_s %.0f\n", median(rates[0], ROUNDS));
	(void)printf("ingest.accept_per_s %.0f\n", median(rates[1], ROUNDS));
	(void)printf("ingest.accept_vs_bare_echo_cpu ratio=%.3f\n", median(cpu_ratio, ROUNDS));
	(void)printf("ingest.accept_vs_bare_echo ratio=%.3f target=%.2f\n", median(ratio, ROUNDS),
		TARGET);
	return 0;
}
