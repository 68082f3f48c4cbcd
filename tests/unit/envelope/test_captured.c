#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "envelope/codec.h"
#include "unit/envelope/support.h"

#define CAPTURED_MAX (4u * 1024u * 1024u)

static struct buf read_file(const char *path)
{
	struct buf b = BUF_INIT;
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	do {
		char *to = buf_reserve(&b, 65536);

		assert_non_null(to);
		n = fread(to, 1, 65536, f);
		buf_grew(&b, n);
	} while (n > 0 && b.n < CAPTURED_MAX);
	assert_int_equal(ferror(f), 0);
	(void)fclose(f);
	return b;
}

static struct buf written(struct envelope *e)
{
	struct buf out = BUF_INIT;

	envelope_write_header(e, &out);
	buf_char(&out, '\n');
	envelope_write_items(e, &out);
	assert_true(buf_ok(&out));
	return out;
}

static void assert_same_items(const struct envelope *a, const struct envelope *b)
{
	assert_int_equal(a->item_count, b->item_count);
	for (size_t i = 0; i < a->item_count; i++) {
		assert_int_equal(a->items[i].type, b->items[i].type);
		assert_true(str_eq(a->items[i].payload, b->items[i].payload));
	}
	assert_true(a->has_event_id == b->has_event_id);
	assert_true(a->has_sent_at == b->has_sent_at);
	assert_true(a->sent_at_us == b->sent_at_us);
	assert_true(str_eq(a->dsn, b->dsn));
	assert_true(str_eq(a->trace_key, b->trace_key));
}

/* Written once, an envelope is normative: it is copied from then on, and holds
 * what it held. */
static void check_captured(const char *path)
{
	struct buf body = read_file(path), once, twice;
	struct envelope *e = parsed(buf_view(&body)), *again;
	struct quantities invalid, sum = {{0}};

	assert_true(e->item_count > 0);
	for (size_t i = 0; i < e->item_count; i++)
		assert_int_not_equal(e->items[i].type, ITEM_UNKNOWN);
	once = written(e);
	again = parsed(buf_view(&once));
	assert_same_items(e, again);
	twice = written(again);
	assert_true(str_eq(buf_view(&once), buf_view(&twice)));

	assert_int_equal(envelope_measure(e, &invalid, NULL), E_OK);
	if (!quantities_empty(&invalid))
		fail_msg("%s: something is invalid", path);
	for (size_t i = 0; i < e->item_count; i++)
		item_quantities(&e->items[i], &sum);
	assert_memory_equal(&sum, &e->held, sizeof sum);
	envelope_free(again);
	envelope_free(e);
	buf_fini(&twice);
	buf_fini(&once);
	buf_fini(&body);
}

static void find(const char *pattern, glob_t *found)
{
	assert_int_equal(glob(pattern, 0, NULL, found), 0);
}

static void what_sdks_send_is_read_and_written_again(void **state) /* P-036, P-050, P-052 */
{
	glob_t found;

	(void)state;
	find("tests/data/captured/*/*.envelope", &found);
	assert_true(found.gl_pathc >= 90);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_captured(found.gl_pathv[i]);
	globfree(&found);
}

/* Compact SDKs (the JavaScript ones) write what is normative but for the LF at
 * the end; those bodies must come out as they came. */
static void compact_envelopes_come_out_as_they_came(void **state)
{
	unsigned same = 0;
	glob_t found;

	(void)state;
	find("tests/data/captured/*/*.envelope", &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct buf body = read_file(found.gl_pathv[i]), out;
		struct envelope *e = parsed(buf_view(&body));
		bool normative = body.n > 0;

		for (size_t k = 0; k < e->item_count; k++)
			normative = normative && e->items[k].is_compact && e->items[k].length_n > 0;
		normative = normative && str_find_char(e->header_text, ' ') == e->header_text.n;
		if (body.p[body.n - 1] != '\n')
			buf_char(&body, '\n');
		out = written(e);
		if (normative && out.n == body.n) {
			assert_memory_equal(out.p, body.p, out.n);
			same++;
		}
		envelope_free(e);
		buf_fini(&out);
		buf_fini(&body);
	}
	print_message("%u of %zu are normative\n", same, found.gl_pathc);
	assert_true(same > 30);
	globfree(&found);
}

/* What the spool and the wire do with it: compress, put a header in front. */
static void splicing_a_header_in_front_gives_the_envelope(void **state) /* P-107 */
{
	struct codec_pool *pool;
	glob_t found;

	(void)state;
	assert_int_equal(codec_pool_new(&pool, 3, NULL), E_OK);
	find("tests/data/captured/*/*.envelope", &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct buf body = read_file(found.gl_pathv[i]), items = BUF_INIT, frame = BUF_INIT;
		struct buf head = BUF_INIT, wire = BUF_INIT, back = BUF_INIT;
		struct envelope *e = parsed(buf_view(&body)), *again;

		envelope_write_header(e, &head);
		buf_char(&head, '\n');
		envelope_write_items(e, &items);
		assert_int_equal(codec_zstd(pool, buf_view(&items), &frame, NULL), E_OK);
		assert_int_equal(
			codec_zstd_splice(buf_view(&head), buf_view(&frame), &wire, NULL), E_OK);
		assert_int_equal(
			decode_all(ENCODING_ZSTD, buf_view(&wire), CAPTURED_MAX, &back, NULL),
			E_OK);
		again = parsed(buf_view(&back));
		assert_same_items(e, again);
		envelope_free(again);
		envelope_free(e);
		buf_fini(&back);
		buf_fini(&wire);
		buf_fini(&head);
		buf_fini(&frame);
		buf_fini(&items);
		buf_fini(&body);
	}
	globfree(&found);
	codec_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_sdks_send_is_read_and_written_again),
		cmocka_unit_test(compact_envelopes_come_out_as_they_came),
		cmocka_unit_test(splicing_a_header_in_front_gives_the_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
