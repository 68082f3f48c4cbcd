/* support.h - what the tests of this room share. Include after cmocka.h. */
#ifndef PICKET_UNIT_ENVELOPE_SUPPORT_H
#define PICKET_UNIT_ENVELOPE_SUPPORT_H

#include "base/err.h"
#include "base/str.h"
#include "envelope/envelope.h"

/* A literal that may hold NUL bytes. */
#define LIT(s)      str_make((s), sizeof(s) - 1)
#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

static inline void assert_str_at(struct str got, const char *want, const char *file, int line)
{
	if (str_eq(got, str_of(want)))
		return;
	print_error("\"%.*s\", not \"%s\"\n", STR_ARG(got), want);
	_fail(file, line);
}
#define assert_str(got, want) assert_str_at((got), (want), __FILE__, __LINE__)

static inline struct envelope *parsed(struct str body)
{
	struct envelope *e = envelope_new();
	struct err err = {0};

	assert_non_null(e);
	if (envelope_parse(e, body, NULL, &err) != E_OK)
		fail_msg("%.*s: %s", STR_ARG(str_first(body, 80)), err.text);
	return e;
}

#endif
