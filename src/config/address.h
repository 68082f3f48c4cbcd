/* address.h - host and port as a person writes them.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_CONFIG_ADDRESS_H
#define PICKET_CONFIG_ADDRESS_H

#include <stdbool.h>

#include "base/str.h"

enum address_port { ADDRESS_PORT_OPTIONAL, ADDRESS_PORT_NEEDED };

/* "name", "192.0.2.1" or "[2001:db8::1]", and ":port" 0 to 65535. */
bool address_is_host_port(struct str s, enum address_port port);

#endif
