/* post.h - handing one envelope to the daemon.
 *
 * Owns     nothing.
 * Threads  one.
 */
#ifndef PICKET_CLI_POST_H
#define PICKET_CLI_POST_H

#include "base/buf.h"
#include "cli/cli.h"

/* Which key and project a request carries. */
struct post_as {
	char key[65];     /* "": the envelope's own dsn is the credential */
	char project[21]; /* digits */
};

/* From PICKET_DSN or SENTRY_DSN, else a project the daemon knows, else "picket"
 * and 1. EX_OK or the exit code of a DSN that cannot be read. */
int post_as_default(struct cli *c, struct post_as *as);

/* Posts envelope and prints why it was not taken. answer (an initialised buf)
 * gets the daemon's JSON when there is one. */
int post_envelope(struct cli *c, const struct post_as *as, struct str envelope, struct buf *answer);

#endif
