/* What is filled into events and what is taken away: T35 to T40, T43, T99. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "process/judge.h"
#include "unit/process/support.h"

#define ID   "11111111111111111111111111111111"
#define HEAD "{\"event_id\":\"" ID "\"}\n"

/* The payload of the only item after judging. */
static const char *payload(struct bench *b)
{
	static char text[262144];
	struct str s = b->e->items[0].payload;

	assert_true(s.n < sizeof text);
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

static const char *edited(struct bench *b, const char *type, const char *json)
{
	static char text[262144];

	(void)snprintf(text, sizeof text, HEAD "{\"type\":\"%s\"}\n%s\n", type, json);
	bench_run(b, text);
	assert_int_equal(b->e->item_count, 1);
	return payload(b);
}

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (strstr((text), (part)) == NULL)                                                \
			fail_msg("%s has no %s", (text), (part));                                  \
	} while (0)

/* --- defaults ---------------------------------------------------------------------- */

/* T43: null counts as missing, what is there stays. */
static void missing_fields_are_filled_and_present_ones_stay(void **state)
{
	struct bench b;
	const char *p;

	(void)state;
	bench_open(&b, "[event]\nrelease = app@2\nenvironment = prod\nserver_name = till-7\n"
		       "dist = 9\n[tags]\nregion = eu\nshop = \"q\"\n");
	p = edited(&b, "event", "{\"a\":1e2}");
	assert_has(p,
		"{\"a\":1e2,\"release\":\"app@2\",\"environment\":\"prod\",\"dist\":\"9\","
		"\"server_name\":\"till-7\",\"tags\":{\"region\":\"eu\",\"shop\":\"\\\"q\\\"\"}");
	assert_has(p, "\"platform\":\"other\"");
	assert_has(p, "\"timestamp\":\"2026-11-18T");
	assert_has(p, "\"event_id\":\"" ID "\"");
	p = edited(&b, "transaction",
		"{\"release\":null,\"environment\":\"dev\",\"server_name\":\"\",\"dist\":\"\","
		"\"platform\":\"c\",\"timestamp\":1,\"event_id\":\"" ID "\","
		"\"tags\":[[\"region\",\"us\"]]}");
	assert_string_equal(p,
		"{\"release\":\"app@2\",\"environment\":\"dev\",\"server_name\":\"\","
		"\"dist\":\"\",\"platform\":\"c\",\"timestamp\":1,\"event_id\":\"" ID "\","
		"\"tags\":[[\"region\",\"us\"],[\"shop\",\"\\\"q\\\"\"]]}");
	p = edited(&b, "check_in", "{\"status\":\"ok\"}");
	assert_string_equal(
		p, "{\"status\":\"ok\",\"release\":\"app@2\",\"environment\":\"prod\"}");
	bench_close(&b);
}

/* T44. */
static void sessions_are_left_alone(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[event]\nrelease = app@2\n");
	bench_run(&b, "{}\n{\"type\":\"session\"}\n{\"sid\":\"a\", \"attrs\":{}}\n");
	assert_string_equal(payload(&b), "{\"sid\":\"a\", \"attrs\":{}}");
	bench_run(&b, "{}\n{\"type\":\"sessions\"}\n{\"aggregates\":[]}\n");
	assert_string_equal(payload(&b), "{\"aggregates\":[]}");
	bench_close(&b);
}

static void entries_get_attributes(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[event]\nrelease = app@2\nserver_name = n\n");
	bench_run(&b, "{}\n{\"type\":\"log\",\"item_count\":2,"
		      "\"content_type\":\"application/vnd.sentry.items.log+json\"}\n"
		      "{\"items\":[{\"body\":\"x\"},{\"attributes\":{\"sentry.release\":"
		      "{\"type\":\"string\",\"value\":\"own\"}}}]}\n");
	assert_string_equal(payload(&b),
		"{\"items\":[{\"body\":\"x\",\"attributes\":{\"sentry.release\":"
		"{\"value\":\"app@2\",\"type\":\"string\"},\"server.address\":"
		"{\"value\":\"n\",\"type\":\"string\"}}},{\"attributes\":{\"sentry.release\":"
		"{\"type\":\"string\",\"value\":\"own\"},\"server.address\":"
		"{\"value\":\"n\",\"type\":\"string\"}}}]}");
	bench_close(&b);
}

static void a_pod_is_told_where_the_cluster_says_so(void **state)
{
	static const char *const env[] = {"KUBERNETES_SERVICE_HOST=10.0.0.1", "POD_NAME=web-1",
		"K8S_POD_NAMESPACE=shop", "NODE_NAME=node-3", NULL};
	struct settings_source from = {"t.conf", NULL, true};
	struct settings *s = NULL;
	struct err err = {0};
	struct bench b;
	const char *p;

	(void)state;
	bench_open(&b, "");
	assert_int_equal(settings_parse_text(&s, STR(UNSCRUBBED), &from, &err), E_OK);
	assert_int_equal(judge_attach(s, env, &err), E_OK);
	settings_unref(b.settings);
	b.settings = s;
	p = edited(&b, "event", "{}");
	assert_has(p, "\"server_name\":\"node-3\"");
	assert_has(p, "\"tags\":{\"k8s.pod\":\"web-1\",\"k8s.namespace\":\"shop\","
		      "\"k8s.node\":\"node-3\"}");
	bench_reload(&b, "[event]\nkubernetes = no\n");
	assert_string_equal(edited(&b, "event", "{}"), "{}");
	bench_close(&b);
}

static void write_file(const char *dir, const char *name, size_t blanks)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fprintf(f, " of-file-%s\n%*s", name, (int)blanks, "") > 0);
	assert_int_equal(fclose(f), 0);
}

/* A variable wins over its file; a file that is too large is none. */
static void the_files_of_a_cluster_are_read_too(void **state)
{
	static const char *const files[] = {"name", "namespace", "node"};
	static const char *const env[] = {"POD_NAMESPACE=of-env", "NODE_NAME=", NULL};
	char dir[] = P_tmpdir "/picket-podinfo-XXXXXX", path[128];
	struct judge j = {0};
	struct bench b;

	(void)state;
	bench_open(&b, "[event]\nkubernetes = yes\n");
	assert_non_null(mkdtemp(dir));
	j.settings = b.settings;
	j.arena = arena_new(1024, 0);
	kubernetes_read(&j, env, dir);
	assert_int_equal(j.pod.n + j.node.n, 0);
	for (size_t i = 0; i < 3; i++)
		write_file(dir, files[i], i == 0 ? 5000 : 0);
	kubernetes_read(&j, env, dir);
	assert_int_equal(j.pod.n, 0);
	assert_true(str_eq(j.namespace, STR("of-env")));
	assert_true(str_eq(j.node, STR("of-file-node")));
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
	arena_free(j.arena);
	bench_close(&b);
}

static void a_container_id_is_read_within_bounds(void **state)
{
	char id[CONTAINER_ID_BYTES] = "x";

	(void)state;
	container_id_of(-1, id);
	assert_string_equal(id, "");
	container_id_of(INT64_MAX, id);
	assert_string_equal(id, "");
	container_id_of(getpid(), id);
	assert_true(strlen(id) == 0 || strlen(id) == CONTAINER_ID_BYTES - 1);
}

/* --- breadcrumbs, spans, bodies -------------------------------------------------------- */

static void crumbs(struct buf *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s{\"message\":\"%u\"}", i > 0 ? "," : "", i);
}

/* T35. */
static void the_newest_breadcrumbs_are_kept(void **state)
{
	struct buf text = BUF_INIT;
	struct bench b;
	const char *p;

	(void)state;
	bench_open(&b, "[event]\nmax_breadcrumbs = 100\n");
	buf_cstr(&text, "{\"breadcrumbs\":{\"values\":[");
	crumbs(&text, 150);
	buf_cstr(&text, "]}}");
	buf_char(&text, '\0');
	p = edited(&b, "event", text.p);
	assert_has(p, "{\"breadcrumbs\":{\"values\":[{\"message\":\"50\"},");
	assert_has(p, "{\"message\":\"149\"}]},\"_meta\":{\"breadcrumbs\":{\"\":{\"len\":150}}}}");
	buf_clear(&text);
	buf_cstr(&text, "{\"breadcrumbs\":[");
	crumbs(&text, 150);
	buf_cstr(&text, "],\"_meta\":{\"breadcrumbs\":{\"3\":{\"a\":1},\"77\":{\"b\":2},"
			"\"\":{\"len\":170}}}}");
	buf_char(&text, '\0');
	p = edited(&b, "event", text.p);
	assert_has(p, "{\"breadcrumbs\":[{\"message\":\"50\"},");
	assert_has(p, "\"_meta\":{\"breadcrumbs\":{\"27\":{\"b\":2},\"\":{\"len\":170}}}}");
	buf_clear(&text);
	buf_cstr(&text, "{\"breadcrumbs\":[");
	crumbs(&text, 100);
	buf_cstr(&text, "] }");
	buf_char(&text, '\0');
	assert_string_equal(edited(&b, "event", text.p), text.p);
	buf_fini(&text);
	bench_close(&b);
}

static void spans_beyond_the_bound_are_counted(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[event]\nmax_spans = 2\n");
	bench_run(&b, HEAD "{\"type\":\"transaction\",\"span_count\":4}\n"
			   "{\"spans\":[1,2,{\"a\":1},4]}\n");
	assert_string_equal(
		payload(&b), "{\"spans\":[1,2],\"_meta\":{\"spans\":{\"\":{\"len\":4}}}}");
	assert_int_equal(dropped(&b, DROP_BUFFER_OVERFLOW, CAT_SPAN), 2);
	assert_int_equal(b.e->held.of[CAT_SPAN], 3);
	assert_has(written(&b), "\"span_count\":2,");
	bench_close(&b);
}

/* T39. */
static void bodies_are_kept_up_to_their_bound(void **state)
{
	static char text[32768];
	char body[10002];
	struct bench b;
	const char *p;

	(void)state;
	memset(body, 'x', sizeof body);
	body[10001] = '\0';
	bench_open(&b, "[event]\nmax_request_body_size = medium\n");
	(void)snprintf(text, sizeof text, "{\"request\":{\"data\":\"%s\"}}", body);
	p = edited(&b, "event", text);
	assert_string_equal(p, "{\"request\":{\"data\":\"\"},\"_meta\":{\"request\":{\"data\":"
			       "{\"\":{\"rem\":[[\"!config\",\"x\"]]}}}}}");
	body[10000] = '\0';
	(void)snprintf(text, sizeof text, "{\"request\":{\"data\":\"%s\"}}", body);
	assert_string_equal(edited(&b, "event", text), text);
	p = edited(&b, "event",
		"{\"request\":{\"data\":{\"a\":1},\"headers\":[[\"CONTENT-LENGTH\",\"10001\"]]}}");
	assert_has(p, "\"data\":\"\"");
	bench_reload(&b, "[event]\nmax_request_body_size = never\n");
	assert_has(edited(&b, "event", "{\"request\":{\"data\":0}}"), "\"data\":\"\"");
	assert_string_equal(edited(&b, "event", "{\"request\":{\"data\":null}}"),
		"{\"request\":{\"data\":null}}");
	bench_close(&b);
}

/* The last ones are the innermost; what is noted of them moves with them. */
static void the_innermost_frames_are_kept(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[event]\nmax_frames = 2\n");
	assert_string_equal(
		edited(&b, "event",
			"{\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[1,2]}},"
			"{\"stacktrace\":{\"frames\":[1,2, {\"a\":3},4 ]}}]},"
			"\"_meta\":{\"exception\":{\"values\":{\"1\":{\"stacktrace\":{\"frames\":"
			"{\"0\":{\"x\":1},\"2\":{\"a\":2},\"\":{\"len\":9}}}}}}}}"),
		"{\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[1,2]}},"
		"{\"stacktrace\":{\"frames\":[ {\"a\":3},4 ]}}]},"
		"\"_meta\":{\"exception\":{\"values\":{\"1\":{\"stacktrace\":{\"frames\":"
		"{\"0\":{\"a\":2},\"\":{\"len\":9}}}}}}}}");
	assert_has(edited(&b, "event", "{\"stacktrace\":{\"frames\":[1,2,3]}}"),
		"[2,3]},\"_meta\":{\"stacktrace\":{\"frames\":{\"\":{\"len\":3}}}}}");
	assert_has(edited(&b, "event", "{\"threads\":[{},{\"stacktrace\":{\"frames\":[1,2,3]}}]}"),
		"\"_meta\":{\"threads\":{\"1\":{\"stacktrace\":{\"frames\":{\"\":{\"len\":3}}}}}}"
		"}");
	assert_has(edited(&b, "event", "{\"exception\":{\"stacktrace\":{\"frames\":[1,2,3]}}}"),
		"\"_meta\":{\"exception\":{\"stacktrace\":{\"frames\":{\"\":{\"len\":3}}}}}}");
	assert_string_equal(edited(&b, "event", "{\"stacktrace\":{\"frames\":{\"a\":[1,2,3]}}}"),
		"{\"stacktrace\":{\"frames\":{\"a\":[1,2,3]}}}");
	bench_close(&b);
}

/* More traces than notes: all are bounded, and it ends. */
static void very_many_traces_are_bounded_too(void **state)
{
	struct buf text = BUF_INIT;
	struct bench b;
	unsigned notes = 0;

	(void)state;
	bench_open(&b, "[event]\nmax_frames = 1\n");
	buf_cstr(&text, "{\"threads\":[");
	for (unsigned i = 0; i < 3000; i++)
		buf_printf(&text, "%s{\"stacktrace\":{\"frames\":[\"gone\",2]}}", i > 0 ? "," : "");
	buf_cstr(&text, "]}");
	buf_char(&text, '\0');
	for (const char *p = edited(&b, "event", text.p); (p = strstr(p, "\"len\":2")) != NULL; p++)
		notes++;
	assert_int_equal(notes, 1000);
	assert_null(strstr(payload(&b), "gone"));
	buf_fini(&text);
	bench_close(&b);
}

/* --- frames --------------------------------------------------------------------------------- */

#define FRAME(more) "{\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[{" more "}]}}]}}"

/* T40. */
static void in_app_follows_the_order_of_the_lists(void **state)
{
	static const struct {
		const char *frame, *mark;
	} cases[] = {
		{FRAME("\"module\":\"mine\""), ",\"in_app\":true}"},
		{FRAME("\"module\":\"mine.sub.x\""), ",\"in_app\":true}"},
		{FRAME("\"module\":\"minerals\""), "minerals\"}"},
		{FRAME("\"module\":\"lib.mine\""), ",\"in_app\":false}"},
		{FRAME("\"module\":\"lib.ok\""), ",\"in_app\":true}"},
		{FRAME("\"abs_path\":\"/v/site-packages/x.py\""), ",\"in_app\":false}"},
		{FRAME("\"abs_path\":\"/v/dist-packages/x.py\",\"module\":\"mine\""),
			",\"in_app\":true}"},
		{FRAME("\"package\":\"/usr/lib/libc.so\""), ",\"in_app\":false}"},
		{FRAME("\"module\":\"lib\",\"in_app\":true"), "\"in_app\":true}"},
		{FRAME("\"module\":\"lib\",\"in_app\":null"), "\"in_app\":false}"},
	};
	struct bench b;

	(void)state;
	bench_open(&b, "[event]\nin_app_include = mine lib.ok\nin_app_exclude = lib /usr/lib/*\n");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_has(edited(&b, "event", cases[i].frame), cases[i].mark);
	bench_reload(&b, "[event]\nin_app_exclude = lib\nin_app_override = yes\n");
	assert_has(edited(&b, "event", FRAME("\"module\":\"lib\",\"in_app\":true")),
		"\"in_app\":false}");
	assert_has(
		edited(&b, "event",
			"{\"threads\":[{\"stacktrace\":{\"frames\":[{\"module\":\"lib.x\"}]}}]}"),
		"\"in_app\":false}");
	bench_close(&b);
}

/* T99. */
static void locals_and_source_are_stripped_everywhere(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[event]\nstrip_locals = yes\nstrip_source = yes\n");
	assert_string_equal(edited(&b, "event",
				    "{\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[{"
				    "\"vars\":{\"a\":1},"
				    "\"lineno\":3,\"context_line\":\"x\",\"pre_context\":[],\"post_"
				    "context\":[]}]}}]},"
				    "\"stacktrace\":{\"frames\":[{\"vars\":1}]},\"vars\":2}"),
		"{\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[{\"lineno\":3}]}}]},"
		"\"stacktrace\":{\"frames\":[{}]},\"vars\":2}");
	bench_close(&b);
}

/* --- depth, breadth, length ------------------------------------------------------------------- */

/* T38. */
static void what_is_too_deep_becomes_text_and_what_is_too_broad_shorter(void **state)
{
	struct bench b;
	const char *p;

	(void)state;
	bench_open(&b, "[event]\nmax_depth = 2\nmax_breadth = 2\n");
	p = edited(&b, "event",
		"{\"extra\":{\"a\":{\"b\":{\"c\":[1, 2]},\"s\":1}},\"contexts\":{\"a\":{\"b\":"
		"{\"c\":{}}}}}");
	assert_string_equal(p, "{\"extra\":{\"a\":{\"b\":\"{\\\"c\\\":[1,2]}\",\"s\":1}},"
			       "\"contexts\":{\"a\":{\"b\":"
			       "{\"c\":{}}}},\"_meta\":{\"extra\":{\"a\":{\"b\":{\"\":{\"rem\":[["
			       "\"!limit\",\"x\"]]"
			       "}}}}}}");
	p = edited(&b, "event", "{\"extra\":{\"l\":[1,2,3,4],\"m\":2,\"n\":3}}");
	assert_string_equal(p,
		"{\"extra\":{\"l\":[1,2],\"m\":2},\"_meta\":{\"extra\":{\"\":{\"len\":3},"
		"\"l\":{\"\":{\"len\":4}}}}}");
	p = edited(&b, "event",
		"{\"breadcrumbs\":{\"values\":[{},{\"a\":1,\"b\":2,\"c\":3}]},"
		"\"request\":{\"data\":[1,2,3],\"url\":\"u\",\"x\":1},"
		"\"exception\":{\"values\":[{\"stacktrace\":{\"frames\":[{},{\"vars\":"
		"{\"a\":1,\"b\":2,\"c\":3}}]}}]}}");
	assert_has(p, "{\"values\":[{},{\"a\":1,\"b\":2}]}");
	assert_has(p, "\"request\":{\"data\":[1,2],\"url\":\"u\",\"x\":1}");
	assert_has(p, "\"vars\":{\"a\":1,\"b\":2}}");
	assert_has(p, "\"breadcrumbs\":{\"values\":{\"1\":{\"\":{\"len\":3}}}}");
	assert_has(p, "\"exception\":{\"values\":{\"0\":{\"stacktrace\":{\"frames\":{\"1\":"
		      "{\"vars\":{\"\":{\"len\":3}}}}}}}}");
	assert_has(p, "\"request\":{\"data\":{\"\":{\"len\":3}}}");
	bench_close(&b);
}

/* T36, T37. */
static void long_texts_are_cut_between_code_points(void **state)
{
	struct bench b;
	const char *p;

	(void)state;
	bench_open(&b, "[event]\nmax_value_length = 20\n");
	p = edited(&b, "event", "{\"extra\":{\"k\":\"0123456789012345678901234\"}}");
	assert_string_equal(p,
		"{\"extra\":{\"k\":\"01234567890123456...\"},\"_meta\":{\"extra\":{\"k\":{\"\":"
		"{\"len\":25,\"rem\":[[\"!limit\",\"x\",17,20]]}}}}}");
	assert_string_equal(edited(&b, "event", "{\"extra\":{\"k\":\"01234567890123456789\"}}"),
		"{\"extra\":{\"k\":\"01234567890123456789\"}}");
	p = edited(&b, "event",
		"{\"m\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}");
	assert_has(p, "{\"m\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		      "...\"");
	assert_has(p, "\"len\":30");
	/* Escaped or not, what counts is what it says; a NUL is a character. */
	p = edited(&b, "event", "{\"m\":\"\\u0041\\u0041\\u0041\\u0041\\u0041\\u0041\"}");
	assert_has(p, "\"\\u0041\\u0041\\u0041\\u0041\\u0041\\u0041\"}");
	p = edited(&b, "event", "{\"m\":\"0\\u000023456789012345678901234\"}");
	assert_has(p, "\"0\\u0000234567890123456...\"");
	bench_close(&b);
}

static void what_events_are_found_by_is_never_cut(void **state)
{
#define LONG "\"01234567890123456789012345678901\""
	static const char text[] =
		"{\"event_id\":" LONG ",\"timestamp\":" LONG ",\"type\":" LONG ",\"level\":" LONG
		",\"platform\":" LONG ",\"release\":" LONG ",\"environment\":" LONG
		",\"dist\":" LONG ",\"fingerprint\":[" LONG
		"],\"debug_meta\":{\"images\":[{\"code_id\":" LONG "}]},"
		"\"sdk\":{\"name\":" LONG "},\"contexts\":{\"trace\":{\"trace_id\":" LONG
		",\"parent_span_id\":" LONG "}},\"spans\":[{\"span_id\":" LONG
		",\"description\":" LONG ",\"timestamp\":" LONG
		"}],\"exception\":{\"values\":[{\"type\":" LONG
		",\"stacktrace\":{\"frames\":[{\"instruction_addr\":" LONG "}]}}]}}";
	struct bench b;
	const char *p;

	(void)state;
	bench_open(&b, "[event]\nmax_value_length = 20\n");
	assert_string_equal(edited(&b, "event", text), text);
	/* What the application put in is not spared for its names. */
	p = edited(&b, "event",
		"{\"spans\":[{\"data\":{\"type\":" LONG ",\"x_id\":" LONG
		"}}],\"user\":{\"type\":" LONG "}}");
	assert_null(strstr(p, LONG));
	bench_close(&b);
}

static void a_key_that_is_no_text_gets_no_note(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "[event]\nmax_value_length = 4\nmax_depth = 1\n");
	assert_string_equal(edited(&b, "event", "{\"extra\":{\"\xda\xda\":\"012345\"}}"),
		"{\"extra\":{\"\xda\xda\":\"0...\"},\"_meta\":{\"extra\":{}}}");
	assert_has(edited(&b, "event", "{\"extra\":{\"\\ud800\":{\"a\":1}}}"),
		"{\"extra\":{\"\\ud800\":\"{");
	bench_close(&b);
}

/* A secret is taken out before depth and length make something else of it. */
static void what_is_scrubbed_is_scrubbed_before_it_is_cut(void **state)
{
	struct bench b;
	const char *p;

	(void)state;
	bench_open(&b, "[event]\nmax_depth = 1\nmax_value_length = 24\n[scrub]\ndeep = yes\n");
	p = edited(&b, "event",
		"{\"extra\":{\"a\":{\"password\":\"hunter2\",\"b\":{}}},"
		"\"message\":\"card 4111 1111 1111 1111 is no good\"}");
	assert_null(strstr(p, "hunter2"));
	assert_null(strstr(p, "4111"));
	assert_has(p, "\"a\":\"{");
	bench_close(&b);
}

static void notes_are_bounded(void **state)
{
	struct buf text = BUF_INIT;
	struct bench b;
	unsigned notes = 0;

	(void)state;
	bench_open(&b, "[event]\nmax_value_length = 4\n");
	buf_cstr(&text, "{\"extra\":[");
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&text, "%s\"abcdef\"", i > 0 ? "," : "");
	buf_cstr(&text, "]}");
	buf_char(&text, '\0');
	for (const char *p = edited(&b, "event", text.p); (p = strstr(p, "!limit")) != NULL; p++)
		notes++;
	assert_int_equal(notes, 1000);
	assert_null(strstr(payload(&b), "abcdef"));
	buf_fini(&text);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_fields_are_filled_and_present_ones_stay),
		cmocka_unit_test(sessions_are_left_alone),
		cmocka_unit_test(entries_get_attributes),
		cmocka_unit_test(a_pod_is_told_where_the_cluster_says_so),
		cmocka_unit_test(the_files_of_a_cluster_are_read_too),
		cmocka_unit_test(a_container_id_is_read_within_bounds),
		cmocka_unit_test(the_newest_breadcrumbs_are_kept),
		cmocka_unit_test(spans_beyond_the_bound_are_counted),
		cmocka_unit_test(bodies_are_kept_up_to_their_bound),
		cmocka_unit_test(the_innermost_frames_are_kept),
		cmocka_unit_test(very_many_traces_are_bounded_too),
		cmocka_unit_test(in_app_follows_the_order_of_the_lists),
		cmocka_unit_test(locals_and_source_are_stripped_everywhere),
		cmocka_unit_test(what_is_too_deep_becomes_text_and_what_is_too_broad_shorter),
		cmocka_unit_test(long_texts_are_cut_between_code_points),
		cmocka_unit_test(what_events_are_found_by_is_never_cut),
		cmocka_unit_test(a_key_that_is_no_text_gets_no_note),
		cmocka_unit_test(what_is_scrubbed_is_scrubbed_before_it_is_cut),
		cmocka_unit_test(notes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
