/* route.h - which project of which upstream an envelope goes to (design 5).
 *
 * Pure: settings and the sender's facts in, a DSN out. The first of four ways
 * that applies decides: a [project] that names the client's key, [upstream]
 * dsn, [upstream] url with the client's own key and project, or a refusal that
 * says which setting would allow it.
 *
 * Owns     nothing; results live in the arena given.
 * Threads  any.
 * Fails    E_DENIED        no setting allows this sender (answer 403)
 *          E_UNAUTHORIZED  no key, and the way taken needs one (answer 401)
 *          E_INVAL         the client's key cannot be one of the upstream's (400)
 *          E_NOMEM
 */
#ifndef PICKET_PROCESS_ROUTE_H
#define PICKET_PROCESS_ROUTE_H

#include "config/settings.h"
#include "envelope/dsn.h"
#include "envelope/envelope.h"

struct route {
	struct dsn dsn;  /* upstream; views into the settings or the arena */
	struct str text; /* the same as dsn_format() writes it */
	bool key_changed;
	bool project_changed;
};

/* dev: without any upstream everything goes to the local view. */
int route_find(const struct settings *s, const struct sender *from, bool dev, struct arena *a,
	struct route *ret, struct err *err);

/* To a [project NAME], whatever the sender's key: what rules ask for. E_NOTFOUND:
 * these settings have no such project. */
int route_to_project(const struct settings *s, const char *name, const struct sender *from,
	struct arena *a, struct route *ret, struct err *err);

/* Makes the envelope header agree with the route: "dsn" becomes the upstream's
 * (P-058), the DSC's public_key follows when it was the client's own key. */
int route_apply(struct envelope *e, const struct route *r, struct err *err);

/* The DSN that stands for the local view of --dev. */
struct str route_local_dsn(void);

#endif
