/* Random documents and random edits, made here and through jansson: both must
 * end with the same document. Seeds are fixed; a failure names its own.
 *
 * Keys are unique within an object here, as jansson keeps only one of equal
 * ones; the fuzzer compares documents with duplicates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/rng.h"

#include "compare.h"
#include "doc_util.h"

#define DOCUMENTS 1500
#define EDITS     12

struct pair {
	uint64_t seed;
	struct rng r;
	struct arena *a;
	struct json_doc *d;
	json_t *j; /* the same document, edited by jansson */
};

/* --- random texts ---------------------------------------------------------- */

static void add_blanks(struct buf *b, struct rng *r)
{
	static const char *const blanks[] = {"", "", "", "", "", " ", "\n  ", "\t", " \r\n "};

	buf_cstr(b, blanks[rng_below(r, sizeof blanks / sizeof blanks[0])]);
}

static const char *random_scalar(struct rng *r)
{
	static const char *const scalars[] = {"null", "true", "false", "0", "-0", "-17",
		"9223372036854775807", "-9223372036854775808", "0.1", "1742921669.158209", "1E5",
		"-2.5e-3", "\"\"", "\"text\"", "\"a \\\"quoted\\\" one\"",
		"\"\\u00e9\\ud83d\\ude00\"", "\"[1,{},\\\\\"", "\"\xf0\x9f\x98\x80 \xc3\xa9\"",
		"\"x\\u0000y\"", "[]", "{}", "[ ]", "{\n}",
		"\"a long string of more than sixteen bytes, \\n with an escape\""};

	return scalars[rng_below(r, sizeof scalars / sizeof scalars[0])];
}

static void random_value(struct buf *b, struct rng *r, int depth)
{
	static const char *const keys[] = {
		"k", "\\u006b", "a key with blanks", "\\n\\\"", "\xc3\xa9"};
	uint64_t kind = rng_below(r, 10), members = rng_below(r, 6), i;

	if (depth == 0 || kind < 4) {
		buf_cstr(b, random_scalar(r));
		return;
	}
	buf_char(b, kind < 7 ? '{' : '[');
	add_blanks(b, r);
	for (i = 0; i < members; i++) {
		if (i > 0) {
			buf_char(b, ',');
			add_blanks(b, r);
		}
		if (kind < 7) {
			buf_printf(b, "\"%s%d\"", keys[rng_below(r, 5)], (int)i);
			add_blanks(b, r);
			buf_char(b, ':');
			add_blanks(b, r);
		}
		random_value(b, r, depth - 1);
		add_blanks(b, r);
	}
	buf_char(b, kind < 7 ? '}' : ']');
}

/* In arena memory, as an edit's text has to be. */
static struct str random_text(struct pair *p, int depth)
{
	struct buf b = BUF_INIT;
	struct str s;

	random_value(&b, &p->r, depth);
	s = arena_dup(p->a, buf_view(&b));
	buf_fini(&b);
	assert_non_null(s.p);
	return s;
}

static json_t *load(struct str text)
{
	json_t *j = json_loadb(text.p, text.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);

	if (j == NULL)
		fail_msg("jansson refuses %.*s", STR_ARG(text));
	return j;
}

/* --- places ---------------------------------------------------------------- */

/* The same random place on both sides: down from the root, at each step to a
 * child by its position. up and index tell where it hangs. */
struct place {
	json_node n;
	json_t *j;
	json_t *up;
	size_t index;
	const char *key;
};

static json_t *child_of(json_t *j, size_t index, const char **key)
{
	void *it;

	*key = NULL;
	if (json_is_array(j))
		return json_array_get(j, index);
	it = json_object_iter(j);
	while (index-- > 0)
		it = json_object_iter_next(j, it);
	*key = json_object_iter_key(it);
	return json_object_iter_value(it);
}

static struct place random_place(struct pair *p)
{
	struct place at = {json_root(p->d), p->j, NULL, 0, NULL};

	for (;;) {
		size_t count = json_count(p->d, at.n), i;

		assert_int_equal(count,
			json_is_array(at.j) ? json_array_size(at.j) : json_object_size(at.j));
		if (count == 0 || rng_below(&p->r, 3) == 0)
			return at;
		at.index = rng_below(&p->r, count);
		at.up = at.j;
		at.j = child_of(at.up, at.index, &at.key);
		at.n = json_first(p->d, at.n);
		for (i = 0; i < at.index; i++)
			at.n = json_next(p->d, at.n);
	}
}

/* --- edits, each on both sides --------------------------------------------- */

static void replace(struct pair *p, const struct place *at, struct str raw)
{
	assert_int_equal(json_replace_raw(p->d, at->n, raw), E_OK);
	if (at->up == NULL) {
		json_decref(p->j);
		p->j = load(raw);
	} else if (at->key != NULL) {
		assert_int_equal(json_object_set_new(at->up, at->key, load(raw)), 0);
	} else {
		assert_int_equal(json_array_set_new(at->up, at->index, load(raw)), 0);
	}
}

static void erase(struct pair *p, const struct place *at)
{
	assert_int_equal(json_remove(p->d, at->n), at->up != NULL ? E_OK : E_INVAL);
	if (at->up == NULL)
		return;
	if (at->key != NULL)
		assert_int_equal(json_object_del(at->up, at->key), 0);
	else
		assert_int_equal(json_array_remove(at->up, at->index), 0);
}

/* jansson cannot rename: all members are put into the object again. */
static void rename_key(struct pair *p, const struct place *at, const char *key)
{
	json_t *old;
	const char *k;
	json_t *v;
	size_t i = 0;

	if (at->key == NULL || json_object_get(at->up, key) != NULL)
		return;
	assert_int_equal(json_rename(p->d, at->n, str_of(key)), E_OK);
	old = json_copy(at->up);
	assert_int_equal(json_object_clear(at->up), 0); /* at->key is gone with it */
	json_object_foreach(old, k, v)
	{
		assert_int_equal(json_object_set(at->up, i++ == at->index ? key : k, v), 0);
	}
	json_decref(old);
}

static void insert(struct pair *p, const struct place *at, struct str raw)
{
	size_t size = json_array_size(at->j), index = rng_below(&p->r, size + 1);
	int64_t ours = (int64_t)index;

	if (index == size) {
		assert_int_equal(json_append_raw(p->d, at->n, raw), E_OK);
	} else {
		if (rng_below(&p->r, 2) == 0)
			ours -= (int64_t)size;
		assert_int_equal(json_insert_raw(p->d, at->n, ours, raw), E_OK);
	}
	assert_int_equal(json_array_insert_new(at->j, index, load(raw)), 0);
}

static void set(struct pair *p, const struct place *at, const char *key)
{
	static const struct str value = LIT("set \"\n\x01\xc3\xa9\xf0\x9f\x98\x80");
	struct str raw;

	if (rng_below(&p->r, 2) == 0) {
		assert_int_equal(json_set_string(p->d, at->n, str_of(key), value), E_OK);
		assert_int_equal(
			json_object_set_new(at->j, key, json_stringn(value.p, value.n)), 0);
		return;
	}
	raw = random_text(p, 2);
	assert_int_equal(json_set_raw(p->d, at->n, str_of(key), raw), E_OK);
	assert_int_equal(json_object_set_new(at->j, key, load(raw)), 0);
}

static void random_edit(struct pair *p)
{
	static const char *const keys[] = {"k0", "k1", "new", "new\n\"", "\xc3\xa9\x32", "\\u006b"};
	const char *key = keys[rng_below(&p->r, sizeof keys / sizeof keys[0])];
	struct place at = random_place(p);
	char renamed[24];

	switch (rng_below(&p->r, 6)) {
	case 0:
		replace(p, &at, random_text(p, 2));
		break;
	case 1:
	case 2:
		erase(p, &at);
		break;
	case 3:
		(void)snprintf(renamed, sizeof renamed, "r\t%llu",
			(unsigned long long)rng_below(&p->r, 4));
		rename_key(p, &at, renamed);
		break;
	default:
		if (json_is_object(at.j))
			set(p, &at, key);
		else if (json_is_array(at.j))
			insert(p, &at, random_text(p, 1));
		break;
	}
}

/* --- laws ------------------------------------------------------------------ */

/* What is written is one value, and jansson reads from it what it has itself,
 * in the same order. */
static void expect_same(struct pair *p, bool compact)
{
	struct buf out = BUF_INIT, again = BUF_INIT;
	struct json_doc *e = NULL;
	char *mine, *theirs;
	json_t *j;

	if (compact)
		json_write_compact(p->d, json_root(p->d), &out);
	else
		json_write(p->d, json_root(p->d), &out);
	assert_true(buf_ok(&out));
	j = load(buf_view(&out));
	mine = json_dumps(j, JSON_ENCODE_ANY);
	theirs = json_dumps(p->j, JSON_ENCODE_ANY);
	if (strcmp(mine, theirs) != 0)
		fail_msg("seed %llu:\n%s\n%s", (unsigned long long)p->seed, mine, theirs);
	assert_int_equal(json_parse(&e, p->a, buf_view(&out), NULL, NULL), E_OK);
	assert_true(same_documents(p->d, e));
	json_write(e, json_root(e), &again);
	assert_true(str_eq(buf_view(&again), buf_view(&out)));
	buf_clear(&again);
	if (compact) { /* what is compact already stays as it is */
		json_write_compact(e, json_root(e), &again);
		assert_true(str_eq(buf_view(&again), buf_view(&out)));
	}
	free(mine);
	free(theirs);
	json_decref(j);
	buf_fini(&out);
	buf_fini(&again);
}

static void open_pair(struct pair *p, uint64_t seed, struct str *text)
{
	p->seed = seed;
	rng_seed(&p->r, seed);
	p->a = arena_new(0, 0);
	assert_non_null(p->a);
	*text = random_text(p, 5);
	assert_int_equal(json_parse(&p->d, p->a, *text, NULL, NULL), E_OK);
	p->j = load(*text);
}

static void close_pair(struct pair *p)
{
	json_decref(p->j);
	arena_free(p->a);
}

static void random_documents_are_what_jansson_reads_and_write_back(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= DOCUMENTS; seed++) {
		struct buf out = BUF_INIT;
		struct pair p;
		struct str text;

		open_pair(&p, seed, &text);
		if (!same_as_jansson(p.d, json_root(p.d), p.j))
			fail_msg("seed %llu: %.*s", (unsigned long long)seed, STR_ARG(text));
		json_write(p.d, json_root(p.d), &out);
		assert_true(str_eq(buf_view(&out), text));
		expect_same(&p, true);
		buf_fini(&out);
		close_pair(&p);
	}
}

static void random_edits_end_where_jansson_ends(void **state)
{
	uint64_t seed;
	int i;

	(void)state;
	for (seed = 1; seed <= DOCUMENTS; seed++) {
		struct pair p;
		struct str text;

		open_pair(&p, seed * 7919, &text);
		for (i = 0; i < EDITS; i++) {
			random_edit(&p);
			expect_same(&p, i % 4 == 3);
			assert_true(same_as_jansson(p.d, json_root(p.d), p.j));
		}
		close_pair(&p);
	}
}

/* Ranges that no edit touched are in the output as they were. */
static void clean_siblings_are_copied_verbatim(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= DOCUMENTS; seed++) {
		struct buf text = BUF_INIT, want = BUF_INIT, out = BUF_INIT;
		struct arena *a = arena_new(0, 0);
		struct json_doc *d = NULL;
		struct rng r;
		size_t cut;

		rng_seed(&r, seed);
		buf_cstr(&text, "[ ");
		random_value(&text, &r, 4);
		buf_cstr(&text, " ,\t");
		cut = text.n;
		buf_cstr(&text, "0\n, ");
		random_value(&text, &r, 4);
		buf_cstr(&text, " ]");
		assert_int_equal(json_parse(&d, a, buf_view(&text), NULL, NULL), E_OK);
		assert_int_equal(
			json_replace_raw(d, json_at(d, json_root(d), 1), STR("\"x\"")), E_OK);
		json_write(d, json_root(d), &out);
		buf_add(&want, text.p, cut);
		buf_cstr(&want, "\"x\"");
		buf_add(&want, text.p + cut + 1, text.n - cut - 1);
		assert_true(str_eq(buf_view(&out), buf_view(&want)));
		arena_free(a);
		buf_fini(&text);
		buf_fini(&want);
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_documents_are_what_jansson_reads_and_write_back),
		cmocka_unit_test(random_edits_end_where_jansson_ends),
		cmocka_unit_test(clean_siblings_are_copied_verbatim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
