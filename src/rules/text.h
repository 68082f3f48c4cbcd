/* text.h - tests on texts: case, globs, networks. For the files of src/rules,
 * and for whoever matches globs as rules do.
 *
 * "Any case" means ASCII letters; regular expressions know all of Unicode.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_RULES_TEXT_H
#define PICKET_RULES_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

bool text_eq(struct str a, struct str b, bool any_case);
bool text_contains(struct str s, struct str part, bool any_case);
bool text_starts(struct str s, struct str part, bool any_case);
bool text_ends(struct str s, struct str part, bool any_case);
/* * for any run of bytes, ? for one, [a-z] and [!a-z] for one of a set; \ takes
 * the next as it is. Linear but for the number of stars. */
bool text_glob(struct str pattern, struct str s, bool any_case);
/* In arena memory; p == NULL when that is exhausted. */
struct str text_lower(struct arena *a, struct str s);
/* Code points; a byte that is none counts as one. */
uint64_t text_length(struct str s);

struct network {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;
};
/* "10.0.0.0/8", "::1", "fe80::/10" */
bool network_parse(struct str s, struct network *ret);
/* False with *is_address false when s is no address. */
bool network_has(const struct network *n, struct str s, bool *is_address);

#endif
