/* The control socket on a real loop: pipelined lines, endless lines, garbage,
 * peers that go away or do not read. The peer is a plain descriptor on the same
 * thread; the loop is turned until what is waited for is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/sockets.h"
#include "ops/control.h"

#define MAX_OWED 64

struct rig {
	uv_loop_t loop;
	struct control *control;
	char dir[64], path[80];
	struct control_reply *owed[MAX_OWED];
	int owed_count;
	int requests;
	bool closed;
};

/* Answers by "cmd": echo at once, later when release_owed() says, flood. */
static void on_request(void *arg, const json_t *request, struct control_reply *reply)
{
	struct rig *r = arg;
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_int_t n = json_integer_value(json_object_get(request, "n"));

	r->requests++;
	if (cmd == NULL) {
		control_fail(reply, E_INVAL, "no \"cmd\"");
	} else if (strcmp(cmd, "later") == 0) {
		r->owed[r->owed_count++] = reply;
	} else if (strcmp(cmd, "rows") == 0) {
		for (json_int_t i = 0; i < n; i++)
			control_send(reply, json_pack("{s:I}", "row", i));
		control_end(reply, json_pack("{s:I}", "count", n));
	} else if (strcmp(cmd, "flood") == 0) {
		char *big = malloc(1 << 20);

		assert_non_null(big);
		memset(big, 'x', 1 << 20);
		big[0] = big[(1 << 20) - 1] = '"';
		for (json_int_t i = 0; i < n; i++)
			control_send_text(reply, str_make(big, 1 << 20));
		control_end(reply, NULL);
		free(big);
	} else if (strcmp(cmd, "no-memory") == 0) {
		control_send(reply, NULL);
		control_end(reply, NULL);
	} else {
		control_end(reply, json_pack("{s:O}", "echo", request));
	}
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof *r);
	const char *tmp = getenv("TMPDIR");
	struct err err;
	int fd = -1;

	assert_non_null(r);
	(void)snprintf(r->dir, sizeof r->dir, "%s/picket-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(r->dir));
	(void)snprintf(r->path, sizeof r->path, "%s/c", r->dir);
	assert_int_equal(uv_loop_init(&r->loop), 0);
	assert_int_equal(socket_listen_unix(r->path, SOCK_STREAM, 0600, NULL, &fd, &err), E_OK);
	assert_int_equal(
		control_open(&r->control, &r->loop, fd, r->path, on_request, r, NULL, &err), E_OK);
	*state = r;
	return 0;
}

static void on_closed(void *arg)
{
	((struct rig *)arg)->closed = true;
}

static void turn(struct rig *r)
{
	(void)uv_run(&r->loop, UV_RUN_NOWAIT);
}

static void close_control(struct rig *r)
{
	control_close(r->control, on_closed, r);
	r->control = NULL;
	assert_int_equal(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
	assert_true(r->closed);
	while (r->owed_count > 0)
		control_end(r->owed[--r->owed_count], NULL);
}

static int teardown(void **state)
{
	struct rig *r = *state;

	if (r->control != NULL)
		close_control(r);
	assert_int_equal(uv_loop_close(&r->loop), 0);
	assert_int_equal(rmdir(r->dir), 0); /* the socket file is gone */
	free(r);
	return 0;
}

/* --- the peer -------------------------------------------------------------- */

static int peer_connect(const struct rig *r)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	(void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", r->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

static void peer_send(struct rig *r, int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t got = send(fd, text, n, MSG_NOSIGNAL);

		if (got > 0) {
			text += got;
			n -= (size_t)got;
		} else if (errno != EAGAIN) {
			return; /* refused; the answer tells */
		}
		turn(r);
	}
}

static void peer_say(struct rig *r, int fd, const char *text)
{
	peer_send(r, fd, text, strlen(text));
}

/* Appends what is there. True at the end of the stream. */
static bool peer_read(int fd, struct buf *in)
{
	for (;;) {
		char *to = buf_reserve(in, 65536);
		ssize_t n;

		assert_non_null(to);
		n = recv(fd, to, 65536, 0);
		if (n <= 0)
			return n == 0 || errno != EAGAIN;
		buf_grew(in, (size_t)n);
	}
}

static size_t line_count(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

static void await_lines(struct rig *r, int fd, struct buf *in, size_t n)
{
	while (line_count(in) < n && !peer_read(fd, in))
		turn(r);
	assert_int_equal(line_count(in), n);
}

static void await_end(struct rig *r, int fd, struct buf *in)
{
	while (!peer_read(fd, in))
		turn(r);
}

static void expect(const struct buf *in, const char *text)
{
	struct buf copy = BUF_INIT;

	buf_str(&copy, buf_view(in));
	buf_char(&copy, '\0');
	assert_string_equal(copy.p, text);
	buf_fini(&copy);
}

/* --- requests -------------------------------------------------------------- */

static void the_file_is_for_its_owner_only(void **state)
{
	struct rig *r = *state;
	struct stat st;

	assert_int_equal(stat(r->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void pipelined_lines_are_answered_in_order(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"a\"}\n{\"cmd\":\"rows\",\"n\":2}\n\n  \n{\"cmd\":\"b\"}\n");
	await_lines(r, fd, &in, 5);
	expect(&in, "{\"ok\":true,\"echo\":{\"cmd\":\"a\"}}\n"
		    "{\"row\":0}\n{\"row\":1}\n{\"ok\":true,\"count\":2}\n"
		    "{\"ok\":true,\"echo\":{\"cmd\":\"b\"}}\n");
	buf_fini(&in);
	(void)close(fd);
}

static void a_line_may_come_in_pieces(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;
	const char *text = "{\"cmd\":\"piecemeal\"}\n";

	for (size_t i = 0; text[i] != '\0'; i++) {
		assert_int_equal(r->requests, 0);
		peer_send(r, fd, &text[i], 1);
		turn(r);
	}
	await_lines(r, fd, &in, 1);
	assert_int_equal(r->requests, 1);
	buf_fini(&in);
	(void)close(fd);
}

/* As socat and "echo | nc" do: no line feed needed, the answer still comes. */
static void a_peer_that_half_closes_gets_its_answer(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"last\"}");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	await_end(r, fd, &in);
	expect(&in, "{\"ok\":true,\"echo\":{\"cmd\":\"last\"}}\n");
	buf_fini(&in);
	(void)close(fd);
}

static void a_late_answer_holds_the_next_request_back(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"later\"}\n{\"cmd\":\"next\"}\n");
	while (r->owed_count == 0)
		turn(r);
	for (int i = 0; i < 10; i++)
		turn(r);
	assert_int_equal(r->requests, 1);
	control_send(r->owed[0], json_pack("{s:i}", "x", 1));
	control_end(r->owed[0], NULL);
	r->owed_count = 0;
	await_lines(r, fd, &in, 3);
	expect(&in, "{\"x\":1}\n{\"ok\":true}\n{\"ok\":true,\"echo\":{\"cmd\":\"next\"}}\n");
	buf_fini(&in);
	(void)close(fd);
}

static void connections_do_not_wait_for_each_other(void **state)
{
	struct rig *r = *state;
	int slow = peer_connect(r), quick = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, slow, "{\"cmd\":\"later\"}\n");
	while (r->owed_count == 0)
		turn(r);
	peer_say(r, quick, "{\"cmd\":\"x\"}\n");
	await_lines(r, quick, &in, 1);
	buf_fini(&in);
	(void)close(slow);
	(void)close(quick);
}

/* --- bad requests ---------------------------------------------------------- */

static void garbage_is_answered_and_the_connection_goes_on(void **state)
{
	static const char garbage[] =
		"nonsense\n[1]\n\"x\"\n{\"a\":1,\"a\":2}\n{\"cmd\":\n\xff\xfe\n{}\n";
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;
	struct str rest, line;

	peer_send(r, fd, garbage, sizeof garbage - 1);
	peer_send(r, fd, "\0\0\n", 3);
	peer_say(r, fd, "{\"cmd\":\"fine\"}\n");
	await_lines(r, fd, &in, 9);
	rest = buf_view(&in);
	for (int i = 0; i < 6; i++) {
		assert_true(str_cut(&rest, '\n', &line));
		assert_true(str_ends(line, STR(",\"code\":\"syntax\"}")));
	}
	assert_true(str_cut(&rest, '\n', &line));
	assert_true(str_eq(line, STR("{\"error\":\"no \\\"cmd\\\"\",\"code\":\"invalid\"}")));
	assert_true(str_cut(&rest, '\n', &line));
	assert_true(str_ends(line, STR(",\"code\":\"syntax\"}")));
	assert_true(str_cut(&rest, '\n', &line));
	assert_true(str_starts(line, STR("{\"ok\":true")));
	buf_fini(&in);
	(void)close(fd);
}

static void deep_nesting_is_an_error_not_a_crash(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < 500000; i++)
		buf_char(&out, '[');
	buf_char(&out, '\n');
	peer_send(r, fd, out.p, out.n);
	await_lines(r, fd, &in, 1);
	assert_true(str_find(buf_view(&in), STR("syntax")) < in.n);
	buf_fini(&in);
	buf_fini(&out);
	(void)close(fd);
}

static void an_endless_line_is_refused_and_closed(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;
	size_t n = 3u << 20;
	char *bytes = malloc(n);

	assert_non_null(bytes);
	memset(bytes, ' ', n);
	peer_send(r, fd, bytes, n);
	await_end(r, fd, &in);
	/* A reset may take the sentence away; the end is what must come. */
	if (in.n > 0)
		expect(&in, "{\"error\":\"a request has at most 1 MiB\",\"code\":\"too-big\"}\n");
	assert_int_equal(r->requests, 0);
	free(bytes);
	buf_fini(&in);
	(void)close(fd);
}

static void a_line_of_nearly_1_mib_is_taken(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;
	size_t n = 1u << 20;
	char *bytes = malloc(n + 1);

	assert_non_null(bytes);
	memset(bytes, ' ', n);
	memcpy(bytes, "{\"cmd\":\"x\"}", 11);
	bytes[n] = '\n';
	peer_send(r, fd, bytes, n + 1);
	await_lines(r, fd, &in, 1);
	assert_int_equal(r->requests, 1);
	free(bytes);
	buf_fini(&in);
	(void)close(fd);
}

static void a_line_that_cannot_be_made_ends_in_an_error(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"no-memory\"}\n");
	await_lines(r, fd, &in, 1);
	expect(&in, "{\"error\":\"no memory for the answer\",\"code\":\"no-memory\"}\n");
	buf_fini(&in);
	(void)close(fd);
}

/* --- peers that go away or do not read ------------------------------------- */

static void a_reply_survives_its_peer(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r), other = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"later\"}\n");
	while (r->owed_count == 0)
		turn(r);
	(void)close(fd);
	/* The peer is seen to be gone by the first write; then nothing may be sent. */
	control_send(r->owed[0], json_pack("{s:i}", "x", 1));
	for (int i = 0; i < 10; i++)
		turn(r);
	control_send(r->owed[0], json_pack("{s:i}", "x", 2));
	control_end(r->owed[0], json_pack("{s:i}", "x", 3));
	r->owed_count = 0;
	peer_say(r, other, "{\"cmd\":\"x\"}\n");
	await_lines(r, other, &in, 1);
	buf_fini(&in);
	(void)close(other);
}

static void a_slow_reader_gets_everything(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"flood\",\"n\":20}\n{\"cmd\":\"rows\",\"n\":1000}\n");
	for (int i = 0; i < 50; i++)
		turn(r); /* the kernel's buffer is full, the rest waits here */
	await_lines(r, fd, &in, 20 + 1 + 1000 + 1);
	assert_true(str_ends(buf_view(&in), STR("{\"row\":999}\n{\"ok\":true,\"count\":1000}\n")));
	buf_fini(&in);
	(void)close(fd);
}

static void a_peer_that_lets_answers_pile_up_is_closed(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"flood\",\"n\":80}\n");
	while (r->requests == 0)
		turn(r);
	await_end(r, fd, &in);
	assert_true(line_count(&in) < 80);
	buf_fini(&in);
	(void)close(fd);
}

static void connections_are_bounded(void **state)
{
	struct rig *r = *state;
	int fd[40];
	struct buf in = BUF_INIT;

	for (int i = 0; i < 40; i++) {
		fd[i] = peer_connect(r);
		for (int k = 0; k < 3; k++)
			turn(r);
	}
	await_end(r, fd[39], &in);
	expect(&in, "{\"error\":\"too many connections to the control socket\","
		    "\"code\":\"limited\"}\n");
	for (int i = 0; i < 40; i++)
		(void)close(fd[i]);
	for (int i = 0; i < 20; i++)
		turn(r);
	buf_clear(&in);
	fd[0] = peer_connect(r);
	peer_say(r, fd[0], "{\"cmd\":\"again\"}\n");
	await_lines(r, fd[0], &in, 1);
	buf_fini(&in);
	(void)close(fd[0]);
}

/* --- closing --------------------------------------------------------------- */

static void what_was_answered_before_closing_arrives(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"later\"}\n");
	while (r->owed_count == 0)
		turn(r);
	control_fail(r->owed[0], E_CANCELED, "the daemon is ending");
	r->owed_count = 0;
	close_control(r);
	await_end(r, fd, &in);
	expect(&in, "{\"error\":\"the daemon is ending\",\"code\":\"canceled\"}\n");
	assert_int_equal(access(r->path, F_OK), -1);
	buf_fini(&in);
	(void)close(fd);
}

static void closing_with_answers_owed_frees_all(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r), idle = peer_connect(r);
	struct buf in = BUF_INIT;

	peer_say(r, fd, "{\"cmd\":\"later\"}\n{\"cmd\":\"never\"}\n");
	while (r->owed_count == 0)
		turn(r);
	close_control(r);
	assert_int_equal(r->requests, 1);
	await_end(r, fd, &in);
	assert_int_equal(in.n, 0);
	buf_fini(&in);
	(void)close(fd);
	(void)close(idle);
}

/* Half a second is given, not more; a peer that never reads cannot stop the end. */
static void a_peer_that_does_not_read_does_not_stop_the_end(void **state)
{
	struct rig *r = *state;
	int fd = peer_connect(r);

	peer_say(r, fd, "{\"cmd\":\"flood\",\"n\":20}\n");
	while (r->requests == 0)
		turn(r);
	close_control(r);
	(void)close(fd);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_file_is_for_its_owner_only),
		TEST(pipelined_lines_are_answered_in_order),
		TEST(a_line_may_come_in_pieces),
		TEST(a_peer_that_half_closes_gets_its_answer),
		TEST(a_late_answer_holds_the_next_request_back),
		TEST(connections_do_not_wait_for_each_other),
		TEST(garbage_is_answered_and_the_connection_goes_on),
		TEST(deep_nesting_is_an_error_not_a_crash),
		TEST(an_endless_line_is_refused_and_closed),
		TEST(a_line_of_nearly_1_mib_is_taken),
		TEST(a_line_that_cannot_be_made_ends_in_an_error),
		TEST(a_reply_survives_its_peer),
		TEST(a_slow_reader_gets_everything),
		TEST(a_peer_that_lets_answers_pile_up_is_closed),
		TEST(connections_are_bounded),
		TEST(what_was_answered_before_closing_arrives),
		TEST(closing_with_answers_owed_frees_all),
		TEST(a_peer_that_does_not_read_does_not_stop_the_end),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
