/* An upstream that answers 200 at once and remembers which events it got.
 *
 *   bench_upstream CA.PEM [PORT]      prints "port N", runs until it is killed
 *
 * TLS with a certificate made at start, written to CA.PEM so that it can be
 * trusted. HTTP/2 where the client offers it, as Sentry does, else HTTP/1.1.
 * One thread, epoll. Of a body only the start is kept: it tells the event id,
 * whose second half is the request's number (events.h). Headers of HTTP/2 are
 * not decoded: whatever has a body is an envelope. GET over HTTP/1.1 answers
 * with the figures:
 *
 *   {"requests":N,"distinct":N,"unknown":N,"bytes":N,"connections":N}
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zstd.h>

#include "base/sockets.h"
#include "bench/system/events.h"

#define IN_MAX      (64 * 1024)
#define START_MAX   4096 /* of a body; the envelope's header comes first */
#define STREAMS_MAX 128
#define NUMBERS_MAX (UINT64_C(1) << 24)

struct body {
	uint32_t stream; /* 0: unused */
	size_t n;
	char start[START_MAX];
};

struct conn {
	int fd;
	SSL *tls;
	bool is_h2, settled, dead;
	char in[IN_MAX + 1];
	size_t in_n;
	struct buf out;
	size_t sent;
	uint64_t left; /* of an HTTP/1.1 body */
	struct body body;
	uint64_t window; /* HTTP/2: taken, not yet given back */
	struct body streams[STREAMS_MAX];
};

struct upstream {
	int epoll_fd, listen_fd;
	SSL_CTX *tls;
	ZSTD_DCtx *zstd;
	uint8_t *seen; /* a bit for each number */
	uint64_t requests, distinct, unknown, bytes, connections;
};

/* --- certificate ----------------------------------------------------------------- */

static X509 *certificate_new(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_EXTENSION *names =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");

	check(x != NULL && names != NULL && X509_set_version(x, 2) == 1);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 7L * 24 * 3600);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		(const unsigned char *)"localhost", -1, -1, 0);
	check(X509_set_issuer_name(x, X509_get_subject_name(x)) == 1);
	check(X509_add_ext(x, names, -1) == 1 && X509_set_pubkey(x, key) == 1);
	check(X509_sign(x, key, EVP_sha256()) > 0);
	X509_EXTENSION_free(names);
	return x;
}

static int choose_protocol(SSL *s, const unsigned char **out, unsigned char *n,
	const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";

	(void)s;
	(void)arg;
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, n, ours, sizeof ours - 1, in,
		       in_n) == OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_NOACK;
}

static void tls_open(struct upstream *u, const char *ca_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x;
	FILE *f = fopen(ca_path, "w");

	check(key != NULL && f != NULL);
	x = certificate_new(key);
	check(PEM_write_X509(f, x) == 1 && fclose(f) == 0);
	u->tls = SSL_CTX_new(TLS_server_method());
	check(u->tls != NULL && SSL_CTX_use_certificate(u->tls, x) == 1 &&
		SSL_CTX_use_PrivateKey(u->tls, key) == 1);
	(void)SSL_CTX_set_mode(
		u->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_alpn_select_cb(u->tls, choose_protocol, NULL);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* --- what arrived ---------------------------------------------------------------- */

/* The header of the envelope, decompressed when it is. */
static struct str body_header(struct upstream *u, const struct body *b, char *text, size_t size)
{
	size_t kept = b->n < START_MAX ? b->n : START_MAX;
	ZSTD_inBuffer in = {b->start, kept, 0};
	ZSTD_outBuffer out = {text, size, 0};

	if (kept < 4 || memcmp(b->start, "\x28\xb5\x2f\xfd", 4) != 0)
		return str_make(b->start, kept);
	(void)ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_only);
	while (out.pos < size && in.pos < in.size) {
		if (ZSTD_isError(ZSTD_decompressStream(u->zstd, &out, &in)))
			break;
	}
	return str_make(text, out.pos);
}

static void body_count(struct upstream *u, struct body *b)
{
	static const char key[] = "\"event_id\":\"";
	char text[512], digits[17] = "";
	struct str head = body_header(u, b, text, sizeof text);
	const char *at = memmem(head.p, head.n, key, sizeof key - 1);
	uint64_t number;

	u->requests++;
	u->bytes += b->n;
	if (at == NULL || head.n - (size_t)(at - head.p) < sizeof key - 1 + EVENT_ID_LEN) {
		u->unknown++;
		return;
	}
	memcpy(digits, at + sizeof key - 1 + 16, 16);
	number = strtoull(digits, NULL, 16);
	if (number >= NUMBERS_MAX) {
		u->unknown++;
	} else if ((u->seen[number / 8] >> number % 8 & 1) == 0) {
		u->seen[number / 8] = (uint8_t)(u->seen[number / 8] | 1 << number % 8);
		u->distinct++;
	}
}

static void body_add(struct body *b, const char *p, size_t n)
{
	size_t room = b->n < START_MAX ? START_MAX - b->n : 0;

	memcpy(b->start + START_MAX - room, p, n < room ? n : room);
	b->n += n;
}

/* --- HTTP/1.1 ----------------------------------------------------------------------- */

static void h1_answer(struct upstream *u, struct conn *c, bool is_get)
{
	char text[256] = "{}";

	if (is_get)
		(void)snprintf(text, sizeof text,
			"{\"requests\":%" PRIu64 ",\"distinct\":%" PRIu64 ",\"unknown\":%" PRIu64
			",\"bytes\":%" PRIu64 ",\"connections\":%" PRIu64 "}",
			u->requests, u->distinct, u->unknown, u->bytes, u->connections);
	buf_printf(&c->out,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
		"%zu\r\n\r\n%s",
		strlen(text), text);
}

/* Bytes taken from in. */
static size_t h1_head(struct upstream *u, struct conn *c)
{
	const char *end, *length;
	size_t n;

	c->in[c->in_n] = '\0';
	if ((end = strstr(c->in, "\r\n\r\n")) == NULL) {
		c->dead = c->in_n == IN_MAX;
		return 0;
	}
	n = (size_t)(end - c->in) + 4;
	length = strcasestr(c->in, "\r\ncontent-length:");
	if (length != NULL && length < end)
		c->left = strtoull(length + strlen("\r\ncontent-length:"), NULL, 10);
	c->body.n = 0;
	if (c->left == 0)
		h1_answer(u, c, c->in[0] == 'G');
	return n;
}

static size_t h1_step(struct upstream *u, struct conn *c)
{
	size_t n = c->in_n < c->left ? c->in_n : (size_t)c->left;

	if (c->left == 0)
		return h1_head(u, c);
	body_add(&c->body, c->in, n);
	c->left -= n;
	if (c->left == 0) {
		body_count(u, &c->body);
		h1_answer(u, c, false);
	}
	return n;
}

/* --- HTTP/2 ------------------------------------------------------------------------- */

enum { H2_DATA, H2_HEADERS, H2_PRIORITY, H2_RESET, H2_SETTINGS, H2_PUSH, H2_PING, H2_GOAWAY };
enum { H2_WINDOW_UPDATE = 8, H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4 };

static void h2_frame(struct conn *c, int type, int flags, uint32_t stream, struct str payload)
{
	const unsigned char head[9] = {(unsigned char)(payload.n >> 16),
		(unsigned char)(payload.n >> 8), (unsigned char)payload.n, (unsigned char)type,
		(unsigned char)flags, (unsigned char)(stream >> 24), (unsigned char)(stream >> 16),
		(unsigned char)(stream >> 8), (unsigned char)stream};

	buf_add(&c->out, head, sizeof head);
	buf_str(&c->out, payload);
}

static void h2_window(struct conn *c, uint32_t n)
{
	const char p[4] = {(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};

	h2_frame(c, H2_WINDOW_UPDATE, 0, 0, str_make(p, 4));
}

/* As many streams as fit, and windows that never stop the client. */
static void h2_hello(struct conn *c)
{
	static const char settings[] = {
		0, 3, 0, 0, 0, (char)STREAMS_MAX, 0, 4, 0x7f, (char)0xff, (char)0xff, (char)0xff};

	h2_frame(c, H2_SETTINGS, 0, 0, str_make(settings, sizeof settings));
	h2_window(c, INT32_MAX - 65535);
}

static struct body *h2_body(struct conn *c, uint32_t stream)
{
	struct body *unused = NULL;

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		if (c->streams[i].stream == stream)
			return &c->streams[i];
		if (c->streams[i].stream == 0 && unused == NULL)
			unused = &c->streams[i];
	}
	if (unused != NULL) {
		unused->stream = stream;
		unused->n = 0;
	}
	return unused;
}

static void h2_end(struct upstream *u, struct conn *c, struct body *b)
{
	uint32_t stream = b->stream;

	if (b->n > 0)
		body_count(u, b);
	b->stream = 0;
	/* 0x88 is ":status: 200" in HPACK's static table. */
	h2_frame(c, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, stream, str_make("\x88", 1));
}

static void h2_take(struct upstream *u, struct conn *c, int type, int flags, uint32_t stream,
	struct str payload)
{
	struct body *b;

	if (type == H2_SETTINGS && (flags & H2_ACK) == 0) {
		h2_frame(c, H2_SETTINGS, H2_ACK, 0, str_make("", 0));
	} else if (type == H2_PING && (flags & H2_ACK) == 0) {
		h2_frame(c, H2_PING, H2_ACK, 0, payload);
	} else if (type == H2_DATA || type == H2_HEADERS || type == H2_RESET) {
		b = stream != 0 ? h2_body(c, stream) : NULL;
		if (b == NULL) {
			c->dead = true;
			return;
		}
		if (type == H2_DATA) {
			body_add(b, payload.p, payload.n);
			c->window += payload.n;
		}
		if (type == H2_RESET)
			b->stream = 0;
		else if ((flags & H2_END_STREAM) != 0)
			h2_end(u, c, b);
	}
	if (c->window > 16 << 20) {
		h2_window(c, (uint32_t)c->window);
		c->window = 0;
	}
}

static size_t h2_step(struct upstream *u, struct conn *c)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	const unsigned char *p = (const unsigned char *)c->in;
	size_t n;

	if (!c->settled) {
		if (c->in_n < sizeof preface - 1)
			return 0;
		c->dead = memcmp(c->in, preface, sizeof preface - 1) != 0;
		c->settled = true;
		h2_hello(c);
		return sizeof preface - 1;
	}
	if (c->in_n < 9)
		return 0;
	n = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
	if (n > 16384)
		c->dead = true;
	if (n > 16384 || c->in_n < 9 + n)
		return 0;
	h2_take(u, c, p[3], p[4],
		((uint32_t)p[5] & 0x7f) << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8],
		str_make(c->in + 9, n));
	return 9 + n;
}

/* --- connections ----------------------------------------------------------------------- */

static void conn_close(struct conn *c)
{
	SSL_free(c->tls);
	(void)close(c->fd);
	buf_fini(&c->out);
	free(c);
}

static void conn_accept(struct upstream *u)
{
	int fd, on = 1;

	while ((fd = accept4(u->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof *c);
		struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};

		check(c != NULL);
		c->fd = fd;
		c->tls = SSL_new(u->tls);
		check(c->tls != NULL && SSL_set_fd(c->tls, fd) == 1);
		SSL_set_accept_state(c->tls);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		check(epoll_ctl(u->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0);
		u->connections++;
	}
}

static void conn_take(struct upstream *u, struct conn *c)
{
	const unsigned char *chosen;
	unsigned n;
	size_t used;

	SSL_get0_alpn_selected(c->tls, &chosen, &n);
	c->is_h2 = n == 2;
	for (;;) {
		used = c->is_h2 ? h2_step(u, c) : h1_step(u, c);
		if (used == 0 || c->dead)
			break;
		c->in_n -= used;
		memmove(c->in, c->in + used, c->in_n);
	}
}

/* False at the end of the connection. */
static bool conn_flush(struct conn *c)
{
	int rc;

	check(buf_ok(&c->out));
	while (c->sent < c->out.n) {
		rc = SSL_write(c->tls, c->out.p + c->sent, (int)(c->out.n - c->sent));
		if (rc <= 0) {
			rc = SSL_get_error(c->tls, rc);
			return rc == SSL_ERROR_WANT_READ || rc == SSL_ERROR_WANT_WRITE;
		}
		c->sent += (size_t)rc;
	}
	buf_clear(&c->out);
	c->sent = 0;
	return true;
}

/* False at the end of the connection. */
static bool conn_serve(struct upstream *u, struct conn *c)
{
	/* An error of one connection, left in the queue, is taken for the next one's. */
	ERR_clear_error();
	for (;;) {
		int rc = SSL_read(c->tls, c->in + c->in_n, (int)(IN_MAX - c->in_n));

		if (rc <= 0) {
			rc = SSL_get_error(c->tls, rc);
			return conn_flush(c) &&
			       (rc == SSL_ERROR_WANT_READ || rc == SSL_ERROR_WANT_WRITE);
		}
		c->in_n += (size_t)rc;
		conn_take(u, c);
		if (c->dead)
			return false;
	}
}

int main(int argc, char **argv)
{
	struct upstream u = {0};
	struct epoll_event events[64], ev = {.events = EPOLLIN};
	struct err err = {0};
	char name[64];

	if (argc != 2 && argc != 3) {
		(void)fprintf(stderr, "usage: bench_upstream CA.PEM [PORT]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	u.seen = calloc(1, NUMBERS_MAX / 8);
	u.zstd = ZSTD_createDCtx();
	u.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	check(u.seen != NULL && u.zstd != NULL && u.epoll_fd >= 0);
	tls_open(&u, argv[1]);
	(void)snprintf(name, sizeof name, "127.0.0.1:%s", argc == 3 ? argv[2] : "0");
	if (socket_listen_tcp(name, &u.listen_fd, &err) != E_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	check(epoll_ctl(u.epoll_fd, EPOLL_CTL_ADD, u.listen_fd, &ev) == 0);
	socket_name(u.listen_fd, name, sizeof name);
	(void)printf("port %s\n", strrchr(name, ':') + 1);
	(void)fflush(stdout);
	for (;;) {
		int n = epoll_wait(u.epoll_fd, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c == NULL)
				conn_accept(&u);
			else if (!conn_serve(&u, c))
				conn_close(c);
		}
	}
}
