/* guard.h - who may talk to the daemon at all (design 4).
 *
 * A web page open in somebody's browser can reach loopback too. It is kept out
 * twice: it must not post (Origin), and it must not get here under a name of
 * its own (Host, "DNS rebinding"). Unix sockets know their peer's user.
 *
 * Owns     struct guard_uids owns its array.
 * Threads  any; names of users are looked up at start and reload only.
 * Fails    E_INVAL  a user that does not exist
 */
#ifndef PICKET_INGEST_GUARD_H
#define PICKET_INGEST_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "config/settings.h"

/* host: value of Host, with or without port. */
bool guard_host(struct str host, const struct str_list *allow_host);

/* True when the page may post. *any: because everybody may ("*"). */
bool guard_origin(struct str origin, const struct str_list *allow_origin, bool *any);

struct guard_uids {
	bool all; /* no list was given */
	size_t n;
	int64_t *v;
};

int guard_uids_init(struct guard_uids *g, const struct str_list *allow_uid, struct err *err);
void guard_uids_fini(struct guard_uids *g);
bool guard_uid(const struct guard_uids *g, int64_t uid);

#endif
