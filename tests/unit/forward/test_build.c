#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "forward/build.h"
#include "unit/forward/fake.h"

#define BIT(c) (UINT64_C(1) << (c))

/* Building needs no forward, only what fake_new() sets up around it. */
struct bench {
	struct fake *k;
	struct build_order o;
	struct build_scratch s;
	struct built b;
	struct facts facts;
	struct buf record, plain;
};

static void bench_open(struct bench *t, const char *const *env)
{
	memset(t, 0, sizeof *t);
	t->k = fake_new(env);
	built_init(&t->b, &t->facts);
	t->o = (struct build_order){.dsn = STR(DSN_A),
		.key = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		.compression = (enum setting_compression)t->k->settings->upstream.compression,
		.frame = {FAKE_BOOT, t->k->now},
		.now = t->k->now,
		.codecs = t->k->codecs,
		.budget = &t->k->budget,
		.settings = t->k->settings};
}

static void bench_close(struct bench *t)
{
	built_fini(&t->b, &t->k->budget);
	build_scratch_fini(&t->s);
	buf_fini(&t->record);
	buf_fini(&t->plain);
	fake_free(t->k);
}

static void pack(struct bench *t, const char *header, struct str items, bool compress,
	const struct sender *from, int64_t sent_at_us)
{
	enum item_class class;

	buf_clear(&t->record);
	fake_pack(t->k, DSN_A, header, items, compress, from, sent_at_us, &t->record, &class);
}

static int build(struct bench *t, enum build_part part)
{
	struct err err = {0};
	int rc;

	built_clear(&t->b, &t->k->budget, 0);
	rc = build_record(&t->o, buf_view(&t->record), part, NULL, NULL, &t->s, &t->b, &err);
	if (rc != E_OK && rc != E_NOMEM)
		fail_msg("%s", err.text);
	return rc;
}

static const char *line_of(const struct bench *t, const char *name)
{
	const char *p = t->b.lines.p;

	for (unsigned i = 0; i < t->b.line_count; i++, p += strlen(p) + 1) {
		if (strncmp(p, name, strlen(name)) == 0 && p[strlen(name)] == ':')
			return p + strlen(name) + 2;
	}
	return NULL;
}

/* The body as the upstream reads it. */
static struct str plain(struct bench *t)
{
	const char *name = line_of(t, "Content-Encoding");
	enum encoding e = ENCODING_IDENTITY;

	if (name != NULL)
		assert_int_equal(encoding_parse(str_of(name), &e), E_OK);
	buf_clear(&t->plain);
	assert_int_equal(decode_all(e, buf_view(&t->b.body), 1 << 26, &t->plain, NULL), E_OK);
	return buf_view(&t->plain);
}

static bool has(struct bench *t, const char *text)
{
	struct str s = plain(t);

	return str_find(s, str_of(text)) < s.n;
}

static void headers_are_those_of_the_client(void **state) /* P-105, P-106 */
{
	static const char *const env[] = {"PICKET_UPSTREAM_HEADER=X-One: 1\nX-Two: 2", NULL};
	struct sender from = {.key = STR("clientkey"),
		.secret = STR("sec"),
		.client = STR("sentry.python/2.0"),
		.protocol = STR("7"),
		.user_agent = STR("agent/1"),
		.origin = STR("https://shop.example"),
		.forwarded_for = STR("203.0.113.1, 203.0.113.2")};
	struct bench t;

	(void)state;
	bench_open(&t, env);
	pack(&t, "{}", STR(EVENT("x")), false, &from, 0);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	/* The key was changed on the way: the secret is not for it. */
	assert_string_equal(line_of(&t, "X-Sentry-Auth"),
		"Sentry sentry_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, sentry_version=7, "
		"sentry_client=sentry.python/2.0");
	assert_string_equal(line_of(&t, "User-Agent"), "agent/1");
	assert_string_equal(line_of(&t, "Origin"), "https://shop.example");
	assert_string_equal(line_of(&t, "X-Forwarded-For"), "203.0.113.1, 203.0.113.2");
	assert_string_equal(line_of(&t, "Content-Type"), "application/x-sentry-envelope");
	assert_null(line_of(&t, "Content-Encoding"));
	assert_string_equal(line_of(&t, "X-One"), "1");
	assert_string_equal(line_of(&t, "X-Two"), "2");
	assert_int_equal(t.b.line_count, 7);
	from.key = t.o.key;
	pack(&t, "{}", STR(EVENT("x")), false, &from, 0);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_non_null(strstr(line_of(&t, "X-Sentry-Auth"), ", sentry_secret=sec"));
	bench_close(&t);
}

static void what_the_client_did_not_say_is_absent(void **state) /* P-139 */
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	pack(&t, "{}", STR(EVENT("x")), false, NULL, 0);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_string_equal(line_of(&t, "X-Sentry-Auth"),
		"Sentry sentry_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, sentry_version=7, "
		"sentry_client=picket/" PICKET_VERSION);
	assert_int_equal(t.b.line_count, 2);
	bench_close(&t);
}

static void a_client_cannot_start_a_header_of_its_own(void **state)
{
	struct sender from = {.protocol = STR("7"),
		.client = STR("a\r\nX-Evil: 1"),
		.user_agent = STR("b\nX-Evil: 2\0x"),
		.origin = STR("c\rX-Evil: 3")};
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	pack(&t, "{}", STR(EVENT("x")), false, &from, 0);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_int_equal(t.b.line_count, 4);
	assert_null(line_of(&t, "X-Evil"));
	assert_null(memchr(t.b.lines.p, '\n', t.b.lines.n));
	assert_null(memchr(t.b.lines.p, '\r', t.b.lines.n));
	bench_close(&t);
}

/* An item of n bytes that compresses well, or not at all. */
static void item_of(struct buf *b, size_t n, bool noise)
{
	struct rng rng;

	rng_seed(&rng, 5);
	buf_printf(b, "{\"type\":\"attachment\",\"length\":%zu}\n", n);
	for (size_t i = 0; i < n; i++)
		buf_char(b, noise ? (char)(rng_next(&rng) >> 24) : (char)('a' + i % 26));
	buf_char(b, '\n');
}

static void every_encoding_is_the_same_envelope(void **state) /* P-107, P-118 */
{
	static const char *const names[] = {"zstd", "gzip", "none"};
	static const size_t sizes[] = {0, 10, 900, 1100, 100000, 3000000};

	(void)state;
	for (unsigned c = 0; c < 3; c++) {
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			for (int v = 0; v < 4; v++) {
				struct buf items = BUF_INIT;
				struct bench t;
				struct str p;
				const char *e;

				bench_open(&t, NULL);
				t.o.compression = (enum setting_compression)c;
				item_of(&items, sizes[i], (v & 1) != 0);
				pack(&t, "{\"event_id\":\"" EVENT_ID_1 "\"}", buf_view(&items),
					(v & 2) != 0, NULL, FAKE_WALL * 1000);
				assert_int_equal(build(&t, PART_ALL), E_OK);
				assert_int_equal(t.b.result, BUILD_READY);
				e = line_of(&t, "Content-Encoding");
				assert_true(e == NULL || strcmp(e, names[c]) == 0);
				if (sizes[i] >= 100000 && (v & 1) == 0 && c != COMPRESSION_NONE)
					assert_true(t.b.body.n < sizes[i] / 10);
				p = plain(&t);
				assert_true(str_starts(
					p, STR("{\"sent_at\":\"2026-01-01T00:00:00.000000Z\","
					       "\"event_id\":\"" EVENT_ID_1 "\"}\n")));
				assert_true(str_ends(p, buf_view(&items)));
				assert_int_equal(p.n, items.n + str_find_char(p, '\n') + 1);
				buf_fini(&items);
				bench_close(&t);
			}
		}
	}
}

static void untouched_payloads_keep_every_byte(void **state) /* P-118 */
{
	static const char items[] =
		"{\"type\":\"event\"}\n{\"a\":18446744073709551615,\"b\":\"\\u0000\",\"\\u0000\":1,"
		"\"c\":\"\\ud800\",\"d\":1e400,\"d\":2}\n"
		"{\"type\":\"unknown\",\"x\":  1}\n\xff\xfe\n";
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	pack(&t, "{\"future\":[1, 2]}", STR(items), true, NULL, 0);
	for (unsigned c = 0; c < 3; c++) {
		t.o.compression = (enum setting_compression)c;
		assert_int_equal(build(&t, PART_ALL), E_OK);
		assert_true(str_ends(plain(&t), STR(items)));
		assert_true(has(&t, "\"future\":[1, 2]"));
	}
	bench_close(&t);
}

static void sent_at_ages_with_the_stay(void **state) /* P-136, P-138 */
{
	/* Minutes the daemon's host stayed on, and whether it was booted in between. */
	static const struct {
		int64_t hours;
		bool rebooted;
		int64_t wall_step_ms;
		const char *expect;
	} rows[] = {
		{0, false, 0, "2025-12-31T12:00:00.123456Z"},
		{2, false, 0, "2025-12-31T14:00:00.123456Z"},
		{2, false, 86400000, "2025-12-31T14:00:00.123456Z"},  /* P-137 */
		{2, false, -86400000, "2025-12-31T14:00:00.123456Z"}, /* P-137 */
		{2, true, 0, "2025-12-31T14:00:00.123456Z"},
		{2, true, -86400000, "2025-12-31T12:00:00.123456Z"}, /* never negative */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench t;
		struct str p;
		char expect[64];

		bench_open(&t, NULL);
		/* The client's clock is half a day behind: that is kept. */
		pack(&t, "{}", STR(EVENT("x")), true, NULL, (FAKE_WALL - 43200000) * 1000 + 123456);
		t.o.now.mono_ms += rows[i].hours * 3600000;
		t.o.now.wall_ms += rows[i].hours * 3600000 + rows[i].wall_step_ms;
		if (rows[i].rebooted) {
			t.o.frame.boot_id = FAKE_BOOT + 1;
			t.o.frame.start = t.o.now;
		}
		assert_int_equal(build(&t, PART_ALL), E_OK);
		p = plain(&t);
		(void)snprintf(expect, sizeof expect, "\"sent_at\":\"%s\"", rows[i].expect);
		if (str_find(p, str_of(expect)) == p.n)
			fail_msg("row %zu: %.*s", i, STR_ARG(p));
		/* Exactly one. */
		p = str_from(p, str_find(p, STR("sent_at")) + 1);
		assert_int_equal(str_find(p, STR("sent_at")), p.n);
		bench_close(&t);
	}
}

static void an_absent_sent_at_is_the_time_of_sending(void **state) /* P-136 */
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	pack(&t, "{}", STR(EVENT("x")), true, NULL, 0);
	t.o.now.mono_ms += 7200000;
	t.o.now.wall_ms += 7200000;
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_true(has(&t, "{\"sent_at\":\"2026-01-01T02:00:00.000000Z\"}\n"));
	bench_close(&t);
}

static void a_later_time_is_written_over_in_the_clear_only(void **state)
{
	struct buf items = BUF_INIT;
	struct bench t;

	(void)state;
	/* gzip leaves noise in the clear, but ends in a checksum of it. */
	for (unsigned c = 0; c < 3 * 2; c++) {
		buf_clear(&items);
		item_of(&items, 5000, c >= 3);
		bench_open(&t, NULL);
		t.o.compression = (enum setting_compression)(c % 3);
		pack(&t, "{}", buf_view(&items), true, NULL, FAKE_WALL * 1000);
		assert_int_equal(build(&t, PART_ALL), E_OK);
		assert_int_equal(built_set_sent_at(&t.b, FAKE_WALL * 1000 + 61000001),
			c % 3 != COMPRESSION_GZIP);
		assert_true(has(&t, c % 3 == COMPRESSION_GZIP ? "\"2026-01-01T00:00:00.000000Z\""
							      : "\"2026-01-01T00:01:01.000001Z\""));
		bench_close(&t);
	}
	buf_fini(&items);
}

#define ATTACHMENT "{\"type\":\"attachment\",\"length\":3,\"filename\":\"a\"}\nabc\n"
#define MINIDUMP                                                                                   \
	"{\"type\":\"attachment\",\"length\":4,\"attachment_type\":\"event.minidump\"}\nMDMP\n"
#define REPORT                                                                                     \
	"{\"type\":\"client_report\"}\n{\"discarded_events\":[{\"reason\":\"before_send\","        \
	"\"category\":\"error\",\"quantity\":7}]}\n"

static void limits_take_out_what_they_stop(void **state) /* P-097, P-098, 13.3 */
{
	static const struct {
		const char *items;
		uint64_t limits;
		enum build_result result;
		const char *stays, *goes;
		enum category lost;
		uint64_t amount;
	} rows[] = {
		{EVENT("e") ATTACHMENT SESSION("s"), BIT(CAT_ERROR), BUILD_READY, "\"sid\"",
			"abc\n", CAT_ATTACHMENT, 3},
		{EVENT("e") ATTACHMENT, BIT(CAT_ATTACHMENT), BUILD_READY, "\"e\"", "abc\n",
			CAT_ATTACHMENT, 3},
		{EVENT("e") ATTACHMENT, BIT(CAT_ATTACHMENT_ITEM), BUILD_READY, "\"e\"", "abc\n",
			CAT_ATTACHMENT, 3},
		{MINIDUMP ATTACHMENT, BIT(CAT_ATTACHMENT), BUILD_READY, "MDMP", "abc\n",
			CAT_ATTACHMENT, 3},
		{EVENT("e") ATTACHMENT, BIT(CAT_ERROR), BUILD_LIMITED, NULL, NULL, CAT_ERROR, 1},
		{EVENT("e"), BIT(CAT_SESSION), BUILD_READY, "\"e\"", NULL, CAT_ERROR, 0},
		{EVENT("e") SESSION("s"), RATELIMIT_ALL, BUILD_LIMITED, NULL, NULL, CAT_SESSION, 1},
		{LOG("l"), BIT(CAT_LOG_BYTE), BUILD_LIMITED, NULL, NULL, CAT_LOG_ITEM, 1},
		{LOG("l"), BIT(CAT_SPAN_INDEXED), BUILD_READY, "\"l\"", NULL, CAT_LOG_ITEM, 0},
		{REPORT EVENT("e"), BIT(CAT_ERROR), BUILD_READY, "before_send", "\"e\"", CAT_ERROR,
			1},
		{REPORT, BIT(CAT_ERROR), BUILD_READY, "before_send", NULL, CAT_ERROR, 0},
		{REPORT, RATELIMIT_ALL, BUILD_HELD, NULL, NULL, CAT_ERROR, 0}, /* P-089 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench t;

		bench_open(&t, NULL);
		pack(&t, "{\"event_id\":\"" EVENT_ID_1 "\"}", str_of(rows[i].items), i % 2 == 0,
			NULL, 0);
		t.o.limits = rows[i].limits;
		assert_int_equal(build(&t, PART_ALL), E_OK);
		if (t.b.result != rows[i].result ||
			t.facts.dropped.of[rows[i].lost] != rows[i].amount)
			fail_msg("row %zu: result %d, dropped %d", i, (int)t.b.result,
				(int)t.facts.dropped.of[rows[i].lost]);
		if (rows[i].stays != NULL)
			assert_true(has(&t, rows[i].stays));
		if (rows[i].goes != NULL)
			assert_false(has(&t, rows[i].goes));
		/* With hold nothing is lost. */
		t.o.hold = true;
		assert_int_equal(build(&t, PART_ALL), E_OK);
		assert_true(quantities_empty(&t.facts.dropped));
		if (rows[i].result == BUILD_LIMITED || rows[i].goes != NULL)
			assert_int_equal(t.b.result, BUILD_HELD);
		bench_close(&t);
	}
}

static void halves_are_the_whole_and_overlap_nowhere(void **state) /* 11.4 */
{
	struct buf items = BUF_INIT;
	struct bench t;
	struct quantities first;

	(void)state;
	bench_open(&t, NULL);
	buf_cstr(&items, EVENT("e") ATTACHMENT);
	for (int i = 0; i < 20; i++)
		buf_printf(&items, SESSION("s%02d"), i);
	pack(&t, "{\"event_id\":\"" EVENT_ID_1 "\"}", buf_view(&items), true, NULL, 0);
	assert_int_equal(build(&t, PART_FIRST), E_OK);
	first = t.facts.part;
	assert_true(has(&t, "\"e\"") && has(&t, "abc\n") && has(&t, "s00"));
	assert_true(has(&t, "s05") && !has(&t, "s15"));
	assert_int_equal(build(&t, PART_SECOND), E_OK);
	assert_true(!has(&t, "\"e\"") && !has(&t, "abc\n") && !has(&t, "s00"));
	assert_true(has(&t, "s15") && has(&t, EVENT_ID_1));
	quantities_merge(&first, &t.facts.part);
	assert_memory_equal(&first, &t.facts.held, sizeof first);
	buf_fini(&items);
	bench_close(&t);
}

static void what_belongs_together_is_not_cut(void **state)
{
	static const char *const whole[] = {EVENT("e"), EVENT("e") ATTACHMENT ATTACHMENT,
		"{\"type\":\"replay_event\"}\n{}\n{\"type\":\"replay_recording\",\"length\":2}"
		"\nab\n",
		"{\"type\":\"transaction\"}\n{}\n{\"type\":\"profile\"}\n{}\n", LOG("l")};

	(void)state;
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
		struct bench t;

		bench_open(&t, NULL);
		pack(&t, "{\"event_id\":\"" EVENT_ID_1 "\"}", str_of(whole[i]), true, NULL, 0);
		assert_int_equal(build(&t, PART_FIRST), E_OK);
		assert_int_equal(t.b.result, BUILD_WHOLE);
		assert_int_equal(build(&t, PART_SECOND), E_OK);
		assert_int_equal(t.b.result, BUILD_WHOLE);
		bench_close(&t);
	}
}

static void damage_is_told_whatever_byte_it_hits(void **state)
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	pack(&t, "{}", STR(EVENT("x") SESSION("s")), true, NULL, 0);
	t.o.limits = BIT(CAT_ERROR);
	for (size_t i = 0; i < t.record.n; i++) {
		t.record.p[i] ^= 0x20;
		assert_int_equal(build(&t, PART_ALL), E_OK);
		assert_true(t.b.result == BUILD_CORRUPT || t.b.result == BUILD_NEWER);
		t.record.p[i] ^= 0x20;
	}
	for (size_t n = t.record.n; n-- > 0;) {
		built_clear(&t.b, &t.k->budget, 0);
		assert_int_equal(build_record(&t.o, str_make(t.record.p, n), PART_ALL, NULL, NULL,
					 &t.s, &t.b, NULL),
			E_OK);
		assert_true(t.b.result == BUILD_CORRUPT || t.b.result == BUILD_NEWER);
	}
	bench_close(&t);
}

static void another_dsn_is_not_ours(void **state)
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	pack(&t, "{}", STR(EVENT("x")), true, NULL, 0);
	t.o.dsn = STR(DSN_B);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_int_equal(t.b.result, BUILD_FOREIGN);
	bench_close(&t);
}

static void a_used_up_budget_refuses_and_takes_nothing(void **state)
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	pack(&t, "{}", STR(EVENT("x")), true, NULL, 0);
	budget_set_limit(&t.k->budget, 100);
	assert_int_equal(build(&t, PART_ALL), E_NOMEM);
	assert_int_equal(budget_used(&t.k->budget), 0);
	t.o.no_budget = true;
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_int_equal(t.b.result, BUILD_READY);
	assert_int_equal(budget_used(&t.k->budget), 0);
	budget_set_limit(&t.k->budget, 1 << 20);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	/* What is held is what the request needs. */
	assert_int_equal(budget_used(&t.k->budget), t.b.body.cap + t.b.lines.cap);
	bench_close(&t);
}

static void a_report_goes_in_front_of_the_items(void **state) /* P-120 */
{
	struct report report = {0}, written;
	struct bench t;
	struct str p;

	(void)state;
	bench_open(&t, NULL);
	report.lost[DROP_SEND_ERROR][CAT_ERROR] = 5;
	report.since_wall_s = FAKE_WALL / 1000 + 10; /* a clock that went back */
	pack(&t, "{}", STR(EVENT("x")), true, NULL, 0);
	assert_int_equal(build_record(&t.o, buf_view(&t.record), PART_ALL, &report, &written, &t.s,
				 &t.b, NULL),
		E_OK);
	assert_true(t.b.has_report);
	assert_true(report_empty(&report));
	assert_int_equal(written.lost[DROP_SEND_ERROR][CAT_ERROR], 5);
	p = plain(&t);
	assert_true(str_find(p, STR("\"client_report\"")) < str_find(p, STR("\"event\"")));
	assert_true(has(&t, "\"timestamp\":1767225600")); /* P-124 */
	{
		struct envelope *e = envelope_new();

		assert_int_equal(envelope_parse(e, p, NULL, NULL), E_OK);
		assert_int_equal(e->item_count, 2);
		envelope_free(e);
	}
	bench_close(&t);
}

/* --- bodies that stay as the client compressed them ----------------------------- */

#define WIRE_HEAD "{\"sent_at\":\"2026-01-01T00:00:00Z\"}\n"

static void keep_wire(struct bench *t, struct buf *wire)
{
	struct str text = STR(WIRE_HEAD EVENT("x"));
	struct record r;

	assert_int_equal(codec_gzip(t->k->codecs, text, wire, NULL), E_OK);
	memset(&r, 0, sizeof r);
	r.class = CLASS_ERROR;
	r.dsn = STR(DSN_A);
	r.from = (struct sender){.protocol = STR("7"), .peer_uid = -1, .peer_pid = -1};
	r.received_mono_ms = t->k->now.mono_ms;
	r.received_wall_ms = t->k->now.wall_ms;
	r.boot_id = FAKE_BOOT;
	r.has_sent_at = true;
	r.sent_at_us = FAKE_WALL * 1000;
	r.header = STR("{}");
	r.encoding = RECORD_BODY;
	r.body_encoding = ENCODING_GZIP;
	r.items = buf_view(wire);
	r.items_bytes = text.n - (sizeof WIRE_HEAD - 1);
	buf_clear(&t->record);
	record_pack(&r, &t->record);
}

static bool is_passed_on(struct bench *t, const struct buf *wire)
{
	assert_int_equal(build(t, PART_ALL), E_OK);
	assert_int_equal(t->b.result, BUILD_READY);
	assert_true(has(t, "\"event\""));
	return t->b.body.n == wire->n && memcmp(t->b.body.p, wire->p, wire->n) == 0;
}

static void a_fresh_body_goes_on_as_the_client_compressed_it(void **state)
{
	struct buf wire = BUF_INIT;
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	keep_wire(&t, &wire);
	assert_true(is_passed_on(&t, &wire));
	assert_string_equal(line_of(&t, "Content-Encoding"), "gzip");
	t.o.compression = COMPRESSION_GZIP;
	assert_true(is_passed_on(&t, &wire));
	t.o.compression = COMPRESSION_NONE;
	assert_false(is_passed_on(&t, &wire));
	t.o.compression = COMPRESSION_ZSTD;
	t.o.now.mono_ms += 999;
	assert_true(is_passed_on(&t, &wire));
	/* Its time would be wrong by a second (P-136). */
	t.o.now.mono_ms += 1;
	assert_false(is_passed_on(&t, &wire));
	assert_true(has(&t, "\"sent_at\":\"2026-01-01T00:00:01.000000Z\""));
	buf_fini(&wire);
	bench_close(&t);
}

/* --- carried requests --------------------------------------------------------- */

static void carry(struct bench *t, struct carried c, const char *items)
{
	struct record r;

	memset(&r, 0, sizeof r);
	r.class = CLASS_ERROR;
	r.dsn = STR(DSN_A);
	r.from = (struct sender){.key = STR("clientkey"),
		.client = STR("browser/1"),
		.protocol = STR("7"),
		.user_agent = STR("agent/1"),
		.peer_uid = -1,
		.peer_pid = -1};
	r.received_mono_ms = t->k->now.mono_ms;
	r.received_wall_ms = t->k->now.wall_ms;
	r.boot_id = FAKE_BOOT;
	r.header = STR("{}");
	r.carried = c;
	quantities_add(&r.held, CAT_SECURITY, 1);
	r.items = str_of(items);
	r.items_bytes = r.items.n;
	buf_clear(&t->record);
	record_pack(&r, &t->record);
	t->o.api_url = STR("https://a.example/api/11/");
}

#define RAW "{\"type\":\"raw_security\",\"length\":8}\n{\"a\":\n1}\n"

static void a_carried_request_goes_to_its_own_path_as_it_came(void **state) /* P-146 */
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	carry(&t,
		(struct carried){.method = STR("POST"),
			.path = STR("security/"),
			.query = STR("sentry_release=1 2"),
			.headers = STR("Content-Type: application/csp-report\nX-Kept: a\n")},
		RAW);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_int_equal(t.b.result, BUILD_READY);
	assert_string_equal(t.b.url.p, "https://a.example/api/11/security/?sentry_release=1%202");
	assert_string_equal(t.b.method, "POST");
	assert_int_equal(t.b.body.n, 8);
	assert_memory_equal(t.b.body.p, "{\"a\":\n1}", 8);
	assert_string_equal(line_of(&t, "Content-Type"), "application/csp-report");
	assert_string_equal(line_of(&t, "X-Kept"), "a");
	assert_string_equal(line_of(&t, "X-Sentry-Auth"),
		"Sentry sentry_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, sentry_version=7, "
		"sentry_client=browser/1");
	assert_null(line_of(&t, "Content-Encoding"));
	assert_int_equal(t.facts.held.of[CAT_SECURITY], 1);
	bench_close(&t);
}

static void a_key_in_the_path_is_the_only_credential(void **state) /* P-105 */
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	carry(&t, (struct carried){.method = STR("POST"), .path = STR("unreal/{key}/")}, RAW);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_string_equal(
		t.b.url.p, "https://a.example/api/11/unreal/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/");
	assert_null(line_of(&t, "X-Sentry-Auth"));
	bench_close(&t);
}

static void a_limited_carried_request_is_not_sent(void **state) /* P-103 */
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	carry(&t, (struct carried){.method = STR("POST"), .path = STR("security/")}, RAW);
	t.o.limits = BIT(CAT_SECURITY);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_int_equal(t.b.result, BUILD_LIMITED);
	t.o.limits = BIT(CAT_ERROR);
	assert_int_equal(build(&t, PART_ALL), E_OK);
	assert_int_equal(t.b.result, BUILD_READY);
	assert_int_equal(t.b.body.n, 8);
	bench_close(&t);
}

static void a_carried_request_is_not_split(void **state)
{
	struct bench t;

	(void)state;
	bench_open(&t, NULL);
	carry(&t, (struct carried){.method = STR("POST"), .path = STR("security/")}, RAW);
	assert_int_equal(build(&t, PART_FIRST), E_OK);
	assert_int_equal(t.b.result, BUILD_WHOLE);
	bench_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_those_of_the_client),
		cmocka_unit_test(what_the_client_did_not_say_is_absent),
		cmocka_unit_test(a_client_cannot_start_a_header_of_its_own),
		cmocka_unit_test(every_encoding_is_the_same_envelope),
		cmocka_unit_test(untouched_payloads_keep_every_byte),
		cmocka_unit_test(sent_at_ages_with_the_stay),
		cmocka_unit_test(an_absent_sent_at_is_the_time_of_sending),
		cmocka_unit_test(a_later_time_is_written_over_in_the_clear_only),
		cmocka_unit_test(limits_take_out_what_they_stop),
		cmocka_unit_test(halves_are_the_whole_and_overlap_nowhere),
		cmocka_unit_test(what_belongs_together_is_not_cut),
		cmocka_unit_test(damage_is_told_whatever_byte_it_hits),
		cmocka_unit_test(another_dsn_is_not_ours),
		cmocka_unit_test(a_used_up_budget_refuses_and_takes_nothing),
		cmocka_unit_test(a_report_goes_in_front_of_the_items),
		cmocka_unit_test(a_fresh_body_goes_on_as_the_client_compressed_it),
		cmocka_unit_test(a_carried_request_goes_to_its_own_path_as_it_came),
		cmocka_unit_test(a_key_in_the_path_is_the_only_credential),
		cmocka_unit_test(a_limited_carried_request_is_not_sent),
		cmocka_unit_test(a_carried_request_is_not_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
