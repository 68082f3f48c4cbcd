/* A selector that is read prints as one that prints the same. */
#include <stdlib.h>

#include "scrub/selector.h"

#define must(cond) ((cond) ? (void)0 : abort())

static void compare(const struct selector *s, struct str text)
{
	struct selector *again;
	struct buf out = BUF_INIT;

	must(selector_parse(&again, text, NULL) == E_OK);
	selector_print(again, &out);
	must(str_eq(buf_view(&out), text));
	must(selector_compare(s, s) == 0 && selector_compare(again, again) == 0);
	buf_fini(&out);
	selector_free(again);
}

static struct str own_key;

static int is_own_key(void *arg, struct str key)
{
	*(bool *)arg |= selector_key_eq(own_key, key);
	return E_OK;
}

static int no_index(void *arg, int64_t index)
{
	(void)arg;
	must(index >= 0);
	return E_OK;
}

static bool reaches(const struct selector *s, struct str key, enum pii_flag flag)
{
	struct pii_state states[] = {{.index = -1},
		{.key = STR("user"), .index = -1, .types = TYPE_BIT(TYPE_USER)},
		{.index = 0, .types = TYPE_BIT(TYPE_ARRAY)},
		{.key = key, .index = -1, .types = TYPE_BIT(TYPE_STRING), .flag = flag}};

	return selector_matches(s, states, 4);
}

/* A key that it does not name is like any other that it does not name. */
static void match(const struct selector *s, struct str key)
{
	bool is_named = false;

	own_key = key;
	must(selector_each_name(s, is_own_key, no_index, &is_named) == E_OK);
	must(!reaches(s, key, PII_FALSE));
	own_key = STR("\x01no\x01");
	for (int flag = PII_TRUE; flag < PII_FALSE && !is_named; flag++) {
		bool also = false;

		must(selector_each_name(s, is_own_key, no_index, &also) == E_OK);
		must(also || reaches(s, key, (enum pii_flag)flag) ==
				     reaches(s, own_key, (enum pii_flag)flag));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	size_t line = str_find_char(text, '\n');
	struct selector *s;
	struct err err = {0};
	struct buf out = BUF_INIT;

	if (selector_parse(&s, str_first(text, line), &err) != E_OK) {
		must(s == NULL && err.text[0] != '\0');
		return 0;
	}
	selector_print(s, &out);
	must(buf_ok(&out));
	compare(s, buf_view(&out));
	match(s, line < text.n ? str_from(text, line + 1) : STR("password"));
	buf_fini(&out);
	selector_free(s);
	return 0;
}
