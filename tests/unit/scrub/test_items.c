/* Every item type of an envelope, deep scrubbing, and send_default_pii = no. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/scrub/support.h"

static struct scrubber *made(struct scrub_options o)
{
	struct scrubber *s;
	struct err err = {0};

	if (scrubber_new(&s, &o, &err) != E_OK)
		fail_msg("%s", err.text);
	return s;
}

static struct scrub_options all_on(void)
{
	struct scrub_options o = {.deep = true, .attachments = true};

	o.settings.scrub_data = o.settings.scrub_defaults = o.settings.scrub_ip_addresses = true;
	return o;
}

struct sent {
	struct envelope *e;
	struct scrub_tally tally;
};

static struct sent send(const struct scrubber *s, const char *header, const char *payload)
{
	struct sent r = {.e = envelope_new()};
	struct quantities invalid = {{0}};
	struct err err = {0};
	struct str body;

	assert_non_null(r.e);
	body = arena_printf(r.e->arena, "{}\n%s\n%s", header, payload);
	if (envelope_parse(r.e, body, NULL, &err) != E_OK ||
		envelope_measure(r.e, &invalid, &err) != E_OK ||
		scrub_envelope(s, r.e, &r.tally, &err) != E_OK)
		fail_msg("%s: %s", header, err.text);
	return r;
}

static bool holds(struct str s, const char *part)
{
	return str_find(s, str_of(part)) < s.n;
}

static void every_type_of_item_is_looked_into(void **state)
{
	static const struct {
		const char *header;
		const char *payload;
	} items[] = {
		{"{\"type\":\"event\"}", "{\"extra\":{\"a\":\"4571234567890111\"}}"},
		{"{\"type\":\"transaction\"}", "{\"type\":\"transaction\",\"spans\":[{\"data\":{"
					       "\"a\":\"4571234567890111\"}}]}"},
		{"{\"type\":\"feedback\"}", "{\"extra\":{\"a\":\"4571234567890111\"}}"},
		{"{\"type\":\"user_report\"}", "{\"comments\":\"4571234567890111\"}"},
		{"{\"type\":\"session\"}", "{\"sid\":\"a\",\"did\":\"4571234567890111\"}"},
		{"{\"type\":\"sessions\"}", "{\"aggregates\":[{\"did\":\"4571234567890111\","
					    "\"exited\":1}],\"attrs\":{}}"},
		{"{\"type\":\"log\",\"content_type\":\"application/vnd.sentry.items.log+json\","
		 "\"item_count\":1}",
			"{\"items\":[{\"body\":\"x\",\"attributes\":{\"a\":{\"type\":\"string\","
			"\"value\":\"4571234567890111\"}}}]}"},
		{"{\"type\":\"trace_metric\",\"content_type\":"
		 "\"application/vnd.sentry.items.trace-metric+json\",\"item_count\":1}",
			"{\"items\":[{\"name\":\"x\",\"attributes\":{\"a\":{\"type\":\"string\","
			"\"value\":\"4571234567890111\"}}}]}"},
		{"{\"type\":\"span\",\"content_type\":\"application/"
		 "vnd.sentry.items.span.v2+json\","
		 "\"item_count\":1}",
			"{\"items\":[{\"name\":\"x\",\"attributes\":{\"a\":{\"type\":\"string\","
			"\"value\":\"4571234567890111\"}}}]}"},
		{"{\"type\":\"span\"}", "{\"data\":{\"a\":\"4571234567890111\"}}"},
		{"{\"type\":\"replay_event\"}",
			"{\"replay_id\":\"a\",\"user\":{\"name\":\"4571234567890111\"},\"urls\":["
			"\"4571234567890111\"]}"},
		{"{\"type\":\"check_in\"}", "{\"contexts\":{\"x\":{\"a\":\"4571234567890111\"}}}"},
		{"{\"type\":\"profile\"}", "{\"metadata\":{\"a\":\"4571234567890111\"}}"},
		{"{\"type\":\"security\"}", "{\"csp-report\":{\"referrer\":\"4571234567890111\"}}"},
		{"{\"type\":\"nel\"}", "[{\"url\":\"4571234567890111\"}]"},
		{"{\"type\":\"form_data\"}", "[[\"a\",\"4571234567890111\"]]"},
	};
	struct scrubber *s = made(all_on());

	(void)state;
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		struct sent r = send(s, items[i].header, items[i].payload);

		if (r.e->item_count != 1 || holds(r.e->items[0].payload, "4571234567890111") ||
			r.tally.items_changed != 1)
			fail_msg("%s: %.*s", items[i].header, STR_ARG(r.e->items[0].payload));
		envelope_free(r.e);
	}
	scrubber_free(s);
}

static void an_item_that_cannot_be_read_goes_and_its_neighbours_stay(void **state)
{
	struct scrubber *s = made(all_on());
	struct sent r = send(s, "{\"type\":\"event\",\"length\":3}",
		"not\n{\"type\":\"session\",\"length\":11}\n{\"sid\":\"a\"}");

	(void)state;
	assert_int_equal(r.e->item_count, 1);
	assert_int_equal(r.e->items[0].type, ITEM_SESSION);
	assert_int_equal(r.tally.items_dropped, 1);
	assert_int_equal(r.tally.dropped.of[CAT_ERROR], 1);
	envelope_free(r.e);
	scrubber_free(s);
}

static struct sent carry(enum scrub_opaque opaque, const char *path, struct str body)
{
	struct scrub_options o = all_on();
	struct scrubber *s;
	struct sent r = {.e = envelope_new()};
	struct err err = {0};

	o.opaque = opaque;
	s = made(o);
	r.e->carried = (struct carried){.method = STR("POST"), .path = str_of(path)};
	r.e->items = arena_calloc(r.e->arena, 1, sizeof *r.e->items);
	r.e->item_count = 1;
	r.e->items[0].payload = body;
	assert_int_equal(scrub_envelope(s, r.e, &r.tally, &err), E_OK);
	scrubber_free(s);
	return r;
}

static void bodies_that_cannot_be_taken_apart_follow_the_setting(void **state)
{
	static const struct {
		enum scrub_opaque opaque;
		const char *path;
		size_t left;
	} cases[] = {
		{OPAQUE_AUTO, "integration/otlp/v1/traces/", 0},
		{OPAQUE_PASS, "integration/otlp/v1/traces/", 1},
		{OPAQUE_AUTO, "unreal/{key}/", 1},
		{OPAQUE_DROP, "unreal/{key}/", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sent r = carry(cases[i].opaque, cases[i].path, STR("\x0a\x03xyz"));

		assert_int_equal(r.e->item_count, cases[i].left);
		assert_int_equal(r.tally.opaque, cases[i].left);
		envelope_free(r.e);
	}
}

static void otlp_attributes_are_members(void **state)
{
	struct sent r = carry(OPAQUE_AUTO, "integration/otlp/v1/logs/",
		STR("{\"resourceLogs\":[{\"attributes\":[{\"key\":\"db.password\",\"value\":{"
		    "\"stringValue\":"
		    "\"hunter2\"}},{\"key\":\"x\",\"value\":{\"intValue\":\"1\"}}]}]}"));

	(void)state;
	assert_false(holds(r.e->items[0].payload, "hunter2"));
	assert_true(holds(r.e->items[0].payload, "{\"key\":\"x\",\"value\":{\"intValue\":\"1\"}}"));
	envelope_free(r.e);
}

/* --- protobuf ------------------------------------------------------------------------ */

static void pb_put(struct buf *out, unsigned number, struct str content)
{
	assert_true(content.n < 128 && number < 16);
	buf_char(out, (char)(number << 3 | 2));
	buf_char(out, (char)content.n);
	buf_str(out, content);
}

/* Attribute name with a value that is text. */
static struct str pb_member(struct arena *a, const char *name, const char *text)
{
	struct buf value = BUF_INIT;
	struct buf member = BUF_INIT;
	struct str s;

	pb_put(&value, 1, str_of(text));
	pb_put(&member, 1, str_of(name));
	pb_put(&member, 2, buf_view(&value));
	s = arena_dup(a, buf_view(&member));
	buf_fini(&value);
	buf_fini(&member);
	return s;
}

/* One record with these fields, five messages deep. */
static struct str pb_request(struct arena *a, const struct buf *record)
{
	struct buf scope = BUF_INIT;
	struct buf resource = BUF_INIT;
	struct buf request = BUF_INIT;
	struct str s;

	pb_put(&scope, 2, buf_view(record));
	pb_put(&resource, 2, buf_view(&scope));
	pb_put(&request, 1, buf_view(&resource));
	s = arena_dup(a, buf_view(&request));
	buf_fini(&scope);
	buf_fini(&resource);
	buf_fini(&request);
	return s;
}

static void otlp_in_protobuf_is_scrubbed_and_stays_well_formed(void **state)
{
	struct arena *a = arena_new(0, 0);
	struct buf record = BUF_INIT;
	struct buf want = BUF_INIT;
	struct sent r;

	(void)state;
	pb_put(&record, 6, pb_member(a, "password", "hunter2"));
	pb_put(&record, 6, pb_member(a, "x", "a 10.0.0.1 b"));
	pb_put(&record, 6, pb_member(a, "sentry.release", "password"));
	pb_put(&record, 15, STR("\xff\xfe"));
	pb_put(&want, 6, pb_member(a, "password", "[Filtered]"));
	pb_put(&want, 6, pb_member(a, "x", "a [ip] b"));
	pb_put(&want, 6, pb_member(a, "sentry.release", "password"));
	pb_put(&want, 15, STR("\xff\xfe"));
	r = carry(OPAQUE_AUTO, "integration/otlp/v1/logs/", pb_request(a, &record));
	assert_int_equal(r.e->item_count, 1);
	assert_true(str_eq(r.e->items[0].payload, pb_request(a, &want)));
	envelope_free(r.e);
	buf_fini(&record);
	buf_fini(&want);
	arena_free(a);
}

static void otlp_that_has_no_secrets_stays_as_it_is(void **state)
{
	struct arena *a = arena_new(0, 0);
	struct buf record = BUF_INIT;
	struct str in;
	struct sent r;

	(void)state;
	pb_put(&record, 5, STR("GET /"));
	pb_put(&record, 9, pb_member(a, "x", "y"));
	in = pb_request(a, &record);
	r = carry(OPAQUE_AUTO, "integration/otlp/v1/traces/", in);
	assert_ptr_equal(r.e->items[0].payload.p, in.p);
	envelope_free(r.e);
	buf_fini(&record);
	arena_free(a);
}

/* --- deep --------------------------------------------------------------------------- */

static struct str scrubbed(struct scrubber *s, struct arena *a, const char *event)
{
	struct scrub_tally tally = {0};
	struct err err = {0};
	struct str out;

	if (scrub_payload(s, SCRUB_EVENT, str_of(event), a, &out, &tally, &err) != E_OK)
		fail_msg("%s", err.text);
	return out;
}

static void deep_scrubbing_closes_the_gaps(void **state) /* design 6; T51 to T55 */
{
	static const char *const events[] = {
		"{\"tags\":{\"auth_token\":\"SECRET1\"}}",
		"{\"tags\":[[\"db.password\",\"SECRET1\"]]}",
		"{\"contexts\":{\"os\":{\"api key\":\"SECRET1\"}}}",
		"{\"contexts\":{\"runtime\":{\"x\":\"Bearer SECRET1\"}}}",
		"{\"request\":{\"url\":\"https://u:SECRET1@h/p\"}}",
		"{\"request\":{\"url\":\"https://h/p?access_token=SECRET1&x=1\"}}",
		"{\"request\":{\"headers\":{\"X-Api-Key\":\"SECRET1\"}}}",
		"{\"request\":{\"headers\":[[\"Set-Cookie\",\"SECRET1\"]]}}",
		"{\"request\":{\"data\":\"{\\\"a\\\":{\\\"password\\\":\\\"SECRET1\\\"}}\"}}",
		"{\"request\":{\"data\":\"user=a&password=SECRET1\"}}",
		"{\"spans\":[{\"description\":\"GET https://h/?token=SECRET1\"}]}",
		"{\"exception\":{\"values\":[{\"value\":\"login failed: password=SECRET1\"}]}}",
		"{\"exception\":{\"values\":[{\"value\":\"Authorization: Basic SECRET1\"}]}}",
		"{\"logentry\":{\"formatted\":\"{'api_key': 'SECRET1'}\"}}",
		"{\"message\":\"sid=SECRET1\"}",
		"{\"extra\":{\"a\":[{\"user_password\":\"SECRET1\"}]}}",
	};
	struct scrubber *s = made(all_on());

	(void)state;
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct str out = scrubbed(s, a, events[i]);

		if (holds(out, "SECRET1"))
			fail_msg("%.*s", STR_ARG(out));
		arena_free(a);
	}
	scrubber_free(s);
}

static void deep_scrubbing_leaves_what_is_no_secret(void **state) /* T55 */
{
	static const char *const events[] = {
		"{\"contexts\":{\"replay\":{\"session_id\":\"abc\"},\"trace\":{\"session_id\":"
		"\"abc\"}}}",
		"{\"extra\":{\"x\":1},\"spans\":[{\"data\":{\"gen_ai.usage.total_tokens\":5}}]}",
		"{\"exception\":{\"values\":[{\"value\":\"the author of this passage is "
		"unknown\"}]}}",
		"{\"request\":{\"url\":\"https://www.example.com/fr/testing/authenticate\"}}",
		"{\"tags\":{\"handler\":\"auth.login\",\"author\":\"jane\"}}",
		"{\"transaction\":\"/password/reset\",\"release\":\"secret-service@1\"}",
		"{\"logentry\":{\"formatted\":\"password check took 3 ms\"}}",
	};
	struct scrubber *s = made(all_on());

	(void)state;
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct str out = scrubbed(s, a, events[i]);

		if (!str_eq(out, str_of(events[i])))
			fail_msg("%.*s", STR_ARG(out));
		arena_free(a);
	}
	scrubber_free(s);
}

/* --- send_default_pii = no -------------------------------------------------------------- */

static void what_sdks_do_not_collect_goes(void **state) /* T47 to T50 */
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{"{\"user\":{\"id\":\"1\",\"ip_address\":\"{{auto}}\"}}",
			"{\"user\":{\"id\":\"1\",\"ip_address\":null},\"_meta\":{\"user\":{\"ip_"
			"address\":"
			"{\"\":{\"rem\":[[\"!config\",\"x\"]]}}}}}"},
		{"{\"request\":{\"headers\":{\"x-real-ip\":\"1\",\"Accept\":\"x\"}}}",
			"{\"request\":{\"headers\":{\"x-real-ip\":\"\",\"Accept\":\"x\"}},\"_"
			"meta\":{\"request\":"
			"{\"headers\":{\"x-real-ip\":{\"\":{\"rem\":[[\"!config\",\"x\"]]}}}}}}"},
		{"{\"spans\":[{\"op\":\"db\",\"description\":\"SELECT 'it''s' FROM t\"}]}",
			"{\"spans\":[{\"op\":\"db\",\"description\":\"SELECT '[Filtered]' FROM "
			"t\"}],\"_meta\":"
			"{\"spans\":{\"0\":{\"description\":{\"\":{\"rem\":[[\"!config\",\"s\"]]}}}"
			"}}}"},
		{"{\"spans\":[{\"data\":{\"http.query\":\"a=1\",\"gen_ai.prompt\":\"p\"}}]}",
			"{\"spans\":[{\"data\":{\"http.query\":\"[Filtered]\",\"gen_ai.prompt\":"
			"null}}],\"_meta\":"
			"{\"spans\":{\"0\":{\"data\":{\"http.query\":{\"\":{\"rem\":[[\"!config\","
			"\"s\"]]}},"
			"\"gen_ai.prompt\":{\"\":{\"rem\":[[\"!config\",\"x\"]]}}}}}}}"},
		{"{\"request\":{\"api_target\":\"graphql\",\"data\":{\"query\":\"{a}\"}}}",
			"{\"request\":{\"api_target\":\"graphql\",\"data\":null},\"_meta\":{"
			"\"request\":{\"data\":"
			"{\"\":{\"rem\":[[\"!config\",\"x\"]]}}}}}"},
		{"{\"user\":{\"email\":\"a@b.co\"},\"request\":{\"url\":\"http://h/"
		 "?a=1\",\"query_string\":\"a=1\"}}",
			"{\"user\":{\"email\":\"a@b.co\"},\"request\":{\"url\":\"http://h/"
			"?a=1\",\"query_string\":\"a=1\"}}"},
	};
	struct scrub_options o = {.strip_default_pii = true};
	struct scrubber *s = made(o);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena *a = arena_new(0, 0);
		struct str out = scrubbed(s, a, cases[i].in);

		if (!str_eq(out, str_of(cases[i].out)))
			fail_msg("%.*s", STR_ARG(out));
		arena_free(a);
	}
	scrubber_free(s);
}

/* --- hashes ------------------------------------------------------------------------------- */

static void a_key_changes_every_hash_and_its_absence_is_upstreams(void **state) /* 11, 12 */
{
	static const char rules[] = "{\"applications\":{\"$string\":[\"@ip:hash\"]}}";
	struct scrub_options o = {.rules = STR(rules)};
	struct scrubber *plain = made(o);
	struct scrubber *keyed;
	struct arena *a = arena_new(0, 0);

	(void)state;
	o.hash_key = STR("Jefe");
	keyed = made(o);
	assert_true(holds(scrubbed(plain, a, "{\"x\":\"127.0.0.1\"}"),
		"\"AE12FE3B5F129B5CC4CDD2B136B7B7947C4D2741\""));
	assert_false(holds(scrubbed(keyed, a, "{\"x\":\"127.0.0.1\"}"),
		"AE12FE3B5F129B5CC4CDD2B136B7B7947C4D2741"));
	arena_free(a);
	scrubber_free(plain);
	scrubber_free(keyed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_of_item_is_looked_into),
		cmocka_unit_test(an_item_that_cannot_be_read_goes_and_its_neighbours_stay),
		cmocka_unit_test(bodies_that_cannot_be_taken_apart_follow_the_setting),
		cmocka_unit_test(otlp_attributes_are_members),
		cmocka_unit_test(otlp_in_protobuf_is_scrubbed_and_stays_well_formed),
		cmocka_unit_test(otlp_that_has_no_secrets_stays_as_it_is),
		cmocka_unit_test(deep_scrubbing_closes_the_gaps),
		cmocka_unit_test(deep_scrubbing_leaves_what_is_no_secret),
		cmocka_unit_test(what_sdks_do_not_collect_goes),
		cmocka_unit_test(a_key_changes_every_hash_and_its_absence_is_upstreams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
