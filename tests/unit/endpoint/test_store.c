/* The old way to send events (20.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <zlib.h>

#include "unit/endpoint/support.h"

#define EVENT "{\"event_id\":\"" EVENT_ID "\",\"message\":\"a\"}"
#define EVENT_BASE64                                                                               \
	"eyJldmVudF9pZCI6IjllYzc5YzMzZWM5OTQyYWI4MzUzNTg5ZmNiMmUwNGRjIiwibWVzc2FnZSI6ImEifQ=="
#define WRITTEN "{\"event_id\":\"" EVENT_ID "\"}\n{\"type\":\"event\",\"length\":61}\n" EVENT "\n"

static const struct asked store = {.path = "/api/42/store/"};

static struct asked with(struct str body)
{
	struct asked a = store;

	a.body = body;
	return a;
}

/* Standard base64 of bytes, to be freed. */
static char *base64(const unsigned char *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = calloc(1, n * 2 + 8), *at = out;

	assert_non_null(out);
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) |
			     (i + 2 < n ? p[i + 2] : 0);

		*at++ = digits[v >> 18];
		*at++ = digits[v >> 12 & 63];
		*at++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*at++ = i + 2 < n ? digits[v & 63] : '=';
	}
	return out;
}

static char *zlib_base64(const void *p, size_t n)
{
	uLongf packed_n = compressBound(n);
	unsigned char *packed = malloc(packed_n);
	char *text;

	assert_non_null(packed);
	assert_int_equal(compress(packed, &packed_n, p, n), Z_OK);
	text = base64(packed, packed_n);
	free(packed);
	return text;
}

static void every_spelling_is_the_same_event(void **state) /* P-143 */
{
	char *packed = zlib_base64(EVENT, sizeof EVENT - 1);
	const struct str bodies[] = {
		STR(EVENT), STR(" \r\n" EVENT "\n"), STR(EVENT_BASE64), str_of(packed)};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct asked a = with(bodies[i]);

		must_take(&t, &a);
		assert_written(&t, WRITTEN);
		assert_int_equal(t.work.success, SUCCESS_ID);
		assert_int_equal(t.env->held.of[CAT_ERROR], 1);
		assert_false(carried_is(&t.env->carried));
		taken_free(&t);
	}
	free(packed);
}

static void what_is_no_event_is_refused(void **state) /* P-143 */
{
	static const char *const bodies[] = {"", "  ", "[]", "!!", "e30", "{", "{]",
		"{\"event_id\":\"nope\"}", "{\"event_id\":5}",
		"W10=", "{\"event_id\":\"" EVENT_ID "\"}x", "bm90IHpsaWI="};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct asked a = with(str_of(bodies[i]));

		if (strcmp(bodies[i], "e30") == 0)
			continue; /* that is {} */
		must_refuse(&a, E_SYNTAX);
	}
}

static void the_type_decides_the_item(void **state)
{
	static const struct {
		const char *body, *type;
	} cases[] = {
		{"{\"type\":\"transaction\"}", "transaction"},
		{"{\"type\":\"feedback\"}", "feedback"},
		{"{\"type\":\"error\"}", "event"},
		{"{\"type\":\"csp\"}", "event"}, /* security items are Relay's to write */
		{"{\"type\":\"whatever\"}", "event"},
		{"{\"type\":7}", "event"},
		{"{}", "event"},
		{"{\"event_id\":null}", "event"},
	};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct asked a = with(str_of(cases[i].body));

		must_take(&t, &a);
		assert_int_equal(t.env->item_count, 1);
		assert_str(t.env->items[0].type_name, cases[i].type);
		assert_str(t.env->items[0].payload, cases[i].body);
		assert_true(t.env->has_event_id); /* made, where there was none */
		taken_free(&t);
	}
}

static void bare_floats_of_old_python_are_null(void **state) /* 20.1 */
{
	static const char body[] =
		"{\"a\":NaN,\"b\":[Infinity, -Infinity],\"c\":\"NaN\\\"NaN\",\"d\":-1}";
	static const char *const yes[] = {
		"raven-python/6.10.0", "sentry-python/0.1", "sentry.python/1.9.10"};
	static const char *const no[] = {"raven-node/2.6.4", "sentry.java/1", NULL};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(yes); i++) {
		struct asked a = with(str_of(body));

		a.client = yes[i];
		must_take(&t, &a);
		assert_str(t.env->items[0].payload,
			"{\"a\":null,\"b\":[null, null],\"c\":\"NaN\\\"NaN\",\"d\":-1}");
		taken_free(&t);
	}
	for (size_t i = 0; i < COUNT_OF(no); i++) {
		struct asked a = with(str_of(body));

		a.client = no[i];
		must_refuse(&a, E_SYNTAX);
	}
}

static void a_pixel_brings_its_event_along(void **state) /* P-144 */
{
	char *packed = zlib_base64(EVENT, sizeof EVENT - 1);
	char query[512];
	const char *queries[] = {"sentry_data=%7B%22event_id%22%3A%22" EVENT_ID
				 "%22,%22message%22:%22a%22%7D&sentry_key=app",
		"x=1&sentry_data=" EVENT_BASE64, query};
	struct taken t;

	(void)state;
	(void)snprintf(query, sizeof query, "sentry_data=%s", packed);
	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		struct asked a = {.method = "GET", .path = "/api/42/store/", .query = queries[i]};

		must_take(&t, &a);
		assert_written(&t, WRITTEN);
		assert_int_equal(t.work.success, SUCCESS_GIF);
		taken_free(&t);
	}
	free(packed);
	must_refuse(&(struct asked){.method = "GET", .path = "/api/42/store/", .query = "a=b"},
		E_SYNTAX);
	must_refuse(&(struct asked){.method = "GET", .path = "/api/42/store/"}, E_SYNTAX);
	must_refuse(
		&(struct asked){.method = "GET", .path = "/api/42/store/", .query = "sentry_data="},
		E_SYNTAX);
}

static void a_bomb_in_base64_stops_at_the_limit(void **state) /* P-011 */
{
	size_t n = 8u << 20;
	char *zeros = calloc(1, n), *packed;
	struct asked a;

	(void)state;
	assert_non_null(zeros);
	packed = zlib_base64(zeros, n);
	a = with(str_of(packed));
	must_refuse(&a, E_TOOBIG);
	a.memory = 64 * 1024; /* less than what limits.event would let in */
	must_refuse(&a, E_NOMEM);
	free(packed);
	free(zeros);
}

static void an_envelope_here_is_an_envelope(void **state)
{
	struct endpoint_request r = {.path = {.endpoint = ENDPOINT_STORE}};

	(void)state;
	assert_false(endpoint_is_envelope(&r));
	r.content_type = STR("application/x-sentry-envelope; charset=utf-8");
	assert_true(endpoint_is_envelope(&r));
	r.path.endpoint = ENDPOINT_NEL;
	assert_false(endpoint_is_envelope(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_is_the_same_event),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(the_type_decides_the_item),
		cmocka_unit_test(bare_floats_of_old_python_are_null),
		cmocka_unit_test(a_pixel_brings_its_event_along),
		cmocka_unit_test(a_bomb_in_base64_stops_at_the_limit),
		cmocka_unit_test(an_envelope_here_is_an_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
