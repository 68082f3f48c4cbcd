/* lines.h - the control socket from the other side: lines out, lines in.
 *
 * What the lines say is the caller's business (ops/control.h tells the form).
 *
 * Owns     its buffer, until lines_fini(). Not the descriptor.
 * Threads  any, one at a time.
 * Fails    as stream.h; E_NET when the daemon ends before a line is whole,
 *          E_TOOBIG for a line beyond 64 MiB
 */
#ifndef PICKET_CLIENT_LINES_H
#define PICKET_CLIENT_LINES_H

#include "client/stream.h"

struct lines {
	int fd;
	struct buf in;
	size_t used; /* bytes of in that were given out */
};

void lines_init(struct lines *l, int fd);
void lines_fini(struct lines *l);

/* Writes line and a line feed. */
int lines_write(struct lines *l, struct str line, struct deadline d, struct err *err);
/* The next line, without its line feed; valid until the next call. */
int lines_read(struct lines *l, struct deadline d, struct str *line, struct err *err);

#endif
