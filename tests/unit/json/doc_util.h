/* doc_util.h - short words for the tests of documents. */
#ifndef PICKET_TESTS_DOC_UTIL_H
#define PICKET_TESTS_DOC_UTIL_H

#include "json/json.h"

/* A struct str in a static table, where STR() is not constant enough. */
/* clang-format off */
#define LIT(lit) {(lit), sizeof(lit) - 1}
/* clang-format on */

struct fixture {
	struct arena *a;
	struct json_doc *d;
	struct buf out;
};

static inline void open_doc(struct fixture *f, struct str text)
{
	f->a = arena_new(0, 0);
	f->out = BUF_INIT;
	assert_non_null(f->a);
	assert_int_equal(json_parse(&f->d, f->a, text, NULL, NULL), E_OK);
}

static inline void close_doc(struct fixture *f)
{
	buf_fini(&f->out);
	arena_free(f->a);
}

static inline json_node at(struct fixture *f, const char *path)
{
	return json_find(f->d, json_root(f->d), path);
}

static inline void expect_node(struct fixture *f, json_node n, bool compact, const char *want)
{
	buf_clear(&f->out);
	if (compact)
		json_write_compact(f->d, n, &f->out);
	else
		json_write(f->d, n, &f->out);
	assert_true(buf_ok(&f->out));
	buf_char(&f->out, '\0');
	assert_string_equal(f->out.p, want);
}

static inline void expect(struct fixture *f, const char *want)
{
	expect_node(f, json_root(f->d), false, want);
}

#endif
