/* Raw envelopes and datagrams on Unix sockets (design 4). */
#include "harness.h"

static void client_line(struct rig *rig, int fd, char *line, size_t size)
{
	size_t n = 0, k;

	while ((k = client_recv(rig, fd, line + n, size - 1 - n)) > 0)
		n += k;
	line[n] = '\0';
}

static void a_raw_envelope_ends_with_half_close(void **state)
{
	struct rig rig;
	char line[512];
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	for (size_t cut = 1; cut < strlen(ENVELOPE); cut += 7) {
		fd = client_unix(&rig);
		assert_true(client_send(&rig, fd, ENVELOPE, cut));
		client_say(&rig, fd, &ENVELOPE[cut]);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		client_line(&rig, fd, line, sizeof line);
		assert_string_equal(line, "{\"status\":200,\"id\":\"" EVENT_ID "\"}\n");
		(void)close(fd);
	}
	assert_int_equal(rig.last->from.peer_uid, (int64_t)getuid());
	assert_int_equal(rig.last->from.key.n, 0);
	assert_int_equal(rig.last->from.project.n, 0);
	rig_close(&rig);
}

static void a_raw_dsn_names_key_and_project(void **state)
{
	struct rig rig;
	char line[512];
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix(&rig);
	client_say(&rig, fd, "{\"dsn\":\"http://app.flag@localhost/007\"}\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	client_line(&rig, fd, line, sizeof line);
	assert_string_equal(line, "{\"status\":200}\n");
	assert_true(str_eq(rig.last->from.key, STR("app")));
	assert_true(str_eq(rig.last->from.project, STR("7")));
	(void)close(fd);
	rig_close(&rig);
}

static void raw_errors_are_one_line_too(void **state)
{
	static const char *const env[] = {"PICKET_LIMITS_ENVELOPE=1K", NULL};
	struct rig rig;
	char line[512], large[4000];
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	fd = client_unix(&rig);
	client_say(&rig, fd, "{nonsense");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	client_line(&rig, fd, line, sizeof line);
	assert_non_null(strstr(line, "{\"status\":400,\"detail\":\""));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	(void)close(fd);
	memset(large, '{', sizeof large);
	fd = client_unix(&rig);
	assert_true(client_send(&rig, fd, large, sizeof large));
	client_line(&rig, fd, line, sizeof line);
	assert_non_null(strstr(line, "{\"status\":413,\"detail\":\""));
	(void)close(fd);
	rig_close(&rig);
}

static void a_raw_envelope_may_be_large(void **state)
{
	struct rig rig;
	struct buf body = BUF_INIT;
	size_t n = 1000 * 1000;
	char line[512], *p;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	buf_printf(&body, "{}\n{\"type\":\"attachment\",\"length\":%zu}\n", n);
	p = buf_reserve(&body, n);
	assert_non_null(p);
	memset(p, 'x', n);
	buf_grew(&body, n);
	fd = client_unix(&rig);
	assert_true(client_send(&rig, fd, body.p, body.n));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	client_line(&rig, fd, line, sizeof line);
	assert_non_null(strstr(line, "{\"status\":200"));
	assert_int_equal(rig.last->body.n, body.n);
	buf_fini(&body);
	(void)close(fd);
	rig_close(&rig);
}

static void a_datagram_is_an_envelope(void **state)
{
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, NULL, 0);
	fd = client_unix_type(rig.gram_path, SOCK_DGRAM);
	client_say(&rig, fd, ENVELOPE);
	rig_wait(&rig, rig.counters.datagrams == 1);
	assert_true(str_eq(rig.last->body, STR(ENVELOPE)));
	assert_int_equal(rig.last->from.peer_uid, (int64_t)getuid());
	assert_int_equal(rig.last->from.peer_pid, (int64_t)getpid());
	client_say(&rig, fd, "nonsense");
	rig_wait(&rig, rig.counters.datagrams_refused == 1);
	assert_int_equal(send(fd, "", 0, 0), 0);
	rig_wait(&rig, rig.counters.datagrams_refused == 2);
	client_say(&rig, fd, ENVELOPE);
	rig_wait(&rig, rig.counters.datagrams == 2);
	(void)close(fd);
	rig_close(&rig);
}

static void a_datagram_beyond_the_limit_is_read_away(void **state)
{
	static const char *const env[] = {"PICKET_LIMITS_ENVELOPE=1K", NULL};
	struct rig rig;
	char large[4000];
	int fd;

	(void)state;
	memset(large, 'x', sizeof large);
	rig_open(&rig, env, 0);
	fd = client_unix_type(rig.gram_path, SOCK_DGRAM);
	assert_true(client_send(&rig, fd, large, sizeof large));
	client_say(&rig, fd, ENVELOPE);
	rig_wait(&rig, rig.counters.datagrams == 1);
	assert_int_equal(rig.counters.datagrams_refused, 1);
	(void)close(fd);
	rig_close(&rig);
}

static void datagrams_wait_in_the_kernel_for_memory(void **state)
{
	static const char *const env[] = {"PICKET_LIMITS_MEMORY=1M", NULL};
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, env, 0);
	assert_true(budget_take(&rig.budget, 1u << 20));
	fd = client_unix_type(rig.gram_path, SOCK_DGRAM);
	client_say(&rig, fd, ENVELOPE);
	for (int i = 0; i < 10; i++)
		rig_turn(&rig);
	assert_int_equal(rig.counters.datagrams + rig.counters.datagrams_refused, 0);
	budget_give(&rig.budget, 1u << 20);
	rig_wait(&rig, rig.counters.datagrams == 1);
	(void)close(fd);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_raw_envelope_ends_with_half_close),
		cmocka_unit_test(a_raw_dsn_names_key_and_project),
		cmocka_unit_test(raw_errors_are_one_line_too),
		cmocka_unit_test(a_raw_envelope_may_be_large),
		cmocka_unit_test(a_datagram_is_an_envelope),
		cmocka_unit_test(a_datagram_beyond_the_limit_is_read_away),
		cmocka_unit_test(datagrams_wait_in_the_kernel_for_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
