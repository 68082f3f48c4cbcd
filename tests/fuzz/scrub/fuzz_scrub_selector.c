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

/* Every node it matches has one of its keys. */
static void match(const struct selector *s, struct str key)
{
	struct pii_state states[] = {{.index = -1},
		{.key = STR("user"), .index = -1, .types = TYPE_BIT(TYPE_USER)},
		{.index = 0, .types = TYPE_BIT(TYPE_ARRAY)},
		{.key = key, .index = -1, .types = TYPE_BIT(TYPE_STRING)}};
	uint64_t bits[SELECTOR_KEY_WORDS] = {0};
	bool by_key = selector_key_bits(s, bits);
	unsigned bit = selector_key_bit(key);

	for (int flag = PII_TRUE; flag <= PII_FALSE; flag++) {
		states[3].flag = (enum pii_flag)flag;
		if (!selector_matches(s, states, 4))
			continue;
		must(flag != PII_FALSE);
		must(!by_key || (bits[bit / 64] >> (bit % 64) & 1) != 0);
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
