/* Header lines of the usual shape are read a shorter way (parse.c). A blank
 * after the opening bracket changes nothing but that they go the long one: both
 * must come to the same end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "envelope/header.h"
#include "unit/envelope/support.h"

static void plain_is_what_a_look_at_each_byte_says(void **state)
{
	char text[40];

	(void)state;
	for (size_t n = 0; n <= sizeof text; n++) {
		for (size_t at = 0; at < n; at++) {
			memset(text, at % 2 == 0 ? 0x21 : 0x7f, n);
			assert_true(header_is_plain(str_make(text, n)));
			for (unsigned c = 0; c < 256; c++) {
				text[at] = (char)c;
				assert_int_equal(
					header_is_plain(str_make(text, n)), c >= 0x21 && c <= 0x7f);
			}
		}
	}
	assert_true(header_is_plain(STR_EMPTY));
}

/* A blank after the bracket that opens the first line, and the second: those of
 * the headers. Payloads come later and stay as they are. */
static void with_blanks(const char *text, size_t text_n, char *out, size_t *n)
{
	unsigned lines = 0;

	*n = 0;
	for (size_t i = 0; i < text_n; i++) {
		out[(*n)++] = text[i];
		if (text[i] == '{' && lines < 2 && (i == 0 || text[i - 1] == '\n'))
			out[(*n)++] = ' ';
		lines += text[i] == '\n';
	}
}

static void same_header(struct str plain, struct str blanks)
{
	if (plain.n + 1 == blanks.n && blanks.p[1] == ' ')
		assert_memory_equal(plain.p + 1, blanks.p + 2, plain.n - 1);
	else
		assert_true(str_eq(plain, blanks));
}

static void same_envelope(const struct envelope *a, const struct envelope *b)
{
	same_header(a->header_text, b->header_text);
	assert_int_equal(a->has_event_id, b->has_event_id);
	if (a->has_event_id)
		assert_true(event_id_eq(&a->event_id, &b->event_id));
	assert_int_equal(a->has_sent_at, b->has_sent_at);
	assert_int_equal(a->sent_at_us, b->sent_at_us);
	assert_true(str_eq(a->dsn, b->dsn));
	assert_true(str_eq(a->trace_key, b->trace_key));
	assert_int_equal(a->item_count, b->item_count);
	for (size_t i = 0; i < a->item_count; i++) {
		const struct item *x = &a->items[i], *y = &b->items[i];

		same_header(x->header_text, y->header_text);
		assert_int_equal(x->type, y->type);
		assert_true(str_eq(x->type_name, y->type_name));
		assert_true(str_eq(x->payload, y->payload));
		assert_int_equal(x->declared, y->declared);
		assert_int_equal(x->length_n, y->length_n);
		assert_true(x->is_compact || !y->is_compact);
	}
}

/* Both ways of reading one text. */
static void compare(const char *text, size_t text_n)
{
	char blanks[1024];
	size_t n;
	struct envelope *a = envelope_new(), *b = envelope_new();
	struct err err_a = {0}, err_b = {0};
	int rc;

	assert_non_null(a);
	assert_non_null(b);
	with_blanks(text, text_n, blanks, &n);
	rc = envelope_parse(a, str_make(text, text_n), NULL, &err_a);
	if (envelope_parse(b, str_make(blanks, n), NULL, &err_b) != rc)
		fail_msg("%.*s: %s, with blanks %s", (int)text_n, text, err_a.text, err_b.text);
	if (rc == E_OK)
		same_envelope(a, b);
	envelope_free(a);
	envelope_free(b);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* One byte more, one less, or another one. */
static void mutate(char *text, size_t *n, uint32_t *seed)
{
	static const char bytes[] = "{}[]\":,\\u0129eE+-.ntf/abZ \n\t\x01\x7f\xc3\xa9";
	size_t at = next_random(seed) % *n;
	char c = bytes[next_random(seed) % (sizeof bytes - 1)];

	switch (next_random(seed) % 3) {
	case 0:
		memmove(text + at + 1, text + at, *n - at);
		text[at] = c;
		++*n;
		break;
	case 1:
		memmove(text + at, text + at + 1, *n - at - 1);
		--*n;
		break;
	default:
		text[at] = c;
		break;
	}
}

static void both_ways_of_reading_agree(void **state) /* P-030, P-048 */
{
	static const char *const texts[] = {
		"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\",\"sent_at\":"
		"\"2026-01-02T03:04:05.678Z\"}\n{\"type\":\"event\",\"length\":2}\n{}\n",
		"{}\n{\"type\":\"attachment\",\"filename\":\"a.txt\"}\nabc\n{\"type\":\"x\"}\n",
		"{\"dsn\":\"https://k@h/1\",\"trace\":{\"public_key\":\"k\",\"sample_rate\":"
		"\"0.5\"}}\n{\"type\":\"log\",\"item_count\":3,\"content_type\":"
		"\"application/vnd.sentry.items.log+json\"}\n{}",
		"{\"sdk\":{\"name\":\"a\\u0020b\",\"packages\":[1,-2.5e3,null,true]}}\n",
	};
	uint32_t seed = 2463534242;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		compare(texts[i], strlen(texts[i]));
	for (unsigned round = 0; round < 40000; round++) {
		const char *from = texts[round % COUNT_OF(texts)];
		char text[512];
		size_t n = strlen(from);

		memcpy(text, from, n);
		for (unsigned k = 1 + next_random(&seed) % 3; k > 0; k--)
			mutate(text, &n, &seed);
		compare(text, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_is_what_a_look_at_each_byte_says),
		cmocka_unit_test(both_ways_of_reading_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
