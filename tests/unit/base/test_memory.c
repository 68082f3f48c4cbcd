#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/memory.h"

static void pieces_are_aligned_and_apart(void **state)
{
	struct arena *a = arena_new(64, 0);
	char *before = NULL;

	(void)state;
	assert_non_null(a);
	for (size_t n = 0; n < 300; n++) {
		char *p = arena_alloc(a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_ptr_not_equal(p, before);
		memset(p, 0x5a, n);
		before = p;
	}
	arena_free(a);
}

static void the_limit_is_met_and_never_passed(void **state)
{
	struct arena *a = arena_new(1024, 10000);
	size_t got = 0;

	(void)state;
	while (arena_alloc(a, 100) != NULL)
		got += 112;
	assert_true(got <= 10000);
	assert_true(got > 8000);
	assert_true(arena_bytes(a) <= 10000);
	assert_null(arena_alloc(a, 5000));
	arena_free(a);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct arena *a = arena_new(0, 0);

	(void)state;
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX - 15));
	assert_null(arena_calloc(a, SIZE_MAX / 2, 3));
	assert_null(arena_cstr(a, str_make("x", SIZE_MAX)));
	arena_free(a);
	arena_free(NULL);
}

static void a_large_piece_keeps_the_chunk_in_use(void **state)
{
	struct arena *a = arena_new(1024, 0);
	size_t before;

	(void)state;
	assert_non_null(arena_alloc(a, 16));
	assert_non_null(arena_alloc(a, 1 << 20));
	before = arena_bytes(a);
	assert_non_null(arena_alloc(a, 16));
	assert_int_equal(arena_bytes(a), before);
	arena_free(a);
}

static void text_is_copied_and_formatted(void **state)
{
	struct arena *a = arena_new(0, 0);
	struct str s = arena_dup(a, STR("a\0b"));

	(void)state;
	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 4);
	s = arena_printf(a, "%s-%d", "x", 7);
	assert_string_equal(s.p, "x-7");
	assert_int_equal(s.n, 3);
	arena_free(a);
}

static void a_failed_buffer_stays_failed(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_cstr(&b, "12345");
	assert_true(buf_ok(&b));
	buf_cstr(&b, "6789");
	assert_false(buf_ok(&b));
	buf_cstr(&b, "x");
	assert_int_equal(b.n, 5);
	buf_clear(&b);
	assert_true(buf_ok(&b));
	buf_cstr(&b, "12345678");
	assert_true(buf_ok(&b));
	buf_fini(&b);
}

static void json_strings_are_escaped(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_json_str(&b, STR("a\"b\\c\n\x01\x7f \xc3\xa9 \xff \xe2\x82"));
	assert_true(str_eq(buf_view(&b), STR("\"a\\\"b\\\\c\\n\\u0001\x7f \xc3\xa9 \xef\xbf\xbd "
					     "\xef\xbf\xbd\xef\xbf\xbd\"")));
	buf_clear(&b);
	buf_json_str(&b, STR_EMPTY);
	assert_true(str_eq(buf_view(&b), STR("\"\"")));
	buf_fini(&b);
}

static void bytes_are_consumed_and_taken(void **state)
{
	struct buf b = BUF_INIT;
	size_t n;
	char *p;

	(void)state;
	buf_printf(&b, "%d bottles", 99);
	buf_consume(&b, 3);
	assert_true(str_eq(buf_view(&b), STR("bottles")));
	p = buf_take(&b, &n);
	assert_int_equal(n, 7);
	assert_null(b.p);
	free(p);
	buf_consume(&b, 5);
	assert_int_equal(b.n, 0);
}

/* mallinfo2() takes cached pieces for pieces in use; it knows nothing of the
 * allocators of sanitizers and says 0 there. */
static void cached_pieces_are_given_back(void **state)
{
	void *pieces[7];
	size_t before, cached = 0;

	(void)state;
	for (size_t size = 24; size <= 1032; size += 16) {
		for (size_t i = 0; i < 7; i++)
			assert_non_null(pieces[i] = malloc(size));
		for (size_t i = 0; i < 7; i++)
			free(pieces[i]);
		cached += 7 * size;
	}
	before = mallinfo2().uordblks;
	memory_drop_cached();
	assert_true(mallinfo2().uordblks <= (before > cached ? before - cached : 0));
}

/* Is the page in this process's memory? */
static bool is_mapped(const void *p)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(
		pread(fd, &entry, sizeof entry, (off_t)((uintptr_t)p / 4096 * sizeof entry)),
		sizeof entry);
	assert_int_equal(close(fd), 0);
	return (entry >> 63 & 1) != 0;
}

/* A page of this program, mapped once more as code is. */
static char *map_code(bool changed)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	assert_true(fd >= 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(p[1], 'E');
	if (changed)
		p[1] = 'X';
	assert_int_equal(mprotect(p, 4096, PROT_READ | PROT_EXEC), 0);
	assert_int_equal(close(fd), 0);
	return p;
}

static void code_goes_and_comes_back_unless_somebody_changed_it(void **state)
{
	volatile char *same = map_code(false);
	volatile char *changed;

	(void)state;
	assert_int_equal(same[2], 'L');
	assert_true(is_mapped((char *)same));
	assert_true(memory_drop_code() >= 4096);
	assert_false(is_mapped((char *)same));
	assert_int_equal(same[2], 'L');
	assert_true(is_mapped((char *)same));
	changed = map_code(true); /* as a debugger or a probe does it */
	(void)memory_drop_code();
	assert_true(is_mapped((char *)changed));
	assert_int_equal(changed[1], 'X');
	assert_int_equal(munmap((char *)same, 4096), 0);
	assert_int_equal(munmap((char *)changed, 4096), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(the_limit_is_met_and_never_passed),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(a_large_piece_keeps_the_chunk_in_use),
		cmocka_unit_test(text_is_copied_and_formatted),
		cmocka_unit_test(a_failed_buffer_stays_failed),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(bytes_are_consumed_and_taken),
		cmocka_unit_test(cached_pieces_are_given_back),
		cmocka_unit_test(code_goes_and_comes_back_unless_somebody_changed_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
