/* file.h - a small file, read whole.
 *
 * Owns     nothing.
 * Threads  any; it blocks.
 * Fails    E_NOTFOUND, E_DENIED, E_IO  with "PATH: reason"
 *          E_TOOBIG  more than max bytes;  E_NOMEM
 */
#ifndef PICKET_CONFIG_FILE_H
#define PICKET_CONFIG_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the content of path to out. Pipes and devices are read to their end. */
int file_read(const char *path, size_t max_bytes, struct buf *out, struct err *err);

#endif
