/* Crash dumps: what is told of them, and dumps that lie (pii.md 13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scrub/minidump.h"
#include "unit/scrub/support.h"

static void put(struct buf *b, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_char(b, (char)(v >> (8 * i)));
}

static void zeros(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_char(b, '\0');
}

static void set32(struct buf *b, size_t at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		b->p[at + i] = (char)(v >> (8 * i));
}

#define STREAMS   4
#define DIRECTORY 32
#define STACK_AT  (DIRECTORY + 12 * STREAMS)

/* The place of a stream's entry in the directory. */
static size_t entry(size_t i)
{
	return DIRECTORY + 12 * i;
}

static void stream(struct buf *b, size_t i, uint32_t type, size_t from)
{
	set32(b, entry(i), type);
	set32(b, entry(i) + 4, (uint32_t)(b->n - from));
	set32(b, entry(i) + 8, (uint32_t)from);
}

/* A stack of 8 bytes, 8 bytes of heap, an environment, one module twice. */
static void small_dump(struct buf *b)
{
	size_t name;
	size_t cv;
	size_t from;

	buf_cstr(b, "MDMP");
	put(b, 0xa793, 4);
	put(b, STREAMS, 4);
	put(b, DIRECTORY, 4);
	zeros(b, 16 + 12 * STREAMS);
	buf_cstr(b, "STACK---HEAP----A=b;"); /* at STACK_AT */
	set32(b, entry(0), 0x47670007);
	set32(b, entry(0) + 4, 3);
	set32(b, entry(0) + 8, STACK_AT + 16);
	name = b->n;
	put(b, 6, 4);
	buf_str(b, STR("/\0a\0b\0"));
	cv = b->n;
	buf_cstr(b, "RSDS");
	zeros(b, 20);
	buf_cstr(b, "/x.pdb");
	from = b->n;
	put(b, 1, 4);
	zeros(b, 24);
	put(b, 0x7000, 8);
	put(b, 8, 4);
	put(b, STACK_AT, 4);
	zeros(b, 8);
	stream(b, 1, 3, from);
	from = b->n;
	put(b, 2, 4);
	for (unsigned i = 0; i < 2; i++) {
		put(b, 0x7000 + 0x1000 * i, 8);
		put(b, 8, 4);
		put(b, STACK_AT + 8 * i, 4);
	}
	stream(b, 2, 5, from);
	from = b->n;
	put(b, 2, 4);
	for (unsigned i = 0; i < 2; i++) {
		zeros(b, 20);
		put(b, name, 4);
		zeros(b, 52);
		put(b, 30, 4);
		put(b, cv, 4);
		zeros(b, 24);
	}
	stream(b, 3, 4, from);
	assert_true(buf_ok(b));
}

static void each_part_is_told_once(void **state)
{
	static const struct {
		enum dump_part_kind kind;
		const char *text;
		size_t n;
	} want[] = {
		{DUMP_STACK, "STACK---", 8},
		{DUMP_HEAP, "HEAP----", 8},
		{DUMP_LINUX, "A=b", 3},
		{DUMP_CODE_NAME, "/\0a\0b\0", 6},
		{DUMP_DEBUG_NAME, "/x.pdb", 6},
	};
	struct arena *a = arena_new(0, 0);
	struct buf b = BUF_INIT;
	struct dump_parts parts;

	(void)state;
	small_dump(&b);
	assert_int_equal(minidump_parts(a, buf_view(&b), &parts), E_OK);
	assert_int_equal(parts.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(parts.list[i].kind, want[i].kind);
		assert_int_equal(parts.list[i].n, want[i].n);
		assert_memory_equal(b.p + parts.list[i].from, want[i].text, want[i].n);
	}
	buf_fini(&b);
	arena_free(a);
}

/* Cut anywhere: refused, or all parts inside of what is left. */
static void a_dump_that_ends_early_is_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	small_dump(&b);
	for (size_t n = 0; n < b.n; n++) {
		struct arena *a = arena_new(0, 0);
		char *cut = test_malloc(n + 1);
		struct dump_parts parts;

		memcpy(cut, b.p, n);
		assert_int_equal(minidump_parts(a, str_make(cut, n), &parts), E_SYNTAX);
		assert_int_equal(parts.n, 0);
		test_free(cut);
		arena_free(a);
	}
	buf_fini(&b);
}

static void lists_that_lie_are_refused(void **state)
{
	struct buf good = BUF_INIT;
	size_t threads;
	size_t memory;
	size_t modules;

	(void)state;
	small_dump(&good);
	modules = good.n - 4 - 2 * 108;
	memory = modules - 4 - 2 * 16;
	threads = memory - 4 - 48;
	for (size_t i = 0; i < 9; i++) {
		const struct {
			size_t at;
			uint32_t value;
		} lies[] = {
			{0, 0x504d444d ^ 1},          /* the signature */
			{8, 0xffffffff},              /* streams */
			{12, 0xfffffff0},             /* where the directory is */
			{threads, 0x40000000},        /* threads */
			{memory, 0x7fffffff},         /* regions */
			{memory + 4 + 8, 1 << 20},    /* a region's size */
			{modules, 1000},              /* modules */
			{modules + 4 + 20, 1u << 31}, /* a name's place */
			{entry(2), 6},                /* no memory at all */
		};
		struct arena *a = arena_new(0, 0);
		struct dump_parts parts;
		struct buf b = BUF_INIT;

		buf_str(&b, buf_view(&good));
		set32(&b, lies[i].at, lies[i].value);
		if (minidump_parts(a, buf_view(&b), &parts) != E_SYNTAX)
			fail_msg("lie %zu is believed", i);
		buf_fini(&b);
		arena_free(a);
	}
	buf_fini(&good);
}

/* Regions that all are the whole file would cost their number times its size. */
static void parts_are_not_more_work_than_the_file(void **state)
{
	struct arena *a = arena_new(0, 0);
	struct dump_parts parts;
	struct buf b = BUF_INIT;
	size_t from;

	(void)state;
	small_dump(&b);
	from = b.n;
	put(&b, 1000, 4);
	for (unsigned i = 0; i < 1000; i++) {
		put(&b, 0x7000, 8);
		put(&b, 16000 + i % 7, 4);
		put(&b, 0, 4);
	}
	stream(&b, 2, 5, from);
	assert_int_equal(minidump_parts(a, buf_view(&b), &parts), E_SYNTAX);
	buf_fini(&b);
	arena_free(a);
}

/* --- as an item ---------------------------------------------------------------- */

static struct scrubber *with(const char *selector, enum scrub_opaque opaque)
{
	struct arena *a = arena_new(0, 0);
	struct scrub_options o = {.attachments = true, .opaque = opaque};
	struct err err = {0};
	struct scrubber *s;

	o.rules = arena_printf(a, "{\"applications\":{\"%s\":[\"@anything:mask\"]}}", selector);
	if (scrubber_new(&s, &o, &err) != E_OK)
		fail_msg("%s", err.text);
	arena_free(a);
	return s;
}

struct sent {
	struct envelope *e;
	struct scrub_tally tally;
	int rc;
	struct err err;
};

static struct sent send(
	const char *selector, enum scrub_opaque opaque, const char *header, struct str payload)
{
	struct scrubber *s = with(selector, opaque);
	struct sent r = {.e = envelope_new()};
	struct quantities invalid = {{0}};
	struct buf body = BUF_INIT;

	buf_printf(&body, "{}\n%s\n", header);
	buf_str(&body, payload);
	assert_int_equal(
		envelope_parse(r.e, arena_dup(r.e->arena, buf_view(&body)), NULL, &r.err), E_OK);
	assert_int_equal(envelope_measure(r.e, &invalid, &r.err), E_OK);
	r.rc = scrub_envelope(s, r.e, &r.tally, &r.err);
	buf_fini(&body);
	scrubber_free(s);
	return r;
}

#define DUMP_ITEM                                                                                  \
	"{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\",\"filename\":\"a.dmp\"}"

static void a_damaged_dump_is_bytes_or_follows_the_setting(void **state)
{
	static const struct {
		const char *selector;
		enum scrub_opaque opaque;
		int rc;
		const char *left; /* NULL: dropped */
		unsigned passed;
	} cases[] = {
		{"$binary", OPAQUE_DROP, E_OK, "*******", 0},
		{"$attachments.'a.dmp'", OPAQUE_REFUSE, E_OK, "*******", 0},
		{"$stack_memory", OPAQUE_AUTO, E_OK, "MDMP no", 1},
		{"$stack_memory", OPAQUE_PASS, E_OK, "MDMP no", 1},
		{"$stack_memory", OPAQUE_DROP, E_OK, NULL, 0},
		{"code_file", OPAQUE_REFUSE, E_UNSUPPORTED, "MDMP no", 0},
		{"extra.a", OPAQUE_REFUSE, E_OK, "MDMP no", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sent r = send(cases[i].selector, cases[i].opaque, DUMP_ITEM, STR("MDMP no"));

		assert_int_equal(r.rc, cases[i].rc);
		assert_int_equal(r.tally.opaque, cases[i].passed);
		assert_int_equal(r.e->item_count, cases[i].left != NULL);
		if (cases[i].left != NULL)
			assert_true(str_eq(r.e->items[0].payload, str_of(cases[i].left)));
		if (r.rc != E_OK)
			assert_non_null(strstr(r.err.text, "opaque = refuse"));
		envelope_free(r.e);
	}
}

static void memory_is_overwritten_in_place(void **state) /* 68, 72 */
{
	struct buf b = BUF_INIT;
	struct sent r;

	(void)state;
	small_dump(&b);
	r = send("$heap_memory", OPAQUE_REFUSE, DUMP_ITEM, buf_view(&b));
	assert_int_equal(r.rc, E_OK);
	assert_int_equal(r.e->items[0].payload.n, b.n);
	memcpy(b.p + STACK_AT + 8, "********", 8);
	assert_true(str_eq(r.e->items[0].payload, buf_view(&b)));
	assert_int_equal(r.tally.values.replaced, 1);
	envelope_free(r.e);
	buf_fini(&b);
}

static void other_bytes_follow_the_setting(void **state)
{
	static const char *const items[] = {"{\"type\":\"unreal_report\"}",
		"{\"type\":\"replay_video\"}", "{\"type\":\"what_is_this\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		for (int o = OPAQUE_AUTO; o <= OPAQUE_REFUSE; o++) {
			struct sent r =
				send("extra.a", (enum scrub_opaque)o, items[i], STR("\x01\x02"));
			bool passes = o == OPAQUE_AUTO || o == OPAQUE_PASS;

			assert_int_equal(r.rc, o == OPAQUE_REFUSE ? E_UNSUPPORTED : E_OK);
			assert_int_equal(r.e->item_count, o != OPAQUE_DROP);
			assert_int_equal(r.tally.opaque, passes);
			assert_int_equal(r.tally.items_dropped, o == OPAQUE_DROP);
			envelope_free(r.e);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_part_is_told_once),
		cmocka_unit_test(a_dump_that_ends_early_is_refused),
		cmocka_unit_test(lists_that_lie_are_refused),
		cmocka_unit_test(parts_are_not_more_work_than_the_file),
		cmocka_unit_test(a_damaged_dump_is_bytes_or_follows_the_setting),
		cmocka_unit_test(memory_is_overwritten_in_place),
		cmocka_unit_test(other_bytes_follow_the_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
