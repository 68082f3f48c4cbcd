/* Forms: late attachments and crash dumps (20.3, 20.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoint/msgpack.h"
#include "endpoint/multipart.h"
#include "envelope/codec.h"
#include "unit/endpoint/support.h"

#define FORM "Content-Type: multipart/form-data; boundary=\"x-y\"\n"
#define FIELD(name, value)                                                                         \
	"--x-y\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART(name, file, value)                                                               \
	"--x-y\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" file             \
	"\"\r\n\r\n" value "\r\n"
#define END                 "--x-y--\r\n"
#define DUMP                FILE_PART("upload_file_minidump", "a.dmp", "MDMP\0\r\n--x-yz\r\n1")
#define ADDED(id)           FIELD("sentry[event_id]", id)
#define UUID_DASHED         "9ec79c33-ec99-42ab-8353-589fcb2e04dc"
#define OTHER_ID            "0123456789abcdef0123456789abcdef"
#define MSGPACK_FILE(bytes) FILE_PART("__sentry-event", "__sentry-event", bytes)

/* --- the parser --------------------------------------------------------------- */

struct seen {
	struct buf text; /* "name|filename|type|data;" for each part */
	int rc;
};

static void read_all(struct str type, struct str body, bool nested, struct seen *s)
{
	struct arena *a = arena_new(1024, 0);
	struct multipart m;
	struct part p;
	struct err err = {0};

	assert_non_null(a);
	s->text = BUF_INIT;
	s->rc = nested ? multipart_begin_nested(&m, body, a, &err)
		       : multipart_begin(&m, type, body, a, &err);
	while (s->rc == E_OK && (s->rc = multipart_next(&m, &p, &err)) == E_OK) {
		buf_printf(&s->text, "%.*s|%.*s|%.*s|", STR_ARG(p.name),
			STR_ARG(p.is_file ? p.filename : STR("-")), STR_ARG(p.content_type));
		buf_str(&s->text, p.data);
		buf_char(&s->text, ';');
	}
	if (s->rc == E_NOTFOUND)
		assert_true(str_starts(str_from(body, m.close_at), m.delimiter));
	else
		assert_true(err.text[0] != '\0');
	arena_free(a);
}

static void forms_are_read_as_they_are_written(void **state) /* RFC 7578 */
{
	static const struct {
		const char *type, *body, *want;
	} cases[] = {
		{"multipart/form-data; boundary=b",
			"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--",
			"a|-||1;"},
		{"multipart/form-data; charset=x; Boundary=\"b c\"",
			"preamble\r\n--b c \t\r\ncontent-disposition: form-data; name=\"a\"\r\n"
			"Content-Type: text/x\r\n\r\n\r\n--b c--\r\nepilogue",
			"a|-|text/x|;"},
		{"multipart/form-data;boundary=b",
			"--b\nContent-Disposition: form-data; name=\"a\"\n\nx\r\n--b--\n",
			"a|-||x\r;"},
		{"multipart/form-data;boundary=b",
			"--b\r\nContent-Disposition: form-data; name=\"q\\\"\\\\;\"; "
			"filename=\"C:\\dir\\f;1.txt\"\r\n\r\nx\r\n--b--",
			"q\"\\;|f;1.txt||x;"},
		{"multipart/form-data;boundary=b",
			"--b\r\nContent-Disposition: form-data; name=a; filename=\"f\"; "
			"filename*=UTF-8''%e2%82%ac%20x\r\n\r\nx\r\n--b--",
			"a|\xe2\x82\xac x||x;"},
		{"multipart/form-data;boundary=b",
			"--b\r\nContent-Disposition: form-data; name=a; filename=\"\"\r\n\r\n"
			"--bc\r\n-b\r\n --b\r\n--b--",
			"a|||--bc\r\n-b\r\n --b;"},
		{"multipart/form-data;boundary=----b",
			"------b\r\n\r\nx\r\n------b\r\nX: 1\r\n\r\n\r\n------b--", "|-||x;|-||;"},
		{"multipart/form-data;boundary=b", "--b--\r\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct seen s;

		read_all(str_of(cases[i].type), str_of(cases[i].body), false, &s);
		if (s.rc != E_NOTFOUND)
			fail_msg("%s: %d", cases[i].body, s.rc);
		assert_str(buf_view(&s.text), cases[i].want);
		buf_fini(&s.text);
	}
}

static void what_is_no_form_is_refused(void **state)
{
	static const struct {
		const char *type, *body;
	} cases[] = {
		{"multipart/form-data", "--b--"},
		{"multipart/form-data; boundary=", "----"},
		{"multipart/form-data; boundary=b", ""},
		{"multipart/form-data; boundary=b", "x--b--"},
		{"multipart/form-data; boundary=b", "--b"},
		{"multipart/form-data; boundary=b", "--bb--"},
		{"multipart/form-data; boundary=b", "--b\r\n"},
		{"multipart/form-data; boundary=b", "--b\r\nX: 1\r\n"},
		{"multipart/form-data; boundary=b", "--b\r\nX: 1\r\n\r\n"},
		{"multipart/form-data; boundary=b", "--b\r\nX: 1\r\n\r\nx\r\n--b"},
		{"multipart/form-data; boundary=b", "--b\r\nno colon\r\n\r\nx\r\n--b--"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct seen s;

		read_all(str_of(cases[i].type), str_of(cases[i].body), false, &s);
		if (s.rc != E_SYNTAX)
			fail_msg("%s: %d", cases[i].body, s.rc);
		buf_fini(&s.text);
	}
}

static void a_forms_parts_and_their_heads_are_bounded(void **state)
{
	struct buf b = BUF_INIT;
	struct seen s;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_cstr(&b, "--b\r\n\r\n\r\n");
	buf_cstr(&b, "--b--");
	read_all(STR("multipart/form-data; boundary=b"), buf_view(&b), false, &s);
	assert_int_equal(s.rc, E_TOOBIG);
	buf_fini(&s.text);
	buf_clear(&b);
	buf_cstr(&b, "--b\r\n");
	for (int i = 0; i < 5000; i++)
		buf_cstr(&b, "X: 1\r\n");
	buf_cstr(&b, "\r\nx\r\n--b--");
	read_all(STR("multipart/form-data; boundary=b"), buf_view(&b), false, &s);
	assert_int_equal(s.rc, E_TOOBIG);
	buf_fini(&s.text);
	buf_fini(&b);
}

static void a_form_inside_brings_its_boundary(void **state)
{
	struct seen s;

	(void)state;
	read_all(STR_EMPTY, STR("--in\r\n\r\nx\r\n--in--\r\n"), true, &s);
	assert_int_equal(s.rc, E_NOTFOUND);
	assert_str(buf_view(&s.text), "|-||x;");
	buf_fini(&s.text);
	read_all(STR_EMPTY, STR("-in\r\n"), true, &s);
	assert_int_equal(s.rc, E_SYNTAX);
	read_all(STR_EMPTY, STR("--\r\n"), true, &s);
	assert_int_equal(s.rc, E_SYNTAX);
	read_all(STR_EMPTY, STR(""), true, &s);
	assert_int_equal(s.rc, E_SYNTAX);
}

/* --- late attachments --------------------------------------------------------- */

static void late_attachments_are_an_envelope(void **state) /* P-148 */
{
	struct asked a = {.path = "/api/42/events/" UUID_DASHED "/attachments/",
		.headers = FORM,
		.body = LIT(FILE_PART("f1", "a\\\"b.txt", "one") FIELD("note",
			"no file") "--x-y"
				   "\r\nContent-Disposition: form-data; name=f2; filename=b\r\n"
				   "Content-Type: image/png\r\n\r\n\0\r\n\r\n" END)};
	struct taken t;

	(void)state;
	must_take(&t, &a);
	assert_int_equal(t.env->item_count, 2);
	assert_int_equal(t.env->items[1].payload.n, 3);
	t.env->items[1].payload = STR("bin");
	assert_written(&t, "{\"event_id\":\"" EVENT_ID "\"}\n"
			   "{\"type\":\"attachment\",\"filename\":\"a\\\"b.txt\",\"length\":3}\n"
			   "one\n"
			   "{\"type\":\"attachment\",\"filename\":\"b\",\"content_type\":"
			   "\"image/png\",\"length\":3}\nbin\n");
	assert_int_equal(t.env->held.of[CAT_ATTACHMENT_ITEM], 2);
	assert_int_equal(t.env->held.of[CAT_ATTACHMENT], 6);
	assert_int_equal(t.work.success, SUCCESS_CREATED);
	taken_free(&t);
	a.body = LIT(FIELD("note", "no file") END);
	must_take(&t, &a);
	assert_int_equal(t.env->item_count, 0);
	taken_free(&t);
	a.body = LIT(FIELD("note", "no end"));
	must_refuse(&a, E_SYNTAX);
	a.headers = NULL;
	must_refuse(&a, E_SYNTAX);
}

/* --- crash dumps ---------------------------------------------------------------- */

static void a_bare_dump_is_an_envelope(void **state) /* 20.3 */
{
	static const char *const types[] = {NULL, "Content-Type: application/octet-stream\n",
		"Content-Type: application/x-dmp\n"};
	struct codec_pool *pool;
	struct buf gzip = BUF_INIT, zstd = BUF_INIT;
	struct err err;
	struct str bodies[4];
	struct taken t;

	(void)state;
	assert_int_equal(codec_pool_new(&pool, 3, &err), E_OK);
	assert_int_equal(codec_gzip(pool, STR("MDMPdump"), &gzip, &err), E_OK);
	assert_int_equal(codec_zstd(pool, STR("MDMPdump"), &zstd, &err), E_OK);
	bodies[0] = STR("MDMPdump");
	bodies[1] = buf_view(&gzip);
	bodies[2] = buf_view(&zstd);
	bodies[3] = STR("PMDMdump");
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct asked a = {.path = "/api/42/minidump",
			.headers = types[i % COUNT_OF(types)],
			.body = bodies[i]};

		must_take(&t, &a);
		assert_int_equal(t.env->item_count, 1);
		assert_true(str_eq(t.env->items[0].payload, bodies[i == 3 ? 3 : 0]));
		assert_int_equal(t.env->held.of[CAT_ERROR], 1);
		assert_int_equal(envelope_class(t.env), CLASS_ERROR);
		assert_true(t.env->has_event_id);
		assert_int_equal(t.work.success, SUCCESS_UUID);
		taken_free(&t);
	}
	must_refuse(&(struct asked){.path = "/api/42/minidump", .body = STR("ELF")}, E_SYNTAX);
	must_refuse(&(struct asked){.path = "/api/42/minidump", .body = STR("")}, E_SYNTAX);
	must_refuse(&(struct asked){.path = "/api/42/minidump",
			    .body = str_first(buf_view(&gzip), gzip.n - 3)},
		E_SYNTAX);
	buf_clear(&gzip);
	assert_int_equal(codec_gzip(pool, STR("no dump"), &gzip, &err), E_OK);
	must_refuse(&(struct asked){.path = "/api/42/minidump", .body = buf_view(&gzip)}, E_SYNTAX);
	buf_fini(&gzip);
	buf_fini(&zstd);
	codec_pool_free(pool);
}

static void what_cannot_be_unpacked_here_goes_on_as_a_form(void **state) /* 20.3 */
{
	const struct str bodies[] = {LIT("\xfd"
					 "7zXZ\0.."),
		LIT("BZh9..")};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct asked a = {.path = "/api/42/minidump/",
			.headers = "Content-Type: application/x-dmp\n",
			.body = bodies[i]};
		char hex[EVENT_ID_HEX_BYTES];
		struct multipart m;
		struct part p;

		must_take(&t, &a);
		assert_str(t.env->carried.path, "minidump/");
		assert_true(t.env->has_event_id);
		assert_int_equal(t.env->held.of[CAT_ERROR], 1);
		event_id_hex(&t.env->event_id, hex);
		assert_int_equal(
			multipart_begin(&m, fields_get(t.env->carried.headers, STR("content-type")),
				t.env->items[0].payload, t.env->arena, &t.err),
			E_OK);
		assert_int_equal(multipart_next(&m, &p, &t.err), E_OK);
		assert_str(p.name, "sentry[event_id]");
		assert_str(p.data, hex);
		assert_int_equal(multipart_next(&m, &p, &t.err), E_OK);
		assert_str(p.name, "upload_file_minidump");
		assert_true(p.is_file && str_eq(p.data, bodies[i]));
		assert_int_equal(multipart_next(&m, &p, &t.err), E_NOTFOUND);
		taken_free(&t);
	}
}

/* Whether the form came through untouched, and which id the answer tells. */
static void expect_id(struct str body, const char *id)
{
	struct asked a = {.path = "/api/42/minidump/", .headers = FORM, .body = body};
	char hex[EVENT_ID_HEX_BYTES];
	struct taken t;

	must_take(&t, &a);
	assert_str(t.env->carried.path, "minidump/");
	assert_str(t.env->carried.headers, FORM);
	event_id_hex(&t.env->event_id, hex);
	if (strcmp(hex, id) != 0)
		fail_msg("%s, not %s", hex, id);
	assert_true(str_eq(t.env->items[0].payload, body));
	assert_int_equal(t.env->items[0].type, ITEM_UNREAL_REPORT);
	taken_free(&t);
}

static void the_id_of_a_form_is_found_in_its_order(void **state) /* P-147 */
{
	(void)state;
	expect_id(LIT(DUMP FIELD("sentry[event_id]", " " UUID_DASHED " ") END), EVENT_ID);
	expect_id(LIT(DUMP FIELD("sentry", "{\"event_id\":\"" EVENT_ID "\"}")
				  FIELD("sentry[event_id]", OTHER_ID) END),
		EVENT_ID);
	expect_id(LIT(DUMP FIELD("sentry__2", "\"" EVENT_ID "\"}")
				  FIELD("sentry__1", "{\"event_id\":") END),
		EVENT_ID);
	/* {"a": [nil, {"x": -1}], "event_id": ...} */
	expect_id(LIT(MSGPACK_FILE("\x82\xa1"
				   "a\x92\xc0\x81\xa1x\xff\xa8"
				   "event_id\xd9\x24" UUID_DASHED)
				  FIELD("sentry", "{\"event_id\":\"" OTHER_ID "\"}") DUMP END),
		EVENT_ID);
	/* a broken one tells nothing */
	expect_id(LIT(MSGPACK_FILE("\x82\xa1") FIELD("sentry", "{\"event_id\":\"" EVENT_ID "\"}")
				  DUMP END),
		EVENT_ID);
}

static void a_form_without_an_id_is_given_one(void **state) /* P-147 */
{
	static const struct str forms[] = {{DUMP, sizeof(DUMP) - 1},
		{DUMP FIELD("sentry", "{}") FIELD("sentry[event_id]", "nope"),
			sizeof(DUMP FIELD("sentry", "{}") FIELD("sentry[event_id]", "nope")) - 1}};
	struct taken t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct buf body = BUF_INIT, want = BUF_INIT;
		struct asked a = {.path = "/api/42/minidump", .headers = FORM};
		char hex[EVENT_ID_HEX_BYTES];

		buf_str(&body, forms[i]);
		buf_cstr(&body, END "epilogue");
		a.body = buf_view(&body);
		must_take(&t, &a);
		event_id_hex(&t.env->event_id, hex);
		buf_str(&want, forms[i]);
		buf_printf(&want, ADDED("%s") END "epilogue", hex);
		assert_true(str_eq(t.env->items[0].payload, buf_view(&want)));
		taken_free(&t);
		buf_fini(&body);
		buf_fini(&want);
	}
}

static void forms_without_a_dump_are_refused(void **state) /* P-147 */
{
	static const struct str forms[] = {
		{FIELD("a", "b") END, sizeof(FIELD("a", "b") END) - 1},
		{FILE_PART("upload_file_minidump", "d", "ELF") END,
			sizeof(FILE_PART("upload_file_minidump", "d", "ELF") END) - 1},
		{FILE_PART("upload_file_minidump", "d", "\x1f\x8bno") END,
			sizeof(FILE_PART("upload_file_minidump", "d", "\x1f\x8bno") END) - 1},
		{FILE_PART("upload_file_minidump", "d", "--in\r\n\r\nMDMP\r\n--in--") END,
			sizeof(FILE_PART("upload_file_minidump", "d", "--in\r\n\r\nMDMP\r\n--in--")
					END) -
				1},
		{DUMP, sizeof(DUMP) - 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++)
		must_refuse(
			&(struct asked){
				.path = "/api/42/minidump/", .headers = FORM, .body = forms[i]},
			E_SYNTAX);
}

static void packed_and_nested_dumps_are_looked_into(void **state) /* 20.3 */
{
	struct codec_pool *pool;
	struct buf packed[2] = {BUF_INIT, BUF_INIT};
	struct err err;
	struct taken t;

	(void)state;
	assert_int_equal(codec_pool_new(&pool, 3, &err), E_OK);
	assert_int_equal(codec_gzip(pool, STR("MDMPdump"), &packed[0], &err), E_OK);
	assert_int_equal(codec_zstd(pool, STR("MDMPdump"), &packed[1], &err), E_OK);
	for (size_t i = 0; i < 2; i++) {
		struct buf body = BUF_INIT;
		struct asked a = {.path = "/api/42/minidump", .headers = FORM};

		buf_cstr(&body, "--x-y\r\nContent-Disposition: form-data; "
				"name=upload_file_minidump; filename=d\r\n\r\n");
		buf_str(&body, buf_view(&packed[i]));
		buf_cstr(&body, "\r\n" END);
		a.body = buf_view(&body);
		must_take(&t, &a);
		taken_free(&t);
		buf_fini(&body);
		buf_fini(&packed[i]);
	}
	must_take(&t, &(struct asked){.path = "/api/42/minidump",
			      .headers = FORM,
			      .body = LIT(FILE_PART("upload_file_minidump", "d",
				      "--in\r\nContent-Disposition: form-data; "
				      "name=upload_file_minidump\r\n\r\nMDMP\r\n--in--\r\n") END)});
	taken_free(&t);
	codec_pool_free(pool);
}

static void a_bomb_in_a_form_is_refused_without_its_memory(void **state) /* P-011 */
{
	static const char *const env[] = {"PICKET_LIMITS_ATTACHMENT=1M", NULL};
	size_t n = 8u << 20;
	char *zeros = calloc(1, n);
	struct buf gzip = BUF_INIT, body = BUF_INIT;
	struct asked a = {.path = "/api/42/minidump", .headers = FORM, .memory = 64 * 1024};
	struct codec_pool *pool;
	struct taken t;
	struct err err;

	(void)state;
	assert_non_null(zeros);
	memcpy(zeros, "MDMP", 4);
	assert_int_equal(codec_pool_new(&pool, 3, &err), E_OK);
	assert_int_equal(codec_gzip(pool, str_make(zeros, n), &gzip, &err), E_OK);
	buf_cstr(&body, "--x-y\r\nContent-Disposition: form-data; "
			"name=upload_file_minidump; filename=d\r\n\r\n");
	buf_str(&body, buf_view(&gzip));
	buf_cstr(&body, "\r\n" END);
	a.body = buf_view(&body);
	assert_int_equal(take_env(&t, &a, env), E_TOOBIG);
	taken_free(&t);
	a.body = buf_view(&gzip);
	a.headers = NULL;
	assert_int_equal(take_env(&t, &a, env), E_NOMEM);
	taken_free(&t);
	a.memory = 0;
	assert_int_equal(take_env(&t, &a, env), E_TOOBIG);
	taken_free(&t);
	codec_pool_free(pool);
	buf_fini(&gzip);
	buf_fini(&body);
	free(zeros);
}

static void too_many_files_are_refused(void **state) /* 9.3 */
{
	struct buf body = BUF_INIT;
	struct asked a = {.path = "/api/42/minidump", .headers = FORM};

	(void)state;
	buf_str(&body, LIT(DUMP));
	for (int i = 0; i < 30; i++)
		buf_cstr(&body, FILE_PART("f", "f", "1"));
	buf_cstr(&body, END);
	a.body = buf_view(&body);
	must_refuse(&a, E_TOOBIG);
	buf_fini(&body);
}

static void msgpack_is_read_without_trust(void **state)
{
	static const struct {
		struct str bytes;
		const char *want; /* NULL: none */
	} cases[] = {
		{{"\x81\xa1k\xa1v", 5}, "v"},
		{{"\x81\xa1k\x01", 4}, NULL},
		{{"\xde\x00\x01\xa1k\xda\x00\x01v", 9}, "v"},
		{{"\xdf\x00\x00\x00\x01\xa1k\xdb\x00\x00\x00\x01v", 13}, "v"},
		{{"\x82\x01\xc4\x02xx\xa1k\xa1v", 10}, "v"},
		{{"\x82\x01\xd6xxxxx\xa1k\xa1v", 12}, "v"},
		{{"\x82\xc0\xcb"
		  "12345678\xa1k\xa1v",
			 15},
			"v"},
		{{"\x82\xc7\x01xx\xc3\xa1k\xa1v", 10}, "v"},
		{{"\x82\xa1"
		  "a\xdc\x00\x02\x01\x02\xa1k\xa1v",
			 13},
			"v"},
		{{"\x81\xa1k\xdb\xff\xff\xff\xffv", 9}, NULL},
		{{"\x82\x01\xdd\xff\xff\xff\xff", 7}, NULL},
		{{"\x82\x01\xdf\xff\xff\xff\xff\x01", 8}, NULL},
		{{"\xdf\xff\xff\xff\xff\x01\x01", 7}, NULL},
		{{"\x91\xa1k", 3}, NULL},
		{{"\x81", 1}, NULL},
		{{"", 0}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str got = msgpack_text(cases[i].bytes, STR("k"));

		if (cases[i].want == NULL ? got.p != NULL : !str_eq(got, str_of(cases[i].want)))
			fail_msg("case %zu: %.*s", i, STR_ARG(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_read_as_they_are_written),
		cmocka_unit_test(what_is_no_form_is_refused),
		cmocka_unit_test(a_forms_parts_and_their_heads_are_bounded),
		cmocka_unit_test(a_form_inside_brings_its_boundary),
		cmocka_unit_test(late_attachments_are_an_envelope),
		cmocka_unit_test(a_bare_dump_is_an_envelope),
		cmocka_unit_test(what_cannot_be_unpacked_here_goes_on_as_a_form),
		cmocka_unit_test(the_id_of_a_form_is_found_in_its_order),
		cmocka_unit_test(a_form_without_an_id_is_given_one),
		cmocka_unit_test(forms_without_a_dump_are_refused),
		cmocka_unit_test(packed_and_nested_dumps_are_looked_into),
		cmocka_unit_test(a_bomb_in_a_form_is_refused_without_its_memory),
		cmocka_unit_test(too_many_files_are_refused),
		cmocka_unit_test(msgpack_is_read_without_trust),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
