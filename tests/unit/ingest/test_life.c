/* Connections over real sockets: slow, silent, vanishing, too many; the end. */
#include <sys/resource.h>

#include "harness.h"

static const char *const hasty[] = {"PICKET_LISTEN_HEADER_TIMEOUT=60ms",
	"PICKET_LISTEN_BODY_TIMEOUT=60ms", "PICKET_LISTEN_IDLE_TIMEOUT=60ms", NULL};

static void slow_clients_are_told_and_closed(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, hasty, 0);
	fd = client_tcp(&rig);
	client_say(&rig, fd, "POST /api/42/env");
	client_expect(&rig, fd, 408);
	assert_true(client_is_at_end(&rig, fd));
	(void)close(fd);
	fd = client_tcp(&rig);
	client_say(&rig, fd,
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY "Content-Length: 9\r\n\r\n{}");
	client_expect(&rig, fd, 408);
	assert_true(client_is_at_end(&rig, fd));
	(void)close(fd);
	fd = client_unix(&rig);
	client_say(&rig, fd, "{}");
	rig_wait(&rig, rig.counters.answers_4xx == 3);
	(void)close(fd);
	rig_close(&rig);
}

static void trickled_headers_do_not_put_the_deadline_off(void **state)
{
	struct rig rig;
	bool ended = false;
	int fd;

	(void)state;
	rig_open(&rig, hasty, 0);
	fd = client_tcp(&rig);
	client_say(&rig, fd, "GET / HTTP/1.1\r\n" HOST);
	while (!ended) {
		(void)send(fd, "a: b\r\n", 6, MSG_NOSIGNAL);
		rig_turn(&rig);
		ended = rig.counters.answers_4xx == 1;
	}
	client_expect(&rig, fd, 408);
	(void)close(fd);
	rig_close(&rig);
}

static void idle_connections_are_closed_in_silence(void **state)
{
	struct rig rig;
	int fds[3];

	(void)state;
	rig_open(&rig, hasty, 0);
	fds[0] = client_tcp(&rig);
	fds[1] = client_unix(&rig);
	fds[2] = client_unix(&rig);
	client_post(&rig, fds[2], KEY, ENVELOPE);
	client_expect(&rig, fds[2], 200);
	for (int i = 0; i < 3; i++) {
		assert_true(client_is_at_end(&rig, fds[i]));
		(void)close(fds[i]);
	}
	assert_int_equal(rig.counters.answers_4xx, 0);
	rig_close(&rig);
}

static void an_answer_that_is_owed_has_no_deadline(void **state)
{
	struct rig rig;
	int fd, idle;

	(void)state;
	rig_open(&rig, hasty, 0);
	rig.hold = true;
	fd = client_tcp(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	rig_wait(&rig, rig.held_count == 1);
	idle = client_tcp(&rig);
	assert_true(client_is_at_end(&rig, idle)); /* the timeouts have passed */
	(void)close(idle);
	rig_answer(&rig, 0);
	client_expect(&rig, fd, 200);
	(void)close(fd);
	rig_close(&rig);
}

static void clients_may_vanish_after_any_byte(void **state)
{
	static const char *const texts[] = {
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
		"Content-Length: 8\r\n\r\n{}\n{}\n{}",
		"POST /api/42/envelope/ HTTP/1.1\r\n" HOST KEY
		"Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n",
		"POST /nope HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n{}\n",
		ENVELOPE,
	};
	struct rig rig;

	(void)state;
	rig_open(&rig, NULL, 1); /* framing by way of the pool */
	for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
		for (size_t n = 0; n <= strlen(texts[t]); n++) {
			int fd = client_unix(&rig);

			assert_true(client_send(&rig, fd, texts[t], n));
			(void)close(fd);
			if (n % 3 == 0)
				rig_wait(&rig, rig.counters.connections == 0);
		}
	}
	rig_wait(&rig, rig.counters.connections == 0);
	assert_int_equal(ingest_busy(rig.in), 0);
	rig_close(&rig);
}

static void the_envelope_goes_on_without_its_client(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	rig.hold = true;
	fd = client_unix(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	rig_wait(&rig, rig.held_count == 1);
	(void)close(fd);
	fd = client_tcp(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	rig_wait(&rig, rig.held_count == 2);
	(void)close(fd);
	rig_turn(&rig);
	rig_answer(&rig, 0);
	rig_answer(&rig, 1);
	rig_wait(&rig, rig.counters.connections == 0);
	rig_close(&rig);
}

static void a_half_closed_client_gets_its_answers(void **state)
{
	struct rig rig;
	char *text = post_text(KEY, ENVELOPE);
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	rig.hold = true;
	fd = client_unix(&rig);
	client_say(&rig, fd, text);
	client_say(&rig, fd, text);
	client_say(&rig, fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\nPOST /half");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	rig_wait(&rig, rig.held_count == 1);
	rig_answer(&rig, 0);
	client_expect(&rig, fd, 200);
	rig_wait(&rig, rig.held_count == 2);
	rig_answer(&rig, 1);
	client_expect(&rig, fd, 200);
	client_expect(&rig, fd, 200);
	client_expect(&rig, fd, 400);
	assert_true(client_is_at_end(&rig, fd));
	free(text);
	(void)close(fd);
	rig_close(&rig);
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
	struct rig rig;
	char *text = post_text(KEY, ENVELOPE);
	size_t n = strlen(text);
	int fd, small = 4096;
	uint64_t sent = 0;

	(void)state;
	rig_open(&rig, hasty, 0);
	fd = client_unix(&rig);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	rig_turn(&rig);
	while (rig.counters.connections > 0 || sent == 0) {
		if (send(fd, text + sent % n, n - sent % n, MSG_NOSIGNAL) > 0)
			sent += n - sent % n;
		rig_turn(&rig);
	}
	assert_true(budget_used(&rig.budget) == 0);
	free(text);
	(void)close(fd);
	rig_close(&rig);
}

static void connections_beyond_the_cap_are_answered_503(void **state)
{
	static const char *const env[] = {"PICKET_LISTEN_MAX_CONNECTIONS=2", NULL};
	struct rig rig;
	struct response r;
	int a, b, c;

	(void)state;
	rig_open(&rig, env, 0);
	a = client_tcp(&rig);
	b = client_unix(&rig);
	rig_wait(&rig, rig.counters.connections == 2);
	c = client_tcp(&rig);
	client_post(&rig, c, KEY, ENVELOPE);
	client_answer(&rig, c, &r, false);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.head, "Retry-After: "));
	assert_true(client_is_at_end(&rig, c));
	(void)close(c);
	assert_int_equal(rig.counters.connections_refused, 1);
	assert_int_equal(rig.counters.connections, 2);
	(void)close(a);
	rig_wait(&rig, rig.counters.connections == 1);
	c = client_tcp(&rig);
	client_post(&rig, c, KEY, ENVELOPE);
	client_expect(&rig, c, 200);
	(void)close(b);
	(void)close(c);
	rig_close(&rig);
}

static void a_full_descriptor_table_is_waited_out(void **state)
{
	struct rig rig;
	struct rlimit before, few;
	int spare[4], fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig); /* waits in the backlog */
	for (int i = 0; i < 4; i++)
		assert_true((spare[i] = dup(fd)) >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)spare[0];
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 20; i++)
		rig_turn(&rig);
	assert_int_equal(rig.counters.connections_total, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	client_post(&rig, fd, KEY, ENVELOPE);
	client_expect(&rig, fd, 200);
	for (int i = 0; i < 4; i++)
		(void)close(spare[i]);
	(void)close(fd);
	rig_close(&rig);
}

static void nothing_wakes_the_loop_when_nothing_is_due(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	rig_turn(&rig);
	assert_int_equal(uv_backend_timeout(&rig.loop), -1);
	fd = client_unix(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	client_expect(&rig, fd, 200);
	assert_true(uv_backend_timeout(&rig.loop) > 60 * 1000); /* idle_timeout is 75 s */
	(void)close(fd);
	rig_wait(&rig, rig.counters.connections == 0);
	assert_int_equal(uv_backend_timeout(&rig.loop), -1);
	rig_close(&rig);
}

static void closing_waits_for_answers_that_are_owed(void **state)
{
	struct rig rig;
	struct response r;
	int owed, idle, partial, raw;

	(void)state;
	rig_open(&rig, NULL, 0);
	rig.hold = true;
	idle = client_tcp(&rig);
	partial = client_tcp(&rig);
	raw = client_unix(&rig);
	owed = client_tcp(&rig);
	client_post(&rig, partial, KEY "Connection: keep-alive\r\n", ENVELOPE);
	rig_wait(&rig, rig.held_count == 1);
	rig_answer(&rig, 0);
	client_expect(&rig, partial, 200);
	client_say(&rig, partial, "POST /api/42/env");
	client_say(&rig, raw, "{}");
	client_post(&rig, owed, KEY, ENVELOPE);
	rig_wait(&rig, rig.held_count == 2 && ingest_busy(rig.in) == 3);
	ingest_close(rig.in, PATIENCE_MS, rig_on_closed, &rig);
	assert_true(client_is_at_end(&rig, idle));
	client_expect(&rig, partial, 503);
	assert_false(rig.closed);
	rig_answer(&rig, 1);
	client_answer(&rig, owed, &r, false);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "Connection: close\r\n"));
	(void)close(raw);
	rig_wait(&rig, rig.closed);
	(void)close(idle);
	(void)close(partial);
	(void)close(owed);
	rig_close(&rig);
}

static void grace_bounds_the_wait_and_late_replies_are_harmless(void **state)
{
	struct rig rig;
	int fd, work;

	(void)state;
	rig_open(&rig, NULL, 1);
	rig.hold = true;
	fd = client_unix(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	rig_wait(&rig, rig.held_count == 1);
	work = client_unix(&rig);
	client_post(&rig, work, KEY, ENVELOPE);
	ingest_close(rig.in, 50, rig_on_closed, &rig);
	rig_wait(&rig, rig.closed);
	assert_true(client_is_at_end(&rig, fd));
	(void)close(fd);
	(void)close(work);
	rig_close(&rig); /* answers what is still held, after the fact */
}

static void work_under_way_at_the_end_is_discarded(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 1);
	fd = client_unix(&rig);
	client_post(&rig, fd, KEY, ENVELOPE);
	while (rig.envelopes == 0 && ingest_busy(rig.in) == 0)
		(void)uv_run(&rig.loop, UV_RUN_NOWAIT);
	ingest_close(rig.in, 0, rig_on_closed, &rig);
	rig_wait(&rig, rig.closed);
	assert_int_equal(rig.envelopes + rig.discarded, 1);
	(void)close(fd);
	rig_close(&rig);
}

static void settings_change_under_way(void **state)
{
	static const char *const one[] = {"PICKET_LISTEN_ALLOW_HOST=a.example", NULL};
	static const char *const two[] = {
		"PICKET_LISTEN_ALLOW_HOST=b.example", "PICKET_LISTEN_IDLE_TIMEOUT=50ms", NULL};
	struct rig rig;
	int fd, early;

	(void)state;
	rig_open(&rig, one, 0);
	early = client_tcp(&rig); /* with the long idle timeout */
	fd = client_tcp(&rig);
	client_say(&rig, fd, "GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n");
	client_expect(&rig, fd, 200);
	rig_settings(&rig, two);
	ingest_configure(rig.in, rig.settings);
	client_say(&rig, fd, "GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n");
	client_expect(&rig, fd, 403);
	assert_true(client_is_at_end(&rig, fd));
	assert_int_equal(rig.counters.connections, 1);
	(void)close(fd);
	(void)close(early);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_clients_are_told_and_closed),
		cmocka_unit_test(trickled_headers_do_not_put_the_deadline_off),
		cmocka_unit_test(idle_connections_are_closed_in_silence),
		cmocka_unit_test(an_answer_that_is_owed_has_no_deadline),
		cmocka_unit_test(clients_may_vanish_after_any_byte),
		cmocka_unit_test(the_envelope_goes_on_without_its_client),
		cmocka_unit_test(a_half_closed_client_gets_its_answers),
		cmocka_unit_test(a_client_that_does_not_read_is_dropped),
		cmocka_unit_test(connections_beyond_the_cap_are_answered_503),
		cmocka_unit_test(a_full_descriptor_table_is_waited_out),
		cmocka_unit_test(nothing_wakes_the_loop_when_nothing_is_due),
		cmocka_unit_test(closing_waits_for_answers_that_are_owed),
		cmocka_unit_test(grace_bounds_the_wait_and_late_replies_are_harmless),
		cmocka_unit_test(work_under_way_at_the_end_is_discarded),
		cmocka_unit_test(settings_change_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
