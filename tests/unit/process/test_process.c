#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "envelope/codec.h"
#include "process/pack.h"
#include "process/route.h"

#define KEY "0123456789abcdef0123456789abcdef"

static struct project projects[] = {
	{"app", "app", "", "https://11111111111111111111111111111111@one.test/1"},
	{"two", "shared", "2", "https://22222222222222222222222222222222@two.test/22"},
	{"three", "shared", "3", "https://33333333333333333333333333333333@two.test/a/33"},
};

static struct settings settings_of(const char *dsn, const char *url, int accept, size_t count)
{
	struct settings s;

	memset(&s, 0, sizeof s);
	s.upstream.dsn = dsn;
	s.upstream.url = url;
	s.upstream.accept = accept;
	s.projects = projects;
	s.project_count = count;
	return s;
}

static struct sender sender_of(const char *key, const char *project)
{
	struct sender f;

	memset(&f, 0, sizeof f);
	f.key = str_of(key);
	f.project = str_of(project);
	return f;
}

static void check_route(const struct settings *s, const char *key, const char *project, int rc,
	const char *expected)
{
	struct sender from = sender_of(key, project);
	struct arena *a = arena_new(0, 0);
	struct err err = {0};
	struct route r;

	assert_int_equal(route_find(s, &from, false, a, &r, &err), rc);
	if (rc == E_OK)
		assert_string_equal(r.text.p, expected);
	else
		assert_non_null(strstr(err.text, expected));
	arena_free(a);
}

static void a_project_section_goes_first(void **state)
{
	struct settings s = settings_of("https://" KEY "@all.test/9", "", ACCEPT_ANY, 3);

	(void)state;
	check_route(&s, "app", "77", E_OK, projects[0].dsn);
	check_route(&s, "shared", "2", E_OK, projects[1].dsn);
	check_route(&s, "shared", "3", E_OK, projects[2].dsn);
	check_route(&s, "shared", "", E_OK, projects[1].dsn); /* /api/store/ */
	check_route(&s, "shared", "4", E_OK, "https://" KEY "@all.test/9");
	check_route(&s, "other", "1", E_OK, "https://" KEY "@all.test/9");
	check_route(&s, "", "", E_OK, "https://" KEY "@all.test/9");
}

static void known_means_known(void **state)
{
	struct settings s = settings_of("https://" KEY "@all.test/9", "", ACCEPT_KNOWN, 3);

	(void)state;
	check_route(&s, "app", "1", E_OK, projects[0].dsn);
	check_route(&s, "other", "1", E_DENIED, "[upstream] accept = any");
	check_route(&s, "shared", "4", E_DENIED, "set id in its [project]");
	check_route(&s, "", "1", E_UNAUTHORIZED, "no credentials");
}

static void url_keeps_key_and_project(void **state)
{
	struct settings s = settings_of("", "https://sentry.test/prefix", ACCEPT_ANY, 0);

	(void)state;
	check_route(&s, KEY, "5", E_OK, "https://" KEY "@sentry.test/prefix/5");
	check_route(&s, "app", "5", E_INVAL, "32 hex digits");
	check_route(&s, "", "5", E_UNAUTHORIZED, "no credentials");
	check_route(&s, KEY, "", E_INVAL, "project");
}

static void nothing_configured_says_what_would_help(void **state)
{
	struct settings s = settings_of("", "", ACCEPT_ANY, 0);
	struct sender from = sender_of("app", "1");
	struct arena *a = arena_new(0, 0);
	struct route r;

	(void)state;
	check_route(&s, "app", "1", E_DENIED, "[upstream] dsn or url");
	assert_int_equal(route_find(&s, &from, true, a, &r, NULL), E_OK);
	assert_true(str_eq(r.text, route_local_dsn()));
	arena_free(a);
}

static struct envelope *envelope_of(const char *text)
{
	struct envelope *e = envelope_new();
	struct err err = {0};

	assert_non_null(e);
	assert_int_equal(envelope_parse(e, str_of(text), NULL, &err), E_OK);
	assert_int_equal(envelope_identify(e, &err), E_OK);
	assert_int_equal(envelope_measure(e, &e->invalid, &err), E_OK);
	e->from = sender_of("app", "1");
	e->from.protocol = STR("7");
	return e;
}

static void routed(struct envelope *e, const struct settings *s, struct route *r)
{
	assert_int_equal(route_find(s, &e->from, false, e->arena, r, NULL), E_OK);
	assert_int_equal(route_apply(e, r, NULL), E_OK);
}

/* P-058, design 5. */
static void header_dsn_and_own_trace_key_follow_the_route(void **state)
{
	struct settings s = settings_of("", "", ACCEPT_ANY, 1);
	struct envelope *e = envelope_of("{\"dsn\":\"http://app@127.0.0.1:4690/1\",\"trace\":{"
					 "\"trace_id\":\"x\",\"public_key\":\"app\",\"u\":1}}\n"
					 "{\"type\":\"session\"}\n{}\n");
	struct buf out = BUF_INIT;
	struct route r;

	(void)state;
	routed(e, &s, &r);
	assert_true(r.key_changed);
	envelope_write_header(e, &out);
	assert_true(str_eq(buf_view(&out),
		STR("{\"dsn\":\"https://11111111111111111111111111111111@one.test/1\",\"trace\":{"
		    "\"trace_id\":\"x\",\"public_key\":\"11111111111111111111111111111111\","
		    "\"u\":1}}")));
	buf_fini(&out);
	envelope_free(e);
}

static void a_foreign_trace_key_stays(void **state)
{
	struct settings s = settings_of("", "", ACCEPT_ANY, 1);
	struct envelope *e = envelope_of("{\"trace\":{\"public_key\":\"somebody\"}}\n"
					 "{\"type\":\"session\"}\n{}\n");
	struct buf out = BUF_INIT;
	struct route r;

	(void)state;
	routed(e, &s, &r);
	envelope_write_header(e, &out);
	assert_true(str_eq(buf_view(&out), STR("{\"trace\":{\"public_key\":\"somebody\"}}")));
	buf_fini(&out);
	envelope_free(e);
}

static void a_record_holds_what_sending_needs(void **state)
{
	struct settings s = settings_of("", "", ACCEPT_ANY, 1);
	struct codec_pool *codecs = NULL;
	struct buf text = BUF_INIT, items = BUF_INIT;
	struct envelope *e;
	struct packed p;
	struct record rec;
	struct route r;

	(void)state;
	assert_int_equal(codec_pool_new(&codecs, 1, NULL), E_OK);
	buf_cstr(&text, "{\"sent_at\":\"2026-11-22T10:54:51Z\",\"k\":[1]}\n{\"type\":\"event\"}\n{"
			"\"m\":\"");
	for (int i = 0; i < 2000; i++)
		buf_cstr(&text, "abc ");
	buf_cstr(&text, "\"}\n");
	buf_char(&text, '\0');
	e = envelope_of(text.p);
	routed(e, &s, &r);
	assert_int_equal(pack_envelope(e, &r, codecs, 99, &p, NULL), E_OK);
	assert_int_equal(record_unpack(buf_view(&p.bytes), &rec, NULL), E_OK);
	assert_int_equal(rec.class, CLASS_ERROR);
	assert_true(rec.has_sent_at);
	assert_true(rec.has_event_id); /* P-056: made here, kept for every attempt */
	assert_true(str_eq(rec.dsn, str_of(projects[0].dsn)));
	assert_null(memchr(rec.header.p, '\n', rec.header.n));
	assert_int_equal(str_find(rec.header, STR("sent_at")), rec.header.n);
	assert_int_equal(rec.encoding, RECORD_ZSTD);
	assert_true(rec.items.n < 500);
	assert_int_equal(decode_all(ENCODING_ZSTD, rec.items, rec.items_bytes, &items, NULL), E_OK);
	assert_int_equal(items.n, rec.items_bytes);
	assert_int_equal(rec.held.of[CAT_ERROR], 1);
	packed_fini(&p);
	buf_fini(&items);
	buf_fini(&text);
	envelope_free(e);
	codec_pool_free(codecs);
}

/* How the record of this text is encoded when the client sent it as gzip. */
static enum record_encoding kept_as(const char *text)
{
	struct settings s = settings_of("", "", ACCEPT_ANY, 1);
	struct buf wire = BUF_INIT, items = BUF_INIT;
	struct codec_pool *codecs = NULL;
	enum record_encoding encoding;
	struct envelope *e;
	struct packed p;
	struct record rec;
	struct route r;

	assert_int_equal(codec_pool_new(&codecs, 1, NULL), E_OK);
	assert_int_equal(codec_gzip(codecs, str_of(text), &wire, NULL), E_OK);
	e = envelope_of(text);
	e->wire = buf_view(&wire);
	e->wire_encoding = ENCODING_GZIP;
	routed(e, &s, &r);
	assert_int_equal(pack_envelope(e, &r, codecs, 99, &p, NULL), E_OK);
	assert_int_equal(record_unpack(buf_view(&p.bytes), &rec, NULL), E_OK);
	encoding = rec.encoding;
	if (encoding == RECORD_BODY)
		assert_true(str_eq(rec.items, buf_view(&wire)));
	assert_int_equal(record_items(&rec, &items, NULL), E_OK);
	assert_int_equal(items.n, rec.items_bytes);
	assert_int_equal(str_find(str_of(text), buf_view(&items)) + items.n, strlen(text));
	packed_fini(&p);
	buf_fini(&items);
	buf_fini(&wire);
	envelope_free(e);
	codec_pool_free(codecs);
	return encoding;
}

#define EVENT_HEADER                                                                               \
	"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\",\"sent_at\":\"2026-11-22T10:54:51"
#define LONG_ITEM                                                                                  \
	"{\"type\":\"event\",\"length\":98}\n{\"m\":"                                              \
	"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                           \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}\n"

static void what_nothing_changes_keeps_the_clients_compression(void **state)
{
	(void)state;
	assert_int_equal(kept_as(EVENT_HEADER ".000000Z\"}\n" LONG_ITEM), RECORD_BODY);
	/* Times that are not written as ours, no time, an id to be made, a dsn to be
	 * replaced. */
	assert_int_not_equal(kept_as(EVENT_HEADER "Z\"}\n" LONG_ITEM), RECORD_BODY);
	assert_int_not_equal(kept_as(EVENT_HEADER ".123456789Z\"}\n" LONG_ITEM), RECORD_BODY);
	assert_int_not_equal(kept_as(EVENT_HEADER ".00+00:00\"}\n" LONG_ITEM), RECORD_BODY);
	assert_int_not_equal(
		kept_as("{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n" LONG_ITEM),
		RECORD_BODY);
	assert_int_not_equal(
		kept_as("{\"sent_at\":\"2026-11-22T10:54:51.000000Z\"}\n" LONG_ITEM), RECORD_BODY);
	assert_int_not_equal(kept_as(EVENT_HEADER ".000000Z\",\"dsn\":\"http://"
						  "k@127.0.0.1/1\"}\n" LONG_ITEM),
		RECORD_BODY);
}

static void the_most_urgent_item_gives_the_class(void **state)
{
	static const struct {
		const char *text;
		enum item_class class;
	} rows[] = {
		{"{}\n{\"type\":\"log\",\"item_count\":1,\"content_type\":\"application/"
		 "vnd.sentry.items.log+json\"}\n{\"items\":[{}]}\n",
			CLASS_TELEMETRY},
		{"{}\n{\"type\":\"transaction\"}\n{}\n", CLASS_TRACE},
		{"{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"session\"}\n{}\n", CLASS_CHECK_IN},
		{"{}\n{\"type\":\"attachment\"}\nx\n", CLASS_BULK},
		{"{}\n{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\"}\nx\n",
			CLASS_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct envelope *e = envelope_of(rows[i].text);

		assert_int_equal(envelope_class(e), rows[i].class);
		envelope_free(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_project_section_goes_first),
		cmocka_unit_test(known_means_known),
		cmocka_unit_test(url_keeps_key_and_project),
		cmocka_unit_test(nothing_configured_says_what_would_help),
		cmocka_unit_test(header_dsn_and_own_trace_key_follow_the_route),
		cmocka_unit_test(a_foreign_trace_key_stays),
		cmocka_unit_test(a_record_holds_what_sending_needs),
		cmocka_unit_test(what_nothing_changes_keeps_the_clients_compression),
		cmocka_unit_test(the_most_urgent_item_gives_the_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
