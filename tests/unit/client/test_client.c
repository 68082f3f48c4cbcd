/* The client side of the sockets: what comes back, and that nothing waits longer
 * than it was told. A thread plays the daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sockets.h"
#include "client/http.h"
#include "client/lines.h"

#define LONG_MS 60000

struct pair {
	int ours, theirs;
};

static struct pair make_pair(void)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
	return (struct pair){fd[0], fd[1]};
}

static void close_pair(struct pair p)
{
	(void)close(p.ours);
	if (p.theirs >= 0)
		(void)close(p.theirs);
}

static void say(int fd, const char *text)
{
	struct err err;

	assert_int_equal(stream_write(fd, str_of(text), deadline_in(LONG_MS), &err), E_OK);
}

/* A place for a socket; short, since a socket path has about 100 bytes. */
static void make_place(char dir[64], char path[80])
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(dir, 64, "%s/picket-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, 80, "%s/s", dir);
}

/* Gives text to a client that asks for it, then ends. */
static int exchange_with(const char *text, struct http_answer *a, struct err *err)
{
	struct pair p = make_pair();
	struct http_request q = {"GET", "/", "localhost", "", STR_EMPTY};
	int rc;

	say(p.theirs, text);
	(void)shutdown(p.theirs, SHUT_WR);
	rc = http_exchange(p.ours, &q, deadline_in(LONG_MS), a, err);
	close_pair(p);
	return rc;
}

/* --- deadlines ------------------------------------------------------------- */

static void a_silent_daemon_ends_in_a_timeout(void **state)
{
	struct pair p = make_pair();
	struct http_request q = {"GET", "/", "localhost", "", STR_EMPTY};
	struct http_answer a;
	struct err err;

	(void)state;
	assert_int_equal(http_exchange(p.ours, &q, deadline_in(20), &a, &err), E_TIMEOUT);
	assert_string_equal(err.text, "the daemon did not answer in time");
	http_answer_fini(&a);
	close_pair(p);
}

static void a_daemon_that_does_not_read_ends_in_a_timeout(void **state)
{
	struct pair p = make_pair();
	size_t n = 8u << 20;
	char *bytes = calloc(1, n);
	struct err err;

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(
		stream_write(p.ours, str_make(bytes, n), deadline_in(20), &err), E_TIMEOUT);
	free(bytes);
	close_pair(p);
}

static void half_an_answer_ends_in_a_timeout(void **state)
{
	struct pair p = make_pair();
	struct http_request q = {"GET", "/", "localhost", "", STR_EMPTY};
	struct http_answer a;
	struct err err;

	(void)state;
	say(p.theirs, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
	assert_int_equal(http_exchange(p.ours, &q, deadline_in(20), &a, &err), E_TIMEOUT);
	http_answer_fini(&a);
	close_pair(p);
}

/* --- connecting ------------------------------------------------------------ */

static void no_socket_and_no_listener_are_told_apart(void **state)
{
	char dir[64], path[80];
	struct err err;
	int fd = -1;

	(void)state;
	make_place(dir, path);
	assert_int_equal(stream_open_unix(path, deadline_in(LONG_MS), &fd, &err), E_NOTFOUND);
	assert_int_equal(socket_listen_unix(path, SOCK_STREAM, 0600, NULL, &fd, &err), E_OK);
	(void)close(fd);
	assert_int_equal(stream_open_unix(path, deadline_in(LONG_MS), &fd, &err), E_NET);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void a_full_backlog_ends_in_a_timeout(void **state)
{
	char dir[64], path[80];
	struct err err;
	int listener = -1, fd[64];
	int n = 0, rc = E_OK;

	(void)state;
	make_place(dir, path);
	assert_int_equal(socket_listen_unix(path, SOCK_STREAM, 0600, NULL, &listener, &err), E_OK);
	assert_int_equal(listen(listener, 1), 0);
	while (rc == E_OK && n < 64) {
		rc = stream_open_unix(path, deadline_in(30), &fd[n], &err);
		if (rc == E_OK)
			n++;
	}
	assert_int_equal(rc, E_TIMEOUT);
	while (n > 0)
		(void)close(fd[--n]);
	(void)close(listener);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void addresses_that_cannot_be_are_refused(void **state)
{
	char long_path[300];
	struct err err;
	int fd = -1;

	(void)state;
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	assert_int_equal(stream_open_unix(long_path, deadline_in(10), &fd, &err), E_INVAL);
	assert_int_equal(stream_open_unix("", deadline_in(10), &fd, &err), E_INVAL);
	assert_int_equal(stream_open_tcp("localhost", deadline_in(10), &fd, &err), E_INVAL);
	assert_int_equal(stream_open_tcp("127.0.0.1:", deadline_in(10), &fd, &err), E_INVAL);
	assert_int_equal(stream_open_tcp(":80", deadline_in(10), &fd, &err), E_INVAL);
	assert_int_equal(stream_open_tcp("[]:80", deadline_in(10), &fd, &err), E_INVAL);
	assert_int_equal(fd, -1);
}

static void tcp_reaches_a_listener_and_is_refused_without(void **state)
{
	char address[64];
	struct err err;
	int listener = -1, fd = -1;

	(void)state;
	assert_int_equal(socket_listen_tcp("127.0.0.1:0", &listener, &err), E_OK);
	socket_name(listener, address, sizeof address);
	assert_int_equal(stream_open_tcp(address, deadline_in(LONG_MS), &fd, &err), E_OK);
	(void)close(fd);
	(void)close(listener);
	assert_int_equal(stream_open_tcp(address, deadline_in(LONG_MS), &fd, &err), E_NET);
}

/* --- HTTP ------------------------------------------------------------------ */

static void answers_are_read(void **state)
{
	static const struct {
		const char *text;
		int status;
		uint32_t retry_after_s;
		const char *body;
	} cases[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, 0, "{}"},
		{"HTTP/1.1 200 OK\r\n\r\nto the end", 200, 0, "to the end"},
		{"HTTP/1.0 503 Away\r\nretry-after:  30 \r\ncontent-LENGTH: 0\r\n\r\n", 503, 30,
			""},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 No\r\nContent-Length: 1\r\n\r\nx", 413,
			0, "x"},
		{"HTTP/1.1 429 \r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n", 429, 0, ""},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxmore than told", 200, 0, "x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http_answer a;
		struct err err = {E_OK, ""};

		assert_int_equal(exchange_with(cases[i].text, &a, &err), E_OK);
		assert_int_equal(a.status, cases[i].status);
		assert_int_equal(a.retry_after_s, cases[i].retry_after_s);
		assert_true(str_eq(buf_view(&a.body), str_of(cases[i].body)));
		http_answer_fini(&a);
	}
}

static void answers_that_are_none_are_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"", E_NET},
		{"HTTP/1.1 200 OK\r\nContent-", E_NET},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", E_NET},
		{"HTTP/1.1 abc\r\n\r\n", E_SYNTAX},
		{"HTTP/1.1\r\n\r\n", E_SYNTAX},
		{"HTTP/1.1 099 Odd\r\n\r\n", E_SYNTAX},
		{"{\"status\":200}\r\n\r\n", E_SYNTAX},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", E_SYNTAX},
		{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", E_SYNTAX},
		{"HTTP/1.1 200 OK\r\nContent-Length: 68000000\r\n\r\n", E_TOOBIG},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", E_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http_answer a;
		struct err err = {E_OK, ""};

		assert_int_equal(exchange_with(cases[i].text, &a, &err), cases[i].rc);
		assert_int_equal(err.code, cases[i].rc);
		assert_true(err.text[0] != '\0');
		http_answer_fini(&a);
	}
}

static void *flood_headers(void *arg)
{
	int fd = *(int *)arg;
	struct err err;
	int rc = stream_write(fd, STR("HTTP/1.1 200 OK\r\n"), deadline_in(LONG_MS), &err);

	while (rc == E_OK)
		rc = stream_write(
			fd, STR("X-More: and more of it\r\n"), deadline_in(LONG_MS), &err);
	return NULL;
}

static void headers_that_do_not_end_are_refused(void **state)
{
	struct pair p = make_pair();
	struct http_request q = {"GET", "/", "localhost", "", STR_EMPTY};
	struct http_answer a;
	struct err err;
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, flood_headers, &p.theirs), 0);
	assert_int_equal(http_exchange(p.ours, &q, deadline_in(LONG_MS), &a, &err), E_TOOBIG);
	http_answer_fini(&a);
	(void)shutdown(p.ours, SHUT_RDWR);
	(void)pthread_join(t, NULL);
	close_pair(p);
}

/* protocol.md 4.1: a body beyond the limit is refused before it is read. */
static void an_answer_that_comes_before_the_body_is_sent_is_read(void **state)
{
	struct pair p = make_pair();
	size_t n = 8u << 20;
	char *bytes = calloc(1, n);
	struct http_request q = {"POST", "/", "localhost", "", {bytes, n}};
	struct http_answer a;
	struct err err;

	(void)state;
	assert_non_null(bytes);
	say(p.theirs, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
	(void)shutdown(p.theirs, SHUT_RDWR);
	assert_int_equal(http_exchange(p.ours, &q, deadline_in(LONG_MS), &a, &err), E_OK);
	assert_int_equal(a.status, 413);
	http_answer_fini(&a);
	free(bytes);
	close_pair(p);
}

static void a_request_is_what_http_expects(void **state)
{
	struct pair p = make_pair();
	struct http_request q = {
		"POST", "/api/1/envelope/", "localhost", "X-A: b\r\n", STR("{}\n")};
	struct http_answer a;
	struct buf got;
	struct err err;
	bool is_eof;

	(void)state;
	buf_init(&got, 0);
	say(p.theirs, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(http_exchange(p.ours, &q, deadline_in(LONG_MS), &a, &err), E_OK);
	(void)shutdown(p.ours, SHUT_WR);
	do
		assert_int_equal(
			stream_read(p.theirs, &got, deadline_in(LONG_MS), &is_eof, &err), E_OK);
	while (!is_eof);
	assert_true(str_eq(buf_view(&got),
		STR("POST /api/1/envelope/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		    "X-A: b\r\nContent-Length: 3\r\n\r\n{}\n")));
	buf_fini(&got);
	http_answer_fini(&a);
	close_pair(p);
}

/* --- lines ----------------------------------------------------------------- */

static void lines_come_one_by_one_whatever_the_pieces(void **state)
{
	struct pair p = make_pair();
	struct lines l;
	struct str line;
	struct err err;

	(void)state;
	lines_init(&l, p.ours);
	say(p.theirs, "one\ntwo\n\nfo");
	assert_int_equal(lines_read(&l, deadline_in(LONG_MS), &line, &err), E_OK);
	assert_true(str_eq(line, STR("one")));
	assert_int_equal(lines_read(&l, deadline_in(LONG_MS), &line, &err), E_OK);
	assert_true(str_eq(line, STR("two")));
	assert_int_equal(lines_read(&l, deadline_in(LONG_MS), &line, &err), E_OK);
	assert_int_equal(line.n, 0);
	say(p.theirs, "ur\n");
	assert_int_equal(lines_read(&l, deadline_in(LONG_MS), &line, &err), E_OK);
	assert_true(str_eq(line, STR("four")));
	assert_int_equal(lines_read(&l, deadline_in(20), &line, &err), E_TIMEOUT);
	say(p.theirs, "half");
	(void)close(p.theirs);
	p.theirs = -1;
	assert_int_equal(lines_read(&l, deadline_in(LONG_MS), &line, &err), E_NET);
	lines_fini(&l);
	close_pair(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_daemon_ends_in_a_timeout),
		cmocka_unit_test(a_daemon_that_does_not_read_ends_in_a_timeout),
		cmocka_unit_test(half_an_answer_ends_in_a_timeout),
		cmocka_unit_test(no_socket_and_no_listener_are_told_apart),
		cmocka_unit_test(a_full_backlog_ends_in_a_timeout),
		cmocka_unit_test(addresses_that_cannot_be_are_refused),
		cmocka_unit_test(tcp_reaches_a_listener_and_is_refused_without),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(answers_that_are_none_are_refused),
		cmocka_unit_test(headers_that_do_not_end_are_refused),
		cmocka_unit_test(an_answer_that_comes_before_the_body_is_sent_is_read),
		cmocka_unit_test(a_request_is_what_http_expects),
		cmocka_unit_test(lines_come_one_by_one_whatever_the_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
