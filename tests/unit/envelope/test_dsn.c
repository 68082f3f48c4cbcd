#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "envelope/dsn.h"
#include "unit/envelope/support.h"

static void assert_url(const char *text, const char *want)
{
	struct arena *a = arena_new(0, 0);
	struct err err = {0};
	struct dsn d;

	if (dsn_parse(str_of(text), &d, &err) != E_OK)
		fail_msg("%s: %s", text, err.text);
	assert_str(dsn_endpoint_url(&d, STR("envelope"), a), want);
	arena_free(a);
}

static void dsn_tells_the_envelope_url(void **state) /* P-001, P-002, P-003 */
{
	(void)state;
	assert_url("https://k@h/42", "https://h/api/42/envelope/");
	assert_url(
		"https://k@o1.ingest.sentry.io/42", "https://o1.ingest.sentry.io/api/42/envelope/");
	assert_url("http://k:@127.0.0.1:8390/7", "http://127.0.0.1:8390/api/7/envelope/");
	assert_url("https://k:s@sentry.corp/a/b/9/", "https://sentry.corp/a/b/api/9/envelope/");
	assert_url("https://k:@h/42/", "https://h/api/42/envelope/");
	assert_url("HTTP://k@h:80/1", "http://h/api/1/envelope/");
	assert_url("https://k@h:443/1", "https://h/api/1/envelope/");
	assert_url("https://k@h:80/1", "https://h:80/api/1/envelope/");
	assert_url("https://k@[::1]:9000/1", "https://[::1]:9000/api/1/envelope/");
	assert_url(" https://k@h/18446744073709551615\n",
		"https://h/api/18446744073709551615/envelope/");
}

static void bad_dsns_are_refused_with_the_fault_named(void **state) /* P-004 */
{
	static const struct {
		const char *text, *fault;
	} bad[] = {
		{"", "scheme"},
		{"ftp://k@h/1", "scheme"},
		{"https:/k@h/1", "scheme"},
		{"https://h/1", "key"},
		{"https://@h/1", "key"},
		{"https://:s@h/1", "key"},
		{"https://k,x@h/1", "key"},
		{"https://k\n@h/1", "key"},
		{"https://k@/1", "host"},
		{"https://k@:80/1", "host"},
		{"https://k@h h/1", "host"},
		{"https://k@h:0/1", "port"},
		{"https://k@h:65536/1", "port"},
		{"https://k@h:x/1", "port"},
		{"https://k@[::1/1", "host"},
		{"https://k@h", "project"},
		{"https://k@h/", "project"},
		{"https://k@h/abc", "project"},
		{"https://k@h/0", "project"},
		{"https://k@h/-1", "project"},
		{"https://k@h/1?x=1", "project"},
		{"https://k@h/18446744073709551616", "project"},
		{"https://k@h/a b/1", "path"},
		{"https://k@h/a?b/1", "path"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct err err = {0};
		struct dsn d;

		if (dsn_parse(str_of(bad[i].text), &d, &err) != E_SYNTAX)
			fail_msg("%s was taken", bad[i].text);
		if (strstr(err.text, bad[i].fault) == NULL)
			fail_msg("%s: %s", bad[i].text, err.text);
	}
}

static void faults_never_tell_the_key(void **state)
{
	struct err err = {0};
	struct dsn d;

	(void)state;
	assert_int_equal(dsn_parse(STR("https://topsecret@h/abc"), &d, &err), E_SYNTAX);
	assert_null(strstr(err.text, "topsecret"));
	assert_int_equal(dsn_parse(STR("https://top secret@h/1"), &d, &err), E_SYNTAX);
	assert_null(strstr(err.text, "secret"));
}

static void parts_are_views_and_format_leaves_the_secret_out(void **state)
{
	struct arena *a = arena_new(0, 0);
	struct dsn d;

	(void)state;
	assert_int_equal(dsn_parse(STR("http://key:sec@h:81/a/b/9/"), &d, NULL), E_OK);
	assert_false(d.https);
	assert_str(d.key, "key");
	assert_str(d.secret, "sec");
	assert_str(d.host, "h");
	assert_int_equal(d.port, 81);
	assert_str(d.prefix, "/a/b");
	assert_str(d.project, "9");
	assert_str(dsn_format(&d, a), "http://key@h:81/a/b/9");
	assert_str(dsn_base_url(&d, a), "http://h:81/a/b");
	arena_free(a);
}

static void formatted_dsn_parses_to_itself(void **state)
{
	static const char *const texts[] = {"https://k@h/1", "http://k@h:8080/a/2",
		"https://a.b-c_d@[fe80::1]:1/x/y/z/3", "http://k@h:443/9"};
	struct arena *a = arena_new(0, 0);
	struct dsn d;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(dsn_parse(str_of(texts[i]), &d, NULL), E_OK);
		assert_str(dsn_format(&d, a), texts[i]);
	}
	arena_free(a);
}

static void base_url_has_neither_key_nor_project(void **state)
{
	struct arena *a = arena_new(0, 0);
	struct dsn d;

	(void)state;
	assert_int_equal(dsn_parse_base(STR("https://sentry.corp:8443/sub/"), &d, NULL), E_OK);
	assert_str(dsn_base_url(&d, a), "https://sentry.corp:8443/sub");
	assert_int_equal(dsn_parse_base(STR("https://k@sentry.corp/1"), &d, NULL), E_SYNTAX);
	assert_int_equal(dsn_parse_base(STR("sentry.corp"), &d, NULL), E_SYNTAX);
	assert_int_equal(dsn_parse_base(STR("https:///x"), &d, NULL), E_SYNTAX);
	arena_free(a);
}

static void no_memory_gives_no_url(void **state)
{
	struct arena *a = arena_new(0, 8);
	struct dsn d;

	(void)state;
	assert_int_equal(dsn_parse(STR("https://k@h/1"), &d, NULL), E_OK);
	assert_null(dsn_format(&d, a).p);
	assert_null(dsn_base_url(&d, a).p);
	assert_null(dsn_endpoint_url(&d, STR("envelope"), a).p);
	arena_free(a);
}

static void keys_local_and_sentrys(void **state) /* P-025, design 12.9 */
{
	char long_key[66];

	(void)state;
	memset(long_key, 'a', sizeof long_key);
	assert_true(dsn_key_is_local(STR("app")));
	assert_true(dsn_key_is_local(str_make(long_key, 64)));
	assert_false(dsn_key_is_local(str_make(long_key, 65)));
	assert_false(dsn_key_is_local(STR("")));
	assert_false(dsn_key_is_local(STR("a.b")));
	assert_true(dsn_key_is_sentry(STR("0123456789abcdefABCDEF0123456789")));
	assert_false(dsn_key_is_sentry(STR("0123456789abcdefABCDEF012345678g")));
	assert_false(dsn_key_is_sentry(STR("0123456789abcdefABCDEF012345678")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dsn_tells_the_envelope_url),
		cmocka_unit_test(bad_dsns_are_refused_with_the_fault_named),
		cmocka_unit_test(faults_never_tell_the_key),
		cmocka_unit_test(parts_are_views_and_format_leaves_the_secret_out),
		cmocka_unit_test(formatted_dsn_parses_to_itself),
		cmocka_unit_test(base_url_has_neither_key_nor_project),
		cmocka_unit_test(no_memory_gives_no_url),
		cmocka_unit_test(keys_local_and_sentrys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
