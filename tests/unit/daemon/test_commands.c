/* The commands of the control socket, over a real socket and a real spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/encoding.h"
#include "base/sockets.h"
#include "daemon/commands.h"
#include "unit/spool/rig.h"

#define MAX_LINES 64

struct desk {
	struct rig rig;
	struct commands_ops ops;
	struct commands *commands;
	struct control *control;
	char path[160];
	int fd; /* the peer */
	bool is_held;
	int reloads, reload_rc;
	bool is_closed;
	/* the last answer */
	struct buf in;
	json_t *lines[MAX_LINES];
	size_t line_count;
};

/* --- the rest of the daemon ------------------------------------------------ */

static void op_status(void *arg, struct buf *out)
{
	(void)arg;
	buf_cstr(out, "{\"version\":\"test\"}");
}

static int op_reload(void *arg, struct err *err)
{
	struct desk *d = arg;

	d->reloads++;
	return d->reload_rc == E_OK ? E_OK : err_set(err, d->reload_rc, "file:7: wrong");
}

static void op_hold(void *arg, bool hold)
{
	((struct desk *)arg)->is_held = hold;
}

static bool op_is_held(void *arg)
{
	return ((struct desk *)arg)->is_held;
}

/* --- opening and closing --------------------------------------------------- */

static void peer_connect(struct desk *d)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	assert_true(strlen(d->path) < sizeof sa.sun_path);
	memcpy(sa.sun_path, d->path, strlen(d->path) + 1);
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(d->fd >= 0);
	assert_int_equal(connect(d->fd, (struct sockaddr *)&sa, sizeof sa), 0);
}

static int setup(void **state)
{
	struct desk *d = calloc(1, sizeof *d);
	struct commands_options o;
	struct err err;
	int fd = -1;

	assert_non_null(d);
	rig_init(&d->rig);
	rig_open(&d->rig);
	(void)snprintf(d->path, sizeof d->path, "%s/c", d->rig.dir);
	d->ops = (struct commands_ops){d, op_status, op_reload, op_hold, op_is_held};
	o = (struct commands_options){&d->rig.loop, d->rig.spool, &d->ops, NULL};
	assert_int_equal(commands_new(&d->commands, &o, &err), E_OK);
	assert_int_equal(socket_listen_unix(d->path, SOCK_STREAM, 0600, NULL, &fd, &err), E_OK);
	assert_int_equal(control_open(&d->control, &d->rig.loop, fd, d->path, commands_handle,
				 d->commands, NULL, &err),
		E_OK);
	buf_init(&d->in, 0);
	peer_connect(d);
	*state = d;
	return 0;
}

static void on_control_closed(void *arg)
{
	((struct desk *)arg)->is_closed = true;
}

static void on_commands_closed(void *arg)
{
	struct desk *d = arg;

	control_close(d->control, on_control_closed, d);
}

/* As the daemon ends: first the commands, then the socket they answer on. */
static void close_desk(struct desk *d)
{
	commands_close(d->commands, on_commands_closed, d);
	while (!d->is_closed)
		(void)uv_run(&d->rig.loop, UV_RUN_ONCE);
}

static void forget(struct desk *d)
{
	while (d->line_count > 0)
		json_decref(d->lines[--d->line_count]);
}

static int teardown(void **state)
{
	struct desk *d = *state;

	forget(d);
	buf_fini(&d->in);
	if (!d->is_closed)
		close_desk(d);
	(void)close(d->fd);
	rig_fini(&d->rig);
	free(d);
	return 0;
}

/* --- asking ---------------------------------------------------------------- */

static void send_line(struct desk *d, const char *line)
{
	assert_int_equal(send(d->fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	assert_int_equal(send(d->fd, "\n", 1, MSG_NOSIGNAL), 1);
}

static bool is_last_line(const json_t *line)
{
	return json_object_get(line, "ok") != NULL || json_object_get(line, "error") != NULL;
}

/* Turns the loop until the last line of an answer is there. */
static void await_answer(struct desk *d)
{
	char bytes[65536];

	for (;;) {
		size_t n = str_find_char(buf_view(&d->in), '\n');
		ssize_t got;

		if (n < d->in.n) {
			json_t *line = json_loadb(d->in.p, n, JSON_REJECT_DUPLICATES, NULL);

			assert_true(json_is_object(line));
			assert_true(d->line_count < MAX_LINES);
			d->lines[d->line_count++] = line;
			buf_consume(&d->in, n + 1);
			if (is_last_line(line))
				return;
			continue;
		}
		got = recv(d->fd, bytes, sizeof bytes, 0);
		if (got > 0)
			buf_add(&d->in, bytes, (size_t)got);
		else if (got < 0 && errno == EAGAIN)
			(void)uv_run(&d->rig.loop, UV_RUN_NOWAIT);
		else
			fail_msg("the connection ended");
	}
}

static const json_t *ask(struct desk *d, const char *line)
{
	forget(d);
	send_line(d, line);
	await_answer(d);
	return d->lines[d->line_count - 1];
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "(none)";
}

static json_int_t int_of(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static void expect_code(struct desk *d, const char *line, const char *code)
{
	const json_t *end = ask(d, line);

	if (strcmp(text_of(end, "code"), code) != 0)
		fail_msg("%s: %s, not %s", line, text_of(end, "code"), code);
	assert_true(text_of(end, "error")[0] != '(');
}

static void expect_ok(struct desk *d, const char *line)
{
	const json_t *end = ask(d, line);

	if (!json_is_true(json_object_get(end, "ok")))
		fail_msg("%s: %s", line, text_of(end, "error"));
}

/* --- requests that cannot be ----------------------------------------------- */

static void nonsense_is_refused_with_a_code(void **state)
{
	static const struct {
		const char *line, *code;
	} cases[] = {
		{"{}", "invalid"},
		{"{\"cmd\":7}", "invalid"},
		{"{\"cmd\":\"\"}", "unsupported"},
		{"{\"cmd\":\"statusx\"}", "unsupported"},
		{"{\"cmd\":\"status\\u0000x\"}", "syntax"},
		{"{\"cmd\":\"why\"}", "invalid"},
		{"{\"cmd\":\"why\",\"event_id\":7}", "invalid"},
		{"{\"cmd\":\"why\",\"event_id\":\"9ec79c33\"}", "invalid"},
		{"{\"cmd\":\"drain\",\"timeout_s\":-1}", "invalid"},
		{"{\"cmd\":\"drain\",\"timeout_s\":\"1\"}", "invalid"},
		{"{\"cmd\":\"drain\",\"timeout_s\":604801}", "invalid"},
		{"{\"cmd\":\"spool_ls\",\"max\":0}", "invalid"},
		{"{\"cmd\":\"spool_ls\",\"max\":10001}", "invalid"},
		{"{\"cmd\":\"spool_ls\",\"class\":\"errors\"}", "invalid"},
		{"{\"cmd\":\"spool_ls\",\"class\":1}", "invalid"},
		{"{\"cmd\":\"spool_show\"}", "invalid"},
		{"{\"cmd\":\"spool_show\",\"seq\":0}", "invalid"},
		{"{\"cmd\":\"spool_show\",\"seq\":1.5}", "invalid"},
		{"{\"cmd\":\"spool_purge\",\"class\":\"all\"}", "invalid"},
		{"{\"cmd\":\"spool_purge\",\"project\":1}", "invalid"},
		{"{\"cmd\":\"dead_show\",\"seq\":-1}", "invalid"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect_code(*state, cases[i].line, cases[i].code);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct desk *d = *state;

	expect_code(d, "{\"cmd\":\"why\",\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}",
		"not-found");
	expect_code(d, "{\"cmd\":\"spool_show\",\"seq\":12345}", "not-found");
	expect_code(d, "{\"cmd\":\"dead_show\",\"seq\":12345}", "not-found");
	expect_code(d, "{\"cmd\":\"spool_purge\",\"project\":\"77\"}", "not-found");
	expect_ok(d, "{\"cmd\":\"spool_ls\"}");
	assert_int_equal(d->line_count, 1);
	expect_ok(d, "{\"cmd\":\"dead_ls\"}");
	assert_int_equal(d->line_count, 1);
}

/* --- orders ---------------------------------------------------------------- */

static void status_is_one_line_and_an_end(void **state)
{
	struct desk *d = *state;

	expect_ok(d, "{\"cmd\":\"status\"}");
	assert_int_equal(d->line_count, 2);
	assert_string_equal(text_of(d->lines[0], "version"), "test");
}

static void holding_and_releasing_reach_the_sender(void **state)
{
	struct desk *d = *state;

	expect_ok(d, "{\"cmd\":\"hold\"}");
	assert_true(d->is_held);
	expect_ok(d, "{\"cmd\":\"release\"}");
	assert_false(d->is_held);
}

static void a_failed_reload_says_why(void **state)
{
	struct desk *d = *state;

	expect_ok(d, "{\"cmd\":\"reload\"}");
	d->reload_rc = E_INVAL;
	expect_code(d, "{\"cmd\":\"reload\"}", "invalid");
	assert_string_equal(text_of(d->lines[0], "error"), "file:7: wrong");
	assert_int_equal(d->reloads, 2);
}

/* --- looking --------------------------------------------------------------- */

static void lists_tell_class_project_and_counts_but_no_payload(void **state)
{
	struct desk *d = *state;
	const json_t *row;
	char id[EVENT_ID_HEX_BYTES];

	(void)put_error(&d->rig, 1);
	assert_int_equal(
		put_one(&d->rig, &(struct what){DSN_B, CLASS_BULK, CAT_ATTACHMENT, 50, 2}, NULL),
		0);
	(void)put_error(&d->rig, 3);
	expect_ok(d, "{\"cmd\":\"spool_ls\"}");
	assert_int_equal(d->line_count, 4);
	row = d->lines[0];
	event_id_hex(&(struct event_id){{0}}, id);
	struct event_id first = id_of(1);

	event_id_hex(&first, id);
	assert_string_equal(text_of(row, "event_id"), id);
	assert_string_equal(text_of(row, "class"), "error");
	assert_string_equal(text_of(row, "project"), "1");
	assert_string_equal(text_of(row, "host"), "a.example");
	assert_int_equal(int_of(json_object_get(row, "items"), "error"), 1);
	assert_true(int_of(row, "bytes") > 100);
	assert_true(int_of(row, "seq") > 0);
	assert_null(json_object_get(row, "envelope"));
	for (size_t i = 0; i < d->line_count; i++) {
		char *text = json_dumps(d->lines[i], 0);

		assert_null(strstr(text, "aaaaaaaa")); /* never a key */
		free(text);
	}
	expect_ok(d, "{\"cmd\":\"spool_ls\",\"class\":\"bulk\"}");
	assert_int_equal(d->line_count, 2);
	assert_string_equal(text_of(d->lines[0], "project"), "2");
	expect_ok(d, "{\"cmd\":\"spool_ls\",\"max\":2}");
	assert_int_equal(d->line_count, 3);
	assert_int_equal(int_of(d->lines[2], "count"), 2);
}

static void one_envelope_is_shown_byte_for_byte(void **state)
{
	struct desk *d = *state;
	uint64_t seq = put_error(&d->rig, 9);
	char line[80], bytes[400];
	size_t n = 0;

	(void)put_error(&d->rig, 10);
	(void)snprintf(line, sizeof line, "{\"cmd\":\"spool_show\",\"seq\":%llu}",
		(unsigned long long)seq);
	expect_ok(d, line);
	assert_int_equal(d->line_count, 2);
	assert_true(base64_decode(str_of(text_of(d->lines[0], "envelope")), bytes, &n));
	assert_int_equal(n, 3 + 100);
	assert_memory_equal(bytes, "{}\n", 3);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal((unsigned char)bytes[3 + i], (9 * 31 + i * 7) & 0xff);
}

static void a_life_is_told_from_start_to_end(void **state)
{
	struct desk *d = *state;
	uint64_t seq = put_error(&d->rig, 5);
	struct settlement st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, 5);
	struct event_id id = id_of(5);
	char hex[EVENT_ID_HEX_BYTES], line[100];

	st.end = SETTLE_REMOVE;
	spool_settle(d->rig.spool, &st);
	while (!spool_is_idle(d->rig.spool))
		(void)uv_run(&d->rig.loop, UV_RUN_ONCE);
	event_id_hex(&id, hex);
	(void)snprintf(line, sizeof line, "{\"cmd\":\"why\",\"event_id\":\"%s\"}", hex);
	expect_ok(d, line);
	assert_int_equal(d->line_count, 3);
	assert_string_equal(text_of(d->lines[0], "what"), "stored");
	assert_string_equal(text_of(d->lines[1], "what"), "delivered");
	assert_int_equal(int_of(d->lines[1], "status"), 200);
	assert_int_equal(int_of(d->lines[1], "seq"), seq);
}

static void dead_letters_are_listed_and_shown(void **state)
{
	struct desk *d = *state;
	uint64_t seq = put_error(&d->rig, 6);
	struct settlement st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, 6);
	char line[80], bytes[400];
	size_t n = 0;

	st.end = SETTLE_DEAD;
	st.status = 405;
	st.why = DROP_SEND_ERROR;
	st.delivered = (struct quantities){{0}};
	(void)snprintf(st.text, sizeof st.text, "method not allowed");
	spool_settle(d->rig.spool, &st);
	while (!spool_is_idle(d->rig.spool))
		(void)uv_run(&d->rig.loop, UV_RUN_ONCE);
	expect_ok(d, "{\"cmd\":\"dead_ls\",\"class\":\"error\"}");
	assert_int_equal(d->line_count, 2);
	assert_int_equal(int_of(d->lines[0], "status"), 405);
	assert_string_equal(text_of(d->lines[0], "reason"), "send_error");
	assert_string_equal(text_of(d->lines[0], "text"), "method not allowed");
	(void)snprintf(line, sizeof line, "{\"cmd\":\"dead_show\",\"seq\":%lld}",
		(long long)int_of(d->lines[0], "seq"));
	expect_ok(d, line);
	assert_true(base64_decode(str_of(text_of(d->lines[0], "envelope")), bytes, &n));
	assert_int_equal(n, 3 + 100);
	expect_ok(d, "{\"cmd\":\"dead_ls\",\"class\":\"bulk\"}");
	assert_int_equal(d->line_count, 1);
}

/* --- purge ----------------------------------------------------------------- */

static void purging_takes_what_was_asked_and_counts_it(void **state)
{
	struct desk *d = *state;
	const struct tally *t = spool_tally(d->rig.spool);
	enum category broken;

	(void)put_error(&d->rig, 1);
	assert_int_equal(
		put_one(&d->rig, &(struct what){DSN_B, CLASS_ERROR, CAT_ERROR, 50, 2}, NULL), 0);
	assert_int_equal(
		put_one(&d->rig, &(struct what){DSN_B, CLASS_BULK, CAT_REPLAY, 50, 3}, NULL), 0);
	expect_ok(d, "{\"cmd\":\"spool_purge\",\"class\":\"error\",\"project\":\"2\"}");
	assert_int_equal(int_of(d->lines[0], "purged"), 1);
	expect_ok(d, "{\"cmd\":\"spool_purge\",\"class\":\"bulk\"}");
	assert_int_equal(int_of(d->lines[0], "purged"), 1);
	assert_int_equal(t->dropped[DROP_CACHE_OVERFLOW].of[CAT_ERROR], 1);
	expect_ok(d, "{\"cmd\":\"spool_purge\"}");
	assert_int_equal(int_of(d->lines[0], "purged"), 1);
	assert_int_equal(t->dropped[DROP_CACHE_OVERFLOW].of[CAT_ERROR], 2);
	assert_int_equal(t->dropped[DROP_CACHE_OVERFLOW].of[CAT_REPLAY], 1);
	assert_true(tally_holds(t, &broken));
	expect_ok(d, "{\"cmd\":\"spool_ls\"}");
	assert_int_equal(d->line_count, 1);
}

/* --- drain ----------------------------------------------------------------- */

static void draining_an_empty_spool_answers_at_once(void **state)
{
	struct desk *d = *state;

	expect_ok(d, "{\"cmd\":\"drain\",\"timeout_s\":3600}");
	assert_true(json_is_true(json_object_get(d->lines[0], "empty")));
}

static void draining_tells_what_is_left_when_time_is_over(void **state)
{
	struct desk *d = *state;

	(void)put_error(&d->rig, 1);
	expect_ok(d, "{\"cmd\":\"drain\",\"timeout_s\":0}");
	assert_true(json_is_false(json_object_get(d->lines[0], "empty")));
	assert_int_equal(int_of(d->lines[0], "records"), 1);
	assert_true(int_of(d->lines[0], "bytes") > 100);
}

static void a_drain_ends_when_the_last_record_leaves(void **state)
{
	struct desk *d = *state;
	uint64_t seq = put_error(&d->rig, 1);
	struct settlement st = settlement_of(DSN_A, CLASS_ERROR, CAT_ERROR, seq, 1);

	send_line(d, "{\"cmd\":\"drain\",\"timeout_s\":3600}");
	for (int i = 0; i < 10; i++)
		(void)uv_run(&d->rig.loop, UV_RUN_NOWAIT);
	spool_settle(d->rig.spool, &st);
	await_answer(d);
	assert_true(json_is_true(json_object_get(d->lines[0], "empty")));
}

static void a_held_spool_is_not_drained(void **state)
{
	struct desk *d = *state;

	expect_ok(d, "{\"cmd\":\"hold\"}");
	expect_code(d, "{\"cmd\":\"drain\"}", "invalid");
}

/* --- closing --------------------------------------------------------------- */

static void closing_answers_who_waits_and_who_comes(void **state)
{
	struct desk *d = *state;

	(void)put_error(&d->rig, 1);
	send_line(d, "{\"cmd\":\"status\"}\n{\"cmd\":\"drain\",\"timeout_s\":3600}");
	await_answer(d);
	forget(d);
	close_desk(d);
	await_answer(d);
	assert_string_equal(text_of(d->lines[0], "code"), "canceled");
}

static void a_look_under_way_is_waited_for(void **state)
{
	struct desk *d = *state;

	for (uint64_t i = 0; i < 40; i++)
		(void)put_error(&d->rig, i);
	/* Read together, so the second runs as soon as the first is answered. */
	send_line(d, "{\"cmd\":\"hold\"}\n{\"cmd\":\"spool_ls\"}");
	await_answer(d);
	forget(d);
	close_desk(d);
	await_answer(d); /* rows or "canceled", but an end */
	assert_true(is_last_line(d->lines[d->line_count - 1]));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nonsense_is_refused_with_a_code),
		TEST(what_is_not_there_is_not_found),
		TEST(status_is_one_line_and_an_end),
		TEST(holding_and_releasing_reach_the_sender),
		TEST(a_failed_reload_says_why),
		TEST(lists_tell_class_project_and_counts_but_no_payload),
		TEST(one_envelope_is_shown_byte_for_byte),
		TEST(a_life_is_told_from_start_to_end),
		TEST(dead_letters_are_listed_and_shown),
		TEST(purging_takes_what_was_asked_and_counts_it),
		TEST(draining_an_empty_spool_answers_at_once),
		TEST(draining_tells_what_is_left_when_time_is_over),
		TEST(a_drain_ends_when_the_last_record_leaves),
		TEST(a_held_spool_is_not_drained),
		TEST(closing_answers_who_waits_and_who_comes),
		TEST(a_look_under_way_is_waited_for),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
