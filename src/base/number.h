/* number.h - decimal numbers as text, in the C locale, which
 * no part of picket leaves.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_BASE_NUMBER_H
#define PICKET_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define NUMBER_BYTES 32

/* All of s as a JSON number (digits, one dot, an exponent; no hex, no blanks,
 * no infinity). False for anything else and for what no double can hold. */
bool number_parse(struct str s, double *ret);

/* The shortest decimal that reads back to exactly v, which must be finite. */
void number_format(double v, char out[NUMBER_BYTES]);

#define NUMBER_DIGITS 20

/* v in decimal; the text is in out. */
struct str number_decimal(uint64_t v, char out[NUMBER_DIGITS]);

#endif
