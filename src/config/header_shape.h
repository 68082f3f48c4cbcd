/* header_shape.h - which request headers an operator may add.
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_INVAL with a reason that names the header, never its value
 */
#ifndef PICKET_CONFIG_HEADER_SHAPE_H
#define PICKET_CONFIG_HEADER_SHAPE_H

#include "base/err.h"
#include "base/str.h"

/* "Name: value", not one that belongs to the connection, the body or the login. */
int shape_header(struct str line, struct err *err);

#endif
