#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <brotli/encode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/rng.h"
#include "envelope/codec.h"
#include "unit/envelope/support.h"

#define ONE_MIB (1024u * 1024u)

struct fixture {
	struct codec_pool *pool;
	struct rng rng;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	rng_seed(&f->rng, 11);
	assert_int_equal(codec_pool_new(&f->pool, 3, NULL), E_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	codec_pool_free(f->pool);
	free(f);
	return 0;
}

/* Text that compresses, with runs that do not. */
static struct str make_text(struct fixture *f, char *to, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t run = 1 + (size_t)rng_below(&f->rng, 400);
		bool noise = rng_below(&f->rng, 4) == 0;
		char c = (char)rng_next(&f->rng);

		for (; run > 0 && i < n; run--, i++)
			to[i] = noise ? (char)rng_next(&f->rng) : (char)(c + (char)(run % 7));
	}
	return str_make(to, n);
}

static void put_deflate(struct buf *out, struct str in, int window_bits)
{
	z_stream z;
	uLong bound;

	memset(&z, 0, sizeof z);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	bound = deflateBound(&z, in.n);
	z.next_in = (z_const Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = (Bytef *)buf_reserve(out, bound);
	z.avail_out = (uInt)bound;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_grew(out, bound - z.avail_out);
	(void)deflateEnd(&z);
}

static void put_brotli(struct buf *out, struct str in)
{
	size_t n = BrotliEncoderMaxCompressedSize(in.n) + 64;
	uint8_t *to = (uint8_t *)buf_reserve(out, n);

	assert_true(BrotliEncoderCompress(4, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, in.n,
		(const uint8_t *)in.p, &n, to));
	buf_grew(out, n);
}

static void encode(struct fixture *f, enum encoding e, struct str in, struct buf *out)
{
	switch (e) {
	case ENCODING_IDENTITY:
		buf_str(out, in);
		break;
	case ENCODING_GZIP:
		assert_int_equal(codec_gzip(f->pool, in, out, NULL), E_OK);
		break;
	case ENCODING_DEFLATE:
		put_deflate(out, in, 15);
		break;
	case ENCODING_BROTLI:
		put_brotli(out, in);
		break;
	case ENCODING_ZSTD:
		assert_int_equal(codec_zstd(f->pool, in, out, NULL), E_OK);
		break;
	}
}

static void assert_same(const struct buf *got, struct str want)
{
	assert_int_equal(got->n, want.n);
	if (want.n > 0)
		assert_memory_equal(got->p, want.p, want.n);
}

static void content_encodings_of_the_protocol(void **state) /* P-009 */
{
	static const struct {
		const char *value;
		enum encoding want;
	} known[] = {{"", ENCODING_IDENTITY}, {"identity", ENCODING_IDENTITY},
		{"UTF-8", ENCODING_IDENTITY}, {"GZIP", ENCODING_GZIP}, {" x-gzip ", ENCODING_GZIP},
		{"deflate", ENCODING_DEFLATE}, {"br", ENCODING_BROTLI}, {"Zstd", ENCODING_ZSTD}};
	static const char *const unknown[] = {"compress", "gzip, br", "gzip;q=1", "x"};
	enum encoding e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		assert_int_equal(encoding_parse(str_of(known[i].value), &e), E_OK);
		assert_int_equal(e, known[i].want);
	}
	for (size_t i = 0; i < COUNT_OF(unknown); i++)
		assert_int_equal(encoding_parse(str_of(unknown[i]), &e), E_UNSUPPORTED);
	assert_string_equal(encoding_name(ENCODING_BROTLI), "br");
}

static void all_encodings_give_the_same_bytes(void **state) /* P-008 */
{
	static const size_t sizes[] = {0, 1, 100, 32768, 32769, 200000, ONE_MIB};
	struct fixture *f = *state;
	char *text = malloc(ONE_MIB);

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct str in = make_text(f, text, sizes[i]);

		for (unsigned e = ENCODING_IDENTITY; e <= ENCODING_ZSTD; e++) {
			struct buf packed = BUF_INIT, out = BUF_INIT;

			encode(f, (enum encoding)e, in, &packed);
			assert_int_equal(
				decode_all((enum encoding)e, buf_view(&packed), in.n, &out, NULL),
				E_OK);
			assert_same(&out, in);
			buf_fini(&out);
			buf_fini(&packed);
		}
	}
	free(text);
}

static void feed_in_pieces(enum encoding e, struct str packed, size_t piece, struct str want)
{
	struct buf out = BUF_INIT;
	struct decoder *d;

	assert_int_equal(decoder_new(&d, e, want.n, NULL), E_OK);
	while (packed.n > 0) {
		struct str part = str_first(packed, piece);

		assert_int_equal(decoder_feed(d, part, &out, NULL), E_OK);
		packed = str_from(packed, part.n);
	}
	assert_int_equal(decoder_finish(d, NULL), E_OK);
	decoder_free(d);
	assert_same(&out, want);
	buf_fini(&out);
}

static void chunks_may_end_at_any_byte(void **state) /* P-012 */
{
	static const size_t pieces[] = {1, 2, 3, 7, 1000};
	struct fixture *f = *state;
	char text[5000];
	struct str in = make_text(f, text, sizeof text);

	for (unsigned e = ENCODING_IDENTITY; e <= ENCODING_ZSTD; e++) {
		struct buf packed = BUF_INIT;

		encode(f, (enum encoding)e, in, &packed);
		for (size_t i = 0; i < COUNT_OF(pieces); i++)
			feed_in_pieces((enum encoding)e, buf_view(&packed), pieces[i], in);
		buf_fini(&packed);
	}
}

static void raw_deflate_is_tolerated(void **state) /* 4.3 */
{
	struct fixture *f = *state;
	char text[3000];

	for (size_t n = 0; n < sizeof text; n = n * 2 + 1) {
		struct str in = make_text(f, text, n);
		struct buf packed = BUF_INIT;

		put_deflate(&packed, in, -15);
		feed_in_pieces(ENCODING_DEFLATE, buf_view(&packed), 1, in);
		feed_in_pieces(ENCODING_DEFLATE, buf_view(&packed), 4096, in);
		buf_fini(&packed);
	}
}

static void several_members_and_frames_are_one_body(void **state) /* 4.3 */
{
	static const enum encoding both[] = {ENCODING_GZIP, ENCODING_ZSTD};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(both); i++) {
		struct buf packed = BUF_INIT;

		encode(f, both[i], STR("one "), &packed);
		encode(f, both[i], STR(""), &packed);
		encode(f, both[i], STR("two"), &packed);
		feed_in_pieces(both[i], buf_view(&packed), 1, STR("one two"));
		feed_in_pieces(both[i], buf_view(&packed), 4096, STR("one two"));
		buf_fini(&packed);
	}
}

static void truncated_streams_are_syntax_errors(void **state) /* P-010 */
{
	struct fixture *f = *state;
	char text[2000];
	struct str in = make_text(f, text, sizeof text);

	for (unsigned e = ENCODING_GZIP; e <= ENCODING_ZSTD; e++) {
		struct buf packed = BUF_INIT;

		encode(f, (enum encoding)e, in, &packed);
		for (size_t n = 0; n < packed.n; n += 1 + n / 9) {
			struct buf out = BUF_INIT;
			struct err err = {0};

			assert_int_equal(decode_all((enum encoding)e, str_make(packed.p, n),
						 ONE_MIB, &out, &err),
				E_SYNTAX);
			assert_true(err.text[0] != '\0');
			buf_fini(&out);
		}
		buf_fini(&packed);
	}
}

static void bytes_after_the_end_are_syntax_errors(void **state)
{
	struct fixture *f = *state;

	for (unsigned e = ENCODING_GZIP; e <= ENCODING_ZSTD; e++) {
		struct buf packed = BUF_INIT, out = BUF_INIT;

		encode(f, (enum encoding)e, STR("text"), &packed);
		buf_cstr(&packed, "junk");
		assert_int_equal(
			decode_all((enum encoding)e, buf_view(&packed), 100, &out, NULL), E_SYNTAX);
		buf_fini(&out);
		buf_fini(&packed);
	}
}

static void garbage_is_a_syntax_error(void **state)
{
	struct fixture *f = *state;
	char junk[64];

	for (unsigned i = 0; i < 2000; i++) {
		struct buf out = BUF_INIT;
		unsigned e = 1 + (unsigned)rng_below(&f->rng, 4);
		size_t n = (size_t)rng_below(&f->rng, sizeof junk);

		for (size_t k = 0; k < n; k++)
			junk[k] = (char)rng_next(&f->rng);
		/* Raw deflate and brotli take some junk; none may go beyond the bound. */
		(void)decode_all((enum encoding)e, str_make(junk, n), 1000, &out, NULL);
		assert_true(out.n <= 1001);
		buf_fini(&out);
	}
}

static void bombs_stop_at_the_bound(void **state) /* P-011 */
{
	struct fixture *f = *state;
	size_t big = 64 * (size_t)ONE_MIB, bound = ONE_MIB;
	char *zeros = calloc(1, big);

	for (unsigned e = ENCODING_IDENTITY; e <= ENCODING_ZSTD; e++) {
		struct buf packed = BUF_INIT, out = BUF_INIT;

		encode(f, (enum encoding)e, str_make(zeros, big), &packed);
		assert_int_equal(decode_all((enum encoding)e, buf_view(&packed), bound, &out, NULL),
			E_TOOBIG);
		assert_true(out.n <= bound);
		assert_true(out.cap <= 2 * bound);
		buf_fini(&out);
		buf_fini(&packed);
	}
	free(zeros);
}

static void exactly_the_bound_is_not_too_big(void **state)
{
	struct fixture *f = *state;
	char text[100];
	struct str in = make_text(f, text, sizeof text);

	for (unsigned e = ENCODING_IDENTITY; e <= ENCODING_ZSTD; e++) {
		struct buf packed = BUF_INIT, out = BUF_INIT;

		encode(f, (enum encoding)e, in, &packed);
		assert_int_equal(
			decode_all((enum encoding)e, buf_view(&packed), 100, &out, NULL), E_OK);
		buf_clear(&out);
		assert_int_equal(
			decode_all((enum encoding)e, buf_view(&packed), 99, &out, NULL), E_TOOBIG);
		buf_fini(&out);
		buf_fini(&packed);
	}
}

static void full_output_is_no_memory(void **state)
{
	struct fixture *f = *state;
	struct buf packed = BUF_INIT, out;
	char text[4000];

	encode(f, ENCODING_ZSTD, make_text(f, text, sizeof text), &packed);
	buf_init(&out, 10);
	assert_int_equal(decode_all(ENCODING_ZSTD, buf_view(&packed), 5000, &out, NULL), E_NOMEM);
	buf_fini(&out);
	buf_init(&out, 10);
	assert_int_equal(codec_zstd(f->pool, str_make(text, 4000), &out, NULL), E_NOMEM);
	buf_fini(&out);
	buf_init(&out, 10);
	assert_int_equal(codec_gzip(f->pool, str_make(text, 4000), &out, NULL), E_NOMEM);
	buf_fini(&out);
	buf_fini(&packed);
}

static void spliced_frame_decodes_to_head_and_text(void **state)
{
	static const size_t edges[] = {0, 1, 2, 100, 131071, 131072, 131073, 262144, ONE_MIB};
	struct fixture *f = *state;
	char *text = malloc(2 * (size_t)ONE_MIB + 1), *back = malloc(2 * (size_t)ONE_MIB + 1);

	for (unsigned i = 0; i < 150; i++) {
		size_t head_n = i < COUNT_OF(edges) ? edges[i]
						    : (size_t)rng_below(&f->rng, ONE_MIB >> i % 12);
		size_t tail_n = i < 2 * COUNT_OF(edges)
					? edges[i % COUNT_OF(edges)]
					: (size_t)rng_below(&f->rng, ONE_MIB >> i % 10);
		struct str all = make_text(f, text, head_n + tail_n);
		struct buf frame = BUF_INIT, out = BUF_INIT;

		assert_int_equal(codec_zstd(f->pool, str_from(all, head_n), &frame, NULL), E_OK);
		assert_int_equal(
			codec_zstd_splice(str_first(all, head_n), buf_view(&frame), &out, NULL),
			E_OK);
		assert_int_equal(ZSTD_findFrameCompressedSize(out.p, out.n), out.n);
		assert_int_equal(ZSTD_decompress(back, all.n + 1, out.p, out.n), all.n);
		assert_memory_equal(back, all.p, all.n);
		/* Streaming decoders check the window, the other one does not. */
		feed_in_pieces(ENCODING_ZSTD, buf_view(&out), 50000, all);
		buf_fini(&out);
		buf_fini(&frame);
	}
	free(back);
	free(text);
}

static void splice_works_at_every_level(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(ONE_MIB);

	for (int level = -5; level <= 22; level += 3) {
		struct buf frame = BUF_INIT, out = BUF_INIT;
		struct str all = make_text(f, text, ONE_MIB / 2);
		struct codec_pool *p;

		assert_int_equal(codec_pool_new(&p, level, NULL), E_OK);
		assert_int_equal(codec_zstd(p, str_from(all, 777), &frame, NULL), E_OK);
		assert_int_equal(
			codec_zstd_splice(str_first(all, 777), buf_view(&frame), &out, NULL), E_OK);
		feed_in_pieces(ENCODING_ZSTD, buf_view(&out), 100000, all);
		buf_fini(&out);
		buf_fini(&frame);
		codec_pool_free(p);
	}
	free(text);
}

static void foreign_frames_are_not_spliced(void **state)
{
	struct fixture *f = *state;
	struct buf frame = BUF_INIT, out = BUF_INIT;
	char foreign[256];
	size_t n = ZSTD_compress(foreign, sizeof foreign, "some text", 9, 3);

	assert_false(ZSTD_isError(n));
	assert_int_equal(
		codec_zstd_splice(STR("h"), str_make(foreign, n), &out, NULL), E_UNSUPPORTED);
	assert_int_equal(codec_zstd_splice(STR("h"), STR("nope"), &out, NULL), E_SYNTAX);
	assert_int_equal(codec_zstd_splice(STR("h"), STR_EMPTY, &out, NULL), E_SYNTAX);
	encode(f, ENCODING_ZSTD, STR("some text"), &frame);
	assert_int_equal(
		codec_zstd_splice(STR("h"), str_make(frame.p, frame.n - 1), &out, NULL), E_SYNTAX);
	buf_cstr(&frame, "x");
	assert_int_equal(codec_zstd_splice(STR("h"), buf_view(&frame), &out, NULL), E_SYNTAX);
	assert_int_equal(out.n, 0);
	buf_fini(&frame);
}

static void pool_gives_contexts_back_after_trim(void **state)
{
	struct fixture *f = *state;
	struct buf a = BUF_INIT, b = BUF_INIT;

	encode(f, ENCODING_ZSTD, STR("same"), &a);
	codec_pool_trim(f->pool);
	codec_pool_trim(f->pool);
	encode(f, ENCODING_ZSTD, STR("same"), &b);
	assert_same(&a, buf_view(&b));
	buf_fini(&a);
	buf_fini(&b);
	codec_pool_free(NULL);
	decoder_free(NULL);
}

static void one_frame_is_told_from_several(void **state)
{
	struct str text = STR("some text, and some text again");
	struct codec_pool *codecs;
	struct buf gzip = BUF_INIT, zstd = BUF_INIT;

	(void)state;
	assert_int_equal(codec_pool_new(&codecs, 1, NULL), E_OK);
	assert_int_equal(codec_gzip(codecs, text, &gzip, NULL), E_OK);
	assert_int_equal(codec_zstd(codecs, text, &zstd, NULL), E_OK);
	assert_true(encoded_is_single(ENCODING_GZIP, buf_view(&gzip), text.n));
	assert_true(encoded_is_single(ENCODING_ZSTD, buf_view(&zstd), text.n));
	assert_false(encoded_is_single(ENCODING_DEFLATE, buf_view(&gzip), text.n));
	assert_false(encoded_is_single(ENCODING_GZIP, STR("short"), 5));
	assert_int_equal(codec_gzip(codecs, text, &gzip, NULL), E_OK);
	assert_int_equal(codec_zstd(codecs, text, &zstd, NULL), E_OK);
	assert_false(encoded_is_single(ENCODING_GZIP, buf_view(&gzip), text.n * 2));
	assert_false(encoded_is_single(ENCODING_ZSTD, buf_view(&zstd), text.n * 2));
	buf_fini(&gzip);
	buf_fini(&zstd);
	codec_pool_free(codecs);
}

static int refuse_above(void *arg, const struct buf *out, struct err *err)
{
	const size_t *most = arg;

	return out->cap <= *most ? E_OK : err_set(err, E_NOMEM, "enough");
}

static void growth_is_asked_for_before_it_is_filled(void **state)
{
	static const enum encoding all[] = {
		ENCODING_GZIP, ENCODING_DEFLATE, ENCODING_BROTLI, ENCODING_ZSTD};
	size_t n = (size_t)8 * 1024 * 1024, most = (size_t)256 * 1024;
	char *zeros = calloc(1, n);

	assert_non_null(zeros);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct buf packed = BUF_INIT, out = BUF_INIT;
		struct decoder *d;

		encode(*state, all[i], str_make(zeros, n), &packed);
		assert_int_equal(decoder_new(&d, all[i], n, NULL), E_OK);
		decoder_on_grown(d, refuse_above, &most);
		assert_int_equal(decoder_feed(d, buf_view(&packed), &out, NULL), E_NOMEM);
		assert_true(out.n > 0 && out.n <= most);
		decoder_free(d);
		buf_fini(&packed);
		buf_fini(&out);
	}
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_is_asked_for_before_it_is_filled),
		cmocka_unit_test(content_encodings_of_the_protocol),
		cmocka_unit_test(all_encodings_give_the_same_bytes),
		cmocka_unit_test(chunks_may_end_at_any_byte),
		cmocka_unit_test(raw_deflate_is_tolerated),
		cmocka_unit_test(several_members_and_frames_are_one_body),
		cmocka_unit_test(truncated_streams_are_syntax_errors),
		cmocka_unit_test(bytes_after_the_end_are_syntax_errors),
		cmocka_unit_test(garbage_is_a_syntax_error),
		cmocka_unit_test(bombs_stop_at_the_bound),
		cmocka_unit_test(exactly_the_bound_is_not_too_big),
		cmocka_unit_test(full_output_is_no_memory),
		cmocka_unit_test(spliced_frame_decodes_to_head_and_text),
		cmocka_unit_test(splice_works_at_every_level),
		cmocka_unit_test(foreign_frames_are_not_spliced),
		cmocka_unit_test(pool_gives_contexts_back_after_trim),
		cmocka_unit_test(one_frame_is_told_from_several),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
