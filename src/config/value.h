/* value.h - one value of a setting: from text, to text.
 *
 * Owns     nothing; texts and lists live in the arena.
 * Threads  any.
 * Fails    E_INVAL with "\"value\" reason (remedy)"; E_NOMEM
 */
#ifndef PICKET_CONFIG_VALUE_H
#define PICKET_CONFIG_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "config/settings.h"

struct value_text {
	struct str text;  /* NUL-terminated past its end, trimmed */
	struct str shown; /* what an error sentence may show of it */
};

/* Units of SIZE and DURATION, largest first. */
#define VALUE_UNITS 5u
struct value_unit {
	const char *name;
	uint64_t factor;
};
extern const struct value_unit value_size_units[VALUE_UNITS];
extern const struct value_unit value_duration_units[VALUE_UNITS];

/* Writes the field of info's type, checked against its range. */
int value_parse(const struct setting_info *info, const struct value_text *v, void *field,
	struct arena *a, struct err *err);

/* Appends a text so that a file gives it back: no comment, no expansion. */
void value_format_text(struct buf *out, struct str s);
/* Appends the value as a file has it behind "key =": with a blank in front, or
 * on lines of its own; nothing at all when it is empty. */
void value_format(
	const struct setting_info *info, const void *field, bool secrets, struct buf *out);

/* Appends a text so that reading it gives the same. */
void value_format_text(struct buf *out, struct str s);

bool value_eq(const struct setting_info *info, const void *a, const void *b);

#endif
