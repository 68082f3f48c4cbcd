/* The manual page names every virtual field and action, and no other. Run at the
 * top of the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/buf.h"
#include "rules/action.h"
#include "rules/virtual.h"

static struct buf page_read(void)
{
	struct buf b = BUF_INIT;
	char block[4096];
	FILE *f = fopen("man/picket-rules.5", "r");
	size_t n;

	assert_non_null(f);
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		buf_add(&b, block, n);
	(void)fclose(f);
	assert_true(buf_ok(&b));
	return b;
}

static struct str section_of(const struct buf *page, const char *title)
{
	struct str s = buf_view(page);

	s = str_from(s, str_find(s, str_of(title)) + 1);
	assert_true(s.n > 1);
	return str_first(s, str_find(s, STR("\n.S")));
}

/* The next ".It macro WORD" in *rest. */
static bool next_entry(struct str *rest, const char *macro, struct str *word)
{
	struct str line;

	while (str_cut(rest, '\n', &line)) {
		if (!str_starts(line, str_of(macro)))
			continue;
		line = str_from(line, strlen(macro));
		*word = str_first(line, str_find_char(line, ' '));
		return true;
	}
	return false;
}

static void virtual_fields_are_those_of_the_code(void **state)
{
	struct buf page = page_read();
	struct str rest = section_of(&page, "\n.Ss Values"), word;
	unsigned v = VIRTUAL_NONE;

	(void)state;
	while (next_entry(&rest, ".It Li ", &word)) {
		v++;
		assert_true(v < VIRTUAL_COUNT);
		if (!str_eq(word, str_of(virtual_name((enum rule_virtual)v))))
			fail_msg("%.*s", STR_ARG(word));
	}
	assert_int_equal(v, VIRTUAL_COUNT - 1);
	buf_fini(&page);
}

static void actions_are_those_of_the_code(void **state)
{
	struct buf page = page_read();
	struct str rest = section_of(&page, "\n.Ss Actions"), word;
	bool seen[ACTION_KIND_COUNT] = {false};
	unsigned n = 0;

	(void)state;
	while (next_entry(&rest, ".It Cm ", &word)) {
		unsigned k = 0;

		while (k < ACTION_KIND_COUNT &&
			!str_eq(word, str_of(action_name((enum action_kind)k))))
			k++;
		if (k == ACTION_KIND_COUNT || seen[k])
			fail_msg("%.*s", STR_ARG(word));
		seen[k] = true;
		n++;
	}
	assert_int_equal(n, ACTION_KIND_COUNT);
	buf_fini(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_fields_are_those_of_the_code),
		cmocka_unit_test(actions_are_those_of_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
