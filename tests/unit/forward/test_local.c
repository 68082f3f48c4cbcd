#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "envelope/codec.h"
#include "forward/local.h"

static void an_envelope_is_summed_up(void **state)
{
	static const struct {
		const char *body, *types, *title;
	} rows[] = {
		{"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n"
		 "{\"exception\":{\"values\":[{\"type\":\"A\"},{\"type\":\"ValueError\",\"value\":"
		 "\"no\\ncolour\"}]}}\n{\"type\":\"attachment\"}\nx\n{\"type\":\"attachment\"}"
		 "\ny\n",
			"event, attachment x2", "ValueError: no colour"},
		{"{}\n{\"type\":\"event\"}\n{\"message\":\"hello\"}\n", "event", "hello"},
		{"{}\n{\"type\":\"event\"}\n{\"logentry\":{\"message\":\"a %s\",\"formatted\":\"a "
		 "b\"}}\n",
			"event", "a b"},
		{"{}\n{\"type\":\"transaction\"}\n{\"transaction\":\"GET /\"}\n", "transaction",
			"GET /"},
		{"{}\n{\"type\":\"check_in\"}\n{\"monitor_slug\":\"nightly\",\"status\":\"ok\"}\n",
			"check_in", "nightly ok"},
		{"{}\n{\"type\":\"session\"}\n{}\n", "session", ""},
		{"{}\n{\"type\":\"event\"}\nnot json\n", "event", ""},
		{"garbage", "unreadable", ""},
		{"{}\n", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct local_envelope e;

		local_summarize(str_of(rows[i].body), STR_EMPTY, &e);
		assert_string_equal(e.types, rows[i].types);
		assert_string_equal(e.title, rows[i].title);
		assert_string_equal(e.event_id, i == 0 ? "9ec79c33ec9942ab8353589fcb2e04dc" : "");
	}
}

static void long_and_hostile_texts_are_cut(void **state)
{
	struct buf b = BUF_INIT;
	struct local_envelope e;

	(void)state;
	buf_cstr(&b, "{}\n{\"type\":\"event\"}\n{\"message\":\"\\u001b[31m");
	for (int i = 0; i < 500; i++)
		buf_cstr(&b, "\xc3\xa4");
	buf_cstr(&b, "\"}\n");
	for (int i = 0; i < 50; i++)
		buf_printf(&b, "{\"type\":\"type%d\"}\nx\n", i);
	local_summarize(buf_view(&b), STR_EMPTY, &e);
	assert_true(strlen(e.title) > LOCAL_TITLE_BYTES - 4);
	assert_true(str_is_utf8(str_of(e.title)));
	assert_null(strchr(e.title, 0x1b));
	assert_true(strlen(e.types) < LOCAL_TYPES_BYTES);
	buf_fini(&b);
}

struct seen {
	unsigned n, answered;
	char last[LOCAL_TITLE_BYTES];
};

static void on_envelope(void *arg, const struct local_envelope *e)
{
	struct seen *s = arg;

	s->n++;
	(void)snprintf(s->last, sizeof s->last, "%s", e->title);
}

static void on_done(struct exchange *x)
{
	struct seen *s = x->arg;

	assert_true(x->rc == E_CANCELED || x->status == 200);
	s->answered++;
}

static void on_closed(void *arg)
{
	*(bool *)arg = true;
}

static void the_last_fifty_are_kept_and_all_are_answered(void **state)
{
	static const char *const plain[] = {NULL};
	static const char *const gzip[] = {"X: y", "content-encoding: gzip", NULL};
	struct transport *t;
	struct local_view *v;
	struct exchange x[62];
	struct buf bodies[62], packed = BUF_INIT;
	struct codec_pool *pool;
	struct seen seen = {0};
	uv_loop_t loop;
	bool closed = false;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(codec_pool_new(&pool, 3, NULL), E_OK);
	assert_int_equal(local_transport_new(&t, &v, &loop, clock_system(), NULL, NULL), E_OK);
	local_view_listen(v, on_envelope, &seen);
	assert_null(local_view_get(v, 0));
	memset(x, 0, sizeof x);
	for (int i = 0; i < 62; i++) {
		bodies[i] = BUF_INIT;
		buf_printf(&bodies[i], "{}\n{\"type\":\"event\"}\n{\"message\":\"m%d\"}\n", i);
		x[i].url = "https://k@h.example/api/4711/envelope/";
		x[i].headers = plain;
		x[i].body = buf_view(&bodies[i]);
		x[i].done = on_done;
		x[i].arg = &seen;
	}
	assert_int_equal(codec_gzip(pool, x[60].body, &packed, NULL), E_OK);
	x[60].body = buf_view(&packed);
	x[60].headers = gzip;
	for (int i = 0; i < 62; i++)
		t->ops->send(t, &x[i]);
	t->ops->cancel(t, &x[61]);
	assert_int_equal(seen.answered, 0); /* never before send() returned */
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(seen.answered, 62);
	assert_int_equal(seen.n, 61);
	assert_string_equal(seen.last, "m60");
	assert_string_equal(local_view_get(v, 0)->title, "m60");
	assert_string_equal(local_view_get(v, 0)->project, "4711");
	assert_string_equal(local_view_get(v, 49)->title, "m11");
	assert_null(local_view_get(v, 50));
	for (int i = 0; i < 62; i++)
		buf_fini(&bodies[i]);
	buf_fini(&packed);
	codec_pool_free(pool);
	t->ops->close(t, on_closed, &closed);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(closed);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_envelope_is_summed_up),
		cmocka_unit_test(long_and_hostile_texts_are_cut),
		cmocka_unit_test(the_last_fifty_are_kept_and_all_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
