/* No memory, at every place where some is asked for (P-114).
 *
 * A whole daemon takes one envelope, stores it, sends it and settles it, while
 * the n-th allocation fails; for n from 1 up, until all went well without any
 * having failed. Whatever fails, the client gets an answer or sees the connection
 * end, what was answered 200 arrives, the law of conservation holds, and the next
 * envelope goes through as if nothing had been. The daemon stays the same for all
 * failures, so that damage would add up.
 *
 * Allocations of this project's own code fail, not those inside of libraries. The
 * client and the upstream here ask for none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "flow/flow.h"

/* --- memory that fails (the linker sends malloc here) ----------------------------- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);

/* 0: none fails. Else how many allocations until the one that does. */
static _Atomic unsigned countdown;

static bool fails(void)
{
	unsigned left = atomic_load(&countdown);

	while (left > 0) {
		if (atomic_compare_exchange_weak(&countdown, &left, left - 1))
			return left == 1;
	}
	return false;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

/* --- an upstream that says 200 ----------------------------------------------------- */

#define ASKED_MAX 64

static struct {
	struct stage st;
	uv_timer_t soon;
	struct exchange *asked[ASKED_MAX];
	size_t asked_n;
	char mark[64]; /* in the event of this round */
	size_t got;    /* times it arrived */
	char request[16384];
	size_t request_n;
	/* Of its project: when there is no memory to know that, it waits for the
	 * project's next one, or for a restart. */
	bool is_first;
} w;

static void answer_all(uv_timer_t *timer)
{
	(void)timer;
	while (w.asked_n > 0) {
		struct exchange *x = w.asked[--w.asked_n];

		if (x->rc == E_OK && str_find(x->body, str_of(w.mark)) < x->body.n)
			w.got++;
		w.st.upstream.answers_due--;
		x->done(x);
	}
}

static void on_send(struct transport *t, struct exchange *x)
{
	(void)t;
	assert_true(w.asked_n < ASKED_MAX);
	x->rc = E_OK;
	x->status = 200;
	x->rate_limits = x->retry_after = NULL;
	w.asked[w.asked_n++] = x;
	w.st.upstream.answers_due++;
	(void)uv_timer_start(&w.soon, answer_all, 0, 0);
}

static void on_cancel(struct transport *t, struct exchange *x)
{
	(void)t;
	x->rc = E_CANCELED;
	x->status = 0;
}

static void on_close(struct transport *t, void (*closed)(void *arg), void *arg)
{
	(void)t;
	closed(arg);
}

/* --- a client ----------------------------------------------------------------------- */

static void make_request(unsigned number, size_t filler)
{
	static char text[8192], body[10000];
	int n;

	memset(text, 'x', filler);
	text[filler] = '\0';
	(void)snprintf(w.mark, sizeof w.mark, "\"name\":\"event %u\"", number);
	n = snprintf(body, sizeof body,
		"{\"event_id\":\"%032x\"}\n{\"type\":\"event\"}\n"
		"{\"event_id\":\"%032x\",%s,\"text\":\"%s\"}\n",
		number, number, w.mark, text);
	n = snprintf(w.request, sizeof w.request,
		"POST /api/42/envelope/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		"X-Sentry-Auth: Sentry sentry_key=0123456789abcdef0123456789abcdef\r\n"
		"Content-Length: %d\r\n\r\n%s",
		n, body);
	assert_true(n > 0 && (size_t)n < sizeof w.request);
	w.request_n = (size_t)n;
	w.got = 0;
}

/* The status, 0 when the connection just ends. */
static int post(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
	char answer[4096];
	size_t n = 0;

	assert_true(strlen(w.st.socket_path) < sizeof sa.sun_path);
	memcpy(sa.sun_path, w.st.socket_path, strlen(w.st.socket_path) + 1);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof sa), 0);
	/* A Unix socket takes all of it at once, or its other end is gone. */
	(void)send(fd, w.request, w.request_n, MSG_NOSIGNAL);
	for (;;) {
		ssize_t part = recv(fd, answer + n, sizeof answer - 1 - n, MSG_DONTWAIT);

		if (part == 0 || (part < 0 && errno != EAGAIN))
			break;
		if (part > 0)
			n += (size_t)part;
		else
			(void)uv_run(&w.st.loop, UV_RUN_NOWAIT);
	}
	answer[n] = '\0';
	(void)sscanf(answer, "HTTP/1.1 %d", &status);
	(void)close(fd);
	return status;
}

/* --- the law ------------------------------------------------------------------------- */

static void law_holds(void)
{
	enum category broken;

	if (!tally_holds(spool_tally(w.st.relay->spool), &broken))
		fail_msg("conservation is broken for %s", category_name(broken));
}

static size_t records(void)
{
	struct spool_stats stats = {0};

	spool_stats(w.st.relay->spool, w.st.now, &stats);
	return stats.records;
}

/* A settlement that found no memory leaves its record: it is held, counted, and
 * sent once more by the next life. */
static void restart(unsigned n)
{
	struct err err;

	stage_stop(&w.st);
	assert_int_equal(stage_start(&w.st, &err), E_OK);
	stage_wait(&w.st, 600 * 1000);
	law_holds();
	if (records() != 0)
		fail_msg("allocation %u: the record stays", n);
}

/* False when all went well without the n-th allocation. */
static bool round_with_failure(unsigned n, unsigned number, size_t filler)
{
	bool failed;
	int status;

	make_request(number, filler);
	atomic_store(&countdown, n);
	status = post();
	stage_settle(&w.st);
	failed = atomic_exchange(&countdown, 0) == 0;
	law_holds();
	if (status != 200 && status != 503 && status != 0)
		fail_msg("allocation %u: answered %d", n, status);
	stage_wait(&w.st, 600 * 1000); /* past every retry */
	law_holds();
	if (status == 200 && w.got == 0 && !w.is_first)
		fail_msg("allocation %u: answered 200 and not sent", n);
	if (records() != 0)
		restart(n);
	if (status == 200 && w.got == 0)
		fail_msg("allocation %u: answered 200 and never sent", n);
	return failed;
}

static void round_without_failure(unsigned n, unsigned number, size_t filler)
{
	make_request(number, filler);
	if (post() != 200)
		fail_msg("after allocation %u: the next is refused", n);
	stage_wait(&w.st, 600 * 1000);
	law_holds();
	if (w.got != 1 || records() != 0)
		fail_msg("after allocation %u: the next is not sent", n);
}

static void open_world(void)
{
	static const struct transport_ops ops = {on_send, on_cancel, on_close};
	struct err err;

	assert_int_equal(stage_open(&w.st, &err), E_OK);
	w.st.upstream.transport.ops = &ops;
	(void)uv_timer_init(&w.st.loop, &w.soon);
	(void)snprintf(
		w.st.settings_text, sizeof w.st.settings_text, "[upstream]\ncompression = none\n");
	assert_int_equal(stage_start(&w.st, &err), E_OK);
}

static void close_world(void)
{
	stage_stop(&w.st);
	uv_close((uv_handle_t *)&w.soon, NULL);
	stage_close(&w.st);
}

static void play(size_t filler)
{
	unsigned n = 0, number = 0;

	open_world();
	round_without_failure(n, ++number, filler);
	while (round_with_failure(++n, ++number, filler))
		round_without_failure(n, ++number, filler);
	print_message("%u allocations failed\n", n - 1);
	assert_true(n > 20);
	close_world();
}

static void no_memory_for_a_small_envelope(void **state) /* handled on the loop */
{
	(void)state;
	play(100);
}

static void no_memory_for_an_envelope_on_a_worker(void **state)
{
	(void)state;
	play(8000);
}

static void no_memory_for_the_first_envelope_of_all(void **state) /* lane, host, ... */
{
	unsigned n = 0;
	bool failed;

	(void)state;
	w.is_first = true;
	do {
		open_world();
		failed = round_with_failure(++n, 1, 100);
		round_without_failure(n, 2, 100);
		close_world();
	} while (failed);
	print_message("%u allocations failed\n", n - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_for_a_small_envelope),
		cmocka_unit_test(no_memory_for_an_envelope_on_a_worker),
		cmocka_unit_test(no_memory_for_the_first_envelope_of_all),
	};

	(void)alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
