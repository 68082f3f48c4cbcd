/* class_sets.h - families of exceptions that people ignore together.
 *
 * An event tells the class that was raised, not what it inherits from: a set
 * names the members.
 *
 * Owns     nothing but static tables; split words are arena memory.
 * Threads  any.
 */
#ifndef PICKET_PROCESS_CLASS_SETS_H
#define PICKET_PROCESS_CLASS_SETS_H

#include "base/arena.h"
#include "config/settings.h"

/* The i-th set that comes with picket, or NULL after the last. */
const char *class_set_name(size_t i);
const char *class_set_words(size_t i);

/* Names separated by blanks and commas. E_NOMEM. */
int class_set_split(struct str words, struct arena *a, struct str_list *ret);

#endif
