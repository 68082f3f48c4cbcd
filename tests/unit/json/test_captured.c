/* Every JSON line that real SDKs sent: read as jansson reads it, written byte
 * for byte, and rewritten around one edit (P-118). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"
#include "doc_util.h"

/* Adds a member at the end and takes it away again. */
static void edit_and_undo(struct fixture *f, struct str line)
{
	json_node root = json_root(f->d);

	assert_int_equal(json_set_raw(f->d, root, STR("picket\"test"), STR("[ 1 ]")), E_OK);
	buf_clear(&f->out);
	json_write(f->d, root, &f->out);
	assert_true(str_starts(buf_view(&f->out), str_first(line, line.n - 1)));
	assert_true(str_ends(buf_view(&f->out), STR("\"picket\\\"test\":[ 1 ]}")));
	assert_int_equal(json_remove(f->d, json_get(f->d, root, STR("picket\"test"))), E_OK);
	buf_clear(&f->out);
	json_write(f->d, root, &f->out);
	assert_true(str_eq(buf_view(&f->out), line));
}

static bool check_line(struct str line)
{
	json_t *j = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
	struct fixture f;

	if (j == NULL)
		return false;
	open_doc(&f, line);
	assert_true(same_as_jansson(f.d, json_root(f.d), j));
	json_write(f.d, json_root(f.d), &f.out);
	assert_true(str_eq(buf_view(&f.out), str_trim(line)));
	if (json_type_of(f.d, json_root(f.d)) == JSON_TYPE_OBJECT)
		edit_and_undo(&f, str_trim(line));
	close_doc(&f);
	json_decref(j);
	return true;
}

static void captured_lines_are_kept_byte_for_byte(void **state)
{
	size_t i, lines = 0;
	glob_t found;

	(void)state;
	assert_int_equal(glob("tests/data/captured/*/*", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++) {
		const size_t max = 1 << 20;
		char *bytes = malloc(max);
		FILE *file = fopen(found.gl_pathv[i], "rb");
		struct str rest, line;

		assert_non_null(file);
		assert_non_null(bytes);
		rest = str_make(bytes, fread(bytes, 1, max, file));
		while (str_cut(&rest, '\n', &line))
			lines += check_line(line);
		assert_int_equal(fclose(file), 0);
		free(bytes);
	}
	globfree(&found);
	assert_true(lines > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_lines_are_kept_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
