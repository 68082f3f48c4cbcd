#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "envelope/record.h"
#include "unit/envelope/support.h"

/* Offsets of the packed form, as record.c tells them. */
#define AT_VERSION 4
#define AT_CLASS   6
#define AT_CRC     8

static struct record sample(void)
{
	struct record r;

	memset(&r, 0, sizeof r);
	r.class = CLASS_TRACE;
	r.dsn = STR("https://k@h/42");
	r.from.key = STR("clientkey");
	r.from.secret = STR("s");
	r.from.project = STR("7");
	r.from.client = STR("sentry.python/2.0");
	r.from.protocol = STR("7");
	r.from.user_agent = STR("agent/1");
	r.from.origin = STR("https://example.com");
	r.from.forwarded_for = STR("203.0.113.1, 203.0.113.2");
	r.from.peer_uid = 1000;
	r.from.peer_pid = -1;
	r.received_wall_ms = 1767225600123;
	r.received_mono_ms = 987654321;
	r.boot_id = UINT64_C(0xfedcba9876543210);
	r.has_sent_at = true;
	r.sent_at_us = 1767225599000001;
	r.has_event_id = true;
	assert_true(event_id_parse(STR("9ec79c33ec9942ab8353589fcb2e04dc"), &r.event_id));
	quantities_add(&r.held, CAT_TRANSACTION, 1);
	quantities_add(&r.held, CAT_SPAN, 300);
	r.header = STR("{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}");
	r.encoding = RECORD_IDENTITY;
	r.items_bytes = 33;
	r.items = STR("{\"type\":\"transaction\",\"length\":2}\n{}\n");
	return r;
}

static void assert_same_str(struct str a, struct str b)
{
	if (!str_eq(a, b))
		fail_msg("\"%.*s\", not \"%.*s\"", STR_ARG(a), STR_ARG(b));
}

static void assert_same_sender(const struct sender *a, const struct sender *b)
{
	assert_same_str(a->key, b->key);
	assert_same_str(a->secret, b->secret);
	assert_same_str(a->project, b->project);
	assert_same_str(a->client, b->client);
	assert_same_str(a->protocol, b->protocol);
	assert_same_str(a->user_agent, b->user_agent);
	assert_same_str(a->origin, b->origin);
	assert_same_str(a->forwarded_for, b->forwarded_for);
	assert_true(a->peer_uid == b->peer_uid);
	assert_true(a->peer_pid == b->peer_pid);
}

static void assert_same_record(const struct record *a, const struct record *b)
{
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->encoding, b->encoding);
	assert_same_str(a->dsn, b->dsn);
	assert_same_sender(&a->from, &b->from);
	assert_true(a->received_wall_ms == b->received_wall_ms);
	assert_true(a->received_mono_ms == b->received_mono_ms);
	assert_true(a->boot_id == b->boot_id);
	assert_true(a->has_sent_at == b->has_sent_at);
	assert_true(a->sent_at_us == b->sent_at_us);
	assert_true(a->has_event_id == b->has_event_id);
	assert_true(event_id_eq(&a->event_id, &b->event_id));
	assert_memory_equal(&a->held, &b->held, sizeof a->held);
	assert_same_str(a->header, b->header);
	assert_true(a->items_bytes == b->items_bytes);
	assert_same_str(a->items, b->items);
}

static struct buf packed(const struct record *r)
{
	struct buf b = BUF_INIT;

	record_pack(r, &b);
	assert_true(buf_ok(&b));
	return b;
}

static void what_is_packed_is_unpacked(void **state)
{
	struct record r = sample(), back;
	struct buf b = packed(&r);

	(void)state;
	assert_int_equal(record_unpack(buf_view(&b), &back, NULL), E_OK);
	assert_same_record(&r, &back);
	assert_true(back.from.received.wall_ms == r.received_wall_ms);
	assert_int_equal(record_peek(buf_view(&b), &back, NULL), E_OK);
	assert_same_record(&r, &back);
	buf_fini(&b);
}

static void empty_record_is_a_record(void **state)
{
	struct record r, back;
	struct buf b;

	(void)state;
	memset(&r, 0, sizeof r);
	b = packed(&r);
	assert_int_equal(record_unpack(buf_view(&b), &back, NULL), E_OK);
	assert_same_record(&r, &back);
	buf_fini(&b);
}

static void records_are_appended(void **state)
{
	struct record r = sample(), back;
	struct buf b = BUF_INIT;

	(void)state;
	buf_cstr(&b, "before");
	record_pack(&r, &b);
	assert_true(buf_ok(&b));
	assert_int_equal(record_unpack(str_from(buf_view(&b), 6), &back, NULL), E_OK);
	buf_fini(&b);
}

static void any_changed_bit_is_corrupt(void **state)
{
	struct record r = sample(), back;
	struct buf b = packed(&r);

	(void)state;
	for (size_t i = 0; i < b.n * 8; i++) {
		int rc;

		b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
		rc = record_unpack(buf_view(&b), &back, NULL);
		if (i / 8 == AT_VERSION || i / 8 == AT_VERSION + 1)
			assert_true(rc == E_CORRUPT || rc == E_UNSUPPORTED);
		else
			assert_int_equal(rc, E_CORRUPT);
		b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
	}
	assert_int_equal(record_unpack(buf_view(&b), &back, NULL), E_OK);
	buf_fini(&b);
}

static void any_cut_is_corrupt(void **state) /* P-115: never half-read */
{
	struct record r = sample(), back;
	struct buf b = packed(&r);
	struct err err = {0};

	(void)state;
	for (size_t n = 0; n < b.n; n++) {
		assert_int_equal(record_unpack(str_make(b.p, n), &back, &err), E_CORRUPT);
		assert_int_equal(record_peek(str_make(b.p, n), &back, NULL), E_CORRUPT);
	}
	assert_true(err.text[0] != '\0');
	buf_char(&b, 'x');
	assert_int_equal(record_unpack(buf_view(&b), &back, NULL), E_CORRUPT);
	buf_fini(&b);
}

static void newer_version_is_unsupported(void **state)
{
	struct record r = sample(), back;
	struct buf b = packed(&r);

	(void)state;
	b.p[AT_VERSION] = 4;
	assert_int_equal(record_unpack(buf_view(&b), &back, NULL), E_UNSUPPORTED);
	assert_int_equal(record_peek(buf_view(&b), &back, NULL), E_UNSUPPORTED);
	buf_fini(&b);
}

static void peek_does_without_the_checksum_but_not_without_bounds(void **state)
{
	struct record r = sample(), back;
	struct buf b = packed(&r);
	struct rng rng;

	(void)state;
	b.p[AT_CRC] = (char)~b.p[AT_CRC];
	assert_int_equal(record_peek(buf_view(&b), &back, NULL), E_OK);
	rng_seed(&rng, 5);
	for (unsigned i = 0; i < 20000; i++) { /* must not read beyond: see the sanitizers */
		size_t at = (size_t)rng_below(&rng, b.n);
		char was = b.p[at];

		b.p[at] = (char)rng_next(&rng);
		(void)record_peek(buf_view(&b), &back, NULL);
		b.p[at] = was;
	}
	b.p[AT_CLASS] = CLASS_COUNT;
	assert_int_equal(record_peek(buf_view(&b), &back, NULL), E_CORRUPT);
	buf_fini(&b);
}

static void full_buffer_is_told(void **state)
{
	struct record r = sample();
	struct buf b;

	(void)state;
	for (size_t max = 1; max < 200; max += 13) {
		buf_init(&b, max);
		record_pack(&r, &b);
		assert_false(buf_ok(&b));
		buf_fini(&b);
	}
}

/* A record written by version 1 of the format: it has no boot_id, no
 * received_mono_ms and no protocol. */
static void record_of_version_1_is_read(void **state)
{
	struct record want = sample(), got;
	char bytes[1024];
	FILE *f = fopen("tests/data/records/version1.record", "rb");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(bytes, 1, sizeof bytes, f);
	(void)fclose(f);
	assert_int_equal(bytes[AT_VERSION], 1);
	want.boot_id = 0;
	want.received_mono_ms = 0;
	assert_int_equal(record_unpack(str_make(bytes, n), &got, NULL), E_OK);
	assert_same_record(&want, &got);
	bytes[n - 1] ^= 1;
	assert_int_equal(record_unpack(str_make(bytes, n), &got, NULL), E_CORRUPT);
}

static size_t read_stored(const char *path, char *bytes, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, size, f);
	(void)fclose(f);
	return n;
}

/* Version 2 knew neither streams nor carried requests. */
static void record_of_version_2_is_read(void **state)
{
	struct record want = sample(), got;
	char bytes[1024];
	size_t n = read_stored("tests/data/records/version2.record", bytes, sizeof bytes);

	(void)state;
	assert_int_equal(bytes[AT_VERSION], 2);
	assert_int_equal(record_unpack(str_make(bytes, n), &got, NULL), E_OK);
	assert_same_record(&want, &got);
}

static struct record carried_sample(void)
{
	struct record r = sample();

	r.stream = (struct stream_key){STREAM_LOG, {UINT64_C(0x0123456789abcdef), 42}};
	r.carried = (struct carried){.method = STR("PUT"),
		.path = STR("unreal/{key}/"),
		.query = STR("UserID=x"),
		.headers = STR("Content-Type: application/x-thing\nX-A: b\n"),
		.was_encoded = true};
	return r;
}

/* The other half of the promise: version 3 stays what it is now. */
static void record_of_version_3_is_read(void **state)
{
	struct record want = carried_sample(), got;
	struct buf now = packed(&want);
	char bytes[1024];
	size_t n = read_stored("tests/data/records/version3.record", bytes, sizeof bytes);

	(void)state;
	assert_int_equal(record_unpack(str_make(bytes, n), &got, NULL), E_OK);
	assert_same_record(&want, &got);
	assert_int_equal(got.stream.kind, STREAM_LOG);
	assert_memory_equal(got.stream.hash, want.stream.hash, sizeof want.stream.hash);
	assert_same_str(got.carried.method, want.carried.method);
	assert_same_str(got.carried.path, want.carried.path);
	assert_same_str(got.carried.query, want.carried.query);
	assert_same_str(got.carried.headers, want.carried.headers);
	assert_true(got.carried.was_encoded);
	assert_int_equal(n, now.n);
	assert_memory_equal(bytes, now.p, n);
	buf_fini(&now);
}

static struct buf items_of(const struct record *r, int want_rc)
{
	struct buf out = BUF_INIT;

	assert_int_equal(record_items(r, &out, NULL), want_rc);
	return out;
}

/* However they are encoded, the items come out as they went in. */
static void items_are_decoded(void **state)
{
	struct record r = sample();
	struct str plain = r.items;
	struct codec_pool *codecs;
	struct buf zstd = BUF_INIT, body = BUF_INIT, gzip = BUF_INIT, out;

	(void)state;
	r.items_bytes = plain.n;
	assert_int_equal(codec_pool_new(&codecs, 1, NULL), E_OK);
	out = items_of(&r, E_OK);
	assert_same_str(buf_view(&out), plain);
	buf_fini(&out);

	assert_int_equal(codec_zstd(codecs, plain, &zstd, NULL), E_OK);
	r.encoding = RECORD_ZSTD;
	r.items = buf_view(&zstd);
	out = items_of(&r, E_OK);
	assert_same_str(buf_view(&out), plain);
	buf_fini(&out);

	buf_cstr(&body, "{\"sent_at\":\"2026-01-01T00:00:00Z\"}\n");
	buf_str(&body, plain);
	assert_int_equal(codec_gzip(codecs, buf_view(&body), &gzip, NULL), E_OK);
	r.encoding = RECORD_BODY;
	r.body_encoding = ENCODING_GZIP;
	r.items = buf_view(&gzip);
	out = items_of(&r, E_OK);
	assert_same_str(buf_view(&out), plain);
	buf_fini(&out);

	r.items_bytes--; /* not what was stored */
	out = items_of(&r, E_SYNTAX);
	buf_fini(&out);
	r.items = str_first(r.items, r.items.n / 2);
	out = items_of(&r, E_SYNTAX);
	buf_fini(&out);
	buf_fini(&zstd);
	buf_fini(&body);
	buf_fini(&gzip);
	codec_pool_free(codecs);
}

static void lane_is_the_same_everywhere(void **state)
{
	(void)state;
	assert_int_equal(record_lane(STR("")), UINT32_C(2166136261));
	assert_int_equal(record_lane(STR("a")), UINT32_C(0xe40c292c));
	assert_int_equal(record_lane(STR("foobar")), UINT32_C(0xbf9cf968));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(empty_record_is_a_record),
		cmocka_unit_test(records_are_appended),
		cmocka_unit_test(any_changed_bit_is_corrupt),
		cmocka_unit_test(any_cut_is_corrupt),
		cmocka_unit_test(newer_version_is_unsupported),
		cmocka_unit_test(peek_does_without_the_checksum_but_not_without_bounds),
		cmocka_unit_test(full_buffer_is_told),
		cmocka_unit_test(record_of_version_1_is_read),
		cmocka_unit_test(record_of_version_2_is_read),
		cmocka_unit_test(record_of_version_3_is_read),
		cmocka_unit_test(items_are_decoded),
		cmocka_unit_test(lane_is_the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
