/* show.h - figures, times and foreign text as a person reads them.
 *
 * Text that came from outside never reaches a terminal as it is: control
 * characters become "?", or "\xNN" where nothing may be lost.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_CLI_SHOW_H
#define PICKET_CLI_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "base/str.h"

#define SHOW_BYTES 32

/* "4.2 KiB", "512 B". Returns out. */
const char *show_size(char out[SHOW_BYTES], uint64_t bytes);
/* "3 s", "12 min", "5 h 3 min", "2 d 4 h". Returns out. */
const char *show_span(char out[SHOW_BYTES], int64_t seconds);
/* "2026-01-31 12:00:01" in local time. Returns out. */
const char *show_time(char out[SHOW_BYTES], int64_t wall_ms);

/* "1 envelope", "3 envelopes". Returns out. */
const char *show_envelopes(char out[SHOW_BYTES], int64_t n);

/* One line of text, control characters as "?". */
void show_text(FILE *to, struct str s);
/* Several lines: tabs and line feeds stay, other control characters and bytes
 * that are not UTF-8 as \xNN. */
void show_lines(FILE *to, struct str s);

/* Members of JSON answers: "" and 0 when they are not there. */
const char *show_get_text(const json_t *object, const char *key);
int64_t show_get_int(const json_t *object, const char *key);

#endif
