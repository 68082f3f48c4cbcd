/* The whole command against a daemon that a thread plays: what is printed, what
 * is asked, and the exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sockets.h"
#include "cli/cli.h"
#include "client/stream.h"

#define LONG_MS  60000
#define MAX_ARGS 12

struct rig {
	char dir[64], sock[80], control[80], conf[80];
	char conf_env[120];
	/* the daemon's part: one connection */
	int listener;
	const char *answer;
	struct buf asked;
	pthread_t thread;
	/* what came of it */
	char *out, *errs;
	size_t out_n, errs_n;
	int code;
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof *r);
	const char *tmp = getenv("TMPDIR");
	FILE *f;

	assert_non_null(r);
	(void)snprintf(r->dir, sizeof r->dir, "%s/picket-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(r->dir));
	(void)snprintf(r->sock, sizeof r->sock, "%s/s", r->dir);
	(void)snprintf(r->conf, sizeof r->conf, "%s/conf", r->dir);
	(void)snprintf(r->conf_env, sizeof r->conf_env, "PICKET_CONFIG=%s", r->conf);
	(void)snprintf(r->control, sizeof r->control, "%s/c", r->dir);
	assert_int_equal(symlink("s", r->control), 0); /* one daemon plays both */
	f = fopen(r->conf, "w");
	assert_non_null(f);
	(void)fprintf(
		f, "[listen]\nhttp = off\nunix = %s\n[control]\nunix = %s\n", r->sock, r->control);
	assert_int_equal(fclose(f), 0);
	r->listener = -1;
	buf_init(&r->asked, 1 << 20);
	*state = r;
	return 0;
}

static void forget(struct rig *r)
{
	free(r->out);
	free(r->errs);
	r->out = r->errs = NULL;
	buf_clear(&r->asked);
}

static int teardown(void **state)
{
	struct rig *r = *state;

	forget(r);
	buf_fini(&r->asked);
	(void)unlink(r->sock);
	assert_int_equal(unlink(r->conf), 0);
	assert_int_equal(unlink(r->control), 0);
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

/* --- the daemon's part ----------------------------------------------------- */

/* A request is whole at its line feed, or (HTTP) when its body is there. */
static bool is_whole(struct str s)
{
	size_t head = str_find(s, STR("\r\n\r\n"));
	size_t at = str_find(s, STR("Content-Length: "));

	if (s.n > 0 && s.p[0] == '{')
		return s.p[s.n - 1] == '\n';
	if (head == s.n)
		return false;
	return at == s.n || s.n - head - 4 >= (size_t)atol(s.p + at + 16);
}

static void *daemon_thread(void *arg)
{
	struct rig *r = arg;
	struct deadline d = deadline_in(LONG_MS);
	bool is_eof = false;
	int fd = accept(r->listener, NULL, NULL);

	if (fd < 0)
		return NULL;
	while (!is_eof && !is_whole(buf_view(&r->asked))) {
		if (stream_read(fd, &r->asked, d, &is_eof, NULL) != E_OK)
			break;
	}
	(void)stream_write(fd, str_of(r->answer), d, NULL);
	(void)close(fd);
	return NULL;
}

static void daemon_start(struct rig *r, const char *answer)
{
	struct err err;
	int flags;

	r->answer = answer;
	assert_int_equal(
		socket_listen_unix(r->sock, SOCK_STREAM, 0600, NULL, &r->listener, &err), E_OK);
	flags = fcntl(r->listener, F_GETFL);
	assert_int_equal(fcntl(r->listener, F_SETFL, flags & ~O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, daemon_thread, r), 0);
}

static void daemon_stop(struct rig *r)
{
	(void)shutdown(r->listener, SHUT_RDWR); /* wakes an accept() that got nobody */
	assert_int_equal(pthread_join(r->thread, NULL), 0);
	assert_int_equal(close(r->listener), 0);
	buf_char(&r->asked, '\0');
}

/* --- running --------------------------------------------------------------- */

/* line: the command line, words separated by single blanks. */
static void run(struct rig *r, const char *line)
{
	const char *env[] = {r->conf_env, "SENTRY_ENVIRONMENT=prod", NULL};
	struct cli c = {.env = env};
	char *words = strdup(line), *argv[MAX_ARGS], *rest = words, *word;
	int argc = 0;

	forget(r);
	assert_non_null(words);
	while ((word = strsep(&rest, " ")) != NULL && argc < MAX_ARGS)
		argv[argc++] = word;
	c.out = open_memstream(&r->out, &r->out_n);
	c.errs = open_memstream(&r->errs, &r->errs_n);
	assert_true(c.out != NULL && c.errs != NULL);
	r->code = cli_main(&c, argc, argv);
	cli_fini(&c);
	assert_int_equal(fclose(c.out), 0);
	assert_int_equal(fclose(c.errs), 0);
	free(words);
}

static void run_with(struct rig *r, const char *line, const char *answer)
{
	forget(r);
	daemon_start(r, answer);
	run(r, line);
	daemon_stop(r);
}

static void expect_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* --- help and mistakes ----------------------------------------------------- */

static void every_command_has_help(void **state)
{
	struct rig *r = *state;
	const struct command *const *all = cli_commands();
	char line[80];

	run(r, "picket help");
	assert_int_equal(r->code, EX_OK);
	for (size_t i = 0; all[i] != NULL; i++)
		expect_in(r->out, all[i]->brief);
	for (size_t i = 0; all[i] != NULL; i++) {
		char *first;

		(void)snprintf(line, sizeof line, "picket %s --help", all[i]->name);
		run(r, line);
		assert_int_equal(r->code, EX_OK);
		assert_string_equal(r->errs, "");
		(void)snprintf(line, sizeof line, "usage: picket %s [OPTIONS]", all[i]->name);
		assert_int_equal(strncmp(r->out, line, strlen(line)), 0);
		expect_in(r->out, "--config FILE");
		first = strdup(r->out);
		(void)snprintf(line, sizeof line, "picket help %s", all[i]->name);
		run(r, line);
		assert_string_equal(r->out, first);
		free(first);
	}
}

static void mistakes_end_with_64_and_a_hint(void **state)
{
	static const char *const lines[] = {
		"picket",
		"picket nope",
		"picket --nope",
		"picket spool",
		"picket spool nope",
		"picket dead",
		"picket status extra",
		"picket status --interval 0",
		"picket status --interval soon",
		"picket why",
		"picket why xyz",
		"picket why 9ec79c33ec9942ab8353589fcb2e04dc more",
		"picket hold now",
		"picket drain --timeout -1",
		"picket drain --timeout 99999999",
		"picket spool ls --max 0",
		"picket spool ls --max 10001",
		"picket spool ls x",
		"picket spool show",
		"picket spool show 0",
		"picket spool show -5",
		"picket spool show 1 2",
		"picket spool purge",
		"picket spool purge --all --class error",
		"picket dead show x",
		"picket send --level loud x",
		"picket send -t novalue x",
		"picket healthcheck x",
		"picket help nope",
		"picket help spool nope",
	};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		run(r, lines[i]);
		if (r->code != EX_USAGE || r->errs[0] == '\0' || r->out[0] != '\0')
			fail_msg("%s: %d\n%s", lines[i], r->code, r->errs);
	}
}

static void a_group_lists_its_commands(void **state)
{
	struct rig *r = *state;
	char *help;

	run(r, "picket spool --help");
	assert_int_equal(r->code, EX_OK);
	expect_in(r->out, "usage: picket spool COMMAND");
	expect_in(r->out, "spool purge");
	assert_null(strstr(r->out, "dead"));
	help = strdup(r->out);
	run(r, "picket help spool");
	assert_int_equal(r->code, EX_OK);
	assert_string_equal(r->out, help);
	run(r, "picket spool");
	assert_int_equal(r->code, EX_USAGE);
	assert_string_equal(r->errs, help);
	free(help);
}

static void version_is_printed(void **state)
{
	struct rig *r = *state;

	run(r, "picket --version");
	assert_int_equal(r->code, EX_OK);
	assert_string_equal(r->out, "picket " PICKET_VERSION "\n");
}

static void no_daemon_is_69_and_says_so(void **state)
{
	static const char *const lines[] = {"picket status", "picket hold", "picket send x",
		"picket why 9ec79c33ec9942ab8353589fcb2e04dc", "picket spool ls", "picket dead ls",
		"picket drain", "picket reload"};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		run(r, lines[i]);
		assert_int_equal(r->code, EX_UNAVAILABLE);
		expect_in(r->errs, "is picketd running?");
		expect_in(r->errs, r->dir);
	}
	run(r, "picket healthcheck"); /* Docker knows 0 and 1 only */
	assert_int_equal(r->code, 1);
}

static void a_bad_configuration_is_78(void **state)
{
	struct rig *r = *state;

	run(r, "picket -c /nonexistent/picket.conf status");
	assert_int_equal(r->code, EX_CONFIG);
	expect_in(r->errs, "/nonexistent/picket.conf");
	run(r, "picket status -c /nonexistent/picket.conf");
	assert_int_equal(r->code, EX_CONFIG);
}

/* --- answers --------------------------------------------------------------- */

static void orders_ask_what_they_say(void **state)
{
	struct rig *r = *state;

	run_with(r, "picket hold", "{\"ok\":true,\"held\":true}\n");
	assert_int_equal(r->code, EX_OK);
	assert_string_equal(r->asked.p, "{\"cmd\":\"hold\"}\n");
	run_with(r, "picket release", "{\"ok\":true}\n");
	assert_string_equal(r->asked.p, "{\"cmd\":\"release\"}\n");
	run_with(r, "picket spool purge --class error --json", "{\"ok\":true,\"purged\":3}\n");
	assert_string_equal(r->asked.p, "{\"cmd\":\"spool_purge\",\"class\":\"error\"}\n");
	expect_in(r->out, "\"purged\":3");
	run_with(r, "picket spool purge --all", "{\"ok\":true,\"purged\":1}\n");
	assert_string_equal(r->asked.p, "{\"cmd\":\"spool_purge\"}\n");
	assert_string_equal(r->out, "1 envelope dropped\n");
	run_with(r, "picket dead ls -n 5", "{\"ok\":true,\"count\":0}\n");
	assert_string_equal(r->asked.p, "{\"cmd\":\"dead_ls\",\"max\":5}\n");
	assert_string_equal(r->out, "");
}

static void failures_have_their_exit_code(void **state)
{
	static const struct {
		const char *line, *answer;
		int code;
	} cases[] = {
		{"picket hold", "{\"error\":\"x\",\"code\":\"denied\"}\n", EX_NOPERM},
		{"picket hold", "{\"error\":\"x\",\"code\":\"canceled\"}\n", EX_TEMPFAIL},
		{"picket hold", "{\"error\":\"x\",\"code\":\"limited\"}\n", EX_TEMPFAIL},
		{"picket hold", "{\"error\":\"x\",\"code\":\"never heard of\"}\n", EX_IOERR},
		{"picket hold", "{\"error\":\"x\"}\n", EX_IOERR},
		{"picket hold", "no json\n", EX_DATAERR},
		{"picket hold", "{\"ok\":tr", EX_UNAVAILABLE},
		{"picket hold", "", EX_UNAVAILABLE},
		{"picket reload", "{\"error\":\"x\",\"code\":\"invalid\"}\n", EX_CONFIG},
		{"picket spool show 7", "{\"error\":\"x\",\"code\":\"not-found\"}\n", 1},
		{"picket spool show 7", "{\"seq\":7,\"envelope\":\"!\"}\n{\"ok\":true}\n",
			EX_SOFTWARE},
		{"picket drain", "{\"ok\":true,\"empty\":false,\"records\":2,\"bytes\":2048}\n",
			EX_TEMPFAIL},
		{"picket drain", "{\"ok\":true,\"empty\":true,\"records\":0,\"bytes\":0}\n", EX_OK},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run_with(r, cases[i].line, cases[i].answer);
		if (r->code != cases[i].code)
			fail_msg(
				"%s, %s: %d\n%s", cases[i].line, cases[i].answer, r->code, r->errs);
		assert_true((r->errs[0] != '\0') == (r->code != EX_OK));
	}
}

static void a_life_is_told_line_by_line(void **state)
{
	static const char answer[] =
		"{\"what\":\"stored\",\"wall_ms\":1700000000000,\"class\":\"error\",\"seq\":7,"
		"\"status\":0,\"reason\":\"\",\"attempts\":0}\n"
		"{\"what\":\"retry\",\"wall_ms\":1700000000100,\"class\":\"error\",\"seq\":7,"
		"\"status\":503,\"reason\":\"\",\"attempts\":1}\n"
		"{\"what\":\"retry\",\"wall_ms\":1700000000200,\"class\":\"error\",\"seq\":7,"
		"\"status\":0,\"reason\":\"\",\"attempts\":2}\n"
		"{\"what\":\"dead\",\"wall_ms\":1700000001000,\"class\":\"error\",\"seq\":7,"
		"\"status\":405,\"reason\":\"send_error\",\"attempts\":3}\n"
		"{\"ok\":true,\"count\":4}\n";
	struct rig *r = *state;

	run_with(r, "picket why 9ec79c33-ec99-42ab-8353-589fcb2e04dc", answer);
	assert_int_equal(r->code, EX_OK);
	expect_in(r->out, "stored     class error, record 7\n");
	expect_in(r->out, "retry      class error, record 7, attempt 2 (the last of 2)\n");
	assert_null(strstr(r->out, "503"));
	expect_in(r->out, "dead       class error, record 7, upstream answered 405, reason "
			  "send_error, attempt 3\n");
	run_with(r, "picket why --json 9ec79c33ec9942ab8353589fcb2e04dc", answer);
	expect_in(r->out, "{\"what\":\"stored\",");
	assert_null(strstr(r->out, "\"ok\""));
}

static void an_envelope_is_shown_safely_or_exactly(void **state)
{
	/* "{}\n{\"type\":\"x\"}\n\x1b\xff\n" */
	static const char answer[] =
		"{\"seq\":7,\"class\":\"error\",\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\","
		"\"bytes\":99,\"items\":{\"error\":1},\"client\":\"a\\u001b[31m/1\","
		"\"envelope\":\"e30KeyJ0eXBlIjoieCJ9Chv/Cg==\"}\n{\"ok\":true,\"count\":1}\n";
	struct rig *r = *state;

	run_with(r, "picket spool show 7", answer);
	assert_int_equal(r->code, EX_OK);
	assert_string_equal(r->asked.p, "{\"cmd\":\"spool_show\",\"seq\":7}\n");
	expect_in(r->out, "client     a?[31m/1\n");
	expect_in(r->out, "\n\n{}\n{\"type\":\"x\"}\n\\x1b\\xff\n");
	run_with(r, "picket spool show 7 --raw", answer);
	assert_string_equal(r->out, "{}\n{\"type\":\"x\"}\n\x1b\xff\n");
	run_with(r, "picket dead show --json 7", answer);
	expect_in(r->out, "\"envelope\":\"e30K");
}

static void status_is_a_table(void **state)
{
	static const char answer[] =
		"{\"version\":\"9.9\",\"uptime_s\":7300,\"pid\":42,\"ready\":false,"
		"\"not_ready_why\":\"shutting down\",\"held\":true,\"spool\":{\"records\":3,"
		"\"bytes\":4096,\"max_bytes\":1048576,\"oldest_age_s\":61,\"trouble\":\"no-space\","
		"\"classes\":{\"error\":{\"records\":3,\"bytes\":4096}},\"dead\":{\"records\":1,"
		"\"bytes\":10}},\"totals\":{\"received\":{\"error\":5},\"delivered\":{\"error\":1},"
		"\"dropped\":{\"invalid\":{\"error\":1}},\"held\":{\"error\":3}},\"upstreams\":[{"
		"\"host\":\"https://h\",\"state\":\"outage\",\"since_s\":9,\"next_try_s\":4,"
		"\"in_flight\":0,\"last_status\":503,\"last_error\":\"bad\"}],\"limits\":[{"
		"\"host\":"
		"\"https://h\",\"project\":\"1\",\"categories\":[\"error\",\"span\"],\"left_s\":30,"
		"\"reason\":\"quota\"}]}\n{\"ok\":true}\n";
	struct rig *r = *state;

	run_with(r, "picket status", answer);
	assert_int_equal(r->code, EX_OK);
	assert_string_equal(r->asked.p, "{\"cmd\":\"status\"}\n");
	expect_in(r->out, "picketd 9.9, up 2 h 1 min, pid 42: not ready, shutting down, "
			  "sending on hold\n");
	expect_in(r->out, "spool     3 envelopes, 4.0 KiB of 1.0 MiB, oldest 61 s, no-space\n");
	expect_in(r->out, "\ndropped   invalid             error 1\n");
	expect_in(r->out, "\nupstream  https://h  outage for 9 s, 0 in flight, last answer 503, "
			  "next try in 4 s, bad\n");
	expect_in(r->out, "\nlimits    https://h  30 s left: error, span (quota)\n");
	assert_null(strchr(r->out, '\033'));
	run_with(r, "picket status --json", answer);
	assert_int_equal(strncmp(r->out, "{\"version\":\"9.9\"", 16), 0);
}

/* --- posting --------------------------------------------------------------- */

static void an_event_is_posted_with_its_credentials(void **state)
{
	struct rig *r = *state;

	run_with(r, "picket send -l info -t a=b disk full",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	assert_int_equal(r->code, EX_OK);
	assert_int_equal(strlen(r->out), 33);
	expect_in(r->asked.p, "POST /api/1/envelope/ HTTP/1.1\r\n");
	expect_in(r->asked.p,
		"\r\nX-Sentry-Auth: Sentry sentry_version=7, sentry_client=picket-cli/");
	expect_in(r->asked.p, ", sentry_key=picket\r\n");
	expect_in(r->asked.p, "\"message\":\"disk full\"");
	expect_in(r->asked.p, "\"level\":\"info\"");
	expect_in(r->asked.p, "\"environment\":\"prod\"");
	expect_in(r->asked.p, "\"tags\":{\"a\":\"b\"}");
	r->out[32] = '\0';
	expect_in(r->asked.p, r->out);
}

static void refusals_have_their_exit_code(void **state)
{
	static const struct {
		const char *answer;
		int code;
	} cases[] = {
		{"HTTP/1.1 400 X\r\n\r\n{\"detail\":\"bad\"}", EX_DATAERR},
		{"HTTP/1.1 401 X\r\n\r\n{\"detail\":\"bad\"}", EX_NOPERM},
		{"HTTP/1.1 403 X\r\n\r\n{\"detail\":\"bad\"}", EX_NOPERM},
		{"HTTP/1.1 413 X\r\n\r\n{\"detail\":\"bad\"}", EX_DATAERR},
		{"HTTP/1.1 429 X\r\nRetry-After: 60\r\n\r\n{\"detail\":\"bad\"}", EX_TEMPFAIL},
		{"HTTP/1.1 503 X\r\nRetry-After: 5\r\n\r\n{\"detail\":\"bad\"}", EX_TEMPFAIL},
		{"HTTP/1.1 200", EX_UNAVAILABLE},
		{"gibberish\r\n\r\n", EX_DATAERR},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run_with(r, "picket send x", cases[i].answer);
		if (r->code != cases[i].code)
			fail_msg("%s: %d\n%s", cases[i].answer, r->code, r->errs);
		assert_string_equal(r->out, "");
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

/* protocol.md 4.4: credentials beside those of the envelope would be refused. */
static void an_envelope_keeps_its_own_credentials(void **state)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"id\":\"abc\"}";
	struct rig *r = *state;
	char path[100], line[160];

	(void)snprintf(path, sizeof path, "%s/e", r->dir);
	(void)snprintf(line, sizeof line, "picket envelope %s", path);
	write_file(path, "{\"dsn\":\"http://app@127.0.0.1:4690/77\"}\n{\"type\":\"x\"}\nbody\n");
	run_with(r, line, ok);
	assert_int_equal(r->code, EX_OK);
	expect_in(r->asked.p, "POST /api/77/envelope/ ");
	assert_null(strstr(r->asked.p, "X-Sentry-Auth"));
	expect_in(r->asked.p,
		"\r\n\r\n{\"dsn\":\"http://app@127.0.0.1:4690/77\"}\n{\"type\":\"x\"}\n"
		"body\n");
	write_file(path, "{}\n");
	run_with(r, line, ok);
	expect_in(r->asked.p, "POST /api/1/envelope/ ");
	expect_in(r->asked.p, "sentry_key=picket\r\n");
	assert_int_equal(unlink(path), 0);
	run(r, line);
	assert_int_equal(r->code, EX_NOINPUT);
}

static void health_is_0_or_1(void **state)
{
	struct rig *r = *state;

	run_with(r, "picket healthcheck", "HTTP/1.1 200 OK\r\n\r\n{\"is_healthy\":true}");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "");
	expect_in(r->asked.p, "GET /readyz HTTP/1.1\r\n");
	run_with(r, "picket healthcheck", "HTTP/1.1 503 X\r\n\r\n{\"is_healthy\":false}");
	assert_int_equal(r->code, 1);
	expect_in(r->errs, "not ready");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_command_has_help),
		TEST(mistakes_end_with_64_and_a_hint),
		TEST(a_group_lists_its_commands),
		TEST(version_is_printed),
		TEST(no_daemon_is_69_and_says_so),
		TEST(a_bad_configuration_is_78),
		TEST(orders_ask_what_they_say),
		TEST(failures_have_their_exit_code),
		TEST(a_life_is_told_line_by_line),
		TEST(an_envelope_is_shown_safely_or_exactly),
		TEST(status_is_a_table),
		TEST(an_event_is_posted_with_its_credentials),
		TEST(refusals_have_their_exit_code),
		TEST(an_envelope_keeps_its_own_credentials),
		TEST(health_is_0_or_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
