/* reader.h - the words of the rule language. For the files of src/rules.
 *
 * Everything that can be written in "when" and "then" is read by a function of
 * this header. After a failure err has a sentence and bad the offset it is about;
 * reader_place() puts line and column in front.
 *
 * Owns     nothing; what is read lives in the arena of the fields.
 * Threads  one at a time.
 * Fails    E_SYNTAX, E_TOOBIG, E_NOMEM
 */
#ifndef PICKET_RULES_READER_H
#define PICKET_RULES_READER_H

#include "rules/program.h"

#define RULE_TEXT_MAX  ((size_t)64 * 1024)
#define RULE_DEPTH_MAX 256u
#define PATH_STEPS_MAX 64u
#define PATH_EACH_MAX  8u

struct reader {
	struct rule_fields *fields;
	struct str text;
	size_t at;
	size_t bad;
	unsigned depth;
	struct err *err;
};

/* Where an offset is, both from 1; columns count characters. */
void reader_place(struct str text, size_t offset, unsigned *line, unsigned *column);
/* "column 14: " or "line 2, column 5: " in front of the sentence. Returns rc. */
int reader_explain(const struct reader *r, int rc);

/* E_SYNTAX about the place at. */
int reader_fail(struct reader *r, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int reader_no_memory(struct reader *r);
/* "expected WHAT, not X" about where reading stands. */
int reader_expected(struct reader *r, const char *what);

void reader_blanks(struct reader *r);
bool reader_end(struct reader *r);
/* The word that stands here, not taken; "" for none. */
struct str reader_peek(struct reader *r);
/* Takes word if it stands here, as a whole. */
bool reader_word(struct reader *r, const char *word);
/* Takes a character or a pair of them. */
bool reader_char(struct reader *r, const char *chars);
int reader_need_char(struct reader *r, const char *c, const char *what);

/* "text" with \" \\ \n \r \t, other backslashes standing for themselves, or
 * 'text' as it is. */
int reader_text(struct reader *r, const char *what, struct str *ret);
/* Digits with an optional fraction, exponent and unit. */
bool reader_at_number(struct reader *r);
int reader_number(struct reader *r, struct rule_value *ret);
/* Text, number, true, false, null; not a path. *taken false: none of these. */
int reader_literal(struct reader *r, struct rule_value *ret, bool *taken);
/* True where a path may begin. */
bool reader_at_path(struct reader *r);
/* A path, finished. */
int reader_path(struct reader *r, struct rule_path *ret);
int reader_operand(struct reader *r, const char *what, struct rule_operand *ret);
/* "(a, b)" or, when alone is true, also a single one. */
int reader_list(
	struct reader *r, bool alone, const char *what, struct rule_operand **ret, size_t *n);
int reader_regex(struct reader *r, bool any_case, const struct rule_regex **ret);

/* A whole condition, up to where it cannot go on. */
int reader_condition(struct reader *r, struct condition **ret);

#endif
