/* str.h - a borrowed run of bytes.
 *
 * struct str points into memory somebody else owns; it may hold any byte,
 * NUL among them, and is not terminated.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_BASE_STR_H
#define PICKET_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* For literals only: STR("sentry_key"). */
#define STR(lit)  ((struct str){(lit), sizeof(lit) - 1})
#define STR_EMPTY ((struct str){NULL, 0})

/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) ((int)(s).n), ((s).p != NULL ? (s).p : "")

static inline struct str str_of(const char *cstr)
{
	return (struct str){cstr, cstr != NULL ? strlen(cstr) : 0};
}

static inline struct str str_make(const char *p, size_t n)
{
	return (struct str){p, n};
}

bool str_eq(struct str a, struct str b);
/* Ignores the case of ASCII letters. */
bool str_ieq(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Offset of the first c, or s.n when there is none. */
size_t str_find_char(struct str s, char c);
/* Offset of the first needle, or s.n when there is none. */
size_t str_find(struct str s, struct str needle);

/* The part from offset on / of at most n bytes; offsets are clamped. */
struct str str_from(struct str s, size_t offset);
struct str str_first(struct str s, size_t n);

/* Without spaces, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);

/* Takes the text before the next sep off the front of *rest, sep included.
 * The last piece is all of *rest. False when *rest is exhausted (p == NULL). */
bool str_cut(struct str *rest, char sep, struct str *piece);

/* Whole text as an unsigned decimal number not above max. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

/* True when the bytes are well-formed UTF-8 (no surrogates, no overlongs). */
bool str_is_utf8(struct str s);

#endif
