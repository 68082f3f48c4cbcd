/* Differential fuzzing of the lossless document.
 *
 * Input: one byte that is the length of a script, the script, the text.
 *
 *   - what jansson accepts we accept, with the same values
 *   - what we accept and jansson refuses has one of the known reasons
 *   - an untouched document is written byte for byte
 *   - after each edit of the script the text is one we read back as the same
 *     document, and compact writing says the same
 */
#include <stdlib.h>

#include "unit/json/compare.h"

/* clang-format off */
#define LIT(lit) {(lit), sizeof(lit) - 1}
/* clang-format on */
#define must(cond) ((cond) ? (void)0 : abort())

static void verbatim(struct json_doc *d, struct str text)
{
	struct buf out = BUF_INIT;

	json_write(d, json_root(d), &out);
	must(buf_ok(&out) && str_eq(buf_view(&out), str_trim(text)));
	buf_fini(&out);
}

/* No byte, escape, number or depth that jansson is known to refuse. */
static bool is_ordinary(struct str text)
{
	size_t i, digits = 0, depth = 0;

	for (i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool digit = c >= '0' && c <= '9';

		if ((unsigned char)c < 0x20)
			return false;
		if (c == '\\' && i + 1 < text.n && text.p[i + 1] == 'u')
			return false;
		if (digits > 0 && (c == 'e' || c == 'E'))
			return false;
		digits = digit ? digits + 1 : 0;
		depth += c == '[' || c == '{';
		if (digits > 17 || depth > 2000)
			return false;
	}
	return str_is_utf8(text);
}

/* True when we accept the text. Raw NUL bytes are left out of the comparison:
 * jansson 2.14 overlooks one that follows a number. */
static bool compare(struct str text, struct json_doc *d)
{
	json_t *j = NULL;

	if (str_find_char(text, '\0') < text.n)
		return d != NULL;
	j = json_loadb(text.p, text.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
	if (d == NULL)
		must(j == NULL);
	else if (j != NULL)
		must(same_as_jansson(d, json_root(d), j));
	else
		must(!is_ordinary(text));
	json_decref(j);
	return d != NULL;
}

static void first_value(struct str text, bool whole)
{
	struct arena *a = arena_new(0, 0);
	struct json_doc *d = NULL, *e = NULL;
	struct json_limits few = {4, 9, 0};
	struct err err;
	size_t used = 0;
	int rc;

	must(a != NULL);
	rc = json_parse_first(&d, a, text, NULL, &used, NULL);
	must(!whole || rc == E_OK);
	if (rc == E_OK) {
		must(used <= text.n && used > 0);
		verbatim(d, str_first(text, used));
		must(json_parse(&e, a, str_first(text, used), NULL, NULL) == E_OK);
	}
	rc = json_parse(&e, a, text, &few, &err);
	must(rc == E_OK || (err.code == rc && err.text[0] != '\0'));
	must(rc != E_OK || whole);
	arena_free(a);
}

/* After an edit: what is written is what the document says it is. */
static void written_is_read(struct json_doc *d)
{
	struct arena *a = arena_new(0, 0);
	struct buf out = BUF_INIT, compact = BUF_INIT;
	struct json_doc *e = NULL, *c = NULL;

	must(a != NULL);
	json_write(d, json_root(d), &out);
	json_write_compact(d, json_root(d), &compact);
	must(json_parse(&e, a, buf_view(&out), NULL, NULL) == E_OK);
	must(json_parse(&c, a, buf_view(&compact), NULL, NULL) == E_OK);
	must(same_documents(d, e) && same_documents(d, c));
	must(compact.n <= out.n);
	buf_fini(&out);
	buf_fini(&compact);
	arena_free(a);
}

static json_node pick(const struct json_doc *d, struct str *script)
{
	json_node n = json_root(d);

	while (script->n > 0) {
		unsigned char step = (unsigned char)*script->p;
		json_node c = json_first(d, n);

		*script = str_from(*script, 1);
		if (c == JSON_NONE || step >= 0xc0)
			break;
		for (step %= 8; step > 0 && json_next(d, c) != JSON_NONE; step--)
			c = json_next(d, c);
		n = c;
	}
	return n;
}

static void edit(struct json_doc *d, unsigned op, json_node n)
{
	static const struct str raws[] = {LIT("1"), LIT("\"\\ud800\""), LIT(" [ 1 , {\"k\": 2} ] "),
		LIT("{\"a\":[],\"k\":{}}"), LIT("{}"), LIT("[]"), LIT("1e400"), LIT("[[0],[0]]")};
	static const struct str keys[] = {LIT("k"), LIT("a"), LIT("a\"\xed\xa0\x80\0"), LIT("")};
	struct str raw = raws[op / 8 % 8], key = keys[op / 64];

	switch (op % 8) {
	case 0:
		(void)json_replace_raw(d, n, raw);
		break;
	case 1:
		(void)json_remove(d, n);
		break;
	case 2:
		(void)json_set_raw(d, n, key, raw);
		(void)json_append_raw(d, n, raw);
		break;
	case 3:
		(void)json_set_string(d, n, key, key);
		(void)json_insert_raw(d, n, 0, raw);
		break;
	case 4:
		(void)json_rename(d, n, key);
		break;
	case 5:
		(void)json_insert_raw(d, n, -1, raw);
		(void)json_set_string(d, n, json_key(d, json_first(d, n)), json_text(d, n));
		break;
	case 6:
		if (json_text(d, n).p != NULL)
			(void)json_replace_string(d, n, json_text(d, n));
		break;
	default:
		/* no text: refused, without a trace */
		must(json_replace_raw(d, n, STR("[1,")) == E_INVAL);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_make((const char *)data, size), script, text;
	struct json_doc *d = NULL;
	struct arena *a;

	if (size < 2 || size > 8192)
		return 0;
	script = str_first(str_from(input, 1), data[0] % 32);
	text = str_from(input, 1 + script.n);
	a = arena_new(0, 0);
	must(a != NULL);
	if (json_parse(&d, a, text, NULL, NULL) != E_OK)
		d = NULL;
	first_value(text, compare(text, d));
	if (d != NULL) {
		verbatim(d, text);
		while (script.n > 0) {
			unsigned op = (unsigned char)*script.p;

			script = str_from(script, 1);
			edit(d, op, pick(d, &script));
			written_is_read(d);
		}
	}
	arena_free(a);
	return 0;
}
