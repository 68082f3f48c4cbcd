/* file.h - a small file, read whole.
 *
 * Owns     nothing.
 * Threads  any; it blocks.
 * Fails    E_NOTFOUND, E_DENIED, E_IO  with "PATH: reason"
 *          E_TOOBIG  more than max bytes;  E_NOMEM
 *          E_TIMEOUT  of file_read_soon
 */
#ifndef PICKET_BASE_FILE_H
#define PICKET_BASE_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the content of path to out. Pipes and devices are read to their end. */
int file_read(const char *path, size_t max_bytes, struct buf *out, struct err *err);

/* The same for who must go on: a pipe that stays silent for a second is an error. */
int file_read_soon(const char *path, size_t max_bytes, struct buf *out, struct err *err);

#endif
