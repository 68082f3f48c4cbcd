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

/* What is called for every few bytes of input is inline. */

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Ignores the case of ASCII letters. */
bool str_ieq(struct str a, struct str b);

/* The part from offset on / of at most n bytes; offsets are clamped. */
static inline struct str str_from(struct str s, size_t offset)
{
	if (offset >= s.n)
		return str_make(s.p != NULL ? s.p + s.n : NULL, 0);
	return str_make(s.p + offset, s.n - offset);
}

static inline struct str str_first(struct str s, size_t n)
{
	return str_make(s.p, n < s.n ? n : s.n);
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_first(s, prefix.n), prefix);
}

static inline bool str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_ieq(str_first(s, prefix.n), prefix);
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

/* Offset of the first c, or s.n when there is none. */
static inline size_t str_find_char(struct str s, char c)
{
	const char *hit = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

/* Offset of the first needle, or s.n when there is none. */
size_t str_find(struct str s, struct str needle);

static inline bool str_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without spaces, tabs, CR and LF at both ends. */
static inline struct str str_trim(struct str s)
{
	while (s.n > 0 && str_is_blank(s.p[0]))
		s = str_make(s.p + 1, s.n - 1);
	while (s.n > 0 && str_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Takes the text before the next sep off the front of *rest, sep included.
 * The last piece is all of *rest. False when *rest is exhausted (p == NULL). */
bool str_cut(struct str *rest, char sep, struct str *piece);

/* Whole text as an unsigned decimal number not above max. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

/* True when the bytes are well-formed UTF-8 (no surrogates, no overlongs). */
bool str_is_utf8(struct str s);

#endif
