#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/sockets.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof dir, "/tmp/picket-test-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

static const char *in_dir(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static size_t read_file(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	(void)fclose(f);
	return n;
}

static void a_budget_never_gives_more_than_it_has(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 100);
	assert_true(budget_take(&b, 60));
	assert_false(budget_take(&b, 41));
	assert_false(budget_take(&b, UINT64_MAX));
	assert_true(budget_take(&b, 40));
	budget_set_limit(&b, 50);
	assert_false(budget_take(&b, 0));
	budget_give(&b, 60);
	assert_true(budget_take(&b, 10));
	assert_int_equal(budget_used(&b), 50);
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
	struct err err = {0};
	struct stat st;
	int first = -1, second = -1;
	const char *path = in_dir("a.sock");

	(void)state;
	assert_int_equal(socket_listen_unix(path, SOCK_STREAM, 0620, "", &first, &err), E_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0620);
	assert_int_equal(socket_listen_unix(path, SOCK_STREAM, 0600, "", &second, &err), E_EXISTS);
	assert_non_null(strstr(err.text, path));
	(void)close(first); /* as a killed daemon leaves it */
	assert_int_equal(socket_listen_unix(path, SOCK_STREAM, 0600, NULL, &second, &err), E_OK);
	(void)close(second);
}

/* Without a look that does not wait, a daemon that hangs would hang the next. */
static void a_listener_that_accepts_nothing_is_in_use_too(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct err err = {0};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int clients[16], n = 0, fd = -1;

	(void)state;
	(void)snprintf(sa.sun_path, sizeof sa.sun_path, "%.64s/full.sock", dir);
	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(listener, 0), 0);
	do {
		clients[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(clients[n] >= 0);
	} while (connect(clients[n++], (struct sockaddr *)&sa, sizeof sa) == 0 && n < 16);
	assert_int_equal(errno, EAGAIN);
	(void)alarm(30);
	assert_int_equal(
		socket_listen_unix(sa.sun_path, SOCK_STREAM, 0600, "", &fd, &err), E_EXISTS);
	(void)alarm(0);
	while (n > 0)
		(void)close(clients[--n]);
	(void)close(listener);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct err err = {0};
	const char *path = in_dir("file");
	FILE *f = fopen(path, "w");
	int fd = -1;

	(void)state;
	assert_non_null(f);
	(void)fclose(f);
	assert_int_equal(socket_listen_unix(path, SOCK_STREAM, 0600, "", &fd, &err), E_EXISTS);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(socket_listen_unix("", SOCK_STREAM, 0600, "", &fd, &err), E_INVAL);
	assert_int_equal(
		socket_listen_unix(in_dir("b"), SOCK_STREAM, 0600, "no-such-group", &fd, &err),
		E_INVAL);
}

static void a_missing_directory_is_made(void **state)
{
	struct err err = {0};
	int fd = -1;

	(void)state;
	assert_int_equal(
		socket_listen_unix(in_dir("run/a.sock"), SOCK_DGRAM, 0600, "", &fd, &err), E_OK);
	(void)close(fd);
	assert_int_equal(socket_listen_unix(in_dir("x/y/a.sock"), SOCK_DGRAM, 0600, "", &fd, &err),
		E_NOTFOUND);
}

static void tcp_takes_a_free_port_and_tells_it(void **state)
{
	struct err err = {0};
	char name[128];
	int fd = -1, other = -1;

	(void)state;
	assert_int_equal(socket_listen_tcp("127.0.0.1:0", &fd, &err), E_OK);
	socket_name(fd, name, sizeof name);
	assert_int_equal(strncmp(name, "127.0.0.1:", 10), 0);
	assert_int_equal(socket_listen_tcp(name, &other, &err), E_EXISTS);
	assert_non_null(strstr(err.text, name));
	(void)close(fd);
	assert_int_equal(socket_listen_tcp("127.0.0.1", &fd, &err), E_INVAL);
	assert_int_equal(socket_listen_tcp(":80", &fd, &err), E_INVAL);
	assert_int_equal(socket_listen_tcp("127.0.0.1:http", &fd, &err), E_INVAL);
}

static void a_log_that_nobody_reads_is_not_waited_for(void **state)
{
	static char text[128 * 1024];
	struct err err = {0};
	struct log *l = NULL;
	char path[64];
	int ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
	assert_int_equal(log_open(&l, LOG_INFO, LOG_FORMAT_LOGFMT, path, &err), E_OK);
	while (write(ends[1], text, 4096) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	(void)alarm(30);
	log_line(l, LOG_INFO, "one", log_int("n", 1));
	log_line(l, LOG_INFO, "two", log_int("n", 2));
	(void)alarm(0);
	while (read(ends[0], text, sizeof text) > 0)
		;
	log_line(l, LOG_INFO, "three", log_int("n", 3));
	n = read(ends[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "ev=three n=3 lost=2\n"));
	log_line(l, LOG_INFO, "four", log_int("n", 4));
	n = read(ends[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "ev=four n=4\n"));
	log_close(l);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void lines_are_logfmt_or_json_and_repeats_fold(void **state)
{
	struct log *l = NULL;
	char text[4096];

	(void)state;
	assert_int_equal(log_open(&l, LOG_INFO, LOG_FORMAT_LOGFMT, in_dir("log"), NULL), E_OK);
	for (int i = 0; i < 5; i++)
		log_line(l, LOG_WARN, "backoff", log_cstr("why", "a \"b\""), log_int("n", -3));
	log_line(l, LOG_DEBUG, "unseen", log_int("n", 1));
	log_line(l, LOG_INFO, "other", log_cstr("path", "/a-b"));
	log_close(l);
	(void)read_file(in_dir("log"), text, sizeof text);
	assert_non_null(strstr(text, " level=warn ev=backoff why=\"a \\\"b\\\"\" n=-3\n"));
	assert_non_null(strstr(text, "n=-3 repeats=4\n"));
	assert_non_null(strstr(text, " level=info ev=other path=/a-b\n"));
	assert_null(strstr(text, "unseen"));

	assert_int_equal(log_open(&l, LOG_INFO, LOG_FORMAT_JSON, in_dir("json"), NULL), E_OK);
	log_line(l, LOG_INFO, "x", log_cstr("k", "v\n"), log_int("n", 2));
	log_close(l);
	(void)read_file(in_dir("json"), text, sizeof text);
	assert_non_null(
		strstr(text, "\",\"level\":\"info\",\"ev\":\"x\",\"k\":\"v\\n\",\"n\":2}\n"));
	log_line(NULL, LOG_ERROR, "nobody", log_int("n", 1));
}

static void a_log_that_cannot_be_opened_says_so(void **state)
{
	struct log *l = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(log_open(&l, LOG_INFO, LOG_FORMAT_JSON, "/nowhere/log", &err), E_NOTFOUND);
	assert_non_null(strstr(err.text, "/nowhere/log"));
}

static void every_counter_has_name_help_and_place(void **state)
{
	struct counters c = {0};
	size_t n;
	const struct counter_info *t = counters_table(&n);

	(void)state;
	c.upstream_in_flight = 7;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(strncmp(t[i].name, "picket_", 7), 0);
		assert_true(strlen(t[i].help) > 5);
		if (strcmp(t[i].name, "picket_upstream_in_flight") == 0)
			assert_int_equal(counters_get(&c, &t[i]), 7);
	}
}

static void clocks_run(void **state)
{
	struct instant a = clock_now(clock_system()), b = clock_now(clock_system());

	(void)state;
	assert_true(b.mono_ms >= a.mono_ms);
	assert_true(a.wall_ms > INT64_C(1700000000000));
	assert_true(clock_mono_us() > 0);
	assert_true(clock_boot_id() == clock_boot_id());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_budget_never_gives_more_than_it_has),
		cmocka_unit_test(a_stale_socket_is_replaced_and_a_live_one_is_not),
		cmocka_unit_test(a_listener_that_accepts_nothing_is_in_use_too),
		cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
		cmocka_unit_test(a_missing_directory_is_made),
		cmocka_unit_test(tcp_takes_a_free_port_and_tells_it),
		cmocka_unit_test(a_log_that_nobody_reads_is_not_waited_for),
		cmocka_unit_test(lines_are_logfmt_or_json_and_repeats_fold),
		cmocka_unit_test(a_log_that_cannot_be_opened_says_so),
		cmocka_unit_test(every_counter_has_name_help_and_place),
		cmocka_unit_test(clocks_run),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
