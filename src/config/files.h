/* files.h - the files of conf.d.
 *
 * Owns     nothing; names live in the arena.
 * Threads  any; it blocks.
 * Fails    E_DENIED, E_IO  with "DIR: reason";  E_TOOBIG  too many files
 */
#ifndef PICKET_CONFIG_FILES_H
#define PICKET_CONFIG_FILES_H

#include "base/arena.h"
#include "base/err.h"
#include "config/settings.h"

/* dir/conf.d/NAME.conf in order of name, byte by byte; hidden files are left
 * out. A missing directory has none. */
int files_of_conf_d(const char *dir, struct arena *a, struct str_list *ret, struct err *err);

#endif
