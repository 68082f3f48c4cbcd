/* fields.h - header lines of a request, and what their values hold.
 *
 * Lines are "Name: value\n" each, as struct carried has them.
 *
 * Owns     nothing: views, or arena memory where text had to be changed.
 * Threads  any.
 * Fails    E_NOMEM
 */
#ifndef PICKET_ENDPOINT_FIELDS_H
#define PICKET_ENDPOINT_FIELDS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Value of the first line with this name, trimmed; "" when there is none. */
struct str fields_get(struct str lines, struct str name);

/* What may go on to the upstream (20.8): everything but what belongs to this
 * connection or is written anew, what names or vouches for the client (that
 * travels in struct sender), and whatever could hold a secret: credentials are
 * never stored. */
int fields_filter(struct str lines, struct arena *a, struct str *ret);

/* True when the media type is this one, whatever its parameters. */
bool media_is(struct str content_type, struct str type);
/* A parameter of a header value like 'form-data; name="x"', unquoted. p == NULL
 * and E_OK when it is not there. */
int media_parameter(struct str value, struct str name, struct arena *a, struct str *ret);

#endif
