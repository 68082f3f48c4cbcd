/* inifile.h - one INI file: inih's grammar without its silent cuts.
 *
 * inih reads the text; in front of it every line is looked at, so that nothing
 * inih would cut or drop (long lines and names, text behind " ;" or "]") gets
 * by, and each value is known by its line. What inih makes of a line is then
 * compared with what stood there.
 *
 * Owns     nothing; views given to the callbacks end with them.
 * Threads  any.
 * Fails    E_INVAL with "FILE:LINE: reason (remedy)"; E_NOMEM; what a callback
 *          returned
 */
#ifndef PICKET_CONFIG_INIFILE_H
#define PICKET_CONFIG_INIFILE_H

#include "base/err.h"
#include "base/str.h"
#include "config/settings.h"

struct ini_events {
	/* A [section] line; name is trimmed. */
	int (*section)(void *arg, struct str name, unsigned line);
	/* A whole value; lines of a multi-line one are separated by \n. */
	int (*pair)(void *arg, struct str name, struct str value, unsigned line);
	/* Before each pair: where the lines of its value stand. May be NULL. */
	void (*lines)(void *arg, const struct setting_line *v, size_t n);
	void *arg;
};

int ini_text_parse(
	const char *file, struct str text, const struct ini_events *events, struct err *err);

#endif
